//! The command line.
use std::process::ExitCode;

fn main() -> ExitCode {
    floorcast::cli::main()
}
