//! Which load a workload is forecast by: derived, a template with its arguments, or the user's own PromQL.

use super::{AnnotationError, Key, Said};
use crate::config::{Config, GIVEN, Template, nearest, quoted};
use std::collections::BTreeMap;

/// Most arguments a template call may give.
const MOST_ARGUMENTS: usize = 16;

/// Which load a workload is forecast by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadChoice {
    /// Derived from the HPA's own metrics.
    Auto,
    /// A template of the configuration. Arguments are plain text: they are inserted as escaped literals.
    Template {
        /// Its name; known to the configuration.
        name: String,
        /// The user's arguments: exactly those that the template declares.
        arguments: BTreeMap<String, String>,
    },
    /// PromQL of the user; the administrator allows it in this namespace.
    Query(String),
}

impl LoadChoice {
    /// The template's name, if it is one.
    pub fn template(&self) -> Option<&str> {
        match self {
            Self::Template { name, .. } => Some(name),
            Self::Auto | Self::Query(_) => None,
        }
    }
}

/// The load from the keys `load` and `query`; `target` tells whether `target-per-replica` is said.
pub(super) fn choose(
    said: &Said<'_>,
    config: &Config,
    namespace: &str,
    target: bool,
    errors: &mut Vec<AnnotationError>,
) -> LoadChoice {
    let load = said.parsed(Key::Load, errors, |text| parse(text, config, target));
    let query = said.parsed(Key::Query, errors, |text| {
        allowed(config, namespace, target)?;
        Ok(text.to_owned())
    });
    match (load, query) {
        (Some(LoadChoice::Template { .. }), Some(query)) => {
            let on = said.get(Key::Query).map_or(super::On::Hpa, |(on, _)| on);
            errors.push(AnnotationError::new(
                Key::Query,
                on,
                &query,
                "load names a template and query is there too\na workload has one load\nremove one of the two keys",
            ));
            LoadChoice::Auto
        }
        (_, Some(query)) => LoadChoice::Query(query),
        (load, None) => load.unwrap_or(LoadChoice::Auto),
    }
}

fn allowed(config: &Config, namespace: &str, target: bool) -> Result<(), String> {
    if !config.allows_query(namespace) {
        return Err(format!(
            "PromQL of one's own is not allowed in namespace {namespace}\nthe configuration's allowQuery does not name it\nuse floorcast.io/load with a template, or ask the administrator"
        ));
    }
    if !target {
        return Err("target-per-replica is missing\nof a query of one's own nobody knows what one replica should carry\nadd floorcast.io/target-per-replica".to_owned());
    }
    Ok(())
}

fn parse(text: &str, config: &Config, target: bool) -> Result<LoadChoice, String> {
    if text == "auto" {
        return Ok(LoadChoice::Auto);
    }
    let (name, arguments) = call(text)?;
    let template = config.templates.get(name).ok_or_else(|| unknown(name, config))?;
    match_arguments(name, template, &arguments)?;
    if template.target_per_replica.is_none() && !target {
        return Err(format!(
            "target-per-replica is missing\nthe template {name} does not say what one replica should carry\nadd floorcast.io/target-per-replica"
        ));
    }
    Ok(LoadChoice::Template { name: name.to_owned(), arguments })
}

fn unknown(name: &str, config: &Config) -> String {
    let names = || config.templates.keys().map(String::as_str);
    let remedy = match nearest(name, names(), 2) {
        Some(near) => format!("did you mean {near}?"),
        None if config.templates.is_empty() => "write auto, or ask the administrator for a template".to_owned(),
        None => format!("write auto or one of {}", names().take(10).collect::<Vec<_>>().join(", ")),
    };
    format!("there is no load template {}\ntemplates are named in the configuration\n{remedy}", quoted(name))
}

fn match_arguments(name: &str, template: &Template, given: &BTreeMap<String, String>) -> Result<(), String> {
    let form =
        format!("{name}({})", template.arguments.iter().map(|a| format!("{a}=…")).collect::<Vec<_>>().join(", "));
    for argument in given.keys() {
        if GIVEN.contains(&argument.as_str()) {
            return Err(format!(
                "the argument {argument} cannot be given\nit is always the workload's own\nwrite {form}"
            ));
        }
        if !template.arguments.contains(argument) {
            return Err(format!(
                "the template {name} has no argument {}\nits form is {form}\nwrite it in this form",
                quoted(argument)
            ));
        }
    }
    match template.arguments.iter().find(|a| !given.contains_key(*a)) {
        Some(missing) => Err(format!("the argument {missing} is missing\nthe form is {form}\nadd {missing}=…")),
        None => Ok(()),
    }
}

/// `name` or `name(key=value, key="value, with anything")`.
fn call(text: &str) -> Result<(&str, BTreeMap<String, String>), String> {
    let Some((name, rest)) = text.split_once('(') else {
        return Ok((text, BTreeMap::new()));
    };
    let malformed = |why: &str| {
        format!("{} cannot be read\n{why}\nwrite name or name(argument=value, argument=\"value\")", quoted(text))
    };
    let mut rest = rest.strip_suffix(')').ok_or_else(|| malformed("the closing parenthesis is missing"))?.trim();
    let mut arguments = BTreeMap::new();
    while !rest.is_empty() {
        let (key, tail) = rest.split_once('=').ok_or_else(|| malformed("an argument has no ="))?;
        let (value, tail) = literal(tail.trim_start()).ok_or_else(|| malformed("a quoted value does not end"))?;
        if arguments.len() == MOST_ARGUMENTS {
            return Err(malformed("there are more than 16 arguments"));
        }
        if arguments.insert(key.trim().to_owned(), value).is_some() {
            return Err(malformed("an argument is there twice"));
        }
        let tail = tail.trim_start();
        rest = match tail.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if tail.is_empty() => tail,
            None => return Err(malformed("a comma is missing between two arguments")),
        };
    }
    Ok((name.trim_end(), arguments))
}

/// A value, quoted (with `\"` and `\\`) or plain up to the next comma, and what follows it.
fn literal(text: &str) -> Option<(String, &str)> {
    let Some(body) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        return Some((text[..end].trim_end().to_owned(), &text[end..]));
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in body.char_indices() {
        match (escaped, c) {
            (false, '"') => return Some((value, &body[at + 1..])),
            (false, '\\') => escaped = true,
            _ => {
                escaped = false;
                value.push(c);
            }
        }
    }
    None
}
