//! What is drawn: a workload's half day behind and day ahead, and the day ahead in a thumbnail.

use super::words;
use crate::{
    cli::{output, when},
    html::chart::{Chart, Curve, Dot, NARROW},
    http::api::{Load, Workload},
};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use maud::{Markup, PreEscaped, html};

/// What is shown on either side of now.
const BEHIND: TimeDelta = TimeDelta::hours(12);
const AHEAD: TimeDelta = TimeDelta::hours(24);
/// Between two points of a chart.
const MINUTES: i64 = 5;
/// Size of a thumbnail's own coordinates: four units an hour.
const SPARK: (u32, u32) = (96, 24);

/// The moments of a chart, the first a whole step before all that is shown.
struct Axis {
    from: DateTime<Utc>,
    now: DateTime<Utc>,
}

impl Axis {
    fn new(now: DateTime<Utc>) -> Self {
        let from = (now - BEHIND).duration_trunc(TimeDelta::minutes(MINUTES)).unwrap_or(now);
        Self { from, now }
    }

    /// A value for each point.
    fn values(&self, of: impl Fn(DateTime<Utc>) -> Option<f64>) -> Vec<Option<f64>> {
        let count = (BEHIND + AHEAD).num_minutes() / MINUTES;
        (0..=count).map(|i| of(self.from + TimeDelta::minutes(i * MINUTES))).collect()
    }

    fn chart<'a>(&self, w: &Workload, title: &'a str, description: String, curves: Vec<Curve<'a>>) -> Chart<'a> {
        let now = (self.now - self.from).num_seconds() as f64 / (60 * MINUTES) as f64;
        Chart { description, zone: w.zone(), curves, now: Some(now), ..Chart::new(title, self.from, MINUTES, NARROW) }
    }
}

/// What is needed at an instant, by the plan.
pub(super) fn need_at(w: &Workload, at: DateTime<Utc>) -> Option<u32> {
    w.plan.iter().take_while(|step| step.at <= at).last().map(|step| step.need)
}

/// The load at a past instant: between the middles of two stretches on the line from one to the other.
fn past_load(load: &Load, at: DateTime<Utc>) -> Option<f64> {
    let step = load.recent.step_seconds.max(1);
    let early = at - TimeDelta::seconds(step / 2);
    let into = (early - load.recent.from).num_seconds().rem_euclid(step) as f64 / step as f64;
    let (before, after) = (load.recent.at(early), load.recent.at(early + TimeDelta::seconds(step)));
    match (before, after) {
        (Some(before), Some(after)) => Some(before + into * (after - before)),
        _ => load.recent.at(at),
    }
}

/// Replicas that the load of a past instant asked for: the neediest load's.
fn asked_at(w: &Workload, at: DateTime<Utc>) -> Option<f64> {
    let asked = w.loads.iter().filter_map(|load| Some(past_load(load, at)? / load.per_replica?));
    asked.reduce(f64::max)
}

/// The floor at a past instant as far as the changes tell; without one the base stood.
fn floor_at(w: &Workload, at: DateTime<Utc>) -> Option<u32> {
    let value = match w.history.iter().find(|change| change.at <= at) {
        Some(change) => change.to,
        None => w.history.last()?.from,
    };
    value.or(w.base)
}

/// Replicas: what the load asked for, the floor, and what is planned.
pub(super) fn replicas(w: &Workload, now: DateTime<Utc>) -> Markup {
    let axis = Axis::new(now);
    let past = |at| at <= now;
    let whole = |value: Option<u32>| value.map(f64::from);
    let mut curves = vec![
        Curve { class: "base", name: "base", values: axis.values(|_| whole(w.base)), ..Curve::STEPS },
        Curve {
            class: "load",
            name: "load ÷ target per replica",
            values: axis.values(|at| asked_at(w, at).filter(|_| past(at))),
            ..Curve::LINE
        },
        Curve {
            class: "with",
            name: "needed, by the plan",
            values: axis.values(|at| whole(need_at(w, at)).filter(|_| !past(at))),
            ..Curve::STEPS
        },
        Curve {
            class: "floor",
            name: "floor",
            values: axis.values(|at| whole(floor_at(w, at)).filter(|_| past(at))),
            ..Curve::STEPS
        },
    ];
    let highest = curves.iter().flat_map(|c| &c.values).flatten().copied().fold(0.0, f64::max);
    // A cap far above all that happens would press everything else to the ground.
    if let Some(max) = whole(w.max).filter(|max| *max <= 1.5 * highest) {
        curves.push(Curve { class: "cap", name: "maxReplicas", values: axis.values(|_| Some(max)), ..Curve::STEPS });
    }
    curves.retain(|curve| curve.values.iter().any(Option::is_some));
    let mut chart = axis.chart(w, "Replicas: the last 12 hours and the next 24", said(w, now), curves);
    chart.dots.extend(whole(w.floor).map(|value| Dot { class: "floor", name: "floor now", value }));
    chart.dots.extend(whole(w.current).map(|value| Dot { class: "current", name: "replicas now", value }));
    PreEscaped(chart.figure())
}

/// What there is to see, in a sentence.
fn said(w: &Workload, now: DateTime<Utc>) -> String {
    let number = output::or_dash::<u32>;
    let peak = w.peak.map_or_else(String::new, |peak| {
        format!(" The highest need ahead is {} at {}.", peak.need, when::short(peak.at, now, w.zone()))
    });
    format!(
        "Now {} replicas, base {}, floor {}, {} needed.{peak}",
        number(w.current),
        number(w.base),
        number(w.floor),
        number(w.need)
    )
}

/// A load: what it was, and what is expected.
pub(super) fn load(w: &Workload, load: &Load, now: DateTime<Utc>) -> Markup {
    let axis = Axis::new(now);
    let ahead = |at: DateTime<Utc>| load.forecast.at(at).filter(|_| at >= now);
    let point = axis.values(|at| ahead(at).map(|p| f64::from(p.point)));
    let upper = axis.values(|at| ahead(at).map(|p| f64::from(p.upper)));
    let name = format!("up to the highest of {} of windows", words::percent(w.quantile));
    let curves = vec![
        Curve { class: "band", name: &name, lower: point.clone(), values: upper, steps: false },
        Curve { class: "forecast", name: "expected", values: point, ..Curve::LINE },
        Curve {
            class: "load",
            name: "load",
            values: axis.values(|at| past_load(load, at).filter(|_| at <= now)),
            ..Curve::LINE
        },
    ];
    let curves = curves.into_iter().filter(|curve| curve.values.iter().any(Option::is_some)).collect();
    let title = format!("Load {}: the last 12 hours and its forecast for 24", load.name);
    let highest = load.forecast.iter().max_by(|a, b| a.point.total_cmp(&b.point));
    let peak = highest.map_or_else(String::new, |p| {
        let at = when::short(p.at, now, w.zone());
        format!(" Expected are at most {} at {at}.", output::load(f64::from(p.point)))
    });
    let newest = load.now.map_or_else(|| "unknown".to_owned(), output::load);
    PreEscaped(axis.chart(w, &title, format!("Now {newest}.{peak}"), curves).figure())
}

/// The numbers of the charts, an hour a row.
pub(super) fn numbers(w: &Workload, now: DateTime<Utc>) -> Markup {
    let start = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
    let hours: Vec<DateTime<Utc>> = (-11..=24).map(|hour| start + TimeDelta::hours(hour)).collect();
    let value = |value: Option<f64>| words::load(value);
    html! {
        table {
            caption.unseen { "Load, forecast and need, hour by hour" }
            thead {
                tr {
                    th scope="col" { "Time" } th.n scope="col" { "Needed" }
                    @for load in &w.loads {
                        th.n scope="col" { (load.name) } th.n scope="col" { "expected" } th.n scope="col" { "upper" }
                    }
                }
            }
            tbody {
                @for at in hours {
                    tr {
                        th scope="row" { (words::moment(at, w.zone())) }
                        td.n { (words::number(need_at(w, at).filter(|_| at > now))) }
                        @for load in &w.loads {
                            @let ahead = load.forecast.at(at).filter(|_| at > now);
                            td.n { (value(load.recent.at(at).filter(|_| at <= now))) }
                            td.n { (value(ahead.map(|p| f64::from(p.point)))) }
                            td.n { (value(ahead.map(|p| f64::from(p.upper)))) }
                        }
                    }
                }
            }
        }
    }
}

/// The need of the next 24 hours, of each hour the highest, over a line that is the base.
pub(super) fn spark(w: &Workload, now: DateTime<Utc>) -> Markup {
    let hours: Vec<u32> = (0..24).filter_map(|hour| highest(w, now + TimeDelta::hours(hour))).collect();
    let (width, height) = SPARK;
    let top = hours.iter().copied().chain(w.base).max().unwrap_or(0).max(1);
    let y = |value: u32| height - value.min(top) * (height - 2) / top;
    let mut path = format!("M0 {height}");
    let mut last = None;
    for (i, value) in hours.iter().enumerate() {
        if last.replace(*value) != Some(*value) {
            path += &format!("H{}V{}", i as u32 * 4, y(*value));
        }
    }
    html! {
        @if hours.is_empty() { span.none aria-label="no plan" { "–" } }
        @else {
            svg.spark viewBox={ "0 0 " (width) " " (height) } aria-hidden="true" {
                path d={ (path) "H" (width) "V" (height) "Z" };
                @if let Some(base) = w.base { path.base d={ "M0 " (y(base)) "H" (width) }; }
            }
        }
    }
}

/// The highest need within the hour from an instant on.
fn highest(w: &Workload, from: DateTime<Utc>) -> Option<u32> {
    let within = w.plan.iter().filter(|step| step.at > from && step.at < from + TimeDelta::hours(1)).map(|s| s.need);
    need_at(w, from).into_iter().chain(within).max()
}
