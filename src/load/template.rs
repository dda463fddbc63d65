//! Loads that somebody wrote down: the administrator's templates, and a user's own query where that is allowed.

use super::refusal::Refusal;
use super::{Load, Source, cpu::short};
use crate::config::{Piece, Template};
use crate::datasource::promql::{self, Selected, literal, regex_quoted};
use floorcast_models::units::PerReplica;
use std::collections::BTreeMap;

/// Longest query that is sent: a page of text.
const LONGEST: usize = 8192;

/// The template with its arguments inserted as escaped literals; within a regular expression they match only themselves.
pub(crate) fn fill(template: &Template, arguments: &BTreeMap<String, String>) -> Result<String, Refusal> {
    let bad = |why: String| Refusal::BadTemplate { why };
    let pieces = template.pieces().map_err(|why| bad(why.replace('\n', ": ")))?;
    let mut query = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => query.push_str(text),
            Piece::Argument(name) => {
                let value = arguments.get(name).ok_or_else(|| bad(format!("the argument {name} is missing")))?;
                let value = if in_regex(&query) { regex_quoted(value) } else { value.clone() };
                let quoted = literal(&value);
                query.push_str(&quoted[1..quoted.len() - 1]);
            }
        }
    }
    Ok(query)
}

/// Whether the open string at the end of `text` is the value of `=~` or `!~`.
fn in_regex(text: &str) -> bool {
    let (mut quote, mut opened, mut escaped) = (None, 0, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('"' | '\''), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'' | '`') => (quote, opened) = (Some(c), at),
            _ => {}
        }
    }
    quote.is_some() && text[..opened].trim_end().ends_with('~')
}

/// A load from a query that somebody wrote.
pub(crate) fn load(
    source: &Source<'_>,
    name: &str,
    query: String,
    target: Option<PerReplica>,
    from: &str,
) -> Result<Load, Refusal> {
    check(&query)?;
    let target = target.ok_or(Refusal::NoTarget)?;
    let explain = vec![format!("load: {from}"), format!("target per replica: {} as configured", short(target.get()))];
    Ok(Load::new(source, name.to_owned(), query, "", target, Vec::new(), explain))
}

/// What can be seen of a query without running it.
pub(crate) fn check(query: &str) -> Result<(), Refusal> {
    if query.trim().is_empty() || query.len() > LONGEST {
        let why = format!("a query of {} bytes; 1 to {LONGEST} are sent", query.len());
        return Err(Refusal::BadTemplate { why });
    }
    let selected = promql::selected(query).map_err(|why| Refusal::BadTemplate { why })?;
    if let Some(raw) = selected.iter().find(|s| is_raw_counter(s)) {
        return Err(Refusal::RawCounter { metric: raw.metric.clone() });
    }
    let average = |s: &&Selected| s.within.first().is_some_and(|f| matches!(f.as_str(), "avg" | "quantile" | "stddev"));
    if let Some(found) = selected.iter().find(average) {
        let why = format!("{}({}…) is an average over series", found.within[0], found.metric);
        return Err(Refusal::NotATotal { why });
    }
    let per_pod = |s: &&Selected| s.divides && (s.metric.contains("replicas") || s.within.iter().any(|f| f == "count"));
    match selected.iter().find(per_pod) {
        Some(found) => Err(Refusal::NotATotal { why: format!("it divides by a number of pods ({})", found.metric) }),
        None => Ok(()),
    }
}

fn is_raw_counter(selected: &Selected) -> bool {
    let rated = |f: &String| {
        ["rate", "irate", "increase", "delta", "deriv", "changes", "resets", "count", "group", "absent", "present"]
            .iter()
            .any(|start| f.starts_with(start))
    };
    selected.metric.ends_with("_total") && !selected.within.iter().any(rated)
}
