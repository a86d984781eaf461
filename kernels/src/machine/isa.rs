//! The instruction sets, and the choice of one at run time.

use std::fmt;
use std::str::FromStr;

#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use super::avx512::Avx512;
use super::portable::Portable;
use super::simd::{Op, Simd, Tile, TileOp};

/// Calls a macro with the one list of instruction sets, fastest first, after the other arguments: a new set is a
/// file beside this one and a line here. Tests use it to define a test for every set.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_isa {
    ([$($macro:tt)+] $($with:tt)*) => {
        $($macro)+! {
            $($with)*
            /// AVX-512 with F, VL, DQ and BW: 16 lanes.
            #[cfg(target_arch = "x86_64")]
            Avx512 avx512;
            /// AVX2 with FMA: 8 lanes.
            #[cfg(target_arch = "x86_64")]
            Avx2 avx2;
            /// The set that every CPU has, of 4 lanes: SSE2 on x86-64, NEON on aarch64.
            Portable portable;
        }
    };
}

macro_rules! define {
    ($(#[$doc:meta] $(#[$cfg:meta])? $name:ident $word:ident;)+) => {
        /// An instruction set that this CPU has.
        ///
        /// A variant holds its backend's proof token, so a value that exists can be used: the constructors
        /// ([`detect`](Isa::detect), [`available`](Isa::available), [`from_env`](Isa::from_env) and
        /// [`FromStr`]) are where the CPU is asked.
        ///
        /// ```
        /// use kernels::Isa;
        ///
        /// let isa: Isa = "portable".parse()?;
        /// assert_eq!(isa.to_string(), "portable");
        /// assert!(Isa::available().contains(&isa));
        /// # Ok::<(), kernels::IsaError>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Isa {
            $(#[$doc] $(#[$cfg])? $name($name),)+
        }

        impl Isa {
            /// The names of all instruction sets, also those that this CPU lacks, fastest first.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($word)),+];

            /// Returns the name of the instruction set, as the environment variable `KERNELS_ISA` takes it.
            pub fn name(self) -> &'static str {
                match self {
                    $($(#[$cfg])? Isa::$name(_) => stringify!($word),)+
                }
            }

            fn by_name(name: &str) -> Option<Isa> {
                match name {
                    $($(#[$cfg])? stringify!($word) => $name::new().map(Isa::$name),)+
                    _ => None,
                }
            }

            /// Runs `op` with this instruction set.
            #[inline]
            pub fn dispatch<O: Op>(self, op: O) -> O::Output {
                match self {
                    $($(#[$cfg])? Isa::$name(s) => s.run(op),)+
                }
            }

            /// Runs `op` with the backend and the size of its matrix tile.
            pub(crate) fn with_tile<O: TileOp>(self, op: O) {
                match self {
                    $($(#[$cfg])? Isa::$name(s) => s.with_tile(op),)+
                }
            }
        }
    };
}

for_each_isa!([define]);

/// The environment variable that forces an instruction set.
const VARIABLE: &str = "KERNELS_ISA";

impl Isa {
    /// Returns the fastest instruction set of this CPU.
    pub fn detect() -> Isa {
        Self::available()[0]
    }

    /// Returns every instruction set of this CPU, fastest first; the list is never empty.
    pub fn available() -> Vec<Isa> {
        let names = Self::NAMES.iter();
        names.filter_map(|name| Self::by_name(name)).collect()
    }

    /// Returns the instruction set that the environment variable `KERNELS_ISA` names, or the fastest if it is not set.
    ///
    /// # Errors
    /// If the variable holds another word, or a set that this CPU lacks; it is never silently replaced by another set.
    pub fn from_env() -> Result<Isa, IsaError> {
        match std::env::var_os(VARIABLE) {
            None => Ok(Self::detect()),
            Some(name) => name.to_string_lossy().parse(),
        }
    }

    /// Returns the number of f32 values in one vector.
    pub fn lanes(self) -> usize {
        struct Lanes;
        impl Op for Lanes {
            type Output = usize;
            #[inline(always)]
            fn run<S: Simd>(self, _: S) -> usize {
                S::LANES
            }
        }
        self.dispatch(Lanes)
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Isa {
    type Err = IsaError;

    fn from_str(name: &str) -> Result<Isa, IsaError> {
        Self::by_name(name).ok_or_else(|| IsaError {
            name: name.to_owned(),
            known: Self::NAMES.contains(&name),
        })
    }
}

/// The error of a name that is no instruction set, or of one that this CPU lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsaError {
    name: String,
    known: bool,
}

impl IsaError {
    /// Returns the name as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for IsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let here: Vec<_> = Isa::available().into_iter().map(Isa::name).collect();
        let Self { name, known } = self;
        let what = if *known {
            "this CPU lacks the instruction set"
        } else {
            "there is no instruction set"
        };
        write!(
            f,
            "{what} `{name}`; {VARIABLE} can be one of: {}",
            here.join(", ")
        )
    }
}

impl std::error::Error for IsaError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for isa in Isa::available() {
            assert_eq!(isa.to_string().parse(), Ok(isa));
        }
        assert_eq!(Isa::detect(), Isa::available()[0]);
    }

    #[test]
    fn a_wrong_name_is_an_error_that_names_it() {
        let error = "avx3".parse::<Isa>().unwrap_err();
        assert_eq!(error.name(), "avx3");
        let message = error.to_string();
        assert!(
            message.contains("`avx3`") && message.contains("portable"),
            "{message}"
        );
    }
}
