//! The configuration of a training: where its activations are, and its settings.

pub mod text;

use std::path::{Path, PathBuf};

use toml::Value;

use crate::activations::Rows;
use crate::error::{Error, Result};
use crate::input::read_settings;
use crate::sae::training::WAIT;
use crate::settings::assign::{Owner, assign, refused};
use crate::settings::{Preset, Settings as _};
use crate::store::names::CONFIG;
use crate::text::counted;
use crate::workbench::data::refuse_too_few;
use crate::workbench::settings::{Dead, Kind, Settings};

/// The request of the command line, before it is resolved to a [`Config`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// Files and folders of activations, or `synth:SPEC`.
    pub data: Vec<PathBuf>,
    /// Files and folders of what transcoders reconstruct.
    pub target: Vec<PathBuf>,
    /// Files and folders of the rows that models are measured on.
    pub eval: Vec<PathBuf>,
    /// Whether `--skip-connection` is given.
    pub skip_connection: bool,
    /// The tensor to read of `.safetensors` files.
    pub tensor: Option<String>,
    /// The file of the tokens of the rows.
    pub tokens: Option<PathBuf>,
    /// The configuration file that `--config` names.
    pub file: Option<PathBuf>,
    /// The settings of `--set KEY=VALUE` and of flags that stand for a setting: the key, the value, and the argument
    /// that gave it.
    pub set: Vec<(String, Value, String)>,
    /// The numbers of elements that `--expansion` gives, in multiples of the width.
    pub expansion: Vec<f64>,
    /// The options of `harness sae layers`; each path of the data is a layer then.
    pub across: Option<Across>,
}

/// The options of a training on several layers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Across {
    /// The file of the targets of probes.
    pub probe_targets: Option<PathBuf>,
    /// The names of the targets.
    pub target_names: Vec<String>,
    /// The cosine or correlation from which two elements count as the same.
    pub same_from: Option<f64>,
}

/// The default of [`Across::same_from`].
const SAME_FROM: f64 = 0.7;

impl Across {
    /// Returns the cosine or correlation from which two elements count as the same.
    pub fn same_from(&self) -> f64 {
        self.same_from.unwrap_or(SAME_FROM)
    }

    /// Returns these options, and those of `others` where these are not given.
    fn or(self, others: Across) -> Across {
        Across {
            probe_targets: self.probe_targets.or(others.probe_targets),
            target_names: match self.target_names.is_empty() {
                true => others.target_names,
                false => self.target_names,
            },
            same_from: self.same_from.or(others.same_from),
        }
    }
}

/// Everything that decides the bytes of a training.
#[derive(Debug)]
pub struct Config {
    /// Files and folders of activations, or `synth:SPEC`.
    pub data: Vec<PathBuf>,
    /// Files and folders of what is reconstructed, where that is not what is read.
    pub target: Vec<PathBuf>,
    /// Files and folders of the rows that models are measured on, where none are held out for that.
    pub eval: Vec<PathBuf>,
    /// Whether the models, transcoders then, have a skip connection.
    pub skip_connection: bool,
    /// The tensor to read of `.safetensors` files.
    pub tensor: Option<String>,
    /// The file of the tokens of the rows, for the report.
    pub tokens: Option<PathBuf>,
    /// The name of the instruction set, if the file fixes one.
    pub isa: Option<String>,
    /// The settings, all in range.
    pub settings: Settings,
    /// The options of a training on several layers, which the data are then.
    pub across: Option<Across>,
}

const OWNER: Owner = Owner {
    prefix: "",
    name: "a training",
    shown_by: "harness sae train --settings",
};

impl Config {
    /// Resolves a request to a configuration, and opens the activations; of several layers, those of the first.
    ///
    /// # Errors
    /// If settings are unknown, out of range or exclude each other, or the activations cannot be opened.
    pub fn resolve(request: &Request) -> Result<(Config, Rows)> {
        let mut said = Vec::new();
        let mut across = Across::default();
        if request.across.is_some() {
            let defaults = of_layers().into_iter();
            said.extend(defaults.map(|(key, value)| (key.into(), value, "the default".into())));
        }
        let (mut data, mut tensor, mut tokens, mut isa) = (Vec::new(), None, None, None);
        let (mut target, mut eval, mut skip_connection) = (Vec::new(), Vec::new(), false);
        if let Some(path) = &request.file {
            let name = path.display().to_string();
            let table: toml::Table = read_settings(path)?
                .parse()
                .map_err(|e| Error::input(format!("{name}: {e}")))?;
            for (key, value) in table {
                let must_be = |what: &str| {
                    Error::input(format!("{name}: {key} is {value}; it must be {what}"))
                };
                let word = |value: &Value, what: &str| {
                    let word = value.as_str().map(str::to_string);
                    word.ok_or_else(|| must_be(what))
                };
                let words = |value: &Value, what: &str| {
                    let words = value.as_array().and_then(|words| {
                        let words = words.iter().map(|word| word.as_str().map(str::to_string));
                        words.collect::<Option<Vec<String>>>()
                    });
                    words.ok_or_else(|| must_be(what))
                };
                let paths = |value: &Value| -> Result<Vec<PathBuf>> {
                    let paths = words(value, "a list of paths in quotes")?;
                    Ok(paths.into_iter().map(PathBuf::from).collect())
                };
                match key.as_str() {
                    "data" => data = paths(&value)?,
                    "target" if request.across.is_none() => target = paths(&value)?,
                    "eval" if request.across.is_none() => eval = paths(&value)?,
                    "skip_connection" if request.across.is_none() => {
                        let flag = value.as_bool();
                        skip_connection = flag.ok_or_else(|| must_be("true or false"))?;
                    }
                    "probe_targets" if request.across.is_some() => {
                        across.probe_targets = Some(word(&value, "a path in quotes")?.into());
                    }
                    "target_names" if request.across.is_some() => {
                        across.target_names = words(&value, "a list of names in quotes")?;
                    }
                    "same_from" if request.across.is_some() => {
                        let number = value.as_float().or(value.as_integer().map(|i| i as f64));
                        across.same_from = Some(number.ok_or_else(|| must_be("a number"))?);
                    }
                    "tensor" => tensor = Some(word(&value, "a name in quotes")?),
                    "tokens" if request.across.is_none() => {
                        tokens = Some(word(&value, "a path in quotes")?.into())
                    }
                    "isa" => isa = Some(word(&value, "a name in quotes")?),
                    _ => said.push((key, value, name.clone())),
                }
            }
        }
        if !request.data.is_empty() {
            data.clone_from(&request.data);
        }
        if !request.target.is_empty() {
            target.clone_from(&request.target);
        }
        if !request.eval.is_empty() {
            eval.clone_from(&request.eval);
        }
        if let ([target, ..], [eval, ..]) = (&target[..], &eval[..]) {
            return Err(Error::input(format!(
                "models are measured on {} (--eval), and what they are to reconstruct of it is not known, only of the data \
                 ({}, --target); leave --eval out, and rows of the data are held out",
                eval.display(),
                target.display()
            )));
        }
        skip_connection |= request.skip_connection;
        if skip_connection && target.is_empty() {
            return Err(Error::input(
                "a skip connection is part of a transcoder; name what it is to reconstruct with --target",
            ));
        }
        drop_of_another_variant(&mut said, &request.set);
        tensor = request.tensor.clone().or(tensor);
        tokens = request.tokens.clone().or(tokens);
        said.extend_from_slice(&request.set);
        let across = request.across.clone().map(|asked| asked.or(across));
        if let Some(same_from) = across.as_ref().and_then(|across| across.same_from)
            && !(same_from > 0.0 && same_from <= 1.0)
        {
            return Err(Error::input(format!(
                "--same-from is {same_from}; it must be above 0 and at most 1"
            )));
        }
        let rows = match across {
            Some(_) => Rows::open(&data[..data.len().min(1)], tensor.as_deref())?,
            None => Rows::named(&data, tensor.as_deref())?,
        };
        if !request.expansion.is_empty() {
            let elements = elements(&request.expansion, rows.width())?;
            let elements = Value::try_from(elements).expect("a list of numbers");
            said.push(("elements".into(), elements, "--expansion".into()));
        }
        let settings = settings(&said, &rows)?;
        refuse_unused(&request.set, settings.variant)?;
        if eval.is_empty() {
            refuse_too_few(&rows, &settings)?;
        }
        if !target.is_empty() && settings.variant == Kind::L1Tied {
            return Err(Error::input(
                "l1-tied has one matrix for encoder and decoder, so it reconstructs what it reads and takes no --target; \
                 choose l1",
            ));
        }
        let config = Config {
            data,
            target,
            eval,
            skip_connection,
            tensor,
            tokens,
            isa,
            settings,
            across,
        };
        Ok((config, rows))
    }
}

/// Refuses settings of the command line that do nothing for the variant. (A file names every setting.)
fn refuse_unused(said: &[(String, Value, String)], variant: Kind) -> Result<()> {
    let origin = |name: &str| said.iter().find(|(key, ..)| key == name).map(|s| &s.2);
    match (variant.has_k(), origin("k"), origin("lambda")) {
        (true, _, Some(origin)) => Err(Error::input(format!(
            "{origin}: {variant} has no penalty; its number of active elements is k"
        ))),
        (false, Some(origin), _) => Err(Error::input(format!(
            "{origin}: {variant} keeps no number of active elements; it has a penalty, lambda, which target_l0 steers to a \
             number of them"
        ))),
        _ => Ok(()),
    }
}

/// The settings whose defaults are those of a variant.
const OF_A_VARIANT: [&str; 2] = ["lambda", "dead"];

/// Drops from `file` the settings whose defaults are those of a variant, if the command line names another variant than
/// the file.
fn drop_of_another_variant(
    file: &mut Vec<(String, Value, String)>,
    set: &[(String, Value, String)],
) {
    let variant = |said: &[(String, Value, String)]| {
        let variant = said.iter().rfind(|(key, ..)| key == "variant");
        variant.map(|(_, value, _)| value.clone())
    };
    if let (Some(theirs), Some(ours)) = (variant(file), variant(set))
        && theirs != ours
    {
        file.retain(|(key, ..)| !OF_A_VARIANT.contains(&key.as_str()));
    }
}

/// Returns the defaults of a training on several layers that differ from those of a training on one.
fn of_layers() -> [(&'static str, Value); 2] {
    // With two trainings on each layer, a difference between layers can be told from one between trainings.
    [
        ("seeds", Value::from(2)),
        ("baselines", Value::from("none")),
    ]
}

/// Returns the numbers of elements that `--expansion` asks for at a width.
///
/// # Errors
/// If a number is out of range, or the numbers do not increase.
fn elements(expansion: &[f64], width: usize) -> Result<Vec<usize>> {
    let of = |&ratio: &f64| match ratio > 0.0 && ratio <= 1000.0 {
        true => Ok(((ratio * width as f64).round() as usize).max(1)),
        false => Err(Error::input(format!(
            "--expansion {ratio}: it must be above 0 and at most 1000"
        ))),
    };
    let elements = expansion.iter().map(of).collect::<Result<Vec<_>>>()?;
    for (ratios, sizes) in expansion.windows(2).zip(elements.windows(2)) {
        let ([a, b], [smaller, larger]) = ([ratios[0], ratios[1]], [sizes[0], sizes[1]]);
        if smaller == larger {
            return Err(Error::input(format!(
                "--expansion {a},{b}: both give {} at a width of {width}; leave one of them out",
                counted(smaller as u64, "element", "elements")
            )));
        }
        if smaller > larger {
            return Err(Error::input(format!(
                "--expansion {a},{b}: the numbers must increase"
            )));
        }
    }
    Ok(elements)
}

/// Returns the settings that were given, the last value of each, and for the others defaults that suit the activations.
///
/// # Errors
/// If a setting is unknown or out of range, or settings exclude each other.
fn settings(said: &[(String, Value, String)], rows: &Rows) -> Result<Settings> {
    let mut settings = Settings::preset(Preset::Default);
    let presets = settings.list();
    settings.elements = vec![8 * rows.width()];
    if rows.spec().is_none() {
        settings.samples = settings.samples.max(rows.len());
    }
    for (key, value, origin) in said {
        assign(&mut settings, &presets, OWNER, key, value, origin)?;
    }
    // Settings that were not given follow from those that were.
    let unsaid = |name: &str| said.iter().all(|(key, _, _)| key != name);
    if unsaid("dead_after") {
        settings.dead_after = (settings.samples / 16).max(1);
    }
    if let (true, Some(lambda)) = (unsaid("lambda"), settings.variant.default_lambda()) {
        settings.lambda = vec![lambda];
    }
    if unsaid("dead") && !settings.variant.has_k() {
        settings.dead = Dead::None;
    }
    settings.check().map_err(|out| {
        let origin = said.iter().rfind(|(key, _, _)| *key == out.key);
        refused(OWNER, &out, origin.map(|(_, _, origin)| origin.as_str()))
    })?;
    // Returns the argument or file that gave a setting, for messages.
    let of = |name: &str| {
        let origin = said.iter().rfind(|(key, ..)| key == name);
        origin.map_or(String::new(), |(.., origin)| format!("{origin}: "))
    };
    let (k, fewest) = (settings.k.iter().max(), settings.elements.iter().min());
    if let (true, Some(k), Some(fewest)) = (settings.variant.has_k(), k, fewest)
        && k > fewest
    {
        return Err(Error::input(format!(
            "{}k is {k}, and a dictionary has {}; no more than all of them can be active",
            of("k"),
            counted(*fewest as u64, "element", "elements")
        )));
    }
    let variant = settings.variant;
    if !variant.has_k() && settings.dead == Dead::Auxiliary {
        return Err(Error::input(format!(
            "{}dead is auxiliary, and {variant} has no auxiliary loss for dead elements; choose resample or none",
            of("dead")
        )));
    }
    if variant.has_k() && !settings.target_l0.is_empty() {
        return Err(Error::input(format!(
            "{}target_l0 is set, and {variant} has no penalty that could be steered; its number of active elements is \
             k: leave target_l0 out, or empty it with --set target_l0=[]",
            of("target_l0")
        )));
    }
    if !settings.target_l0.is_empty() && settings.lambda.len() > 1 {
        return Err(Error::input(
            "lambda is a list, and target_l0 steers one λ for each of its numbers; give one λ to start from, or none",
        ));
    }
    if !settings.target_l0.is_empty() && settings.lambda_warmup + WAIT >= 1.0 {
        return Err(Error::input(format!(
            "{}lambda_warmup is {}, and λ is steered to target_l0 from a fifth of all steps after that, so that no steps are left \
             for it; it must be below {} here",
            of("lambda_warmup"),
            settings.lambda_warmup,
            1.0 - WAIT
        )));
    }
    if let (Some(most), Some(&fewest)) = (settings.target_l0.last(), fewest)
        && *most > fewest as f64
    {
        return Err(Error::input(format!(
            "{}target_l0 is {most}, and a dictionary has {}; no more than all of them can be active",
            of("target_l0"),
            counted(fewest as u64, "element", "elements")
        )));
    }
    Ok(settings)
}

/// Parses the argument `KEY=VALUE` of `--set`: the value is TOML, and a bare word is a string.
///
/// # Errors
/// If there is no equals sign.
pub fn parse_set(text: &str) -> Result<(String, Value, String)> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| Error::input(format!("--set {text}: expected KEY=VALUE")))?;
    Ok((
        key.trim().into(),
        crate::settings::value::parse(value.trim()),
        format!("--set {text}"),
    ))
}

/// Returns the path of the configuration file in the folder of a training.
pub fn file(folder: &Path) -> PathBuf {
    folder.join(CONFIG)
}
