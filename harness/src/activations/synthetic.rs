//! Rows of a synthetic model, which never end and are drawn by their numbers.

use kernels::Exec;
use serde_json::{Value, json};

use crate::error::Result;
use crate::sae::synthetic::samples::Samples;
use crate::sae::synthetic::spec::Spec;
use crate::session::progress::{Progress, Show};

/// A synthetic model on the command line.
#[derive(Debug)]
pub struct Synthetic {
    /// What it was called.
    title: String,
    spec: Spec,
    /// Its samples, once its features are drawn.
    samples: Option<Samples>,
}

/// The number of rows: as many as an [order](super::order::Order) can have.
pub const ENDLESS: u64 = 1 << 62;

/// Rows that are looked at to know what all have in common.
pub const SURVEYED: u64 = 1 << 16;

impl Synthetic {
    /// The model of this name, which a reader calls by its title.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str, title: &str) -> Result<Synthetic> {
        Ok(Synthetic {
            title: title.into(),
            spec: Spec::read(name)?,
            samples: None,
        })
    }

    /// Draws its features, which may take a minute.
    ///
    /// # Errors
    /// If it is interrupted.
    pub fn prepare(&mut self, exec: Exec, show: Show) -> Result<()> {
        let progress = Progress::new(format!("features of {}", self.title), show);
        progress.start(self.spec.steps())?;
        self.samples = Some(Samples::new(self.spec.clone(), exec, &progress)?);
        progress.finish();
        Ok(())
    }

    /// Its samples.
    ///
    /// # Panics
    /// If its features are not [drawn](Self::prepare) yet.
    pub fn samples(&self) -> &Samples {
        self.samples.as_ref().expect("features are drawn first")
    }

    /// What it is drawn from.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What it was called.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What the rows are, for a reader.
    pub fn in_words(&self) -> String {
        let width = self.spec.width;
        format!("{}, samples of {width} values without end", self.title)
    }

    /// What the rows are, for a manifest.
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
