//! Where each command of the documentation is run. A command that has no place fails, so that none is left out in silence.

use super::command::{Call, calls};
use std::path::Path;

/// Where a command is run.
#[derive(Debug, PartialEq)]
pub(crate) enum Place {
    /// Without a cluster, beside the files that the pages speak of.
    Alone,
    /// Against the installed release.
    Cluster,
    /// Not by this test, and why.
    Elsewhere(&'static str),
}

/// Files that the pages speak of and that need no cluster to be made, as a reader would have them.
pub(super) const FILES: [&str; 2] = ["load.csv", "floorcast.yaml"];

const NO_POD: &str = "the pods of the test's cluster run no program; verbs and flags are asked of kubectl itself";
const RELEASE: &str = "the life of a release runs it, and what is installed is rendered";
const CI: &str = "it is the test command, or what builds for it";
const LONG: &str = "it measures for minutes; its name and arguments are checked, and the linter compiles it";
const OUTPUT: &str = "it reads what the command before it printed";

/// Commands that are not run by this test: program, word that is among its arguments, reason.
const ELSEWHERE: [(&str, &str, &str); 28] = [
    ("floorcast", "run", "it does not end; every scenario on the real control plane starts it so"),
    ("kubectl", "logs", NO_POD),
    ("kubectl", "top", NO_POD),
    ("kubectl", "rollout", NO_POD),
    ("kubectl", "port-forward", NO_POD),
    ("kubectl", "/api/v1/namespaces/floorcast/services/floorcast:metrics/proxy/livez?verbose", NO_POD),
    ("helm", "install", RELEASE),
    ("helm", "upgrade", RELEASE),
    ("helm", "test", RELEASE),
    ("helm", "uninstall", RELEASE),
    ("cargo", "test", CI),
    ("cargo", "build", CI),
    ("cargo", "clippy", CI),
    ("cargo", "install", "it installs"),
    ("cargo", "bench", LONG),
    ("cargo", "--example", LONG),
    ("cargo", "load-test", LONG),
    ("cargo", "up", "the testbed's own test starts it and asks its daemon"),
    ("pip", "install", "it installs"),
    ("locust", "-f", "it needs the load test, and its installation"),
    ("python3", "benches/outcomes/run.py", LONG),
    ("venv/bin/python", "benches/peers/run.py", LONG),
    ("cosign", "verify", "nothing is released yet that could be verified"),
    (".ci/lint", "", "the CI runs it beside the test command"),
    ("export", "", "it is the reader's shell"),
    ("grep", "", OUTPUT),
    ("head", "", OUTPUT),
    ("wc", "", OUTPUT),
];

/// The first entry that speaks of this command.
fn entry(call: &Call) -> Option<usize> {
    let (program, words) = match call.ours() {
        Some(ours) => ("floorcast", ours.iter().take(1).collect::<Vec<_>>()),
        None => (call.words[0].as_str(), call.words[1..].iter().collect()),
    };
    let is =
        |(of, word, _): &(&str, &str, &str)| *of == program && (word.is_empty() || words.iter().any(|w| w == word));
    ELSEWHERE.iter().position(is)
}

/// Where it is run; `None` if nowhere.
pub(crate) fn place(call: &Call) -> Option<Place> {
    if let Some(entry) = entry(call) {
        return Some(Place::Elsewhere(ELSEWHERE[entry].2));
    }
    match call.ours() {
        Some(ours) if needs_no_cluster(ours) => Some(Place::Alone),
        Some(_) => Some(Place::Cluster),
        None => (call.words[0] == "kubectl").then_some(Place::Cluster),
    }
}

/// Whether it needs nothing but the files that the pages speak of.
fn needs_no_cluster(ours: &[String]) -> bool {
    let has = |flag: &str| ours.iter().any(|word| word == flag);
    let free = match ours.first().map(String::as_str) {
        Some("demo" | "completion" | "man" | "evaluate" | "config") => true,
        Some("enable" | "disable") => has("--print"),
        Some("backtest") => has("--csv"),
        _ => false,
    };
    let is_file = |word: &str| Path::new(word).extension().is_some_and(|end| end == "csv" || end == "yaml");
    let mut files = ours.iter().filter(|word| is_file(word));
    free && files.all(|word| FILES.contains(&word.as_str()) || word.starts_with("deploy/"))
}

#[test]
fn every_command_is_run_somewhere_or_says_why_not() {
    let calls = calls();
    let nowhere: Vec<String> = calls.iter().filter(|call| place(call).is_none()).map(Call::said).collect();
    assert!(nowhere.is_empty(), "no test runs these, and no reason is given:\n{}", nowhere.join("\n"));
    let used: Vec<usize> = calls.iter().filter_map(entry).collect();
    let dead: Vec<_> = (0..ELSEWHERE.len()).filter(|i| !used.contains(i)).map(|i| ELSEWHERE[i]).collect();
    assert!(dead.is_empty(), "no page has these any more: {dead:?}");
    // Ours are run, but for the daemon itself.
    let ours = |call: &&Call| call.ours().is_some_and(|ours| ours[0] != "run");
    let left: Vec<String> = calls
        .iter()
        .filter(ours)
        .filter(|call| matches!(place(call), Some(Place::Elsewhere(_)) | None))
        .map(Call::said)
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
