//! Dictionaries in f64, and which of their atoms a code uses.

/// Atoms as rows, n×m.
#[derive(Debug, Clone)]
pub struct Dictionary {
    width: usize,
    values: Vec<f64>,
}

impl Dictionary {
    /// A dictionary of atoms of `width` entries, one after the other.
    ///
    /// # Panics
    /// If `width` is 0 or does not divide the number of values.
    pub fn new(width: usize, values: Vec<f64>) -> Self {
        assert!(
            width > 0 && values.len().is_multiple_of(width),
            "{} values in atoms of {width}",
            values.len()
        );
        Dictionary { width, values }
    }

    /// Dimension m of the space.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of atoms n.
    pub fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Whether there are no atoms.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// An atom.
    pub fn atom(&self, j: usize) -> &[f64] {
        &self.values[j * self.width..][..self.width]
    }

    /// All atoms, in order.
    pub fn atoms(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.width)
    }

    /// Dᵀc.
    pub fn decode(&self, code: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; self.width];
        for (atom, &weight) in self.atoms().zip(code).filter(|(_, w)| **w != 0.0) {
            x.iter_mut().zip(atom).for_each(|(x, a)| *x += weight * a);
        }
        x
    }
}

/// The inner product.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The Euclidean norm.
pub fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}

/// Weights smaller than this share of the largest one are rounding.
pub(super) const ROUNDING: f64 = 1e-9;

/// The atoms that a code uses: those whose weight is more than rounding.
pub fn support(code: &[f64]) -> Vec<usize> {
    let largest = code.iter().copied().fold(0.0, f64::max);
    let used = |&j: &usize| code[j] > ROUNDING * largest;
    (0..code.len()).filter(used).collect()
}
