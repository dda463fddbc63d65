//! What goes wrong between the reader and Prometheus, by rule and seed.

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::ops::Range;

/// One way to fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Nobody listens.
    Down,
    /// No answer ever comes.
    Silent,
    /// The answer comes this many seconds later.
    Slow(u32),
    /// This status with a Prometheus error in the body: 400, 401, 422, 500, 503, …
    Status(u16),
    /// 429 with `Retry-After` in seconds.
    TooManyRequests(u32),
    /// A warning, and only this share of the values: a store did not answer.
    Partial(f64),
    /// This share of the values, without any warning: a store is gone unnoticed.
    Halved(f64),
    /// A second series beside the one.
    TwoSeries,
    /// No series.
    Empty,
    /// Every value is NaN.
    NotANumber,
    /// Every value is +Inf.
    Infinite,
    /// The body breaks off in the middle.
    Truncated,
    /// A login page instead of JSON.
    Html,
    /// The stamps are not in order.
    Unsorted,
}

impl Fault {
    /// Its name in counts and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "prometheus-down",
            Self::Silent => "prometheus-silent",
            Self::Slow(_) => "prometheus-slow",
            Self::Status(_) => "prometheus-status",
            Self::TooManyRequests(_) => "prometheus-429",
            Self::Partial(_) => "prometheus-partial",
            Self::Halved(_) => "prometheus-halved",
            Self::TwoSeries => "prometheus-two-series",
            Self::Empty => "prometheus-empty",
            Self::NotANumber => "prometheus-nan",
            Self::Infinite => "prometheus-infinite",
            Self::Truncated => "prometheus-truncated",
            Self::Html => "prometheus-html",
            Self::Unsorted => "prometheus-unsorted",
        }
    }
}

/// When a fault happens, and to which queries.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What happens.
    pub fault: Fault,
    /// To queries that contain this; to all where empty.
    pub fragment: String,
    /// Between these instants.
    pub during: Range<DateTime<Utc>>,
    /// How often, 0 to 1.
    pub probability: f64,
}

impl Rule {
    /// To every query between these instants.
    pub fn during(fault: Fault, during: Range<DateTime<Utc>>) -> Self {
        Self { fault, fragment: String::new(), during, probability: 1.0 }
    }
}

/// All that goes wrong.
#[derive(Debug)]
pub struct Faults {
    /// The first rule that strikes counts.
    pub rules: Vec<Rule>,
    chance: StdRng,
    hits: BTreeMap<&'static str, u64>,
}

impl Faults {
    pub(super) fn new(seed: u64) -> Self {
        Self { rules: Vec::new(), chance: StdRng::seed_from_u64(seed ^ 0x09e7_e905), hits: BTreeMap::new() }
    }

    /// How often each kind of fault has struck.
    pub fn hits(&self) -> &BTreeMap<&'static str, u64> {
        &self.hits
    }

    pub(super) fn strike(&mut self, query: &str, now: DateTime<Utc>) -> Option<Fault> {
        let chance = &mut self.chance;
        let meant = |r: &&Rule| r.during.contains(&now) && query.contains(&r.fragment);
        let struck = self
            .rules
            .iter()
            .filter(meant)
            .find(|r| r.probability >= 1.0 || chance.random::<f64>() < r.probability)?
            .fault;
        *self.hits.entry(struck.as_str()).or_default() += 1;
        Some(struck)
    }
}
