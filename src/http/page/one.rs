//! One workload: what stands now, the day ahead, why, and how good its forecast is.

use super::{
    curves,
    fleet::tile,
    frame::Frame,
    link,
    words::{self, Tone},
};
use crate::{
    cli::{output, when},
    http::api::{Change, Load, Snapshot, Workload},
};
use chrono::{DateTime, Utc};
use maud::{Markup, html};

/// Models with less weight than this are not told.
const LIGHT: f64 = 0.005;

/// The page.
pub(super) fn page(snapshot: &Snapshot, w: &Workload, now: DateTime<Utc>) -> Markup {
    let live = html! {
        nav.crumbs aria-label="Breadcrumb" {
            a href="/" { "Fleet" } " / "
            a href=(link::namespace(w)) { (w.namespace) } " / "
            span aria-current="page" { (w.hpa) }
        }
        h1 { (w.hpa) " " (words::chip(w)) }
        p.lead { (w.namespace) " · " (w.target) " · " (w.mode) @if let Some(state) = words::state(w) { " · " (words::meaning(state).1) } }
        (tiles(w, now))
        (notes(w))
        div.columns {
            div {
                section { h2 { "Replicas" } (curves::replicas(w, snapshot.status.started, now)) }
                @for load in &w.loads { section { h2 { "Load: " (load.name) } (curves::load(w, load, now)) } }
                details #numbers { summary { "The numbers of these charts" } div.wide { (curves::numbers(w, snapshot.status.started, now)) } }
            }
            div {
                (reasons(w))
                (schedule(w, now))
                @for load in &w.loads { (score(w, load)) }
            }
        }
        (changes(w))
        @for load in &w.loads { (derivation(load)) }
        p { a href=(link::json(w)) { "All of this as JSON" } }
    };
    let title = w.key();
    Frame { snapshot, title: &title, now }.document(&html! {}, &live)
}

fn tiles(w: &Workload, now: DateTime<Utc>) -> Markup {
    let at = |at: DateTime<Utc>| when::short(at, now, w.zone());
    let until = w.until.map(|until| format!("until {}", at(until))).unwrap_or_default();
    let ready = w.ready.map(|ready| format!("{ready} ready, ")).unwrap_or_default();
    let capped = w.capped.map(|c| format!("of {} needed at {}, {} are allowed", c.need, at(c.at), c.limit));
    let peak = w.peak.map(|peak| format!("at {} ({})", at(peak.at), when::relative(peak.at, now)));
    html! {
        dl.tiles {
            (tile("Base", &number(w.base), "your own floor"))
            (tile("Floor", &number(w.floor), &until))
            (tile("Need now", &number(w.need), "before any guard rail"))
            (tile("Replicas", &number(w.current), &format!("{ready}at most {}", number(w.max))))
            (tile("Peak ahead", &number(w.peak.map(|p| p.need)), &capped.or(peak).unwrap_or_default()))
            @if w.lead.seconds > 0 { (tile("Lead time", &words::span(w.lead.seconds), &w.lead.source)) }
        }
    }
}

fn number(value: Option<u32>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| words::grouped(u64::from(value)))
}

/// What stands against a floor, and what should be known.
fn notes(w: &Workload) -> Markup {
    html! {
        @if !w.notes.is_empty() {
            ul.notes aria-label="To be known" {
                @for note in &w.notes {
                    li class=(if note.blocks { "blocks" } else { "mind" }) { b { (note.code) } " " (note.text) }
                }
            }
        }
    }
}

fn reasons(w: &Workload) -> Markup {
    html! {
        section {
            h2 { "Why" }
            @if w.reasons.is_empty() { p { "Nothing was decided yet." } }
            @else { ol.reasons { @for reason in &w.reasons { li { b { (reason.code) } " " (reason.text) } } } }
            @if let Some(decided) = w.decided { p.soft { "Decided " (words::moment(decided, w.zone())) " (" (w.zone().name()) ")" } }
        }
    }
}

fn schedule(w: &Workload, now: DateTime<Utc>) -> Markup {
    let at = |at: DateTime<Utc>| when::short(at, now, w.zone());
    html! {
        @if !w.schedule.is_empty() {
            section {
                h2 { "Scheduled" }
                ul.reasons { @for o in &w.schedule { li { b { (o.replicas) " replicas" } " " (at(o.from)) " to " (at(o.to)) " " code { (o.window) } } } }
            }
        }
    }
}

/// How good the forecast was, in the backtest and lately.
fn score(w: &Workload, load: &Load) -> Markup {
    let weights = load.weights.iter().filter(|weight| weight.weight >= LIGHT);
    let mixture: Vec<String> = weights.map(|x| format!("{}\u{a0}{:.0}\u{a0}%", x.model, 100.0 * x.weight)).collect();
    html! {
        section {
            h2 { "Forecast: " (load.name) }
            @if let Some(trust) = &load.trust {
                @let (tone, word) = if trust.trusted { (Tone::Good, "Trusted") } else { (Tone::Warn, "Not trusted") };
                p { span class=(tone.class()) { (word) } " " (trust.why) }
            }
            dl.facts {
                @if let Some(model) = &load.model { dt { "Model" } dd { (model) @for part in &mixture { small { (part) } } } }
                @if let Some(score) = load.score {
                    dt { "Backtest error" } dd { (words::percent(score.wape)) " of the load" }
                    @if let Some(mase) = score.mase { dt { "Against the naive forecast" } dd { (format!("{mase:.2}")) " of its error" } }
                    dt { "Windows covered" } dd { (words::percent(score.coverage)) small { (words::percent(w.quantile)) " wanted" } }
                }
                @if let Some(coverage) = load.coverage { dt { "Covered lately" } dd { (words::percent(coverage)) } }
                @if let Some(per_replica) = load.per_replica { dt { "One replica carries" } dd { (output::load(per_replica)) } }
                @if let Some(now) = load.now { dt { "Load now" } dd { (output::load(now)) @if let Some(age) = load.sample_age_seconds { small { (words::span(age)) " old" } } } }
            }
            @if load.score.is_none() { p.soft { "There is no backtest yet: history is still being learned." } }
        }
    }
}

/// The last decisions that changed something.
fn changes(w: &Workload) -> Markup {
    html! {
        section {
            h2 { "Last changes" }
            @if w.history.is_empty() { p.soft { "None since this process began." } }
            @else {
                div.wide {
                    table.changes {
                        caption.unseen { "The last changes of the floor, newest first" }
                        thead { tr { th scope="col" { "When" } th scope="col" { "Floor" } th scope="col" { "Outcome" } th scope="col" { "Why" } } }
                        tbody { @for change in &w.history { (changed(w, change)) } }
                    }
                }
            }
        }
    }
}

fn changed(w: &Workload, change: &Change) -> Markup {
    html! {
        tr {
            th scope="row" { (words::moment(change.at, w.zone())) }
            td { (words::number(change.from)) " → " (words::number(change.to)) }
            td { (change.outcome) }
            td { ul { @for reason in &change.reasons { li { b { (reason.code) } " " (reason.text) } } } }
        }
    }
}

/// Where a load comes from.
fn derivation(load: &Load) -> Markup {
    html! {
        details {
            summary { "Where the load " (load.name) " comes from" }
            p { "Asked of " (load.datasource) ":" }
            pre tabindex="0" { code { (load.query) } }
            @if !load.explain.is_empty() || !load.notes.is_empty() {
                ul { @for line in load.explain.iter().chain(&load.notes) { li { (line) } } }
            }
        }
    }
}
