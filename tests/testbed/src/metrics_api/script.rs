//! Answers given word by word, for tests that must know exactly what the controller was told, and when.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Question, answer};

/// An answer as it goes out. It takes precedence over a [`super::Source`] of the same question.
#[derive(Debug, Clone, PartialEq)]
pub struct Verbatim {
    /// HTTP status; anything but 200 is a failure of the metrics API.
    pub status: u16,
    /// The body's `items`.
    pub items: Vec<Value>,
}

impl Verbatim {
    /// These items; none is what a server says that has no sample.
    pub fn items(items: Vec<Value>) -> Self {
        Self { status: 200, items }
    }

    /// A failure.
    pub fn failing(status: u16) -> Self {
        Self { status, items: Vec::new() }
    }

    /// An item of `PodMetricsList`: usage by container and resource, as the API writes amounts.
    pub fn pod(
        pod: &str,
        at: DateTime<Utc>,
        window: TimeDelta,
        containers: &[(String, Vec<(String, String)>)],
    ) -> Value {
        let usage = |amounts: &[(String, String)]| -> Value {
            amounts.iter().map(|(resource, amount)| (resource.clone(), Value::from(amount.as_str()))).collect()
        };
        let containers: Vec<Value> =
            containers.iter().map(|(name, amounts)| json!({"name": name, "usage": usage(amounts)})).collect();
        let window = format!("{}s", window.num_seconds());
        json!({"metadata": {"name": pod}, "timestamp": stamp(at), "window": window, "containers": containers})
    }

    /// An item of `MetricValueList`: a value of a pod or of another object, thousandths.
    pub fn value(object: &str, metric: &str, at: DateTime<Utc>, milli: i64) -> Value {
        answer::value_of(&json!({"kind": "Object", "apiVersion": "/v1", "name": object}), metric, &stamp(at), milli)
    }

    /// An item of `ExternalMetricValueList`, thousandths.
    pub fn external(metric: &str, at: DateTime<Utc>, milli: i64) -> Value {
        json!({"metricName": metric, "metricLabels": {}, "timestamp": stamp(at), "value": format!("{milli}m")})
    }
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// One request and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// When the answer was decided, a moment before it went out.
    pub at: DateTime<Utc>,
    /// Namespace of the question.
    pub namespace: String,
    /// What was asked.
    pub question: Question,
    /// Which answer was given: the number that [`Script::set`] returned.
    pub number: usize,
}

/// The answers of now, and the requests so far.
#[derive(Clone, Default)]
pub struct Script(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    answers: BTreeMap<(String, Question), (usize, Verbatim)>,
    set: usize,
    asked: Vec<Asked>,
    times: BTreeMap<(String, Question), usize>,
}

impl Script {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a question of this namespace from now on so. Returns the number under which [`Script::asked`] tells it.
    pub fn set(&self, namespace: &str, question: Question, answer: Verbatim) -> usize {
        let mut pages = self.pages();
        pages.set += 1;
        let number = pages.set;
        pages.answers.insert((namespace.to_owned(), question), (number, answer));
        number
    }

    /// The requests so far that were answered word by word, in their order.
    pub fn asked(&self) -> Vec<Asked> {
        self.pages().asked.clone()
    }

    /// How many requests of this question were answered word by word so far.
    pub fn times_asked(&self, namespace: &str, question: &Question) -> usize {
        self.pages().times.get(&(namespace.to_owned(), question.clone())).copied().unwrap_or(0)
    }

    /// Answers a request and writes it down; `None` where no answer was set.
    pub(super) fn answer(&self, namespace: &str, question: &Question) -> Option<Verbatim> {
        let mut pages = self.pages();
        let (namespace, question) = (namespace.to_owned(), question.clone());
        let (number, answer) = pages.answers.get(&(namespace.clone(), question.clone()))?.clone();
        *pages.times.entry((namespace.clone(), question.clone())).or_default() += 1;
        pages.asked.push(Asked { at: Utc::now(), namespace, question, number });
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_answered_is_written_down_with_its_number() {
        let script = Script::default();
        let question = Question::External { metric: "jobs".to_owned() };
        assert_eq!(script.answer("shop", &question), None);
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        let first = script.set("shop", question.clone(), Verbatim::items(vec![Verbatim::external("jobs", now, 7)]));
        assert_eq!(script.answer("shop", &question).unwrap().items[0]["value"], "7m");
        let second = script.set("shop", question.clone(), Verbatim::failing(503));
        assert_eq!(script.answer("shop", &question).unwrap().status, 503);
        let numbers: Vec<usize> = script.asked().iter().map(|asked| asked.number).collect();
        assert_eq!(numbers, [first, second]);
        assert_eq!(script.times_asked("shop", &question), 2);
        assert_eq!(script.times_asked("other", &question), 0);
    }
}
