//! `-o jsonpath=…`: templates in kubectl's dialect.
//!
//! kubectl's own language: text with expressions in braces, `{range …}…{end}`, quoted text, names without quotes, an optional
//! `$`, and `.x` in a range relative to its element. What stands between the braces is rewritten as the path of RFC 9535
//! that it means, which the library evaluates: wildcards, slices, unions, `..`, filters. As kubectl does, several results
//! are parted by a blank, objects and lists are compact JSON, what is missing is nothing, and no line end is added.

use jsonpath_rust::{JsonPath, parser::parse_json_path};
use serde_json::Value;
use std::{fmt, iter::Peekable, str::Chars, str::FromStr};

/// Ranges in ranges.
const DEEPEST: usize = 16;

/// A template that can be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// As it stands.
    Text(String),
    /// What a path leads to.
    Path(String),
    /// For each thing that a path leads to.
    Range(String, Vec<Part>),
}

/// Why a template cannot be read: what, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let example = r#"'{range .workloads[*]}{.namespace}/{.hpa} {.floor}{"\n"}{end}'"#;
        write!(f, "{}; templates are kubectl's, such as {example}", self.0)
    }
}

impl std::error::Error for Unreadable {}

fn no<T>(why: impl Into<String>) -> Result<T, Unreadable> {
    Err(Unreadable(why.into()))
}

impl FromStr for Template {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        if text.is_empty() {
            return no("the template is empty");
        }
        // kubectl would print it as it stands, which nobody means.
        if !text.contains('{') {
            return no("it has no expression in braces");
        }
        parts(&mut text.chars().peekable(), 0).map(Self)
    }
}

/// Parts up to the end of the text, or in a range up to its `{end}`.
fn parts(rest: &mut Peekable<Chars>, depth: usize) -> Result<Vec<Part>, Unreadable> {
    let mut parts = Vec::new();
    loop {
        let text: String = std::iter::from_fn(|| rest.next_if(|c| *c != '{')).collect();
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        if rest.next().is_none() {
            return if depth == 0 { Ok(parts) } else { no("{range} has no {end}") };
        }
        let inside = inside(rest)?;
        let action = inside.trim();
        if action == "end" {
            return if depth > 0 { Ok(parts) } else { no("{end} has no {range}") };
        }
        parts.push(
            match action.strip_prefix("range").filter(|path| !path.starts_with(|c: char| c.is_alphanumeric())) {
                Some(_) if depth == DEEPEST => return no(format!("more than {DEEPEST} ranges in each other")),
                Some(path) => Part::Range(path_of(path.trim())?, self::parts(rest, depth + 1)?),
                None if action.starts_with(['"', '\'']) => Part::Text(unquoted(action)?),
                None => Part::Path(path_of(action)?),
            },
        );
    }
}

/// Up to the brace that closes it; braces in quotes do not count.
fn inside(rest: &mut Peekable<Chars>) -> Result<String, Unreadable> {
    let (mut text, mut quote) = (String::new(), None);
    while let Some(c) = rest.next() {
        match (c, quote) {
            ('\\', _) => {
                text.push(c);
                text.extend(rest.next());
                continue;
            }
            ('}', None) => return Ok(text),
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
        text.push(c);
    }
    no(format!("{{{text} has no closing brace"))
}

/// `"\t"` is a tabulator.
fn unquoted(action: &str) -> Result<String, Unreadable> {
    let quote = action.chars().next().unwrap_or_default();
    let inner = action.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)).filter(|_| action.len() > 1);
    let Some(inner) = inner else { return no(format!("{{{action}}} is not one quoted text")) };
    let (mut text, mut rest) = (String::new(), inner.chars());
    while let Some(c) = rest.next() {
        text.push(match c {
            '\\' => match rest.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(plain @ ('\\' | '"' | '\'' | '/')) => plain,
                other => return no(format!("\\{} in {action} is no escape", other.unwrap_or(' '))),
            },
            c if c == quote => return no(format!("{{{action}}} is not one quoted text")),
            c => c,
        });
    }
    Ok(text)
}

/// kubectl's path as one of RFC 9535.
fn path_of(expression: &str) -> Result<String, Unreadable> {
    let wrong = |why: &str| no(format!("{{{expression}}}: {why}"));
    let mut rest = expression.strip_prefix(['$', '@']).unwrap_or(expression).chars().peekable();
    let mut path = "$".to_owned();
    while let Some(c) = rest.next() {
        match c {
            '.' => {
                let deep = rest.next_if_eq(&'.').is_some();
                if deep {
                    path.push_str("..");
                }
                match name(&mut rest).as_str() {
                    // `{.}` is the whole, `.[0]` an element.
                    "" if !deep && (rest.peek().is_none() || rest.peek() == Some(&'[')) => {}
                    "" if deep && rest.peek() == Some(&'[') => {}
                    "" => return wrong("a name is missing after the dot"),
                    "*" => path.push_str("[*]"),
                    name => path.push_str(&format!("['{}']", name.replace('\'', "\\'"))),
                }
            }
            '[' => path.push_str(&bracket(&mut rest, expression)?),
            _ => return wrong("a path begins with a dot or a bracket"),
        }
    }
    match parse_json_path(&path) {
        Ok(_) => Ok(path),
        Err(_) => wrong("this is no path"),
    }
}

/// A name up to the next dot or bracket; `\.` is a dot in it.
fn name(rest: &mut Peekable<Chars>) -> String {
    let mut name = String::new();
    while let Some(c) = rest.next_if(|c| !".[]{}, ".contains(*c)) {
        name.extend(if c == '\\' { rest.next() } else { Some(c) });
    }
    name
}

/// What is in brackets, as it stands; a dot needs no backslash in quotes.
fn bracket(rest: &mut Peekable<Chars>, expression: &str) -> Result<String, Unreadable> {
    let (mut text, mut depth, mut quote) = ("[".to_owned(), 1, None);
    while let Some(c) = rest.next() {
        match (c, quote) {
            ('\\', Some(_)) if rest.peek() == Some(&'.') => continue,
            ('\\', Some(_)) => {
                text.push(c);
                text.extend(rest.next());
                continue;
            }
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('[', None) => depth += 1,
            (']', None) => depth -= 1,
            _ => {}
        }
        text.push(c);
        if depth == 0 {
            return Ok(text);
        }
    }
    no(format!("{{{expression}}}: a bracket is not closed"))
}

impl Template {
    /// The template with what the value says.
    pub fn fill(&self, value: &Value) -> String {
        let mut text = String::new();
        fill(&self.0, value, &mut text);
        text
    }
}

fn fill(parts: &[Part], value: &Value, text: &mut String) {
    for part in parts {
        match part {
            Part::Text(plain) => text.push_str(plain),
            Part::Path(path) => {
                let found: Vec<String> = found(path, value).into_iter().map(shown).collect();
                text.push_str(&found.join(" "));
            }
            Part::Range(path, inner) => found(path, value).into_iter().for_each(|each| fill(inner, each, text)),
        }
    }
}

/// What a path leads to; it was parsed before, and what is missing is nothing.
fn found<'a>(path: &str, value: &'a Value) -> Vec<&'a Value> {
    value.query(path).unwrap_or_default()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn templates_are_filled_as_kubectl_fills_them() {
        let value = json!({"version": "v1", "workloads": [
            {"hpa": "web", "mode": "live", "floor": 12, "quantile": 0.95, "until": null, "notes": [], "lead": {"seconds": 300}},
            {"hpa": "api", "mode": "shadow", "floor": 3, "quantile": 0.9, "notes": [{"code": "A.b"}], "lead": {"seconds": 60}},
        ]});
        for (template, text) in [
            ("{.version}", "v1"),
            ("{$.version}", "v1"),
            ("{['version']}", "v1"),
            ("{.workloads[*].hpa}", "web api"),
            ("{.workloads[0].floor}", "12"),
            ("{.workloads[-1].hpa}", "api"),
            ("{.workloads[0:2].floor}", "12 3"),
            ("{.workloads[0]['hpa','mode']}", "web live"),
            ("{.workloads[?(@.mode==\"live\")].hpa}", "web"),
            ("{.workloads[?(@.floor>3)].hpa}", "web"),
            ("{..seconds}", "300 60"),
            ("{.workloads[0].until}", "null"),
            ("{.workloads[0].lead}", "{\"seconds\":300}"),
            ("{.workloads[*].quantile}", "0.95 0.9"),
            ("{.nothing.there}", ""),
            ("floors: {.workloads[*].floor}.", "floors: 12 3."),
            ("{range .workloads[*]}{.hpa}{\"\\t\"}{.floor}{\"\\n\"}{end}", "web\t12\napi\t3\n"),
            ("{range .workloads[*]}{range .notes[*]}{.code}{end}{'|'}{end}", "|A.b|"),
        ] {
            assert_eq!(template.parse::<Template>().unwrap().fill(&value), text, "{template}");
        }
        let odd = json!({"a.b": {"c-d": 1}});
        for template in ["{.a\\.b.c-d}", "{['a\\.b']['c-d']}"] {
            assert_eq!(template.parse::<Template>().unwrap().fill(&odd), "1", "{template}");
        }
        assert_eq!("{@}".parse::<Template>().unwrap().fill(&odd), "{\"a.b\":{\"c-d\":1}}");
    }

    #[test]
    fn what_cannot_be_read_is_told_with_an_example() {
        for (template, why) in [
            ("", "the template is empty"),
            (".version", "it has no expression in braces"),
            ("{.a", "has no closing brace"),
            ("{range .a[*]}{.b}", "{range} has no {end}"),
            ("{.a}{end}", "{end} has no {range}"),
            ("{.a[0}", "a bracket is not closed"),
            ("{.a[x]}", "this is no path"),
            ("{a}", "a path begins with a dot"),
            ("{.a..}", "a name is missing"),
            ("{\"a\\q\"}", "is no escape"),
            ("{\"a}", "has no closing brace"),
        ] {
            let said = template.parse::<Template>().unwrap_err().to_string();
            assert!(said.contains(why) && said.ends_with("{end}'"), "{template}: {said}");
        }
    }
}
