//! A report as a page: one file, no network, no script; light and dark, on paper and on a phone.

use super::{
    recommend::Recommendation,
    report::{Curves, EqualService, Figures, Report},
    table::difference,
};
use crate::html::{
    CHART_STYLE,
    chart::{self, Chart, Curve},
    escaped,
};
use chrono::TimeDelta;

/// Around a worst moment so many points are shown on either side: three hours.
const AROUND: usize = 12;
/// So many worst moments are enlarged.
const MOMENTS: usize = 3;
const STYLE: &str = include_str!("html/style.css");

/// The whole page.
pub(super) fn page(report: &Report) -> String {
    let name = escaped(&report.trace);
    let s = &report.settings;
    let days = (s.until - s.from).num_minutes() as f64 / 1440.0;
    let mut body = format!(
        "<header><h1>{name}</h1><p class=\"verdict\">{}</p><p>{days:.1} days replayed, from {} to {} UTC; pods ready in {} s, {:.0} \
         replicas at the mean load. The forecast was trusted {:.0} % of the time.</p></header>\n",
        escaped(&report.verdict.text),
        s.from.format("%F %H:%M"),
        s.until.format("%F %H:%M"),
        s.pod_start_seconds,
        s.replicas_at_mean,
        100.0 * report.forecast.trusted_share
    );
    body += &section("What each policy would have done", &policies(&report.policies));
    let whole = 0..report.curves.load.len();
    body += &section("Load and forecast", &load(report, whole.clone()).figure());
    body += &section("Replicas and floor", &replicas(report, whole).figure());
    body += &moments(report);
    if !report.equal_service.is_empty() {
        body += &section("At equal service", &equal(report));
    }
    if let Some(recommendation) = &report.recommendation {
        body += &section("What to change", &recommended(recommendation));
    }
    body += &section("Settings", &settings(report));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><title>floorcast backtest: \
         {name}</title><style>{STYLE}{CHART_STYLE}</style></head><body><main>\n{body}</main></body></html>\n"
    )
}

fn section(title: &str, content: &str) -> String {
    format!("<section><h2>{title}</h2>{content}</section>\n")
}

fn policies(policies: &[Figures]) -> String {
    let alone = policies.first().map_or(0.0, |figures| figures.pod_hours);
    let rows = policies.iter().map(|f| {
        vec![
            f.policy.to_owned(),
            format!("{:.1}", f.starved_minutes),
            format!("{:.0} s", f.longest_starved_seconds),
            format!("{:.1}", f.pod_hours),
            difference(alone, f.pod_hours),
            f.peak_replicas.to_string(),
            f.rescales.to_string(),
            f.floor_writes.to_string(),
        ]
    });
    let head = ["Policy", "Starved minutes", "Longest", "Pod-hours", "vs HPA", "Peak", "Rescales", "Writes"];
    table("Policies at the same setting", &head, rows)
}

fn equal(report: &Report) -> String {
    let s = &report.settings;
    let rows = report.equal_service.iter().map(|row: &EqualService| {
        vec![
            row.policy.to_owned(),
            row.utilisation.map_or_else(|| "–".to_owned(), |u| format!("{u} %")),
            format!("{:.1}", row.starved_minutes),
            format!("{:.1}", row.pod_hours),
            format!("{:+.1} %", 100.0 * row.saved_vs_hpa),
            format!("{:+.1} %", 100.0 * row.saved_vs_tuned),
            row.setting.clone(),
        ]
    });
    let head = ["Policy", "Utilisation", "Starved minutes", "Pod-hours", "Saved vs HPA", "vs tuned", "Setting"];
    format!(
        "<p>At most {} % of minutes starved; each policy tuned on the days before {} and judged on those after.</p>{}",
        100.0 * s.starved_budget,
        s.judged_from.format("%F"),
        table("Policies at equal service", &head, rows)
    )
}

/// What each change buys, and the patch to commit.
fn recommended(recommendation: &Recommendation) -> String {
    let rows = recommendation.steps.iter().enumerate().map(|(i, step)| step.row(i));
    let head = ["Settings on the judged days", "Starved minutes", "Longest", "Pod-hours", "Saved"];
    let told = format!(
        "{}<p>{}</p>",
        table("What each change buys on the judged days", &head, rows),
        escaped(&recommendation.text)
    );
    let Some(patch) = recommendation.patch.as_ref().and_then(|patch| patch.yaml().ok()) else { return told };
    let notes = joined(recommendation.notes.iter().map(|note| format!("<li>{}</li>", escaped(note))));
    format!("{told}<p>As a patch for Git:</p><pre>{}</pre><ul>{notes}</ul>", escaped(&patch))
}

/// Every setting by its name in the JSON, so that nothing is left out.
fn settings(report: &Report) -> String {
    let fields = serde_json::to_value(&report.settings).ok();
    let fields = fields.as_ref().and_then(|value| value.as_object()).into_iter().flatten();
    let rows = fields.filter(|(name, _)| *name != "notes").map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        vec![name.replace('_', " "), text]
    });
    let notes = joined(report.settings.notes.iter().map(|note| format!("<li>{}</li>", escaped(note))));
    let notes = if notes.is_empty() { notes } else { format!("<ul>{notes}</ul>") };
    table("Settings of the replay", &["Setting", "Value"], rows) + &notes
}

/// The first column names the row, the others are numbers.
fn table(caption: &str, head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let head = joined(head.iter().map(|cell| format!("<th scope=\"col\">{}</th>", escaped(cell))));
    let row = |cells: Vec<String>| {
        let mut cells = cells.iter().map(|cell| escaped(cell));
        let first = cells.next().unwrap_or_default();
        let rest = joined(cells.map(|cell| format!("<td>{cell}</td>")));
        format!("<tr><th scope=\"row\">{first}</th>{rest}</tr>")
    };
    let rows = joined(rows.map(row));
    let caption = escaped(caption);
    format!(
        "<div class=\"wide\"><table><caption class=\"unseen\">{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

fn load(report: &Report, range: std::ops::Range<usize>) -> Chart<'static> {
    let curves = &report.curves;
    let part = |values: &[f64]| values[range.clone()].iter().copied().map(Some).collect();
    let forecast = curves.forecast.get(range.clone()).unwrap_or_default().to_vec();
    chart(
        report,
        "Load, and what had been forecast as its upper quantile one lead time before",
        range.clone(),
        vec![
            Curve { class: "forecast", name: "forecast, one lead time before", values: forecast, ..Curve::LINE },
            Curve { class: "load", name: "load", values: part(&curves.load), ..Curve::LINE },
        ],
    )
}

fn replicas(report: &Report, range: std::ops::Range<usize>) -> Chart<'static> {
    let (curves, target) = (&report.curves, report.settings.target_per_replica);
    let counts = |values: &[u32]| -> Vec<Option<f64>> {
        values.get(range.clone()).unwrap_or_default().iter().map(|v| Some(f64::from(*v))).collect()
    };
    let of = |policy: &str| curves.policies.iter().find(|c| c.policy == policy);
    let mut shown = Vec::new();
    if let Some(with) = of("floorcast") {
        let (floor, size) = (counts(&with.floor), counts(&with.replicas));
        shown.push(Curve { class: "floor", name: "floor", values: floor, ..Curve::STEPS });
        shown.push(Curve { class: "with", name: "replicas with floorcast", values: size, ..Curve::STEPS });
    }
    if let Some(alone) = of("hpa") {
        let size = counts(&alone.replicas);
        shown.push(Curve { class: "alone", name: "replicas of the HPA alone", values: size, ..Curve::STEPS });
    }
    let need = curves.load[range.clone()].iter().map(|load| Some(load / target)).collect();
    shown.push(Curve { class: "load", name: "load ÷ target per replica", values: need, ..Curve::LINE });
    chart(report, "Replicas with and without floorcast, and the floor", range, shown)
}

/// Marked is where the HPA alone starved.
fn chart<'a>(report: &Report, title: &'a str, range: std::ops::Range<usize>, curves: Vec<Curve<'a>>) -> Chart<'a> {
    let starved = starved(report, "hpa");
    let marks = range.clone().filter(|i| starved.get(*i).is_some_and(|s| *s > 0.0)).map(|i| i - range.start).collect();
    let from = Curves::time(report.settings.from, range.start);
    Chart { curves, marks, ..Chart::new(title, from, Curves::MINUTES, chart::WIDE) }
}

fn starved<'a>(report: &'a Report, policy: &str) -> &'a [f64] {
    report.curves.policies.iter().find(|c| c.policy == policy).map_or(&[], |c| &c.starved_seconds)
}

/// The quarters of an hour in which the HPA alone starved longest, enlarged; each stands for the hours around it.
fn moments(report: &Report) -> String {
    let alone = starved(report, "hpa");
    let mut worst: Vec<usize> = (0..alone.len()).filter(|i| alone[*i] > 0.0).collect();
    worst.sort_by(|a, b| alone[*b].total_cmp(&alone[*a]).then(a.cmp(b)));
    let mut shown: Vec<usize> = Vec::new();
    for i in worst {
        if shown.len() < MOMENTS && shown.iter().all(|j| i.abs_diff(*j) > AROUND) {
            shown.push(i);
        }
    }
    let figures = shown.into_iter().map(|i| {
        let range = i.saturating_sub(AROUND)..(i + AROUND + 1).min(alone.len());
        let sum = |policy| starved(report, policy)[range.clone()].iter().sum::<f64>() / 60.0;
        let at = Curves::time(report.settings.from, i) - TimeDelta::minutes(Curves::MINUTES);
        let (before, after) = (sum("hpa"), sum("floorcast"));
        let told = format!(
            "<h3>{} UTC: {before:.1} min starved by the HPA alone, {after:.1} min with floorcast</h3>",
            at.format("%a %F %H:%M")
        );
        told + &replicas(report, range).figure()
    });
    let figures = joined(figures);
    if figures.is_empty() { figures } else { section("The worst moments", &figures) }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.fold(String::new(), |all, part| all + &part)
}
