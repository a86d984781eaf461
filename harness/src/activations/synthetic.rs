//! Rows of a synthetic model, which never end and are drawn by their numbers.

use kernels::Exec;
use serde_json::{Value, json};

use crate::error::Result;
use crate::sae::synthetic::samples::Samples;
use crate::sae::synthetic::spec::Spec;
use crate::session::progress::{Progress, Show};

/// A synthetic model that was named on the command line.
#[derive(Debug)]
pub struct Synthetic {
    /// The name of the model for a reader.
    title: String,
    spec: Spec,
    /// The samples, once the features are drawn.
    samples: Option<Samples>,
}

/// The number of rows of a synthetic model: as many as an [order](super::order::Order) can have.
pub const ENDLESS: u64 = 1 << 62;

/// The number of rows that are surveyed to know what all have in common.
pub const SURVEYED: u64 = 1 << 16;

impl Synthetic {
    /// Returns the model of the name `name`, which a reader knows by its title.
    ///
    /// # Errors
    /// If there is no such model.
    pub fn named(name: &str, title: &str) -> Result<Synthetic> {
        Ok(Synthetic {
            title: title.into(),
            spec: Spec::read(name)?,
            samples: None,
        })
    }

    /// Draws the features of the model, which may take a minute.
    ///
    /// # Errors
    /// If the user interrupts.
    pub fn prepare(&mut self, exec: Exec, show: Show) -> Result<()> {
        let progress = Progress::new(format!("features of {}", self.title), show);
        progress.start(self.spec.steps())?;
        self.samples = Some(Samples::new(self.spec.clone(), exec, &progress)?);
        progress.finish();
        Ok(())
    }

    /// Returns the samples of the model.
    ///
    /// # Panics
    /// If the features are not [drawn](Self::prepare) yet.
    pub fn samples(&self) -> &Samples {
        self.samples.as_ref().expect("features are drawn first")
    }

    /// Returns the specification that the model is drawn from.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Returns the name of the model for a reader.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns a description of the rows for a reader.
    pub fn in_words(&self) -> String {
        let width = self.spec.width;
        format!("{}, samples of {width} values without end", self.title)
    }

    /// Returns a description of the rows for a manifest.
    pub fn described(&self) -> Value {
        json!([{"path": self.title, "synthetic": self.spec}])
    }

    /// Draws rows by their numbers, each to its place in `to`.
    pub fn gather(&self, rows: impl IntoIterator<Item = u64>, to: &mut [f32]) {
        let rows: Vec<u64> = rows.into_iter().collect();
        let samples = self.samples();
        samples.fill(&rows, &mut to[..rows.len() * self.spec.width]);
    }
}
