//! The settings in which a claim is settled: its point setting, and the other cells of its specification curve.
//!
//! A specification curve (Simonsohn, Simmons and Nelson, Specification curve analysis, 2020) settles one claim in every
//! cell of a declared grid of defensible choices, so that a reader sees on which of them the verdict depends.

/// A cell of a specification curve: one option for each choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The choices with their options, as they are written in the tables: `choice=option; choice=option`.
    pub(super) name: String,
    /// Whether these are the options of the point setting, for which the ledger has the verdict.
    pub(super) is_point: bool,
}

/// The separators between two choices, and between a choice and its option.
const BETWEEN: [&str; 2] = ["; ", "="];

impl Setting {
    /// Returns the cell with these options, one for each choice. Every cell of a claim names the same choices in the
    /// same order.
    ///
    /// # Panics
    /// If there is no choice, or a name holds a semicolon or an equals sign.
    pub fn new(options: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let option = |(choice, option): (&str, String)| {
            let plain = |text: &str| !text.contains([';', '=']);
            assert!(
                plain(choice) && plain(&option),
                "`{choice}` and `{option}` are plain words"
            );
            format!("{choice}{}{option}", BETWEEN[1])
        };
        let options: Vec<String> = options.into_iter().map(option).collect();
        assert!(!options.is_empty(), "a cell has a choice at least");
        Setting {
            name: options.join(BETWEEN[0]),
            is_point: false,
        }
    }

    /// Marks the cell as that of the point setting.
    pub fn point(self) -> Self {
        self.point_if(true)
    }

    /// Sets whether the cell is that of the point setting.
    pub fn point_if(mut self, is_point: bool) -> Self {
        self.is_point = is_point;
        self
    }
}

/// Returns the option of a choice in a cell, from the name of the cell in the tables.
pub fn option_of<'a>(name: &'a str, choice: &str) -> Option<&'a str> {
    let found = choices(name).find(|(other, _)| *other == choice);
    found.map(|(_, option)| option)
}

/// Returns the choices of a cell with their options, from the name of the cell in the tables.
pub fn choices(name: &str) -> impl Iterator<Item = (&str, &str)> {
    let options = name.split(BETWEEN[0]).filter(|option| !option.is_empty());
    options.map(|option| option.split_once(BETWEEN[1]).unwrap_or((option, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_come_back_from_the_name_of_a_cell() {
        let cell = Setting::new([("loss", "cross-entropy".into()), ("layers", "16".into())]);
        assert_eq!(cell.name, "loss=cross-entropy; layers=16");
        let back: Vec<_> = choices(&cell.name).collect();
        assert_eq!(back, [("loss", "cross-entropy"), ("layers", "16")]);
        assert_eq!(choices("").count(), 0);
    }
}
