//! `status`: all workloads at a glance.

mod board;

use self::board::Board;
use super::{
    Exit, Failure, Global, Output,
    listing::{Listing, Watch},
    local,
    output::{Table, or_dash},
    server::Reach,
    when,
};
use crate::{
    config::period,
    http::api::{Status as Process, Workload},
};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;

/// All workloads: state, base, floor, need.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    floorcast status -A\n  \
    floorcast status -n shop -l tier=web -w                       what changes, as it changes\n  \
    floorcast status -o name | xargs kubectl describe -n shop\n  \
    floorcast status -o jsonpath='{.workloads[?(@.state==\"Contended\")].hpa}'")]
pub struct Status {
    /// Which.
    #[command(flatten)]
    pub listing: Listing,
    /// How long.
    #[command(flatten)]
    pub watch: Watch,
    /// Where to ask.
    #[command(flatten)]
    pub reach: Reach,
}

/// The process and the workloads that are looked at.
type Seen = (Process, Vec<Workload>);

/// Asks and prints.
pub async fn run(global: &Global, command: &Status) -> Result<Exit, Failure> {
    let view = View { wide: global.output == Output::Wide, bare: command.listing.no_headers };
    let mut board = Board::new(&global.output, view, command.watch.watch);
    command.watch.over(|| look(global, command), |seen| board.show(seen, Utc::now())).await
}

async fn look(global: &Global, command: &Status) -> Result<Seen, Failure> {
    let chosen = command.listing.chosen(global).await?;
    let (process, mut list) = command.reach.everything(global).await?;
    list.workloads.retain(|w| global.wants(&w.namespace) && chosen.has(&w.namespace, &w.hpa));
    Ok((process, list.workloads))
}

/// How much of it a person reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Further columns.
    pub wide: bool,
    /// Rows alone.
    pub bare: bool,
}

/// What a person reads: the process in a few lines, then a line per workload, then what they should know.
pub fn table(process: &Process, workloads: &[Workload], now: DateTime<Utc>, view: View) -> String {
    let rows = rows(workloads, now, view).bare(view.bare).render();
    if view.bare {
        return rows;
    }
    let header = header(process, now);
    if workloads.is_empty() {
        return format!(
            "{header}\nNo workload is opted in. Annotate an HPA with floorcast.io/mode: shadow to begin.\n"
        );
    }
    let notes = notes(workloads);
    let between = if notes.is_empty() { "" } else { "\n" };
    format!("{header}\n{rows}{between}{notes}")
}

fn rows(workloads: &[Workload], now: DateTime<Utc>, view: View) -> Table {
    let mut headings = vec!["NAMESPACE", "HPA", "MODE", "STATE", "BASE", "FLOOR", "NEED", "CURRENT", "MAX", "PEAK"];
    if view.wide {
        headings.extend(["READY", "TARGET", "LEAD", "HELD", "LIMITS", "REASONS"]);
    }
    let mut table = Table::new(&headings);
    for w in workloads {
        let peak = w.peak.map(|p| format!("{} {}", p.need, when::relative(p.at, now)));
        let mut cells = vec![
            w.namespace.clone(),
            w.hpa.clone(),
            w.mode.clone(),
            w.state.clone(),
            or_dash(w.base),
            or_dash(w.floor),
            or_dash(w.need),
            or_dash(w.current),
            or_dash(w.max),
            or_dash(peak),
        ];
        if view.wide {
            cells.extend(further(w, now));
        }
        table.row(cells);
    }
    table
}

/// What `-o wide` adds: words in one cell are parted by commas, so that a cell stays a field for `awk`.
fn further(w: &Workload, now: DateTime<Utc>) -> [String; 6] {
    let lead = (w.lead.seconds > 0).then(|| period::written(TimeDelta::seconds(w.lead.seconds)));
    let joined = |words: Vec<&str>| or_dash((!words.is_empty()).then(|| words.join(",")));
    [
        or_dash(w.ready),
        w.target.clone(),
        or_dash(lead),
        or_dash(w.until.map(|until| when::relative(until, now))),
        joined(w.limited_by.iter().map(String::as_str).collect()),
        joined(w.reasons.iter().map(|reason| reason.code.as_str()).collect()),
    ]
}

fn header(process: &Process, now: DateTime<Utc>) -> String {
    let role = if process.leader { "leader" } else { "standby" };
    let tick =
        process.last_tick.map_or_else(|| "no tick yet".to_owned(), |t| format!("last tick {}", when::relative(t, now)));
    let mut text = if process.identity == local::IDENTITY {
        format!("floorcast {}, recomputed here without a daemon\n", process.version)
    } else {
        format!("floorcast {} on {} ({role}, epoch {}), {tick}\n", process.version, process.identity, process.epoch)
    };
    let mut line = |said: String| text.push_str(&format!("{said}\n"));
    for source in &process.datasources {
        match &source.error {
            Some(error) => line(format!("datasource {}: down: {error}", source.name)),
            None if source.up => line(format!("datasource {}: up", source.name)),
            None => line(format!("datasource {}: not asked yet", source.name)),
        }
    }
    let budget = process.budgets.cluster;
    if budget.allowed > 0 {
        line(format!("budget: {} of {} replicas above base", budget.spent, budget.allowed));
    }
    if !matches!(process.control.as_str(), "" | "run") {
        line(format!("kill switch: {}", process.control));
    }
    for (namespace, word) in &process.control_namespaces {
        line(format!("kill switch in {namespace}: {word}"));
    }
    if !process.config_in_force {
        line(
            "configuration: the file on disk is refused, the last good one is in force; see floorcast config validate"
                .to_owned(),
        );
    }
    for missing in &process.forbidden {
        line(format!("forbidden: {missing}"));
    }
    text
}

fn notes(workloads: &[Workload]) -> String {
    let all = workloads.iter().flat_map(|w| w.notes.iter().map(move |note| (w, note)));
    let lines = all.filter(|(_, n)| n.blocks).map(|(w, n)| format!("{}: {}: {}\n", w.key(), n.code, n.text));
    lines.collect::<Vec<_>>().concat()
}
