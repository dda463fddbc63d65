//! What a floor that was only told would have done for an HPA that ran without it.
//!
//! In shadow mode the HPA is left alone, so that its replicas are what the load brought about by itself, one reaction late.

use chrono::TimeDelta;
use serde::Serialize;
use std::cell::Cell;

/// Replicas that come this long after a floor would have come down still show that it was needed.
const GRACE: TimeDelta = TimeDelta::minutes(15);

/// A workload's past on one grid; NaN where nothing is known. Replicas, and 1 where the mode was shadow.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    pub shadow: Vec<Cell<f32>>,
    pub base: Vec<Cell<f32>>,
    pub floor: Vec<Cell<f32>>,
    pub current: Vec<Cell<f32>>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    /// Hours in shadow mode of which base, floor and replicas are known.
    pub shadow_hours: f64,
    /// Steps in which the HPA raised replicas.
    pub rises: u32,
    /// Those whose replicas the floor had all made a step before.
    pub ahead: u32,
    /// Those whose replicas it had made in part.
    pub partly: u32,
    /// Those of which it had made none.
    pub missed: u32,
    /// Times that a floor would have stood above the base.
    pub floors: u32,
    /// Those of which less than half was used, until a quarter of an hour after their end.
    pub false_floors: u32,
    /// Replica-hours that ran.
    pub pod_hours: f64,
    /// Replica-hours that floors would have added.
    pub extra_pod_hours: f64,
    /// The second of the first.
    pub extra_ratio: Option<f64>,
}

/// What to do with a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Advice {
    /// Switch it live.
    Enable,
    /// The HPA hardly ever raised anything.
    Quiet,
    /// More raises missed than made, or too many for nothing.
    NotYet,
}

impl Advice {
    /// Its word.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Enable => "enable",
            Self::Quiet => "quiet",
            Self::NotYet => "not yet",
        }
    }
}

impl Track {
    /// Nothing is known of it yet.
    pub(super) fn unknown(length: usize) -> Self {
        let none = vec![Cell::new(f32::NAN); length];
        Self { shadow: none.clone(), base: none.clone(), floor: none.clone(), current: none }
    }

    /// Base, floor and replicas of a step in shadow mode, all known.
    fn at(&self, i: usize) -> Option<(f32, f32, f32)> {
        let known = |from: &[Cell<f32>]| from.get(i).map(Cell::get).filter(|value| value.is_finite());
        known(&self.shadow).filter(|shadow| *shadow > 0.0)?;
        Some((known(&self.base)?, known(&self.floor)?, known(&self.current)?))
    }
}

impl Figures {
    /// What to do.
    pub(super) fn advice(&self) -> Advice {
        match self.rises {
            0 => Advice::Quiet,
            _ if self.ahead + self.partly > self.missed && 2 * self.false_floors <= self.floors => Advice::Enable,
            _ => Advice::NotYet,
        }
    }

    /// What the order of the table goes by: raises made, less floors for nothing.
    pub(super) fn gain(&self) -> f64 {
        f64::from(self.ahead) + f64::from(self.partly) / 2.0 - f64::from(self.false_floors)
    }

    /// Both together.
    pub(super) fn plus(&self, other: &Self) -> Self {
        let mut sum = Self {
            shadow_hours: self.shadow_hours + other.shadow_hours,
            rises: self.rises + other.rises,
            ahead: self.ahead + other.ahead,
            partly: self.partly + other.partly,
            missed: self.missed + other.missed,
            floors: self.floors + other.floors,
            false_floors: self.false_floors + other.false_floors,
            pod_hours: self.pod_hours + other.pod_hours,
            extra_pod_hours: self.extra_pod_hours + other.extra_pod_hours,
            extra_ratio: None,
        };
        sum.set_ratio();
        sum
    }

    fn set_ratio(&mut self) {
        self.extra_ratio = (self.pod_hours > 0.0).then(|| self.extra_pod_hours / self.pod_hours);
    }
}

/// Counts a workload's past, `step` apart. A step of which something is unknown counts for nothing and ends a floor.
pub(super) fn judge(track: &Track, step: TimeDelta) -> Figures {
    let hours = step.num_seconds() as f64 / 3_600.0;
    let grace = (GRACE.num_seconds() / step.num_seconds().max(1)) as usize;
    let mut figures = Figures::default();
    let mut raised: Option<(usize, f32, f32)> = None;
    for i in 0..track.current.len() {
        let now = track.at(i);
        if let Some((_, floor, current)) = now {
            figures.shadow_hours += hours;
            figures.pod_hours += f64::from(current) * hours;
            figures.extra_pod_hours += f64::from((floor - current).max(0.0)) * hours;
            if let Some(before) = i.checked_sub(1).and_then(|before| track.at(before)) {
                rise(&mut figures, before, current);
            }
        }
        raised = match (raised, now.filter(|(base, floor, _)| floor > base)) {
            (Some((from, base, peak)), Some((_, floor, _))) => Some((from, base, peak.max(floor))),
            (None, Some((base, floor, _))) => Some((i, base, floor)),
            (Some(over), None) => {
                end(&mut figures, track, over, i + grace);
                None
            }
            (None, None) => None,
        };
    }
    // A floor that stands still at the end is not judged: its use may come.
    figures.set_ratio();
    figures
}

/// A step in which the HPA raised something.
fn rise(figures: &mut Figures, (_, floor, before): (f32, f32, f32), current: f32) {
    if current <= before {
        return;
    }
    figures.rises += 1;
    if floor >= current {
        figures.ahead += 1;
    } else if floor > before {
        figures.partly += 1;
    } else {
        figures.missed += 1;
    }
}

/// A floor that is over: was half of it used?
fn end(figures: &mut Figures, track: &Track, (from, base, peak): (usize, f32, f32), until: usize) {
    let used = (from..until).filter_map(|i| track.at(i)).map(|(_, _, current)| current).fold(base, f32::max);
    figures.floors += 1;
    if used - base < (peak - base) / 2.0 {
        figures.false_floors += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From rows of floor and replicas over a base of 2, five minutes apart.
    fn track(rows: &[(f32, f32)]) -> Track {
        let cells = |value: &dyn Fn(&(f32, f32)) -> f32| rows.iter().map(|row| Cell::new(value(row))).collect();
        Track { shadow: cells(&|_| 1.0), base: cells(&|_| 2.0), floor: cells(&|r| r.0), current: cells(&|r| r.1) }
    }

    fn of(rows: &[(f32, f32)]) -> Figures {
        judge(&track(rows), TimeDelta::minutes(5))
    }

    #[test]
    fn a_raise_is_made_in_whole_in_part_or_missed() {
        for (before, current, expected) in [
            ((8.0, 2.0), 8.0, (1, 1, 0, 0)),
            ((9.0, 2.0), 8.0, (1, 1, 0, 0)),
            ((5.0, 2.0), 8.0, (1, 0, 1, 0)),
            ((2.0, 2.0), 8.0, (1, 0, 0, 1)),
            // The HPA was there already; going down and staying are no raises.
            ((8.0, 8.0), 8.0, (0, 0, 0, 0)),
            ((8.0, 8.0), 3.0, (0, 0, 0, 0)),
        ] {
            let f = of(&[before, (8.0, current)]);
            assert_eq!((f.rises, f.ahead, f.partly, f.missed), expected, "{before:?} {current}");
        }
    }

    #[test]
    fn a_floor_of_which_half_is_used_is_no_false_one() {
        for (rows, expected) in [
            (vec![(2.0, 2.0), (8.0, 2.0), (8.0, 5.0), (2.0, 2.0)], (1, 0)),
            (vec![(2.0, 2.0), (8.0, 2.0), (8.0, 4.0), (2.0, 2.0)], (1, 1)),
            // Used a little later than it stood: 15 min are three steps.
            (vec![(8.0, 2.0), (2.0, 2.0), (2.0, 2.0), (2.0, 8.0)], (1, 0)),
            (vec![(8.0, 2.0), (2.0, 2.0), (2.0, 2.0), (2.0, 2.0), (2.0, 8.0)], (1, 1)),
            // Two floors, one of them still standing.
            (vec![(8.0, 2.0), (2.0, 2.0), (8.0, 2.0)], (1, 1)),
        ] {
            let f = of(&rows);
            assert_eq!((f.floors, f.false_floors), expected, "{rows:?}");
        }
    }

    #[test]
    fn what_is_unknown_is_neither_replicas_nor_a_raise() {
        let known = track(&[(8.0, 2.0), (8.0, 8.0), (2.0, 2.0)]);
        for gap in [&known.shadow, &known.base, &known.floor, &known.current] {
            let stood = gap[0].replace(f32::NAN);
            let f = judge(&known, TimeDelta::minutes(5));
            assert_eq!((f.rises, f.shadow_hours), (0, 10.0 / 60.0));
            gap[0].set(stood);
        }
        // Live for a step: not counted either.
        known.shadow[1].set(0.0);
        assert_eq!(judge(&known, TimeDelta::minutes(5)).rises, 0);
        assert_eq!(of(&[]).extra_ratio, None);
    }

    #[test]
    fn cost_is_what_stands_above_the_replicas_that_ran() {
        let f = of(&[(8.0, 2.0), (8.0, 8.0), (6.0, 8.0), (2.0, 3.0)]);
        // 21 replicas and 6 more, for five minutes each.
        assert!((f.pod_hours - 21.0 / 12.0).abs() < 1e-9 && (f.extra_pod_hours - 0.5).abs() < 1e-9, "{f:?}");
        assert!((f.extra_ratio.unwrap_or_default() - 6.0 / 21.0).abs() < 1e-9);
        let both = f.plus(&f);
        assert_eq!((both.rises, both.extra_ratio), (2 * f.rises, f.extra_ratio));
    }

    #[test]
    fn advice_follows_the_figures() {
        let quiet = Figures::default();
        let good = Figures { rises: 10, ahead: 5, partly: 1, missed: 4, floors: 6, false_floors: 3, ..quiet };
        for (figures, expected) in [
            (quiet, Advice::Quiet),
            (good, Advice::Enable),
            (Figures { missed: 6, ..good }, Advice::NotYet),
            (Figures { false_floors: 4, ..good }, Advice::NotYet),
        ] {
            assert_eq!(figures.advice(), expected, "{figures:?}");
        }
    }
}
