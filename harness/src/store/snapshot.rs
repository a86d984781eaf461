//! The contents of a checkpoint, and the bytes of its file.
//!
//! The file has the eight bytes `TRAINING`, the CRC-32 of the rest (four bytes, little-endian), and the rest in the
//! safetensors format: vectors and metadata by the names under which they were put into the [snapshot](Snapshot).

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensors};

const MAGIC: &[u8] = b"TRAINING";

/// The contents of a checkpoint: vectors of numbers, and metadata, by name. Large vectors are borrowed, so that a
/// checkpoint takes no memory beside what is trained.
#[derive(Debug, Default, PartialEq)]
pub struct Snapshot<'a> {
    vectors: BTreeMap<String, (Dtype, Cow<'a, [u8]>)>,
    metadata: HashMap<String, String>,
}

/// A kind of number that a checkpoint holds.
pub trait Number: bytemuck::NoUninit {
    /// The name of the number type in the file.
    const DTYPE: Dtype;
    /// Adds the bytes of the number, little-endian.
    fn put(&self, bytes: &mut Vec<u8>);
    /// Reads numbers from their bytes; bytes at the end that make no whole number are ignored.
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
    u8: U8,
    f32: F32,
    f64: F64,
    u32: U32,
    u64: U64,
}

impl<'a> Snapshot<'a> {
    /// Adds a vector of the values `values`.
    pub fn put_vector<'v, T: Number + 'v>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = &'v T>,
    ) {
        let mut bytes = Vec::new();
        values.into_iter().for_each(|v| v.put(&mut bytes));
        self.vectors.insert(name.into(), (T::DTYPE, bytes.into()));
    }

    /// Adds a vector, which is borrowed where the machine stores numbers as the file does.
    pub fn put_slice<T: Number>(&mut self, name: &str, values: &'a [T]) {
        if cfg!(target_endian = "little") {
            let bytes: &[u8] = bytemuck::cast_slice(values);
            self.vectors.insert(name.into(), (T::DTYPE, bytes.into()));
        } else {
            self.put_vector(name, values);
        }
    }

    /// Adds a value to the metadata.
    pub fn put_metadata(&mut self, name: &str, value: impl Display) {
        self.metadata.insert(name.into(), value.to_string());
    }

    /// Returns the vector of the name `name`.
    ///
    /// # Errors
    /// If there is no vector of this name, or it holds numbers of another type.
    pub fn read_vector<T: Number>(&self, name: &str) -> Result<Vec<T>, String> {
        match self.vectors.get(name) {
            Some((dtype, bytes)) if *dtype == T::DTYPE => Ok(T::take(bytes)),
            Some((dtype, _)) => Err(format!("{name} holds {dtype:?}")),
            None => Err(format!("it has no {name}")),
        }
    }

    /// Fills `into` with the vector of the name `name`.
    ///
    /// # Errors
    /// The errors of [`read_vector`](Self::read_vector), and an error if the vector is not as long as `into`.
    pub fn read_into<T: Number + Copy>(&self, name: &str, into: &mut [T]) -> Result<(), String> {
        let values = self.read_vector(name)?;
        if values.len() != into.len() {
            return Err(format!("{name} has {} values", values.len()));
        }
        into.copy_from_slice(&values);
        Ok(())
    }

    /// Returns the metadata of the name `name`.
    ///
    /// # Errors
    /// If there are none of this name.
    pub fn metadata(&self, name: &str) -> Result<&str, String> {
        let word = self.metadata.get(name).map(String::as_str);
        word.ok_or_else(|| format!("it has no {name}"))
    }

    /// Returns the metadata of the name `name` as a number, at most `most`.
    ///
    /// # Errors
    /// If there are none of this name, or they are something else.
    pub fn read_u64(&self, name: &str, most: u64) -> Result<u64, String> {
        let word = self.metadata(name)?;
        let number = word.parse().ok().filter(|&n| n <= most);
        number.ok_or_else(|| format!("its {name} is `{word}`, no number from 0 to {most}"))
    }

    /// Returns the bytes of a checkpoint.
    pub fn encode(&self) -> Vec<u8> {
        self.pieces().concat()
    }

    /// Returns the bytes of a checkpoint, in pieces.
    pub fn pieces(&self) -> Vec<Cow<'_, [u8]>> {
        let mut end = 0;
        let info = |(name, (dtype, bytes)): (&String, &(Dtype, Cow<[u8]>))| {
            let begin = end;
            end += bytes.len();
            let info = TensorInfo {
                dtype: *dtype,
                shape: vec![8 * bytes.len() / dtype.bitsize()],
                data_offsets: (begin, end),
            };
            (name.clone(), info)
        };
        let infos = self.vectors.iter().map(info).collect();
        // An empty map would be written in a way that is not read back.
        let metadata = (!self.metadata.is_empty()).then(|| self.metadata.clone());
        let header = Metadata::new(metadata, infos).expect("vectors one after the other");
        let mut header = serde_json::to_vec(&header).expect("names and numbers");
        header.resize(header.len().next_multiple_of(8), b' ');
        let mut head = (header.len() as u64).to_le_bytes().to_vec();
        head.extend(header);
        let mut sum = crc32fast::Hasher::new();
        sum.update(&head);
        let vectors = self.vectors.values().map(|(_, bytes)| bytes);
        vectors.clone().for_each(|bytes| sum.update(bytes));
        let begin = [MAGIC, &sum.finalize().to_le_bytes(), &head].concat();
        let vectors = vectors.map(|bytes| Cow::Borrowed(&**bytes));
        std::iter::once(begin.into()).chain(vectors).collect()
    }

    /// Reads the bytes of a checkpoint.
    ///
    /// # Errors
    /// If they are not whole, or are no checkpoint; the message says what is wrong with them.
    pub fn decode(bytes: &'a [u8]) -> Result<Snapshot<'a>, String> {
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
            .map(|(name, tensor)| (name.to_string(), (tensor.dtype(), tensor.data().into())));
        Ok(Snapshot {
            vectors: vectors.collect(),
            metadata: header.metadata().clone().unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot<'static> {
        let mut snapshot = Snapshot::default();
        snapshot.put_slice("weights", &[1.5f32, f32::NAN, -0.0]);
        snapshot.put_vector("losses", &[0.1f64]);
        snapshot.put_vector("idle", &[7u32, u32::MAX]);
        snapshot.put_vector::<u64>("nothing", &[]);
        snapshot.put_metadata("step", 12);
        snapshot
    }

    #[test]
    fn what_is_put_is_read_back() {
        let bytes = snapshot().encode();
        let back = Snapshot::decode(&bytes).unwrap();
        let weights: Vec<f32> = back.read_vector("weights").unwrap();
        assert_eq!(weights[0], 1.5);
        assert!(weights[1].is_nan() && weights[2].is_sign_negative());
        assert_eq!(back.read_vector("losses"), Ok(vec![0.1f64]));
        assert_eq!(back.read_vector("nothing"), Ok(Vec::<u64>::new()));
        assert_eq!(back.read_u64("step", 12), Ok(12));
        assert!(back.read_u64("step", 11).unwrap_err().contains("`12`"));
        let mut idle = [0u32; 2];
        back.read_into("idle", &mut idle).unwrap();
        assert_eq!(idle, [7, u32::MAX]);
        assert!(
            back.read_into("idle", &mut [0u32; 3])
                .unwrap_err()
                .contains("2 values")
        );
        assert!(back.read_vector::<f32>("idle").unwrap_err().contains("U32"));
        assert!(back.metadata("end").unwrap_err().contains("no end"));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = snapshot().encode();
        for i in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[i] ^= 1 << (i % 8);
            assert!(Snapshot::decode(&flipped).is_err(), "bit of byte {i}");
            assert!(Snapshot::decode(&bytes[..i]).is_err(), "cut at {i}");
        }
    }
}
