//! The fleet: a row for each workload, found by word and by state.

use super::{
    curves,
    filter::{Filter, Order, PER_PAGE},
    frame::Frame,
    link,
    words::{self, Tone},
};
use crate::{
    cli::when,
    http::api::{Snapshot, Workload},
};
use chrono::{DateTime, Utc};
use floorcast_models::decide::State;
use maud::{Markup, html};

/// Codes told in a row; the workload's page has the sentences.
const WHY: usize = 2;

/// The page.
pub(super) fn page(snapshot: &Snapshot, filter: &Filter, now: DateTime<Utc>) -> Markup {
    let found: Vec<&Workload> = snapshot.workloads.values().map(AsRef::as_ref).filter(|w| filter.finds(w)).collect();
    let mut wanted: Vec<&Workload> = found.iter().copied().filter(|w| filter.wants(w)).collect();
    filter.order.sort(&mut wanted);
    let pages = wanted.len().div_ceil(PER_PAGE).max(1);
    // The last page may have gone since the link to it was made.
    let filter = filter.on_page(filter.page.min(pages - 1));
    let rows: Vec<&Workload> = wanted.iter().copied().skip(filter.page * PER_PAGE).take(PER_PAGE).collect();
    let fixed = html! { h1 { "Fleet" } (search(&filter)) };
    let live = html! {
        (tiles(snapshot))
        (states(&found, &filter))
        @if snapshot.workloads.is_empty() {
            p.empty { "No workload is opted in. Annotate an HPA with " code { "floorcast.io/mode: shadow" } " to begin." }
        } @else if rows.is_empty() {
            p.empty { "No workload fits. " a href="/" { "Show all" } }
        } @else {
            (table(&rows, now))
            (pager(&filter, pages, wanted.len()))
        }
    };
    Frame { snapshot, title: "Fleet", now }.document(&fixed, &live)
}

fn search(filter: &Filter) -> Markup {
    html! {
        form.search role="search" method="get" action="/" {
            @if let Some(state) = filter.state { input type="hidden" name="state" value=(state.as_str()); }
            label { "Search" input type="search" name="q" value=(filter.search) maxlength="253" placeholder="namespace, HPA or target" autocomplete="off"; }
            label {
                "Order"
                select name="sort" {
                    @for order in Order::ALL {
                        option value=(order.as_str()) selected[order == filter.order] { (order.label()) }
                    }
                }
            }
            button { "Show" }
        }
    }
}

/// The fleet in five numbers, whatever is searched for.
fn tiles(snapshot: &Snapshot) -> Markup {
    let all = || snapshot.workloads.values();
    let count = |wanted: &dyn Fn(&Workload) -> bool| words::grouped(all().filter(|w| wanted(w)).count() as u64);
    let budget = snapshot.status.budgets.cluster;
    html! {
        dl.tiles {
            (tile("Workloads", &words::grouped(all().count() as u64), &format!("{} live, {} in shadow mode", count(&|w| w.mode == "live"), count(&|w| w.mode == "shadow"))))
            (tile("Floors held", &count(&|w| w.mode == "live" && words::raised(w) > 0), "above their base, live"))
            (tile("Replicas above base", &words::grouped(u64::from(budget.spent)), &format!("of {} that the budget allows", words::grouped(u64::from(budget.allowed)))))
            (tile("Capped ahead", &count(&|w| w.capped.is_some()), "need more than their caps allow"))
            (tile("Need attention", &count(&|w| words::tone(w) <= Tone::Warn), "held back, refused or not trusted"))
        }
    }
}

/// One number with its name and a few words.
pub(super) fn tile(name: &str, value: &str, more: &str) -> Markup {
    html! { div { dt { (name) } dd { b { (value) } @if !more.is_empty() { small { (more) } } } } }
}

/// A link for each state that there is among those found, with how many.
fn states(found: &[&Workload], filter: &Filter) -> Markup {
    let count = |state: State| found.iter().filter(|w| w.state == state.as_str()).count();
    let mut there: Vec<(State, usize)> =
        State::ALL.into_iter().map(|s| (s, count(s))).filter(|(_, n)| *n > 0).collect();
    there.sort_by_key(|(state, _)| words::meaning(*state).0);
    if let Some(state) = filter.state.filter(|state| count(*state) == 0) {
        there.push((state, 0));
    }
    let current = |is: bool| is.then_some("page");
    html! {
        nav.states aria-label="States" {
            ul {
                li { a href=(link::fleet(&filter.in_state(None))) aria-current=[current(filter.state.is_none())] { "All " b { (words::grouped(found.len() as u64)) } } }
                @for (state, n) in there {
                    @let tone = words::meaning(state).0;
                    li { a.(tone.class()) href=(link::fleet(&filter.in_state(Some(state)))) aria-current=[current(filter.state == Some(state))] { (state.as_str()) " " b { (words::grouped(n as u64)) } } }
                }
            }
        }
    }
}

fn table(rows: &[&Workload], now: DateTime<Utc>) -> Markup {
    html! {
        div.wide {
            table.fleet {
                caption.unseen { "Workloads: state, replicas, and why" }
                thead {
                    tr {
                        @for (class, name) in HEAD { th scope="col" class=[Some(class).filter(|c| !c.is_empty())] { (name) } }
                    }
                }
                tbody { @for w in rows { (row(w, now)) } }
            }
        }
    }
}

/// The columns; numbers are to the right.
const HEAD: [(&str, &str); 9] = [
    ("", "Workload"),
    ("", "State"),
    ("n", "Base"),
    ("n", "Floor"),
    ("n", "Need"),
    ("n", "Replicas"),
    ("", "Next 24 h"),
    ("", "Forecast"),
    ("", "Why"),
];

fn row(w: &Workload, now: DateTime<Utc>) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(link::workload(w)) { (w.hpa) } small { (w.namespace) } }
            td { (words::chip(w)) small { (w.mode) } }
            td.n { (words::number(w.base)) }
            td.n { (words::number(w.floor)) @if words::raised(w) > 0 { small { "+" (words::raised(w)) } } }
            td.n { (words::number(w.need)) }
            td.n { (words::number(w.current)) small { "of " (words::number(w.max)) } }
            td.ahead { (curves::spark(w, now)) @if let Some(peak) = w.peak { small { "peak " (peak.need) " " (when::relative(peak.at, now)) } } }
            td { (trust(w)) }
            td.why { (why(w)) }
        }
    }
}

/// Whether the forecast is trusted, and the model that counts most in it.
fn trust(w: &Workload) -> Markup {
    let verdicts: Vec<bool> = w.loads.iter().filter_map(|load| Some(load.trust.as_ref()?.trusted)).collect();
    let heaviest = w.loads.iter().find_map(|load| load.weights.first().map(|first| first.model.as_str()));
    let model = heaviest.or_else(|| w.loads.iter().find_map(|load| load.model.as_deref()));
    html! {
        @if verdicts.is_empty() { span.none aria-label="none yet" { "–" } }
        @else if verdicts.iter().all(|trusted| *trusted) { "trusted" }
        @else { span.doubt { "not trusted" } }
        @if let Some(model) = model.filter(|_| !verdicts.is_empty()) { small { (model) } }
    }
}

/// What blocks; else what limits and what moved the floor: as words.
fn why(w: &Workload) -> String {
    let blocks: Vec<&str> = w.notes.iter().filter(|note| note.blocks).map(|note| note.code.as_str()).collect();
    let limits = w.limited_by.iter().map(String::as_str);
    let moved = limits.chain(w.reasons.iter().map(|reason| reason.code.as_str()));
    let words = if blocks.is_empty() { moved.take(WHY).collect() } else { blocks };
    words.join(", ")
}

fn pager(filter: &Filter, pages: usize, count: usize) -> Markup {
    let first = filter.page * PER_PAGE + 1;
    let last = (first + PER_PAGE - 1).min(count);
    html! {
        nav.pager aria-label="Pages" {
            p #count { (words::grouped(first as u64)) "–" (words::grouped(last as u64)) " of " (words::grouped(count as u64)) " workloads" }
            @if filter.page > 0 { a rel="prev" href=(link::fleet(&filter.on_page(filter.page - 1))) { "Previous" } }
            @if filter.page + 1 < pages { a rel="next" href=(link::fleet(&filter.on_page(filter.page + 1))) { "Next" } }
        }
    }
}
