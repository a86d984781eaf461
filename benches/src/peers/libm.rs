//! AOCL-LibM: functions of single values over arrays, from `aoclda` of PyPI, where it is installed.

use std::ffi::c_int;
use std::sync::LazyLock;

use libloading::Library;

use super::library::{in_python, open, symbol};

/// The type of `amd_vrsa_expf` and the like. The arguments are the number of values, the values, and the place of the
/// results.
type OfArray = unsafe extern "C" fn(c_int, *const f32, *mut f32);

/// The loaded library AOCL-LibM.
pub struct Libm {
    /// The functions exp, tanh and erf, as in [`NAMES`].
    functions: [OfArray; 3],
    /// The loaded library, which must live as long as its functions.
    _library: Library,
}

/// The names of the functions that are compared, in the order of [`Libm::map`]'s numbers.
pub const NAMES: [&str; 3] = ["exp", "tanh", "erf"];

/// The library, or the reason why it is not compared.
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
    /// Writes to `y` the function of each value of `x`; `function` is its number in [`NAMES`].
    ///
    /// # Panics
    /// If `x` and `y` differ in length, there is no such function, or there are more values than a C int counts.
    pub fn map(&self, function: usize, x: &[f32], y: &mut [f32]) {
        assert_eq!(x.len(), y.len());
        let len = c_int::try_from(x.len()).expect("a number of values that the library can say");
        // SAFETY: both arrays have `len` values.
        unsafe { (self.functions[function])(len, x.as_ptr(), y.as_mut_ptr()) }
    }
}
