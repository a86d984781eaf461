//! Models built by hand, without training, that are exact: the controls.
//!
//! Beside the logits of the d classes, the residual stream of such a model has entries for a code, which the embeddings
//! write and nothing else does: −2⁻¹⁰ where a bit of the code of an index is set and 0 where it is not, so that a code
//! is next to nothing as a logit, and no logit is above the others before some block has written one. A hidden unit
//! (ReLU) finds whether certain bits are as it wants them: it is 1 if all are, else 0. All of this is exact in f32.
//!
//! * [`look_up`]: a unit for each pair. Each pair belongs to one layer, its owner, which writes all of its correct
//!   logit.
//! * [`universal_and`]: each unit is the AND of a random half of the first indices and a random half of the second
//!   ones, so that a pair activates about one in four. What the units write is the solution of least norm for which
//!   every correct logit is what it should be and every other one 0. The order of the units is random. Dealt to all
//!   layers, they have done l/L of the work after layer l on average; dealt to one layer, they do all of it there.

use kernels::Activation;
use kernels::mlp::{Parameters, Shape};

use super::data::Data;
use super::settings::Loss;
use crate::rng::Rng;
use crate::stats::cholesky::Cholesky;

/// The value of a set bit of a code in the residual stream, a power of two.
const SET: f32 = -1.0 / 1024.0;

/// The excess of the correct logit over what makes it as likely as all others together, with cross-entropy: a loss of
/// log(1 + e⁻⁵) = 0.007.
const CLEAR: f64 = 5.0;

/// The layers that units are dealt to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dealt {
    /// All layers in turn.
    ToAllLayers,
    /// The middle layer alone.
    ToOneLayer,
}

/// A hidden unit.
struct Unit {
    /// The bits that the unit reads, each with the value that it wants.
    reads: Vec<(usize, bool)>,
    /// The logits that the unit writes, each with the amount.
    writes: Vec<(usize, f64)>,
}

/// The bits of the codes of the first and of the second indices.
struct Codes {
    bits: usize,
    of: [Vec<Vec<bool>>; 2],
}

/// Builds a model that looks each pair up in one layer, from which on the pair is right. With N pairs and L layers,
/// layer l owns pairs ⌈(l−1)N/L⌉ … ⌈lN/L⌉ − 1.
///
/// # Errors
/// If there are more pairs than units.
pub fn look_up(
    data: &Data,
    d: usize,
    hidden: usize,
    layers: usize,
    loss: Loss,
) -> Result<Parameters, String> {
    let n = data.len();
    if n.div_ceil(layers) > hidden {
        return Err(format!(
            "a look-up model holds {} pairs, not {n}",
            layers * hidden
        ));
    }
    let bits = (usize::BITS - (d - 1).leading_zeros()).max(1) as usize;
    let digits = |index: usize| (0..bits).map(|bit| index >> bit & 1 == 1).collect();
    let code: Vec<Vec<bool>> = (0..d).map(digits).collect();
    let codes = Codes {
        bits,
        of: [code.clone(), code],
    };
    let height = height(loss, d + 2 * bits);
    let mut blocks: Vec<Vec<Unit>> = (0..layers).map(|_| Vec::new()).collect();
    for (k, (pair, &target)) in data.pairs.iter().zip(&data.targets).enumerate() {
        blocks[owner(k, n, layers) - 1].push(Unit {
            reads: codes.of(*pair).enumerate().collect(),
            writes: vec![(target as usize, height)],
        });
    }
    Ok(build(d, hidden, &codes, &blocks))
}

/// Returns the layer, 1 … L, that owns a pair in a look-up model. The numbers of pairs of two layers differ by one at
/// most.
pub fn owner(datapoint: usize, n: usize, layers: usize) -> usize {
    1 + datapoint * layers / n
}

/// Builds a universal-AND circuit; see the [module](self).
///
/// # Errors
/// If it has fewer units than pairs, or what it reads does not tell the pairs apart.
pub fn universal_and(
    data: &Data,
    d: usize,
    units: usize,
    layers: usize,
    dealt: Dealt,
    loss: Loss,
    mut rng: Rng,
) -> Result<Parameters, String> {
    let n = data.len();
    // A code of B bits gives up to (B + 1)² linearly independent functions of a pair: four times as many as there are
    // pairs.
    let bits = (2.0 * (n as f64).sqrt()).ceil() as usize;
    let mut random_code = || -> Vec<Vec<bool>> {
        let bit = |rng: &mut Rng| rng.below(2) == 1;
        (0..d)
            .map(|_| (0..bits).map(|_| bit(&mut rng)).collect())
            .collect()
    };
    let codes = Codes {
        bits,
        of: [random_code(), random_code()],
    };
    let reads: Vec<[(usize, bool); 2]> = (0..units)
        .map(|_| [0, bits].map(|from| (from + rng.below(bits), rng.below(2) == 1)))
        .collect();
    let active: Vec<Vec<bool>> = data
        .pairs
        .iter()
        .map(|&pair| {
            let code: Vec<bool> = codes.of(pair).collect();
            let is_active =
                |reads: &[(usize, bool); 2]| reads.iter().all(|&(bit, wanted)| code[bit] == wanted);
            reads.iter().map(is_active).collect()
        })
        .collect();
    let height = height(loss, d + 2 * bits);
    let writes = least_norm(&active, &data.targets, d, height).ok_or_else(|| {
        format!("{units} hidden units do not tell {n} pairs apart, so there is no AND circuit")
    })?;
    let mut blocks: Vec<Vec<Unit>> = (0..layers).map(|_| Vec::new()).collect();
    for (i, (reads, writes)) in reads.iter().zip(writes.chunks(d)).enumerate() {
        let layer = match dealt {
            Dealt::ToAllLayers => i % layers,
            Dealt::ToOneLayer => layers / 2,
        };
        blocks[layer].push(Unit {
            reads: reads.to_vec(),
            writes: writes.iter().copied().enumerate().collect(),
        });
    }
    let hidden = blocks.iter().map(Vec::len).max().unwrap_or(0).max(1);
    Ok(build(d, hidden, &codes, &blocks))
}

/// Returns the correct logit of a model whose stream has `width` entries, all others 0.
pub fn height(loss: Loss, width: usize) -> f64 {
    match loss {
        Loss::SquaredError => 1.0,
        Loss::CrossEntropy => (width as f64).ln() + CLEAR,
    }
}

/// Returns what the units write, K×d, for the sum over the active ones to be `height` in the target's place and 0
/// elsewhere, with the least sum of squares: Hᵀ(HHᵀ)⁻¹Y for the N×K matrix H of what is active. Returns `None` if the
/// rows of H are not independent.
fn least_norm(active: &[Vec<bool>], targets: &[u32], d: usize, height: f64) -> Option<Vec<f64>> {
    let n = active.len();
    let units = active.first().map_or(0, Vec::len);
    let packed: Vec<Vec<u64>> = active.iter().map(|row| pack(row)).collect();
    let mut gram = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let both = packed[i].iter().zip(&packed[j]);
            let count: u32 = both.map(|(a, b)| (a & b).count_ones()).sum();
            gram[i * n + j] = count.into();
        }
    }
    let mut solution = vec![0.0; n * d];
    for (k, &target) in targets.iter().enumerate() {
        solution[k * d + target as usize] = height;
    }
    Cholesky::of(gram, n)?.solve(&mut solution);
    let mut writes = vec![0.0; units * d];
    for (row, solution) in active.iter().zip(solution.chunks(d)) {
        for (unit, &on) in row.iter().enumerate() {
            if on {
                let its = writes[unit * d..][..d].iter_mut();
                its.zip(solution).for_each(|(w, s)| *w += s);
            }
        }
    }
    Some(writes)
}

/// Packs bits, 64 to a word.
fn pack(bits: &[bool]) -> Vec<u64> {
    let word = |bits: &[bool]| {
        bits.iter()
            .rev()
            .fold(0, |word, &b| word << 1 | u64::from(b))
    };
    bits.chunks(64).map(word).collect()
}

impl Codes {
    /// Returns the bits of a pair: those of the first index, then those of the second.
    fn of(&self, [i, j]: [u32; 2]) -> impl Iterator<Item = bool> {
        let [first, second] = &self.of;
        let bits = first[i as usize].iter().chain(&second[j as usize]);
        bits.copied()
    }
}

/// Returns the parameters of a model with these units in its blocks.
fn build(d: usize, hidden: usize, codes: &Codes, blocks: &[Vec<Unit>]) -> Parameters {
    let mut parameters = Parameters::zeros(Shape {
        vocabulary: d,
        width: d + 2 * codes.bits,
        hidden,
        layers: blocks.len(),
        activation: Activation::Relu,
    });
    for (position, mut embedding) in parameters.embeddings_mut().into_iter().enumerate() {
        for (index, code) in codes.of[position].iter().enumerate() {
            let row = &mut embedding.row_mut(index)[d + position * codes.bits..][..codes.bits];
            for (entry, &set) in row.iter_mut().zip(code) {
                *entry = if set { SET } else { 0.0 };
            }
        }
    }
    for (l, units) in blocks.iter().enumerate() {
        let mut block = parameters.block_mut(l);
        for (u, unit) in units.iter().enumerate() {
            // The pre-activation is the number of bits that are as wanted, minus all but one of them.
            let mut bias = 1.0 - unit.reads.len() as f32;
            let row = block.w1.row_mut(u);
            for &(bit, wanted) in &unit.reads {
                row[d + bit] = if wanted { 1.0 / SET } else { -1.0 / SET };
                bias += if wanted { 0.0 } else { 1.0 };
            }
            block.b1[u] = bias;
            for &(class, height) in &unit.writes {
                block.w2.row_mut(class)[u] = height as f32;
            }
        }
    }
    parameters
}
