//! The Matryoshka variant: a dictionary whose first elements reconstruct by themselves (Bussmann, Nabeshima, Karvonen
//! and Nanda, *Learning Multi-Level Features with Matryoshka Sparse Autoencoders*, arXiv 2503.17547).

use super::auxk;
use super::batch_topk::BatchTopK;
use super::jumprelu::THRESHOLD;
use crate::matrix::sparse::SparseRef;
use crate::matrix::view::{MatMut, MatRef, ShapeError};
use crate::sae::batch::Losses;
use crate::sae::layers;
use crate::sae::model::{Model, Own};
use crate::sae::pass::Pass;
use crate::sae::task::Sizes;
use crate::sae::tensors::{Shape, Tensor, Tensors, W_DEC};

/// The variant with the codes of [`BatchTopK`] and with a loss for every prefix of the dictionary: L = Σ ‖x̂₍ₘ₎ − x‖²
/// over the sizes m of the prefixes, where x̂₍ₘ₎ = Σ fⱼ W_dec,j + b_dec over the first m elements alone. So the first
/// elements learn what reconstructs most, and later elements what those leave over, whereas by the loss of the whole
/// dictionary alone all elements would learn features as special as its size can afford.
///
/// The terms of the prefixes are summed, as in the paper and in SAELens; the authors' code takes the mean of these
/// terms and of the error of b_dec alone. All prefixes reconstruct from one code, of B·k entries in a batch, wherever
/// they lie. The last prefix is the whole dictionary: its error is [`reconstruction`](Losses::reconstruction), and the
/// errors of the others are in [`auxiliary`](Losses::auxiliary). AuxK learns what the whole dictionary leaves over.
/// Products for the shorter prefixes are taken on the entries alone, however many are active.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Matryoshka {
    /// The rule by which codes are chosen, that of BatchTopK.
    pub codes: BatchTopK,
    /// The sizes of the prefixes of the dictionary.
    pub prefixes: Prefixes,
}

/// The sizes of nested prefixes of a dictionary. A prefix is the first elements of the dictionary.
///
/// ```
/// use kernels::sae::Prefixes;
///
/// let prefixes = Prefixes::new(&[128, 512, 2048])?;
/// assert_eq!(prefixes.sizes(), [128, 512, 2048]);
/// assert!(Prefixes::new(&[512, 128]).is_err());
/// # Ok::<(), kernels::ShapeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefixes {
    /// The sizes, padded with zeros.
    sizes: [usize; Prefixes::MOST],
    /// The number of sizes.
    count: usize,
}

impl Prefixes {
    /// The largest number of prefixes.
    pub const MOST: usize = 16;

    /// Returns prefixes of these sizes, the last of which is that of the whole dictionary.
    ///
    /// # Errors
    /// If there are no sizes or more than [`MOST`](Self::MOST), the first is 0, or they are not in strictly ascending
    /// order.
    pub fn new(sizes: &[usize]) -> Result<Prefixes, ShapeError> {
        let rise = sizes.is_sorted_by(|a, b| a < b);
        if sizes.is_empty() || sizes.len() > Self::MOST || sizes[0] == 0 || !rise {
            let most = Self::MOST;
            return Err(ShapeError {
                what: format!(
                    "prefixes of {sizes:?} elements; there can be 1 to {most}, each larger than the one before"
                ),
            });
        }
        let mut all = [0; Self::MOST];
        all[..sizes.len()].copy_from_slice(sizes);
        Ok(Prefixes {
            sizes: all,
            count: sizes.len(),
        })
    }

    /// Returns the sizes, in ascending order.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes[..self.count]
    }

    /// Returns the sizes of all prefixes but the last.
    fn shorter(&self) -> &[usize] {
        &self.sizes[..self.count - 1]
    }
}

impl Model for Matryoshka {
    fn examples(shape: Shape, lambda: f32) -> Vec<Matryoshka> {
        let n = shape.dictionary;
        let mut sizes = vec![n.div_ceil(4), n.div_ceil(2), n];
        sizes.dedup();
        let prefixes = Prefixes::new(&sizes).expect("sizes that rise");
        let codes = BatchTopK::examples(shape, lambda).into_iter();
        codes.map(|codes| Matryoshka { codes, prefixes }).collect()
    }

    #[track_caller]
    fn check(&self, shape: Shape) {
        self.codes.check(shape);
        let sizes = self.prefixes.sizes();
        assert!(
            sizes.last() == Some(&shape.dictionary),
            "prefixes of {sizes:?} elements of a dictionary of {}, which has to be the last of them",
            shape.dictionary
        );
    }

    fn tensors(&self, sizes: Sizes) -> Vec<Tensor> {
        self.codes.tensors(sizes)
    }

    fn own_len(&self, sizes: Sizes, capacity: usize) -> usize {
        // Behind what AuxK needs, the sums of errors of the shorter prefixes.
        let sums = capacity * self.prefixes.shorter().len() * sizes.width;
        self.codes.own_len(sizes, capacity) + sums
    }

    fn dead_after(&self) -> Option<u32> {
        self.codes.dead_after()
    }

    fn after_step(&self, tensors: &mut Tensors, codes: SparseRef, step: u64) {
        self.codes.after_step(tensors, codes, step);
    }

    fn encode(&self, pass: &mut Pass, own: &mut Own) {
        self.codes.encode(pass, own);
    }

    fn encode_batch(&self, pass: &mut Pass, _: &mut Own) {
        self.codes.encode_together(pass);
    }

    /// Computes the losses and their gradient. With r₍ₘ₎ = 2/B·(x̂₍ₘ₎ − x), and sums over the prefixes with m > j: δaⱼ
    /// = Σ W_dec,j·r₍ₘ₎ on the active entries, ∂W_dec,j = Σ fⱼ Σ r₍ₘ₎; ∂θ = 0.
    fn gradient(&self, pass: &mut Pass, own: &mut Own, out: &mut Tensors) -> Losses {
        self.codes.encode_together(pass);
        let mut losses = pass.reconstruct();
        let (rows, width) = (pass.target.rows(), pass.target.cols());
        let shorter = self.prefixes.shorter();
        let cols = shorter.len() * width;
        let start = own.values.len() - rows * cols;
        let sums = MatMut::first(&mut own.values[start..], rows, cols);
        losses.auxiliary = pass.reconstruct_prefixes(shorter, sums);

        pass.weight_gradients(out);
        let sums = MatRef::first(&own.values[start..], rows, cols);
        let codes = &mut pass.batch.codes;
        codes.add_prefix_gradients(pass.exec, shorter, sums, out.get_mut(W_DEC));
        out.get_mut(THRESHOLD).fill(0.0);
        if let Some(aux) = self.codes.aux {
            losses.auxiliary += auxk::add_gradient(aux, pass, own, out);
        }
        if !shorter.is_empty() {
            // The decoder's bias is in every reconstruction.
            let sums = MatRef::first(&own.values[start..], rows, cols);
            let of_all = sums.col_range(0..width);
            layers::add(pass.exec, of_all, pass.batch.d_output_mut());
        }
        pass.decoder_bias_gradient(out);
        losses
    }
}
