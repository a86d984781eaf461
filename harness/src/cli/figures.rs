//! The option for the formats of figures, for every command that draws.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::error::Result;
use crate::figure::export::{Export, Format};
use crate::table::record::Word as _;

/// The option for the formats of figures. It is no setting, since it changes nothing that a run measures.
#[derive(Debug, Args)]
pub struct FigureArgs {
    /// Formats of figures: png (300 dots to an inch) and pdf, beside svg, which is always written. Labels are drawn
    /// with the fonts of this machine, of which there must be one. A png or pdf of an earlier drawing that is not made
    /// again is removed if the figure has changed [default: svg]
    #[arg(long, value_name = "FORMAT,…", value_delimiter = ',', value_parser = format(), hide_possible_values = true)]
    figures: Vec<Format>,
}

fn format() -> impl TypedValueParser<Value = Format> {
    let words = Format::ALL.iter().map(|format| format.word());
    PossibleValuesParser::new(words).map(|word| word.parse().expect("one of these words"))
}

impl FigureArgs {
    /// Returns the maker of figures in these formats.
    ///
    /// # Errors
    /// If it cannot be made: see [`Export::new`].
    pub fn export(&self) -> Result<Export> {
        Export::new(&self.figures)
    }
}
