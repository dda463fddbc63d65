//! The figures of a thousand workloads; `docs/benchmarks.md` shows them and the commands.
//!
//! A plain harness: each figure is CPU time, memory or a count over many ticks, which a sampling harness does not measure.

mod fleet;
mod process;
mod ticks;
mod usage;

use std::env::{self, VarError};
use std::process::{ExitCode, exit};

/// What can be measured, and what measures it.
const FIGURES: [(&str, Measure); 3] =
    [("steady", ticks::steady), ("moving", ticks::moving), ("process", process::measure)];

type Measure = fn() -> Outcome;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    // Cargo adds `--bench`; everything else names a figure.
    let wanted: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    if let Some(unknown) = wanted.iter().find(|w| FIGURES.iter().all(|(name, _)| name != w)) {
        refuse(&format!("{unknown}: no such figure; there are {}", FIGURES.map(|(name, _)| name).join(", ")));
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

/// A whole number from the environment; `otherwise` where the variable is not there.
fn number(variable: &str, otherwise: usize) -> usize {
    match env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|why| refuse(&format!("{variable}={text}: {why}"))),
        Err(VarError::NotPresent) => otherwise,
        Err(why) => refuse(&format!("{variable}: {why}")),
    }
}

/// Says what cannot be measured and why, and ends.
fn refuse(why: &str) -> ! {
    eprintln!("{why}");
    exit(2)
}
