//! Whom to trust: what has a season, at any step and lead; and not what has none, however it moves.

use super::*;

/// A deterministic noise: xorshift behind a seed.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// Uniform in 0..1.
    fn even(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Nearly normal, mean 0, deviation 1.
    fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.even()).sum::<f64>() - 6.0
    }
}

/// A moment of a made-up load.
struct Moment<'a> {
    hour: f64,
    day: usize,
    per_day: f64,
    seed: u64,
    dice: &'a mut Dice,
    /// What the load carries on from step to step.
    level: &'a mut f64,
}

type Shape = fn(&mut Moment<'_>) -> f64;

fn bell(m: &Moment<'_>, peak: f64, week: f64) -> f64 {
    let off = (m.hour - peak + 36.0) % 24.0 - 12.0;
    40.0 + 160.0 * week * (-off * off / 12.0).exp()
}

fn office(m: &mut Moment<'_>) -> f64 {
    let week = if m.day % 7 >= 5 { 0.4 } else { 1.0 };
    bell(m, 13.0, week) * (1.0 + 0.03 * m.dice.bell())
}

fn wave(m: &mut Moment<'_>) -> f64 {
    (100.0 + 60.0 * ((m.hour - 13.0) / 24.0 * std::f64::consts::TAU).cos()) * (1.0 + 0.03 * m.dice.bell())
}

/// A day's wave beneath so much noise that its slope over one step is lost in it.
fn veiled(m: &mut Moment<'_>) -> f64 {
    wave(m) * (1.0 + 0.05 * m.dice.bell())
}

/// Flat for 22 hours, then 4 times as much from one sample to the next: 4 replicas to 16.
fn cliff(m: &mut Moment<'_>) -> f64 {
    let high = (9.0..11.0).contains(&m.hour);
    (1.0 + 0.01 * m.dice.bell()) * if high { 16.0 } else { 4.0 }
}

fn exact_cliff(m: &mut Moment<'_>) -> f64 {
    if (9.0..11.0).contains(&m.hour) { 16.0 } else { 4.0 }
}

fn white(m: &mut Moment<'_>) -> f64 {
    100.0 + 40.0 * (2.0 * m.dice.even() - 1.0)
}

fn normal(m: &mut Moment<'_>) -> f64 {
    (100.0 + 25.0 * m.dice.bell()).max(0.0)
}

fn walk(m: &mut Moment<'_>) -> f64 {
    *m.level += 0.3 * m.dice.bell() / m.per_day.sqrt();
    100.0 * m.level.exp()
}

/// Returns to its mean within hours.
fn drifting(m: &mut Moment<'_>) -> f64 {
    let keep = 0.5_f64.powf(12.0 / m.per_day);
    *m.level = *m.level * keep + 0.3 * (1.0 - keep * keep).sqrt() * m.dice.bell();
    100.0 * m.level.exp()
}

/// The peak of every day at another hour.
fn wandering(m: &mut Moment<'_>) -> f64 {
    let peak = 24.0 * Dice::new(1000 * m.seed + m.day as u64).even();
    bell(m, peak, 1.0) * (1.0 + 0.03 * m.dice.bell())
}

/// Three weeks of the same noon peak, then it comes at any hour.
fn broken(m: &mut Moment<'_>) -> f64 {
    if m.day < 20 { bell(m, 13.0, 1.0) * (1.0 + 0.03 * m.dice.bell()) } else { wandering(m) }
}

/// Down for half of the time, an hour or so at a stretch.
fn failing(m: &mut Moment<'_>) -> f64 {
    if m.dice.even() < 24.0 / m.per_day {
        *m.level = f64::from(u8::from(m.dice.even() < 0.5));
    }
    *m.level * (100.0 + 5.0 * m.dice.bell())
}

fn made(shape: Shape, step: i64, seed: u64) -> Series {
    let per_day = (DAY / step) as usize;
    let (mut dice, mut level) = (Dice::new(seed), 0.0);
    let mut at = |i: usize| {
        let hour = (i % per_day) as f64 * 24.0 / per_day as f64;
        let (day, per_day) = (i / per_day, per_day as f64);
        let moment = &mut Moment { hour, day, per_day, seed, dice: &mut dice, level: &mut level };
        shape(moment) as f32
    };
    let values = (0..28 * per_day).map(&mut at).collect();
    let monday = DateTime::from_timestamp(1_780_272_000, 0).unwrap();
    Series::new(monday, TimeDelta::seconds(step), values).unwrap()
}

fn judged(shape: Shape, (step, lead): (i64, i64), seed: u64) -> Trust {
    let how = Learning { lead: TimeDelta::seconds(lead), ..Learning::default() };
    learn(&made(shape, step, seed), &how).unwrap().trust()
}

#[test]
fn a_season_is_trusted_at_every_step_and_lead() {
    let grids = [(60, 60), (300, 300), (300, 900), (300, 7200), (1800, 1800), (1800, 7200)];
    for (name, shape) in [("office", office as Shape), ("wave", wave), ("cliff", cliff)] {
        for grid in grids {
            let trust = judged(shape, grid, 1);
            assert!(trust.trusted, "{name} {grid:?}: {}", trust.why);
        }
    }
}

/// Over one step the last value and a margin are as good; an hour ahead only the season knows.
#[test]
fn a_season_that_shows_only_an_hour_ahead_is_trusted_by_that() {
    // Three minutes share no grid with the fifth origins that a thin replay learns from.
    for (grid, seeds) in [((300, 300), 4), ((180, 180), 1)] {
        for seed in 0..seeds {
            let trust = judged(veiled, grid, seed);
            assert!(trust.trusted && trust.why.contains("an hour ahead"), "{grid:?}, seed {seed}: {}", trust.why);
        }
    }
}

#[test]
fn a_season_of_quarter_minutes_is_trusted() {
    let trust = judged(cliff, (15, 60), 1);
    assert!(trust.trusted, "{}", trust.why);
}

/// Found on the real control plane: four weeks of minutes, flat for 22 hours a day, the rise always at the same minute.
#[test]
fn one_sharp_rise_a_day_is_not_drowned_by_flat_nights() {
    let trust = judged(exact_cliff, (60, 60), 0);
    assert!(trust.trusted && trust.ratio < 0.3, "{}", trust.why);
}

#[test]
fn what_has_no_season_is_not_trusted_whatever_the_dice_say() {
    let shapes = [("white", white as Shape), ("normal", normal), ("walk", walk), ("drifting", drifting)];
    for (name, shape) in shapes {
        for (grid, seeds) in [((300, 300), 4), ((300, 7200), 4), ((1800, 1800), 20), ((1800, 7200), 20)] {
            for seed in 0..seeds {
                let trust = judged(shape, grid, seed);
                assert!(!trust.trusted, "{name} {grid:?}, seed {seed}: {}", trust.why);
            }
        }
    }
}

#[test]
fn a_season_that_broke_is_not_trusted_nor_is_one_that_never_was() {
    for (name, shape) in [("broken", broken as Shape), ("failing", failing)] {
        for seed in 0..4 {
            for grid in [(300, 300), (300, 3600)] {
                let trust = judged(shape, grid, seed);
                assert!(!trust.trusted, "{name} {grid:?}, seed {seed}: {}", trust.why);
            }
        }
    }
}

#[test]
fn a_burst_masked_later_is_not_the_most_ever_seen() {
    let whole = made(office, 300, 0);
    let most = f64::from(whole.values().iter().copied().fold(0.0, f32::max));
    let at = 20 * 288 + 12 * 12;
    let values = whole.values().iter().enumerate().map(|(i, v)| if (at..at + 12).contains(&i) { 5.0 * v } else { *v });
    let burst = Series::new(whole.start(), whole.step(), values.collect()).unwrap();
    let learned = learn(&burst, &Learning::default()).unwrap();
    assert!((learned.most_seen() - most).abs() < 1e-3 * most, "{} {most}", learned.most_seen());
    // One that goes on at this moment does not count before it is known to last.
    let until = Series::new(whole.start(), whole.step(), burst.values()[..at + 4].to_vec()).unwrap();
    let learned = learn(&until, &Learning::default()).unwrap();
    assert!(learned.most_seen() < 1.05 * most, "{} {most}", learned.most_seen());
}
