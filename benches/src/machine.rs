//! The machine that measurements are of, and the folder that keeps them.

use std::path::{Path, PathBuf};

use harness::error::{Error, Result};
use harness::store::folder::Folder;

/// The folder of the results, with one in it for each kind of machine.
pub fn results() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("results")
}

/// The folder of this machine's results, which is made if it is not there.
///
/// # Errors
/// If it cannot be made or written to.
pub fn folder() -> Result<Folder> {
    let path = results().join(slug());
    std::fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
    Folder::open(&path, [])
}

/// The name of the folder of this machine's results: its maker, family and model, as `amd-family-26-model-2`. Machines
/// of one name have the same cores, but for their clock.
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

/// The processor, as Linux names it.
pub fn cpu() -> String {
    let name = field("model name").unwrap_or("an unknown processor".into());
    match numbers() {
        Some([family, model]) => format!("{name} (family {family}, model {model})"),
        None => name,
    }
}

/// Family and model.
fn numbers() -> Option<[String; 2]> {
    Some([field("cpu family")?, field("model")?])
}

/// A field of the first processor.
fn field(name: &str) -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let fields = info.lines().filter_map(|line| line.split_once(':'));
    let mut found = fields.filter(|(key, _)| key.trim() == name);
    found.next().map(|(_, value)| value.trim().to_string())
}
