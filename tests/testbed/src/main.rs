//! `cargo run -p floorcast-testbed -- up`: a local control plane with a workload whose peak is minutes away; `load-test`: the same
//! load on two services, one with the HPA alone and one with floorcast beside it.

mod load_test;
mod up;

use std::process::ExitCode;

use clap::Parser;
use floorcast_testbed::arguments::{Arguments, Command};

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Up(wanted) => up::run(&wanted).await,
        Command::LoadTest(wanted) => load_test::run(&wanted).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("floorcast-testbed: {error}");
            ExitCode::FAILURE
        }
    }
}
