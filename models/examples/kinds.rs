//! Forecasts of made-up kinds of load beside the last value: what a recording at hand may not have, such as sleep at night, a step, a
//! holiday that nobody told of.
//!
//! `cargo run --release -p floorcast-models --example kinds`. A row a kind, five weeks at 5 min of which the last is scored, every third step an
//! origin: WAPE and pinball loss of the upper quantile as shares of persistence's (below 1 is better) [coverage in percent]. The same on
//! every machine.
#![allow(clippy::unwrap_used)]

use floorcast_models::{
    evaluate::{Protocol, Reference, Score, Span, score},
    forecast::Choice,
    sim::Random,
    trace::Trace,
};
use std::{env, f64::consts::TAU, ops::ControlFlow, process::exit, thread};

const PER_HOUR: usize = 12;
const PER_DAY: usize = 24 * PER_HOUR;
const SAMPLES: usize = 5 * 7 * PER_DAY;
/// A Monday.
const START: usize = 1_780_272_000;

/// When a sample is, and what its kind keeps and draws.
struct Moment {
    i: usize,
    hour: f64,
    weekday: usize,
    state: f64,
    random: Random,
}

impl Moment {
    /// A bell of so many hours around an hour, 1 at its height.
    fn bell(&self, around: f64, hours: f64) -> f64 {
        (-(self.hour - around).powi(2) / (2.0 * hours * hours)).exp()
    }

    /// A load that scatters by this share of it.
    fn about(&mut self, load: f64, share: f64) -> f64 {
        load * (1.0 + share * self.random.normal())
    }

    /// A day that is highest at two in the afternoon.
    fn day(&mut self) -> f64 {
        let load = 100.0 + 60.0 * self.bell(14.0, 4.0);
        self.about(load, 0.05)
    }

    /// Office hours with a dip at noon; weekends are a twentieth.
    fn office(&mut self, works: bool) -> f64 {
        let peaks = self.bell(10.5, 1.6) + self.bell(15.0, 1.8);
        let load = 20.0 + if works { 400.0 * peaks } else { 30.0 * self.bell(14.0, 4.0) };
        self.about(load, 0.06)
    }

    fn days_left(&self) -> usize {
        (SAMPLES - 1 - self.i) / PER_DAY
    }
}

/// The load of a moment; NaN is missing.
type Kind = fn(&mut Moment) -> f64;

const KINDS: [(&str, Kind); 17] = [
    ("office hours", |m| m.office(m.weekday < 5)),
    ("office hours, a tenth missing in holes", |m| {
        m.state =
            if m.state > 0.0 { m.state - 1.0 } else { f64::from(m.random.chance(0.005)) * m.random.between(3.0, 40.0) };
        let load = m.office(m.weekday < 5);
        if m.state > 0.0 { f64::NAN } else { load }
    }),
    ("office hours, a holiday in the last week", |m| m.office(m.weekday < 5 && m.days_left() != 4)),
    ("asleep at night and at weekends", |m| {
        let load = m.about(200.0, 0.1);
        if (8.0..20.0).contains(&m.hour) && m.weekday < 5 { load } else { 0.0 }
    }),
    ("a batch on Sunday morning", |m| {
        let batch = m.weekday == 6 && (2.0..5.0).contains(&m.hour);
        m.about(if batch { 510.0 } else { 10.0 }, 0.1)
    }),
    ("three times as much at the full hour, jobs at two", |m| {
        let full = if m.i.is_multiple_of(PER_HOUR) { 3.0 } else { 1.0 };
        if m.i % PER_DAY == 2 * PER_HOUR { m.about(1500.0, 0.05) } else { full * m.day() }
    }),
    ("half an hour high, half an hour low", |m| m.about(if m.i / 6 % 2 == 1 { 300.0 } else { 100.0 }, 0.03)),
    ("bursts at random", |m| if m.random.chance(0.004) { 8.0 * m.day() } else { m.day() }),
    ("requests one by one", |m| {
        let (chance, mut count) = ((-0.2 - 6.0 * m.bell(13.0, 3.0)).exp(), 0.0);
        // Poisson (Knuth 1969): how many draws until their product is below e^-mean.
        let mut product = m.random.unit();
        while product > chance {
            (count, product) = (count + 1.0, product * m.random.unit());
        }
        count
    }),
    ("grows to two and a half times", |m| m.day() * (1.0 + 1.5 * m.i as f64 / SAMPLES as f64)),
    ("grows by the day, to twelve times", |m| m.day() * (2.5 * m.i as f64 / SAMPLES as f64).exp()),
    ("a fall by two fifths three days ago", |m| m.day() * if m.days_left() < 3 { 0.6 } else { 1.0 }),
    ("a rise by two thirds three days ago", |m| m.day() * if m.days_left() < 3 { 1.67 } else { 1.0 }),
    ("a day of 25 hours", |m| 100.0 + 80.0 * (m.i as f64 / (25.0 * 12.0) * TAU).sin() + 4.0 * m.random.normal()),
    ("wanders about a day", |m| {
        m.state = 0.98 * m.state + 0.12 * m.random.normal();
        m.day() * m.state.exp()
    }),
    ("two hours at noon, on weekdays", |m| {
        let noon = (11.5..13.5).contains(&m.hour) && m.weekday < 5;
        m.about(if noon { 505.0 } else { 5.0 }, 0.1)
    }),
    ("lessons of three quarters of an hour, on weekdays", |m| {
        let lesson = (8.0..14.0).contains(&m.hour) && m.hour.fract() < 0.75 && m.weekday < 5;
        m.about(if lesson { 300.0 } else { 30.0 }, 0.08)
    }),
];

fn main() {
    if let Some(word) = env::args().nth(1) {
        eprintln!("{word}: nothing can be asked for");
        exit(2);
    }
    let rows: Vec<_> = thread::scope(|scope| {
        let works = KINDS.into_iter().enumerate();
        let works: Vec<_> = works.map(|(n, (_, kind))| scope.spawn(move || row(&made(n, kind)))).collect();
        works.into_iter().map(|work| work.join().unwrap()).collect()
    });
    println!("| | 15m | 1h | 4h | 24h | max 15m | max 1h |\n|---|---|---|---|---|---|---|");
    for ((name, _), row) in KINDS.iter().zip(rows) {
        println!("| {name} | {} |", row.join(" | "));
    }
}

fn made(n: usize, kind: Kind) -> Trace {
    let mut moment = Moment { i: 0, hour: 0.0, weekday: 0, state: 0.0, random: Random::of(1, n as u64) };
    let mut text = String::from("timestamp_unix_seconds,value\n");
    for i in 0..SAMPLES {
        moment = Moment { i, hour: (i % PER_DAY) as f64 / PER_HOUR as f64, weekday: i / PER_DAY % 7, ..moment };
        let load = kind(&mut moment);
        if !load.is_nan() {
            text += &format!("{},{:.3}\n", START + 300 * i, load.max(0.0));
        }
    }
    Trace::parse(&text).unwrap()
}

/// Cells in the order of the table's columns.
fn row(trace: &Trace) -> Vec<String> {
    let span = Span::new(trace, &Protocol { every: 3, ..Protocol::default() }).unwrap();
    let reference = Reference::new(&span);
    let scores = |model| -> Vec<Score> {
        let of = |lead: &usize| score(&span, &reference, model, *lead, || ControlFlow::Continue(())).unwrap();
        span.leads().iter().flat_map(of).collect()
    };
    let cells = scores(Choice::Auto).into_iter().zip(scores(Choice::Persistence)).map(|(auto, last)| {
        let share = |auto: Option<f64>, last: Option<f64>| auto.unwrap() / last.unwrap();
        let (wape, pinball) = (share(auto.wape, last.wape), share(auto.pinball, last.pinball));
        format!("{wape:.2} · {pinball:.2} [{:.1}]", 100.0 * auto.coverage.unwrap())
    });
    cells.collect()
}
