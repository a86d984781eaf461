//! The activation functions that a layer can have.

use crate::function::elementwise::{Add, Swapped, TimesDerivative, map, zip_in_place};
use crate::function::gelu::{self, Gelu, GeluDerivative};
use crate::function::gelu_tanh::{self, GeluTanh, GeluTanhDerivative};
use crate::function::relu::{self, Relu, ReluBackward};
use crate::machine::exec::Exec;
use crate::machine::simd::Simd;

macro_rules! activations {
    ($(#[$doc:meta] $name:ident $word:literal, $module:ident, $backward:expr;)+) => {
        /// An activation function.
        ///
        /// ```
        /// use kernels::{Activation, Exec};
        ///
        /// let mut y = [0.0; 2];
        /// for &activation in Activation::ALL {
        ///     activation.forward(Exec::default(), &[0.0, 9.0], &mut y);
        ///     assert_eq!(y, [0.0, 9.0], "{}", activation.name());
        /// }
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Activation {
            $(#[$doc] $name,)+
        }

        impl Activation {
            /// All activation functions.
            pub const ALL: &'static [Activation] = &[$(Activation::$name),+];

            /// Returns the name of the activation in files.
            pub fn name(self) -> &'static str {
                match self {
                    $(Activation::$name => $word,)+
                }
            }

            /// Computes `y = act(x)`.
            ///
            /// # Panics
            /// If the lengths differ.
            #[track_caller]
            pub fn forward(self, exec: Exec, x: &[f32], y: &mut [f32]) {
                match self {
                    $(Activation::$name => $module::forward(exec, x, y),)+
                }
            }

            /// Computes `y = act'(x)`.
            ///
            /// # Panics
            /// If the lengths differ.
            #[track_caller]
            pub fn derivative(self, exec: Exec, x: &[f32], y: &mut [f32]) {
                match self {
                    $(Activation::$name => $module::derivative(exec, x, y),)+
                }
            }

            /// Computes `d_x = d_y · act'(x)`.
            ///
            /// # Panics
            /// If the lengths differ.
            #[track_caller]
            pub fn backward(self, exec: Exec, x: &[f32], d_y: &[f32], d_x: &mut [f32]) {
                match self {
                    $(Activation::$name => $module::backward(exec, x, d_y, d_x),)+
                }
            }

            /// Computes `x[i] += bias[i]`, then `y = act(x)`.
            #[inline(always)]
            pub(crate) fn add_and_eval<S: Simd>(self, s: S, bias: &[f32], x: &mut [f32], y: &mut [f32]) {
                zip_in_place(s, Add, x, bias);
                match self {
                    $(Activation::$name => map(s, $name, x, y),)+
                }
            }

            /// Computes `d_y[i] *= act'(x[i])`.
            #[inline(always)]
            pub(crate) fn multiply_by_derivative<S: Simd>(self, s: S, x: &[f32], d_y: &mut [f32]) {
                match self {
                    $(Activation::$name => zip_in_place(s, Swapped($backward), d_y, x),)+
                }
            }
        }
    };
}

// The one list of activations: a new one is a file beside this one, with a `Unary` of the variant's name, and a line
// here that ends with its gradient, a `Binary` of x and d_y.
activations! {
    /// The exact GELU; see [`gelu`].
    Gelu "gelu", gelu, TimesDerivative(GeluDerivative);
    /// The GELU in its tanh form; see [`gelu_tanh`].
    GeluTanh "gelu-tanh", gelu_tanh, TimesDerivative(GeluTanhDerivative);
    /// The rectifier max(0, x); see [`relu`].
    Relu "relu", relu, ReluBackward;
}
