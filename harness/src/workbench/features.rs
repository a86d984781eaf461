//! The elements of a dictionary on rows of activations: how often each is active, how strongly, and on which rows most.

use std::collections::BTreeSet;

use askama::Template;
use kernels::sae::{Parameters, Variant};
use kernels::{Exec, dictionary};
use serde_json::{Value, json};

use crate::activations::Rows;
use crate::error::Result;
use crate::figure::export::Export;
use crate::figure::{Axis, Figure, Panel, Role};
use crate::html::Drawing;
use crate::interchange;
use crate::sae::reading;
use crate::session::progress::Progress;
use crate::store::folder::Folder;
use crate::table::record::TableSpec;
use crate::table::{Record as _, Table, describe};
use crate::text::{number, percent};
use crate::workbench::activity::Activity;
use crate::workbench::cards::{self, Card, Top, distinct};
use crate::workbench::figures::log_histogram;
use crate::workbench::nearest::nearest;
use crate::workbench::page;
use crate::workbench::tokens::Tokens;

/// The tables of `harness sae features`.
pub const SPECS: [&TableSpec; 2] = [Feature::SPEC, Top::SPEC];

/// The name of the file of the page.
pub const PAGE: &str = "features.html";

crate::rows! {
    /// Every element of the dictionary.
    pub struct Feature in "features" {
        /// number of the element
        element: usize [""],
        /// share of the rows that switch it on
        frequency: f64 ["1"],
        /// activation, mean over the rows that switch it on; 0 if none does
        mean: f64 ["1"],
        /// largest activation; 0 if no row switches it on
        largest: f64 ["1"],
        /// its share of Σ (activation × norm of the decoder's row)² over all rows and elements
        share: f64 ["1"],
        /// largest cosine of its decoder's row with that of another element; NaN if there is no other
        nearest: f64 ["1"],
        /// number of that element; empty if there is no other
        nearest_element: String [""],
        /// different tokens among its top rows; 0 without --tokens
        tokens: usize ["tokens"],
    }
}

/// The numbers of rows that are kept and of elements that are shown.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// The largest number of rows that are kept for an element.
    pub top: usize,
    /// The largest number of elements that the page shows of each band of frequencies.
    pub shown: usize,
}

/// The elements of a dictionary, and their top rows.
#[derive(Debug)]
pub struct Features {
    /// The row of every element.
    pub features: Vec<Feature>,
    /// The top rows of the elements, element after element.
    tops: Vec<Top>,
    rows: u64,
}

impl Features {
    /// Returns the estimated memory beside the model, in bytes.
    pub fn memory(parameters: &Parameters, sizes: Sizes) -> f64 {
        let n = parameters.shape().dictionary;
        let row = 200.0 + size_of::<Top>() as f64;
        // The first term is the rows themselves, the second the text that is written of them.
        Activity::memory(n, sizes.top) + 4.0 * row * (n * sizes.top) as f64
    }

    /// Measures the elements of a model on all rows. Each row is a unit of progress.
    ///
    /// # Errors
    /// If a row cannot be read or holds a value that is not finite, or the tokens cannot be read.
    pub fn of(
        exec: Exec,
        parameters: &Parameters,
        rows: &Rows,
        tokens: Option<&Tokens>,
        sizes: Sizes,
        progress: &Progress,
    ) -> Result<Features> {
        let activity = Activity::of_all(exec, parameters, rows, sizes.top, progress)?;
        let n = activity.elements.len();
        let all: Vec<usize> = (0..n).collect();
        let tops = cards::tops(&activity, &all, rows, tokens)?;
        let mut norms = vec![1f32; n];
        // The codes of tied models count elements of norm 1.
        if !matches!(parameters.variant(), Variant::TiedL1(_)) {
            dictionary::norms(exec, parameters.dictionary(), &mut norms);
        }
        let weight = |j: usize| activity.elements[j].squares * f64::from(norms[j]).powi(2);
        let weights: f64 = all.iter().map(|&j| weight(j)).sum();
        let unit = reading::elements(exec, parameters);
        let near = nearest(exec, &unit, &unit, parameters.shape().width, true);
        let features = all.iter().map(|&j| {
            let active = &activity.elements[j];
            Feature {
                element: j,
                frequency: active.firings as f64 / activity.rows as f64,
                mean: active.mean(),
                largest: active.largest(),
                share: if weights > 0.0 {
                    weight(j) / weights
                } else {
                    0.0
                },
                nearest: near[j].map_or(f64::NAN, |(_, cosine)| cosine.into()),
                nearest_element: near[j].map_or(String::new(), |(other, _)| other.to_string()),
                tokens: match tokens {
                    Some(_) => distinct(of_element(&tops, j)).len(),
                    None => 0,
                },
            }
        });
        Ok(Features {
            features: features.collect(),
            rows: activity.rows,
            tops,
        })
    }

    /// Returns the number of elements that no row switches on.
    pub fn dead(&self) -> usize {
        self.features.iter().filter(|f| f.frequency == 0.0).count()
    }

    /// Writes the tables, the JSON file and the page to a folder.
    ///
    /// # Errors
    /// If one of them cannot be written.
    pub fn write(
        &self,
        (folder, export): (&Folder, &Export),
        (name, parameters): (&str, &Parameters),
        rows: &Rows,
        sizes: Sizes,
    ) -> Result<()> {
        let about = describe::columns(
            "The elements of a dictionary",
            &format!("Of {name}, by `harness sae features`."),
            SPECS,
        );
        folder.write("README.md", about)?;
        folder.write("features.csv", Table::of(&self.features).csv())?;
        folder.write("top.csv", Table::of(&self.tops).csv())?;
        folder.write("features.json", self.json())?;
        let drawings = page::drawings(folder, export, self.figures())?;
        let page = Page {
            name,
            facts: vec![
                ("variant", interchange::name(parameters.variant()).into()),
                ("elements", self.features.len().to_string()),
                ("dead", self.dead().to_string()),
                ("width", rows.width().to_string()),
                ("rows", self.rows.to_string()),
            ],
            shown: sizes.shown,
            bands: self.bands(rows, sizes.shown),
            drawings,
            files: SPECS.iter().map(|spec| spec.name).collect(),
        };
        folder.write(PAGE, page.render().expect("the page is written to memory"))
    }

    /// Returns a JSON list of objects, one for each element, each with its top rows.
    fn json(&self) -> String {
        let number = |value: f64| {
            if value.is_finite() {
                json!(value)
            } else {
                Value::Null
            }
        };
        let each = self.features.iter().map(|f| {
            let tops = of_element(&self.tops, f.element).iter().map(|top| {
                let mut row = json!({"row": top.row, "activation": number(top.activation)});
                if ![&top.token, &top.before, &top.after]
                    .iter()
                    .all(|t| t.is_empty())
                {
                    row["token"] = json!(top.token);
                    row["before"] = json!(top.before);
                    row["after"] = json!(top.after);
                }
                row
            });
            json!({
                "element": f.element,
                "frequency": number(f.frequency),
                "mean": number(f.mean),
                "largest": number(f.largest),
                "share": number(f.share),
                "nearest": number(f.nearest),
                "nearest_element": f.nearest_element.parse::<u64>().ok(),
                "top": tops.collect::<Vec<_>>(),
            })
        });
        let all: Vec<Value> = each.collect();
        serde_json::to_string_pretty(&all).expect("numbers and words") + "\n"
    }

    fn figures(&self) -> Vec<Figure> {
        let living = || self.features.iter().filter(|f| f.frequency > 0.0);
        let density = Panel::new(
            "",
            Axis::linear("log₁₀ of the share of rows").range(-6.0, 0.0),
            Axis::linear("share of the elements"),
        );
        let frequencies = self.features.iter().map(|f| f.frequency);
        let density = density.bars(Role::Other(0), "", log_histogram(frequencies));
        let strength = Panel::new(
            "",
            Axis::log("share of the rows that switch it on"),
            Axis::log("activation"),
        );
        let strength = strength
            .scatter(
                Role::Other(1),
                "largest",
                living().map(|f| (f.frequency, f.largest)),
            )
            .scatter(
                Role::Other(0),
                "mean",
                living().map(|f| (f.frequency, f.mean)),
            );
        let caption = "Bars: share of the elements by the share of rows that switch them on, as a power of ten; those that no \
            row switches on stand in the first bin. Points: for each element that is not dead, its mean and its largest \
            activation against that share.";
        vec![
            Figure::new("features", caption)
                .of::<Feature>()
                .panel(density)
                .panel(strength),
        ]
    }

    /// Returns the elements that the page shows, in bands of how often they are active; in each band the strongest
    /// first.
    fn bands(&self, rows: &Rows, shown: usize) -> Vec<Band> {
        let ours = |(from, to, _): &(f64, f64, &str)| {
            let mut ours: Vec<&Feature> = self.features.iter().collect();
            ours.retain(|f| f.frequency > 0.0 && (*from..*to).contains(&f.frequency));
            ours.sort_by(|a, b| b.share.total_cmp(&a.share));
            ours
        };
        let bands: Vec<_> = BANDS.iter().map(|band| (band.2, ours(band))).collect();
        let first = bands.iter().flat_map(|(_, ours)| ours.iter().take(shown));
        let on_page: BTreeSet<usize> = first.map(|f| f.element).collect();
        let cards = |ours: &[&Feature]| {
            let first = ours.iter().take(shown).map(|f| {
                let mut card = Card::new(f.element, of_element(&self.tops, f.element), rows);
                card.facts = vec![
                    format!("{} of the rows", percent(f.frequency)),
                    format!("mean {}", number(f.mean)),
                    format!("largest {}", number(f.largest)),
                ];
                let other = f.nearest_element.parse().ok();
                card.nearest =
                    other.map(|other| (other, number(f.nearest), on_page.contains(&other)));
                card
            });
            first.collect()
        };
        let filled = bands.iter().filter(|(_, ours)| !ours.is_empty());
        let band = |(name, ours): &(&'static str, Vec<&Feature>)| Band {
            name,
            elements: ours.len(),
            cards: cards(ours),
        };
        filled.map(band).collect()
    }
}

/// The bands of the page, in their order on it: the share of the rows from which a band begins, that at which it ends,
/// and its title.
const BANDS: [(f64, f64, &str); 5] = [
    (1e-3, 1e-2, "On between 1 in 1,000 and 1 in 100 rows"),
    (1e-2, 1e-1, "On between 1 in 100 and 1 in 10 rows"),
    (1e-4, 1e-3, "On between 1 in 10,000 and 1 in 1,000 rows"),
    (0.0, 1e-4, "Rare: on fewer than 1 in 10,000 rows"),
    (1e-1, f64::INFINITY, "Dense: on 1 in 10 rows or more"),
];

/// Returns the rows of an element in a table that is sorted by elements.
fn of_element(tops: &[Top], element: usize) -> &[Top] {
    let from = tops.partition_point(|top| top.element < element);
    let to = tops.partition_point(|top| top.element <= element);
    &tops[from..to]
}

/// A band of elements that are active about as often.
struct Band {
    name: &'static str,
    /// The number of elements in the band.
    elements: usize,
    /// The cards of the elements that are shown.
    cards: Vec<Card>,
}

#[derive(Template)]
#[template(path = "features.html")]
struct Page<'a> {
    name: &'a str,
    facts: Vec<(&'static str, String)>,
    shown: usize,
    bands: Vec<Band>,
    drawings: Vec<Drawing>,
    files: Vec<&'static str>,
}
