//! What limits a forecast at equal service: pod-hours that the HPA, the tuned HPA, floorcast, foresight of every step's mean, and perfect
//! foresight need where all of them keep the same budget of starved time.
//!
//! `cargo run --release -p floorcast-models --example foresight -- [--pods SECONDS] [--replicas N] FILE.csv…`. Pods of 300 s and 50
//! replicas at the mean load unless said otherwise; days and every other term are those of `floorcast backtest --csv`, and so are the
//! figures. Foresight of means knows what every sample of the datasource will be and nothing of the minutes within it: what it saves less than
//! perfect foresight, no forecast can save.
#![allow(clippy::unwrap_used)]

use chrono::TimeDelta;
use floorcast_models::{
    learn::Learning,
    replay::{
        Forecaster, Ground, Noise, Outlook, Played, Recorded, STEP, Setup, Span, Strategy, Wishes,
        equal::{Tuned, saved, tune, tune_quantile},
    },
    series::Series,
    trace::Trace,
    units::PerReplica,
};
use std::{env, fs};

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
    // At 80 % the mean load needs as many replicas as asked for.
    let capacity = load.mean(load.start(), load.end()).unwrap() / replicas / 0.8;
    let setup = Setup::usual(PerReplica::new(capacity).unwrap(), TimeDelta::seconds(pods), &load);
    let span = Span::of(&load, STEP, None);
    let history = load.history(STEP).unwrap();
    let outlooks = QUANTILES.map(|quantile| learned(&history, span, setup.lead(), quantile));
    let [whole, means] = [Outlook::foreseen, Outlook::foreseen_means]
        .map(|foresee| foresee(&load, STEP, span.from..span.until, setup.lead()));
    let wishes = Wishes::default();
    let ground = |outlook, foresight| Ground {
        setup: &setup,
        load: &load,
        history: &history,
        outlook,
        foresight,
        wishes: &wishes,
        seed: 1,
    };
    let (known, service) = (ground(&outlooks[0], &whole), span.tuning(BUDGET));
    let play = |ground: &Ground<'_>, tuned: &Tuned| ground.play(&tuned.choice, span.judged_from, span.until);
    let hpa = play(&known, &tune(&known, Strategy::Hpa, None, service));
    let best = tune(&known, Strategy::HpaTuned, None, service);
    let (i, own) = tune_quantile(&known, &outlooks, Some(&best), service).unwrap();
    let foreseen = |foresight| {
        let ground = ground(&outlooks[0], foresight);
        play(&ground, &tune(&ground, Strategy::Oracle, Some(&best), service))
    };
    let tuned_hpa = play(&known, &best);
    let own = play(&ground(&outlooks[i], &whole), &own);
    print!("{name:20}");
    for played in [&tuned_hpa, &own, &foreseen(&means), &foreseen(&whole)] {
        print!(" {:>24}", cell(played, &hpa, &tuned_hpa));
    }
    println!();
}

/// What floorcast would have known.
fn learned(history: &Series, span: Span, lead: TimeDelta, quantile: f64) -> Outlook {
    let how = Learning { lead, quantile, horizon: TimeDelta::hours(24) + lead, ..Learning::default() };
    let mut forecaster = Forecaster::new(history, span.from, span.until, how).unwrap();
    forecaster.advance(usize::MAX);
    forecaster.finish()
}

/// Saved against the HPA and against the tuned HPA, and starved minutes.
fn cell(played: &Played, hpa: &Played, tuned: &Played) -> String {
    let minutes = played.course.outcome.starved_minutes();
    format!("{:+.1} / {:+.1} %, {minutes:.0} min", 100.0 * saved(played, hpa), 100.0 * saved(played, tuned))
}
