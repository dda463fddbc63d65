//! One sentence that is true of the figures.

use super::report::{Figures, ForecastFigures, days};
use chrono::TimeDelta;
use serde::Serialize;

/// What is advised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Advice {
    /// Switch it on.
    Enable,
    /// Not yet: the forecast is not trusted, or was not for long enough.
    NotYet,
    /// It would change nothing worth having.
    NoGain,
}

/// The advice, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Verdict {
    /// In a word.
    pub advice: Advice,
    /// For people.
    pub text: String,
}

/// Less than this share of the time starved is as good as never: 1 min a week.
pub(super) const CALM: f64 = 1.0 / 10_080.0;
/// A forecast trusted for less than this share of the time is one that is not trusted.
const MOSTLY: f64 = 0.5;
/// A gain spares at least this share of the starved time.
pub(super) const GAIN: f64 = 0.2;

impl Verdict {
    /// Of all policies at the common setting, over so long a replay.
    pub(super) fn of(policies: &[Figures], forecast: &ForecastFigures, length: TimeDelta) -> Self {
        let find = |name: &str| policies.iter().find(|figures| figures.policy == name);
        let (Some(alone), Some(with)) = (find("hpa"), find("floorcast")) else {
            return Self { advice: Advice::NotYet, text: "Not yet: nothing was replayed.".to_owned() };
        };
        let minutes = length.num_minutes().max(1) as f64;
        let (before, after) = (alone.starved_minutes, with.starved_minutes);
        let cost = cost(alone.pod_hours, with.pod_hours);
        let spared = 1.0 - after / before.max(f64::MIN_POSITIVE);
        if before / minutes < CALM {
            let text = format!(
                "No gain in service: the HPA alone starves {before:.1} min in {}; what can be saved is a higher target.",
                days(minutes / 1440.0)
            );
            return Self { advice: Advice::NoGain, text };
        }
        if spared >= GAIN {
            let text =
                format!("Enable: floorcast spares {:.0} % of {before:.0} starved minutes{cost}.", 100.0 * spared);
            return Self { advice: Advice::Enable, text };
        }
        if forecast.trusted_share < MOSTLY {
            return Self { advice: Advice::NotYet, text: not_yet(forecast) };
        }
        let text = format!(
            "No gain, because {after:.0} of {before:.0} starved minutes stay{cost}: the load rises without notice."
        );
        Self { advice: Advice::NoGain, text }
    }
}

fn not_yet(forecast: &ForecastFigures) -> String {
    match (&forecast.unlearnable, &forecast.distrust) {
        (Some(why), _) => format!("Not yet, because nothing can be forecast: {why}"),
        (None, Some(why)) => format!("Not yet, because the forecast is not trusted: it {why}."),
        (None, None) => "Not yet, because a forecast came too late in what was replayed.".to_owned(),
    }
}

/// The price in pod-hours, as the end of a sentence.
fn cost(alone: f64, with: f64) -> String {
    if alone <= 0.0 {
        return String::new();
    }
    match (with - alone) / alone * 100.0 {
        p if p >= 0.05 => format!(", for {p:.1} % more pod-hours"),
        p if p <= -0.05 => format!(", with {:.1} % fewer pod-hours", -p),
        _ => ", for the same pod-hours".to_owned(),
    }
}
