//! What a setting is: its words, its type, its range, and its value in each preset.

use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::text::did_you_mean;

/// How much to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Every experiment and every claim at reduced sizes and few seeds: seconds.
    Quick,
    /// The default suite: minutes.
    Default,
    /// The post's sizes and more seeds: up to two hours.
    Full,
}

impl Preset {
    /// All of them, the smallest first.
    pub const ALL: [Preset; 3] = [Preset::Quick, Preset::Default, Preset::Full];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Quick => "quick",
            Preset::Default => "default",
            Preset::Full => "full",
        }
    }

    /// How many seeds a run uses unless told otherwise.
    pub fn seeds(self) -> u64 {
        match self {
            Preset::Quick => 3,
            Preset::Default => 5,
            Preset::Full => 10,
        }
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Preset::ALL
            .into_iter()
            .find(|p| p.name() == name)
            .ok_or_else(|| {
                let names = Preset::ALL.map(Preset::name);
                let hint = did_you_mean(name, names);
                format!("there is no preset `{name}`{hint} ({})", names.join(", "))
            })
    }
}

/// Settings of an experiment; implemented by [`settings!`](macro@crate::settings).
pub trait Settings: Serialize + DeserializeOwned {
    /// Name and description of every setting.
    const DOCS: &'static [(&'static str, &'static str)];
}

/// Declares the settings of an experiment: a struct whose doc comments reach the user through
/// `harness list` and the `config.toml` of a run.
///
/// ```
/// harness::settings! {
///     /// Settings of an experiment.
///     pub struct Settings {
///         /// Number of neurons.
///         pub n: usize,
///         /// Largest input level.
///         pub reach: f64,
///     }
/// }
/// # use harness::settings::Settings as _;
/// assert_eq!(Settings::DOCS[0], ("n", "Number of neurons."));
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[$outer:meta])*
        pub struct $name:ident {
            $( $(#[doc = $doc:literal])+ pub $key:ident : $type:ty, )*
        }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Clone, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $key: $type, )*
        }

        impl $crate::settings::Settings for $name {
            const DOCS: &'static [(&'static str, &'static str)] = &[
                $( (stringify!($key), concat!($($doc),+).trim_ascii()), )*
            ];
        }
    };
}

/// A setting outside its range.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfRange {
    /// Name of the setting.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// What it may be.
    pub allowed: String,
}

/// `Ok` if a setting is in its range, else the error that says which values are.
///
/// ```
/// # use harness::settings::ensure;
/// assert!(ensure("n", 0, (1..).contains(&0), "at least 1").is_err());
/// ```
pub fn ensure(
    key: &'static str,
    value: impl std::fmt::Debug,
    in_range: bool,
    allowed: impl Into<String>,
) -> Result<(), OutOfRange> {
    if in_range {
        return Ok(());
    }
    Err(OutOfRange {
        key,
        value: format!("{value:?}"),
        allowed: allowed.into(),
    })
}
