//! The values of settings in the words of an error.

use toml::Value;

/// The largest number of characters of a value that an error shows.
const SHOWN: usize = 60;

/// Reads a value as a user writes it after `--set key=`: TOML, or a bare word, which is a string.
pub fn parse(text: &str) -> Value {
    let table = format!("v = {text}").parse::<toml::Table>().ok();
    // A second line of the value is not read as a second setting.
    let value = table.and_then(|mut table| (table.len() == 1).then(|| table.remove("v")).flatten());
    value.unwrap_or_else(|| Value::String(text.into()))
}

/// Returns a value as an error shows it: on one line, and cut where it is long.
pub fn shown(value: &Value) -> String {
    cut(&match value {
        Value::String(word) => format!("{word:?}"),
        other => other.to_string(),
    })
}

/// Returns the beginning of a text, with an ellipsis where it goes on.
pub fn cut(text: &str) -> String {
    let mut characters = text.chars();
    let mut line: String = characters.by_ref().take(SHOWN).collect();
    if characters.next().is_some() {
        line.push('…');
    }
    line
}

/// Returns a description of the values that a setting may have, by the value that it has in a preset; `None` if that
/// tells too little.
pub fn expected(preset: &Value) -> Option<String> {
    Some(match preset {
        Value::Integer(_) => format!("a whole number from 0 to {}", i64::MAX),
        Value::Float(_) => "a number".into(),
        Value::Boolean(_) => "true or false".into(),
        Value::Array(items) => match items.first() {
            Some(Value::Integer(_)) => "a list of whole numbers, none below 0".into(),
            Some(Value::Float(_)) => "a list of numbers".into(),
            _ => "a list".into(),
        },
        _ => return None,
    })
}
