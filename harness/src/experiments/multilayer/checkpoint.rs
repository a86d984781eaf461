//! Checkpoints of a training, from which it goes on as if nothing had happened.
//!
//! A checkpoint is the file `multilayer/checkpoints/<model>/<step>.ckpt`: the eight bytes `MLPCKPT1`, the CRC-32 of
//! the rest (four bytes, little-endian), and the rest in the safetensors format: `parameters`, `first_moment`
//! and `second_moment` as one vector each, in the order of [`Parameters`](kernels::mlp::Parameters), and what was
//! seen on the way. Its metadata hold step and end of the training and, word for word, everything that decides
//! its course. Random streams are named by epoch, so the step is all there is to know of them.
//!
//! The last two are kept. A damaged one is named and stepped over. All of them go once the experiment's results
//! are written.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::settings::Settings;
use super::train::{Check, End, State, Task};
use crate::error::{Error, Result};
use crate::experiment::Ctx;

const MAGIC: &[u8] = b"MLPCKPT1";
/// How many are kept: a damaged one has one before it.
const KEPT: usize = 2;
const SUFFIX: &str = "ckpt";

/// The checkpoints of one training.
pub struct Store<'a> {
    ctx: &'a Ctx<'a>,
    task: Task,
    /// From the folder of the run.
    folder: String,
    /// Everything that decides the course of the training.
    identity: String,
    written: Instant,
}

impl<'a> Store<'a> {
    /// Of the training of one model.
    pub fn new(task: Task, s: &Settings, ctx: &'a Ctx) -> Self {
        Store {
            ctx,
            task,
            folder: format!(
                "{}/{}/{}",
                ctx.experiment,
                crate::run::CHECKPOINTS,
                task.slug()
            ),
            identity: format!(
                "harness {}, {}\n{task}\n{}",
                env!("CARGO_PKG_VERSION"),
                ctx.isa.name(),
                toml::to_string(s).expect("settings are a flat struct")
            ),
            written: Instant::now(),
        }
    }

    /// Whether it is time to write one.
    pub fn is_due(&self) -> bool {
        self.written.elapsed() >= self.ctx.checkpoint_every
    }

    /// Writes one, and removes those before the last two.
    pub fn write(&mut self, state: &State) -> Result<()> {
        let file = format!("{}/{:012}.{SUFFIX}", self.folder, state.step);
        self.ctx.folder.write(file, self.encode(state))?;
        for old in self.files()?.into_iter().skip(KEPT) {
            std::fs::remove_file(&old).map_err(Error::io("remove", &old))?;
        }
        self.written = Instant::now();
        Ok(())
    }

    /// The state in the last sound one, or `start`. Damaged ones are named and stepped over.
    ///
    /// # Errors
    /// If one belongs to another training.
    pub fn latest(&self, start: State) -> Result<State> {
        let files = self.files()?;
        for file in &files {
            let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
            match self.decode(&bytes, &start) {
                Ok(state) => return Ok(state),
                Err(Refusal::Damaged(why)) => {
                    let line = format!("{} is damaged ({why}); it is stepped over", file.display());
                    self.ctx.progress.say(&line);
                }
                Err(Refusal::Foreign(theirs)) => {
                    return Err(Error::input(format!(
                        "{} is from another training: it has `{theirs}`, this one does not; choose a new \
                         folder with --out",
                        file.display()
                    )));
                }
            }
        }
        if !files.is_empty() {
            let line = format!(
                "no checkpoint of the {} is sound; it starts anew",
                self.task
            );
            self.ctx.progress.say(&line);
        }
        Ok(start)
    }

    /// The files there are, the last first.
    fn files(&self) -> Result<Vec<PathBuf>> {
        let folder = self.ctx.folder.path().join(&self.folder);
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let entries = std::fs::read_dir(&folder).map_err(Error::io("read", &folder))?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        files.retain(|f| is_checkpoint(f));
        files.sort_unstable_by(|a, b| b.cmp(a));
        Ok(files)
    }

    fn encode(&self, state: &State) -> Vec<u8> {
        let floats = |values: &[f32]| {
            values
                .iter()
                .flat_map(|v| v.to_le_bytes())
                .collect::<Vec<u8>>()
        };
        let checks =
            |of: &dyn Fn(&Check) -> [u8; 8]| state.checks.iter().flat_map(of).collect::<Vec<u8>>();
        let parts = [
            ("parameters", Dtype::F32, floats(state.parameters.values())),
            ("first_moment", Dtype::F32, floats(&state.moments[0])),
            ("second_moment", Dtype::F32, floats(&state.moments[1])),
            ("check_step", Dtype::U64, checks(&|c| c.step.to_le_bytes())),
            ("check_loss", Dtype::F64, checks(&|c| c.loss.to_le_bytes())),
            (
                "check_learned",
                Dtype::U64,
                checks(&|c| c.learned.to_le_bytes()),
            ),
        ];
        let tensors = parts.iter().map(|(name, dtype, bytes)| {
            let len = bytes.len() / if *dtype == Dtype::F32 { 4 } else { 8 };
            (
                *name,
                TensorView::new(*dtype, vec![len], bytes).expect("a vector of that length"),
            )
        });
        let end = match state.end {
            None => "none".to_string(),
            Some(End::Learned) => "learned".into(),
            Some(End::Budget) => "budget".into(),
            Some(End::Diverged { layer }) => format!("diverged {layer}"),
        };
        let metadata = HashMap::from([
            ("identity".to_string(), self.identity.clone()),
            ("step".into(), state.step.to_string()),
            ("end".into(), end),
        ]);
        let body = safetensors::serialize(tensors, Some(metadata)).expect("few and small names");
        let mut bytes = MAGIC.to_vec();
        bytes.extend(crc32fast::hash(&body).to_le_bytes());
        bytes.extend(body);
        bytes
    }

    /// The state that a checkpoint holds, in the shape of `like`.
    fn decode(&self, bytes: &[u8], like: &State) -> Result<State, Refusal> {
        let damaged = |why: &str| Refusal::Damaged(why.into());
        let rest = bytes
            .strip_prefix(MAGIC)
            .ok_or(damaged("it does not begin as a checkpoint does"))?;
        let (sum, body) = rest
            .split_first_chunk::<4>()
            .ok_or(damaged("it is cut short"))?;
        if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return Err(damaged("its checksum is wrong"));
        }
        let broken = |e| Refusal::Damaged(format!("{e}"));
        let (_, header) = SafeTensors::read_metadata(body).map_err(broken)?;
        let tensors = SafeTensors::deserialize(body).map_err(broken)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let text = |key: &str| {
            metadata
                .get(key)
                .ok_or(Refusal::Damaged(format!("it has no {key}")))
        };
        let identity = text("identity")?;
        if *identity != self.identity {
            let other = identity
                .lines()
                .zip(self.identity.lines())
                .find(|(a, b)| a != b);
            return Err(Refusal::Foreign(
                other.map_or(identity.as_str(), |o| o.0).into(),
            ));
        }
        let words = |name: &str| -> Result<Vec<[u8; 8]>, Refusal> {
            let tensor = tensors.tensor(name).map_err(broken)?;
            Ok(tensor.data().as_chunks::<8>().0.to_vec())
        };
        let floats = |name: &str, into: &mut [f32]| -> Result<(), Refusal> {
            let tensor = tensors.tensor(name).map_err(broken)?;
            let (values, rest) = tensor.data().as_chunks::<4>();
            if values.len() != into.len() || !rest.is_empty() {
                return Err(Refusal::Damaged(format!(
                    "{name} has {} values",
                    values.len()
                )));
            }
            into.iter_mut()
                .zip(values)
                .for_each(|(to, v)| *to = f32::from_le_bytes(*v));
            Ok(())
        };
        let mut state = like.clone();
        floats("parameters", state.parameters.values_mut())?;
        floats("first_moment", &mut state.moments[0])?;
        floats("second_moment", &mut state.moments[1])?;
        let looks = words("check_step")?
            .into_iter()
            .zip(words("check_loss")?)
            .zip(words("check_learned")?);
        state.checks = looks
            .map(|((step, loss), learned)| Check {
                step: u64::from_le_bytes(step),
                loss: f64::from_le_bytes(loss),
                learned: u64::from_le_bytes(learned),
            })
            .collect();
        state.step = text("step")?
            .parse()
            .map_err(|_| damaged("its step is no number"))?;
        state.end = match text("end")?.split_once(' ').unwrap_or((text("end")?, "")) {
            ("none", _) => None,
            ("learned", _) => Some(End::Learned),
            ("budget", _) => Some(End::Budget),
            ("diverged", layer) => Some(End::Diverged {
                layer: layer
                    .parse()
                    .map_err(|_| damaged("its layer is no number"))?,
            }),
            _ => return Err(damaged("its end is unknown")),
        };
        Ok(state)
    }
}

/// Why a checkpoint is not used.
#[derive(Debug)]
enum Refusal {
    /// What is wrong with it.
    Damaged(String),
    /// The first line in which its training differs.
    Foreign(String),
}

fn is_checkpoint(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == SUFFIX)
}
