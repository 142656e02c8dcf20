//! Arguments in, exit code out.

use std::process::ExitCode;

/// The service makes many small allocations on several threads, which the system allocator serves slowly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    treebeard::cli::main(std::env::args_os())
}
