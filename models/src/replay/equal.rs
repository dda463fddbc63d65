//! Equal service: what each policy costs when all of them serve alike.
//!
//! A policy that starves more is cheaper, so pod-hours say something only where everybody keeps the same budget of starved
//! minutes. Each policy's own setting is tuned on the days before and judged on the days after: nobody profits from hindsight.

mod base;

pub use base::tune_base;

use super::{Choice, Day, Ground, Played, Setting, Strategy};
use crate::hpa::{Behavior, Policy, Rules};
use crate::sim::Random;
use crate::units::Replicas;
use chrono::{DateTime, TimeDelta, Utc};
use std::fmt;

/// The lowest and the highest target utilisation that is tried, percent.
const UTILISATIONS: (u32, u32) = (5, 100);

/// A policy's setting as tuned.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuned {
    /// What is set.
    pub choice: Choice,
    /// What is set of the HPA besides the utilisation, for people; empty where it is as it was.
    pub label: String,
    /// Whether it keeps the budget on the days that it was tuned on.
    pub within: bool,
    /// Pod-hours of those days.
    pub pod_hours: f64,
}

/// The days that are tuned on, and how much may starve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Service {
    /// First moment.
    pub from: DateTime<Utc>,
    /// First moment after.
    pub until: DateTime<Utc>,
    /// Share of the time that may starve.
    pub budget: f64,
}

/// How an HPA is tuned besides its utilisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tuning {
    /// scaleDown stabilisation, seconds.
    down: i64,
    /// scaleUp stabilisation, seconds.
    up: i64,
    /// scaleDown at most 10 % a minute instead of at once.
    gently: bool,
    /// scaleUp to ten times at once instead of to twice.
    boldly: bool,
}

impl Tuning {
    const START: Self = Self { down: 300, up: 0, gently: false, boldly: false };

    fn setting(self, utilisation: u32) -> Setting {
        let up = if self.boldly { vec![Policy::percent(900, 15)] } else { Rules::default_up().policies };
        let down = if self.gently { vec![Policy::percent(10, 60)] } else { Rules::default_down().policies };
        let rules = |window: i64, rules: Rules| Rules { window: Some(TimeDelta::seconds(window)), ..rules };
        let behavior = Behavior {
            scale_up: Rules { policies: up, ..rules(self.up, Rules::default_up()) },
            scale_down: Rules { policies: down, ..rules(self.down, Rules::default_down()) },
        };
        Setting { utilisation, tolerance: Some(0.0), behavior: Some(behavior), min: None }
    }

    /// What differs in one respect.
    fn neighbours(self) -> Vec<Vec<Self>> {
        vec![
            [60, 600, 1200, 1800, 3600].map(|down| Self { down, ..self }).to_vec(),
            vec![Self { gently: true, ..self }],
            vec![Self { boldly: true, ..self }],
            [30, 60].map(|up| Self { up, ..self }).to_vec(),
        ]
    }
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let up = if self.boldly { "900 %/15 s" } else { "100 % or 4 pods/15 s" };
        let down = if self.gently { "10 %/60 s" } else { "100 %/15 s" };
        let (up_window, down_window) = (self.up, self.down);
        write!(f, "tolerance 0, scaleUp {up} after {up_window} s, scaleDown {down} after {down_window} s")
    }
}

/// Tunes one policy: the cheapest setting that keeps the budget; where none does, the one that starves least.
pub fn tune(ground: &Ground<'_>, strategy: Strategy, service: Service) -> Tuned {
    match strategy {
        Strategy::HpaTuned => tune_hpa(ground, service),
        Strategy::Buffer => tune_buffer(ground, service),
        Strategy::Floorcast | Strategy::Oracle => {
            tune_beneath(ground, strategy, usual(ground, strategy, service), service)
        }
        _ => usual(ground, strategy, service),
    }
}

/// Tunes floorcast over outlooks of several quantiles, then the HPA beneath: the cheapest that keeps the budget. `None` without any
/// outlook.
pub fn tune_quantile(ground: &Ground<'_>, outlooks: &[super::Outlook], service: Service) -> Option<(usize, Tuned)> {
    let on = |outlook| Ground { outlook, ..ground.clone() };
    let tuned = outlooks.iter().enumerate().map(|(i, o)| (i, usual(&on(o), Strategy::Floorcast, service)));
    let (i, tuned) = tuned.reduce(|best, next| if better(&next.1, &best.1) { next } else { best })?;
    Some((i, tune_beneath(&on(&outlooks[i]), Strategy::Floorcast, tuned, service)))
}

/// The HPA beneath as it is.
fn usual(ground: &Ground<'_>, strategy: Strategy, service: Service) -> Tuned {
    by_utilisation(ground, service, String::new(), |u| Choice::of(strategy, u))
}

/// Floors hold what will be needed again, so that the HPA beneath may be exact and let go early: without tolerance, and with a
/// shorter window too.
fn tune_beneath(ground: &Ground<'_>, strategy: Strategy, tuned: Tuned, service: Service) -> Tuned {
    let beneath = [Tuning::START, Tuning { down: 60, ..Tuning::START }];
    let candidates = beneath.map(|tuning| {
        let choice = |u| Choice { setting: tuning.setting(u), ..Choice::of(strategy, u) };
        by_utilisation(ground, service, tuning.to_string(), choice)
    });
    candidates.into_iter().fold(tuned, |best, next| if better(&next, &best) { next } else { best })
}

/// Whether the first keeps the budget and the other does not, or is cheaper.
fn better(one: &Tuned, other: &Tuned) -> bool {
    (one.within, -one.pod_hours) > (other.within, -other.pod_hours)
}

/// One try at a setting: whether the budget was kept, and what it cost.
fn attempt(ground: &Ground<'_>, service: Service, choice: &Choice) -> (bool, f64) {
    let outcome = ground.play(choice, service.from, service.until).course.outcome;
    (outcome.starved_seconds <= service.budget * outcome.seconds, outcome.pod_hours)
}

/// The cost of a setting that keeps the budget. One that does not mostly shows it early, and is not played to its end.
fn kept(ground: &Ground<'_>, service: Service, choice: &Choice) -> Option<f64> {
    let budget = service.budget * (service.until - service.from).as_seconds_f64();
    let outcome = ground.play_until_starved(choice, service.from, service.until, budget).course.outcome;
    (outcome.starved_seconds <= budget).then_some(outcome.pod_hours)
}

/// The highest utilisation that keeps the budget: what starves at one starves at every higher one, or nearly.
fn by_utilisation(ground: &Ground<'_>, service: Service, label: String, choice: impl Fn(u32) -> Choice) -> Tuned {
    let (mut low, mut high) = UTILISATIONS;
    let (within, mut pod_hours) = attempt(ground, service, &choice(low));
    // Bisection keeps `low` within the budget and `high` above it.
    high += 1;
    while within && high - low > 1 {
        let middle = low.midpoint(high);
        match kept(ground, service, &choice(middle)) {
            Some(cost) => (low, pod_hours) = (middle, cost),
            None => high = middle,
        }
    }
    Tuned { choice: choice(low), label, within, pod_hours }
}

/// Tolerance 0, then each other knob in turn, as long as it pays.
fn tune_hpa(ground: &Ground<'_>, service: Service) -> Tuned {
    let with = |tuning: Tuning| {
        by_utilisation(ground, service, tuning.to_string(), |u| Choice {
            setting: tuning.setting(u),
            ..Choice::of(Strategy::HpaTuned, u)
        })
    };
    let mut tuning = Tuning::START;
    let mut best = with(tuning);
    for knob in 0..tuning.neighbours().len() {
        for candidate in tuning.neighbours().swap_remove(knob) {
            let tuned = with(candidate);
            if better(&tuned, &best) {
                (tuning, best) = (candidate, tuned);
            }
        }
    }
    // The usual setting is one of those that a person who tunes would try.
    let usual = by_utilisation(ground, service, "as usual".to_owned(), |u| Choice::of(Strategy::HpaTuned, u));
    if better(&usual, &best) { usual } else { best }
}

/// The fewest spare pods that keep the budget.
fn tune_buffer(ground: &Ground<'_>, service: Service) -> Tuned {
    let choice = |spare: u32| Choice { spare: Replicas::new(spare), ..Choice::of(Strategy::Buffer, 100) };
    // As many again as the highest load fills cannot but be enough, unless nothing is.
    let most = (ground.setup.peak / ground.setup.capacity.get()).ceil() as u32 + 1;
    let (mut low, mut high) = (0, most);
    let (within, mut pod_hours) = attempt(ground, service, &choice(high));
    while within && low < high {
        let middle = low.midpoint(high);
        match kept(ground, service, &choice(middle)) {
            Some(cost) => (high, pod_hours) = (middle, cost),
            None => low = middle + 1,
        }
    }
    Tuned { choice: choice(high), label: format!("{high} spare pods"), within, pod_hours }
}

/// Pod-hours of `policy` spared against `other`, as a share of the other's.
pub fn saved(policy: &Played, other: &Played) -> f64 {
    share(policy.course.outcome.pod_hours, other.course.outcome.pod_hours)
}

fn share(own: f64, other: f64) -> f64 {
    if other > 0.0 { 1.0 - own / other } else { 0.0 }
}

/// Between which savings nine of ten resamplings of the days lie (bootstrap over days, Efron 1979; 1,000 draws).
///
/// Days are drawn in pairs, so that a day's load is the same for both.
pub fn interval(policy: &[Day], other: &[Day], seed: u64) -> [f64; 2] {
    let pairs: Vec<(f64, f64)> = policy.iter().zip(other).map(|(a, b)| (a.pod_hours, b.pod_hours)).collect();
    if pairs.is_empty() {
        return [0.0, 0.0];
    }
    let mut random = Random::of(seed, 0xb007);
    let mut draw = || {
        let picked = (0..pairs.len()).map(|_| pairs[(random.unit() * pairs.len() as f64) as usize]);
        let (own, all) = picked.fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
        share(own, all)
    };
    let mut draws: Vec<f64> = (0..1000).map(|_| draw()).collect();
    draws.sort_by(f64::total_cmp);
    [draws[50], draws[949]]
}
