//! What goes wrong on the way to the server and back, by rule and seed.

use super::kind::Kind;
use super::request::{Request, Verb};
use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::ops::Range;

/// One way to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// 429 with `Retry-After` in seconds.
    TooManyRequests(u32),
    /// 500.
    Internal,
    /// 503.
    Unavailable,
    /// The request is never answered, and never carried out.
    Silence,
    /// The request is carried out, and never answered.
    Lost,
    /// The connection breaks before the server saw the request.
    Dropped,
    /// The connection breaks after the server carried the request out.
    Cut,
    /// 409: somebody else was quicker.
    Conflict,
    /// 403.
    Forbidden,
    /// The request is carried out and answered this many milliseconds later.
    Slow(u32),
}

impl Fault {
    /// Its name in counts and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooManyRequests(_) => "too-many-requests",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::Silence => "silence",
            Self::Lost => "lost",
            Self::Dropped => "dropped",
            Self::Cut => "cut",
            Self::Conflict => "conflict",
            Self::Forbidden => "forbidden",
            Self::Slow(_) => "slow",
        }
    }
}

/// When, and to whom, a fault happens. Empty lists mean all.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What happens.
    pub fault: Fault,
    /// To these verbs.
    pub verbs: Vec<Verb>,
    /// On these kinds.
    pub kinds: Vec<Kind>,
    /// To this user; everybody where `None`.
    pub user: Option<String>,
    /// Between these instants.
    pub during: Range<DateTime<Utc>>,
    /// How often, 0 to 1.
    pub probability: f64,
}

impl Rule {
    /// `fault` to every request, always.
    pub fn always(fault: Fault) -> Self {
        Self {
            fault,
            verbs: Vec::new(),
            kinds: Vec::new(),
            user: None,
            during: DateTime::<Utc>::MIN_UTC..DateTime::<Utc>::MAX_UTC,
            probability: 1.0,
        }
    }

    fn meets(&self, request: &Request, now: DateTime<Utc>) -> bool {
        self.during.contains(&now)
            && (self.verbs.is_empty() || self.verbs.contains(&request.verb))
            && (self.kinds.is_empty() || self.kinds.contains(&request.kind))
            && self.user.as_ref().is_none_or(|user| *user == request.user)
    }
}

/// All that goes wrong.
#[derive(Debug)]
pub struct Faults {
    /// Faults of requests; the first rule that strikes counts.
    pub rules: Vec<Rule>,
    /// Watches are told of changes this much later, between these instants.
    pub stale: Vec<(Range<DateTime<Utc>>, TimeDelta)>,
    chance: StdRng,
    hits: BTreeMap<&'static str, u64>,
}

impl Faults {
    /// Nothing goes wrong until rules are added. The seed decides the chances.
    pub fn new(seed: u64) -> Self {
        Self {
            rules: Vec::new(),
            stale: Vec::new(),
            chance: StdRng::seed_from_u64(seed ^ 0x0fa1_7500),
            hits: BTreeMap::new(),
        }
    }

    /// How often each kind of fault has struck.
    pub fn hits(&self) -> &BTreeMap<&'static str, u64> {
        &self.hits
    }

    /// What happens to this request.
    pub fn strike(&mut self, request: &Request, now: DateTime<Utc>) -> Option<Fault> {
        let chance = &mut self.chance;
        let fault = self
            .rules
            .iter()
            .filter(|rule| rule.meets(request, now))
            .find(|rule| rule.probability >= 1.0 || chance.random::<f64>() < rule.probability)?
            .fault;
        *self.hits.entry(fault.as_str()).or_default() += 1;
        Some(fault)
    }

    /// Whether a request would always be forbidden: the answer to a `SelfSubjectAccessReview`.
    pub fn forbids(&self, request: &Request, now: DateTime<Utc>) -> bool {
        self.rules.iter().any(|r| r.fault == Fault::Forbidden && r.probability >= 1.0 && r.meets(request, now))
    }

    /// How late watches learn of a change that happened at `at`.
    pub fn watch_delay(&self, at: DateTime<Utc>) -> TimeDelta {
        self.stale.iter().filter(|(during, _)| during.contains(&at)).map(|(_, delay)| *delay).max().unwrap_or_default()
    }

    pub(super) fn note(&mut self, what: &'static str) {
        *self.hits.entry(what).or_default() += 1;
    }
}
