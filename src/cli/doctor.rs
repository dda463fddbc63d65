//! `doctor`: checks of the set-up as values, each finding with its remedy.

mod cluster;
mod datasource;
mod hpas;
mod switch;
mod sync;
mod workloads;

use super::{Exit, Failure, Global, output};
use crate::config::{self, Config};
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;

/// Check the set-up; each finding with its remedy.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The configuration; absent: defaults only
    #[arg(long, short, value_name = "FILE", env = "FLOORCAST_CONFIG")]
    pub config: Option<PathBuf>,
    /// Longest time the look at the workloads may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

/// How a check ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and something is lost.
    Warn,
    /// It does not work.
    Fail,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What was checked, in a few words.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found, with numbers.
    pub what: String,
    /// How to mend it; empty where nothing is to be mended.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remedy: String,
    /// It could not be reached at all: decides the exit code.
    #[serde(skip)]
    pub unreachable: bool,
}

impl Finding {
    /// As it should be.
    pub fn ok(name: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, what, "")
    }

    /// It works, and something is lost.
    pub fn warn(name: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(name, Verdict::Warn, what, remedy)
    }

    /// It does not work.
    pub fn fail(name: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(name, Verdict::Fail, what, remedy)
    }

    /// It could not be reached.
    pub fn unreachable(name: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { unreachable: true, ..Self::new(name, Verdict::Fail, what, remedy) }
    }

    fn new(name: impl Into<String>, verdict: Verdict, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name: name.into(), verdict, what: what.into(), remedy: remedy.into(), unreachable: false }
    }
}

/// Everything `doctor -o json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// In the order they were made.
    pub findings: Vec<Finding>,
}

impl Report {
    /// 0 without a failure, 3 where something could not be reached, else 1. Warnings are told and pass.
    pub fn exit(&self) -> Exit {
        let failed = || self.findings.iter().filter(|f| f.verdict == Verdict::Fail);
        match (failed().count(), failed().any(|f| f.unreachable)) {
            (0, _) => Exit::Done,
            (_, true) => Exit::Unreachable,
            (_, false) => Exit::No,
        }
    }

    /// What a person reads.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let mark = match finding.verdict {
                Verdict::Ok => "ok  ",
                Verdict::Warn => "warn",
                Verdict::Fail => "FAIL",
            };
            text.push_str(&format!("{mark}  {}: {}\n", finding.name, finding.what));
            if !finding.remedy.is_empty() {
                text.push_str(&format!("      fix: {}\n", finding.remedy));
            }
        }
        let count = |verdict| self.findings.iter().filter(|f| f.verdict == verdict).count();
        let (ok, warn, fail) = (count(Verdict::Ok), count(Verdict::Warn), count(Verdict::Fail));
        text.push_str(&format!("\n{ok} ok, {warn} to mind, {fail} failed\n"));
        text
    }
}

/// Makes every check; none keeps another from being made.
pub async fn run(global: &Global, command: &Doctor) -> Result<Exit, Failure> {
    let (config, mut findings) = configuration(command.config.as_ref());
    let (of_cluster, reached) = cluster::findings(global, &config, &global.own_namespace(&config)).await;
    findings.extend(of_cluster);
    let (of_datasources, readers) = datasource::findings(&config).await;
    findings.extend(of_datasources);
    if let Some(hpas) = reached {
        findings.push(sync::finding(&config, &readers, &hpas).await);
        findings.extend(workloads::findings(global, command, &config).await);
    }
    let report = Report { findings };
    output::print(&global.output, &report, Report::text)?;
    Ok(report.exit())
}

fn configuration(file: Option<&PathBuf>) -> (Config, Vec<Finding>) {
    const NAME: &str = "configuration";
    let Some(file) = file else {
        let remedy = "give the daemon's configuration with --config";
        return (Config::default(), vec![Finding::warn(NAME, "none given, so no datasource is checked", remedy)]);
    };
    match config::load(file) {
        Ok(config) => (config, vec![Finding::ok(NAME, format!("{} is good", file.display()))]),
        Err(error) => {
            let remedy = format!("floorcast config validate {}", file.display());
            (Config::default(), vec![Finding::fail(NAME, error.to_string(), remedy)])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(findings: Vec<Finding>) -> Report {
        Report { findings }
    }

    #[test]
    fn the_exit_code_is_the_worst_finding() {
        let (ok, warn) = (Finding::ok("a", "fine"), Finding::warn("b", "so so", "do this"));
        let (fail, far) =
            (Finding::fail("c", "broken", "do that"), Finding::unreachable("d", "no answer", "look there"));
        assert_eq!(report(vec![]).exit(), Exit::Done);
        assert_eq!(report(vec![ok.clone(), warn.clone()]).exit(), Exit::Done);
        assert_eq!(report(vec![ok, fail.clone()]).exit(), Exit::No);
        assert_eq!(report(vec![fail, far, warn]).exit(), Exit::Unreachable);
    }

    #[test]
    fn a_person_sees_what_and_how_to_mend_it() {
        let text =
            report(vec![Finding::ok("API server", "v1.36.3"), Finding::fail("Lease", "absent", "apply deploy/")])
                .text();
        assert_eq!(
            text,
            "ok    API server: v1.36.3\nFAIL  Lease: absent\n      fix: apply deploy/\n\n1 ok, 0 to mind, 1 failed\n"
        );
    }
}
