//! The binary as people use it: usage errors, help, and the commands that need no cluster.
#![allow(clippy::unwrap_used)]

#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/shells.rs"]
mod shells;

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
        "evaluate",
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
        (&["status", "-o", "jsonpath={.a"][..], "has no closing brace; templates are kubectl's, such as"),
        (&["status", "-o", "jsonpath="][..], "the template is empty"),
        (&["doctor", "-o", "name"][..], "this answer is about none; take table, json, yaml or jsonpath"),
        (&["pause", "web", "-o", "name"][..], "this answer is about none"),
        (&["status", "-w", "--local", "--config", "x"][..], "cannot be used with"),
        (&["explain", "shop/web", "-w", "--at", "2h", "--config", "x"][..], "cannot be used with"),
        (&["plan", "web", "-l", "app=web"][..], "unexpected argument"),
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
        (&["enable"][..], "<HPA>"),
        (&["enable", "shop/web", "--mode", "shadwo"][..], "did you mean shadow?"),
        (&["enable", "shop/web", "--quantile", "95"][..], "floorcast.io/quantile on the HorizontalPodAutoscaler"),
        (&["enable", "shop/web", "--lead-time", "5"][..], "floorcast.io/lead-time"),
        (&["enable", "shop/web", "--load", "requests(", "--print"][..], "floorcast.io/load"),
        (&["enable", "shop/web", "--query", "sum(x)"][..], "target-per-replica is missing"),
        (&["enable", "shop/web", "--min-replicas", "5", "--max-floor", "4"][..], "5 is above max-floor 4"),
        (&["enable", "shop/web", "--print", "--dry-run"][..], "cannot be used with"),
        (&["enable", "web", "-A"][..], "write NAMESPACE/NAME"),
        (&["disable", "shop/web", "--mode", "off"][..], "unexpected argument"),
        (&["disable", "Shop/web", "--print"][..], "is no name of an HPA"),
        (&["pause"][..], "--all"),
        (&["pause", "web", "--for", "3"][..], "has no unit"),
        (&["pause", "--all", "--for", "3h"][..], "cannot be used with"),
        (&["resume", "web", "--all"][..], "cannot be used with"),
        (&["report"][..], "--config"),
        (&["report", "--config", "x", "--days", "0"][..], "1..=90"),
        (&["completion", "tcsh"][..], "powershell"),
        (&["plan", "shop/web", "-n", "other"][..], "name two namespaces"),
        (&["plan", "../../etc"][..], "is no name of an HPA"),
        (&["status", "--server", "localhost:1"][..], "write for example http://127.0.0.1:8081"),
        (&["evaluate"][..], "<TRACE.csv>"),
        (&["evaluate", "x.csv", "--model", "prophte"][..], "auto"),
        (&["evaluate", "x.csv", "--step", "5"][..], "has no unit"),
        (&["evaluate", "x.csv", "--quantile", "95"][..], "out of range"),
        (&["evaluate", "x.csv", "--horizon", "15m,3d"][..], "out of range"),
        (&["evaluate", "/nowhere/x.csv"][..], "check the path"),
        (&["evaluate", "/"][..], "it is a directory"),
        (&["config", "validate"][..], "or --config FILE"),
        (&["config", "validate", "a.yaml", "--config", "b.yaml"][..], "cannot be used with"),
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
        &["status", "-l", "app=web", "--server", "http://127.0.0.1:9"][..],
        &["status", "-w"][..],
        &["status", "--server", "http://127.0.0.1:9"][..],
        &["enable", "web"][..],
        &["disable", "web"][..],
        &["pause", "web"][..],
        &["resume", "--all"][..],
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
    // Every other command names its file so.
    let (code, named, _) = said(&["config", "validate", "--config", example]);
    assert_eq!((code, named), (0, out));
    let bad = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(bad.path(), "defaults:\n  quantile: 1.5\n").unwrap();
    let (code, _, err) = said(&["config", "validate", bad.path().to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(err.contains(":2:13: defaults.quantile: 1.5 is out of range"), "{err}");
}

#[test]
fn a_patch_for_git_needs_no_cluster_and_quotes_what_yaml_would_take_for_a_number() {
    let (code, out, err) =
        said(&["enable", "shop/web", "--quantile", "0.99", "--load", "requests(service=web)", "--print"]);
    assert_eq!(code, 0, "{err}");
    // What only the administrator's configuration knows is told, and keeps nobody from writing the patch.
    assert!(
        err.starts_with("note: ") && err.contains("requests(service=web) is not checked without --config"),
        "{err}"
    );
    for line in ["kind: HorizontalPodAutoscaler", "  name: web", "  namespace: shop", "    floorcast.io/mode: shadow"] {
        assert!(out.lines().any(|found| found == line), "{line}: {out}");
    }
    assert!(out.contains("floorcast.io/quantile: \"0.99\"") || out.contains("floorcast.io/quantile: '0.99'"), "{out}");
    let (code, out, _) = said(&["disable", "web", "--print"]);
    assert_eq!(code, 0);
    assert!(out.contains("floorcast.io/mode: null") && !out.contains("namespace"), "{out}");
}

#[test]
fn every_shell_has_completions_and_every_command_a_page() {
    let (_, help, _) = said(&["--help"]);
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<&str> = listed.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.len() > 15 && commands.contains(&"enable"), "{commands:?}");
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let (code, script, err) = said(&["completion", shell]);
        assert_eq!((code, err.as_str()), (0, ""));
        for word in commands.iter().chain(&["--lead-time"]) {
            assert!(script.contains(word.trim_start_matches("--")), "{shell}: {word}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = said(&["man", "--into", folder.path().to_str().unwrap()]);
    assert_eq!((code, err.as_str()), (0, ""));
    for command in commands {
        let page = std::fs::read_to_string(folder.path().join(format!("floorcast-{command}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
    let (code, _, err) = said(&["man", "--into", "/proc/nowhere"]);
    assert_eq!(code, 3);
    assert!(err.contains("/proc/nowhere cannot be written"), "{err}");
}

#[test]
fn called_as_a_plugin_it_says_kubectl() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("kubectl-floorcast");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_floorcast"), &plugin).unwrap();
    let said = |arguments: &[&str]| {
        let out = Command::new(&plugin).args(arguments).env_clear().output().unwrap();
        String::from_utf8([out.stdout, out.stderr].concat()).unwrap()
    };
    for (arguments, line) in [
        (&["--help"][..], "Usage: kubectl floorcast [OPTIONS] <COMMAND>"),
        (&["plan", "--help"][..], "Usage: kubectl floorcast plan [OPTIONS] <HPA>"),
        (&["statsu"][..], "Usage: kubectl floorcast"),
        (&["pause", "--help"][..], "  kubectl floorcast pause --all "),
        (&["--version"][..], concat!("floorcast ", env!("CARGO_PKG_VERSION"))),
    ] {
        assert!(said(arguments).contains(line), "{arguments:?}: {}", said(arguments));
    }
}

#[test]
fn view_and_schema_are_data() {
    let (code, out, _) = said(&["config", "view"]);
    assert_eq!(code, 0);
    assert!(out.contains("newPodsPerMinute: 200"), "{out}");
    let (_, out, _) = said(&["config", "view", "-o", "json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["timing"]["tick"], "15s");
    let (_, out, _) = said(&["config", "view", "-o", "jsonpath={.timing.tick}/{.guard.newPodsPerMinute}"]);
    assert!(out.starts_with("15s/"), "{out}");
    let (_, out, _) = said(&["config", "schema"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["additionalProperties"], false);
}

/// A month of hours with a day in it, a load that last week foretells to 10 %.
fn hours(days: i64) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    let row = |i: i64| {
        let load = 100 + 50 * (i % 24) + i * 7919 % 31;
        format!("{},{load}\n", 1_772_409_600 + i * 3_600)
    };
    let rows: String = (0..days * 24).map(row).collect();
    std::fs::write(file.path(), format!("# requests\ntimestamp_unix_seconds,value\n{rows}")).unwrap();
    file
}

#[test]
fn evaluate_tells_programs_every_figure() {
    let (month, week) = (hours(28), hours(7));
    let files = [month.path().to_str().unwrap(), week.path().to_str().unwrap()];
    let asked = ["evaluate", files[0], files[1], "--model", "auto,persistence", "--days", "2", "--horizon", "1h,4h"];
    let (code, out, err) = said(&[&asked[..], &["-o", "json"]].concat());
    assert_eq!(code, 0, "{err}");
    assert!(err.starts_with("note: ") && err.contains("no week lies before the 2 days scored"), "{err}");
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&answer["version"], answer["traces"].as_array().unwrap().len()), (&"v1".into(), 2));
    let trace = &answer["traces"][0];
    assert_eq!((&trace["trace"], &trace["step_seconds"]), (&files[0].into(), &3_600.into()));
    // Values at 1 h and 4 h, the maximum over 1 h; two models and the reference.
    let targets = trace["targets"].as_array().unwrap();
    let named: Vec<String> =
        targets.iter().map(|t| format!("{} {} {}", t["target"], t["horizon"], t["model"]).replace('"', "")).collect();
    assert_eq!(named.len(), 9);
    assert_eq!(named[..4], ["value 1h auto", "value 1h persistence", "value 1h seasonal-naive", "value 4h auto"]);
    assert_eq!(named[8], "window_max 1h seasonal-naive");
    for target in targets {
        assert_eq!(target["n"], 48, "{target}");
        for figure in ["wape", "pinball", "coverage", "mase"] {
            assert!(target[figure].as_f64().is_some_and(|v| v > 0.0), "{figure} of {target}");
        }
        let relative = target["relative"]["wape"].as_f64().unwrap();
        assert_eq!(target["model"] == "seasonal-naive", relative == 1.0, "{target}");
    }
    // A week alone has figures, but nothing to be relative to; the means are those of the month.
    let alone = &answer["traces"][1]["targets"][0];
    assert!(alone["wape"].is_f64() && alone["relative"]["wape"].is_null() && alone["mase"].is_null(), "{alone}");
    let means = answer["geometric_mean"].as_array().unwrap();
    assert_eq!(means.len(), 9);
    let (mean, only) = (&means[0]["relative"]["wape"], &targets[0]["relative"]["wape"]);
    assert!((mean.as_f64().unwrap() - only.as_f64().unwrap()).abs() < 1e-12, "{mean} {only}");
    assert_eq!(
        (&means[0]["target"], &means[0]["horizon"], &means[0]["model"]),
        (&"value".into(), &"1h".into(), &"auto".into())
    );
}

#[test]
fn evaluate_tells_people_who_wins_without_colour_in_a_pipe() {
    let month = hours(28);
    let file = month.path().to_str().unwrap();
    let (code, out, err) = said(&["evaluate", "--model", "auto", "--days", "1", "--horizon", "1h", file]);
    assert_eq!((code, err.as_str()), (0, ""), "no bar where no terminal is");
    for part in ["1 trace, the last 1 day of each", "auto has the lowest error at", "seasonal-naive", "max 1h", "1.000"]
    {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(!out.contains('\u{1b}'), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
}

#[test]
fn evaluate_refuses_what_it_cannot_score() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    for (content, arguments, parts) in [
        ("0,1\n300,-2\n", &[][..], ["line 2: a load is not negative", "leave the row out"]),
        ("", &[][..], ["there is no row in it", "timestamp_unix_seconds,value"]),
        ("0,1\n300,1\n", &[][..], ["0.0 days are too few: 3.0 are needed", "longer trace"]),
        (
            "0,1\n300,1\n",
            &["--step", "7m"][..],
            ["420 s is not a multiple of the trace's step of 300 s", "or for none"],
        ),
    ] {
        // Three days are enough for the protocol.
        let long = arguments.is_empty();
        #[allow(clippy::format_collect)] // a small text, once
        let rows: String = (2..864).map(|i| format!("{},1\n", i * 300)).collect();
        std::fs::write(file.path(), format!("{content}{}", if long { "" } else { &rows })).unwrap();
        let (code, out, err) = said(&[&["evaluate", path], arguments].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(path) && parts.iter().all(|part| err.contains(part)), "{err}");
    }
}
