//! The border between the pure core and the world, kept by a test: what `models` may depend on and may not mention.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Direct dependencies that the core may have. augurs brings `tracing` along transitively, which is tolerated.
const CORE_DEPENDENCIES: [&str; 5] = ["augurs", "chrono", "chrono-tz", "croner", "thiserror"];

/// What a pure core cannot mention: clocks, files, environment, threads, async, unseeded randomness, serialisation.
const FORBIDDEN: [&str; 16] = [
    "Utc::now",
    "Local::now",
    "SystemTime",
    "Instant::now",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "async fn",
    ".await",
    "tokio::",
    "serde::",
    "tracing::",
    "thread_rng",
    "RandomState",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_core_depends_on_nothing_that_can_wait_or_fail() {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let models = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["name"] == "floorcast-models")
        .expect("the core is called floorcast-models");
    let direct: BTreeSet<&str> = models["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|d| d["kind"].is_null())
        .map(|d| d["name"].as_str().unwrap())
        .collect();
    assert_eq!(direct, BTreeSet::from(CORE_DEPENDENCIES), "models/Cargo.toml [dependencies]");
    let chrono = models["dependencies"].as_array().unwrap().iter().find(|d| d["name"] == "chrono").unwrap();
    assert!(
        !chrono["features"].as_array().unwrap().iter().any(|f| f == "clock" || f == "now"),
        "chrono's clock would let the core ask for the time"
    );
}

#[test]
fn the_core_mentions_no_clock_no_io_no_async() {
    let mut found = Vec::new();
    for path in sources(&root().join("models/src")) {
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in FORBIDDEN {
                if code.contains(word) {
                    found.push(format!("{}:{}: {word}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "the pure core reaches for the world:\n{}", found.join("\n"));
}

#[test]
fn rooms_keep_their_doors_shut() {
    // (folder or file under src, words that must not appear in it)
    let rules: [(&str, &[&str]); 4] = [
        ("datasource", &["kube::", "k8s_openapi::", "crate::kubernetes"]),
        ("kubernetes", &["crate::datasource", "reqwest::", "floorcast_models::forecast", "floorcast_models::learn"]),
        ("http", &["kube::Api", "crate::kubernetes::apply"]),
        ("daemon", &["augurs::"]),
    ];
    let mut found = Vec::new();
    for (room, words) in rules {
        let folder = root().join("src").join(room);
        let mut files = if folder.is_dir() { sources(&folder) } else { Vec::new() };
        files.push(root().join("src").join(format!("{room}.rs")));
        for path in files.into_iter().filter(|p| p.exists()) {
            let text = fs::read_to_string(&path).unwrap();
            for word in words.iter().filter(|w| text.contains(**w)) {
                found.push(format!("{} mentions {word}", path.display()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
