//! docs/metrics.md says what the code says: every metric, Event and code, with the words of the code's own documentation.

use crate::files;
use floorcast::kubernetes::events::EventReason;
use floorcast::metrics::Metrics;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use syn::{Expr, ImplItem, Item, Lit, Pat};

const PAGE: &str = "docs/metrics.md";

/// A closed set of the code: each variant's word, what its documentation says, and its remedy where there is one.
struct Words(Vec<[String; 3]>);

impl Words {
    /// Reads an enum with `as_str`, and perhaps `remedy`, from its source.
    fn of(file: &str, name: &str) -> Self {
        let source = syn::parse_file(&files::text(file)).unwrap();
        let (words, remedies) = (arms(&source, name, "as_str"), arms(&source, name, "remedy"));
        let variants = source.items.iter().find_map(|item| match item {
            Item::Enum(found) if found.ident == name => Some(&found.variants),
            _ => None,
        });
        let variants = variants.unwrap_or_else(|| panic!("{file} has no enum {name}"));
        let row = |variant: &syn::Variant| {
            let key = variant.ident.to_string();
            let word = words.get(&key).unwrap_or_else(|| panic!("{name}::{key} has no word in as_str"));
            [word.clone(), documentation(&variant.attrs), remedies.get(&key).cloned().unwrap_or_default()]
        };
        let mut rows: Vec<_> = variants.iter().map(row).collect();
        rows.sort();
        Self(rows)
    }

    fn table(&self, head: &str) -> String {
        let remedies = self.0.iter().any(|[_, _, remedy]| !remedy.is_empty());
        let mut table =
            format!("| `{head}` | meaning |{}\n|---|---|{}\n", column(remedies, " remedy |"), column(remedies, "---|"));
        for [word, meaning, remedy] in &self.0 {
            let remedy = column(remedies, &format!(" {remedy} |"));
            let _ = writeln!(table, "| `{word}` | {meaning} |{remedy}");
        }
        table
    }
}

fn column(there: bool, text: &str) -> String {
    if there { text.to_owned() } else { String::new() }
}

/// The doc comment as one line that a table can hold.
fn documentation(attributes: &[syn::Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => literal(&pair.value),
        _ => None,
    });
    lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// What each variant becomes in a method that is one `match` of string literals.
fn arms(source: &syn::File, name: &str, method: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let blocks = source.items.iter().filter_map(|item| match item {
        Item::Impl(block) if matches!(&*block.self_ty, syn::Type::Path(p) if p.path.is_ident(name)) => Some(block),
        _ => None,
    });
    let methods = blocks.flat_map(|block| &block.items).filter_map(|item| match item {
        ImplItem::Fn(function) if function.sig.ident == method => Some(function),
        _ => None,
    });
    for function in methods {
        let Some(syn::Stmt::Expr(Expr::Match(choice), _)) = function.block.stmts.last() else { continue };
        for arm in &choice.arms {
            let Some(text) = literal(&arm.body) else { continue };
            found.extend(variants(&arm.pat).into_iter().map(|variant| (variant, text.clone())));
        }
    }
    found
}

fn literal(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(found) => match &found.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        Expr::Block(block) => match block.block.stmts.as_slice() {
            [syn::Stmt::Expr(inner, None)] => literal(inner),
            _ => None,
        },
        _ => None,
    }
}

/// The variants that a pattern names.
fn variants(pattern: &Pat) -> Vec<String> {
    let last = |path: &syn::Path| path.segments.last().map(|s| s.ident.to_string()).into_iter().collect();
    match pattern {
        Pat::Or(either) => either.cases.iter().flat_map(variants).collect(),
        Pat::Path(one) => last(&one.path),
        Pat::Struct(one) => last(&one.path),
        Pat::TupleStruct(one) => last(&one.path),
        _ => Vec::new(),
    }
}

fn metrics() -> String {
    let mut table = "| metric | type | labels | meaning |\n|---|---|---|---|\n".to_owned();
    for family in Metrics::new(1).unwrap().families() {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        let _ = writeln!(table, "| `{}` | {} | {} | {} |", family.name, family.kind, labels.join(" "), family.help);
    }
    table
}

fn events() -> String {
    let mut table = "| reason | type | meaning |\n|---|---|---|\n".to_owned();
    let mut all = EventReason::ALL.to_vec();
    all.sort_by_key(|reason| reason.as_str());
    for reason in all {
        let _ = writeln!(table, "| `{}` | {} | {} |", reason.as_str(), reason.severity().as_str(), reason.meaning());
    }
    table
}

fn page() -> String {
    let of = |file: &str, name: &str, head: &str| Words::of(file, name).table(head);
    format!(
        "# Metrics, Events and codes\n\n\
        Made from the code by `UPDATE=1 cargo test --test deploy`; edit the words there.\n\n\
        ## Metrics\n\n\
        On `/metrics` of every replica. Series with `hpa` and `namespace` are those of one workload; `namespace` is the \
        workload's, so scrape with\n`honor_labels: true`. Decisions are the leader's: join with `floorcast_leader == 1`, as the \
        [recording rules](../deploy/alerts/floorcast.rules.yaml)\ndo. A value that is not known has no series; it is never zero.\n\n\
        {}\n\
        ### States: label `state` of `floorcast_workload_state`\n\n{}\n\
        ### Limits: label `limit` of `floorcast_workload_limited_by`\n\n{}\n\
        ### Results: label `result` of `floorcast_writes_total`\n\n{}\n\
        ### Reasons: label `reason` of `floorcast_decisions_total`, annotation `floorcast.io/reason`, `explain`\n\n{}\n\
        ## Events\n\n\
        On the HPA, `events.k8s.io/v1`; repeated ones become a series. `kubectl describe hpa` shows them.\n\n{}\n\
        ## Codes\n\n\
        ### Why a load cannot be derived\n\n{}\n\
        ### Why a datasource has no usable answer\n\n\
        Also label `code` of `floorcast_prometheus_request_duration_seconds` where there is no HTTP status.\n\n{}\n\
        ### How a command ends\n\n\
        | exit code | meaning |\n|---|---|\n\
        | 0 | Done. |\n| 1 | It says no: a check failed, a file is invalid, a write was refused. |\n\
        | 2 | Used wrongly. |\n| 3 | Something could not be reached. |\n",
        metrics(),
        of("models/src/decide/state.rs", "State", "state"),
        of("models/src/decide/reason/limit.rs", "Limit", "limit"),
        of("src/kubernetes/apply/reply.rs", "WriteResult", "result"),
        of("models/src/decide/reason.rs", "Reason", "reason"),
        events(),
        of("src/load/refusal.rs", "Refusal", "code"),
        of("src/datasource/error.rs", "Fault", "code"),
    )
}

#[test]
fn every_metric_event_and_code_is_on_the_page() {
    files::up_to_date(PAGE, &page());
}
