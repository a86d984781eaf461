//! A run from configuration to report: compute, write tables, settle claims, then draw everything
//! from the files just written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kernels::Isa;
use serde_json::json;

use crate::claim::{Entry, Ledger, MEASURES, Measure, measures_table, read_measures};
use crate::config::{Config, Selected};
use crate::error::{Error, Result};
use crate::experiment::{Ctx, Erased};
use crate::output::{Folder, MANIFEST};
use crate::progress::{self, Progress, Show};
use crate::report;
use crate::table::{Table, Tables};

/// Folder of an experiment's checkpoints, inside its own: gone once its results are there.
pub const CHECKPOINTS: &str = "checkpoints";

/// Name of the configuration in the folder of a run.
pub const CONFIG: &str = "config.toml";

/// How to run, beside the configuration: nothing here changes a byte of the tables.
#[derive(Debug, Clone)]
pub struct Means {
    /// Size of the thread pool.
    pub threads: usize,
    /// Where to write; a fresh folder under `out/` if not set.
    pub out: Option<PathBuf>,
    /// Whether to go on with the run that is there.
    pub resume: bool,
    /// How often a long training writes a checkpoint.
    pub checkpoint_every: Duration,
    /// What to show meanwhile.
    pub show: Show,
}

/// Runs a configuration; the ledger and the folder that holds everything.
pub fn run(config: &Config, isa: Isa, means: &Means) -> Result<(Ledger, PathBuf)> {
    check_memory(config, means.threads)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(means.threads)
        .build()
        .map_err(|e| Error::input(format!("cannot start {} threads: {e}", means.threads)))?;
    let folder = match &means.out {
        Some(path) if means.resume => Folder::resume(path)?,
        Some(path) => Folder::create(path)?,
        None => Folder::create_numbered(Path::new("out"), config.preset.name())?,
    };
    let mut manifest = Manifest::new(config, isa, means.threads);
    if means.resume {
        manifest.take_over(&folder)?;
    }
    folder.write(CONFIG, config.to_toml(isa.name()))?;
    folder.write(MANIFEST, manifest.to_json())?;

    let ledger = pool.install(|| compute(config, isa, means, &folder, &mut manifest))?;
    // The manifest is complete before the ledger appears, and the report comes last.
    manifest.finished = Some(now());
    folder.write(MANIFEST, manifest.to_json())?;
    folder.write("run.csv", report::run_table(config, isa).to_csv())?;
    folder.write("claims.csv", ledger.to_table().to_csv())?;
    report::write(&folder)?;
    Ok((ledger, folder.path().to_path_buf()))
}

/// Runs the experiments in order and writes their tables as each of them ends.
fn compute(
    config: &Config,
    isa: Isa,
    means: &Means,
    folder: &Folder,
    manifest: &mut Manifest,
) -> Result<Ledger> {
    let all_seeds = config.seed_list();
    let mut ledger = Ledger::default();
    let mut finished: BTreeMap<&'static str, Tables> = BTreeMap::new();
    for (
        i,
        Selected {
            experiment,
            settings,
        },
    ) in config.experiments.iter().enumerate()
    {
        progress::check()?;
        let id = experiment.id();
        let name = format!("[{}/{}] {id}", i + 1, config.experiments.len());
        let progress = Progress::new(name, means.show);
        let seeds = &all_seeds[..all_seeds.len().min(experiment.most_seeds(settings))];
        let ctx = Ctx {
            experiment: id,
            seeds,
            isa,
            threads: means.threads,
            progress: &progress,
            checkpoint_every: means.checkpoint_every,
            folder,
            inputs: &finished,
        };
        let done = Path::new(id).join("measures.csv");
        if means.resume && folder.path().join(&done).exists() {
            let table = Table::read(&MEASURES, &folder.path().join(done))?;
            let measures = read_measures(experiment.claims(), &table);
            settle(*experiment, &measures, seeds, &mut ledger);
            let tables = Tables::read(experiment.tables(), &folder.path().join(id))?;
            folder.remove(Path::new(id).join(CHECKPOINTS))?;
            finished.insert(id, tables);
            progress.finish();
            continue;
        }
        let outcome = experiment.run(settings, &ctx)?;
        progress::check()?;

        let tables = Tables::new(outcome.tables);
        let names: Vec<_> = tables.iter().map(|t| t.spec().name).collect();
        let declared: Vec<_> = experiment.tables().iter().map(|t| t.name).collect();
        assert_eq!(names, declared, "`{id}` writes the tables that it declares");
        let measures = measures_table(experiment.claims(), &outcome.measures, seeds);
        let write =
            |table: &Table| folder.write(format!("{id}/{}.csv", table.spec().name), table.to_csv());
        tables.iter().try_for_each(write)?;
        folder.write(format!("{id}/README.md"), report::columns(*experiment))?;
        // The measures come last: where they are, an experiment is complete.
        write(&measures)?;
        folder.remove(Path::new(id).join(CHECKPOINTS))?;
        settle(*experiment, &outcome.measures, seeds, &mut ledger);
        finished.insert(id, tables);
        manifest.seconds.insert(id.into(), progress.finish());
        folder.write(MANIFEST, manifest.to_json())?;
    }
    Ok(ledger)
}

fn settle(experiment: &dyn Erased, measures: &[Measure], seeds: &[u64], ledger: &mut Ledger) {
    for claim in experiment.claims() {
        let entry = Entry::settle(experiment.id(), claim, measures, seeds);
        ledger.0.push(entry);
    }
}

/// Refuses a run that the machine has no memory for.
fn check_memory(config: &Config, threads: usize) -> Result<()> {
    let memory = machine_memory();
    for Selected {
        experiment,
        settings,
    } in &config.experiments
    {
        let needed = experiment.memory(settings, threads);
        if needed.is_nan() || needed > memory {
            let gib = |bytes: f64| bytes / 2f64.powi(30);
            return Err(Error::input(format!(
                "{} would need about {:.1} GiB of memory, and this machine has {:.1}; choose smaller \
                 sizes (`harness list {0}` shows them)",
                experiment.id(),
                gib(needed),
                gib(memory),
            )));
        }
    }
    Ok(())
}

/// Memory of the machine, bytes. Where the system does not say, a generous 64 GiB.
fn machine_memory() -> f64 {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = info.lines().find_map(|line| {
        let kib = line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?;
        kib.trim().parse::<f64>().ok()
    });
    let machine = total.map_or(64.0 * 2f64.powi(30), |kib| kib * 1024.0);
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").unwrap_or_default();
    machine.min(group.trim().parse().unwrap_or(f64::INFINITY))
}

/// What `manifest.json` says.
struct Manifest<'a> {
    config: &'a Config,
    isa: Isa,
    threads: usize,
    started: u64,
    finished: Option<u64>,
    seconds: BTreeMap<String, f64>,
}

impl<'a> Manifest<'a> {
    fn new(config: &'a Config, isa: Isa, threads: usize) -> Self {
        Manifest {
            config,
            isa,
            threads,
            started: now(),
            finished: None,
            seconds: BTreeMap::new(),
        }
    }

    /// Takes over the times of the run that is gone on with.
    ///
    /// # Errors
    /// If that run had another configuration.
    fn take_over(&mut self, folder: &Folder) -> Result<()> {
        let path = folder.path().join(MANIFEST);
        if !path.exists() {
            // Cut short before anything was computed, or no run at all.
            return match folder.path().join(CONFIG).exists() {
                true => Ok(()),
                false => Err(Error::input(format!(
                    "{} holds no run to resume: there is no {MANIFEST} in it",
                    folder.path().display()
                ))),
            };
        }
        let text = std::fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let wrong = |e| Error::input(format!("{}: {e}", path.display()));
        let theirs: serde_json::Value = serde_json::from_str(&text).map_err(wrong)?;
        let ours: serde_json::Value = serde_json::from_str(&self.to_json()).map_err(wrong)?;
        for key in [
            "harness",
            "isa",
            "preset",
            "seeds",
            "experiments",
            "settings",
        ] {
            if let Some((place, theirs, ours)) = difference(key, &theirs[key], &ours[key]) {
                return Err(Error::input(format!(
                    "cannot resume {}: it was run with {place} = {theirs}, not {ours}; leave the \
                     configuration out to resume it as it was, or choose a new folder with --out",
                    folder.path().display()
                )));
            }
        }
        self.started = theirs["started_unix"].as_u64().unwrap_or(self.started);
        let seconds = theirs["seconds"].as_object().into_iter().flatten();
        self.seconds = seconds
            .filter_map(|(id, s)| Some((id.clone(), s.as_f64()?)))
            .collect();
        Ok(())
    }

    fn to_json(&self) -> String {
        let experiments: Vec<_> = self
            .config
            .experiments
            .iter()
            .map(|s| s.experiment.id())
            .collect();
        let settings: BTreeMap<_, _> = self
            .config
            .experiments
            .iter()
            .map(|s| (s.experiment.id(), &s.settings))
            .collect();
        let manifest = json!({
            "harness": env!("CARGO_PKG_VERSION"),
            "complete": self.finished.is_some(),
            "isa": self.isa.name(),
            "threads": self.threads,
            "machine": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            "started_unix": self.started,
            "finished_unix": self.finished,
            "seconds": self.seconds,
            "preset": self.config.preset.name(),
            "seed": self.config.seed,
            "seeds": self.config.seed_list(),
            "experiments": experiments,
            "settings": settings,
        });
        serde_json::to_string_pretty(&manifest).expect("JSON of plain values") + "\n"
    }
}

/// The first place in which two values differ, and what stands there.
fn difference(
    place: &str,
    a: &serde_json::Value,
    b: &serde_json::Value,
) -> Option<(String, String, String)> {
    if a == b {
        return None;
    }
    if let (Some(inner), Some(other)) = (a.as_object(), b.as_object()) {
        let keys = inner.keys().chain(other.keys());
        let mut differences =
            keys.map(|key| difference(&format!("{place}.{key}"), &a[key], &b[key]));
        return differences.find_map(|found| found);
    }
    Some((place.into(), a.to_string(), b.to_string()))
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}
