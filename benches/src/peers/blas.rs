//! Products by other BLAS libraries. Those that are installed are compared; for each of the others the reason is kept.
//!
//! OpenBLAS comes from PyPI's `scipy-openblas32` and AOCL-BLAS from `aoclda`, both as packages of `$PYTHON` (else
//! `python3`). libxsmm comes from Debian's `libxsmm-dev`, a static archive, of which the C compiler makes a shared
//! library.

use std::ffi::{c_char, c_float, c_int};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use kernels::{MatMut, MatRef};
use libloading::Library;

use super::library::{in_python, open, symbol};

/// The type of `cblas_sgemm`.
type Cblas = unsafe extern "C" fn(
    c_int,
    c_int,
    c_int,
    c_int,
    c_int,
    c_int,
    c_float,
    *const c_float,
    c_int,
    *const c_float,
    c_int,
    c_float,
    *mut c_float,
    c_int,
);
/// The type of `libxsmm_sgemm`, which takes all arguments by reference and matrices by columns, as Fortran's BLAS does.
type Fortran = unsafe extern "C" fn(
    *const c_char,
    *const c_char,
    *const c_int,
    *const c_int,
    *const c_int,
    *const c_float,
    *const c_float,
    *const c_int,
    *const c_float,
    *const c_int,
    *const c_float,
    *mut c_float,
    *const c_int,
);

/// The largest number of rows, terms and columns that libxsmm is meant for.
const SMALL: usize = 64;

/// A library that computes matrix products.
pub struct Blas {
    /// The name of the library.
    pub name: &'static str,
    product: Product,
    /// The loaded library, which must live as long as its functions.
    _library: Library,
}

enum Product {
    /// The functions of OpenBLAS or AOCL-BLAS.
    Cblas {
        sgemm: Cblas,
        /// The function that sets the library's number of threads.
        threads: unsafe extern "C" fn(c_int),
    },
    /// The function of libxsmm, which runs on one thread.
    Fortran(Fortran),
}

/// All BLAS libraries, or the reason why one is not compared.
pub static ALL: LazyLock<Vec<Result<Blas, String>>> = LazyLock::new(|| {
    let cblas = |name, library: Result<PathBuf, String>, sgemm: &str, threads: &str| {
        load(name, library, |library| {
            // SAFETY: these are the types of the functions of these names, by the headers of the libraries.
            unsafe {
                Ok(Product::Cblas {
                    sgemm: *symbol::<Cblas>(library, sgemm)?,
                    threads: *symbol(library, threads)?,
                })
            }
        })
    };
    let made = libxsmm();
    let libxsmm = load("libxsmm", made.clone(), |library| {
        // SAFETY: this is the type of the function of this name, by `libxsmm.h`.
        unsafe { Ok(Product::Fortran(*symbol(library, "libxsmm_sgemm")?)) }
    });
    // A loaded library no longer needs its file.
    let _ = made.map(std::fs::remove_file);
    vec![
        cblas(
            "OpenBLAS",
            in_python("scipy-openblas32", "libscipy_openblas"),
            "scipy_cblas_sgemm",
            "scipy_openblas_set_num_threads",
        ),
        cblas(
            "AOCL-BLAS",
            in_python("aoclda", "libblis-mt"),
            "cblas_sgemm",
            "bli_thread_set_num_threads",
        ),
        libxsmm,
    ]
});

/// Returns the BLAS libraries that could be loaded.
pub fn here() -> impl Iterator<Item = &'static Blas> {
    ALL.iter().flatten()
}

fn load(
    name: &'static str,
    library: Result<PathBuf, String>,
    product: impl FnOnce(&Library) -> Result<Product, String>,
) -> Result<Blas, String> {
    let of = |why: String| format!("{name}: {why}");
    let path = library.map_err(of)?;
    let library = open(&path).map_err(of)?;
    Ok(Blas {
        name,
        product: product(&library).map_err(of)?,
        _library: library,
    })
}

/// Makes a shared library of Debian's archive of libxsmm, in the folder for temporary files, and returns its path.
fn libxsmm() -> Result<PathBuf, String> {
    const ARCHIVE: &str = "/usr/lib/libxsmm.a";
    if !Path::new(ARCHIVE).exists() {
        return Err(format!("there is no {ARCHIVE}, of Debian's libxsmm-dev"));
    }
    let library = std::env::temp_dir().join(format!("libxsmm-{}.so", std::process::id()));
    let output = Command::new("cc")
        .args(["-shared", "-o"])
        .arg(&library)
        .args(["-Wl,--whole-archive", ARCHIVE, "-Wl,--no-whole-archive"])
        .args(["/usr/lib/libxsmmnoblas.a", "-ldl", "-lpthread", "-lm"])
        .output()
        .map_err(|e| format!("cc does not start: {e}"))?;
    match output.status.success() {
        true => Ok(library),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().into()),
    }
}

impl Blas {
    /// Returns whether the library is compared at m×k×n, `shape`, on so many threads.
    pub fn takes(&self, shape: [usize; 3], threads: usize) -> bool {
        match self.product {
            Product::Cblas { .. } => true,
            Product::Fortran(_) => threads == 1 && shape.iter().all(|&size| size <= SMALL),
        }
    }

    /// Computes C ← A·B, for operands with contiguous rows.
    ///
    /// # Panics
    /// If the shapes do not fit, or a row of A or B is not contiguous.
    pub fn product(&self, threads: usize, mut c: MatMut, a: MatRef, b: MatRef) {
        const ROW_MAJOR: c_int = 101;
        const AS_IT_IS: c_int = 111;
        let (m, k, n) = (a.rows(), a.cols(), b.cols());
        assert!(c.rows() == m && c.cols() == n && b.rows() == k);
        assert!(a.col_stride() == 1 && b.col_stride() == 1);
        let int = |value: usize| c_int::try_from(value).expect("a size that BLAS can say");
        let [m, k, n] = [m, k, n].map(int);
        let [lda, ldb, ldc] = [a.row_stride(), b.row_stride(), c.row_stride()].map(int);
        let (a, b) = (a.data().as_ptr(), b.data().as_ptr());
        let c = c.data_mut().as_mut_ptr();
        match self.product {
            Product::Cblas {
                sgemm,
                threads: set,
            } => {
                let (plain, alpha, beta) = (AS_IT_IS, 1.0, 0.0);
                // SAFETY: the views vouch for their matrices, and the shapes fit.
                unsafe {
                    set(int(threads));
                    sgemm(
                        ROW_MAJOR, plain, plain, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc,
                    );
                }
            }
            Product::Fortran(sgemm) => {
                let (plain, alpha, beta) = (c"N".as_ptr(), 1.0, 0.0);
                // SAFETY: the views vouch for their matrices, and the shapes fit. Read by columns, the matrices are
                // transposed, and Cᵀ = Bᵀ·Aᵀ.
                unsafe {
                    sgemm(
                        plain, plain, &n, &m, &k, &alpha, b, &ldb, a, &lda, &beta, c, &ldc,
                    );
                }
            }
        }
    }
}
