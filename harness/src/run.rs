//! A run from configuration to report: compute, write tables, settle claims, then draw everything
//! from the files just written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use kernels::Isa;
use serde_json::json;

use crate::claim::{Entry, Ledger, measures_table};
use crate::config::{Config, Selected};
use crate::error::{Error, Result};
use crate::experiment::Ctx;
use crate::output::{Folder, MANIFEST};
use crate::progress::{self, Progress, Show};
use crate::report;
use crate::table::Tables;

/// How to run, beside the configuration: nothing here changes a byte of the tables.
#[derive(Debug, Clone)]
pub struct Means {
    /// Size of the thread pool.
    pub threads: usize,
    /// Where to write; a fresh folder under `out/` if not set.
    pub out: Option<PathBuf>,
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
        Some(path) => Folder::create(path)?,
        None => Folder::create_numbered(Path::new("out"), config.preset.name())?,
    };
    let mut manifest = Manifest::new(config, isa, means.threads);
    folder.write(MANIFEST, manifest.to_json())?;
    folder.write("config.toml", config.to_toml(isa.name()))?;

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
    let seeds = config.seed_list();
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
        let ctx = Ctx {
            experiment: id,
            seeds: &seeds,
            isa,
            threads: means.threads,
            progress: &progress,
            folder,
            inputs: &finished,
        };
        let outcome = experiment.run(settings, &ctx)?;
        progress::check()?;

        let tables = Tables::new(outcome.tables);
        let names: Vec<_> = tables.iter().map(|t| t.spec().name).collect();
        let declared: Vec<_> = experiment.tables().iter().map(|t| t.name).collect();
        assert_eq!(names, declared, "`{id}` writes the tables that it declares");
        let measures = measures_table(experiment.claims(), &outcome.measures, &seeds);
        for table in tables.iter().chain([&measures]) {
            folder.write(format!("{id}/{}.csv", table.spec().name), table.to_csv())?;
        }
        folder.write(format!("{id}/README.md"), report::columns(*experiment))?;
        for claim in experiment.claims() {
            ledger
                .0
                .push(Entry::settle(id, claim, &outcome.measures, &seeds));
        }
        finished.insert(id, tables);
        manifest.seconds.push((id, progress.finish()));
    }
    Ok(ledger)
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
    seconds: Vec<(&'static str, f64)>,
}

impl<'a> Manifest<'a> {
    fn new(config: &'a Config, isa: Isa, threads: usize) -> Self {
        Manifest {
            config,
            isa,
            threads,
            started: now(),
            finished: None,
            seconds: Vec::new(),
        }
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
        let seconds: BTreeMap<_, _> = self.seconds.iter().copied().collect();
        let manifest = json!({
            "harness": env!("CARGO_PKG_VERSION"),
            "complete": self.finished.is_some(),
            "isa": self.isa.name(),
            "threads": self.threads,
            "machine": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            "started_unix": self.started,
            "finished_unix": self.finished,
            "seconds": seconds,
            "preset": self.config.preset.name(),
            "seed": self.config.seed,
            "seeds": self.config.seed_list(),
            "experiments": experiments,
            "settings": settings,
        });
        serde_json::to_string_pretty(&manifest).expect("JSON of plain values") + "\n"
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}
