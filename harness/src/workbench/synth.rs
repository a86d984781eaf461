//! Writes samples of a synthetic model to files, for other tools.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::interchange::codes::Codes;
use crate::interchange::dense::Dense;
use crate::sae::synthetic::samples::Samples;
use crate::session::progress::Progress;

/// The number of samples that are drawn at once.
const BLOCK: u64 = 4096;

/// The files that samples are written to.
#[derive(Debug)]
pub struct Files {
    samples: Dense,
    codes: Codes,
    features: Dense,
    bias: Dense,
    /// The paths of the files: samples, codes, features and bias.
    pub names: [PathBuf; 4],
}

impl Files {
    /// Creates the files for a number of samples of `width` values and `features` features: `out`, which ends in `.npy`
    /// or `.safetensors`, and beside it the codes of the samples, the features and the bias.
    ///
    /// # Errors
    /// If `out` ends in something else, or one of the files is there or cannot be written.
    pub fn create(out: &Path, samples: u64, width: usize, features: usize) -> Result<Files> {
        let Some(extension) = out.extension().and_then(|e| e.to_str()) else {
            return Err(Error::input(format!(
                "{out} has no ending; samples are written as .npy or .safetensors: --out {out}.npy",
                out = out.display()
            )));
        };
        let beside = |what: &str, extension: &str| {
            let mut name = OsString::from(out.file_stem().unwrap_or_default());
            name.push(format!("-{what}.{extension}"));
            out.with_file_name(name)
        };
        let sparse = if extension == "npy" { "npz" } else { extension };
        let names = [
            out.to_path_buf(),
            beside("codes", sparse),
            beside("features", extension),
            beside("bias", extension),
        ];
        Ok(Files {
            samples: Dense::create(&names[0], "samples", samples, width)?,
            codes: Codes::create(&names[1], features)?,
            features: Dense::create(&names[2], "features", features as u64, width)?,
            bias: Dense::create(&names[3], "bias", 1, width)?,
            names,
        })
    }

    /// Writes the samples 0, 1, …, `count` − 1, their codes, the features and the bias; returns the number of entries
    /// of all codes. A sample is a unit of the progress. Files get their names when all of them are whole.
    ///
    /// # Errors
    /// If something cannot be written, or it is interrupted.
    pub fn write(mut self, samples: &Samples, count: u64, progress: &Progress) -> Result<u64> {
        let features = samples.features();
        (0..features.rows()).try_for_each(|i| self.features.add(features.row(i)))?;
        self.bias.add(samples.bias())?;
        for first in (0..count).step_by(BLOCK as usize) {
            let numbers: Vec<u64> = (first..count.min(first + BLOCK)).collect();
            let batch = samples.batch(&numbers);
            self.samples.add(&batch.x)?;
            self.codes.add(batch.codes(features.rows()))?;
            progress.advance(numbers.len() as u64)?;
        }
        let entries = self.codes.finish()?;
        self.features.finish()?;
        self.bias.finish()?;
        self.samples.finish()?;
        Ok(entries)
    }
}
