//! Forecast accuracy of one model over CSV traces, without the rest of floorcast: the protocol of
//! [`floorcast_models::evaluate`], a line a trace, geometric means at the end.
//!
//! `cargo run --release -p floorcast-models --example accuracy -- [--model NAME] [--step SECONDS] [--days N] [--every N]
//! [--weeks] FILE.csv…`. Each group of figures: WAPE in percent of the load, WAPE and pinball loss relative to last week, coverage in
//! percent. With `--weeks` a trace is taken once more for every week that can be left out at its end while more than seventeen days
//! are left: so each of its weeks is scored as if it were the last. `NOTES=1` prints what was recognised in the newest history, the trust and the
//! weights. `floorcast evaluate` is the command for people.
#![allow(clippy::unwrap_used)]

use chrono::TimeDelta;
use floorcast_models::{
    evaluate::{Protocol, Reference, Score, Span, means, score, word},
    forecast::Choice,
    learn::{Learning, learn},
    trace::Trace,
};
use std::{env, fs, ops::ControlFlow, sync::Mutex, thread, time::Instant};

/// A trace of no more is not shortened: a day to learn from, a week to score, and what the reference looks back on.
const LEAST: TimeDelta = TimeDelta::days(17);

fn main() {
    let mut model = Choice::Auto;
    let mut protocol = Protocol::default();
    let (mut files, mut weeks) = (Vec::new(), false);
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--model" => model = args.next().unwrap().parse().unwrap(),
            "--days" => protocol.days = Some(args.next().unwrap().parse().unwrap()),
            "--every" => protocol.every = args.next().unwrap().parse().unwrap(),
            "--step" => protocol.step = Some(TimeDelta::seconds(args.next().unwrap().parse().unwrap())),
            "--weeks" => weeks = true,
            _ => files.push(arg),
        }
    }
    let cuts: Vec<_> = files.iter().flat_map(|file| cuts(file, weeks)).collect();
    let answers = Mutex::new(vec![None; cuts.len()]);
    let waiting = Mutex::new(cuts.iter().enumerate());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(|| {
                loop {
                    let Some((i, (name, trace))) = waiting.lock().unwrap().next() else { return };
                    let answer = of(name, trace, model, &protocol);
                    answers.lock().unwrap()[i] = Some(answer);
                }
            });
        }
    });
    let answers = answers.into_inner().unwrap();
    for (line, _) in answers.iter().flatten() {
        println!("{line}");
    }
    let scores = answers.iter().flatten().flat_map(|(_, scores)| scores);
    print!("{:24}          ", "geometric mean");
    for mean in means(scores.map(|s| (model.as_str(), s))) {
        let (wape, pinball) = (mean.relative.wape.unwrap(), mean.relative.pinball.unwrap());
        print!(" | {} {wape:.3} {pinball:.3} {:4.1}", name(&mean.target), 100.0 * mean.coverage.unwrap());
    }
    println!();
}

fn name(target: &floorcast_models::evaluate::Target) -> String {
    format!("{:>5}m {:>5}", target.horizon.num_minutes(), word(target.kind).trim_start_matches("window_"))
}

/// The trace in `file` by its name, and where `weeks` is said what is left of it without its last week, its last two and so on.
fn cuts(file: &str, weeks: bool) -> Vec<(String, Trace)> {
    let whole = fs::read_to_string(file).map_err(|e| format!("{file}: {e}")).unwrap();
    let whole = Trace::parse(&whole).map_err(|e| format!("{file}: {e}")).unwrap();
    let name = file.rsplit('/').next().unwrap().trim_end_matches(".csv");
    let left = |weeks: i64| {
        let end = whole.end() - TimeDelta::weeks(weeks);
        let cut = whole.before(end).filter(|_| end - whole.start() > LEAST)?;
        Some((format!("{name}-{weeks:02}"), cut))
    };
    let mut cuts: Vec<_> = if weeks { (1..).map_while(left).collect() } else { Vec::new() };
    cuts.insert(0, (name.to_owned(), whole));
    cuts
}

fn of(name: &str, trace: &Trace, model: Choice, protocol: &Protocol) -> (String, Vec<Score>) {
    let span = Span::new(trace, protocol).map_err(|e| format!("{name}: {e}")).unwrap();
    let reference = Reference::new(&span);
    let go_on = || ControlFlow::Continue(());
    let scores: Vec<Score> =
        span.leads().iter().flat_map(|lead| score(&span, &reference, model, *lead, go_on).unwrap()).collect();
    let newest = trace.series(trace.end() - protocol.history, span.series().step()).unwrap();
    let begun = Instant::now();
    let learned = learn(&newest, &Learning { model, ..Learning::default() });
    let spent = 1e3 * begun.elapsed().as_secs_f64();
    let mut line = format!("{name:24}[{spent:5.1} ms]");
    let none = |x: Option<f64>| x.unwrap_or(f64::NAN);
    for s in &scores {
        let (wape, coverage) = (100.0 * none(s.wape), 100.0 * none(s.coverage));
        let relative = (none(s.relative.wape), none(s.relative.pinball));
        line += &format!(" | {wape:5.2}% {:.3} {:.3} {coverage:4.1}", relative.0, relative.1);
    }
    if env::var("NOTES").is_ok() {
        match learned {
            Ok(l) => {
                l.notes().iter().for_each(|n| line += &format!("\n    {n}"));
                line += &format!("\n    {:?} {:?} {:?}", l.trust(), l.score(), l.weights());
            }
            Err(why) => line += &format!("\n    {why}"),
        }
    }
    (line, scores)
}
