//! The `harness` command; everything is in the library.

fn main() -> std::process::ExitCode {
    harness::cli::main().into()
}
