//! What each part of the forecast is worth: the mean scores of the whole, and how they change without one part, as a table in Markdown.
//!
//! `cargo run --release -p floorcast-models --example ablation -- [--step SECONDS] [--days N] [--every N] [--weeks] FILE.csv…`. First row:
//! WAPE · pinball loss relative to last week, geometric means over the recordings [coverage in percent]. The others: by so many percent
//! each is worse without that part (better where the sign is a minus) [coverage]. `ROWS=harm,log` asks for those that begin so.
#![allow(clippy::unwrap_used)]

mod asked;
mod recordings;
mod traces;

use asked::refuse;
use floorcast_models::{
    evaluate::{Mean, Protocol},
    forecast::{Choice, part::Part},
};
use recordings::{Asked, each, means, scores, short};
use std::{env, iter::once};

/// What is left out in each row but the first.
const WITHOUT: [(&str, &[Part]); 20] = [
    ("profile", &[Part::Model(Choice::Profile)]),
    ("last-week", &[Part::Model(Choice::LastWeek)]),
    ("days", &[Part::Model(Choice::Days)]),
    ("smooth", &[Part::Model(Choice::Smooth)]),
    ("slots", &[Part::Model(Choice::Slots)]),
    ("harmonics", &[Part::Model(Choice::Harmonics)]),
    ("recent", &[Part::Model(Choice::Recent)]),
    ("persistence", &[Part::Model(Choice::Persistence)]),
    ("weights: all models alike", &[Part::Weights]),
    ("corrections of bases", &[Part::Correction]),
    ("logarithms: corrections in loads", &[Part::Logarithms]),
    ("judge: nothing masked", &[Part::Judge]),
    ("holes filled", &[Part::Holes]),
    ("the newest load expected within an outage", &[Part::Outages]),
    ("margins by the expected size of error", &[Part::Sizes]),
    ("the minute of the hour in that size", &[Part::Minutes]),
    ("correction of the level by coverage", &[Part::Coverage]),
    ("both: quantiles of the errors alone", &[Part::Sizes, Part::Coverage]),
    ("margins of the maximum: those of its last sample", &[Part::Maxima]),
    ("what was foreseen an hour ago", &[Part::HourAgo]),
];

fn main() {
    let asked = Asked::read();
    let without = wanted(&env::var("ROWS").unwrap_or_default());
    let rows = once::<&[Part]>(&[]).chain(without.iter().map(|(_, parts)| *parts));
    let count = asked.recordings.len();
    let jobs: Vec<_> = rows.flat_map(|parts| asked.recordings.iter().map(move |r| (parts, r))).collect();
    let answers = each(&jobs, |(without, recording)| {
        scores(recording, asked.model, &Protocol { without, ..asked.protocol.clone() })
    });
    let mut rows = answers.chunks(count).map(|scores| means(&asked.recordings, scores, asked.model));
    let whole = rows.next().unwrap();
    println!("| without | {} |", cells(&whole, |i| short(&whole[i].target)));
    println!("|{}", "---|".repeat(whole.len() + 1));
    println!("| nothing | {} |", cells(&whole, |i| absolute(&whole[i])));
    for ((name, _), row) in without.iter().zip(rows) {
        println!("| {name} | {} |", cells(&row, |i| change(&row[i], &whole[i])));
    }
}

/// The rows whose names begin as one of the comma-separated `starts` does.
fn wanted(starts: &str) -> Vec<(&'static str, &'static [Part])> {
    let starts: Vec<&str> = starts.split(',').collect();
    if let Some(unknown) = starts.iter().find(|start| !WITHOUT.iter().any(|(name, _)| name.starts_with(**start))) {
        let names = WITHOUT.map(|(name, _)| name).join("\n  ");
        refuse(&format!("ROWS: no row begins with {unknown:?}; there are\n  {names}"));
    }
    let is_wanted = |name: &str| starts.iter().any(|start| name.starts_with(start));
    WITHOUT.into_iter().filter(|(name, _)| is_wanted(name)).collect()
}

fn cells(row: &[Mean], cell: impl Fn(usize) -> String) -> String {
    (0..row.len()).map(cell).collect::<Vec<_>>().join(" | ")
}

fn absolute(mean: &Mean) -> String {
    let [wape, pinball] = figures(mean);
    format!("{wape:.3} · {pinball:.3} [{:.1}]", coverage(mean))
}

fn change(mean: &Mean, whole: &Mean) -> String {
    let ([wape, pinball], before) = (figures(mean), figures(whole));
    let percent = |now: f64, before: f64| 100.0 * (now / before - 1.0);
    format!("{:+.1} · {:+.1} [{:.1}]", percent(wape, before[0]), percent(pinball, before[1]), coverage(mean))
}

fn figures(mean: &Mean) -> [f64; 2] {
    [mean.relative.wape, mean.relative.pinball].map(|figure| figure.unwrap_or(f64::NAN))
}

fn coverage(mean: &Mean) -> f64 {
    100.0 * mean.coverage.unwrap_or(f64::NAN)
}
