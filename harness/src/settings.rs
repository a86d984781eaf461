//! Settings of experiments: the words, the type and the range of each, and its value in each preset.

use std::any::Any;
use std::fmt::Debug;
use std::str::FromStr;

use serde::Serialize;

use crate::text::did_you_mean;

pub mod assign;
pub mod range;
pub mod value;

pub use range::Allows;

/// A preset: an amount of computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Every experiment and every claim at reduced sizes and few seeds, which takes seconds.
    Quick,
    /// The default suite, which takes minutes.
    Default,
    /// The sizes of the post and more seeds, which takes hours.
    Full,
}

impl Preset {
    /// All presets, the smallest first.
    pub const ALL: [Preset; 3] = [Preset::Quick, Preset::Default, Preset::Full];

    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Quick => "quick",
            Preset::Default => "default",
            Preset::Full => "full",
        }
    }

    /// Returns the number of seeds of a run unless told otherwise.
    pub fn seeds(self) -> u64 {
        match self {
            Preset::Quick => 5,
            Preset::Default => 10,
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

/// The settings of an experiment, or a group of them; implemented by [`settings!`](macro@crate::settings).
pub trait Settings: Debug + Any + Send + Sync {
    /// Returns the settings of a preset.
    fn preset(preset: Preset) -> Self
    where
        Self: Sized;

    /// Returns every setting, in the order of the declaration, those of groups last.
    fn list(&self) -> Vec<Setting>;

    /// Gives the setting of the key `key` another value, if it is of the setting's type. Ranges are not checked.
    ///
    /// # Errors
    /// If the value is of another type, or there is no such setting.
    fn set(&mut self, key: &str, value: toml::Value) -> Result<(), toml::de::Error>;

    /// Shows every limit on a setting to `see`, up to the first error. The limits that depend on other settings come
    /// last, so that these are in range by then.
    fn limits(
        &self,
        see: &mut dyn FnMut(Limit) -> Result<(), OutOfRange>,
    ) -> Result<(), OutOfRange>;

    /// Returns `Ok` if every setting is in its range, else the first that is not.
    fn check(&self) -> Result<(), OutOfRange> {
        self.limits(&mut Limit::check)
    }

    /// Returns the ranges of the settings in words, each with the key of its setting. These settings must be in range.
    fn ranges(&self) -> Vec<(String, String)> {
        let mut ranges = Vec::new();
        let mut see = |limit: Limit| {
            ranges.push((limit.setting.key, limit.setting.allowed));
            Ok(())
        };
        self.limits(&mut see).expect("nothing is refused");
        ranges
    }
}

/// A setting with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The name; for a setting of a group, the name of the group, a dot and the name of the setting.
    pub key: String,
    /// The description.
    pub about: &'static str,
    /// The value.
    pub value: toml::Value,
}

impl Setting {
    /// Returns a setting that is not in a group.
    pub fn new(key: &str, about: &'static str, value: &impl Serialize) -> Self {
        Setting {
            key: key.into(),
            about: about.trim_ascii(),
            value: toml::Value::try_from(value).expect("a number, a word or a list"),
        }
    }

    /// Returns the same setting in a group.
    pub fn within(self, group: &str) -> Self {
        let key = format!("{group}.{}", self.key);
        Setting { key, ..self }
    }
}

/// Declares the settings of an experiment, all that there is to say of each in one place: a struct whose doc comments
/// reach the user through `harness list` and the `config.toml` of a run, the values of the presets and the ranges.
///
/// `quick` and `full` are the values of those presets where they differ from the default one. `in` is a range by
/// itself, `where` one that depends on the other settings; see [`range`](crate::settings::range).
///
/// Settings that several experiments have are declared once, as a type of their own, and a `group` includes them: the
/// user writes `group.key`. The presets of a group are those of its type but for the values that stand in the braces.
///
/// ```
/// harness::settings! {
///     /// How to train.
///     pub struct Training {
///         /// Number of steps.
///         steps: u64 = 1000, quick = 10, in 1..=1 << 40;
///     }
/// }
/// harness::settings! {
///     /// Settings of an experiment.
///     pub struct Settings {
///         /// Number of neurons.
///         n: usize = 100, quick = 10, in 1..=1000;
///         /// Number of neurons that are active.
///         active: usize = 5, where s => 0..=s.n;
///         group training: Training { steps = 500, quick = 20; }
///     }
/// }
/// # use harness::settings::{Preset, Settings as _};
/// let mut settings = Settings::preset(Preset::Quick);
/// assert_eq!((settings.n, settings.training.steps), (10, 20));
/// assert_eq!(settings.list()[0].about, "Number of neurons.");
/// assert!(settings.check().is_ok());
/// settings.active = 11;
/// assert_eq!(settings.check().unwrap_err().allowed, "0 to 10");
/// settings.set("training.steps", 0.into()).unwrap();
/// assert_eq!(settings.check().unwrap_err().key, "training.steps");
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[$outer:meta])*
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $key:ident : $type:ty = $default:expr
                $(, quick = $quick:expr)?
                $(, full = $full:expr)?
                $(, in $range:expr)?
                $(, where $s:ident => $relative:expr)?
                ;
            )*
            $(
                group $group:ident : $group_type:ident { $(
                    $own:ident = $own_default:expr
                    $(, quick = $own_quick:expr)?
                    $(, full = $own_full:expr)?
                    ;
                )* }
            )*
        }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Clone, ::serde::Serialize)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $key: $type, )*
            $( #[doc = concat!("The settings `", stringify!($group), ".…`.")] pub $group: $group_type, )*
        }

        impl $crate::settings::Settings for $name {
            fn preset(_preset: $crate::settings::Preset) -> Self {
                $name {
                    $( $key: $crate::settings!(@value _preset, $default $(, quick = $quick)? $(, full = $full)?), )*
                    $( $group: $group_type {
                        $( $own: $crate::settings!(
                            @value _preset, $own_default $(, quick = $own_quick)? $(, full = $own_full)?
                        ), )*
                        ..<$group_type as $crate::settings::Settings>::preset(_preset)
                    }, )*
                }
            }

            fn list(&self) -> Vec<$crate::settings::Setting> {
                #[allow(unused_mut, reason = "there are groups or not")]
                let mut settings = vec![
                    $( $crate::settings::Setting::new(stringify!($key), concat!($($doc),+), &self.$key), )*
                ];
                $(
                    let group = $crate::settings::Settings::list(&self.$group).into_iter();
                    settings.extend(group.map(|setting| setting.within(stringify!($group))));
                )*
                settings
            }

            fn set(&mut self, key: &str, _value: ::toml::Value) -> Result<(), ::toml::de::Error> {
                $(
                    if key == stringify!($key) {
                        self.$key = _value.try_into()?;
                        return Ok(());
                    }
                )*
                $(
                    if let Some(key) = key.strip_prefix(concat!(stringify!($group), ".")) {
                        return $crate::settings::Settings::set(&mut self.$group, key, _value);
                    }
                )*
                Err($crate::settings::unknown(key))
            }

            fn limits(
                &self,
                _see: &mut dyn FnMut($crate::settings::Limit) -> Result<(), $crate::settings::OutOfRange>,
            ) -> Result<(), $crate::settings::OutOfRange> {
                $(
                    let mut see = |limit: $crate::settings::Limit| _see(limit.within(stringify!($group)));
                    $crate::settings::Settings::limits(&self.$group, &mut see)?;
                )*
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
    (@value $preset:ident, $default:expr $(, quick = $quick:expr)? $(, full = $full:expr)?) => {
        match $preset {
            $( $crate::settings::Preset::Quick => $quick, )?
            $( $crate::settings::Preset::Full => $full, )?
            _ => $default,
        }
    };
}

/// Returns the error that there is no setting with the key `key`.
pub fn unknown(key: &str) -> toml::de::Error {
    serde::de::Error::custom(format!("there is no setting `{key}`"))
}

/// A limit on a setting: its value, held against a range.
#[derive(Debug)]
pub struct Limit {
    setting: OutOfRange,
    admitted: bool,
}

impl Limit {
    /// Returns the limit on the setting with the key `key`, its value held against a range.
    pub fn new<T: Debug>(key: &str, value: &T, range: impl Allows<T>) -> Self {
        let setting = OutOfRange {
            key: key.into(),
            value: format!("{value:?}"),
            allowed: range.words(),
        };
        Limit {
            setting,
            admitted: range.admits(value),
        }
    }

    /// Returns the same limit on the setting in a group.
    pub fn within(mut self, group: &str) -> Self {
        self.setting.key = format!("{group}.{}", self.setting.key);
        self
    }

    fn check(self) -> Result<(), OutOfRange> {
        match self.admitted {
            true => Ok(()),
            false => Err(self.setting),
        }
    }
}

/// The error of a setting outside its range.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfRange {
    /// The key of the setting.
    pub key: String,
    /// The value of the setting.
    pub value: String,
    /// The values that it may have, in words.
    pub allowed: String,
}
