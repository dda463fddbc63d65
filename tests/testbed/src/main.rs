//! `cargo run -p floorcast-testbed -- up`: a local control plane with a workload whose peak is minutes away; `load-test`: the same
//! load on two services, one with the HPA alone and one with floorcast beside it.

mod args;
mod load_test;
mod up;

use std::process::ExitCode;

use floorcast_testbed::Error;

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = args.split_first().map_or(("", &[][..]), |(command, rest)| (command.as_str(), rest));
    match command {
        "up" => match up::Wanted::parse(rest) {
            Ok(wanted) => ended(up::run(&wanted).await),
            Err(usage) => misused(&usage),
        },
        "load-test" => match load_test::Wanted::parse(rest) {
            Ok(wanted) => ended(load_test::run(&wanted).await),
            Err(usage) => misused(&usage),
        },
        _ => misused(&format!("{}\n\n{}", up::USAGE, load_test::USAGE)),
    }
}

fn ended(result: Result<(), Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("floorcast-testbed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn misused(usage: &str) -> ExitCode {
    eprintln!("{usage}");
    ExitCode::from(2)
}
