//! What a setting is: its words, its type, its range, and its value in each preset.

use std::fmt::Debug;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::text::did_you_mean;

pub mod range;

pub use range::Allows;

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

    /// The settings of a preset.
    fn preset(preset: Preset) -> Self;

    /// Shows every limit on a setting to `see`, up to the first error. Those that depend on other settings come last, so
    /// that these are in range by then.
    fn limits(
        &self,
        see: &mut dyn FnMut(Limit) -> Result<(), OutOfRange>,
    ) -> Result<(), OutOfRange>;

    /// `Ok` if every setting is in its range, else the first that is not.
    fn check(&self) -> Result<(), OutOfRange> {
        self.limits(&mut Limit::check)
    }

    /// What settings may be, each by its name, in words. These settings must be in range.
    fn ranges(&self) -> Vec<(&'static str, String)> {
        let mut ranges = Vec::new();
        let mut see = |limit: Limit| {
            ranges.push((limit.setting.key, limit.setting.allowed));
            Ok(())
        };
        self.limits(&mut see).expect("nothing is refused");
        ranges
    }
}

/// Declares the settings of an experiment, all that there is to say of each in one place: a struct whose doc comments
/// reach the user through `harness list` and the `config.toml` of a run, the values of the presets and the ranges.
///
/// `quick` and `full` are the values of those presets where they differ from the default one. `in` is a range by itself,
/// `where` one that depends on the other settings; see [`range`](crate::settings::range).
///
/// ```
/// harness::settings! {
///     /// Settings of an experiment.
///     pub struct Settings {
///         /// Number of neurons.
///         n: usize = 100, quick = 10, in 1..=1000;
///         /// Number of neurons that are active.
///         active: usize = 5, where s => 0..=s.n;
///     }
/// }
/// # use harness::settings::{Preset, Settings as _};
/// assert_eq!(Settings::DOCS[0], ("n", "Number of neurons."));
/// let mut settings = Settings::preset(Preset::Quick);
/// assert_eq!(settings.n, 10);
/// assert!(settings.check().is_ok());
/// settings.active = 11;
/// assert_eq!(settings.check().unwrap_err().allowed, "0 to 10");
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[$outer:meta])*
        pub struct $name:ident { $(
            $(#[doc = $doc:literal])+
            $key:ident : $type:ty = $default:expr
            $(, quick = $quick:expr)?
            $(, full = $full:expr)?
            $(, in $range:expr)?
            $(, where $s:ident => $relative:expr)?
            ;
        )* }
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

            fn preset(_preset: $crate::settings::Preset) -> Self {
                $name { $(
                    $key: match _preset {
                        $( $crate::settings::Preset::Quick => $quick, )?
                        $( $crate::settings::Preset::Full => $full, )?
                        _ => $default,
                    },
                )* }
            }

            fn limits(
                &self,
                _see: &mut dyn FnMut($crate::settings::Limit) -> Result<(), $crate::settings::OutOfRange>,
            ) -> Result<(), $crate::settings::OutOfRange> {
                $( $(
                    _see($crate::settings::Limit::new(stringify!($key), &self.$key, $range))?;
                )? )*
                $( $(
                    let $s = self;
                    _see($crate::settings::Limit::new(stringify!($key), &self.$key, $relative))?;
                )? )*
                Ok(())
            }
        }
    };
}

/// A setting held against a range.
#[derive(Debug)]
pub struct Limit {
    setting: OutOfRange,
    admitted: bool,
}

impl Limit {
    /// A setting by its name, held against a range.
    pub fn new<T: Debug>(key: &'static str, value: &T, range: impl Allows<T>) -> Self {
        let setting = OutOfRange {
            key,
            value: format!("{value:?}"),
            allowed: range.words(),
        };
        Limit {
            setting,
            admitted: range.admits(value),
        }
    }

    fn check(self) -> Result<(), OutOfRange> {
        match self.admitted {
            true => Ok(()),
            false => Err(self.setting),
        }
    }
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
