//! The windows ahead at which models are trained and scored; between two of them corrections are interpolated.

use super::{opens::Opens, stretch::LONGEST};
use crate::calendar::DAY;

/// A stretch of samples ahead of an origin: `[next + ahead, next + ahead + len)`. Its target is the largest of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Samples between the origin and the window's first.
    pub ahead: usize,
    /// Samples in the window; 1 is a plain value.
    pub len: usize,
}

/// What is asked of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The load of one step.
    Value,
    /// The largest load over the lead time.
    Maximum,
}

/// All anchors: first those of single values, then those of maxima over the lead time, each by distance. Where the lead time is a
/// single step, a maximum is a value, and there are none of the second sort.
#[derive(Clone, Debug)]
pub struct Anchors {
    step: i64,
    windows: Box<[Window]>,
    paces: Box<[Pace]>,
    values: usize,
    lead: usize,
    horizon: usize,
    room: u32,
    replay: Replay,
    opens: Opens,
}

/// How often an anchor is asked and learned from, and for how long that counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// Samples between two of its origins.
    pub every: u32,
    /// Origins between two solutions of a regression: coefficients move slowly.
    pub solve: u32,
    /// Origins between two weighings of the models.
    pub weigh: u32,
    /// Share of what a regression learned that it keeps from one origin to the next.
    pub keep: f32,
}

/// Seconds of evidence that regressions remember.
const MEMORY: i64 = 7 * DAY;
/// Seconds between two of their solutions.
const SOLVE: i64 = 2 * 3600;

/// Seconds between two weighings of the models, and origins, whichever are fewer.
const WEIGH: i64 = 5400;
const WEIGH_ORIGINS: i64 = 6;

/// Number of an origin among those that are so many samples apart. Samples are numbered from the epoch: 32 bits suffice until 2106,
/// and are divided in half the time.
pub fn turn(origin: i64, every: u32) -> u32 {
    origin as u32 / every.max(1)
}

impl Pace {
    fn new(every: i64, step: i64) -> Self {
        let spacing = every * step;
        Self {
            every: every as u32,
            solve: (SOLVE / spacing).max(1) as u32,
            weigh: (WEIGH / spacing).clamp(1, WEIGH_ORIGINS) as u32,
            keep: 1.0 - 1.0 / (MEMORY / spacing).max(100) as f32,
        }
    }
}

/// How much of a history is learned from when it is replayed, in numbers of samples.
#[derive(Clone, Copy, Debug)]
pub struct Replay {
    /// Before it, bases are only built up: they know too little to learn from.
    pub quiet_until: i64,
    /// Before it, every fifth origin is learned from where otherwise every one is: neighbours say nearly the same, and five shares
    /// no factor with the samples of an hour, so that every minute of the hour gets its turn.
    pub thin_until: i64,
}

impl Replay {
    /// Nothing is left out.
    pub const WHOLE: Self = Self { quiet_until: i64::MIN, thin_until: i64::MIN };
}

/// One origin in so many is learned from in the thin part of a replay.
const THIN: u32 = 5;

/// Distances of value anchors in minutes; the step itself and the horizon are added.
const VALUE_MINUTES: [i64; 4] = [15, 60, 240, 1440];
/// Distances of maximum anchors in minutes; now and the horizon are added.
const MAXIMUM_MINUTES: [i64; 3] = [60, 240, 1440];
/// Most anchors that there can be: the distances above, now and the horizon; rounded up to whole vectors.
pub const MOST: usize = (VALUE_MINUTES.len() + MAXIMUM_MINUTES.len() + 4).next_multiple_of(4);
/// Neighbouring origins say nearly the same about what lies far ahead: seconds between two that are learned from, at most, for
/// windows from [`FAR`] on, and for the others but those that begin now.
const FAR_EVERY: i64 = 2100;
const NEAR_EVERY: i64 = 300;
/// Nor is a window that begins later learned from again before the newest of so many parts of it.
const SHARED: i64 = 4;
/// Distance from which a window is far, in seconds: four hours, and less by what a step takes.
pub const FAR: i64 = 4 * 3600 - 900;

impl Anchors {
    /// Anchors for a step, a lead window and a horizon, all in seconds.
    pub fn new(step: i64, lead: i64, horizon: i64) -> Self {
        let horizon = (horizon / step).max(2) as usize;
        let lead = ((lead + step - 1) / step).max(1) as usize;
        // The value `m` minutes ahead is the sample that ends then: one less than the distance of its end.
        let values = distances(&VALUE_MINUTES, step, 1, horizon);
        let maxima = if lead > 1 { distances(&MAXIMUM_MINUTES, step, 0, horizon) } else { Vec::new() };
        let windows = values
            .iter()
            .map(|&ahead| Window { ahead, len: 1 })
            .chain(maxima.iter().map(|&ahead| Window { ahead, len: lead }))
            .collect::<Box<[_]>>();
        let paces: Box<[_]> = windows.iter().map(|w| Pace::new(every(w, step), step)).collect();
        let every = paces.iter().map(|pace: &Pace| pace.every);
        let opens = Opens::new(windows.iter().zip(every));
        let room = (reach(step, lead, horizon) + lead + LONGEST + 2) as u32;
        Self { step, windows, paces, values: values.len(), lead, horizon, room, replay: Replay::WHOLE, opens }
    }

    /// Seconds between two samples.
    pub fn step(&self) -> i64 {
        self.step
    }

    /// Samples between two origins at which anchor `a` is predicted and learned.
    pub fn every(&self, a: usize) -> i64 {
        i64::from(self.paces[a].every)
    }

    /// How often anchor `a` is asked, and how long that counts.
    pub fn pace(&self, a: usize) -> Pace {
        self.paces[a]
    }

    /// Whether anchor `a` is predicted at `origin`, and learned once that has come.
    pub fn is_due(&self, a: usize, origin: i64) -> bool {
        let every = self.paces[a].every;
        if self.is_quiet(origin) {
            false
        } else if every > 1 {
            (origin as u32).is_multiple_of(every)
        } else {
            origin >= self.replay.thin_until || ((origin - self.replay.quiet_until) as u32).is_multiple_of(THIN)
        }
    }

    /// Where features of the origin are kept.
    pub(super) fn opens(&self) -> &Opens {
        &self.opens
    }

    /// How many samples of a base are kept: what is looked ahead, an hour more, and the window that has just come.
    pub fn room(&self) -> usize {
        self.room as usize
    }

    /// Where a base's sample `i` is kept. 32 bits number every sample until the year 2106 and are divided in half the time.
    pub fn place(&self, i: i64) -> usize {
        (i as u32 % self.room) as usize
    }

    /// Whether anchor `a` lies far ahead.
    pub fn is_far(&self, a: usize) -> bool {
        self.windows[a].ahead as i64 * self.step >= FAR
    }

    /// Leaves out some origins of a history about to be replayed.
    pub fn leave_out(&mut self, replay: Replay) {
        self.replay = replay;
    }

    /// Whether nothing is learned yet at `origin`.
    pub fn is_quiet(&self, origin: i64) -> bool {
        origin < self.replay.quiet_until
    }

    /// The newest origin at or before `origin` at which anchor `a` was predicted.
    pub fn last_due(&self, a: usize, origin: i64) -> i64 {
        origin - origin.rem_euclid(self.every(a))
    }

    /// The window of a kind at any distance.
    pub fn window(&self, kind: Kind, ahead: usize) -> Window {
        Window { ahead, len: if kind == Kind::Value { 1 } else { self.lead } }
    }

    /// The windows, in order.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// Samples in a maximum window.
    pub fn lead(&self) -> usize {
        self.lead
    }

    /// Samples that a forecast reaches ahead.
    pub fn horizon(&self) -> usize {
        self.horizon
    }

    /// How far beyond now a model must be able to see: the last window's end, and six hours of missing samples.
    pub fn reach(&self) -> usize {
        reach(self.step, self.lead, self.horizon)
    }

    /// What anchor `a` asks for.
    pub fn kind(&self, a: usize) -> Kind {
        if a < self.values { Kind::Value } else { Kind::Maximum }
    }

    /// The first anchor of a kind: for maxima the window that starts now.
    pub fn first(&self, kind: Kind) -> usize {
        match kind {
            Kind::Maximum if self.lead > 1 => self.values,
            _ => 0,
        }
    }

    /// The maximum over the lead time an hour later; the last one where the horizon ends before.
    pub fn later(&self) -> usize {
        // A horizon is two steps or more, so there is one behind that of now.
        if self.lead > 1 { self.values + 1 } else { self.value_near(60) }
    }

    /// The value anchor nearest to `minutes` ahead.
    pub fn value_near(&self, minutes: i64) -> usize {
        let wanted = (minutes * 60 / self.step - 1).max(0);
        (0..self.values).min_by_key(|&a| (self.windows[a].ahead as i64 - wanted).abs()).unwrap_or(0)
    }

    /// Which two anchors a window `ahead` lies between, and how far (0 to 1) towards the second, by the logarithm of the distance.
    pub fn between(&self, kind: Kind, ahead: usize) -> (usize, usize, f32) {
        let range = match kind {
            Kind::Maximum if self.lead > 1 => self.values..self.windows.len(),
            _ => 0..self.values,
        };
        let above = range.clone().find(|&a| self.windows[a].ahead >= ahead);
        let Some(above) = above else {
            return (range.end - 1, range.end - 1, 0.0);
        };
        if above == range.start {
            return (above, above, 0.0);
        }
        let log = |ahead: usize| (1.0 + ahead as f64).ln();
        let (low, high) = (log(self.windows[above - 1].ahead), log(self.windows[above].ahead));
        (above - 1, above, ((log(ahead) - low) / (high - low)) as f32)
    }
}

fn reach(step: i64, lead: usize, horizon: usize) -> usize {
    horizon + lead + (6 * 3600 / step).max(1) as usize
}

fn every(window: &Window, step: i64) -> i64 {
    match window.ahead as i64 * step {
        0 => 1,
        FAR.. => visiting_all((FAR_EVERY / step).max(1), step),
        _ => visiting_all(window.len as i64 / SHARED, step).max(NEAR_EVERY / step).max(1),
    }
}

/// The largest number up to `most` that shares no factor with the samples of an hour: origins so far apart visit every minute of the
/// hour in turn, where machines keep their times.
fn visiting_all(most: i64, step: i64) -> i64 {
    let hour = (3600 / step).max(1);
    (1..=most).rev().find(|every| common_factor(*every, hour) == 1).unwrap_or(1)
}

/// The largest number that divides both.
pub(crate) fn common_factor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { common_factor(b, a % b) }
}

fn distances(minutes: &[i64], step: i64, less: i64, horizon: usize) -> Vec<usize> {
    let mut all: Vec<usize> = minutes
        .iter()
        .map(|m| ((m * 60 + step / 2) / step - less).max(0) as usize)
        .filter(|&a| a < horizon)
        .chain([0, horizon - 1])
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_minutes_quarter_of_an_hour_a_day() {
        let anchors = Anchors::new(300, 900, 86_400);
        let ahead: Vec<usize> = anchors.windows().iter().map(|w| w.ahead).collect();
        assert_eq!(ahead, [0, 2, 11, 47, 287, 0, 12, 48, 287]);
        assert_eq!(anchors.windows()[5].len, 3);
        assert_eq!(anchors.value_near(60), 2);
        let every: Vec<i64> = (0..9).map(|a| anchors.every(a)).collect();
        assert_eq!(every, [1, 1, 1, 7, 7, 1, 1, 7, 7]);
    }

    #[test]
    fn the_thin_part_of_a_replay_visits_every_minute_of_the_hour() {
        let mut anchors = Anchors::new(300, 300, 86_400);
        anchors.leave_out(Replay { quiet_until: 100, thin_until: 1000 });
        let due: Vec<i64> = (0..1010).filter(|o| anchors.is_due(0, *o)).collect();
        assert_eq!((due[0], due.len()), (100, 180 + 10));
        assert!((0..12).all(|minute| due.iter().any(|o| *o < 1000 && o % 12 == minute)));
    }

    #[test]
    fn far_origins_visit_every_minute_of_the_hour_at_any_step() {
        let far = |step| {
            let anchors = Anchors::new(step, step, 86_400);
            anchors.every(anchors.windows().len() - 1)
        };
        for step in [30, 60, 300, 600, 900] {
            let every = far(step);
            let hour = 3600 / step;
            assert!(every * step <= FAR_EVERY && (step > 300 || 2 * every * step > FAR_EVERY), "{step} s: {every}");
            assert!((0..hour).all(|slot| (0..hour).any(|n| n * every % hour == slot)), "{step} s: {every}");
        }
    }

    #[test]
    fn between_two_anchors_by_the_logarithm() {
        let anchors = Anchors::new(300, 900, 86_400);
        assert_eq!(anchors.between(Kind::Value, 2), (0, 1, 1.0));
        let (a, b, share) = anchors.between(Kind::Maximum, 6);
        assert_eq!((a, b), (5, 6));
        assert!((share - 7.0_f32.ln() / 13.0_f32.ln()).abs() < 1e-6);
        assert_eq!(anchors.between(Kind::Value, 9999).0, 4);
    }

    #[test]
    fn an_hourly_grid_has_fewer_anchors() {
        let anchors = Anchors::new(3600, 900, 86_400);
        let ahead: Vec<usize> = anchors.windows().iter().map(|w| w.ahead).collect();
        assert_eq!(ahead, [0, 3, 23], "a lead time of one step: maxima are values");
        assert_eq!((anchors.first(Kind::Maximum), anchors.between(Kind::Maximum, 3).1), (0, 1));
        assert_eq!(anchors.lead(), 1);
    }
}
