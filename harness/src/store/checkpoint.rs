//! Checkpoints of a training, from which it goes on as if nothing had happened.
//!
//! A checkpoint is the file `<experiment>/checkpoints/<training>/<step>.ckpt`: the eight bytes `TRAINING`, the CRC-32 of
//! the rest (four bytes, little-endian), and the rest in the safetensors format: vectors and words by name, as the
//! training [puts](Parts) them there. Among the words is, word for word, everything that decides the course of the
//! training. Random streams are named by step or epoch, so the step is all there is to know of them.
//!
//! The last two are kept: where one is damaged, the run is not resumed until the user has removed it, and there is one
//! before it. All of them go once the experiment's results are written.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::error::{Error, Result};
use crate::input::read_result;
use crate::store::folder::Folder;
use crate::store::names::CHECKPOINTS;

const MAGIC: &[u8] = b"TRAINING";
/// How many are kept: a damaged one has one before it.
const KEPT: usize = 2;
const SUFFIX: &str = "ckpt";
/// The word that holds what decides the course of the training.
const IDENTITY: &str = "identity";

/// The checkpoints of one training.
#[derive(Debug)]
pub struct Store<'a> {
    run: &'a Folder,
    /// From the folder of the run.
    folder: String,
    /// Everything that decides the course of the training.
    identity: String,
    every: Duration,
    written: Instant,
}

impl<'a> Store<'a> {
    /// The checkpoints in a folder inside that of a run, of the training that `identity` decides the course of; one is
    /// due `every` so often.
    pub fn new(run: &'a Folder, folder: String, identity: String, every: Duration) -> Self {
        Store {
            run,
            folder,
            identity,
            every,
            written: Instant::now(),
        }
    }

    /// Whether it is time to write one.
    pub fn is_due(&self) -> bool {
        self.written.elapsed() >= self.every
    }

    /// Writes one, and removes those before the last two.
    pub fn write(&mut self, step: u64, mut parts: Parts) -> Result<()> {
        let file = format!("{}/{step:012}.{SUFFIX}", self.folder);
        parts.word(IDENTITY, &self.identity);
        self.run.write(file, parts.encode())?;
        for old in self.files()?.into_iter().skip(KEPT) {
            std::fs::remove_file(&old).map_err(Error::io("remove", &old))?;
        }
        self.written = Instant::now();
        Ok(())
    }

    /// What is in the last one, as `read` reads it; `None` if there is none.
    ///
    /// # Errors
    /// If it is damaged, or belongs to another training.
    pub fn latest<T>(&self, read: impl Fn(&Parts) -> Result<T, String>) -> Result<Option<T>> {
        let Some(file) = self.files()?.into_iter().next() else {
            return Ok(None);
        };
        let run = self.run.path();
        let parts = decode(&file, run)?;
        self.belongs(&parts, &file)?;
        let state = read(&parts).map_err(|why| damaged(&file, run, &why))?;
        Ok(Some(state))
    }

    fn belongs(&self, parts: &Parts, file: &Path) -> Result<()> {
        let identity = parts.words.get(IDENTITY).map_or("", String::as_str);
        if identity == self.identity {
            return Ok(());
        }
        let mut lines = identity.lines().zip(self.identity.lines());
        let theirs = lines.find(|(a, b)| a != b).map_or(identity, |(a, _)| a);
        Err(Error::input(format!(
            "{} is from another training: it has `{theirs}`, this one does not; choose a new folder with --out",
            file.display()
        )))
    }

    /// The files there are, the last first.
    fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = self.run.list(&self.folder)?;
        files.retain(|f| f.extension().is_some_and(|e| e == SUFFIX));
        files.sort_unstable_by(|a, b| b.cmp(a));
        Ok(files)
    }
}

/// Checks that no checkpoint of these experiments in the folder of a run is damaged, before anything is computed.
pub fn verify<'a>(run: &Folder, experiments: impl IntoIterator<Item = &'a str>) -> Result<()> {
    for experiment in experiments {
        let checkpoints = format!("{experiment}/{CHECKPOINTS}");
        for training in run.list(&checkpoints)? {
            let training = training.file_name().expect("an entry has a name");
            for file in run.list(Path::new(&checkpoints).join(training))? {
                if file.extension().is_some_and(|e| e == SUFFIX) {
                    decode(&file, run.path())?;
                }
            }
        }
    }
    Ok(())
}

fn decode(file: &Path, run: &Path) -> Result<Parts> {
    let bytes = read_result(file)?;
    Parts::decode(&bytes).map_err(|why| damaged(file, run, &why))
}

fn damaged(file: &Path, run: &Path, why: &str) -> Error {
    Error::input(format!(
        "{} is damaged ({why}); remove it, and `harness run --resume {}` goes on from the checkpoint before it, or \
         starts this training anew",
        file.display(),
        run.display()
    ))
}

/// What a checkpoint holds: vectors of numbers and words, by name.
#[derive(Debug, Default, PartialEq)]
pub struct Parts {
    vectors: HashMap<String, (Dtype, Vec<u8>)>,
    words: HashMap<String, String>,
}

/// A kind of number that a checkpoint holds.
pub trait Number: Sized {
    /// Its name in the file.
    const DTYPE: Dtype;
    /// Adds its bytes, little-endian.
    fn put(&self, bytes: &mut Vec<u8>);
    /// Reads numbers back; what is left over of the bytes is ignored.
    fn take(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! numbers {
    ($($number:ty: $dtype:ident,)*) => {
        $(impl Number for $number {
            const DTYPE: Dtype = Dtype::$dtype;
            fn put(&self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }
            fn take(bytes: &[u8]) -> Vec<Self> {
                let (whole, _) = bytes.as_chunks::<{ size_of::<$number>() }>();
                whole.iter().map(|b| <$number>::from_le_bytes(*b)).collect()
            }
        })*
    };
}

numbers! {
    f32: F32,
    f64: F64,
    u32: U32,
    u64: U64,
}

impl Parts {
    /// Puts a vector.
    pub fn vector<'v, T: Number + 'v>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = &'v T>,
    ) {
        let mut bytes = Vec::new();
        values.into_iter().for_each(|v| v.put(&mut bytes));
        self.vectors.insert(name.into(), (T::DTYPE, bytes));
    }

    /// Puts a word.
    pub fn word(&mut self, name: &str, word: impl Display) {
        self.words.insert(name.into(), word.to_string());
    }

    /// A vector.
    ///
    /// # Errors
    /// If there is none of this name, or it holds other numbers.
    pub fn read_vector<T: Number>(&self, name: &str) -> Result<Vec<T>, String> {
        match self.vectors.get(name) {
            Some((dtype, bytes)) if *dtype == T::DTYPE => Ok(T::take(bytes)),
            Some((dtype, _)) => Err(format!("{name} holds {dtype:?}")),
            None => Err(format!("it has no {name}")),
        }
    }

    /// Fills `into` with a vector.
    ///
    /// # Errors
    /// As [`read_vector`](Self::read_vector), and if it is not as long.
    pub fn read_into<T: Number + Copy>(&self, name: &str, into: &mut [T]) -> Result<(), String> {
        let values = self.read_vector(name)?;
        if values.len() != into.len() {
            return Err(format!("{name} has {} values", values.len()));
        }
        into.copy_from_slice(&values);
        Ok(())
    }

    /// A word.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn read_word(&self, name: &str) -> Result<&str, String> {
        let word = self.words.get(name).map(String::as_str);
        word.ok_or_else(|| format!("it has no {name}"))
    }

    /// A word that is a number, at most `most`.
    ///
    /// # Errors
    /// If there is none of this name, or it is something else.
    pub fn read_number_up_to(&self, name: &str, most: u64) -> Result<u64, String> {
        let word = self.read_word(name)?;
        let number = word.parse().ok().filter(|&n| n <= most);
        number.ok_or_else(|| format!("its {name} is `{word}`, no number from 0 to {most}"))
    }

    /// The bytes of a checkpoint.
    pub fn encode(&self) -> Vec<u8> {
        let vectors = self.vectors.iter().map(|(name, (dtype, bytes))| {
            let len = 8 * bytes.len() / dtype.bitsize();
            let view = TensorView::new(*dtype, vec![len], bytes);
            (name.as_str(), view.expect("a vector of that length"))
        });
        // An empty map would be written in a way that is not read back.
        let words = (!self.words.is_empty()).then(|| self.words.clone());
        let body = safetensors::serialize(vectors, words);
        let body = body.expect("few and small names");
        let mut bytes = MAGIC.to_vec();
        bytes.extend(crc32fast::hash(&body).to_le_bytes());
        bytes.extend(body);
        bytes
    }

    /// Reads the bytes of a checkpoint.
    ///
    /// # Errors
    /// If they are not whole, or are no checkpoint; the message says what is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Parts, String> {
        let rest = bytes
            .strip_prefix(MAGIC)
            .ok_or("it does not begin as a checkpoint does")?;
        let (sum, body) = rest.split_first_chunk::<4>().ok_or("it is cut short")?;
        if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return Err("its checksum is wrong".into());
        }
        let (_, header) = SafeTensors::read_metadata(body).map_err(|e| e.to_string())?;
        let tensors = SafeTensors::deserialize(body).map_err(|e| e.to_string())?;
        let vectors = tensors
            .iter()
            .map(|(name, tensor)| (name.to_string(), (tensor.dtype(), tensor.data().to_vec())));
        Ok(Parts {
            vectors: vectors.collect(),
            words: header.metadata().clone().unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Parts {
        let mut parts = Parts::default();
        parts.vector("weights", &[1.5f32, f32::NAN, -0.0]);
        parts.vector("losses", &[0.1f64]);
        parts.vector("idle", &[7u32, u32::MAX]);
        parts.vector::<u64>("nothing", &[]);
        parts.word("step", 12);
        parts
    }

    #[test]
    fn what_is_put_is_read_back() {
        let back = Parts::decode(&parts().encode()).unwrap();
        let weights: Vec<f32> = back.read_vector("weights").unwrap();
        assert_eq!(weights[0], 1.5);
        assert!(weights[1].is_nan() && weights[2].is_sign_negative());
        assert_eq!(back.read_vector("losses"), Ok(vec![0.1f64]));
        assert_eq!(back.read_vector("nothing"), Ok(Vec::<u64>::new()));
        assert_eq!(back.read_number_up_to("step", 12), Ok(12));
        assert!(
            back.read_number_up_to("step", 11)
                .unwrap_err()
                .contains("`12`")
        );
        let mut idle = [0u32; 2];
        back.read_into("idle", &mut idle).unwrap();
        assert_eq!(idle, [7, u32::MAX]);
        assert!(
            back.read_into("idle", &mut [0u32; 3])
                .unwrap_err()
                .contains("2 values")
        );
        assert!(back.read_vector::<f32>("idle").unwrap_err().contains("U32"));
        assert!(back.read_word("end").unwrap_err().contains("no end"));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = parts().encode();
        for i in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[i] ^= 1 << (i % 8);
            assert!(Parts::decode(&flipped).is_err(), "bit of byte {i}");
            assert!(Parts::decode(&bytes[..i]).is_err(), "cut at {i}");
        }
    }
}
