//! The figures of a thousand workloads; `docs/benchmarks.md` shows them and the commands.
//!
//! A plain harness: each figure is CPU time, memory or a count over many ticks, which a sampling harness does not measure.

mod fleet;
mod process;
mod ticks;
mod usage;

use std::process::ExitCode;

/// What can be measured, and what measures it.
const FIGURES: [(&str, Measure); 3] =
    [("steady", ticks::steady), ("moving", ticks::moving), ("process", process::measure)];

type Measure = fn() -> Outcome;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    // Cargo adds `--bench`; everything else names a figure.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    if let Some(unknown) = wanted.iter().find(|w| FIGURES.iter().all(|(name, _)| name != w)) {
        eprintln!("{unknown}: no such figure; there are {}", FIGURES.map(|(name, _)| name).join(", "));
        return ExitCode::FAILURE;
    }
    let chosen = FIGURES.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w == name));
    for (name, measure) in chosen {
        println!("## {name}");
        if let Err(error) = measure() {
            eprintln!("{name}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// How many workloads: `FLOORCAST_BENCH_WORKLOADS`, else 1,000.
fn workloads() -> usize {
    number("FLOORCAST_BENCH_WORKLOADS", 1000)
}

/// A whole number from the environment.
fn number(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
