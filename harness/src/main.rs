//! The `harness` command; everything is in the library.

#[global_allocator]
static MEMORY: harness::exhaustion::Allocator = harness::exhaustion::Allocator;

fn main() -> std::process::ExitCode {
    harness::cli::main().into()
}
