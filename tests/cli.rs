//! The binary as people use it: usage errors, help, and the commands that need no cluster.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

fn floorcast(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_floorcast"))
        .args(arguments)
        .env_clear()
        .env("KUBECONFIG", "/nonexistent/kubeconfig")
        .output()
        .unwrap()
}

fn said(arguments: &[&str]) -> (i32, String, String) {
    let out = floorcast(arguments);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let (code, out, _) = said(&["--help"]);
    assert_eq!(code, 0);
    for word in [
        "run",
        "status",
        "plan",
        "explain",
        "release",
        "drain",
        "janitor",
        "doctor",
        "config",
        "--namespace",
        "--context",
        "--kubeconfig",
    ] {
        assert!(out.contains(word), "{word}");
    }
    assert!(out.contains("0 done, 1 it says no, 2 used wrongly, 3 could not reach something"));
}

#[test]
fn the_version_names_its_build() {
    let (code, out, _) = said(&["--version"]);
    assert_eq!(code, 0);
    assert!(out.starts_with(&format!("floorcast {} (", env!("CARGO_PKG_VERSION"))), "{out}");
}

#[test]
fn wrong_use_is_2_with_a_suggestion() {
    for (arguments, hint) in [
        (&["statsu"][..], "status"),
        (&["status", "-o", "tabel"][..], "table"),
        (&["status", "-n", "a", "-A"][..], "cannot be used with"),
        (&["plan"][..], "<HPA>"),
        (&["release"][..], "--all"),
        (&["release", "--all", "--for", "3"][..], "has no unit"),
        (&["drain"][..], "--all"),
        (&["drain", "--all", "--for", "1h"][..], "cannot be used with"),
        (&["drain", "web", "-A"][..], "write NAMESPACE/NAME"),
        (&["release", "shop/web", "-n", "other"][..], "name two namespaces"),
        (&["release", "Shop/web"][..], "is no name of an HPA"),
        (&["status", "--local"][..], "--config"),
        (&["status", "--local", "--config", "x", "--server", "http://127.0.0.1:9"][..], "cannot be used with"),
        (&["explain", "shop/web", "--at", "2h"][..], "--config"),
        (&["plan", "shop/web", "-n", "other"][..], "name two namespaces"),
        (&["plan", "../../etc"][..], "is no name of an HPA"),
        (&["status", "--server", "localhost:1"][..], "write for example http://127.0.0.1:8081"),
        (&["run", "--log-level", "floorcast=loud"][..], "write error, warn, info"),
    ] {
        let (code, _, err) = said(arguments);
        assert_eq!(code, 2, "{arguments:?}: {err}");
        assert!(err.contains(hint), "{arguments:?}: {err}");
    }
}

#[test]
fn what_cannot_be_reached_is_3() {
    for arguments in [
        &["status"][..],
        &["status", "--server", "http://127.0.0.1:9"][..],
        &["run"][..],
        &["run", "--config", "/nonexistent/floorcast.yaml"][..],
        &["doctor"][..],
    ] {
        let (code, out, err) = said(arguments);
        assert_eq!(code, 3, "{arguments:?}: {out}{err}");
        assert!((out + &err).contains("nonexistent") || err.contains("127.0.0.1:9"), "{arguments:?}: {err}");
    }
}

#[test]
fn a_file_is_good_or_told_why_not() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/config/floorcast.yaml");
    let (code, out, _) = said(&["config", "validate", example]);
    assert_eq!((code, out.ends_with(": good; 1 datasource, 1 template, 0 opt-in rules\n")), (0, true), "{out}");
    let bad = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(bad.path(), "defaults:\n  quantile: 1.5\n").unwrap();
    let (code, _, err) = said(&["config", "validate", bad.path().to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(err.contains(":2:13: defaults.quantile: 1.5 is out of range"), "{err}");
}

#[test]
fn view_and_schema_are_data() {
    let (code, out, _) = said(&["config", "view"]);
    assert_eq!(code, 0);
    assert!(out.contains("newPodsPerMinute: 200"), "{out}");
    let (_, out, _) = said(&["config", "view", "-o", "json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["timing"]["tick"], "15s");
    let (_, out, _) = said(&["config", "schema"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["additionalProperties"], false);
}
