//! The rows that switch elements on most: as a table, and as cards on a page.

use std::collections::BTreeSet;

use crate::activations::Rows;
use crate::error::Result;
use crate::text::number;
use crate::workbench::activity::Activity;
use crate::workbench::tokens::Tokens;

crate::rows! {
    /// The rows that switch elements on most; a training shows some elements of its first model, on the rows that
    /// models are measured on.
    pub struct Top in "top" {
        /// number of the element
        element: usize [""],
        /// 1 for the row that switches the element on most, 2 for the next one, and so on
        place: usize [""],
        /// number of the row over all files, from 0, those that are left out counted
        row: u64 [""],
        /// activation: the entry of the code
        activation: f64 ["1"],
        /// token of the row; empty without --tokens
        token: String [""],
        /// text before it
        before: String [""],
        /// text after it
        after: String [""],
    }
}

/// Returns the top rows of some elements, by their activity on `rows`, with their tokens if there are any.
///
/// # Errors
/// If the tokens cannot be read any more.
pub fn tops(
    activity: &Activity,
    elements: &[usize],
    rows: &Rows,
    tokens: Option<&Tokens>,
) -> Result<Vec<Top>> {
    let top = |&element: &usize| {
        let top = activity.elements[element].top.iter();
        top.map(|&(activation, row)| (activation, rows.in_files(row)))
    };
    let wanted: BTreeSet<u64> = elements.iter().flat_map(top).map(|top| top.1).collect();
    let tokens = tokens.map(|tokens| tokens.of(&wanted)).transpose()?;
    let each = elements.iter().flat_map(|element| {
        let ours = top(element).zip(1..);
        ours.map(|((activation, row), place)| {
            let token = tokens.as_ref().and_then(|tokens| tokens.get(&row));
            let token = token.cloned().unwrap_or_default();
            Top {
                element: *element,
                place,
                row,
                activation: activation.into(),
                token: token.token,
                before: token.before,
                after: token.after,
            }
        })
    });
    Ok(each.collect())
}

/// Returns the different tokens of some top rows, in the order in which they come.
pub fn distinct(tops: &[Top]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    let tokens = tops.iter().map(|top| top.token.trim());
    tokens.filter(|token| seen.insert(*token)).collect()
}

/// The card of an element: what a page shows of it.
#[derive(Debug)]
pub struct Card {
    /// The number of the element.
    pub element: usize,
    /// The first tokens of the element's top rows, or an empty text.
    pub preview: String,
    /// Statements of how often and how strongly the element is active.
    pub facts: Vec<String>,
    /// The other element that is nearest: its number, its cosine, and whether the page shows it.
    pub nearest: Option<(usize, String, bool)>,
    /// The top rows of the element.
    pub rows: Vec<CardRow>,
}

/// A top row as a card shows it.
#[derive(Debug)]
pub struct CardRow {
    activation: String,
    name: String,
    token: String,
    before: String,
    after: String,
}

/// The largest number of tokens in a preview.
const PREVIEW: usize = 6;

impl Card {
    /// Returns the card of an element with these top rows.
    pub fn new(element: usize, tops: &[Top], rows: &Rows) -> Card {
        let tokens = distinct(tops);
        let mut preview = tokens[..tokens.len().min(PREVIEW)].join(" · ");
        if tokens.len() > PREVIEW {
            preview += " …";
        }
        Card {
            element,
            preview,
            facts: Vec::new(),
            nearest: None,
            rows: tops.iter().map(|top| CardRow::new(top, rows)).collect(),
        }
    }
}

impl CardRow {
    fn new(top: &Top, rows: &Rows) -> CardRow {
        CardRow {
            activation: number(top.activation),
            name: rows.name_in_files(top.row),
            token: top.token.clone(),
            before: top.before.clone(),
            after: top.after.clone(),
        }
    }

    /// Returns the activation of the element on the row.
    pub fn activation(&self) -> &str {
        &self.activation
    }

    /// Returns the file of the row, and its number in the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the text before the token of the row, the token, and the text after it; `None` if all are empty.
    pub fn text(&self) -> Option<[&str; 3]> {
        let text = [&*self.before, &self.token, &self.after];
        (text != [""; 3]).then_some(text)
    }
}
