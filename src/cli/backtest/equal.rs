//! Every policy at its own setting, tuned before, on the same service.

use super::report::{DeadHour, EqualService, rounded};
use super::work::parallel;
use chrono::TimeDelta;
use floorcast_models::replay::equal::{self, Tuned};
use floorcast_models::replay::{Choice, Ground, Outlook, Played, Setup, Span, Strategy};
use floorcast_models::sim::Nodes;

/// Pods that fit on a node, for the figures of nodes.
pub(super) const PODS_PER_NODE: u32 = 10;

/// A policy as tuned on the days before.
pub(super) struct Contender<'a> {
    pub(super) strategy: Strategy,
    pub(super) tuned: Tuned,
    /// With the outlook that it was tuned to.
    pub(super) ground: Ground<'a>,
    /// The judged days.
    played: Played,
}

/// What was compared.
pub(super) struct Compared<'a> {
    pub(super) contenders: Vec<Contender<'a>>,
    /// Of all policies.
    pub(super) rows: Vec<EqualService>,
    /// floorcast once more with a dead hour at the peak.
    pub(super) dead: Option<DeadHour>,
}

/// All policies at equal service.
///
/// `outlooks` are those of the quantiles that floorcast is tuned over.
pub(super) fn service<'a>(
    ground: &Ground<'a>,
    outlooks: &'a [Outlook],
    budget: f64,
    span: Span,
    done: impl Fn(usize, usize) + Sync,
) -> Compared<'a> {
    let tuning = span.tuning(budget);
    let all = Strategy::EQUAL.len() - 1 + outlooks.len();
    let contest = |entrants: Vec<(Strategy, &'a Outlook)>, tuned_hpa: Option<&Tuned>, before: usize| {
        let jobs = entrants.into_iter().map(|(strategy, outlook)| {
            let ground = Ground { outlook, ..ground.clone() };
            move || {
                let tuned = equal::tune(&ground, strategy, tuned_hpa, tuning);
                let played = judged(&ground, &tuned.choice, span);
                Contender { strategy, tuned, ground, played }
            }
        });
        parallel(jobs.collect(), |n| done(before + n, all))
    };
    // The tuned HPA is one of those tried beneath floors, so these come after it; it goes first, for it tunes the most.
    let floors = |strategy: &Strategy| matches!(strategy, Strategy::Floorcast | Strategy::Oracle);
    let mut others: Vec<_> = Strategy::EQUAL.into_iter().filter(|s| !floors(s)).map(|s| (s, ground.outlook)).collect();
    others.sort_by_key(|(strategy, _)| *strategy != Strategy::HpaTuned);
    let mut contenders = contest(others, None, 0);
    let tuned_hpa = contenders.iter().find(|c| c.strategy == Strategy::HpaTuned).map(|c| c.tuned.clone());
    let at_quantiles = outlooks.iter().map(|outlook| (Strategy::Floorcast, outlook));
    let entrants = at_quantiles.chain([(Strategy::Oracle, ground.outlook)]).collect();
    let tried = contest(entrants, tuned_hpa.as_ref(), contenders.len());
    let (own, foresight): (Vec<_>, Vec<_>) = tried.into_iter().partition(|c| c.strategy == Strategy::Floorcast);
    contenders.extend(at_best_quantile(own).into_iter().chain(foresight));
    let find = |wanted: Strategy| contenders.iter().find(|contender| contender.strategy == wanted);
    let rows = match (find(Strategy::Hpa), find(Strategy::HpaTuned)) {
        (Some(alone), Some(best)) => {
            let others = (&alone.played, &best.played);
            Strategy::EQUAL
                .into_iter()
                .filter_map(|strategy| find(strategy).map(|c| row(c, others, ground.seed)))
                .collect()
        }
        _ => Vec::new(),
    };
    let dead = find(Strategy::Floorcast).and_then(|c| dead_hour(&c.ground, &c.tuned.choice, span));
    Compared { contenders, rows, dead }
}

/// floorcast at the quantile that suits it.
fn at_best_quantile(mut own: Vec<Contender<'_>>) -> Option<Contender<'_>> {
    let tuned: Vec<_> = own.iter().map(|c| (c.ground.outlook.quantile(), &c.tuned)).collect();
    let best = equal::choose_quantile(&tuned)?;
    Some(own.swap_remove(best))
}

fn row(contender: &Contender<'_>, (alone, best): (&Played, &Played), seed: u64) -> EqualService {
    let Contender { strategy, tuned, played, .. } = contender;
    let outcome = &played.course.outcome;
    let interval =
        |other: &Played| equal::interval(&played.course.days, &other.course.days, seed).map(|share| rounded(share, 4));
    EqualService {
        policy: strategy.as_str(),
        utilisation: (*strategy != Strategy::Buffer).then_some(tuned.choice.setting.utilisation),
        setting: setting(contender),
        tuned_within_budget: tuned.within,
        starved_minutes: rounded(outcome.starved_minutes(), 2),
        starved_load_ratio: rounded(outcome.starved_load_ratio, 8),
        longest_starved_seconds: rounded(outcome.longest_starved_seconds, 1),
        pod_hours: rounded(outcome.pod_hours, 2),
        node_hours: rounded(outcome.node_hours, 2),
        saved_vs_hpa: rounded(equal::saved(played, alone), 4),
        saved_vs_tuned: rounded(equal::saved(played, best), 4),
        saved_vs_hpa_90: interval(alone),
        saved_vs_tuned_90: interval(best),
    }
}

/// What is set besides the utilisation, for people.
fn setting(contender: &Contender<'_>) -> String {
    let quantile = (contender.strategy == Strategy::Floorcast)
        .then(|| format!("quantile {}", contender.ground.outlook.quantile()));
    let beneath = Some(contender.tuned.label.clone()).filter(|label| !label.is_empty());
    quantile.into_iter().chain(beneath).collect::<Vec<_>>().join(", ")
}

/// The judged days on nodes that are there as soon as a pod wants one, so that service and pod-hours are what they would be without
/// any, and that leave when a whole one was spare for ten minutes, as the cluster autoscaler lets them.
fn judged(ground: &Ground<'_>, choice: &Choice, span: Span) -> Played {
    let nodes = Some(Nodes::of(PODS_PER_NODE, TimeDelta::zero()));
    let setup = Setup { nodes, ..ground.setup.clone() };
    let ground = Ground { setup: &setup, ..ground.clone() };
    ground.play(choice, span.judged_from, span.until)
}

/// floorcast dies before the highest load of the judged days: from 45 min before it to 15 min after.
fn dead_hour(ground: &Ground<'_>, choice: &Choice, span: Span) -> Option<DeadHour> {
    let peak = ground.load.peak_at(span.judged_from, span.until)?;
    let from = (peak - TimeDelta::minutes(45)).max(span.judged_from);
    let dead = from..from + TimeDelta::hours(1);
    let choice = Choice { dead: Some(dead.clone()), ..choice.clone() };
    let outcome = ground.play(&choice, span.judged_from, span.until).course.outcome;
    Some(DeadHour {
        from: dead.start,
        until: dead.end,
        starved_minutes: rounded(outcome.starved_minutes(), 2),
        longest_starved_seconds: rounded(outcome.longest_starved_seconds, 1),
        pod_hours: rounded(outcome.pod_hours, 2),
    })
}
