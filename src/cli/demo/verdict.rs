//! One sentence that is true of the figures.

use crate::simulated::demo::PolicyFigures;
use serde::Serialize;
use std::cmp::Ordering;

/// What came of floorcast beside the HPA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// Starved minutes and starved load are fewer, or one is and the other is the same.
    Better,
    /// The other way round.
    Worse,
    /// One is better, the other worse.
    Mixed,
    /// Both are the same.
    Same,
    /// Nothing starved either way.
    Calm,
}

/// What came of it, and the sentence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Verdict {
    /// In a word.
    pub kind: Kind,
    /// For people.
    pub text: String,
}

impl Verdict {
    /// Of the HPA alone, and with floorcast.
    pub(super) fn of([alone, with]: &[PolicyFigures; 2]) -> Self {
        let kind = kind(alone, with);
        let cost = cost(alone.pod_hours, with.pod_hours);
        let (a, b) = (alone.starved_minutes, with.starved_minutes);
        let text = match kind {
            Kind::Better if a > b => format!("floorcast spared {} of {a} starved minutes{cost}.", a - b),
            Kind::Better => format!("floorcast spared no starved minute, but some of the starved load{cost}."),
            Kind::Worse if b > a => format!("floorcast did worse here: {b} starved minutes instead of {a}{cost}."),
            Kind::Worse => format!("floorcast did worse here: as many starved minutes, more load in them{cost}."),
            Kind::Mixed if a > b => format!(
                "Mixed: floorcast spared {} of {a} starved minutes, but more load was starved in the others{cost}.",
                a - b
            ),
            Kind::Mixed => {
                format!("Mixed: with floorcast {b} starved minutes instead of {a}, less load in them{cost}.")
            }
            Kind::Same => format!("floorcast did not help here: the same {a} minutes starved{cost}."),
            Kind::Calm => format!("Nothing starved either way: this load rises slowly enough for the HPA alone{cost}."),
        };
        Self { kind, text }
    }
}

fn kind(alone: &PolicyFigures, with: &PolicyFigures) -> Kind {
    if alone.starved_minutes == 0 && with.starved_minutes == 0 {
        return Kind::Calm;
    }
    let minutes = with.starved_minutes.cmp(&alone.starved_minutes);
    let load = with.starved_load_ratio.total_cmp(&alone.starved_load_ratio);
    match (minutes, load) {
        (Ordering::Equal, Ordering::Equal) => Kind::Same,
        (Ordering::Less | Ordering::Equal, Ordering::Less | Ordering::Equal) => Kind::Better,
        (Ordering::Greater | Ordering::Equal, Ordering::Greater | Ordering::Equal) => Kind::Worse,
        _ => Kind::Mixed,
    }
}

/// The price in pod-hours, as the end of a sentence.
fn cost(alone: f64, with: f64) -> String {
    if alone <= 0.0 {
        return String::new();
    }
    let percent = (with - alone) / alone * 100.0;
    match percent {
        p if p >= 0.05 => format!(", for {p:.1} % more pod-hours"),
        p if p <= -0.05 => format!(", with {:.1} % fewer pod-hours", -p),
        _ => ", for the same pod-hours".to_owned(),
    }
}
