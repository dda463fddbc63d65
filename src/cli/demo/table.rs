//! What a person reads.

use super::answer::Answer;
use super::verdict::Kind;
use crate::cli::{paint::Paint, spark::Ink};
use crate::simulated::demo::PolicyFigures;

/// How the answer is shown.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) ink: Ink,
    pub(super) paint: Paint,
    /// As it was called, so that the next command can be pasted.
    pub(super) program: String,
}

/// Heading, table, verdict, curves, next command.
pub(super) fn text(answer: &Answer, look: &Look) -> String {
    let paint = look.paint;
    let mut text = format!("{}\n\n{}\n", paint.strong(&heading(answer)), figures(&answer.policies, paint));
    let verdict = match answer.verdict.kind {
        Kind::Better => paint.good(&answer.verdict.text),
        Kind::Worse => paint.bad(&answer.verdict.text),
        _ => answer.verdict.text.clone(),
    };
    text += &format!("{verdict}\n");
    text += &format!(
        "Starved: minutes with more load than ready pods x target per pod x {} can carry.\n",
        answer.saturation
    );
    for replayed in &answer.workloads {
        let curves = replayed.curves.lines(answer.start, look.ink, paint);
        text += &format!("\n{}\n{curves}", paint.strong(&replayed.workload));
    }
    if !answer.notes.is_empty() {
        text += &format!("\nThe daemon's last words:\n  {}\n", answer.notes.join("\n  "));
    }
    text + &next(answer, &look.program)
}

fn heading(answer: &Answer) -> String {
    let what = answer.trace.as_ref().map_or_else(|| "a simulated shop".to_owned(), |file| format!("the end of {file}"));
    format!("{} of {what}, replayed twice (seed {})", days(answer.days), answer.seed)
}

pub(super) fn days(count: i64) -> String {
    if count == 1 { "1 day".to_owned() } else { format!("{count} days") }
}

fn next(answer: &Answer, program: &str) -> String {
    if answer.trace.is_none() {
        format!(
            "\nNext, a load of your own (rows of timestamp_unix_seconds,value):\n  {program} demo --trace FILE.csv\n"
        )
    } else {
        format!("\nNext, see whether your cluster and Prometheus are ready for it:\n  {program} doctor\n")
    }
}

/// A row of the table: what, both values as text, both as numbers.
type Row = (&'static str, [String; 2], [f64; 2]);

fn figures([alone, with]: &[PolicyFigures; 2], paint: Paint) -> String {
    let row = |name, show: &dyn Fn(&PolicyFigures) -> String, value: &dyn Fn(&PolicyFigures) -> f64| -> Row {
        (name, [show(alone), show(with)], [value(alone), value(with)])
    };
    let count =
        |name, value: &dyn Fn(&PolicyFigures) -> u32| row(name, &|p| value(p).to_string(), &|p| f64::from(value(p)));
    let rows = [
        count("starved minutes", &|p| p.starved_minutes),
        row("starved load", &|p| format!("{:.2} %", p.starved_load_ratio * 100.0), &|p| p.starved_load_ratio),
        row("pod-hours", &|p| format!("{:.1}", p.pod_hours), &|p| p.pod_hours),
        count("peak replicas", &|p| p.peak_replicas),
        count("rescales by the HPA", &|p| p.rescales),
        count("floors written", &|p| p.floor_writes),
    ];
    let heading = line("", "HPA alone", "with floorcast", "difference");
    let lines = rows.iter().map(|(name, [a, b], values)| {
        let difference = difference(*values);
        let text = line(name, a, b, &difference);
        // Only the first two say whether users were served.
        match name.starts_with("starved") {
            true if values[1] < values[0] => paint.good(&text),
            true if values[1] > values[0] => paint.bad(&text),
            _ => text,
        }
    });
    let lines: Vec<String> = std::iter::once(paint.strong(&heading)).chain(lines).collect();
    lines.join("\n") + "\n"
}

fn line(name: &str, alone: &str, with: &str, difference: &str) -> String {
    format!("{name:<20}{alone:>11}{with:>16}{difference:>13}").trim_end().to_owned()
}

/// In percent of the HPA alone; empty where that is nothing.
fn difference([alone, with]: [f64; 2]) -> String {
    if alone <= 0.0 {
        return String::new();
    }
    let percent = (with - alone) / alone * 100.0;
    if percent.abs() < 0.05 { "0 %".to_owned() } else { format!("{percent:+.1} %") }
}
