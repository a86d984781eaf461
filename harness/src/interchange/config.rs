//! The settings in a `cfg.json` of another tool.

use serde_json::{Map, Value};

/// The keys and values of the settings. What another tool leaves out, or writes as `null`, has its default.
pub struct Config(Map<String, Value>);

impl Config {
    /// Reads the settings from the text of a file.
    ///
    /// # Errors
    /// If the text is not JSON, or not an object.
    pub fn parse(text: &str) -> Result<Config, String> {
        match serde_json::from_str(text) {
            Ok(Value::Object(keys)) => Ok(Config(keys)),
            Ok(_) => Err("it holds no object, {\"key\": value, …}".into()),
            Err(e) => Err(format!("it is no JSON: {e}")),
        }
    }

    /// Returns the value of a key as a number from 1 on.
    pub fn count(&self, key: &str) -> Result<usize, String> {
        match self.number(key, None)? {
            0 => Err(format!("{key} is 0; it must be 1 or more")),
            n => Ok(n),
        }
    }

    /// Returns the value of a key as a whole number from 0 on; it may be left out if there is a default.
    pub fn number(&self, key: &str, default: Option<usize>) -> Result<usize, String> {
        let number = |v: &Value| v.as_u64().and_then(|n| usize::try_from(n).ok());
        self.get(key, default, number, "a whole number from 0 on")
    }

    /// Returns the value of a key as `true` or `false`.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, String> {
        self.get(key, Some(default), Value::as_bool, "true or false")
    }

    /// Returns the value of a key as a text, which may be left out if there is a default.
    pub fn text<'a>(&'a self, key: &str, default: Option<&'a str>) -> Result<&'a str, String> {
        self.get(key, default, Value::as_str, "a text in quotes")
    }

    /// Returns the settings in the object of a key; none if it is not there.
    pub fn inside(&self, key: &str) -> Result<Config, String> {
        let object = |v: &Value| v.as_object().cloned();
        self.get(key, Some(Map::new()), object, "an object")
            .map(Config)
    }

    fn get<'a, T>(
        &'a self,
        key: &str,
        default: Option<T>,
        read: impl Fn(&'a Value) -> Option<T>,
        what: &str,
    ) -> Result<T, String> {
        match self.0.get(key).filter(|value| !value.is_null()) {
            Some(value) => {
                read(value).ok_or_else(|| format!("{key} is {value}; it must be {what}"))
            }
            None => default.ok_or_else(|| format!("it has no {key}, which must be {what}")),
        }
    }
}
