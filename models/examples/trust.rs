//! What the trust gate costs and spares: recordings and loads that nobody can foresee, under the HPA alone, with the forecasts as
//! gated, with the same trusted without question, and with foresight.
//!
//! `cargo run --release -p floorcast-models --example trust -- [--nulls SEEDS] [--from SEED] [--days N] [--pods SECONDS] FILE.csv…`.
//! Pods of 90 s unless said otherwise, ten replicas at the mean load, target 80 %. Each line: starved minutes of the HPA alone; starved minutes and pod-hours against it of the
//! three others; the share of looks with trust, the day of the first, how often the verdict turned; the last doubt.
#![allow(clippy::unwrap_used)]

mod asked;
mod traces;

use asked::files;
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    learn::Learning,
    replay::{Choice, Forecaster, Ground, Noise, Outlook, Recorded, STEP, Setup, Strategy, Wishes},
    series::Series,
    sim::Random,
    units::{PerReplica, Replicas},
};
use std::num::{NonZeroU16, NonZeroU32};
use traces::{KIND, trace};

fn main() {
    let (mut seeds, mut first, mut days, mut pods) = (0, 0, 36_500, 90);
    let options = "[--nulls SEEDS] [--from SEED] [--days N] [--pods SECONDS]";
    let files = files(options, KIND, |asked| {
        match asked.option {
            "--nulls" => {
                seeds = asked.value::<NonZeroU32>().get().into();
                return asked::Taken::Enough;
            }
            "--from" => first = asked.value::<u32>().into(),
            "--pods" => pods = asked.value::<NonZeroU32>().get().into(),
            "--days" => days = asked.value::<NonZeroU16>().get().into(),
            _ => return asked::Taken::Unknown,
        }
        asked::Taken::Known
    });
    for file in &files {
        let (name, trace) = trace(file);
        let end = trace.end().min(trace.start() + TimeDelta::days(days));
        let series = trace.series(trace.start(), trace.step()).unwrap();
        let kept = ((end - series.start()).num_seconds() / series.step_seconds()) as usize;
        let values = series.values()[..kept.min(series.len())].to_vec();
        let series = Series::new(series.start(), series.step(), values).unwrap();
        report(name, &series, Noise::measured(series.step()), pods);
    }
    for (name, next) in [("white", white as Null), ("ar1", ar1), ("walk", walk), ("bursts", bursts)] {
        for seed in first..first + seeds {
            report(&format!("{name} {seed}"), &null(next, seed), Noise::NONE, pods);
        }
    }
}

/// The next value of a load without a season, from a state and a way to draw.
type Null = fn(&mut f64, &mut dyn FnMut() -> f64) -> f64;

fn white(_: &mut f64, draw: &mut dyn FnMut() -> f64) -> f64 {
    100.0 + 25.0 * draw()
}

/// Half of a deviation is left after two hours.
fn ar1(state: &mut f64, draw: &mut dyn FnMut() -> f64) -> f64 {
    let keep = 0.5_f64.powf(1.0 / 24.0);
    *state = keep * *state + 0.3 * (1.0 - keep * keep).sqrt() * draw();
    100.0 * state.exp()
}

fn walk(state: &mut f64, draw: &mut dyn FnMut() -> f64) -> f64 {
    *state += 0.3 * draw() / 288_f64.sqrt();
    100.0 * state.exp()
}

/// Three times the load for about a quarter of an hour, twice a day, at any time.
fn bursts(state: &mut f64, draw: &mut dyn FnMut() -> f64) -> f64 {
    // Beyond 2.46 lies 1 of 144 draws: two of a day's 288.
    *state = if draw() > 2.46 { 3.0 } else { (*state - 1.0).max(0.0) };
    (if *state > 0.0 { 300.0 } else { 100.0 }) * (1.0 + 0.03 * draw())
}

/// Three weeks of five minutes.
fn null(next: Null, seed: u64) -> Series {
    let (mut state, mut number) = (0.0, 0);
    let mut draw = || {
        number += 1;
        Random::of(seed ^ 0x7_2057, number).normal()
    };
    let values = (0..21 * 288).map(|_| next(&mut state, &mut draw).max(0.0) as f32).collect();
    Series::new(DateTime::from_timestamp(1_767_571_200, 0).unwrap(), STEP, values).unwrap()
}

fn report(name: &str, series: &Series, noise: Noise, pods: i64) {
    let load = Recorded::new(series, noise, 1).unwrap().unwrap();
    let history = load.history(STEP).unwrap();
    let (start, end) = (load.start(), load.end());
    let from = start + ((end - start) / 4).min(TimeDelta::weeks(1));
    let mean = load.mean(start, end).unwrap();
    let capacity = PerReplica::new(mean / 8.0).unwrap();
    let setup = Setup { min: Replicas::new(1), ..Setup::usual(capacity, TimeDelta::seconds(pods), &load) };
    let lead = setup.lead();
    let how = Learning { lead, horizon: TimeDelta::hours(24) + lead, ..Learning::default() };
    let mut forecaster = Forecaster::new(&history, from, end, how).unwrap();
    forecaster.advance(usize::MAX);
    let gated = forecaster.finish();
    let ungated = gated.clone().trusted();
    let foresight = Outlook::foreseen(&load, STEP, from..end, lead);
    let wishes = Wishes::default();
    let play = |outlook: &Outlook, strategy| {
        let (setup, load, history) = (&setup, &load, &history);
        let ground = Ground { setup, load, history, outlook, foresight: &foresight, wishes: &wishes, seed: 1 };
        let outcome = ground.play(&Choice::of(strategy, 80), from, end).course.outcome;
        (outcome.starved_minutes(), outcome.pod_hours)
    };
    let alone = play(&gated, Strategy::Hpa);
    print!("{name:20} {:7.1}", alone.0);
    for (outlook, strategy) in
        [(&gated, Strategy::Floorcast), (&ungated, Strategy::Floorcast), (&gated, Strategy::Oracle)]
    {
        let (starved, hours) = play(outlook, strategy);
        print!(" | {starved:7.1} {:+6.1} %", 100.0 * (hours / alone.1 - 1.0));
    }
    println!("{}", verdicts(&gated, from));
}

fn verdicts(outlook: &Outlook, from: DateTime<Utc>) -> String {
    let first = outlook
        .first_trusted()
        .map_or("never".to_owned(), |at| format!("day {:.1}", (at - from).num_minutes() as f64 / 1440.0));
    let doubt = outlook.last_distrust().unwrap_or("none");
    format!(
        " | trusted {:3.0} %, first {first}, {} turns | {doubt}",
        100.0 * outlook.trusted_share(),
        outlook.verdict_turns()
    )
}
