//! Equal service: what each policy costs when all of them serve alike.
//!
//! A policy that starves more is cheaper, so pod-hours say something only where everybody keeps the same budget of starved
//! minutes. Each policy's own setting is tuned on the days before and judged on the days after: nobody profits from hindsight.

mod base;
mod search;
mod tuning;

pub use base::tune_base;
use search::highest_kept;
use tuning::Tuning;

use super::{Choice, Day, Ground, Played, Setting, Strategy};
use crate::sim::{Outcome, Random};
use crate::units::Replicas;
use chrono::{DateTime, Utc};

/// The lowest and the highest target utilisation that is tried, percent.
const UTILISATIONS: (u32, u32) = (5, 100);
/// The first one tried: near what most end at. A low one means thousands of pods where the load leaps, and takes as long to play.
const FIRST: u32 = 80;

/// Quantiles that floorcast is tuned over, besides the workload's own. Where the load is well foreseen, a high one lets the target
/// utilisation near 100 %; where it is not, the margin is better left to the utilisation, which a burst uses wherever it comes.
pub const QUANTILES: [f64; 5] = [0.99, 0.95, 0.9, 0.8, 0.5];

/// Pod-hours of the days tuned on, relative to the cheapest, up to which two quantiles count as alike.
const ALIKE: f64 = 1.005;

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
    /// Seconds of those days that starved.
    starved_seconds: f64,
}

impl Tuned {
    /// Whether this one keeps the budget and the other does not, or is cheaper; of two that do not keep it, whether it starves less.
    pub fn is_better(&self, other: &Self) -> bool {
        match (self.within, other.within) {
            (true, true) => self.pod_hours < other.pod_hours,
            (false, false) => self.starved_seconds < other.starved_seconds,
            (within, _) => within,
        }
    }
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

/// Tunes one policy: the cheapest setting that keeps the budget; where none does, the one that starves least.
///
/// `tuned_hpa` is the HPA alone as tuned, for the policies that put floors into it: one of the HPAs that are tried beneath them.
pub fn tune(ground: &Ground<'_>, strategy: Strategy, tuned_hpa: Option<&Tuned>, service: Service) -> Tuned {
    match strategy {
        Strategy::HpaTuned => tune_hpa(ground, service),
        Strategy::Buffer => tune_buffer(ground, service),
        Strategy::Floorcast | Strategy::Oracle => {
            let usual = usual(ground, strategy, tuned_hpa.map_or(FIRST, |hpa| hpa.choice.setting.utilisation), service);
            tune_beneath(ground, strategy, usual, tuned_hpa, service)
        }
        _ => usual(ground, strategy, FIRST, service),
    }
}

/// At which of several quantiles, each with floorcast as tuned at it: the lowest of those that cost within half a percent of the cheapest,
/// for what is within that is chance, and the lower the quantile the less a floor can cost on other days. `None` without any.
pub fn choose_quantile(tuned: &[(f64, &Tuned)]) -> Option<usize> {
    let (_, best) = tuned.iter().copied().reduce(|a, b| if b.1.is_better(a.1) { b } else { a })?;
    // Where the best does not serve, none does.
    let alike = |tuned: &Tuned| tuned == best || tuned.within && tuned.pod_hours <= ALIKE * best.pod_hours;
    let usable = tuned.iter().enumerate().filter(|(_, (_, tuned))| alike(tuned));
    usable.min_by(|a, b| a.1.0.total_cmp(&b.1.0)).map(|(i, _)| i)
}

/// The HPA beneath as it is; its utilisation is looked for from `near` on.
fn usual(ground: &Ground<'_>, strategy: Strategy, near: u32, service: Service) -> Tuned {
    by_utilisation(ground, service, String::new(), near, |u| Choice::of(strategy, u))
}

/// Floors hold what will be needed again, so that the HPA beneath may be exact and let go early: without tolerance, and with a
/// shorter window too. Where floors hold little, it does best as it would alone.
fn tune_beneath(
    ground: &Ground<'_>,
    strategy: Strategy,
    tuned: Tuned,
    tuned_hpa: Option<&Tuned>,
    service: Service,
) -> Tuned {
    // Each with some utilisation; its own is looked for.
    let exact = [Tuning::START, Tuning::EARLY].map(|tuning| (tuning.to_string(), tuning.setting(FIRST)));
    let alone = tuned_hpa.filter(|hpa| hpa.choice.setting.behavior.is_some());
    let alone = alone.map(|hpa| (hpa.label.clone(), hpa.choice.setting.clone()));
    exact.into_iter().chain(alone).fold(tuned, |best, (label, setting)| {
        let near = best.choice.setting.utilisation;
        let choice = |utilisation| Choice {
            setting: Setting { utilisation, ..setting.clone() },
            ..Choice::of(strategy, utilisation)
        };
        let next = by_utilisation(ground, service, label, near, choice);
        if next.is_better(&best) { next } else { best }
    })
}

/// One try at a setting: what it cost and how it served, `None` once it has starved more than the budget. One that does so mostly
/// shows it early, and is not played to its end.
fn kept(ground: &Ground<'_>, service: Service, choice: &Choice) -> Option<Outcome> {
    let budget = service.budget * (service.until - service.from).as_seconds_f64();
    let outcome = ground.play_until_starved(choice, service.from, service.until, budget).course.outcome;
    (outcome.starved_seconds <= budget).then_some(outcome)
}

/// A setting as it served on the days that are tuned on.
fn tried(choice: Choice, label: String, within: bool, outcome: &Outcome) -> Tuned {
    Tuned { choice, label, within, pod_hours: outcome.pod_hours, starved_seconds: outcome.starved_seconds }
}

/// The highest utilisation that keeps the budget: what starves at one starves at every higher one, or nearly. Looked for from
/// `near` on, where a neighbour had its own.
fn by_utilisation(
    ground: &Ground<'_>,
    service: Service,
    label: String,
    near: u32,
    choice: impl Fn(u32) -> Choice,
) -> Tuned {
    let (lowest, highest) = UTILISATIONS;
    let found = highest_kept(lowest..highest + 1, near, |u| kept(ground, service, &choice(u)));
    if let Some((utilisation, outcome)) = found {
        return tried(choice(utilisation), label, true, &outcome);
    }
    let outcome = ground.play(&choice(lowest), service.from, service.until).course.outcome;
    tried(choice(lowest), label, false, &outcome)
}

/// Tolerance 0, then each other knob in turn, as long as it pays.
fn tune_hpa(ground: &Ground<'_>, service: Service) -> Tuned {
    let with = |tuning: Tuning, near: u32| {
        by_utilisation(ground, service, tuning.to_string(), near, |u| Choice {
            setting: tuning.setting(u),
            ..Choice::of(Strategy::HpaTuned, u)
        })
    };
    let mut tuning = Tuning::START;
    let mut best = with(tuning, FIRST);
    for knob in 0..tuning.neighbours().len() {
        for candidate in tuning.neighbours().swap_remove(knob) {
            let tuned = with(candidate, best.choice.setting.utilisation);
            if tuned.is_better(&best) {
                (tuning, best) = (candidate, tuned);
            }
        }
    }
    // The usual setting is one of those that a person who tunes would try.
    let near = best.choice.setting.utilisation;
    let usual = by_utilisation(ground, service, "as usual".to_owned(), near, |u| Choice::of(Strategy::HpaTuned, u));
    if usual.is_better(&best) { usual } else { best }
}

/// The fewest spare pods that keep the budget.
fn tune_buffer(ground: &Ground<'_>, service: Service) -> Tuned {
    let choice = |spare: u32| Choice { spare: Replicas::new(spare), ..Choice::of(Strategy::Buffer, 100) };
    // As many again as the highest load fills cannot but be enough, unless nothing is.
    let most = (ground.setup.peak / ground.setup.capacity.get()).ceil() as u32 + 1;
    // The fewest pods are the most that can be left away.
    let found = highest_kept(0..most + 1, most / 2, |away| kept(ground, service, &choice(most - away)));
    let (spare, within, outcome) = match found {
        Some((away, outcome)) => (most - away, true, outcome),
        None => (most, false, ground.play(&choice(most), service.from, service.until).course.outcome),
    };
    tried(choice(spare), format!("{spare} spare pods"), within, &outcome)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tuned(within: bool, pod_hours: f64, starved_seconds: f64) -> Tuned {
        let choice = Choice::of(Strategy::Floorcast, FIRST);
        Tuned { choice, label: String::new(), within, pod_hours, starved_seconds }
    }

    #[test]
    fn of_quantiles_that_cost_alike_the_lowest_is_taken_if_it_serves() {
        let table = |rows: [(f64, bool, f64, f64); 3]| {
            let tuned = rows.map(|(_, within, hours, starved)| tuned(within, hours, starved));
            let named: Vec<_> = rows.iter().zip(&tuned).map(|(row, tuned)| (row.0, tuned)).collect();
            choose_quantile(&named).map(|i| rows[i].0)
        };
        // 100.4 is within half a percent of 100, 100.6 is not.
        assert_eq!(table([(0.95, true, 100.0, 0.0), (0.8, true, 100.4, 0.0), (0.5, true, 100.6, 0.0)]), Some(0.8));
        assert_eq!(table([(0.8, true, 100.4, 0.0), (0.99, true, 100.0, 0.0), (0.95, true, 100.4, 0.0)]), Some(0.8));
        assert_eq!(table([(0.95, true, 100.0, 0.0), (0.8, false, 90.0, 9.0), (0.5, false, 80.0, 7.0)]), Some(0.95));
        // None serves: the one that starves least, whatever it costs.
        assert_eq!(table([(0.95, false, 100.0, 8.0), (0.8, false, 100.0, 9.0), (0.5, false, 80.0, 9.0)]), Some(0.95));
        assert_eq!(choose_quantile(&[]), None);
    }
}
