//! The machine that is measured, and the folder that its results are kept in.

use std::path::{Path, PathBuf};

use harness::error::{Error, Result};
use harness::store::folder::Folder;

/// Returns the folder of all results, which holds a folder for each kind of machine.
pub fn results() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("results")
}

/// Returns the folder of this machine's results, which is made if it does not exist.
///
/// # Errors
/// If the folder cannot be made or written to.
pub fn folder() -> Result<Folder> {
    let path = results().join(slug());
    std::fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
    Folder::open(&path, [])
}

/// Returns the name of the folder of this machine's results: the processor's maker, family and model, as
/// `amd-family-26-model-2`. Machines of one name have the same cores, apart from their clock rate.
pub fn slug() -> String {
    let maker = match field("vendor_id").as_deref() {
        Some("AuthenticAMD") => "amd".into(),
        Some("GenuineIntel") => "intel".into(),
        other => other.unwrap_or("unknown").to_lowercase(),
    };
    match numbers() {
        Some([family, model]) => format!("{maker}-family-{family}-model-{model}"),
        None => format!("{maker}-{}", std::env::consts::ARCH),
    }
}

/// Returns the name of the processor, as Linux gives it, with its family and model.
pub fn cpu() -> String {
    let name = field("model name").unwrap_or("an unknown processor".into());
    match numbers() {
        Some([family, model]) => format!("{name} (family {family}, model {model})"),
        None => name,
    }
}

/// Returns the family and model of the processor.
fn numbers() -> Option<[String; 2]> {
    Some([field("cpu family")?, field("model")?])
}

/// Returns a field of the first processor in `/proc/cpuinfo`.
fn field(name: &str) -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let fields = info.lines().filter_map(|line| line.split_once(':'));
    let mut found = fields.filter(|(key, _)| key.trim() == name);
    found.next().map(|(_, value)| value.trim().to_string())
}
