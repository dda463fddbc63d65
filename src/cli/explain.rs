//! `explain`: why a floor is what it is.

mod past;

pub(in crate::cli) use past::{of_leader, reader};

use super::{
    Exit, Failure, Global,
    listing::{Changes, Watch, again},
    output::{load, or_dash},
    plan::{fetch, headline, schedule},
    server::Reach,
    when,
};
use crate::http::api::{Load, Reason, Workload};
use chrono::{DateTime, Utc};
use clap::Args;

/// Why a workload's floor is what it is.
#[derive(Debug, Args)]
pub struct Explain {
    /// The HPA, as NAME or NAMESPACE/NAME
    pub hpa: String,
    /// Why it was at a past moment, from the daemon's own metrics in Prometheus: RFC 3339, or how long ago, such as 2h30m
    #[arg(long, value_name = "TIME", requires = "config", conflicts_with = "watch")]
    pub at: Option<String>,
    /// How long.
    #[command(flatten)]
    pub watch: Watch,
    /// Where to ask.
    #[command(flatten)]
    pub reach: Reach,
}

/// Asks and prints.
pub async fn run(global: &Global, command: &Explain) -> Result<Exit, Failure> {
    let now = Utc::now();
    if let (Some(at), Some(config)) = (&command.at, &command.reach.config) {
        let at = when::past(at, now).map_err(|e| Failure::misused(format!("--at {e}")))?;
        return past::run(global, &command.hpa, at, config).await;
    }
    let mut changes = Changes::default();
    let show = |w: &Workload| {
        let first = changes.is_first();
        let codes = |reasons: &[Reason]| reasons.iter().map(|r| r.code.clone()).collect::<Vec<_>>();
        let figures = (w.mode.clone(), w.state.clone(), w.base, w.floor, w.current, w.max);
        if !changes.is_new((figures, codes(&w.reasons), w.notes.clone(), w.history.clone())) {
            return Ok(true);
        }
        again(global, first, w, |w| text(w, Utc::now()))
    };
    command.watch.over(|| fetch(global, &command.reach, &command.hpa), show).await
}

/// What a person reads.
pub fn text(w: &Workload, now: DateTime<Utc>) -> String {
    let mut text = headline(w);
    let zone = w.zone();
    if let Some(until) = w.until {
        text.push_str(&format!("held until {} ({})\n", when::short(until, now, zone), when::relative(until, now)));
    }
    section(&mut text, "Why", w.reasons.iter().map(|r| format!("{}: {}", r.code, r.text)));
    section(&mut text, "Mind", w.notes.iter().map(|n| format!("{}: {}", n.code, n.text)));
    text.push_str(&schedule(w, now, zone));
    for load in &w.loads {
        text.push_str(&of_load(load, w.quantile));
    }
    let changes = w.history.iter().map(|c| {
        let why = c.reasons.iter().map(|r| r.code.as_str()).collect::<Vec<_>>().join(", ");
        format!("{}  {} → {}  {} ({why})", when::short(c.at, now, zone), or_dash(c.from), or_dash(c.to), c.outcome)
    });
    section(&mut text, "Last changes", changes);
    text
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        text.push_str(&format!("\n{title}\n"));
        lines.for_each(|line| text.push_str(&format!("  {line}\n")));
    }
}

fn of_load(l: &Load, quantile: f64) -> String {
    let mut text = String::new();
    let mut lines = vec![format!("datasource {}: {}", l.datasource, l.query.replace('\n', "\n    "))];
    lines.extend(l.explain.iter().cloned());
    if let Some(per_replica) = l.per_replica {
        lines.push(format!("one replica carries {}", load(per_replica)));
    }
    if let Some(now) = l.now {
        let age = l.sample_age_seconds.map(|s| format!(", {s} s old")).unwrap_or_default();
        lines.push(format!("now {}{age}", load(now)));
    }
    if let Some(model) = &l.model {
        let weights: Vec<String> = l
            .weights
            .iter()
            .filter(|w| w.weight >= 0.005)
            .map(|w| format!("{} {:.0} %", w.model, w.weight * 100.0))
            .collect();
        let mixture = if weights.is_empty() { String::new() } else { format!(" ({})", weights.join(", ")) };
        lines.push(format!("model {model}{mixture}"));
    }
    if let Some(score) = l.score {
        let naive = score.mase.map(|mase| format!(", {mase:.2} of the naive forecast's")).unwrap_or_default();
        lines.push(format!(
            "backtest: error {:.1} % of the load{naive}; {:.1} % of windows covered, {:.1} % wanted",
            score.wape * 100.0,
            score.coverage * 100.0,
            quantile * 100.0
        ));
    }
    if let Some(coverage) = l.coverage {
        lines.push(format!("lately {:.1} % of windows covered", coverage * 100.0));
    }
    if let Some(trust) = &l.trust {
        lines.push(format!("{}: {}", if trust.trusted { "trusted" } else { "not trusted" }, trust.why));
    }
    lines.extend(l.notes.iter().cloned());
    section(&mut text, &format!("Load {}", l.name), lines.into_iter());
    text
}
