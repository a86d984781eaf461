//! The assignment of settings by a user, one by one, so that an error names where the wrong one stands.

use toml::Value;

use super::value::{expected, shown};
use super::{OutOfRange, Setting, Settings};
use crate::error::{Error, Result};
use crate::text::did_you_mean;

/// The owner of settings, for errors.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The text before the key of a setting, such as `response.`; empty where keys stand alone.
    pub prefix: &'a str,
    /// The name of the owner, such as "`response`".
    pub name: &'a str,
    /// The command that shows all settings of the owner.
    pub shown_by: &'a str,
}

/// Gives a setting the value that the user wrote at `origin`; `presets` are the settings before the user set any.
/// Ranges are not checked.
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
        // The first words of the message are about the types of the code.
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

/// Returns the error of a setting out of its range; `origin` is where the user set it, if at all.
pub fn refused(owner: Owner, out: &OutOfRange, origin: Option<&str>) -> Error {
    let origin = origin.map_or(String::new(), |origin| format!("{origin}: "));
    Error::input(format!(
        "{origin}{}{} is {}; it must be {}",
        owner.prefix, out.key, out.value, out.allowed
    ))
}
