//! Runs facts about the HPA controller: files of cases, each with inputs and what the controller makes of them.
//!
//! Shared by the test `hpa_cases` and the example program of the same name.

mod behavior;
mod calculator;
mod json;
mod pods;
mod sync;

use json::{Case, Malformed};
use serde_json::{Map, Value};

/// What the simulation makes of a case: values under the names of `expect`, or the sentence of an error.
pub type Found = Result<Map<String, Value>, String>;

/// The outcome of one file.
#[derive(Debug, Default)]
pub struct Report {
    /// Cases that agree.
    pub passed: usize,
    /// One line per case that does not.
    pub disagreements: Vec<String>,
}

/// Runs all cases of a file's text.
pub fn run(text: &str) -> Result<Report, String> {
    let file: Value = serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))?;
    let cases = file.get("cases").unwrap_or(&file).as_array();
    let cases = cases.ok_or("neither a list of cases nor an object with a list under `cases`")?;
    if cases.is_empty() {
        return Err("no case in it".to_owned());
    }
    let settings = Case::new(file.get("test_settings").unwrap_or(&Value::Null));
    let mut report = Report::default();
    for (i, case) in cases.iter().enumerate() {
        let case = Case::new(case);
        let name = case.text("id").unwrap_or_else(|_| format!("case {i} (no `id`)"));
        match check(&case, &settings) {
            Ok(faults) if faults.is_empty() => report.passed += 1,
            Ok(faults) => report.disagreements.push(format!("{name}: {}", faults.join("; "))),
            Err(malformed) => report.disagreements.push(format!("{name}: malformed: {malformed}")),
        }
    }
    Ok(report)
}

/// Everything in which the simulation disagrees with one case.
fn check(case: &Case, settings: &Case) -> Result<Vec<String>, Malformed> {
    let group = case.text("group")?;
    let found = match group.as_str() {
        "resource_utilization" => calculator::resource(case, settings)?,
        "pods_average_value" => calculator::pods_average(case, settings)?,
        "object_value" | "external_value" => calculator::total(case, settings)?,
        "object_average_value" | "external_average_value" => calculator::per_replica(case, settings)?,
        "pod_grouping" => pods::grouping(case, settings)?,
        "pod_requests" => pods::requests(case)?,
        "per_pod_usage" => calculator::per_pod_usage(case)?,
        "clamp_without_behavior" => behavior::clamp_plain(case)?,
        "stabilize_without_behavior" => behavior::stabilise_plain(case)?,
        "scale_up_limit" => behavior::limit(case, true)?,
        "scale_down_limit" => behavior::limit(case, false)?,
        "clamp_with_behavior_rate" => behavior::clamp_rate(case)?,
        "stabilize_with_behavior" => behavior::stabilise(case)?,
        "store_event" => behavior::store(case)?,
        "single_sync" => sync::single(case, settings)?,
        "status_quantity" => calculator::quantity(case)?,
        "enqueue" => behavior::enqueue(case)?,
        other => return Err(Malformed(format!("unknown group {other:?}: this program knows no such kind of fact"))),
    };
    let expect = case.sub("expect")?;
    let of_nothing = group == "pod_requests" && case.opt_sub("pod").is_none();
    if expect.entries()?.is_empty() && !of_nothing {
        return Err(Malformed("`expect` is empty: whatever came out would pass".to_owned()));
    }
    compare(&expect, &found)
}

fn compare(expect: &Case, found: &Found) -> Result<Vec<String>, Malformed> {
    let found = match (expect.opt_text("error_contains")?, found) {
        (Some(words), Err(sentence)) if sentence.contains(&words) => return Ok(Vec::new()),
        (Some(words), Err(sentence)) => return Ok(vec![format!("error {sentence:?} does not contain {words:?}")]),
        (Some(words), Ok(found)) => return Ok(vec![format!("expected an error with {words:?}, found {found:?}")]),
        (None, Err(sentence)) => return Ok(vec![format!("unexpected error {sentence:?}")]),
        (None, Ok(found)) => found,
    };
    let faults = expect.entries()?.iter().filter_map(|(key, wanted)| match found.get(key) {
        None if wanted.is_null() => None,
        None => Some(format!("{key}: nothing is known to compare {wanted} with")),
        Some(value) if same(key, wanted, value) => None,
        Some(value) => Some(format!("{key}: expected {wanted}, found {value}")),
    });
    Ok(faults.collect())
}

/// Equal, where the order of sets does not matter.
fn same(key: &str, wanted: &Value, found: &Value) -> bool {
    let sorted = |value: &Value| {
        let mut items: Vec<String> = value.as_array().into_iter().flatten().map(Value::to_string).collect();
        items.sort();
        items
    };
    let set = ["conditions", "unready", "missing", "ignored"].contains(&key);
    if set { sorted(&normal(wanted)) == sorted(found) } else { equal(wanted, found) }
}

/// Equal as JSON, where 3 and 3.0 are the same number.
fn equal(wanted: &Value, found: &Value) -> bool {
    let integer = |v: &Value| v.as_i64().is_some();
    match (wanted, found) {
        (Value::Number(a), Value::Number(b)) if !(integer(wanted) && integer(found)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| equal(value, other)))
        }
        _ => wanted == found,
    }
}

/// Conditions without messages: only type, status and reason are facts.
fn normal(list: &Value) -> Value {
    let keep = |item: &Value| match item.as_object() {
        Some(map) => map.iter().filter(|(k, _)| *k != "message").map(|(k, v)| (k.clone(), v.clone())).collect(),
        None => item.clone(),
    };
    Value::Array(list.as_array().into_iter().flatten().map(keep).collect())
}
