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

/// The floor at a past instant as far as the changes tell, which are those since this process began; where none stood, the base did.
fn floor_at(w: &Workload, at: DateTime<Utc>, began: Option<DateTime<Utc>>) -> Option<u32> {
    let value = match w.history.iter().find(|change| change.at <= at) {
        Some(change) => change.to,
        None if began.is_some_and(|began| began <= at) => w.history.last()?.from,
        None => return None,
    };
    value.or(w.base)
}

/// Replicas: what the load asked for, the floor, those that there were, and what is planned.
pub(super) fn replicas(w: &Workload, began: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Markup {
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
        // Under the floor: while one is held, both are often the same.
        Curve {
            class: "current",
            name: "replicas",
            values: axis.values(|at| whole(w.recent.at(at)).filter(|_| past(at))),
            ..Curve::STEPS
        },
        Curve {
            class: "floor",
            name: "floor",
            values: axis.values(|at| whole(floor_at(w, at, began)).filter(|_| past(at))),
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
    let seen = || w.recent.iter().flatten();
    let were = seen()
        .min()
        .zip(seen().max())
        .map_or_else(String::new, |(least, most)| format!(" There were {least} to {most} replicas lately."));
    format!(
        "Now {} replicas, base {}, floor {}, {} needed.{were}{peak}",
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
pub(super) fn numbers(w: &Workload, began: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Markup {
    let start = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
    let hours: Vec<DateTime<Utc>> = (-11..=24).map(|hour| start + TimeDelta::hours(hour)).collect();
    html! {
        table {
            caption.unseen { "Replicas, floor, need, load and forecast, hour by hour" }
            thead {
                tr {
                    th scope="col" { "Time" } th.n scope="col" { "Replicas" } th.n scope="col" { "Floor" } th.n scope="col" { "Needed" }
                    @for load in &w.loads {
                        th.n scope="col" { (load.name) } th.n scope="col" { "expected" } th.n scope="col" { "upper" }
                    }
                }
            }
            tbody {
                @for at in hours {
                    tr {
                        th scope="row" { (words::moment(at, w.zone())) }
                        td.n { (words::number(w.recent.at(at).filter(|_| at <= now))) }
                        td.n { (words::number(floor_at(w, at, began).filter(|_| at <= now))) }
                        td.n { (words::number(need_at(w, at).filter(|_| at > now))) }
                        @for load in &w.loads {
                            @let ahead = load.forecast.at(at).filter(|_| at > now);
                            td.n { (words::load(load.recent.at(at).filter(|_| at <= now))) }
                            td.n { (words::load(ahead.map(|p| f64::from(p.point)))) }
                            td.n { (words::load(ahead.map(|p| f64::from(p.upper)))) }
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::http::api::{Change, Recent};

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + 60 * minutes, 0).unwrap()
    }

    #[test]
    fn a_past_floor_is_only_told_where_it_is_known() {
        let change = |minute, from, to| {
            Change { at: at(minute), from, to, reasons: Vec::new(), outcome: "written".into() }.into()
        };
        let history = vec![change(60, Some(9), None), change(30, None, Some(9))];
        let w = Workload { base: Some(3), history, ..Workload::default() };
        let told = |minute, began| floor_at(&w, at(minute), began);
        assert_eq!([20, 30, 59, 60].map(|m| told(m, Some(at(10)))), [Some(3), Some(9), Some(9), Some(3)]);
        assert_eq!(told(9, Some(at(10))), None, "before this process began");
        assert_eq!(told(29, None), None);
        assert_eq!(floor_at(&Workload::default(), at(0), Some(at(-5))), None, "nothing changed: nothing is drawn");
    }

    #[test]
    fn a_past_load_runs_through_the_middles_of_its_stretches() {
        let recent = Recent::new(at(0), TimeDelta::minutes(10), [Some(10.0), Some(20.0), None, Some(5.0)]);
        let load = Load { recent, ..Load::default() };
        let told = [0, 5, 10, 15, 20, 25, 39, 40].map(|minute| past_load(&load, at(minute)));
        let wanted = [Some(10.0), Some(10.0), Some(15.0), Some(20.0), None, None, Some(5.0), None];
        assert_eq!(told, wanted, "a gap stays a gap, and nothing is told beyond the ends");
    }

    #[test]
    fn a_thumbnail_shows_the_highest_need_of_each_hour() {
        let plan = [(0, 2), (50, 8), (70, 2)].map(|(minute, need)| crate::http::api::PlanStep { at: at(minute), need });
        let w = Workload { plan: plan.to_vec(), base: Some(4), ..Workload::default() };
        // Of 22 units 8 replicas are all, 2 are 5: 24 - 5 = 19; the second hour begins with 8 too.
        let svg = spark(&w, at(0)).into_string();
        assert!(svg.contains("d=\"M0 24H0V2H8V19H96V24Z\""), "{svg}");
        assert!(spark(&Workload::default(), at(0)).into_string().contains("no plan"));
    }
}
