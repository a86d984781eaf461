//! The activation functions that a layer can have.

use crate::elementwise::{Binary, Unary};
use crate::gelu::{Gelu, GeluBackward};
use crate::gelu_tanh::{GeluTanh, GeluTanhBackward};
use crate::relu::{Relu, ReluBackward};
use crate::simd::Simd;
use crate::{Exec, gelu, gelu_tanh, relu};

/// An activation function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// The exact GELU, see [`gelu`].
    Gelu,
    /// GELU in its tanh form, see [`gelu_tanh`].
    GeluTanh,
    /// max(0, x), see [`relu`].
    Relu,
}

impl Activation {
    /// `y = act(x)`.
    ///
    /// # Panics
    /// If the lengths differ.
    #[track_caller]
    pub fn forward(self, exec: Exec, x: &[f32], y: &mut [f32]) {
        match self {
            Activation::Gelu => gelu::forward(exec, x, y),
            Activation::GeluTanh => gelu_tanh::forward(exec, x, y),
            Activation::Relu => relu::forward(exec, x, y),
        }
    }

    /// `dx = dy · act'(x)`.
    ///
    /// # Panics
    /// If the lengths differ.
    #[track_caller]
    pub fn backward(self, exec: Exec, x: &[f32], dy: &[f32], dx: &mut [f32]) {
        match self {
            Activation::Gelu => gelu::backward(exec, x, dy, dx),
            Activation::GeluTanh => gelu_tanh::backward(exec, x, dy, dx),
            Activation::Relu => relu::backward(exec, x, dy, dx),
        }
    }

    /// `x[i] += bias[i]`, then `y = act(x)`.
    #[inline(always)]
    pub(crate) fn add_and_eval<S: Simd>(self, s: S, bias: &[f32], x: &mut [f32], y: &mut [f32]) {
        #[inline(always)]
        fn go<S: Simd>(s: S, f: impl Unary, bias: &[f32], x: &mut [f32], y: &mut [f32]) {
            let vectors = x.chunks_mut(S::LANES).zip(y.chunks_mut(S::LANES));
            for ((x, y), bias) in vectors.zip(bias.chunks(S::LANES)) {
                let sum = s.add(s.load_partial(x), s.load_partial(bias));
                s.store_partial(sum, x);
                s.store_partial(f.eval(s, sum), y);
            }
        }
        match self {
            Activation::Gelu => go(s, Gelu, bias, x, y),
            Activation::GeluTanh => go(s, GeluTanh, bias, x, y),
            Activation::Relu => go(s, Relu, bias, x, y),
        }
    }

    /// `dy[i] *= act'(x[i])`.
    #[inline(always)]
    pub(crate) fn multiply_by_derivative<S: Simd>(self, s: S, x: &[f32], dy: &mut [f32]) {
        #[inline(always)]
        fn go<S: Simd>(s: S, f: impl Binary, x: &[f32], dy: &mut [f32]) {
            for (dy, x) in dy.chunks_mut(S::LANES).zip(x.chunks(S::LANES)) {
                s.store_partial(f.eval(s, s.load_partial(x), s.load_partial(dy)), dy);
            }
        }
        match self {
            Activation::Gelu => go(s, GeluBackward, x, dy),
            Activation::GeluTanh => go(s, GeluTanhBackward, x, dy),
            Activation::Relu => go(s, ReluBackward, x, dy),
        }
    }
}
