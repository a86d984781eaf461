//! The activation functions that a layer can have.

use crate::function::elementwise::{Add, Binary, map, zip_in_place};
use crate::function::gelu::{self, Gelu, GeluBackward};
use crate::function::gelu_tanh::{self, GeluTanh, GeluTanhBackward};
use crate::function::relu::{self, Relu, ReluBackward};
use crate::machine::exec::Exec;
use crate::machine::simd::Simd;

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
        zip_in_place(s, Add, x, bias);
        match self {
            Activation::Gelu => map(s, Gelu, x, y),
            Activation::GeluTanh => map(s, GeluTanh, x, y),
            Activation::Relu => map(s, Relu, x, y),
        }
    }

    /// `dy[i] *= act'(x[i])`.
    #[inline(always)]
    pub(crate) fn multiply_by_derivative<S: Simd>(self, s: S, x: &[f32], dy: &mut [f32]) {
        /// The gradient, with its arguments the other way round.
        #[derive(Clone, Copy)]
        struct Swapped<B>(B);
        impl<B: Binary> Binary for Swapped<B> {
            const FLOPS: usize = B::FLOPS;

            #[inline(always)]
            fn eval<S: Simd>(self, s: S, dy: S::F32, x: S::F32) -> S::F32 {
                self.0.eval(s, x, dy)
            }
        }
        match self {
            Activation::Gelu => zip_in_place(s, Swapped(GeluBackward), dy, x),
            Activation::GeluTanh => zip_in_place(s, Swapped(GeluTanhBackward), dy, x),
            Activation::Relu => zip_in_place(s, Swapped(ReluBackward), dy, x),
        }
    }
}
