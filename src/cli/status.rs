//! `status`: all workloads at a glance.

use super::{
    Exit, Failure, Global, local, output,
    output::{Table, or_dash},
    server::Reach,
    when,
};
use crate::http::api::{Status as Process, Workload};
use chrono::{DateTime, Utc};
use clap::Args;

/// All workloads: state, base, floor, need.
#[derive(Debug, Args)]
pub struct Status {
    /// Where to ask.
    #[command(flatten)]
    pub reach: Reach,
}

/// Asks and prints.
pub async fn run(global: &Global, command: &Status) -> Result<Exit, Failure> {
    let (process, mut list) = command.reach.everything(global).await?;
    list.workloads.retain(|w| global.wants(&w.namespace));
    output::print(global.output, &list, |list| table(&process, &list.workloads, Utc::now()))?;
    Ok(Exit::Done)
}

/// What a person reads: the process in a few lines, then a line per workload, then what they should know.
pub fn table(process: &Process, workloads: &[Workload], now: DateTime<Utc>) -> String {
    let mut text = header(process, now);
    if workloads.is_empty() {
        text.push_str("\nNo workload is opted in. Annotate an HPA with floorcast.io/mode: shadow to begin.\n");
        return text;
    }
    let mut table =
        Table::new(&["NAMESPACE", "HPA", "MODE", "STATE", "BASE", "FLOOR", "NEED", "CURRENT", "MAX", "PEAK"]);
    for w in workloads {
        let peak = w.peak.map(|p| format!("{} {}", p.need, when::relative(p.at, now)));
        table.row(vec![
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
        ]);
    }
    text.push('\n');
    text.push_str(&table.render());
    text.push_str(&notes(workloads));
    text
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
    let blocking: Vec<String> =
        all.filter(|(_, n)| n.blocks).map(|(w, n)| format!("{}: {}: {}\n", w.key(), n.code, n.text)).collect();
    if blocking.is_empty() { String::new() } else { format!("\n{}", blocking.concat()) }
}
