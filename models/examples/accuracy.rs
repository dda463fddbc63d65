//! Forecast accuracy of one model over CSV traces, without the rest of floorcast: the protocol of
//! [`floorcast_models::evaluate`], a line a trace, geometric means at the end.
//!
//! `cargo run --release -p floorcast-models --example accuracy -- [--model NAME] [--step SECONDS] [--days N] [--every N]
//! [--weeks] FILE.csv…`. Each group of figures: WAPE in percent of the load, WAPE and pinball loss relative to last week, coverage in
//! percent. With `--weeks` a trace is taken once more for every week that can be left out at its end while more than seventeen days
//! are left: so each of its weeks is scored as if it were the last; in the means a trace counts once, however many weeks it has. `NOTES=1` prints what was recognised in the newest history, the trust and the
//! weights. `floorcast evaluate` is the command for people.
#![allow(clippy::unwrap_used)]

mod asked;
mod recordings;
mod traces;

use chrono::TimeDelta;
use floorcast_models::{
    evaluate::Score,
    learn::{Learned, Learning, Unlearnable, learn},
};
use recordings::{Asked, Recording, each, means, scores, short};
use std::{env, time::Instant};

fn main() {
    let asked = Asked::read();
    let answers = each(&asked.recordings, |recording| {
        let scores = scores(recording, asked.model, &asked.protocol);
        (line(recording, &asked, &scores), scores)
    });
    let (lines, scores): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
    for line in lines {
        println!("{line}");
    }
    print!("{:24}          ", "geometric mean");
    for mean in means(&asked.recordings, &scores, asked.model) {
        let (wape, pinball) = (mean.relative.wape.unwrap(), mean.relative.pinball.unwrap());
        print!(" | {:>11} {wape:.3} {pinball:.3} {:4.1}", short(&mean.target), 100.0 * mean.coverage.unwrap());
    }
    println!();
}

fn line(Recording { name, trace, .. }: &Recording, asked: &Asked, scores: &[Score]) -> String {
    let step = asked.protocol.step.unwrap_or(TimeDelta::minutes(5).max(trace.step()));
    let newest = trace.series(trace.end() - asked.protocol.history, step).unwrap();
    let begun = Instant::now();
    let learned = learn(&newest, &Learning { model: asked.model, ..Learning::default() });
    let mut line = format!("{name:24}[{:5.1} ms]", 1e3 * begun.elapsed().as_secs_f64());
    let none = |x: Option<f64>| x.unwrap_or(f64::NAN);
    for s in scores {
        let (wape, coverage) = (100.0 * none(s.wape), 100.0 * none(s.coverage));
        let relative = (none(s.relative.wape), none(s.relative.pinball));
        line += &format!(" | {wape:5.2}% {:.3} {:.3} {coverage:4.1}", relative.0, relative.1);
    }
    if env::var("NOTES").is_ok() {
        line += &notes(learned);
    }
    line
}

fn notes(learned: Result<Learned, Unlearnable>) -> String {
    let lines = match learned {
        Ok(l) => {
            let known = format!("{:?} {:?} {:?}", l.trust(), l.score(), l.weights());
            l.notes().iter().map(ToString::to_string).chain([known]).collect()
        }
        Err(why) => vec![why.to_string()],
    };
    lines.iter().fold(String::new(), |all, line| all + "\n    " + line)
}
