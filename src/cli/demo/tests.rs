#![allow(clippy::unwrap_used)]
//! The rendering from fixed values; one real day; wrong traces.

use super::answer::{Answer, Replayed};
use super::curves::{Curves, Side};
use super::table::Look;
use super::verdict::{Kind, Verdict};
use super::*;
use crate::simulated::demo::PolicyFigures;
use chrono::{DateTime, Utc};
use clap::Parser;

fn figures(policy: &'static str, starved_minutes: u32, starved_load_ratio: f64, pod_hours: f64) -> PolicyFigures {
    let floor_writes = if policy == "hpa" { 0 } else { 9 };
    PolicyFigures {
        policy,
        starved_minutes,
        starved_load_ratio,
        pod_hours,
        peak_replicas: 8,
        rescales: 4,
        floor_writes,
    }
}

fn both(alone: (u32, f64, f64), with: (u32, f64, f64)) -> [PolicyFigures; 2] {
    [figures("hpa", alone.0, alone.1, alone.2), figures("floorcast", with.0, with.1, with.2)]
}

/// A day that is 2 replicas but for its middle third, 8.
fn answer() -> Answer {
    let middle = |i: usize| (32..64).contains(&i);
    let side = |floor: f64, starved: u32| Side {
        floors: (0..96).map(|i| if middle(i) { floor } else { 2.0 }).collect(),
        replicas: (0..96).map(|i| if middle(i) { 8.0 } else { 2.0 }).collect(),
        starved: (0..96).map(|i| if i == 32 { starved } else { 0 }).collect(),
    };
    let load = (0..96).map(|i| if middle(i) { 2.4 } else { 0.5 }).collect();
    let policies = both((10, 0.012, 96.0), (0, 0.0, 98.4));
    let start: DateTime<Utc> = "2026-03-03T00:00:00Z".parse().unwrap();
    Answer {
        version: "v1",
        trace: None,
        seed: 7,
        days: 1,
        start,
        saturation: 1.25,
        verdict: Verdict::of(&policies),
        workloads: vec![Replayed {
            workload: "shop/web".to_owned(),
            policies: policies.clone(),
            curves: Curves { load, alone: side(2.0, 10), with: side(7.0, 0) },
        }],
        policies,
        notes: Vec::new(),
    }
}

fn look(paint: Paint) -> Look {
    Look { ink: Ink::Unicode, paint, program: "floorcast".to_owned() }
}

const GOLDEN: &str = "\
1 day of a simulated shop, replayed twice (seed 7)

                      HPA alone  with floorcast   difference
starved minutes              10               0     -100.0 %
starved load             1.20 %          0.00 %     -100.0 %
pod-hours                  96.0            98.4       +2.5 %
peak replicas                 8               8          0 %
rescales by the HPA           4               4          0 %
floors written                0               9

floorcast spared 10 of 10 starved minutes, for 2.5 % more pod-hours.
Starved: minutes with more load than ready pods x target per pod x 1.25 can carry.

shop/web
                Tue 3 Mar
load            ▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂████████████████▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂  peak 2.40 cores
HPA alone
  replicas      ▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃████████████████▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃  2 to 8
  floor         ▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃  2
  starved                       !                                 10 min
with floorcast
  replicas      ▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃████████████████▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃  2 to 8
  floor         ▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃  2 to 7
  starved                                                         0 min

Next, a load of your own (rows of timestamp_unix_seconds,value):
  floorcast demo --trace FILE.csv
";

#[test]
fn a_person_sees_it_at_a_glance() {
    let text = table::text(&answer(), &look(Paint::Plain));
    assert_eq!(text, GOLDEN, "\n{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 84));
}

#[test]
fn colour_only_adds_escapes() {
    let coloured = table::text(&answer(), &look(Paint::Colour));
    assert!(coloured.contains("\u{1b}[32mstarved minutes"), "{coloured}");
    let mut plain = coloured;
    for escape in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[31m", "\u{1b}[32m"] {
        plain = plain.replace(escape, "");
    }
    assert_eq!(plain, GOLDEN);
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let of = |terminal, no_color: &str, term: &str| {
        Paint::of(terminal, |name| Some(if name == "TERM" { term } else { no_color }.to_owned()))
    };
    assert_eq!(of(true, "", "xterm"), Paint::Colour);
    assert_eq!(of(true, "1", "xterm"), Paint::Plain);
    assert_eq!(of(false, "", "xterm"), Paint::Plain);
    assert_eq!(of(true, "", "dumb"), Paint::Plain);
}

#[test]
fn json_has_the_policies_of_the_vocabulary() {
    let json = serde_json::to_value(answer()).unwrap();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut of_policy = keys(&json["policies"][1]);
    of_policy.sort();
    let wanted =
        ["floor_writes", "peak_replicas", "pod_hours", "policy", "rescales", "starved_load_ratio", "starved_minutes"];
    assert_eq!(of_policy, wanted);
    assert_eq!(json["policies"][0]["policy"], "hpa");
    assert_eq!(json["policies"][1]["policy"], "floorcast");
    assert_eq!((&json["version"], &json["seed"], &json["days"]), (&"v1".into(), &7.into(), &1.into()));
    assert_eq!(json["verdict"]["kind"], "better");
    assert_eq!(json["workloads"][0]["workload"], "shop/web");
}

#[test]
fn the_verdict_is_true_also_where_floorcast_did_not_help() {
    for (alone, with, kind, part) in [
        ((10, 0.1, 100.0), (4, 0.02, 110.0), Kind::Better, "spared 6 of 10 starved minutes, for 10.0 % more"),
        ((10, 0.1, 100.0), (4, 0.02, 90.0), Kind::Better, "with 10.0 % fewer pod-hours"),
        ((10, 0.1, 100.0), (10, 0.02, 100.0), Kind::Better, "some of the starved load, for the same pod-hours"),
        ((4, 0.1, 100.0), (10, 0.2, 100.0), Kind::Worse, "10 starved minutes instead of 4"),
        ((4, 0.1, 100.0), (4, 0.2, 100.0), Kind::Worse, "as many starved minutes, more load"),
        ((10, 0.1, 100.0), (4, 0.2, 100.0), Kind::Mixed, "spared 6 of 10 starved minutes, but more load"),
        ((4, 0.2, 100.0), (10, 0.1, 100.0), Kind::Mixed, "10 starved minutes instead of 4, less load"),
        ((4, 0.2, 100.0), (4, 0.2, 120.0), Kind::Same, "did not help here: the same 4 minutes starved, for 20.0 %"),
        ((0, 0.0, 100.0), (0, 0.0, 101.0), Kind::Calm, "Nothing starved either way"),
    ] {
        let verdict = Verdict::of(&both(alone, with));
        assert!(verdict.kind == kind && verdict.text.contains(part), "{verdict:?}");
    }
}

fn demo_of(arguments: &[&str]) -> Result<Demo, clap::Error> {
    let all = ["floorcast", "demo"].iter().chain(arguments);
    match crate::cli::Cli::try_parse_from(all)?.command {
        crate::cli::Command::Demo(demo) => Ok(demo),
        other => panic!("{other:?}"),
    }
}

#[test]
fn days_are_bounded() {
    assert_eq!(demo_of(&[]).unwrap().days, 3);
    for days in ["0", "29", "-1", "many"] {
        assert_eq!(demo_of(&["--days", days]).unwrap_err().exit_code(), 2, "{days}");
    }
}

#[test]
fn a_wrong_trace_is_refused_with_its_line_and_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = |content: &[u8]| {
        let file = folder.path().join("load.csv");
        std::fs::write(&file, content).unwrap();
        let failure = scenario(&demo_of(&["--trace", file.to_str().unwrap()]).unwrap()).err().unwrap();
        assert_eq!(failure.exit, Exit::Misused);
        failure.message
    };
    for (content, parts) in [
        ("time,load\nnoon,1\n", ["load.csv", "line 2: ", "whole number of seconds"]),
        ("0,1\n60;2\n", ["line 2: no comma", "60;2", "timestamp_unix_seconds,value"]),
        ("0,1\n60,-2\n", ["line 2: ", "not negative", "leave the row out"]),
        ("0,1\n60,2\n", ["2 samples", "two days", "one to learn from"]),
        ("0,0\n86400,0\n", ["all 2 values are 0", "no load", "second column"]),
    ] {
        let message = refusal(content.as_bytes());
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
    assert!(refusal(&[0xff, 0xfe, 0x00]).contains("it is no text"));
    let missing = scenario(&demo_of(&["--trace", "/nowhere/load.csv"]).unwrap()).err().unwrap();
    assert!(missing.exit == Exit::Misused && missing.message.contains("check the path"), "{missing}");
}

#[test]
fn a_day_of_the_shop_starves_no_more_than_the_hpa_alone() {
    let command = demo_of(&["--days", "1", "--seed", "5"]).unwrap();
    let scenario = scenario(&command).unwrap();
    let answer = Answer::new(&command, &scenario, &compare(&scenario).unwrap());
    let [alone, with] = &answer.policies;
    assert!(with.starved_minutes <= alone.starved_minutes, "{alone:?} {with:?}");
    assert!(with.floor_writes > 0, "{:?}", answer.notes);
    let text = table::text(&answer, &look(Paint::Plain));
    assert!(text.contains("shop/checkout") && text.contains("shop/search"), "{text}");
}
