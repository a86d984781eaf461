//! The header of a file: what it says of the array in the file.

/// An array in a file: where it begins, what its values are, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The number of bytes before the first value.
    pub offset: u64,
    /// The type of the values.
    pub kind: Kind,
    /// The lengths of the axes.
    pub shape: Vec<u64>,
}

/// The type of values, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Half precision of IEEE 754.
    F16,
    /// The upper half of single precision.
    Bf16,
    /// Single precision of IEEE 754.
    F32,
    /// Double precision of IEEE 754.
    F64,
}

impl Kind {
    /// Returns the type that a `.safetensors` file means; `None` if its values are no real numbers.
    pub fn of(dtype: safetensors::Dtype) -> Option<Kind> {
        use safetensors::Dtype;
        match dtype {
            Dtype::F16 => Some(Kind::F16),
            Dtype::BF16 => Some(Kind::Bf16),
            Dtype::F32 => Some(Kind::F32),
            Dtype::F64 => Some(Kind::F64),
            _ => None,
        }
    }

    /// Returns the number of bytes of a value.
    pub fn bytes(self) -> usize {
        match self {
            Kind::F16 | Kind::Bf16 => 2,
            Kind::F32 => 4,
            Kind::F64 => 8,
        }
    }

    /// Returns the name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Kind::F16 => "float16",
            Kind::Bf16 => "bfloat16",
            Kind::F32 => "float32",
            Kind::F64 => "float64",
        }
    }

    /// Reads values from bytes as single precision, one for each place in `to`. Double precision is rounded, and is
    /// infinite where single precision does not reach.
    pub fn decode(self, bytes: &[u8], to: &mut [f32]) {
        fn each<const N: usize>(bytes: &[u8], to: &mut [f32], value: impl Fn([u8; N]) -> f32) {
            for (to, bytes) in to.iter_mut().zip(bytes.as_chunks().0) {
                *to = value(*bytes);
            }
        }
        match self {
            Kind::F16 => each(bytes, to, |b| half::f16::from_le_bytes(b).to_f32()),
            Kind::Bf16 => each(bytes, to, |b| half::bf16::from_le_bytes(b).to_f32()),
            Kind::F32 => each(bytes, to, f32::from_le_bytes),
            Kind::F64 => each(bytes, to, |b| f64::from_le_bytes(b) as f32),
        }
    }
}

impl Layout {
    /// Returns the number of rows and their length: the last axis is the length, all others count rows.
    ///
    /// # Errors
    /// If there are fewer than two axes, no values, or more than can be counted.
    pub fn rows(&self) -> Result<(u64, usize), String> {
        let shape = &self.shape;
        let shown = || {
            format!(
                "({})",
                shape
                    .iter()
                    .map(u64::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        };
        let [axes @ .., width] = &shape[..] else {
            return Err("it holds a single number; rows need two axes".into());
        };
        if axes.is_empty() {
            return Err(format!(
                "its shape is {}; rows need two axes or more, of which the last is the length of a row: reshape(-1, 1) \
                 makes rows of one number",
                shown()
            ));
        }
        let rows = axes.iter().try_fold(1u64, |n, &axis| n.checked_mul(axis));
        let bytes = |rows: &u64| rows.checked_mul(*width).and_then(|n| n.checked_mul(8));
        let rows = rows.filter(|rows| bytes(rows).is_some());
        match (rows, usize::try_from(*width)) {
            (Some(0), _) | (_, Ok(0)) => {
                Err(format!("its shape is {}: it holds no values", shown()))
            }
            (Some(rows), Ok(width)) => Ok((rows, width)),
            _ => Err(format!(
                "its shape is {}: more values than can be counted",
                shown()
            )),
        }
    }
}
