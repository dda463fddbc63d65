//! How much a constant owes to the traces it was chosen on: chosen by all traces but one, measured on the one left out.
//!
//! Each file is what the example `accuracy` printed for the same traces with another value of one constant (change it, build, run);
//! the first is the value that ships:
//!
//! `cargo run --release -p floorcast-models --example left_out -- eta-20.txt eta-10.txt eta-40.txt`
//!
//! A trace's loss is the geometric mean of WAPE and pinball loss, both relative to last week, over all targets. Printed for each
//! trace: the file that the others choose, and by how many percent its loss is above (+) or below (−) the first file's there; the
//! same for the file that is best on the trace itself, which nobody could have known. (Stone 1974, *Cross-validatory choice*.)
#![allow(clippy::unwrap_used)]

mod asked;

use asked::{files, refuse};
use std::fs;

fn main() {
    let files = files("none", "SETTING.txt…, of what the example `accuracy` printed", |_| asked::Taken::Unknown);
    let settings: Vec<Vec<(String, f64)>> = files.iter().map(|file| losses(file)).collect();
    let traces: Vec<&String> = settings[0].iter().map(|(t, _)| t).collect();
    for (file, setting) in files.iter().zip(&settings) {
        if !setting.iter().map(|(t, _)| t).eq(traces.iter().copied()) {
            refuse(&format!("{file}: other traces than in {}", files[0]));
        }
    }
    let total = |s: usize, without: Option<usize>| -> f64 {
        let others = settings[s].iter().enumerate().filter(|(i, _)| Some(*i) != without);
        others.map(|(_, (_, loss))| loss).sum()
    };
    let least = |loss: &dyn Fn(usize) -> f64| (0..files.len()).min_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap();
    let (mut chosen_sum, mut best_sum) = (0.0, 0.0);
    println!("{:24} {:>24} {:>8} {:>24} {:>8}", "left out", "chosen by the others", "", "best there", "");
    for (i, trace) in traces.iter().enumerate() {
        let (chosen, best) = (least(&|s| total(s, Some(i))), least(&|s| settings[s][i].1));
        let above = |s: usize| settings[s][i].1 - settings[0][i].1;
        (chosen_sum, best_sum) = (chosen_sum + above(chosen), best_sum + above(best));
        let (name, best_name) = (short(&files[chosen]), short(&files[best]));
        println!(
            "{trace:24} {name:>24} {:>+7.2}% {best_name:>24} {:>+7.2}%",
            percent(above(chosen)),
            percent(above(best))
        );
    }
    let mean = |sum: f64| percent(sum / traces.len() as f64);
    println!("{:24} {:>24} {:>+7.2}% {:>24} {:>+7.2}%", "geometric mean", "", mean(chosen_sum), "", mean(best_sum));
    for (s, file) in files.iter().enumerate() {
        println!("on all traces {:>35} {:>+7.2}%", short(file), mean(total(s, None) - total(0, None)));
    }
}

/// Of each trace in what `accuracy` printed: its name and the logarithm of its loss.
fn losses(file: &str) -> Vec<(String, f64)> {
    let printed = fs::read_to_string(file).unwrap_or_else(|why| refuse(&format!("{file}: {why}")));
    let lines = printed.lines().filter(|line| line.contains('['));
    let losses: Vec<_> =
        lines.map(|line| loss(line).unwrap_or_else(|| refuse(&format!("{file}: no figures in {line:?}")))).collect();
    if losses.is_empty() {
        refuse(&format!("{file}: no line of a trace, as `accuracy` prints them"));
    }
    losses
}

/// `NAME [ 17.7 ms] |  1.17% 0.254 0.304 95.0 | …`: the second and third figure of each group are relative.
fn loss(line: &str) -> Option<(String, f64)> {
    let (name, groups) = line.split_once('[')?;
    let mut logs = Vec::new();
    for group in groups.split('|').skip(1) {
        let figures: Vec<&str> = group.split_whitespace().collect();
        for figure in figures.get(1..3)? {
            logs.push(figure.parse::<f64>().ok()?.ln());
        }
    }
    (!logs.is_empty()).then(|| (name.trim().to_owned(), logs.iter().sum::<f64>() / logs.len() as f64))
}

/// What a difference of logarithms is in percent.
fn percent(log: f64) -> f64 {
    100.0 * log.exp_m1()
}

fn short(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file).trim_end_matches(".txt")
}
