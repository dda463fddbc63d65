//! What a person reads: who wins where, by how much, and trace by trace.

use super::{
    Evaluate,
    answer::{Answer, Figures, Measured, REFERENCE, Row},
    counted,
};
use crate::{cli::paint::Paint, config::period};
use floorcast_models::forecast::Choice;

/// A row of a grid: its name, and a figure for each column where there is one.
type Line = (String, Vec<Option<f64>>);

/// A target, as its column is headed.
type Column = (&'static str, String);

/// Heading, verdict, grids.
pub(super) fn text(answer: &Answer, command: &Evaluate, paint: Paint) -> String {
    let mut text = format!("{}\n", paint.strong(&heading(answer, command)));
    if !answer.geometric_mean.is_empty() {
        text += &format!("{}\n{}", verdict(&answer.geometric_mean, paint), over_all(answer, command, paint));
    }
    let referred = |trace: &&Measured| trace.targets.iter().any(|f| f.relative.wape.is_some());
    let (with, without): (Vec<&Measured>, Vec<&Measured>) = answer.traces.iter().partition(referred);
    if !with.is_empty() {
        text += &format!("\n{}", by_trace(&with, paint));
    }
    for trace in without {
        text += &format!("\n{}", absolute(trace, paint));
    }
    text
}

fn heading(answer: &Answer, command: &Evaluate) -> String {
    let days = command.days.map_or_else(
        || "the last 7 days of each (4 where it has fewer than 24)".to_owned(),
        |days| format!("the last {} of each", counted(days as usize, "day")),
    );
    let history = period::written(command.history.get());
    format!("{}, {days}, at most {history} of history", counted(answer.traces.len(), "trace"))
}

/// How often the first model asked for is best, for error and for loss.
fn verdict(rows: &[Row], paint: Paint) -> String {
    let columns = columns(rows.iter().map(|r| (r.target, &r.horizon)));
    let model = rows.first().map_or(REFERENCE, |row| row.model);
    let wins = |figure: fn(&Row) -> Option<f64>| {
        let best = columns.iter().filter_map(|(target, horizon)| {
            let here = rows.iter().filter(|r| r.target == *target && r.horizon == *horizon);
            here.filter(|r| figure(r).is_some())
                .min_by(|a, b| figure(a).unwrap_or(f64::NAN).total_cmp(&figure(b).unwrap_or(f64::NAN)))
        });
        best.filter(|best| best.model == model).count()
    };
    let (error, loss, all) = (wins(|r| r.relative.wape), wins(|r| r.relative.pinball), columns.len());
    let text = format!("{model} has the lowest error at {error} of {all} targets, the lowest loss at {loss} of {all}.");
    if error == all && loss == all { paint.good(&text) } else { text }
}

fn over_all(answer: &Answer, command: &Evaluate, paint: Paint) -> String {
    let rows = &answer.geometric_mean;
    let columns = columns(rows.iter().map(|r| (r.target, &r.horizon)));
    let lines = |figure: fn(&Row) -> Option<f64>| -> Vec<Line> {
        let line = |model: &'static str| {
            let of = |(target, horizon): &Column| {
                let row = rows.iter().find(|r| r.model == model && r.target == *target && r.horizon == *horizon);
                row.and_then(figure)
            };
            (model.to_owned(), columns.iter().map(of).collect())
        };
        models(rows.iter().map(|r| r.model)).into_iter().map(line).collect()
    };
    let level = command.quantile.0;
    let of = match rows.iter().map(|r| r.traces).max() {
        Some(n) if n > 1 => format!(", geometric mean of {n} traces"),
        _ => String::new(),
    };
    let share = |v: f64| format!("{v:.3}");
    let percent = |v: f64| format!("{:.1}", 100.0 * v);
    [
        grid(
            &format!("Error: WAPE relative to last week{of}; lower is better, * best"),
            &columns,
            &lines(|r| r.relative.wape),
            share,
            true,
            paint,
        ),
        grid(
            &format!("Upper quantile {level}: pinball loss relative to last week{of}; lower is better, * best"),
            &columns,
            &lines(|r| r.relative.pinball),
            share,
            true,
            paint,
        ),
        grid(
            &format!("Coverage of the upper quantile in percent; {} wanted", percent(level)),
            &columns,
            &lines(|r| r.coverage),
            percent,
            false,
            paint,
        ),
    ]
    .map(|grid| format!("\n{grid}"))
    .concat()
}

/// The first model's WAPE in percent, trace by trace, and the best other's name where that is better.
fn by_trace(traces: &[&Measured], paint: Paint) -> String {
    let columns = columns(traces.iter().flat_map(|t| t.targets.iter().map(|f| (f.target, &f.horizon))));
    let model = traces[0].targets.first().map_or(REFERENCE, |f| f.model);
    let lines: Vec<Line> = traces
        .iter()
        .map(|trace| {
            let of = |column: &Column| figure(trace, model, column);
            (stem(&trace.trace), columns.iter().map(of).collect())
        })
        .collect();
    let title = format!("{model} trace by trace: WAPE in percent of the load");
    grid(&title, &columns, &lines, |v| format!("{:.2}", 100.0 * v), false, paint)
}

/// All models on a trace that has nothing to be relative to.
fn absolute(trace: &Measured, paint: Paint) -> String {
    let columns = columns(trace.targets.iter().map(|f| (f.target, &f.horizon)));
    let named = models(trace.targets.iter().map(|f| f.model)).into_iter().filter(|m| *m != REFERENCE);
    let lines: Vec<Line> = named
        .map(|model| (model.to_owned(), columns.iter().map(|column| figure(trace, model, column)).collect()))
        .collect();
    let title = format!("{}: WAPE in percent of the load; lower is better, * best", stem(&trace.trace));
    grid(&title, &columns, &lines, |v| format!("{:.2}", 100.0 * v), true, paint)
}

fn figure(trace: &Measured, model: &str, (target, horizon): &Column) -> Option<f64> {
    let wanted = |f: &&Figures| f.model == model && f.target == *target && f.horizon == *horizon;
    trace.targets.iter().find(wanted).and_then(|f| f.wape)
}

fn stem(file: &str) -> String {
    std::path::Path::new(file).file_stem().map_or_else(|| file.to_owned(), |s| s.to_string_lossy().into_owned())
}

/// Targets, each once, in their order.
fn columns<'a>(targets: impl Iterator<Item = (&'static str, &'a String)>) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for (target, horizon) in targets {
        if !columns.iter().any(|(t, h)| *t == target && h == horizon) {
            columns.push((target, horizon.clone()));
        }
    }
    columns
}

/// Models, each once: `auto` first, the reference last.
fn models(names: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut models: Vec<&'static str> = Vec::new();
    for name in names {
        if !models.contains(&name) {
            models.push(name);
        }
    }
    models.sort_by_key(|name| (*name == REFERENCE, *name != Choice::Auto.as_str()));
    models
}

/// Aligned columns; the lowest figure of each with a star where that is asked for.
fn grid(
    title: &str,
    columns: &[Column],
    lines: &[Line],
    show: impl Fn(f64) -> String,
    best: bool,
    paint: Paint,
) -> String {
    let lowest = |c: usize| lines.iter().filter_map(|(_, figures)| figures[c]).min_by(f64::total_cmp);
    let name = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let heads = columns.iter().map(|(target, horizon)| match *target {
        "value" => format!("{horizon:>8} "),
        _ => format!("{:>9} ", format!("max {horizon}")),
    });
    let heads: String = heads.collect();
    let mut text = format!("{}\n{:name$}{}\n", paint.strong(title), "", heads.trim_end());
    for (label, figures) in lines {
        let cells = figures.iter().enumerate().map(|(c, figure)| {
            let wins = best && lines.len() > 1 && figure.is_some() && *figure == lowest(c);
            let shown = figure.map_or_else(|| "-".to_owned(), &show);
            let width = if columns[c].0 == "value" { 8 } else { 9 };
            if wins { paint.good(&format!("{shown:>width$}*")) } else { format!("{shown:>width$} ") }
        });
        text += &format!("{label:name$}{}\n", cells.collect::<String>().trim_end());
    }
    text
}
