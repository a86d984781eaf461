//! The files of all layers, opened and compared with each other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::activations::Rows;
use crate::error::{Error, Result};
use crate::workbench::config::Config;
use crate::workbench::settings::NonFinite;

/// Opens the rows of all layers, which are as many and as long; `first` are those of the first layer.
///
/// # Errors
/// If rows are to be skipped, there is one layer, a file is in two layers, or layers differ in the number or the length
/// of their rows.
pub fn open_all(config: &Config, first: Rows) -> Result<Vec<Rows>> {
    if config.settings.nonfinite == NonFinite::Skip {
        return Err(Error::input(
            "row i must be the same token in every layer, so no rows are left out here; remove rows that are not finite from \
             all layers, and leave --skip-nonfinite out",
        ));
    }
    let mut rows = vec![first];
    for path in config.data.iter().skip(1) {
        rows.push(Rows::open(
            std::slice::from_ref(path),
            config.tensor.as_deref(),
        )?);
    }
    let name = |rows: &Rows| rows.shards()[0].path().display().to_string();
    if let [only] = &rows[..] {
        let (of, why) = match only.shards().len() {
            1 => (String::new(), ""),
            n => (
                format!(" and {} more", n - 1),
                ": all files of a folder, or of a pattern in quotes, are one layer, and a shell names each file of a pattern \
                 without quotes",
            ),
        };
        return Err(Error::input(format!(
            "there is one layer, {}{of}; name the files of two layers or more, in their order{why}",
            name(only)
        )));
    }
    differ(&rows)?;
    let size = |rows: &Rows| (rows.len(), rows.width());
    if let Some(other) = rows.iter().find(|other| size(other) != size(&rows[0])) {
        return Err(Error::input(format!(
            "{} has {} rows of {} values, and {} has {} of {}; row i of every layer must be the same token, in a residual \
             stream of one width",
            name(&rows[0]),
            rows[0].len(),
            rows[0].width(),
            name(other),
            other.len(),
            other.width()
        )));
    }
    Ok(rows)
}

/// Checks that no file is in two layers, by whatever path.
fn differ(rows: &[Rows]) -> Result<()> {
    let mut known: BTreeMap<PathBuf, &Path> = BTreeMap::new();
    for shard in rows.iter().flat_map(Rows::shards) {
        let path = shard.path();
        let file = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        if let Some(other) = known.insert(file, path) {
            let also = match other == path {
                true => String::new(),
                false => format!(" (as {} too)", other.display()),
            };
            return Err(Error::input(format!(
                "{} is named twice{also}; each layer needs files of its own",
                path.display()
            )));
        }
    }
    Ok(())
}
