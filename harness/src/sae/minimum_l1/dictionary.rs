//! Dictionaries of atoms in f64, and the support of a code.

/// A dictionary: a matrix whose rows are the atoms, n×m.
#[derive(Debug, Clone)]
pub struct Dictionary {
    width: usize,
    values: Vec<f64>,
}

impl Dictionary {
    /// Returns the dictionary of atoms of `width` entries, which stand one after the other in `values`.
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

    /// Returns the dimension m of the space.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the number of atoms n.
    pub fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Returns whether there are no atoms.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns atom `j`.
    pub fn atom(&self, j: usize) -> &[f64] {
        &self.values[j * self.width..][..self.width]
    }

    /// Returns all atoms, in order.
    pub fn atoms(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.width)
    }

    /// Returns Dᵀc for the code c.
    pub fn decode(&self, code: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; self.width];
        for (atom, &weight) in self.atoms().zip(code).filter(|(_, w)| **w != 0.0) {
            x.iter_mut().zip(atom).for_each(|(x, a)| *x += weight * a);
        }
        x
    }
}

/// Returns the inner product of `a` and `b`.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Returns the Euclidean norm of `x`.
pub fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}

/// The share of the largest weight below which a weight counts as rounding.
pub(super) const ROUNDING: f64 = 1e-9;

/// Returns the support of a code: the atoms whose weight is more than rounding.
pub fn support(code: &[f64]) -> Vec<usize> {
    let largest = code.iter().copied().fold(0.0, f64::max);
    let used = |&j: &usize| code[j] > ROUNDING * largest;
    (0..code.len()).filter(used).collect()
}
