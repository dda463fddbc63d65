//! Reading a case, with errors that name the key.

use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::hpa::Tolerance;
use serde_json::{Map, Value};
use std::fmt;

/// 300 years: what is longer is a slip, and more than a time of day can hold.
const LONGEST: i64 = 300 * 365 * 86_400;

/// The window of samples that name none.
pub const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// A case that cannot be read.
#[derive(Debug)]
pub struct Malformed(pub String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A JSON object with typed access. Absent and `null` are the same.
#[derive(Clone, Copy)]
pub struct Case<'a>(&'a Value);

impl<'a> Case<'a> {
    pub fn new(value: &'a Value) -> Self {
        Self(value)
    }

    pub fn value(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|v| !v.is_null())
    }

    pub fn entries(&self) -> Result<&'a Map<String, Value>, Malformed> {
        self.0.as_object().ok_or_else(|| Malformed(format!("should be an object, not {}", self.0)))
    }

    fn of<T>(&self, key: &str, kind: &str, read: impl Fn(&'a Value) -> Option<T>) -> Result<Option<T>, Malformed> {
        let wrong = |value: &Value| Malformed(format!("`{key}` should be {kind}, not {value}"));
        self.value(key).map(|value| read(value).ok_or_else(|| wrong(value))).transpose()
    }

    fn need<T>(key: &str, found: Option<T>) -> Result<T, Malformed> {
        found.ok_or_else(|| Malformed(format!("`{key}` is missing")))
    }

    pub fn opt_int(&self, key: &str) -> Result<Option<i64>, Malformed> {
        self.of(key, "an integer of 64 bits", Value::as_i64)
    }

    pub fn int(&self, key: &str) -> Result<i64, Malformed> {
        Self::need(key, self.opt_int(key)?)
    }

    pub fn opt_small(&self, key: &str) -> Result<Option<i32>, Malformed> {
        self.of(key, "an integer of 32 bits", |v| v.as_i64().and_then(|i| i32::try_from(i).ok()))
    }

    pub fn small(&self, key: &str) -> Result<i32, Malformed> {
        Self::need(key, self.opt_small(key)?)
    }

    pub fn opt_float(&self, key: &str) -> Result<Option<f64>, Malformed> {
        self.of(key, "a number", Value::as_f64)
    }

    pub fn opt_bool(&self, key: &str) -> Result<Option<bool>, Malformed> {
        self.of(key, "true or false", Value::as_bool)
    }

    pub fn opt_text(&self, key: &str) -> Result<Option<String>, Malformed> {
        self.of(key, "a string", |v| v.as_str().map(str::to_owned))
    }

    pub fn text(&self, key: &str) -> Result<String, Malformed> {
        Self::need(key, self.opt_text(key)?)
    }

    pub fn opt_sub(&self, key: &str) -> Option<Case<'a>> {
        self.value(key).map(Case)
    }

    pub fn sub(&self, key: &str) -> Result<Case<'a>, Malformed> {
        Self::need(key, self.opt_sub(key))
    }

    pub fn opt_list(&self, key: &str) -> Result<Option<Vec<Case<'a>>>, Malformed> {
        self.of(key, "a list", |v| v.as_array().map(|items| items.iter().map(Case).collect()))
    }

    /// The list under `key`; empty where absent.
    pub fn list(&self, key: &str) -> Result<Vec<Case<'a>>, Malformed> {
        Ok(self.opt_list(key)?.unwrap_or_default())
    }

    pub fn ints(&self, key: &str) -> Result<Vec<i64>, Malformed> {
        let wrong = |item: &Case| Malformed(format!("`{key}` holds {}, not an integer", item.0));
        self.list(key)?.iter().map(|item| item.0.as_i64().ok_or_else(|| wrong(item))).collect()
    }

    /// `… ago` in seconds, where absent is long ago.
    pub fn ago(&self, key: &str) -> Result<DateTime<Utc>, Malformed> {
        let seconds = self
            .of(key, "a number of seconds, at most 300 years", |v| v.as_f64().filter(|s| s.abs() <= LONGEST as f64))?;
        Ok(seconds.map_or_else(long_ago, before))
    }

    /// Like [`Self::ago`], with the word `absent` for no time at all.
    pub fn ago_or_absent(&self, key: &str) -> Result<Option<DateTime<Utc>>, Malformed> {
        if self.value(key).and_then(Value::as_str) == Some("absent") { Ok(None) } else { self.ago(key).map(Some) }
    }

    pub fn opt_seconds(&self, key: &str) -> Result<Option<TimeDelta>, Malformed> {
        self.of(key, "whole seconds, at most 300 years", |v| {
            v.as_i64().filter(|s| s.abs() <= LONGEST).map(TimeDelta::seconds)
        })
    }

    pub fn seconds(&self, key: &str) -> Result<TimeDelta, Malformed> {
        Self::need(key, self.opt_seconds(key)?)
    }

    /// An object of integers by name; `null` is an amount that was not measured. Empty where absent.
    pub fn amounts(&self, key: &str) -> Result<Vec<(String, Option<i64>)>, Malformed> {
        let Some(map) = self.of(key, "an object of integers", Value::as_object)? else { return Ok(Vec::new()) };
        let amount = |(name, value): (&String, &Value)| match value {
            Value::Null => Ok((name.clone(), None)),
            _ => value.as_i64().map(|v| (name.clone(), Some(v))).ok_or_else(|| {
                Malformed(format!("`{key}` should be an object of integers of 64 bits, but `{name}` is {value}"))
            }),
        };
        map.iter().map(amount).collect()
    }

    pub fn tolerance(&self) -> Result<Tolerance, Malformed> {
        let share = |key| self.opt_sub("tolerance").map_or(Ok(None), |t| t.opt_float(key));
        let (down, up) = (share("scale_down")?.unwrap_or(0.1), share("scale_up")?.unwrap_or(0.1));
        Ok(Tolerance { down, up, two_sided: true })
    }
}

/// The moment of every case.
pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(1_800_000_000_000_000_000)
}

/// Go's zero time.
pub fn long_ago() -> DateTime<Utc> {
    DateTime::from_timestamp(-62_135_596_800, 0).expect("year 1 is in range")
}

fn before(seconds: f64) -> DateTime<Utc> {
    now() - TimeDelta::milliseconds((seconds * 1000.0) as i64)
}

/// An object from names and values.
pub fn object<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
