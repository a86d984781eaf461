//! Gated codes (Rajamanoharan et al., *Improving Dictionary Learning with Gated Sparse Autoencoders*, arXiv
//! 2404.16014): one path decides which elements are active, another by how much.

use super::encoder::{self, Relu, Select};
use super::parameters::Tensor;
use super::{Losses, Parameters, Shape, Workspace, backward};
use crate::function::math;
use crate::machine::exec::Exec;
use crate::machine::simd::Simd;
use crate::matrix::matmul::Accumulate;
use crate::matrix::view::MatRef;

/// f = `1[π > 0] ⊙ ReLU(exp(r) ⊙ p + b_mag)`, with the gate π = p + b_gate and p = `W_gate(x − b_dec)`.
///
/// L = ‖e‖² + λ Σⱼ ReLU(πⱼ) + ‖W_decᵀ ReLU(π) + b_dec − x‖², where the decoder of the last term, the auxiliary
/// loss, counts as given: the penalty falls on the gates, which this term keeps informative, and leaves magnitudes
/// alone. W_gate and b_gate are the tensors `w_enc` and `b_enc`, r and b_mag `r_mag` and `b_mag`. Rows of the
/// dictionary are held at norm 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gated {
    /// λ, for an error that is summed over the d values.
    pub lambda: f32,
}

impl super::variant::Model for Gated {
    fn tensors(&self, Shape { width, dictionary }: Shape) -> Vec<Tensor> {
        vec![
            ("w_enc", dictionary, width),
            ("b_enc", 1, dictionary),
            ("r_mag", 1, dictionary),
            ("b_mag", 1, dictionary),
            ("w_dec", dictionary, width),
            ("b_dec", 1, width),
        ]
    }

    fn own_len(&self, shape: Shape, capacity: usize) -> usize {
        // At the entries: gates, and the gradient with respect to them. For each element: exp(r), and the gradient
        // with respect to p, summed over samples.
        (2 * capacity + 2) * shape.dictionary
    }

    fn of_elements(&self) -> &'static [&'static str] {
        &["w_enc", "b_enc", "r_mag", "b_mag", "w_dec"]
    }

    fn encode(&self, exec: Exec, parameters: &Parameters, x: MatRef, workspace: &mut Workspace) {
        let mut own = std::mem::take(&mut workspace.own);
        let magnitudes = Magnitudes::new(exec, parameters, &mut own);
        encoder::encode(exec, parameters, x, workspace, magnitudes);
        workspace.own = own;
    }

    /// δπ = (2/B·W_dec e_aux + λ/B)·1[π > 0] and δm = 2/B·(W_dec e)·1[f > 0]; δp = δπ + exp(r) δm;
    /// ∂W_gate = Σ δp (x − b_dec)ᵀ, ∂b_gate = Σ δπ, ∂r = Σ δm exp(r) p, ∂b_mag = Σ δm.
    fn gradient(
        &self,
        exec: Exec,
        parameters: &Parameters,
        x: MatRef,
        workspace: &mut Workspace,
        gradient: &mut Parameters,
    ) -> Losses {
        let n = parameters.shape().dictionary;
        let (rows, b_dec) = (parameters.dictionary(), parameters.b_dec());
        let mut own = std::mem::take(&mut workspace.own);
        let (own_elements, own_entries) = own.split_at_mut(2 * n);
        let (scales, sums) = own_elements.split_at_mut(n);
        let magnitudes = Magnitudes::new(exec, parameters, scales);

        // Every entry of the code is one of the gates': their pass comes first, on the same entries.
        encoder::encode(exec, parameters, x, workspace, Relu);
        let auxiliary = workspace.reconstruct(exec, rows, b_dec, x).reconstruction;
        let sparsity = workspace.add_l1(self.lambda);
        let entries = workspace.codes().entries();
        let (gates, d_gates) = own_entries.split_at_mut(own_entries.len() / 2);
        let (gates, d_gates) = (&mut gates[..entries], &mut d_gates[..entries]);
        gates.copy_from_slice(workspace.codes().values());
        d_gates.copy_from_slice(&workspace.deltas[..entries]);
        workspace.codes.map(|j, gate| magnitudes.magnitude(j, gate));
        let mut losses = workspace.reconstruct(exec, rows, b_dec, x);
        (losses.auxiliary, losses.sparsity) = (auxiliary, sparsity);

        let names = ["w_enc", "b_enc", "r_mag", "b_mag", "w_dec", "b_dec"];
        let [w_enc, mut b_enc, mut r_mag, mut b_mag, w_dec, mut b_dec] =
            gradient.tensors_mut(names);
        workspace.dictionary_gradient(exec, w_dec);
        let (d_b_gate, d_r, d_b_mag) = (b_enc.row(0), r_mag.row(0), b_mag.row(0));
        for sums in [&mut *d_b_gate, &mut *d_r, &mut *d_b_mag] {
            sums.fill(0.0);
        }
        let codes = workspace.codes.as_ref();
        let mut deltas = workspace.deltas.iter_mut();
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
        workspace.linear_gradient(exec, (w_enc, Accumulate::Overwrite), sums);
        let weights = parameters.tensor("w_enc");
        let d_output = workspace.d_output();
        backward::decoder_bias(exec, d_output, weights, sums, b_dec.row(0));
        workspace.own = own;
        workspace.codes.drop_zeros();
        losses.density = workspace.codes().density();
        losses
    }
}

/// What is active and by how much, of pre-activations that are gates.
#[derive(Clone, Copy)]
struct Magnitudes<'a> {
    /// exp(r)
    scales: &'a [f32],
    b_gate: &'a [f32],
    b_mag: &'a [f32],
}

impl<'a> Magnitudes<'a> {
    fn new(exec: Exec, parameters: &'a Parameters, room: &'a mut [f32]) -> Self {
        let r = parameters.vector("r_mag");
        let scales = &mut room[..r.len()];
        math::exp(exec, r, scales);
        Magnitudes {
            scales,
            b_gate: parameters.vector("b_enc"),
            b_mag: parameters.vector("b_mag"),
        }
    }

    /// max(0, exp(r)·p + b_mag), a NaN kept, for the gate p + b_gate.
    #[inline(always)]
    fn magnitude(self, j: usize, gate: f32) -> f32 {
        let magnitude = self.scales[j] * (gate - self.b_gate[j]) + self.b_mag[j];
        if magnitude <= 0.0 { 0.0 } else { magnitude }
    }
}

impl Select for Magnitudes<'_> {
    #[inline(always)]
    fn select<S: Simd>(self, s: S, pre: &[f32], columns: &mut [u32], values: &mut [f32]) -> usize {
        let open = Relu.select(s, pre, columns, values);
        let mut used = 0;
        for i in 0..open {
            let value = self.magnitude(columns[i] as usize, values[i]);
            (columns[used], values[used]) = (columns[i], value);
            used += usize::from(value != 0.0);
        }
        used
    }
}
