//! The macro [`each_isa!`](crate::each_isa), which runs a test on every instruction set.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use kernels::Isa;

/// Makes a test of a function `fn name(isa: Isa)` for every instruction set that there is: `name::avx2` and the like.
///
/// On an instruction set that this CPU lacks, or that is not the one which `KERNELS_ISA` names, the test does nothing,
/// and stderr says so once for all tests.
///
/// ```
/// # use kernels::Isa;
/// use proptests::each_isa;
///
/// each_isa!(a_name_is_that_of_its_set);
/// fn a_name_is_that_of_its_set(isa: Isa) {
///     assert_eq!(isa.name().parse(), Ok(isa));
/// }
/// ```
#[macro_export]
macro_rules! each_isa {
    (@all $test:ident $($(#[$about:meta])+ $variant:ident $isa:ident;)+) => {
        $(
            #[test]
            fn $isa() {
                $crate::isa::on(stringify!($isa), super::$test);
            }
        )+
    };
    ($test:ident) => {
        mod $test {
            $crate::isa::for_each_isa! { [$crate::each_isa] @all $test }
        }
    };
}

#[doc(hidden)]
pub use kernels::for_each_isa;

/// Runs a test on the instruction set of this name, or says on stderr why it does not.
///
/// # Panics
/// If the test panics, or `KERNELS_ISA` does not name an instruction set of this CPU: a test that cannot run must not
/// pass.
pub fn on(name: &'static str, test: impl FnOnce(Isa)) {
    match chosen(name) {
        Ok(isa) => test(isa),
        Err(why) => skipped(name, &why),
    }
}

fn chosen(name: &str) -> Result<Isa, String> {
    if std::env::var_os("KERNELS_ISA").is_some() {
        let forced = Isa::from_env().unwrap_or_else(|error| panic!("{error}"));
        if forced.name() != name {
            return Err(format!("KERNELS_ISA is {forced}"));
        }
    }
    name.parse().map_err(|_| "this CPU lacks it".to_owned())
}

/// Says once on stderr that no test runs on an instruction set. It does so directly, since libtest captures what a test
/// prints and shows it only where the test fails.
fn skipped(name: &'static str, why: &str) {
    static SAID: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.insert(name) {
        // A message that cannot be written is no reason to fail.
        let _ = writeln!(std::io::stderr(), "skipped: every test on {name}: {why}");
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    each_isa!(a_test_is_given_the_set_of_its_name);
    fn a_test_is_given_the_set_of_its_name(isa: Isa) {
        // libtest names a test's thread after the test.
        let thread = std::thread::current();
        let name = thread.name().expect("a test has a name");
        assert!(
            name == "main" || name.ends_with(&format!("::{isa}")),
            "{name}"
        );
    }

    #[test]
    fn a_test_runs_on_every_set_of_this_cpu_and_no_other() {
        let available: BTreeSet<_> = Isa::available().into_iter().map(Isa::name).collect();
        for &name in Isa::NAMES {
            let ran = Cell::new(false);
            on(name, |_| ran.set(true));
            let forced = std::env::var("KERNELS_ISA").is_ok_and(|forced| forced != name);
            assert_eq!(ran.get(), available.contains(name) && !forced, "{name}");
        }
    }
}
