//! The arguments, the rendering from fixed values, interruption.

use super::answer::{Figures, Measured, Relative, Row};
use super::*;
use clap::Parser;
use floorcast_models::trace::Trace as Load;

fn asked(arguments: &[&str]) -> Evaluate {
    let arguments = ["floorcast", "evaluate"].iter().chain(arguments);
    match crate::cli::Cli::try_parse_from(arguments).unwrap().command {
        crate::cli::Command::Evaluate(command) => command,
        other => panic!("{other:?}"),
    }
}

#[test]
fn models_and_files_may_come_in_any_order() {
    let command = asked(&["--model", "auto", "a.csv", "b.csv", "--model", "persistence,auto", "--step", "native"]);
    assert_eq!(command.models(), [Choice::Auto, Choice::Persistence]);
    assert_eq!((command.traces.len(), command.step), (2, Some(Step::Native)));
    assert_eq!(asked(&["a.csv"]).models(), Choice::ALL[..11], "all but the slowest");
    assert_eq!(asked(&["a.csv", "--model", "mstl-ets"]).models(), [Choice::MstlEts]);
    let horizons: Vec<i64> = asked(&["a.csv"]).horizon.iter().map(|h| h.get().num_minutes()).collect();
    assert_eq!(horizons, [15, 60, 240, 1440]);
}

#[test]
fn an_unknown_model_is_told_with_what_would_do() {
    let said = |model| {
        crate::cli::Cli::try_parse_from(["floorcast", "evaluate", "a.csv", "--model", model]).unwrap_err().to_string()
    };
    let misspelt = said("profle");
    assert!(misspelt.contains("invalid value 'profle'") && misspelt.contains("'profile'"), "{misspelt}");
    #[cfg(not(feature = "prophet"))]
    assert!(
        said("prophet").contains("prophet is part of builds with `--features prophet` only"),
        "{}",
        said("prophet")
    );
}

fn figures(target: &'static str, model: &'static str, wape: f64, relative: Option<f64>) -> Figures {
    Figures {
        target,
        horizon: "15m".to_owned(),
        model,
        n: 2016,
        wape: Some(wape),
        pinball: Some(1.0),
        coverage: Some(0.95),
        mase: None,
        relative: Relative { wape: relative, pinball: relative },
    }
}

fn row(target: &'static str, model: &'static str, wape: f64, pinball: f64, coverage: f64) -> Row {
    let relative = Relative { wape: Some(wape), pinball: Some(pinball) };
    Row { target, horizon: "15m".to_owned(), model, relative, coverage: Some(coverage), traces: 2 }
}

fn answer() -> Answer {
    let both = |of: &dyn Fn(&'static str) -> Vec<Figures>| [of("value"), of("window_max")].concat();
    let trace = |trace: &str, targets| Measured { trace: trace.to_owned(), step_seconds: 300, targets };
    Answer {
        version: "v1",
        traces: vec![
            trace(
                "a/wc98.csv",
                both(&|t| vec![figures(t, "auto", 0.111, Some(0.3)), figures(t, "lags", 0.2, Some(0.4))]),
            ),
            trace("week.csv", both(&|t| vec![figures(t, "auto", 0.5, None), figures(t, "lags", 0.4, None)])),
        ],
        geometric_mean: ["value", "window_max"]
            .iter()
            .flat_map(|t| {
                [
                    row(t, "auto", 0.285, 0.4, 0.951),
                    row(t, "lags", 0.33, 0.37, 0.9),
                    row(t, "seasonal-naive", 1.0, 1.0, 0.88),
                ]
            })
            .collect(),
    }
}

const GOLDEN: &str = "\
2 traces, the last 7 days of each (4 where it has fewer than 24), at most 4w of history
auto has the lowest error at 2 of 2 targets, the lowest loss at 0 of 2.

Error: WAPE relative to last week, geometric mean of 2 traces; lower is better, * best
                   15m   max 15m
auto             0.285*    0.285*
lags             0.330     0.330
seasonal-naive   1.000     1.000

Upper quantile 0.95: pinball loss relative to last week, geometric mean of 2 traces; lower is better, * best
                   15m   max 15m
auto             0.400     0.400
lags             0.370*    0.370*
seasonal-naive   1.000     1.000

Coverage of the upper quantile in percent; 95.0 wanted
                   15m   max 15m
auto              95.1      95.1
lags              90.0      90.0
seasonal-naive    88.0      88.0

auto trace by trace: WAPE in percent of the load
         15m   max 15m
wc98   11.10     11.10

week: WAPE in percent of the load; lower is better, * best
         15m   max 15m
auto   50.00     50.00
lags   40.00*    40.00*
";

#[test]
fn a_person_sees_who_wins_at_a_glance() {
    let text = table::text(&answer(), &asked(&["a.csv"]), Paint::Plain);
    assert_eq!(text, GOLDEN, "\n{text}");
}

#[test]
fn colour_only_adds_escapes() {
    let mut text = table::text(&answer(), &asked(&["a.csv"]), Paint::Colour);
    assert!(text.contains("\u{1b}[32m"), "{text}");
    for escape in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[32m"] {
        text = text.replace(escape, "");
    }
    assert_eq!(text, GOLDEN);
}

fn laid() -> Laid {
    #[allow(clippy::format_collect)] // a small text, once
    let rows: String = (0..24 * 9).map(|i| format!("{},{}\n", i * 3_600, 10 + i % 24)).collect();
    let protocol = Protocol { days: Some(1), horizons: vec![TimeDelta::hours(2)], ..Protocol::default() };
    Laid::new(Path::new("load.csv"), Span::new(&Load::parse(&rows).unwrap(), &protocol).unwrap())
}

#[test]
fn an_interrupted_replay_has_no_figures() {
    let laid = [laid()];
    assert!(measure(&laid, &[Choice::Auto], &AtomicBool::new(true)).is_none());
    let scored = measure(&laid, &[Choice::Auto, Choice::Persistence], &AtomicBool::new(false)).unwrap();
    let answer = Answer::new(&laid, &[Choice::Auto, Choice::Persistence], scored);
    // The value and the maximum, two models and the reference, in the order asked for.
    let models: Vec<&str> = answer.traces[0].targets.iter().map(|f| f.model).collect();
    assert_eq!(models, ["auto", "persistence", "seasonal-naive", "auto", "persistence", "seasonal-naive"]);
}

#[test]
fn a_horizon_that_is_rounded_is_told() {
    #[allow(clippy::format_collect)] // a small text, once
    let rows: String = (0..48 * 9).map(|i| format!("{},{}\n", i * 1_800, 10 + i % 24)).collect();
    let span = Span::new(&Load::parse(&rows).unwrap(), &Protocol::default()).unwrap();
    let notes = Laid::new(Path::new("load.csv"), span).notes();
    assert_eq!(notes[0], "load.csv: its step is 1800 s, so 15m counts as 30m");
}

#[test]
fn a_trace_of_which_nothing_is_learned_says_why() {
    // Two of five samples are missing.
    #[allow(clippy::format_collect)] // a small text, once
    let rows: String = (0..288 * 9).filter(|i| i % 5 < 3).map(|i| format!("{},5\n", i * 300)).collect();
    let protocol = Protocol { days: Some(1), ..Protocol::default() };
    let span = Span::new(&Load::parse(&rows).unwrap(), &protocol).unwrap();
    let laid = [laid(), Laid::new(Path::new("holes.csv"), span)];
    let scored = measure(&laid, &[Choice::Persistence], &AtomicBool::new(false)).unwrap();
    let notes = work::silent(&laid, &scored);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].starts_with("holes.csv: nothing can be forecast: gaps: 40 % of 216.0 h are missing"), "{notes:?}");
}
