//! The two files in the folder of a model of another tool.

use crate::error::Result;
use crate::store::folder::Folder;

/// The names of the files in a folder of another tool.
#[derive(Debug, Clone, Copy)]
pub struct Files {
    /// The name of the file of settings.
    pub config: &'static str,
    /// The name of the file of tensors.
    pub weights: &'static str,
}

/// The name of the file of a folder that cannot be read as a model, and the reason.
pub type Damaged = (&'static str, String);

impl Files {
    /// Writes both files into a folder; the settings last, since where they are, the folder is complete.
    pub fn write(self, (config, weights): (String, Vec<u8>), folder: &Folder) -> Result<()> {
        folder.write(self.weights, weights)?;
        folder.write(self.config, config)
    }
}
