//! The reference says what the code says, with the words of the code's own documentation: every metric, Event and code, every
//! annotation, every command, every key of the configuration.

use crate::files;
use floorcast::annotations::Key;
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
pub(crate) fn documentation(attributes: &[syn::Attribute]) -> String {
    paragraphs(attributes).join(" ")
}

/// The doc comment, a line for each paragraph.
fn paragraphs(attributes: &[syn::Attribute]) -> Vec<String> {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => literal(&pair.value),
        _ => None,
    });
    let lines: Vec<String> = lines.map(|line| line.trim().replace('|', "\\|")).collect();
    lines.split(String::is_empty).map(|paragraph| paragraph.join(" ")).filter(|text| !text.is_empty()).collect()
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

/// Each annotation: the first paragraph of its documentation says what may be said, the second what counts where nothing is.
fn keys() -> String {
    let source = syn::parse_file(&files::text("src/annotations/key.rs")).unwrap();
    let variants = source.items.iter().find_map(|item| match item {
        Item::Enum(found) if found.ident == "Key" => Some(&found.variants),
        _ => None,
    });
    let mut table = "\n| key `floorcast.io/…` | value | when absent |\n|---|---|---|\n".to_owned();
    for key in Key::ALL {
        let variant = variants.unwrap().iter().find(|variant| variant.ident == format!("{key:?}")).unwrap();
        let said = paragraphs(&variant.attrs);
        let [value, absent] = said.as_slice() else { panic!("{key:?} is documented in two paragraphs: {said:?}") };
        let _ = writeln!(table, "| `{}` | {value} | {absent} |", key.as_str());
    }
    table + "\n"
}

#[test]
fn every_annotation_is_on_its_page() {
    files::part_up_to_date("docs/annotations.md", "keys", &keys());
}

/// `--help` of a command and of those under it, without what holds everywhere.
fn help(command: &clap::Command, name: &str, page: &mut String) {
    let own = command.clone().bin_name(name).mut_args(|a| if a.is_global_set() { a.hide(true) } else { a });
    let text = own.clone().term_width(100).render_long_help().to_string();
    let text: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    let _ = write!(page, "\n## {name}\n\n```text\n{}\n```\n", text.join("\n"));
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        help(inner, &format!("{name} {}", inner.get_name()), page);
    }
}

fn commands() -> String {
    let mut tree = floorcast::cli::pages::tree().version("0").mut_args(|a| a.hide_env_values(true));
    for name in tree.get_subcommands().map(|c| c.get_name().to_owned()).collect::<Vec<_>>() {
        tree = tree.mut_subcommand(name, values_unsaid);
    }
    tree.build();
    let everywhere = tree.clone().term_width(100).render_long_help().to_string();
    let everywhere: Vec<&str> = everywhere.trim_end().lines().map(str::trim_end).collect();
    let mut page = format!(
        "# Commands\n\n\
        Made from the code by `UPDATE=1 cargo test --test deploy`; edit the words there. What `floorcast COMMAND --help` says, and\n\
        `floorcast man` as man pages. Named `kubectl-floorcast`, the same program is `kubectl floorcast`.\n\n\
        Options of the first part hold for every command. A value is taken from the flag, else from the environment, else from the\n\
        configuration, else from the default.\n\n\
        ## floorcast\n\n```text\n{}\n```\n",
        everywhere.join("\n")
    );
    for command in tree.get_subcommands().filter(|command| !command.is_hide_set()) {
        help(command, &format!("floorcast {}", command.get_name()), &mut page);
    }
    page
}

/// Without what the environment of this very process holds.
fn values_unsaid(command: clap::Command) -> clap::Command {
    let inner: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    let command = command.mut_args(|a| a.hide_env_values(true));
    inner.into_iter().fold(command, |command, name| command.mut_subcommand(name, values_unsaid))
}

#[test]
fn every_command_is_on_its_page() {
    files::up_to_date("docs/commands.md", &commands());
}

#[test]
fn every_key_of_the_configuration_is_on_its_page() {
    let page = format!(
        "# Configuration\n\n\
        Made from [`deploy/config/floorcast.yaml`](../deploy/config/floorcast.yaml) by `UPDATE=1 cargo test --test deploy`; edit it there. The\n\
        tests hold its values against the program's own defaults.\n\n\
        The file is named by `--config`, or by `FLOORCAST_CONFIG`; with the chart it is the value `config`. The daemon reads it again when it\n\
        changes; a file that is refused leaves the last good one in force, is told by `floorcast status` and by the alert\n\
        [FloorcastConfigRefused](runbooks/FloorcastConfigRefused.md). Before that:\n\n\
        ```sh\nfloorcast config validate floorcast.yaml\nfloorcast config view --config floorcast.yaml\nfloorcast config schema > floorcast.schema.json\n```\n\n\
        ```yaml\n{}```\n",
        files::text("deploy/config/floorcast.yaml")
    );
    files::up_to_date("docs/configuration.md", &page);
}
