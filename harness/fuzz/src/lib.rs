//! The fuzz targets of the harness: every reader of bytes that the harness did not write or cannot trust. Whatever the
//! bytes are, a reader returns with an error, or with a value that stays the same when it is written and read again.

use harness::activations::{self, Layout};
use harness::claim::ledger::Ledger;
use harness::claim::measures::Measurement;
use harness::claim::{Cell, Entry};
use harness::experiment::registry::Section;
use harness::experiments::REGISTRY;
use harness::experiments::many_layers::multilayer::model_file;
use harness::experiments::many_layers::multilayer::state::{State, Watched};
use harness::interchange::{self, Damaged};
use harness::profile::Profile;
use harness::profile::machine::Rate;
use harness::profile::tables::{Kernel, Spent, Stack};
use harness::report::contents::{Chapter, Report};
use harness::run::config::Config;
use harness::run::manifest::{self, Manifest};
use harness::run::results::Fact;
use harness::store::snapshot::Snapshot;
use harness::table::{Record, Table, TableSpec, Tables};
use kernels::Activation;
use kernels::mlp::{Parameters, Shape};
use kernels::sae;

/// The function of a fuzz target: reads bytes, and panics if something is wrong with the harness.
pub type Reader = fn(&[u8]);

/// All readers, by the names of their targets.
pub const READERS: [(&str, Reader); 10] = [
    ("config", config),
    ("manifest", manifest),
    ("tables", tables),
    ("checkpoint", checkpoint),
    ("model", model),
    ("npy", npy),
    ("safetensors", safetensors),
    ("autoencoder", autoencoder),
    ("saelens", saelens),
    ("sparsify", sparsify),
];

/// Reads a configuration file, and checks its estimates, its seeds and that it can be written and read again.
pub fn config(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let Ok(config) = Config::from_toml(&REGISTRY, text, "fuzz.toml") else {
        return;
    };
    for selected in &config.experiments {
        assert!(selected.bound.most_seeds() > 0);
    }
    for (id, memory) in config.memory(2) {
        assert!(memory >= 0.0, "{id} needs {memory} bytes");
    }
    assert_eq!(config.seed_list().len() as u64, config.seeds);
    let written = config.to_toml("portable");
    let again =
        Config::from_toml(&REGISTRY, &written, "again.toml").expect("what was written is read");
    assert_eq!(again.to_toml("portable"), written);
}

/// Reads the manifest of a run that is to be resumed.
pub fn manifest(bytes: &[u8]) {
    let Ok(theirs) = manifest::parse(bytes) else {
        return;
    };
    let config = "preset = 'quick'\nexperiments = ['response']";
    let config = Config::from_toml(&REGISTRY, config, "quick").expect("a configuration");
    let mut manifest = Manifest::new(&config, "portable", 1);
    if manifest.difference(&theirs).is_none() {
        manifest.take_over(&theirs);
        let written = manifest.to_json();
        let again = manifest::parse(written.as_bytes()).expect("what was written is read");
        assert_eq!(manifest.difference(&again), None);
        manifest.take_over(&again);
        assert_eq!(manifest.to_json(), written);
    }
}

/// Reads the tables of one experiment, of its measures, of the run and of its profile, and draws them as a report.
/// `bytes` have the name of the experiment in the first line, then for each table a line with `%` and its name,
/// followed by its CSV. Tables that are missing are empty.
pub fn tables(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let mut parts = text.split("\n%");
    let Some(experiment) = parts.next().and_then(|id| REGISTRY.find(id)) else {
        return;
    };
    let parts: Vec<_> = parts.filter_map(|part| part.split_once('\n')).collect();
    let read = |spec: &'static TableSpec| -> Option<Table> {
        let Some((_, csv)) = parts.iter().find(|(name, _)| *name == spec.name) else {
            return Some(Table::new(spec));
        };
        Table::from_csv(spec, *csv).ok()
    };
    let tables = experiment
        .about()
        .tables
        .iter()
        .map(|&spec| read(spec))
        .collect();
    let (Some(tables), Some(measures), Some(claims), Some(cells), Some(run)) = (
        tables,
        read(Measurement::SPEC),
        read(Entry::SPEC),
        read(Cell::SPEC),
        read(Fact::SPEC),
    ) else {
        return;
    };
    let (Some(machine), Some(kernels), Some(experiments), Some(stacks)) = (
        read(Rate::SPEC),
        read(Kernel::SPEC),
        read(Spent::SPEC),
        read(Stack::SPEC),
    ) else {
        return;
    };
    let profile = Profile {
        machine: machine.rows(),
        kernels: kernels.rows(),
        experiments: experiments.rows(),
        stacks: stacks.rows(),
    };
    Ledger::default().settle(experiment.id(), experiment.about().claims, &measures.rows());
    let holds = |s: &&Section| s.experiments.iter().any(|e| e.id() == experiment.id());
    let section = REGISTRY.0.iter().find(holds).expect("a section has it");
    let ledger = Ledger::from_tables(&claims, &cells);
    for (written, spec) in ledger.to_tables().iter().zip([Entry::SPEC, Cell::SPEC]) {
        let again = Table::from_csv(spec, written.csv()).expect("what was written is read");
        assert_eq!(again.csv(), written.csv());
    }
    let report = Report {
        run: run.rows(),
        ledger,
        sections: vec![(
            section,
            vec![Chapter {
                experiment,
                tables: Tables::new(tables),
                measures,
            }],
        )],
        profile: Some(profile),
    };
    let drawn = report.draw(|_, contents| {
        assert!(!contents.is_empty());
        Ok(())
    });
    drawn.expect("nothing is written");
}

/// Reads a checkpoint of a small model. `body` is the file without the bytes that it begins with and without its
/// checksum.
pub fn checkpoint(body: &[u8]) {
    let mut bytes = b"TRAINING".to_vec();
    bytes.extend(crc32fast::hash(body).to_le_bytes());
    bytes.extend(body);
    let Ok(parts) = Snapshot::decode(&bytes) else {
        return;
    };
    let written = parts.encode();
    let again = Snapshot::decode(&written).expect("what was written is read");
    assert_eq!(again, parts);

    let shape = Shape {
        vocabulary: 2,
        width: 2,
        hidden: 1,
        layers: 1,
        activation: Activation::Gelu,
    };
    let like = State::start(Watched::new(Parameters::zeros(shape)));
    if let Ok(state) = like.restore(&parts, 100) {
        let written = state.snapshot();
        let again = like
            .restore(&written, 100)
            .expect("what was written is read");
        assert_eq!(again.snapshot(), written);
    }
}

/// Reads a model file.
pub fn model(bytes: &[u8]) {
    let Ok(parameters) = model_file::decode(bytes) else {
        return;
    };
    let bytes = model_file::encode(&parameters);
    let again = model_file::decode(&bytes).expect("what was written is read");
    assert_eq!(model_file::encode(&again), bytes);
}

/// Reads the header of a `.npy` file of activations, and the whole numbers in a `.npy` file of classes.
pub fn npy(bytes: &[u8]) {
    if let Ok(Some(classes)) = activations::npy::classes(std::io::Cursor::new(bytes)) {
        assert!(classes.len() <= bytes.len());
    }
    if let Ok(layout) = activations::npy::layout(std::io::Cursor::new(bytes)) {
        countable(&layout, bytes);
    }
}

/// Reads the header of a `.safetensors` file of activations, with the name of a tensor and without one.
pub fn safetensors(bytes: &[u8]) {
    for tensor in [None, Some("a")] {
        if let Ok(layout) = activations::safetensors::layout(bytes, tensor) {
            countable(&layout, bytes);
        }
    }
}

/// Checks that the number of values that a header declares and that of their bytes do not overflow, and that the values
/// begin after the first eight bytes.
fn countable(layout: &Layout, bytes: &[u8]) {
    if let Ok((rows, width)) = layout.rows() {
        let values = rows.checked_mul(width as u64).expect("a number of values");
        assert!(values > 0 && values.checked_mul(layout.kind.bytes() as u64).is_some());
        assert!(layout.offset >= 8 && bytes.len() >= 8);
    }
}

/// Reads a sparse autoencoder that `harness sae train` wrote.
pub fn autoencoder(bytes: &[u8]) {
    if let Ok(parameters) = interchange::decode(bytes) {
        assert!(parameters.values().iter().all(|v| v.is_finite()));
    }
}

/// Reads a sparse autoencoder of SAELens: the text of `cfg.json`, a zero byte, and the file of tensors.
pub fn saelens(bytes: &[u8]) {
    foreign(bytes, interchange::saelens::decode);
}

/// Reads a sparse autoencoder of sparsify: the text of `cfg.json`, a zero byte, and the file of tensors.
pub fn sparsify(bytes: &[u8]) {
    foreign(bytes, interchange::sparsify::decode);
}

fn foreign(bytes: &[u8], decode: fn(&str, &[u8]) -> Result<sae::Parameters, Damaged>) {
    let mut parts = bytes.splitn(2, |&b| b == 0);
    let (config, weights) = (parts.next(), parts.next().unwrap_or_default());
    let Some(Ok(config)) = config.map(str::from_utf8) else {
        return;
    };
    if let Ok(parameters) = decode(config, weights) {
        assert!(parameters.values().iter().all(|v| v.is_finite()));
    }
}
