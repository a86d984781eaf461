//! The results of PyTorch that tests compare with, in `fixtures/`.

use safetensors::{Dtype, SafeTensors};

/// A file of tensors in the format safetensors.
pub struct Fixture(Vec<u8>);

impl Fixture {
    /// Reads `fixtures/name`.
    ///
    /// # Panics
    /// If the file cannot be read.
    pub fn read(name: &str) -> Fixture {
        let path = format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
        Fixture(std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")))
    }

    fn file(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.0).expect("a file of safetensors")
    }

    fn tensor<const N: usize>(&self, name: &str, dtype: Dtype) -> Vec<[u8; N]> {
        let file = self.file();
        let tensor = file
            .tensor(name)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(tensor.dtype(), dtype, "{name}");
        let (values, rest) = tensor.data().as_chunks();
        assert!(rest.is_empty());
        values.to_vec()
    }

    /// Returns whether there is a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.file().tensor(name).is_ok()
    }

    /// Returns the sizes of the axes of a tensor.
    pub fn sizes(&self, name: &str) -> Vec<usize> {
        let file = self.file();
        let tensor = file
            .tensor(name)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        tensor.shape().to_vec()
    }

    /// Returns the values of a tensor of f64.
    pub fn numbers(&self, name: &str) -> Vec<f64> {
        let values = self.tensor(name, Dtype::F64);
        values.into_iter().map(f64::from_le_bytes).collect()
    }

    /// Returns the values of a tensor of f64 that f32 holds exactly.
    pub fn singles(&self, name: &str) -> Vec<f32> {
        let exact = |x: f64| {
            let single = x as f32;
            assert!(f64::from(single) == x, "{name}: {x} is no f32");
            single
        };
        self.numbers(name).into_iter().map(exact).collect()
    }

    /// Returns the values of a tensor of i32, none of which is negative.
    pub fn indices(&self, name: &str) -> Vec<u32> {
        let values = self.tensor(name, Dtype::I32);
        let index = |i| i32::from_le_bytes(i).try_into().expect("an index");
        values.into_iter().map(index).collect()
    }
}
