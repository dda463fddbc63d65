//! `cargo run -p floorcast-testbed -- up`: a local control plane with a workload whose peak is minutes away.

mod up;

use std::process::ExitCode;

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match up::Wanted::parse(&args) {
        Err(usage) => {
            eprintln!("{usage}");
            ExitCode::from(2)
        }
        Ok(wanted) => match up::run(&wanted).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("floorcast-testbed: {error}");
                ExitCode::FAILURE
            }
        },
    }
}
