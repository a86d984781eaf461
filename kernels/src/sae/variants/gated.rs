//! The gated variant (Rajamanoharan et al., *Improving Dictionary Learning with Gated Sparse Autoencoders*, arXiv
//! 2404.16014): one path decides which elements are active, another by how much.

use crate::function::math;
use crate::machine::exec::Exec;
use crate::machine::simd::Simd;
use crate::matrix::matmul::Accumulate;
use crate::sae::batch::Losses;
use crate::sae::model::{Model, Own};
use crate::sae::pass::Pass;
use crate::sae::select::{RELU, Row, Select};
use crate::sae::task::Sizes;
use crate::sae::tensors::{B_DEC, B_ENC, Shape, Tensor, Tensors, Vector, W_DEC, W_ENC};

/// The logarithms r of the scales of magnitudes, one value for each element.
const R_MAG: Vector = Vector("r_mag");
/// The bias b_mag of the magnitudes, one value for each element.
const B_MAG: Vector = Vector("b_mag");

/// The variant with gated codes: f = `1[π > 0] ⊙ ReLU(exp(r) ⊙ p + b_mag)`, with the gate π = p + b_gate and p =
/// `W_gate(x − b_dec)`.
///
/// L = ‖e‖² + λ Σⱼ ReLU(πⱼ) + ‖W_decᵀ ReLU(π) + b_dec − x‖², where the decoder of the last term, the auxiliary loss,
/// counts as a constant. So the penalty falls on the gates, which the auxiliary loss keeps informative, and leaves
/// magnitudes alone. W_gate and b_gate are the tensors `w_enc` and `b_enc`, r and b_mag the tensors `r_mag` and
/// `b_mag`. Rows of the dictionary are held at norm 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gated {
    /// The coefficient λ of the penalty, for an error that is summed over the d values.
    pub lambda: f32,
}

impl Model for Gated {
    fn examples(_: Shape, lambda: f32) -> Vec<Gated> {
        vec![Gated { lambda }]
    }

    fn lambda_mut(&mut self) -> Option<&mut f32> {
        Some(&mut self.lambda)
    }

    fn tensors(&self, sizes: Sizes) -> Vec<Tensor> {
        let Sizes {
            input,
            width,
            dictionary,
        } = sizes;
        vec![
            W_ENC.of(dictionary, input).by_element(),
            B_ENC.of(dictionary).by_element(),
            R_MAG.of(dictionary).by_element(),
            B_MAG.of(dictionary).by_element(),
            W_DEC.of(dictionary, width).by_element(),
            B_DEC.of(width),
        ]
    }

    fn own_len(&self, sizes: Sizes, capacity: usize) -> usize {
        // At the entries: gates, and the gradient with respect to them. For each element: exp(r), and the gradient
        // with respect to p, summed over samples.
        (2 * capacity + 2) * sizes.dictionary
    }

    fn encode(&self, pass: &mut Pass, own: &mut Own) {
        let magnitudes = Magnitudes::new(pass.exec, pass.tensors, &mut own.values);
        pass.encode(magnitudes);
    }

    /// Computes the losses and their gradient: δπ = (2/B·W_dec e_aux + λ/B)·1[π > 0] and δm = 2/B·(W_dec e)·1[f > 0];
    /// δp = δπ + exp(r) δm; ∂W_gate = Σ δp (x − b_dec)ᵀ, ∂b_gate = Σ δπ, ∂r = Σ δm exp(r) p, ∂b_mag = Σ δm.
    fn gradient(&self, pass: &mut Pass, own: &mut Own, out: &mut Tensors) -> Losses {
        let n = pass.tensors.shape().dictionary;
        let (of_elements, of_entries) = own.values.split_at_mut(2 * n);
        let (scales, sums) = of_elements.split_at_mut(n);
        let magnitudes = Magnitudes::new(pass.exec, pass.tensors, scales);

        // Every entry of the codes is an open gate, so the pass of the gates comes first, and the pass of the codes is
        // on the same entries.
        pass.encode(RELU);
        let auxiliary = pass.reconstruct().reconstruction;
        let codes = &mut pass.batch.codes;
        let sparsity = codes.add_l1(self.lambda);
        let (gates, d_gates) = of_entries.split_at_mut(of_entries.len() / 2);
        let entries = codes.as_ref().entries();
        let (gates, d_gates) = (&mut gates[..entries], &mut d_gates[..entries]);
        gates.copy_from_slice(codes.as_ref().values());
        d_gates.copy_from_slice(codes.deltas().values());
        codes.entries.map(|j, gate| magnitudes.magnitude(j, gate));
        let mut losses = pass.reconstruct();
        (losses.auxiliary, losses.sparsity) = (auxiliary, sparsity);

        pass.batch
            .dictionary_gradient(pass.exec, out.get_mut(W_DEC));
        let (d_b_gate, d_r, d_b_mag) = out.get_mut((B_ENC, R_MAG, B_MAG));
        for sums in [&mut *d_b_gate, &mut *d_r, &mut *d_b_mag] {
            sums.fill(0.0);
        }
        let (codes, deltas) = pass.batch.codes.with_deltas_mut();
        let mut deltas = deltas.iter_mut();
        let mut of_gates = gates.iter().zip(&*d_gates);
        for b in 0..codes.rows() {
            let (columns, values) = codes.row(b);
            let places = columns.iter().zip(values).zip(&mut deltas);
            for (((&j, &f), delta), (&gate, &d_gate)) in places.zip(&mut of_gates) {
                let j = j as usize;
                // A NaN stays one.
                let d_magnitude = if f == 0.0 { 0.0 } else { *delta };
                let scaled = magnitudes.scales[j] * d_magnitude;
                d_b_gate[j] += d_gate;
                d_b_mag[j] += d_magnitude;
                d_r[j] += scaled * (gate - magnitudes.b_gate[j]);
                *delta = d_gate + scaled;
            }
        }
        let (w_enc, b_dec) = out.get_mut((W_ENC, B_DEC));
        let w_enc = (w_enc, Accumulate::Replace);
        pass.linear_gradient(w_enc, sums);
        pass.decoder_bias_gradient_by(pass.tensors.get(W_ENC), sums, b_dec);
        let codes = &mut pass.batch.codes;
        codes.entries.drop_zeros();
        losses.density = codes.as_ref().density();
        losses
    }
}

/// The rule that chooses the entries of codes from pre-activations that are gates, and computes their magnitudes.
#[derive(Clone, Copy)]
struct Magnitudes<'a> {
    /// The scales exp(r).
    scales: &'a [f32],
    b_gate: &'a [f32],
    b_mag: &'a [f32],
}

impl<'a> Magnitudes<'a> {
    fn new(exec: Exec, tensors: &'a Tensors, room: &'a mut [f32]) -> Self {
        let r = tensors.get(R_MAG);
        let scales = &mut room[..r.len()];
        math::exp(exec, r, scales);
        Magnitudes {
            scales,
            b_gate: tensors.get(B_ENC),
            b_mag: tensors.get(B_MAG),
        }
    }

    /// Returns max(0, exp(r)·p + b_mag) for the gate p + b_gate; a NaN stays NaN.
    #[inline(always)]
    fn magnitude(self, j: usize, gate: f32) -> f32 {
        let magnitude = self.scales[j] * (gate - self.b_gate[j]) + self.b_mag[j];
        if magnitude <= 0.0 { 0.0 } else { magnitude }
    }
}

impl Select for Magnitudes<'_> {
    #[inline(always)]
    fn select<S: Simd>(
        self,
        s: S,
        pre: impl Row,
        columns: &mut [u32],
        values: &mut [f32],
    ) -> usize {
        let open = RELU.select(s, pre, columns, values);
        let mut used = 0;
        for i in 0..open {
            let value = self.magnitude(columns[i] as usize, values[i]);
            (columns[used], values[used]) = (columns[i], value);
            used += usize::from(value != 0.0);
        }
        used
    }
}
