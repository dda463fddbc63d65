//! Runs files of facts about the HPA controller: `hpa_cases PATH…`.
//!
//! Prints each disagreement, and last `N passed, N failed`. A case that cannot be read is a failed one, told with the key
//! that is wrong. Exit code 1 when any case failed, 2 when used wrongly, 3 when a file cannot be read: the others are run
//! all the same.
#![allow(missing_docs, unreachable_pub, clippy::trivially_copy_pass_by_ref, clippy::expect_used)]

#[path = "../tests/facts/facts.rs"]
mod facts;

use std::process::ExitCode;

fn main() -> ExitCode {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.is_empty() || paths.iter().any(|path| path.starts_with('-')) {
        eprintln!("usage: hpa_cases PATH…    (JSON files of the form of models/tests/hpa-cases)");
        return ExitCode::from(2);
    }
    let (mut passed, mut failed, mut unread) = (0, 0, 0);
    for path in &paths {
        match run(path) {
            Ok(report) => {
                passed += report.passed;
                failed += report.disagreements.len();
            }
            Err(why) => {
                unread += 1;
                eprintln!("{path}: {why}");
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    match (unread, failed) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::FAILURE,
        _ => ExitCode::from(3),
    }
}

fn run(path: &str) -> Result<facts::Report, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("cannot be read: {e}"))?;
    let report = facts::run(&text)?;
    for line in &report.disagreements {
        println!("{path}: {line}");
    }
    Ok(report)
}
