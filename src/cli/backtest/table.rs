//! What a person reads.

use super::recommend::Recommendation;
use super::report::{Curve, EqualService, Figures, Report, days};
use crate::cli::{
    output::{self, Table},
    spark::{self, Ink},
};

/// Most characters of a sparkline.
const WIDTH: usize = 64;

/// Heading, table, verdict, curves.
pub(super) fn text(report: &Report, ink: Ink) -> String {
    let s = &report.settings;
    let days = (s.until - s.from).num_hours() as f64 / 24.0;
    let mut text = format!(
        "{}: {days:.1} days replayed, {:.1} learned from before; pods ready in {} s, {:.0} replicas at the mean load\n\n",
        report.trace,
        (s.from - s.start).num_hours() as f64 / 24.0,
        s.pod_start_seconds,
        s.replicas_at_mean,
    );
    text += &policies(&report.policies);
    text += &format!("\n{}\n", report.verdict.text);
    text += &format!(
        "Starved: load > ready replicas x {} x {:.2}. The forecast was trusted {:.0} % of the time.\n",
        output::load(s.target_per_replica),
        s.saturation,
        100.0 * report.forecast.trusted_share
    );
    for note in &s.notes {
        text += &format!("Note: {note}.\n");
    }
    if !report.equal_service.is_empty() {
        text += &format!("\n{}", equal(report));
    }
    if let Some(recommendation) = &report.recommendation {
        text += &recommended(recommendation);
    }
    text + "\n" + &curves(report, ink)
}

fn policies(policies: &[Figures]) -> String {
    let mut table = Table::new(&[
        "POLICY",
        "STARVED MIN",
        "STARVED LOAD",
        "LONGEST",
        "POD-HOURS",
        "VS HPA",
        "PEAK",
        "RESCALES",
        "WRITES",
    ]);
    let alone = policies.first().map_or(0.0, |figures| figures.pod_hours);
    for figures in policies {
        table.row(vec![
            figures.policy.to_owned(),
            format!("{:.1}", figures.starved_minutes),
            format!("{:.3} %", 100.0 * figures.starved_load_ratio),
            format!("{:.0} s", figures.longest_starved_seconds),
            format!("{:.1}", figures.pod_hours),
            difference(alone, figures.pod_hours),
            figures.peak_replicas.to_string(),
            figures.rescales.to_string(),
            figures.floor_writes.to_string(),
        ]);
    }
    table.render()
}

fn equal(report: &Report) -> String {
    let s = &report.settings;
    let mut text = format!(
        "At equal service (at most {} % of minutes starved), each policy tuned on {} and judged on the {} after:\n\n",
        100.0 * s.starved_budget,
        days((s.judged_from - s.from).num_hours() as f64 / 24.0),
        days((s.until - s.judged_from).num_hours() as f64 / 24.0)
    );
    let mut table = Table::new(&[
        "POLICY",
        "UTILISATION",
        "STARVED MIN",
        "LONGEST",
        "POD-HOURS",
        "SAVED VS HPA",
        "VS TUNED",
        "SETTING",
    ]);
    for row in &report.equal_service {
        table.row(equal_row(row));
    }
    text += &table.render();
    if let Some(dead) = &report.floorcast_dead_at_peak {
        text += &format!(
            "Dead for an hour at the peak ({}), floorcast starves {:.1} min, {:.0} s at most.\n",
            dead.from.format("%Y-%m-%d %H:%M"),
            dead.starved_minutes,
            dead.longest_starved_seconds
        );
    }
    text
}

/// What to change, what each change buys, and the patch to commit.
fn recommended(recommendation: &Recommendation) -> String {
    let mut table = Table::new(&["SETTINGS ON THE JUDGED DAYS", "STARVED MIN", "LONGEST", "POD-HOURS", "SAVED"]);
    for (i, step) in recommendation.steps.iter().enumerate() {
        table.row(step.row(i));
    }
    let mut text = format!("\n{}\n{}\n", table.render(), recommendation.text);
    if let Some(patch) = recommendation.patch.as_ref().and_then(|patch| patch.yaml().ok()) {
        text += &format!("\nAs a patch for Git (--patch prints it alone):\n\n{patch}");
        for note in &recommendation.notes {
            text += &format!("Note: {note}.\n");
        }
    }
    text
}

fn equal_row(row: &EqualService) -> Vec<String> {
    let percent = |share: f64| format!("{:+.1} %", 100.0 * share);
    let mut setting = row.setting.clone();
    if !row.tuned_within_budget {
        setting += " (no setting keeps the budget)";
    }
    vec![
        row.policy.to_owned(),
        row.utilisation.map_or_else(|| "-".to_owned(), |u| format!("{u} %")),
        format!("{:.1}", row.starved_minutes),
        format!("{:.0} s", row.longest_starved_seconds),
        format!("{:.1}", row.pod_hours),
        percent(row.saved_vs_hpa),
        percent(row.saved_vs_tuned),
        setting,
    ]
}

pub(super) fn difference(alone: f64, with: f64) -> String {
    if alone > 0.0 { format!("{:+.1} %", (with - alone) / alone * 100.0) } else { "-".to_owned() }
}

fn curves(report: &Report, ink: Ink) -> String {
    let line = |label: &str, values: &[f64]| format!("{label:<20}{}\n", spark::line(values, WIDTH, ink));
    let mut text = line("load", &report.curves.load);
    let most =
        report.curves.policies.iter().flat_map(|c| c.replicas.iter().chain(&c.floor)).copied().max().unwrap_or(0);
    for curve in &report.curves.policies {
        text += &policy_curves(curve, most, ink);
    }
    text
}

fn policy_curves(curve: &Curve, most: u32, ink: Ink) -> String {
    let chunk = curve.replicas.len().div_ceil(WIDTH).max(1);
    let line = |label: &str, counts: &[u32]| {
        let values: Vec<f64> = counts.iter().copied().map(f64::from).collect();
        format!("{label:<20}{}\n", spark::scaled(&values, chunk, most.into(), ink))
    };
    let marks: String =
        curve.starved_seconds.chunks(chunk).map(|c| if c.iter().any(|s| *s > 0.0) { '!' } else { ' ' }).collect();
    let replicas = line(&format!("{} replicas", curve.policy), &curve.replicas);
    let floor = line("  floor", &curve.floor);
    let starved = format!("{:<20}{marks}", "  starved").trim_end().to_owned() + "\n";
    replicas + &floor + &starved
}
