//! AOCL-LibM: functions of single values over arrays, from `aoclda` of PyPI, where it is installed.

use std::ffi::c_int;
use std::sync::LazyLock;

use libloading::Library;

use super::library::{in_python, open, symbol};

/// `amd_vrsa_expf` and the like: the number of values, where they are, and where the results go.
type OfArray = unsafe extern "C" fn(c_int, *const f32, *mut f32);

/// The library.
pub struct Libm {
    /// exp, tanh and erf.
    functions: [OfArray; 3],
    /// The library that the functions are part of.
    _library: Library,
}

/// The functions that take part, in the order of [`Libm::map`]'s numbers.
pub const NAMES: [&str; 3] = ["exp", "tanh", "erf"];

/// The library, or why it takes no part.
pub static AOCL: LazyLock<Result<Libm, String>> = LazyLock::new(|| {
    let load = || {
        let library = open(&in_python("aoclda", "libamdlibm")?)?;
        let function = |name: &str| {
            // SAFETY: this is the type of the functions of these names, by `amdlibm_vec.h`.
            unsafe { symbol::<OfArray>(&library, &format!("amd_vrsa_{name}f")).map(|f| *f) }
        };
        let [exp, tanh, erf] = NAMES.map(function);
        Ok(Libm {
            functions: [exp?, tanh?, erf?],
            _library: library,
        })
    };
    load().map_err(|why: String| format!("AOCL-LibM: {why}"))
});

impl Libm {
    /// Writes a function of each value, which is given by its number in [`NAMES`].
    ///
    /// # Panics
    /// If there is no room for exactly the results, or there are more values than an int can say.
    pub fn map(&self, function: usize, x: &[f32], y: &mut [f32]) {
        assert_eq!(x.len(), y.len());
        let len = c_int::try_from(x.len()).expect("a number of values that the library can say");
        // SAFETY: both arrays have so many values.
        unsafe { (self.functions[function])(len, x.as_ptr(), y.as_mut_ptr()) }
    }
}
