//! The JSON under `/api/v1` as its page tells it: every type and field, with the words of the code's own documentation.

use crate::files;
use crate::reference::documentation;
use floorcast::http::api::{Load, Status, Workload};
use serde::Serialize;
use std::fmt::Write as _;
use syn::{GenericArgument, Item, PathArguments, Type};

/// Where the types are, in the order in which they are told.
const FILES: [&str; 4] =
    ["src/http/api.rs", "src/http/api/counts.rs", "src/http/api/recent.rs", "src/http/api/points.rs"];
/// What the daemon keeps to itself, and what is told as a list of another.
const UNTOLD: [&str; 2] = ["Snapshot", "Points"];

/// A field as it is told.
struct Field {
    name: String,
    holds: String,
    meaning: String,
}

fn structs() -> Vec<(String, Vec<Field>)> {
    let mut found = Vec::new();
    for file in FILES {
        for item in syn::parse_file(&files::text(file)).unwrap().items {
            let Item::Struct(item) = item else { continue };
            let name = item.ident.to_string();
            if !UNTOLD.contains(&name.as_str()) {
                found.push((name, item.fields.iter().map(field).collect()));
            }
        }
    }
    found
}

fn field(field: &syn::Field) -> Field {
    let attributes = field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde"));
    let attributes: Vec<String> = attributes.map(|a| a.meta.require_list().unwrap().tokens.to_string()).collect();
    let left_out = attributes.iter().any(|text| text.contains("skip_serializing_if"));
    let holds = match (form(&field.ty), left_out) {
        (form, true) => format!("{}, left out where there is none", form.trim_end_matches(" or `null`")),
        (form, false) => form,
    };
    let name = camel_case(&field.ident.as_ref().unwrap().to_string());
    Field { name, holds, meaning: documentation(&field.attrs).replace("[`VERSION`]", "`v1`") }
}

/// As serde writes it.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

/// What a value of this type looks like in JSON.
fn form(of: &Type) -> String {
    let path = match of {
        Type::Path(path) => path.path.segments.last().unwrap(),
        Type::Slice(_) => return "list of numbers, `null` where unknown".to_owned(),
        _ => panic!("a type that the page has no word for"),
    };
    let inner: Vec<&Type> = match &path.arguments {
        PathArguments::AngleBracketed(list) => {
            let types = list.args.iter().filter_map(|a| if let GenericArgument::Type(t) = a { Some(t) } else { None });
            types.collect()
        }
        _ => Vec::new(),
    };
    match (path.ident.to_string().as_str(), inner.as_slice()) {
        ("Option", [of]) => format!("{} or `null`", form(of)),
        ("Vec", [of]) => format!("list of {}", form(of)),
        ("BTreeMap", [_, of]) => format!("{} by name", form(of)),
        ("Shared" | "Arc" | "Box", [of]) => form(of),
        ("DateTime", _) => "moment".to_owned(),
        ("String", []) => "text".to_owned(),
        ("bool", []) => "`true` or `false`".to_owned(),
        ("u32" | "u64" | "i64", []) => "whole number".to_owned(),
        ("f32" | "f64", []) => "number".to_owned(),
        ("Points", []) => "list of [ForecastPoint](#forecastpoint)".to_owned(),
        (name, []) => format!("[{name}](#{})", name.to_lowercase()),
        (name, _) => panic!("{name}: a type that the page has no word for"),
    }
}

#[test]
fn every_field_of_the_json_is_on_its_page() {
    let mut text = String::new();
    for (name, fields) in structs() {
        let _ = writeln!(text, "\n### {name}\n\n| field | holds | meaning |\n|---|---|---|");
        for Field { name, holds, meaning } in fields {
            assert!(!meaning.is_empty(), "{name} has no documentation");
            let _ = writeln!(text, "| `{name}` | {holds} | {meaning} |");
        }
    }
    files::part_up_to_date("docs/web-page.md", "fields", &(text + "\n"));
}

/// What is served has these names and no others.
#[test]
fn what_is_served_is_called_as_the_page_says() {
    fn served(value: impl Serialize) -> Vec<String> {
        serde_json::to_value(value).unwrap().as_object().unwrap().keys().cloned().collect()
    }
    let all = structs();
    for (of, names) in [
        ("Status", served(Status::default())),
        ("Workload", served(Workload::default())),
        ("Load", served(Load::default())),
    ] {
        let fields = &all.iter().find(|(name, _)| name == of).unwrap().1;
        let unknown: Vec<_> = names.iter().filter(|name| fields.iter().all(|field| field.name != **name)).collect();
        assert!(unknown.is_empty(), "{of}: {unknown:?}");
        let unserved = fields.iter().filter(|field| !names.contains(&field.name) && !field.holds.contains("left out"));
        let unserved: Vec<&str> = unserved.map(|field| field.name.as_str()).collect();
        assert!(unserved.is_empty(), "{of}: {unserved:?}");
    }
}
