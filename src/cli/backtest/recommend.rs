//! What to change for this workload, what each change buys, and whether any of it is worth it.
//!
//! Policy and settings are chosen on the days before and judged on those after, as equal service does; on the days after only
//! this is decided: recommended or not. So nobody is told of a saving that was found by looking back.

use super::{
    equal::Contender,
    report::{days, rounded},
    terms::{Hpa, Terms},
    verdict::{CALM, GAIN},
    work::parallel,
};
use crate::cli::patch::Patch;
use floorcast_models::{
    replay::{Choice, Ground, Outlook, Played, Span, Strategy, equal},
    units::Replicas,
};
use serde::Serialize;

/// What is recommended, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Recommendation {
    /// `floorcast`, `hpa-tuned` or `hpa`, whatever was cheapest on the days before; `none` where it was worth nothing on those after.
    pub policy: &'static str,
    /// Target utilisation of a pod's capacity, percent; `null` where nothing is recommended.
    pub utilisation: Option<u32>,
    /// The base, `minReplicas`; `null` where nothing is recommended.
    pub min_replicas: Option<u32>,
    /// Share of lead windows that floors cover; `null` without floorcast.
    pub quantile: Option<f64>,
    /// What else to set.
    pub setting: String,
    /// As it is now, then one change after the other, on the judged days; of a recommendation that is `none`, what was tried.
    pub steps: Vec<Step>,
    /// Pod-hours spared on the judged days, as a share of those of now.
    pub saved_vs_now: f64,
    /// Nine of ten resamplings of these days saved between these.
    pub saved_vs_now_90: [f64; 2],
    /// A strategic merge patch of the HPA; `null` without an HPA, or where nothing is recommended.
    pub patch: Option<Patch>,
    /// What to know before applying it.
    pub notes: Vec<String>,
    /// For people.
    pub text: String,
}

/// The judged days with the changes so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Step {
    /// What is changed, beside what was before.
    pub change: String,
    /// Starved time, minutes.
    pub starved_minutes: f64,
    /// Longest such time, seconds.
    pub longest_starved_seconds: f64,
    /// Pods times hours.
    pub pod_hours: f64,
    /// Pod-hours spared, as a share of those of now.
    pub saved_vs_now: f64,
}

/// What is recommended is one of these; of two that cost nearly the same, the first.
const POLICIES: [Strategy; 3] = [Strategy::Hpa, Strategy::HpaTuned, Strategy::Floorcast];
/// A policy that asks for more changes must be cheaper by this share.
const SIMPLER: f64 = 0.99;
/// Pod-hours saved below this share are not worth a change.
const LEAST: f64 = 0.01;

/// What a recommendation is about.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    /// The workload as it is now, and the outlook at its own quantile.
    pub(super) ground: &'a Ground<'a>,
    pub(super) terms: &'a Terms,
    pub(super) hpa: Option<&'a Hpa>,
    pub(super) budget: f64,
    pub(super) span: Span,
}

/// One change, and the ground that it is made on.
type Change<'a> = (String, Choice, &'a Outlook);

impl Recommendation {
    /// Of the policies as tuned; `None` where none of them keeps the budget.
    pub(super) fn of(case: Case<'_>, contenders: &[Contender<'_>]) -> Option<Self> {
        let (strategy, ground, tuned) = chosen(contenders)?;
        let (service, now) = (case.span.tuning(case.budget), case.now());
        let least = Replicas::new(case.ground.setup.min.get().min(2));
        let tuned = equal::tune_base(ground, tuned, least, service);
        let changes = case.changes(strategy, &tuned, ground.outlook);
        let jobs = changes.into_iter().map(|(change, choice, outlook)| {
            let ground = Ground { outlook, ..case.ground.clone() };
            move || (change, ground.play(&choice, case.span.judged_from, case.span.until))
        });
        let played = parallel(jobs.collect(), |_| {});
        let ((_, before), (_, after)) = (played.first()?, played.last()?);
        let interval = equal::interval(&after.course.days, &before.course.days, case.ground.seed);
        let gain = Gain::of(before, after, interval, case.budget);
        let steps = played.iter().map(|(change, played)| Step::of(change, played, before)).collect();
        let mut made = Self {
            policy: "none",
            utilisation: None,
            min_replicas: None,
            quantile: None,
            setting: String::new(),
            steps,
            saved_vs_now: rounded(gain.saved, 4),
            saved_vs_now_90: interval.map(|share| rounded(share, 4)),
            patch: None,
            notes: Vec::new(),
            text: gain.text(played.len() > 1, case.budget),
        };
        if gain.worth() && played.len() > 1 {
            made.policy = strategy.as_str();
            made.utilisation = Some(tuned.choice.setting.utilisation);
            made.min_replicas = Some(tuned.choice.setting.min.unwrap_or(case.ground.setup.min).get());
            made.quantile = (strategy == Strategy::Floorcast).then(|| ground.outlook.quantile());
            made.setting = if tuned.choice.setting.behavior.is_some() { tuned.label.clone() } else { String::new() };
            if let Some(hpa) = case.hpa {
                let wanted =
                    super::patch::Wanted { strategy, choice: &tuned.choice, quantile: made.quantile, now: &now };
                let (patch, notes) = super::patch::of(hpa, case.terms, &wanted);
                (made.patch, made.notes) = (Some(patch), notes);
            }
        }
        Some(made)
    }
}

/// The cheapest on the days before, of those that kept the budget there; a simpler one where that costs next to nothing.
fn chosen<'a>(contenders: &'a [Contender<'a>]) -> Option<(Strategy, &'a Ground<'a>, &'a equal::Tuned)> {
    let usable = POLICIES.into_iter().filter_map(|policy| contenders.iter().find(|c| c.strategy == policy));
    let usable: Vec<_> = usable.filter(|c| c.tuned.within).collect();
    let cheapest = usable.iter().map(|c| c.tuned.pod_hours).min_by(f64::total_cmp)?;
    let found = usable.into_iter().find(|c| c.tuned.pod_hours * SIMPLER <= cheapest)?;
    Some((found.strategy, &found.ground, &found.tuned))
}

impl Case<'_> {
    /// What stands now: the HPA alone, or with floorcast where it is live already.
    fn now(&self) -> Choice {
        let live = self.hpa.is_some_and(|hpa| hpa.live);
        Choice::of(if live { Strategy::Floorcast } else { Strategy::Hpa }, self.terms.utilisation)
    }
}

impl<'a> Case<'a> {
    /// From now to the recommended, one change after the other.
    fn changes(&self, strategy: Strategy, tuned: &equal::Tuned, outlook: &'a Outlook) -> Vec<Change<'a>> {
        let own: &'a Outlook = self.ground.outlook;
        let (wanted, setup) = (&tuned.choice.setting, self.ground.setup);
        let mut choice = self.now();
        let alone = if choice.strategy == Strategy::Floorcast { "floorcast live" } else { "the HPA alone" };
        let now = format!("now: {alone}, target {} %, minReplicas {}", self.terms.utilisation, setup.min);
        let mut changes = vec![(now, choice.clone(), own)];
        if choice.strategy != strategy && (strategy != Strategy::HpaTuned || choice.strategy == Strategy::Floorcast) {
            let what = if strategy == Strategy::Floorcast { "floorcast live" } else { "without floorcast" };
            choice.strategy = if strategy == Strategy::Floorcast { strategy } else { Strategy::Hpa };
            changes.push((what.to_owned(), choice.clone(), own));
        }
        let known = if strategy == Strategy::Floorcast { outlook } else { own };
        if (known.quantile() - own.quantile()).abs() > f64::EPSILON {
            changes.push((format!("quantile {}", known.quantile()), choice.clone(), known));
        }
        if wanted.behavior.is_some() {
            (choice.strategy, choice.setting.tolerance) = (strategy, wanted.tolerance);
            choice.setting.behavior.clone_from(&wanted.behavior);
            changes.push((tuned.label.clone(), choice.clone(), known));
        }
        if let Some(min) = wanted.min.filter(|min| *min != setup.min) {
            choice.setting.min = Some(min);
            changes.push((format!("minReplicas {min}"), choice.clone(), known));
        }
        if wanted.utilisation != choice.setting.utilisation {
            choice.setting.utilisation = wanted.utilisation;
            changes.push((format!("target {} %", wanted.utilisation), choice, known));
        }
        changes
    }
}

impl Step {
    fn of(change: &str, played: &Played, now: &Played) -> Self {
        let outcome = &played.course.outcome;
        Self {
            change: change.to_owned(),
            starved_minutes: rounded(outcome.starved_minutes(), 2),
            longest_starved_seconds: rounded(outcome.longest_starved_seconds, 1),
            pod_hours: rounded(outcome.pod_hours, 2),
            saved_vs_now: rounded(equal::saved(played, now), 4),
        }
    }

    /// The `number`th step as a row for people.
    pub(super) fn row(&self, number: usize) -> Vec<String> {
        vec![
            if number == 0 { self.change.clone() } else { format!("+ {}", self.change) },
            format!("{:.1}", self.starved_minutes),
            format!("{:.0} s", self.longest_starved_seconds),
            format!("{:.1}", self.pod_hours),
            format!("{:+.1} %", 100.0 * self.saved_vs_now),
        ]
    }
}

/// What all changes together brought on the judged days.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Gain {
    /// Judged minutes.
    minutes: f64,
    /// Starved minutes that the budget allows.
    allowed: f64,
    /// Starved minutes before and after.
    starved: [f64; 2],
    /// Pod-hours spared, as a share.
    saved: f64,
    /// Where nine of ten resamplings put it.
    interval: [f64; 2],
}

impl Gain {
    fn of(before: &Played, after: &Played, interval: [f64; 2], budget: f64) -> Self {
        let minutes = before.course.outcome.seconds / 60.0;
        Self {
            minutes,
            allowed: budget * minutes,
            starved: [before, after].map(|played| played.course.outcome.starved_minutes()),
            saved: equal::saved(after, before),
            interval,
        }
    }

    /// It starves no more than is allowed, or than it did.
    fn keeps(&self) -> bool {
        self.starved[1] <= self.allowed.max(self.starved[0])
    }

    /// It starves clearly less, where that was worth a word.
    fn spares(&self) -> bool {
        self.starved[0] > CALM * self.minutes && self.starved[1] <= (1.0 - GAIN) * self.starved[0]
    }

    /// It costs clearly less.
    fn saves(&self) -> bool {
        self.saved >= LEAST && self.interval[0] > 0.0
    }

    fn worth(&self) -> bool {
        self.keeps() && (self.spares() || self.saves())
    }

    fn text(&self, changed: bool, budget: f64) -> String {
        let [before, after] = self.starved;
        let hours = if self.saved >= 0.0 {
            format!("{:.1} % fewer pod-hours", 100.0 * self.saved)
        } else {
            format!("{:.1} % more pod-hours", -100.0 * self.saved)
        };
        let figures = format!("{after:.1} starved minutes instead of {before:.1} and {hours}");
        let days = days(self.minutes / 1440.0);
        if !changed {
            return "Nothing to change: what stands now was the cheapest that kept the budget on the days before."
                .to_owned();
        }
        if !self.keeps() {
            return format!(
                "Nothing is recommended: what was cheapest on the days before did not hold on the {days} after, with {figures} \
                 ({:.1} min are allowed).",
                self.allowed
            );
        }
        if !self.worth() {
            return format!(
                "Nothing is recommended: on the {days} that judge the cheapest settings gained too little, {figures}."
            );
        }
        let still = if after > self.allowed {
            format!(" That is still more than {} % of the time ({:.1} min).", 100.0 * budget, self.allowed)
        } else {
            String::new()
        };
        format!(
            "Recommended: the changes above, chosen on the days before, brought {figures} on the {days} after (nine of ten \
             resamplings of these days: {:+.1} to {:+.1} % saved).{still}",
            100.0 * self.interval[0],
            100.0 * self.interval[1]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A week of 10,080 minutes, of which a thousandth may starve.
    fn gain(starved: [f64; 2], saved: f64, lowest: f64) -> Gain {
        Gain { minutes: 10_080.0, allowed: 10.08, starved, saved, interval: [lowest, saved + 0.02] }
    }

    #[test]
    fn only_what_clearly_gains_is_recommended() {
        for (starved, saved, lowest, worth, said) in [
            ([0.0, 0.0], 0.10, 0.05, true, "Recommended"),
            // Within the budget, though it was nothing before.
            ([0.0, 9.0], 0.10, 0.05, true, "Recommended"),
            ([0.0, 12.0], 0.10, 0.05, false, "did not hold"),
            // Never worse than it was, though above the budget still.
            ([100.0, 40.0], -0.05, -0.08, true, "still more than 0.1 %"),
            ([100.0, 101.0], 0.20, 0.15, false, "did not hold"),
            ([100.0, 90.0], -0.05, -0.08, false, "gained too little"),
            // A saving that chance may have made is none, nor is one of less than 1 %.
            ([0.0, 0.0], 0.10, -0.01, false, "gained too little"),
            ([0.0, 0.0], 0.009, 0.008, false, "gained too little"),
            // Half a minute a week starved is as good as none.
            ([0.5, 0.0], -0.02, -0.03, false, "gained too little"),
        ] {
            let gain = gain(starved, saved, lowest);
            let text = gain.text(true, 0.001);
            assert_eq!(gain.worth(), worth, "{gain:?}");
            assert!(text.contains(said), "{gain:?}: {text}");
        }
    }
}
