//! The rows that switch elements on most: as a table, and as a reader looks at them.

use std::collections::BTreeSet;

use crate::activations::Rows;
use crate::error::Result;
use crate::text::number;
use crate::workbench::activity::Activity;
use crate::workbench::tokens::Tokens;

crate::rows! {
    /// The rows that switch elements on most; a training shows some elements of its first model, on the rows that models
    /// are measured on.
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

/// The top rows of some elements, of the rows that their activity is on, with their tokens if there are any.
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

/// The different tokens of some top rows, in the order in which they come.
pub fn distinct(tops: &[Top]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    let tokens = tops.iter().map(|top| top.token.trim());
    tokens.filter(|token| seen.insert(*token)).collect()
}

/// An element as a page shows it.
#[derive(Debug)]
pub struct Card {
    /// Its number.
    pub element: usize,
    /// The tokens of its top rows, or nothing.
    pub preview: String,
    /// How often and how strongly it is active, in words.
    pub facts: Vec<String>,
    /// The other element that is nearest: its number, its cosine, and whether the page shows it.
    pub nearest: Option<(usize, String, bool)>,
    /// Its top rows.
    pub rows: Vec<CardRow>,
}

/// A row as a page shows it.
#[derive(Debug)]
pub struct CardRow {
    activation: String,
    name: String,
    token: String,
    before: String,
    after: String,
}

/// Tokens in a preview, at most.
const PREVIEW: usize = 6;

impl Card {
    /// The card of an element with these top rows.
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

    /// Its activation.
    pub fn activation(&self) -> &str {
        &self.activation
    }

    /// Its file, and its number there.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its token and the text around it; nothing if there is none.
    pub fn text(&self) -> Option<[&str; 3]> {
        let text = [&*self.before, &self.token, &self.after];
        (text != [""; 3]).then_some(text)
    }
}
