//! `report`: a fleet in shadow mode over weeks, from the daemon's own metrics in Prometheus.

mod judge;

use self::judge::{Advice, Figures, Track};
use super::{Exit, Failure, Global, Output, called, explain, listing::Listing, output, output::Table};
use crate::{
    config::{self, period},
    datasource::{RangeQuery, Reader, promql},
    http::api::VERSION,
};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use serde::Serialize;
use std::{collections::BTreeMap, path::PathBuf};

/// Time between two looks at the metrics. The HPA controller acts every 15 s, but replicas that a floor would have had ready
/// minutes before do not come and go between two of these.
const STEP: TimeDelta = TimeDelta::minutes(5);
/// Less than this in shadow mode has not seen a week yet.
const SHORT: f64 = 7.0 * 24.0;

/// Who of a fleet in shadow mode would gain, and what it would cost.
///
/// Reads from Prometheus what the daemon's own metrics said while workloads were in shadow mode: the floor it would have held,
/// and the replicas that the HPA ran without it. A raise by the HPA that the floor had made already is one that floorcast
/// would have been ahead of; a floor of which less than half was used is a false raise.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    floorcast report --config floorcast.yaml\n  \
    floorcast report --config floorcast.yaml -n shop --days 7 -o json\n\n\
    floorcast backtest NAMESPACE/NAME tells starved minutes, for workloads that are not opted in too.")]
pub struct Report {
    /// The daemon's configuration: its default datasource must scrape floorcast
    #[arg(long, short, value_name = "FILE", env = "FLOORCAST_CONFIG")]
    pub config: PathBuf,
    /// Days to look back
    #[arg(long, value_name = "DAYS", default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=90))]
    pub days: u16,
    /// Which.
    #[command(flatten)]
    pub listing: Listing,
}

/// What `-o json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    version: &'static str,
    datasource: String,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    step_seconds: i64,
    /// Those first that would gain most.
    workloads: Vec<Line>,
    total: Figures,
}

/// One workload.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    namespace: String,
    hpa: String,
    advice: Advice,
    #[serde(flatten)]
    figures: Figures,
}

/// Asks and prints.
pub async fn run(global: &Global, command: &Report) -> Result<Exit, Failure> {
    let reader = explain::reader(&config::load(&command.config)?)?;
    let seconds = STEP.num_seconds();
    let to = DateTime::from_timestamp(Utc::now().timestamp() / seconds * seconds, 0).unwrap_or_default();
    let from = to - TimeDelta::days(command.days.into());
    let chosen = command.listing.chosen(global).await?;
    let tracks = tracks(&reader, global.namespace.as_deref(), from, to).await?;
    let mut workloads: Vec<Line> =
        tracks.iter().filter(|((namespace, hpa), _)| chosen.has(namespace, hpa)).filter_map(line).collect();
    if workloads.is_empty() {
        return Err(nothing(&reader, global, command));
    }
    workloads.sort_by(|a, b| b.figures.gain().total_cmp(&a.figures.gain()));
    let total = workloads.iter().fold(Figures::default(), |sum, line| sum.plus(&line.figures));
    let datasource = reader.name().to_owned();
    let answer = Answer { version: VERSION, datasource, from, to, step_seconds: seconds, workloads, total };
    let names: Vec<&str> = answer.workloads.iter().map(|line| line.hpa.as_str()).collect();
    let (wide, bare) = (global.output == Output::Wide, command.listing.no_headers);
    output::print_named(&global.output, &answer, &names, |answer| {
        if bare { table(answer, wide).bare(true).render() } else { text(answer, wide) }
    })?;
    Ok(Exit::Done)
}

fn nothing(reader: &Reader, global: &Global, command: &Report) -> Failure {
    let days = command.days;
    let mut place =
        global.namespace.as_ref().map_or_else(String::new, |namespace| format!(" in namespace {namespace}"));
    place += &command.listing.selector.as_ref().map_or_else(String::new, |labels| format!(" with labels {labels}"));
    Failure::new(
        Exit::No,
        format!(
            "datasource {} has no floorcast metrics of a workload in shadow mode{place} in the last {days} days; does it scrape \
             floorcast (see floorcast doctor), and is a workload opted in? floorcast enable NAME begins, floorcast backtest tells \
             from the load's own history without waiting",
            reader.name()
        ),
    )
}

/// Each workload's past, by namespace and name.
async fn tracks(
    reader: &Reader,
    namespace: Option<&str>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<BTreeMap<(String, String), Track>, Failure> {
    let selector = namespace.map_or_else(String::new, |name| format!("namespace={}", promql::literal(name)));
    let length = ((to - from).num_seconds() / STEP.num_seconds()) as usize;
    let mut tracks: BTreeMap<(String, String), Track> = BTreeMap::new();
    // Shadow mode first: what was never in it is not kept.
    for (i, metric) in ["mode", "base_replicas", "floor_replicas", "current_replicas"].into_iter().enumerate() {
        let mode = if metric == "mode" { "mode=\"shadow\"," } else { "" };
        let told = explain::of_leader(&format!("workload_{metric}"), &format!("{mode}{selector}"));
        let query = format!("max by (namespace, hpa) ({told})");
        reader.begin_tick();
        let asked = RangeQuery { query, start: from, end: to, step: STEP };
        let rows = reader.table(Utc::now(), &asked).await.map_err(|e| Failure::unreachable(e.to_string()))?;
        for (mut labels, answer) in rows {
            let (Some(namespace), Some(hpa)) = (labels.remove("namespace"), labels.remove("hpa")) else { continue };
            let key = (namespace, hpa);
            if i == 0 {
                tracks.insert(key.clone(), Track::unknown(length));
            }
            let Some(track) = tracks.get_mut(&key) else { continue };
            let into = [&mut track.shadow, &mut track.base, &mut track.floor, &mut track.current];
            let series = &answer.series;
            for (at, value) in series.values().iter().enumerate() {
                let place = (series.time(at) - from).num_seconds() / STEP.num_seconds();
                if let Some(slot) = usize::try_from(place).ok().and_then(|place| into[i].get(place)) {
                    slot.set(*value);
                }
            }
        }
    }
    Ok(tracks)
}

fn line(((namespace, hpa), track): (&(String, String), &Track)) -> Option<Line> {
    let figures = judge::judge(track, STEP);
    let known = figures.shadow_hours > 0.0;
    known.then(|| Line { namespace: namespace.clone(), hpa: hpa.clone(), advice: figures.advice(), figures })
}

/// A line per workload.
fn table(answer: &Answer, wide: bool) -> Table {
    let mut headings =
        vec!["HPA", "ADVICE", "DAYS", "RAISED", "AHEAD", "PARTLY", "MISSED", "FLOORS", "FALSE", "POD-HOURS", "EXTRA"];
    if wide {
        headings.push("EXTRA-POD-HOURS");
    }
    let mut table = Table::new(&headings);
    for line in &answer.workloads {
        let f = &line.figures;
        let mut cells = vec![
            format!("{}/{}", line.namespace, line.hpa),
            line.advice.as_str().to_owned(),
            format!("{:.1}", f.shadow_hours / 24.0),
            f.rises.to_string(),
            f.ahead.to_string(),
            f.partly.to_string(),
            f.missed.to_string(),
            f.floors.to_string(),
            f.false_floors.to_string(),
            format!("{:.0}", f.pod_hours),
            percent(f),
        ];
        if wide {
            cells.push(format!("{:.1}", f.extra_pod_hours));
        }
        table.row(cells);
    }
    table
}

/// What a person reads.
fn text(answer: &Answer, wide: bool) -> String {
    let days = period::written(answer.to - answer.from);
    let mut text = format!("shadow mode over {days}, from the metrics in datasource {}\n\n", answer.datasource);
    text += &table(answer, wide).render();
    let gaining = answer.workloads.iter().filter(|line| line.advice == Advice::Enable).count();
    let (all, total) = (answer.workloads.len(), &answer.total);
    text += &format!(
        "\n{gaining} of {all} would gain. Of {} raises by HPAs floors would have been ahead of {}, partly of {}, and missed {}; {} of {} \
         floors were raised for less than half of their use; {:.0} pod-hours more ({}).\n",
        total.rises,
        total.ahead,
        total.partly,
        total.missed,
        total.false_floors,
        total.floors,
        total.extra_pod_hours,
        percent(total)
    );
    let short: Vec<String> = answer
        .workloads
        .iter()
        .filter(|line| line.figures.shadow_hours < SHORT)
        .map(|line| format!("{}/{}", line.namespace, line.hpa))
        .collect();
    if !short.is_empty() {
        text += &format!("Not yet a week in shadow mode: {}.\n", short.join(", "));
    }
    if let Some(first) = answer.workloads.iter().find(|line| line.advice == Advice::Enable) {
        text += &format!("next: {} enable {} -n {} --mode live\n", called(), first.hpa, first.namespace);
    }
    text
}

/// Pod-hours more, of those that ran.
fn percent(figures: &Figures) -> String {
    figures.extra_ratio.map_or_else(|| "-".to_owned(), |ratio| format!("+{:.1} %", ratio * 100.0))
}
