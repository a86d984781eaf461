//! What a user says of settings, taken one by one, so that an error names where the wrong one stands.

use toml::Value;

use super::value::{expected, shown};
use super::{OutOfRange, Setting, Settings};
use crate::error::{Error, Result};
use crate::text::did_you_mean;

/// Whose settings these are, for errors.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// What stands before the key of a setting, such as `response.`; nothing where keys stand alone.
    pub prefix: &'a str,
    /// What has the settings, such as "`response`".
    pub name: &'a str,
    /// The command that shows all of them.
    pub shown_by: &'a str,
}

/// Gives a setting the value that was said at `origin`; `presets` are the settings before anything was said. Ranges are
/// not checked.
///
/// # Errors
/// If there is no such setting, or the value is of another type.
pub fn assign(
    settings: &mut dyn Settings,
    presets: &[Setting],
    owner: Owner,
    key: &str,
    value: &Value,
    origin: &str,
) -> Result<()> {
    let Owner {
        prefix,
        name,
        shown_by,
    } = owner;
    let Some(preset) = presets.iter().find(|s| s.key == *key) else {
        let group = format!("{key}.");
        if let Some(one) = presets.iter().find(|s| s.key.starts_with(&group)) {
            return Err(Error::input(format!(
                "{origin}: {prefix}{key} is a group of settings, each of which is set by itself, such as {} = {}",
                one.key, one.value
            )));
        }
        let hint = did_you_mean(key, presets.iter().map(|s| s.key.as_str()));
        return Err(Error::input(format!(
            "{origin}: {name} has no setting `{key}`{hint} (`{shown_by}` shows all of them)"
        )));
    };
    settings.set(key, value.clone()).map_err(|e| {
        // The first words are about the types of the code.
        let named = e.message().split_once("expected ").map(|(_, what)| what);
        let kind = expected(&preset.value);
        let kind = kind.as_deref().or(named).unwrap_or(e.message());
        Error::input(format!(
            "{origin}: {prefix}{key} is {}; it must be {kind}, such as {key} = {}",
            shown(value),
            preset.value
        ))
    })
}

/// The error of a setting out of its range, said at `origin` if it was said at all.
pub fn refused(owner: Owner, out: &OutOfRange, origin: Option<&str>) -> Error {
    let origin = origin.map_or(String::new(), |origin| format!("{origin}: "));
    Error::input(format!(
        "{origin}{}{} is {}; it must be {}",
        owner.prefix, out.key, out.value, out.allowed
    ))
}
