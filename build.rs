//! Tells the binary which revision and compiler made it; without git it says so and builds all the same.
use std::{path::Path, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=FLOORCAST_REVISION");
    let revision = std::env::var("FLOORCAST_REVISION").ok().or_else(|| {
        // A commit moves HEAD's log, also in a worktree.
        let log = said("git", &["rev-parse", "--git-path", "logs/HEAD"])?;
        if Path::new(&log).exists() {
            println!("cargo:rerun-if-changed={log}");
        }
        said("git", &["rev-parse", "--short=12", "HEAD"])
    });
    let rustc = std::env::var("RUSTC").ok().and_then(|rustc| said(&rustc, &["--version"]));
    println!("cargo:rustc-env=FLOORCAST_REVISION={}", revision.unwrap_or_else(|| "unknown".to_owned()));
    println!("cargo:rustc-env=FLOORCAST_RUSTC={}", rustc.unwrap_or_else(|| "unknown".to_owned()));
}

/// The first line a program says, if it says one and succeeds.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let out = Command::new(program).args(arguments).output().ok().filter(|out| out.status.success())?;
    let line = String::from_utf8(out.stdout).ok()?.lines().next()?.trim().to_owned();
    (!line.is_empty()).then_some(line)
}
