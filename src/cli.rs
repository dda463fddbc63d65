//! The command line: one module per command; answers on stdout, everything else on stderr.

pub mod backtest;
mod command;
mod complete;
pub mod config;
mod control;
pub mod demo;
pub mod doctor;
pub mod drain;
pub mod enable;
pub mod evaluate;
pub mod exit;
pub mod explain;
mod form;
pub mod jsonpath;
mod listing;
pub mod local;
mod near;
pub mod output;
pub mod pages;
mod paint;
mod patch;
pub mod pause;
pub mod plan;
pub mod release;
pub mod report;
pub mod run;
pub mod server;
pub mod spark;
pub mod status;
pub mod when;

pub use command::{Cli, Command, Global};
pub use exit::{Exit, Failure};
pub use form::Output;

use clap::FromArgMatches;
use std::{ffi::OsStr, path::Path, process::ExitCode};

/// Parses the arguments, does what they say, and turns the outcome into an exit code.
pub fn main() -> ExitCode {
    if let Some(words) = complete::asked(std::env::args_os()) {
        return complete::answer(&words).into();
    }
    // clap prints usage errors itself, with exit code 2; --help and --version with 0.
    let cli = Cli::from_arg_matches(&pages::tree().get_matches()).unwrap_or_else(|wrong| wrong.exit());
    match runtime().and_then(|runtime| runtime.block_on(dispatch(cli))) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("error: {}", pages::as_called(&failure.message));
            failure.exit.into()
        }
    }
}

/// How this program was called, as it stands in the commands it suggests: kubectl runs a plugin of that name for
/// `kubectl floorcast`.
pub(crate) fn called() -> &'static str {
    let path = std::env::args_os().next();
    if is_named(path.as_deref(), "kubectl-floorcast") { "kubectl floorcast" } else { "floorcast" }
}

/// Whether a program's path ends in this name.
fn is_named(path: Option<&OsStr>, name: &str) -> bool {
    path.map(Path::new).and_then(Path::file_stem).is_some_and(|stem| stem == name)
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Exit::Unreachable, format!("no threads to run on: {e}")))
}

async fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    let global = cli.global;
    if global.output == Output::Name && !cli.command.names_workloads() {
        let forms = "table, json, yaml or jsonpath=…";
        return Err(Failure::misused(format!("-o name prints HPAs, and this answer is about none; take {forms}")));
    }
    match cli.command {
        Command::Run(command) => run::run(&global, command).await,
        Command::Demo(command) => demo::run(&global, command).await,
        Command::Backtest(command) => backtest::run(&global, command).await,
        Command::Evaluate(command) => evaluate::run(&global, command).await,
        Command::Status(command) => status::run(&global, &command).await,
        Command::Plan(command) => plan::run(&global, &command).await,
        Command::Explain(command) => explain::run(&global, &command).await,
        Command::Report(command) => report::run(&global, &command).await,
        Command::Enable(command) => enable::enable(&global, &command).await,
        Command::Disable(command) => enable::disable(&global, &command).await,
        Command::Pause(command) => pause::pause(&global, &command).await,
        Command::Resume(command) => pause::resume(&global, &command).await,
        Command::Release(command) => release::run(&global, &command).await,
        Command::Drain(command) => drain::run(&global, &command).await,
        Command::Janitor(command) => release::janitor(&global, &command).await,
        Command::Doctor(command) => doctor::run(&global, &command).await,
        Command::Completion(command) => pages::completion(&command),
        Command::Man(command) => pages::man(&command),
        Command::Config(command) => config::run(&global, &command),
    }
}

#[cfg(test)]
mod tests;
