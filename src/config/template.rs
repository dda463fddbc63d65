//! Named PromQL of the administrator, from which users choose by name.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::{borrow::Cow, collections::BTreeSet};

/// Arguments that every template may use without declaring them.
pub const GIVEN: [&str; 3] = ["namespace", "hpa", "workload"];

/// A load query with holes. `$name` or `${name}` inside a double-quoted string is replaced by the argument as an
/// escaped literal; nowhere else, so an argument can never change the query's shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Template {
    /// PromQL that answers one series: the total load.
    pub query: String,
    /// Arguments the user gives, as in `floorcast.io/load: requests(service=web)`. `namespace`, `hpa` and `workload`
    /// are always given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
    /// Load that one replica should carry, in the query's unit; absent: the annotation must say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_per_replica: Option<Load>,
    /// Name of the datasource; absent: the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource: Option<String>,
}

/// An amount of load: finite and above zero.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Load(f64);

impl Load {
    /// The bare number.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Load {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let n = f64::deserialize(from)?;
        if n.is_finite() && n > 0.0 {
            return Ok(Self(n));
        }
        Err(D::Error::custom(format!("{n} is out of range\na replica carries more than 0\nwrite for example 50")))
    }
}

impl JsonSchema for Load {
    fn schema_name() -> Cow<'static, str> {
        "Load".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "exclusiveMinimum": 0 })
    }
}

/// One piece of a template's query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// PromQL as the administrator wrote it.
    Text(&'a str),
    /// The place of an argument, inside a double-quoted string.
    Argument(&'a str),
}

impl Template {
    /// The query cut at its arguments, or why it cannot be: what, why, remedy, one line each.
    pub fn pieces(&self) -> Result<Vec<Piece<'_>>, String> {
        let query = self.query.as_str();
        let (mut pieces, mut from, mut at) = (Vec::new(), 0, 0);
        let mut quote: Option<u8> = None;
        let bytes = query.as_bytes();
        while at < bytes.len() {
            match (bytes[at], quote) {
                (b'\\', Some(b'"' | b'\'')) => at += 1,
                (c, Some(open)) if c == open => quote = None,
                (c @ (b'"' | b'\'' | b'`'), None) => quote = Some(c),
                (b'{', None) if bytes.get(at + 1) == Some(&b'{') => return Err(doubled()),
                (b'$', _) => {
                    if let Some((name, length)) = argument(&query[at..]) {
                        if quote != Some(b'"') {
                            return Err(outside(name));
                        }
                        pieces.push(Piece::Text(&query[from..at]));
                        pieces.push(Piece::Argument(name));
                        from = at + length;
                        at = from - 1;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        if quote.is_some() {
            return Err("the query has an open quote\nPromQL would refuse it\nclose the string".to_owned());
        }
        pieces.push(Piece::Text(&query[from..]));
        Ok(pieces)
    }

    /// What is wrong with the query and its arguments, if anything: what, why, remedy, one line each.
    pub fn fault(&self) -> Option<String> {
        if self.query.trim().is_empty() {
            return Some(
                "the query is empty\na template is one PromQL query\nwrite the query of the total load".into(),
            );
        }
        let pieces = match self.pieces() {
            Ok(pieces) => pieces,
            Err(message) => return Some(message),
        };
        let used: BTreeSet<&str> =
            pieces.iter().filter_map(|p| if let Piece::Argument(name) = p { Some(*name) } else { None }).collect();
        let declared = |name: &str| GIVEN.contains(&name) || self.arguments.iter().any(|a| a == name);
        if let Some(name) = used.iter().find(|name| !declared(name)) {
            return Some(format!(
                "the query uses ${name}, which is no argument\ngiven are namespace, hpa, workload and the template's own\nadd {name} to arguments"
            ));
        }
        self.arguments.iter().find(|a| !used.contains(a.as_str())).map(|name| {
            format!("the argument {name} is not used\nthe query has no ${name}\nuse it inside quotes, or remove it")
        })
    }
}

/// No PromQL has two braces in a row; templates of other tools do.
fn doubled() -> String {
    "{{ is no PromQL\narguments are written $name here, inside double quotes\nwrite for example {service=\"$service\"}"
        .to_owned()
}

fn outside(name: &str) -> String {
    format!(
        "${name} stands outside a double-quoted string\narguments are inserted as escaped literals and nowhere else\nwrite label=\"${name}\""
    )
}

/// `$name` or `${name}` at the start of `text`: the name and the length of the whole. `$1` is none of ours.
fn argument(text: &str) -> Option<(&str, usize)> {
    let (body, braces) = match text[1..].strip_prefix('{') {
        Some(body) => (body, true),
        None => (&text[1..], false),
    };
    let length = body.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(body.len());
    let name = &body[..length];
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return None;
    }
    match (braces, body[length..].starts_with('}')) {
        (false, _) => Some((name, 1 + length)),
        (true, true) => Some((name, 3 + length)),
        (true, false) => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn template(query: &str, arguments: &[&str]) -> Template {
        Template {
            query: query.to_owned(),
            arguments: arguments.iter().map(|a| (*a).to_owned()).collect(),
            target_per_replica: None,
            datasource: None,
        }
    }

    #[test]
    fn a_query_is_cut_at_its_arguments() {
        let t = template(r#"sum(rate(x{ns="$namespace",app="a-${app}-b"}[5m]))"#, &["app"]);
        assert_eq!(t.fault(), None);
        assert_eq!(
            t.pieces().unwrap(),
            [
                Piece::Text(r#"sum(rate(x{ns=""#),
                Piece::Argument("namespace"),
                Piece::Text(r#"",app="a-"#),
                Piece::Argument("app"),
                Piece::Text(r#"-b"}[5m]))"#),
            ]
        );
    }

    #[test]
    fn label_replace_keeps_its_numbered_groups() {
        let t = template(r#"sum(label_replace(x,"a","$1","b","(.*)"))"#, &[]);
        assert_eq!(t.fault(), None);
    }

    #[test]
    fn what_could_change_the_shape_is_refused() {
        for (query, arguments, what) in [
            ("sum(x{a='$app'})", vec!["app"], "$app stands outside a double-quoted string"),
            ("sum($app)", vec!["app"], "$app stands outside a double-quoted string"),
            (r#"sum(x{a="$app"})"#, vec![], "the query uses $app, which is no argument"),
            ("sum(x)", vec!["app"], "the argument app is not used"),
            ("sum(x{a=\"b})", vec![], "the query has an open quote"),
            ("sum(x{{app}})", vec!["app"], "{{ is no PromQL"),
            (" ", vec![], "the query is empty"),
        ] {
            let fault = template(query, &arguments).fault().unwrap();
            assert_eq!(fault.lines().next().unwrap(), what, "{query}");
            assert_eq!(fault.lines().count(), 3, "{query}");
        }
    }
}
