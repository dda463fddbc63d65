//! What limits a forecast at equal service: pod-hours that the HPA, the tuned HPA, floorcast, foresight of every step's mean, and perfect
//! foresight need where all of them keep the same budget of starved time.
//!
//! `cargo run --release -p floorcast-models --example foresight -- [--pods SECONDS] [--replicas N] FILE.csv…`. Pods of 300 s and 50
//! replicas at the mean load unless said otherwise; days and every other term are those of `floorcast backtest --csv`, and so are the
//! figures. Foresight of means knows what every sample of the datasource will be and nothing of the minutes within it: a forecast can
//! save more only by the margin that it keeps for those.
#![allow(clippy::unwrap_used)]

mod asked;
mod traces;

use asked::files;
use chrono::TimeDelta;
use floorcast_models::{
    learn::Learning,
    replay::{
        Forecaster, Ground, Noise, Outlook, Played, Recorded, STEP, Setup, Span, Strategy, Wishes,
        equal::{QUANTILES, Tuned, choose_quantile, saved, tune},
    },
    series::Series,
    trace::Trace,
    units::PerReplica,
};
use std::{num::NonZeroU32, thread};
use traces::{KIND, trace};

/// Share of the time that may starve.
const BUDGET: f64 = 0.001;

fn main() {
    let (mut pods, mut replicas) = (300, 50);
    let files = files("[--pods SECONDS] [--replicas N]", KIND, |asked| {
        match asked.option {
            "--pods" => pods = asked.value::<NonZeroU32>().get(),
            "--replicas" => replicas = asked.value::<NonZeroU32>().get(),
            _ => return asked::Taken::Unknown,
        }
        asked::Taken::Known
    });
    println!("{:20} {:>24} {:>24} {:>24} {:>24}", "", "hpa-tuned", "floorcast", "means foreseen", "foreseen");
    for file in &files {
        let (name, trace) = trace(file);
        report(name, &trace, pods.into(), replicas.into());
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
    let [whole, means] = [Outlook::foreseen, Outlook::foreseen_means]
        .map(|foresee| foresee(&load, STEP, span.from..span.until, setup.lead()));
    let wishes = Wishes::default();
    let known = Ground {
        setup: &setup,
        load: &load,
        history: &history,
        outlook: &whole,
        foresight: &whole,
        wishes: &wishes,
        seed: 1,
    };
    let service = span.tuning(BUDGET);
    let play = |ground: &Ground<'_>, tuned: &Tuned| ground.play(&tuned.choice, span.judged_from, span.until);
    let hpa = play(&known, &tune(&known, Strategy::Hpa, None, service));
    let best = tune(&known, Strategy::HpaTuned, None, service);
    let foreseen = |foresight| {
        let ground = Ground { foresight, ..known.clone() };
        play(&ground, &tune(&ground, Strategy::Oracle, Some(&best), service))
    };
    let at_quantile = |quantile| {
        let outlook = learned(&history, span, setup.lead(), quantile);
        let ground = Ground { outlook: &outlook, ..known.clone() };
        let tuned = tune(&ground, Strategy::Floorcast, Some(&best), service);
        (play(&ground, &tuned), tuned)
    };
    let (means, all, tried) = thread::scope(|scope| {
        let tried = QUANTILES.map(|quantile| scope.spawn(move || at_quantile(quantile)));
        let [means, all] = [&means, &whole].map(|foresight| scope.spawn(move || foreseen(foresight)));
        (means.join().unwrap(), all.join().unwrap(), tried.map(|one| one.join().unwrap()))
    });
    let tuned: Vec<_> = QUANTILES.iter().zip(&tried).map(|(quantile, (_, tuned))| (*quantile, tuned)).collect();
    let own = &tried[choose_quantile(&tuned).unwrap()].0;
    let tuned_hpa = play(&known, &best);
    print!("{name:20}");
    for played in [&tuned_hpa, own, &means, &all] {
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
