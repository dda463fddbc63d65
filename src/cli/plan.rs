//! `plan`: the next 24 h of one workload.

use super::{
    Exit, Failure, Global, Output,
    listing::{Changes, Watch, again},
    near,
    output::{Table, or_dash},
    server::Reach,
    spark,
    spark::Ink,
    when,
};
use crate::{
    config::period,
    http::api::{PlanStep, Workload},
};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use clap::Args;

/// Characters of the sparkline: one per half hour of a day.
const WIDTH: usize = 48;
/// Lines of the table; further changes are counted, and shown with `-o wide`.
const LINES: usize = 24;

/// The next 24 h of one workload.
#[derive(Debug, Args)]
pub struct Plan {
    /// The HPA, as NAME or NAMESPACE/NAME
    pub hpa: String,
    /// The table alone, without headings: a moment and the need from then on
    #[arg(long)]
    pub no_headers: bool,
    /// How long.
    #[command(flatten)]
    pub watch: Watch,
    /// Where to ask.
    #[command(flatten)]
    pub reach: Reach,
}

/// Asks and prints.
pub async fn run(global: &Global, command: &Plan) -> Result<Exit, Failure> {
    let ink = Ink::of_environment();
    let lines = if global.output == Output::Wide { usize::MAX } else { LINES };
    let mut changes = Changes::default();
    let show = |workload: &Workload| {
        let first = changes.is_first();
        // The plan's beginning moves with every tick; what is needed after it is the news.
        let needs: Vec<PlanStep> = changed(&workload.plan).into_iter().skip(1).collect();
        if !changes.is_new((workload.mode.clone(), workload.need, needs, workload.schedule.clone())) {
            return Ok(true);
        }
        again(global, first, workload, |w| {
            if command.no_headers {
                steps(&w.plan, Utc::now(), w.zone(), usize::MAX, true)
            } else {
                text(w, Utc::now(), ink, lines)
            }
        })
    };
    command.watch.over(|| fetch(global, &command.reach, &command.hpa), show).await
}

/// The workload that a person means by `NAME` or `NAMESPACE/NAME`.
pub(super) async fn fetch(global: &Global, reach: &Reach, name: &str) -> Result<Workload, Failure> {
    let (namespace, hpa) = global.named(name)?;
    let namespace = match namespace {
        Some(namespace) => namespace,
        None => context_namespace(global).await,
    };
    match reach.workload(global, &namespace, &hpa).await? {
        Some(workload) => Ok(workload),
        None => Err(unknown(global, reach, &namespace, &hpa).await),
    }
}

/// The daemon does not know it: what it knows instead.
async fn unknown(global: &Global, reach: &Reach, namespace: &str, hpa: &str) -> Failure {
    let everywhere = Global { namespace: None, ..global.clone() };
    let known = if reach.local {
        Vec::new()
    } else {
        reach.everything(&everywhere).await.map(|(_, list)| list.workloads).unwrap_or_default()
    };
    let known: Vec<(String, String)> = known.into_iter().map(|w| (w.namespace, w.hpa)).collect();
    let remedy = near::remedy(namespace, hpa, &known).unwrap_or_else(|| "see floorcast status".to_owned());
    let why = "it does not exist, or nobody opted it in (an opt-in is seen within seconds)";
    Failure::new(Exit::No, format!("floorcast knows no HPA {namespace}/{hpa}: {why}; {remedy}"))
}

pub(super) async fn context_namespace(global: &Global) -> String {
    let clients = crate::kubernetes::connect(&global.source()).await;
    clients.map_or_else(|_| "default".to_owned(), |c| c.namespace)
}

/// The first lines of `plan` and `explain`: what stands now.
pub(super) fn headline(w: &Workload) -> String {
    let lead = if w.lead.seconds > 0 {
        format!(" · lead time {} ({})", period::written(TimeDelta::seconds(w.lead.seconds)), w.lead.source)
    } else {
        String::new()
    };
    format!(
        "{} ({}) · {} · {}\nbase {} · floor {} · need {} · current {} · max {}{lead}\n",
        w.key(),
        w.target,
        w.mode,
        w.state,
        or_dash(w.base),
        or_dash(w.floor),
        or_dash(w.need),
        or_dash(w.current),
        or_dash(w.max),
    )
}

/// What a person reads.
pub fn text(w: &Workload, now: DateTime<Utc>, ink: Ink, lines: usize) -> String {
    let mut text = headline(w);
    let (Some(first), Some(last)) = (w.plan.first(), w.plan.last()) else {
        text.push_str("\nThere is no plan");
        text.push_str(
            &w.notes
                .iter()
                .find(|n| n.blocks)
                .map_or_else(|| ": see floorcast explain\n".to_owned(), |note| format!(": {}\n", note.text)),
        );
        return text;
    };
    let zone = w.zone();
    let needs: Vec<f64> = w.plan.iter().map(|s| f64::from(s.need)).collect();
    let curve = spark::line(&needs, WIDTH, ink);
    let (from, to) = (when::short(first.at, now, zone), when::short(last.at, now, zone));
    text.push_str(&format!("\n{from} {curve} {to}  replicas needed, {}\n", zone.name()));
    if let Some(peak) = w.peak {
        let (at, far) = (when::short(peak.at, now, zone), when::relative(peak.at, now));
        text.push_str(&format!("peak {} at {at} ({far})\n", peak.need));
    }
    text.push('\n');
    text.push_str(&steps(&w.plan, now, zone, lines, false));
    text.push_str(&schedule(w, now, zone));
    text
}

/// The scheduled windows of the next day: nothing where there are none.
pub(super) fn schedule(w: &Workload, now: DateTime<Utc>, zone: Tz) -> String {
    if w.schedule.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["SCHEDULED", "UNTIL", "REPLICAS", "WINDOW"]);
    for o in w.schedule.iter().take(LINES) {
        let (from, to) = (when::short(o.from, now, zone), when::short(o.to, now, zone));
        table.row(vec![from, to, o.replicas.to_string(), o.window.clone()]);
    }
    format!("\n{}", table.render())
}

/// The moments from which another number is needed.
fn changed(plan: &[PlanStep]) -> Vec<PlanStep> {
    let changes = plan.iter().enumerate().filter(|(i, s)| *i == 0 || plan[i - 1].need != s.need);
    changes.map(|(_, step)| *step).collect()
}

/// A line for each change of the need.
fn steps(plan: &[PlanStep], now: DateTime<Utc>, zone: Tz, lines: usize, bare: bool) -> String {
    let mut table = Table::new(&["FROM", "NEED"]).bare(bare);
    let changes = changed(plan);
    for step in changes.iter().take(lines) {
        table.row(vec![when::short(step.at, now, zone), step.need.to_string()]);
    }
    let mut text = table.render();
    if changes.len() > lines {
        let more = changes.len() - lines;
        text.push_str(&format!("… {more} further change{}; -o wide shows all\n", if more == 1 { "" } else { "s" }));
    }
    text
}
