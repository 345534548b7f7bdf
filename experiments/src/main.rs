//! The command line of trueup.

use std::process::ExitCode;

/// burn's graph allocates for every operation: an allocator that keeps its pages makes it half as fast
/// again, and harms nothing else.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    trueup::cli::main()
}
