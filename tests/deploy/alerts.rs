//! The shipped alerts: checked and unit-tested by the real promtool, each with a runbook.

use crate::files;
use floorcast::metrics::Metrics;
use floorcast_testbed::{command, tools::Module};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const RULES: &str = "deploy/alerts/floorcast.rules.yaml";
const TESTS: &str = "deploy/alerts/tests";
const RUNBOOKS: &str = "docs/runbooks";
/// Where a runbook is read by whom an alert woke.
const PUBLISHED: &str = "https://github.com/floorcast/floorcast/blob/main";

/// All rules, in their order.
fn rules() -> Vec<Value> {
    let groups = files::yaml(RULES)["groups"].as_array().unwrap().clone();
    groups.iter().flat_map(|g| g["rules"].as_array().unwrap().clone()).collect()
}

fn alerts() -> BTreeMap<String, Value> {
    let named = |rule: Value| Some((rule["alert"].as_str()?.to_owned(), rule));
    rules().into_iter().filter_map(named).collect()
}

#[test]
fn every_alert_says_how_bad_what_and_where_to_read_on() {
    let alerts = alerts();
    assert!(alerts.len() >= 12, "{}", alerts.len());
    for (name, alert) in &alerts {
        let said =
            |of: &str, key: &str| alert[of][key].as_str().unwrap_or_else(|| panic!("{name}: no {key}")).to_owned();
        assert!(["info", "warning", "critical"].contains(&said("labels", "severity").as_str()), "{name}");
        assert!(
            said("annotations", "summary").ends_with('.') && said("annotations", "description").ends_with('.'),
            "{name}"
        );
        assert!(alert["for"].is_string(), "{name} fires at the first sample");
        let page = format!("{RUNBOOKS}/{name}.md");
        assert_eq!(said("annotations", "runbook_url"), format!("{PUBLISHED}/{page}"));
        let runbook = files::text(&page);
        assert!(
            runbook.starts_with(&format!("# {name}\n")) && runbook.contains(&said("annotations", "summary")),
            "{page}"
        );
        for heading in ["## What it means", "## What it does", "## Look", "## Mend"] {
            assert!(runbook.contains(heading), "{page} has no {heading}");
        }
    }
    let pages: BTreeSet<String> = files::names(RUNBOOKS, ".md").into_iter().collect();
    let wanted = alerts.keys().map(|name| format!("{name}.md")).chain(["README.md".to_owned()]);
    assert_eq!(pages, wanted.collect());
    let index = files::text(&format!("{RUNBOOKS}/README.md"));
    for name in alerts.keys() {
        assert!(index.contains(&format!("[{name}]({name}.md)")), "{name} is missing in the index");
    }
}

/// Seconds of `1h30m`.
fn seconds(text: &str) -> u64 {
    let mut sum = 0;
    let mut digits = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit = match c {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            other => panic!("{text}: unit {other}"),
        };
        sum += unit * digits.parse::<u64>().unwrap();
        digits.clear();
    }
    sum
}

#[test]
fn every_alert_has_a_test_in_which_it_is_quiet_fires_and_is_quiet_again() {
    let mut told: BTreeMap<String, BTreeMap<u64, bool>> = BTreeMap::new();
    for file in files::names(TESTS, ".test.yaml") {
        for test in files::yaml(&format!("{TESTS}/{file}"))["tests"].as_array().unwrap() {
            for look in test["alert_rule_test"].as_array().unwrap() {
                let at = seconds(look["eval_time"].as_str().unwrap());
                let fires = !look["exp_alerts"].as_array().unwrap().is_empty();
                told.entry(look["alertname"].as_str().unwrap().to_owned()).or_default().insert(at, fires);
            }
        }
    }
    let alerts = alerts();
    assert_eq!(alerts.keys().collect::<Vec<_>>(), told.keys().collect::<Vec<_>>());
    for (name, looks) in told {
        let course: Vec<bool> = looks.into_values().collect();
        assert_eq!(course, [false, true, false], "{name}");
    }
}

/// Names of metrics in a query that are ours.
pub(crate) fn our_metrics(query: &str) -> BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':'));
    query.split(word).filter(|w| w.contains("floorcast_") && !w.starts_with("label_")).map(str::to_owned).collect()
}

/// Every name that a query may use: what the code makes, and what the rules record.
pub(crate) fn known_metrics() -> BTreeSet<String> {
    let mut known: BTreeSet<String> = rules().iter().filter_map(|r| Some(r["record"].as_str()?.to_owned())).collect();
    for family in Metrics::new(1).unwrap().families() {
        match family.kind {
            "histogram" => known.extend(["_bucket", "_sum", "_count"].map(|end| format!("{}{end}", family.name))),
            _ => {
                known.insert(family.name);
            }
        }
    }
    known
}

#[test]
fn every_rule_asks_for_metrics_that_there_are() {
    let known = known_metrics();
    for rule in rules() {
        let query = rule["expr"].as_str().unwrap();
        let unknown: Vec<_> = our_metrics(query).into_iter().filter(|name| !known.contains(name)).collect();
        assert!(unknown.is_empty(), "{unknown:?} in {query}");
    }
}

#[tokio::test]
async fn promtool_finds_the_rules_right_and_their_tests_pass() {
    if floorcast_testbed::left_out() {
        return;
    }
    let promtool = Module::Prometheus.built().await.unwrap().join("promtool");
    let mut check = tokio::process::Command::new(&promtool);
    check.args(["check", "rules", "--lint=all", "--lint-fatal"]).arg(files::path(RULES));
    let said = command::run(check, None).await.unwrap();
    assert!(said.contains(&format!("{} rules found", rules().len())), "{said}");
    // One by one: those over days take a while on a busy machine.
    for name in files::names(TESTS, ".test.yaml") {
        let mut test = tokio::process::Command::new(&promtool);
        test.args(["test", "rules"]).arg(files::path(TESTS).join(name));
        command::run(test, None).await.unwrap();
    }
}
