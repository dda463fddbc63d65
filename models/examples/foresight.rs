//! What limits a forecast at equal service: pod-hours that the HPA, the tuned HPA, floorcast, foresight of every step's mean, and perfect
//! foresight need where all of them keep the same budget of starved time.
//!
//! `cargo run --release -p floorcast-models --example foresight -- [--pods SECONDS] [--replicas N] FILE.csv…`. Pods of 300 s and 50
//! replicas at the mean load unless said otherwise. Tuned on the first half of the days after the first quarter (at most a week), judged on the
//! second, as by `floorcast backtest`; the terms are those of its defaults. Foresight of means knows what every sample of the datasource
//! will be and nothing of the minutes within it: what it saves less than perfect foresight, no forecast can save.
#![allow(clippy::unwrap_used)]

use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    learn::Learning,
    replay::{
        Forecaster, Ground, Measure, Noise, Outlook, Played, Recorded, STEP, Setup, Strategy, Wishes,
        equal::{Service, Tuned, saved, tune, tune_quantile},
    },
    sim::{Excess, Pipeline, StartUp},
    trace::Trace,
    units::{PerReplica, Replicas},
};
use std::{env, fs, ops::Range};

/// Share of the time that may starve.
const BUDGET: f64 = 0.001;
/// Quantiles that floorcast is tuned over.
const QUANTILES: [f64; 2] = [0.95, 0.8];

fn main() {
    let (mut pods, mut replicas, mut files) = (300, 50.0, Vec::new());
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--pods" => pods = args.next().unwrap().parse().unwrap(),
            "--replicas" => replicas = args.next().unwrap().parse().unwrap(),
            _ => files.push(arg),
        }
    }
    println!("{:20} {:>24} {:>24} {:>24} {:>24}", "", "hpa-tuned", "floorcast", "means foreseen", "foreseen");
    for file in &files {
        let trace = Trace::parse(&fs::read_to_string(file).unwrap()).map_err(|e| format!("{file}: {e}")).unwrap();
        report(file.rsplit('/').next().unwrap().trim_end_matches(".csv"), &trace, pods, replicas);
    }
}

fn report(name: &str, trace: &Trace, pods: i64, replicas: f64) {
    let series = trace.series(trace.start(), trace.step()).unwrap();
    let load = Recorded::new(&series, Noise::measured(series.step()), 1).unwrap().unwrap();
    let setup = setup(&load, pods, replicas);
    let (from, judged, until) = stretches(&load);
    let history = load.history(STEP).unwrap();
    let outlooks = QUANTILES.map(|quantile| {
        let how = Learning { lead: setup.lead(), quantile, ..Learning::default() };
        let mut forecaster = Forecaster::new(&history, from, until, how).unwrap();
        forecaster.advance(usize::MAX);
        forecaster.finish()
    });
    let wishes = Wishes::default();
    let lead = setup.lead();
    let [whole, means] =
        [Outlook::foreseen, Outlook::foreseen_means].map(|foresee| foresee(&load, STEP, from..until, lead));
    let ground = |outlook, foresight| Ground {
        setup: &setup,
        load: &load,
        history: &history,
        outlook,
        foresight,
        wishes: &wishes,
        seed: 1,
    };
    let known = ground(&outlooks[0], &whole);
    let service = Service { from, until: judged, budget: BUDGET };
    let play = |ground: &Ground<'_>, tuned: &Tuned| ground.play(&tuned.choice, judged, until);
    let hpa = play(&known, &tune(&known, Strategy::Hpa, None, service));
    let best = tune(&known, Strategy::HpaTuned, None, service);
    let tuned_hpa = play(&known, &best);
    let (i, own) = tune_quantile(&known, &outlooks, Some(&best), service).unwrap();
    let own = play(&ground(&outlooks[i], &whole), &own);
    let foresight = [&means, &whole].map(|foresight| {
        let ground = ground(&outlooks[0], foresight);
        play(&ground, &tune(&ground, Strategy::Oracle, Some(&best), service))
    });
    let [means, whole] = &foresight;
    print!("{name:20}");
    for played in [&tuned_hpa, &own, means, whole] {
        print!(" {:>24}", cell(played, &hpa, &tuned_hpa));
    }
    println!();
}

/// Saved against the HPA and against the tuned HPA, and starved minutes.
fn cell(played: &Played, hpa: &Played, tuned: &Played) -> String {
    let minutes = played.course.outcome.starved_minutes();
    format!("{:+.1} / {:+.1} %, {minutes:.0} min", 100.0 * saved(played, hpa), 100.0 * saved(played, tuned))
}

/// First moment that is replayed, first that is judged, and the end.
fn stretches(load: &Recorded) -> (DateTime<Utc>, DateTime<Utc>, DateTime<Utc>) {
    let Range { start, end } = load.start()..load.end();
    let from = start + ((end - start) / 4).min(TimeDelta::weeks(1));
    let days = (end - from).num_days();
    (from, from + TimeDelta::days(days / 2), end)
}

fn setup(load: &Recorded, pods: i64, replicas: f64) -> Setup {
    let (start, end) = (load.start(), load.end());
    let per = load.mean(start, end).unwrap() / replicas;
    Setup {
        // At 80 % the mean load needs as many replicas as asked for.
        capacity: PerReplica::new(per / 0.8).unwrap(),
        measure: Measure::Load,
        min: Replicas::new(2),
        max: None,
        peak: load.peak(start, end),
        start_up: StartUp::of(TimeDelta::seconds(pods)),
        pipeline: Pipeline::default(),
        nodes: None,
        excess: Excess::Lost,
        tolerance: None,
        behavior: None,
    }
}
