//! What a state means and how much it matters, and numbers as the page writes them.

use crate::{cli::output, config::period, http::api::Workload};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use floorcast_models::decide::State;
use maud::{Markup, html};

/// How much a state matters; what needs a person comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tone {
    /// Nothing can be done for it until a person acts.
    Bad,
    /// Something is held back; it may pass.
    Warn,
    /// A floor is held.
    Good,
    /// All is as it should be, and nothing is held.
    Quiet,
}

impl Tone {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Bad => "chip bad",
            Self::Warn => "chip warn",
            Self::Good => "chip good",
            Self::Quiet => "chip quiet",
        }
    }
}

/// The tone of a state, and what it means in a sentence.
pub(super) const fn meaning(state: State) -> (Tone, &'static str) {
    match state {
        State::Off => (Tone::Quiet, "Not opted in."),
        State::Shadow => (Tone::Quiet, "Forecast and told; nothing is written."),
        State::Learning => (Tone::Quiet, "Nothing is learned yet: no forecast, no floor."),
        State::Idle => (Tone::Quiet, "The plan needs no more than the base."),
        State::Holding => (Tone::Good, "A floor is held as the plan needs it."),
        State::Lowering => (Tone::Good, "The floor comes down after the plan."),
        State::Draining => {
            (Tone::Good, "The floor comes down to the base: by command, or because nothing speaks for it any more.")
        }
        State::Released => (Tone::Quiet, "Handed back; not acquired again before a stated time."),
        State::Overridden => (Tone::Warn, "A person or tool set a value below the floor; it is respected for a while."),
        State::Contended => (Tone::Bad, "Somebody reverts the floor again and again; it is tried hourly."),
        State::Frozen => (Tone::Warn, "The kill switch stops all writes."),
        State::Paused => (Tone::Quiet, "The target is scaled to 0."),
        State::Pinned => (Tone::Quiet, "minReplicas equals maxReplicas: there is nothing to decide."),
        State::Stale => (Tone::Warn, "The newest sample is too old: no floor is raised."),
        State::Untrusted => (Tone::Warn, "The forecast is not trusted."),
        State::Unproven => {
            (Tone::Warn, "Load over target does not give the HPA's own replicas, or was not compared yet.")
        }
        State::CapacityUnavailable => (Tone::Bad, "Pods of a raised floor do not come up: no further raise."),
        State::Foreign => (Tone::Bad, "Another installation of floorcast holds the floor."),
        State::Superseded => (Tone::Bad, "A newer floorcast, or a newer leader, holds the floor."),
        State::Damaged => (Tone::Bad, "The annotations that carry the floor are damaged."),
        State::Refused => (Tone::Bad, "It cannot be worked on, or the API server refuses the writes."),
    }
}

/// The state of a workload, where it is one that there is.
pub(super) fn state(w: &Workload) -> Option<State> {
    State::ALL.into_iter().find(|state| state.as_str() == w.state)
}

/// How much a workload's state matters; a note that blocks matters as much as any state.
pub(super) fn tone(w: &Workload) -> Tone {
    let blocked = w.notes.iter().any(|note| note.blocks);
    let tone = state(w).map_or(Tone::Warn, |state| meaning(state).0);
    if blocked { tone.min(Tone::Warn) } else { tone }
}

/// The state as a coloured word; the word says it all, the colour only helps.
pub(super) fn chip(w: &Workload) -> Markup {
    html! { span class=(tone(w).class()) { (w.state) } }
}

/// Replicas that the floor adds to the base.
pub(super) fn raised(w: &Workload) -> u32 {
    w.floor.zip(w.base).map_or(0, |(floor, base)| floor.saturating_sub(base))
}

/// What is known, or a dash that is read out as what it means.
fn known(value: Option<String>) -> Markup {
    html! {
        @match value {
            Some(value) => (value),
            None => span.none aria-label="unknown" { "–" },
        }
    }
}

/// A number of replicas, where it is known.
pub(super) fn number(value: Option<u32>) -> Markup {
    known(value.map(|value| grouped(u64::from(value))))
}

/// `12,345`.
pub(super) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let first = digits.len() % 3;
    let (head, tail) = digits.split_at(first);
    let tail: Vec<String> =
        tail.as_bytes().chunks(3).map(|three| String::from_utf8_lossy(three).into_owned()).collect();
    let head = Some(head.to_owned()).filter(|head| !head.is_empty());
    head.into_iter().chain(tail).collect::<Vec<_>>().join(",")
}

/// A load, where it is known.
pub(super) fn load(value: Option<f64>) -> Markup {
    known(value.map(output::load))
}

/// A share as a percentage with at most one digit; number and sign stay on one line.
pub(super) fn percent(share: f64) -> String {
    let digits = format!("{:.1}", 100.0 * share);
    format!("{}\u{a0}%", digits.strip_suffix(".0").unwrap_or(&digits))
}

/// A span of whole seconds, `1m30s`.
pub(super) fn span(seconds: i64) -> String {
    period::written(TimeDelta::seconds(seconds))
}

/// A moment by the clock of a zone, with its day.
pub(super) fn moment(at: DateTime<Utc>, zone: Tz) -> Markup {
    let there = at.with_timezone(&zone);
    html! { time datetime=(at.format("%FT%TZ")) { (there.format("%a %d %b, %H:%M")) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        for (value, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(value), text);
        }
    }

    #[test]
    fn what_blocks_is_never_quiet() {
        let note = crate::http::api::Note { code: "X".into(), text: String::new(), blocks: true };
        let quiet = Workload { state: "Idle".into(), ..Workload::default() };
        assert_eq!(tone(&quiet), Tone::Quiet);
        assert_eq!(tone(&Workload { notes: vec![note], ..quiet }), Tone::Warn);
        assert_eq!(tone(&Workload { state: "Unheard".into(), ..Workload::default() }), Tone::Warn);
    }
}
