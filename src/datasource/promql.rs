//! As much of `PromQL` as is needed to build selectors safely and to look at a query without running it: string literals,
//! matchers, and a scanner (after the lexical rules of Prometheus' documentation, "Querying basics" and "Operators").

use std::fmt::{self, Write as _};

/// A string as a `PromQL` literal, quotes included. Whatever is inside cannot end the literal.
///
/// ```
/// use floorcast::datasource::promql::literal;
/// assert_eq!(literal(r#"a"b\c"#), r#""a\"b\\c""#);
/// assert_eq!(literal("two\nlines"), r#""two\nlines""#);
/// ```
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                // \uXXXX covers all of Unicode's control characters: they lie below U+00A0.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text as a regular expression (RE2) that matches exactly this text.
pub fn regex_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Matches,
    /// `!~`
    NotMatches,
}

impl Comparison {
    /// The operator.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::NotMatches => "!~",
        }
    }
}

/// One label matcher; `Display` writes it with its value escaped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Matcher {
    /// Label name.
    pub label: String,
    /// Operator.
    pub comparison: Comparison,
    /// Value, raw.
    pub value: String,
}

impl Matcher {
    /// `label="value"`.
    pub fn equal(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), comparison: Comparison::Equal, value: value.into() }
    }

    /// Any comparison.
    pub fn new(label: impl Into<String>, comparison: Comparison, value: impl Into<String>) -> Self {
        Self { label: label.into(), comparison, value: value.into() }
    }

    /// Reads `cluster="prod"`, as written in the configuration; exactly one matcher.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a matcher; expected something like cluster=\"prod\"");
        let tokens = scan(text).map_err(|why| format!("{text:?}: {why}"))?;
        let [Token::Word(label), operators @ .., Token::Text(value)] = tokens.as_slice() else { return Err(wrong()) };
        let comparison = match operators {
            [Token::Sign('=')] => Comparison::Equal,
            [Token::Sign('!'), Token::Sign('=')] => Comparison::NotEqual,
            [Token::Sign('='), Token::Sign('~')] => Comparison::Matches,
            [Token::Sign('!'), Token::Sign('~')] => Comparison::NotMatches,
            _ => return Err(wrong()),
        };
        let matcher = Self::new(label.clone(), comparison, value.clone());
        matcher.check().map(|()| matcher)
    }

    /// Whether its label is one that a selector can carry without quoting.
    pub fn check(&self) -> Result<(), String> {
        if is_label_name(&self.label) {
            Ok(())
        } else {
            Err(format!("{:?} is not a label name: letters, digits and _, not starting with a digit", self.label))
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.label, self.comparison.as_str(), literal(&self.value))
    }
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`
pub fn is_label_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`
pub fn is_metric_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == ':')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

/// A selector `name{matchers}`. A name outside the classic alphabet becomes a `__name__` matcher.
pub fn selector<'a>(metric: &str, matchers: impl IntoIterator<Item = &'a Matcher>) -> String {
    let mut parts: Vec<String> = Vec::new();
    let plain = is_metric_name(metric) && !is_keyword(metric);
    if !plain {
        parts.push(Matcher::equal("__name__", metric).to_string());
    }
    for matcher in matchers {
        let text = matcher.to_string();
        if !parts.contains(&text) {
            parts.push(text);
        }
    }
    format!("{}{{{}}}", if plain { metric } else { "" }, parts.join(","))
}

/// A selector of matchers alone, `{cluster="prod"}`.
pub fn matching(matchers: &[Matcher]) -> String {
    let parts: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    format!("{{{}}}", parts.join(","))
}

/// One lexical element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// Metric name, label name, function or keyword.
    Word(String),
    /// String literal, unescaped as far as we need to know it.
    Text(String),
    /// Number or duration.
    Number(String),
    /// Any other visible character.
    Sign(char),
}

impl Token {
    fn is(&self, sign: char) -> bool {
        matches!(self, Self::Sign(c) if *c == sign)
    }
}

/// Splits a query into tokens; comments and blanks vanish.
pub fn scan(query: &str) -> Result<Vec<Token>, String> {
    let chars: Vec<char> = query.chars().collect();
    let mut tokens = Vec::new();
    let mut i = 0;
    while let Some(&c) = chars.get(i) {
        if c.is_whitespace() {
            i += 1;
        } else if c == '#' {
            i = run(&chars, i, |c| c != '\n');
        } else if matches!(c, '"' | '\'' | '`') {
            let (text, next) = text(&chars, i)?;
            tokens.push(Token::Text(text));
            i = next;
        } else if c.is_ascii_alphabetic() || c == '_' || c == ':' && starts_word(&chars, i, &tokens) {
            let end = run(&chars, i, |c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
            tokens.push(Token::Word(chars[i..end].iter().collect()));
            i = end;
        } else if c.is_ascii_digit() || c == '.' {
            let end = number(&chars, i);
            tokens.push(Token::Number(chars[i..end].iter().collect()));
            i = end;
        } else {
            tokens.push(Token::Sign(c));
            i += 1;
        }
    }
    Ok(tokens)
}

/// A colon starts a recorded metric's name, except inside `[…]`, where it separates a subquery's range from its step.
fn starts_word(chars: &[char], at: usize, tokens: &[Token]) -> bool {
    let open = tokens.iter().filter(|t| t.is('[')).count();
    let closed = tokens.iter().filter(|t| t.is(']')).count();
    open == closed && chars.get(at + 1).is_some_and(|c| c.is_ascii_alphabetic() || *c == '_')
}

fn run(chars: &[char], from: usize, keep: impl Fn(char) -> bool) -> usize {
    from + chars[from..].iter().take_while(|c| keep(**c)).count()
}

fn number(chars: &[char], from: usize) -> usize {
    let mut i = from;
    while let Some(&c) = chars.get(i) {
        let exponent = matches!(c, '+' | '-') && i > from && matches!(chars[i - 1], 'e' | 'E');
        if !(c.is_ascii_alphanumeric() || c == '.' || c == '_' || exponent) {
            break;
        }
        i += 1;
    }
    i
}

/// A string literal from its opening quote on; the text and the index behind the closing quote.
fn text(chars: &[char], from: usize) -> Result<(String, usize), String> {
    let quote = chars[from];
    let mut out = String::new();
    let mut i = from + 1;
    while let Some(&c) = chars.get(i) {
        match c {
            c if c == quote => return Ok((out, i + 1)),
            '\n' if quote != '`' => break,
            '\\' if quote != '`' => {
                out.push(match chars.get(i + 1) {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('r') => '\r',
                    Some(c) => *c,
                    None => break,
                });
                i += 2;
            }
            c => {
                out.push(c);
                i += 1;
            }
        }
    }
    Err("a string literal is not closed".to_owned())
}

const KEYWORDS: [&str; 18] = [
    "and",
    "or",
    "unless",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "offset",
    "bool",
    "atan2",
    "inf",
    "nan",
    "start",
    "end",
    "fill",
    "step",
];

const AGGREGATIONS: [&str; 14] = [
    "sum",
    "avg",
    "count",
    "min",
    "max",
    "group",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "count_values",
    "quantile",
    "limitk",
    "limit_ratio",
];

fn is_keyword(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    KEYWORDS.contains(&lower.as_str()) || AGGREGATIONS.contains(&lower.as_str())
}

/// A metric selected in a query, with the functions around it, outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Metric name.
    pub metric: String,
    /// Functions and aggregations whose arguments contain it, outermost first.
    pub within: Vec<String>,
    /// It stands behind a `/`.
    pub divides: bool,
}

/// The metrics that a query selects by name, in order.
pub fn selected(query: &str) -> Result<Vec<Selected>, String> {
    let tokens = scan(query)?;
    let mut found = Vec::new();
    let mut calls: Vec<Option<String>> = Vec::new();
    let mut divided: Vec<bool> = vec![false];
    let mut pending: Option<String> = None;
    let mut i = 0;
    while let Some(token) = tokens.get(i) {
        let next = tokens.get(i + 1);
        match token {
            Token::Word(word) if is_grouping(word) && next.is_some_and(|t| t.is('(')) => {
                i = closing(&tokens, i + 1, '(', ')');
            }
            Token::Word(word) if next.is_some_and(|t| t.is('(')) => pending = Some(word.to_ascii_lowercase()),
            // `sum by (pod) (…)`: the call's bracket comes after its grouping.
            Token::Word(word) if AGGREGATIONS.contains(&word.to_ascii_lowercase().as_str()) => {
                pending = Some(word.to_ascii_lowercase());
            }
            Token::Word(word) if !is_keyword(word) => {
                found.push(selection(word, &calls, divided.last() == Some(&true)));
            }
            Token::Sign('{') => {
                let end = closing(&tokens, i, '{', '}');
                if let Some(name) = name_matcher(&tokens[i..end.min(tokens.len())]) {
                    found.push(selection(name, &calls, divided.last() == Some(&true)));
                }
                i = end;
            }
            Token::Sign('[') => i = closing(&tokens, i, '[', ']'),
            Token::Sign('(') => {
                calls.push(pending.take());
                divided.push(divided.last() == Some(&true));
            }
            Token::Sign(')') => {
                calls.pop();
                if divided.len() > 1 {
                    divided.pop();
                }
            }
            Token::Sign('/') => set_last(&mut divided, true),
            Token::Sign('+' | ',') => {
                let outer = divided.len() > 1 && divided[divided.len() - 2];
                set_last(&mut divided, outer);
            }
            _ => {}
        }
        i += 1;
    }
    Ok(found)
}

fn set_last(stack: &mut [bool], value: bool) {
    if let Some(last) = stack.last_mut() {
        *last = value;
    }
}

fn selection(metric: &str, calls: &[Option<String>], divides: bool) -> Selected {
    Selected { metric: metric.to_owned(), within: calls.iter().flatten().cloned().collect(), divides }
}

fn is_grouping(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "by" | "without" | "on" | "ignoring" | "group_left" | "group_right")
}

/// Index of the bracket that closes the one at `open`; the end where it is missing.
fn closing(tokens: &[Token], open: usize, left: char, right: char) -> usize {
    let mut depth = 0_usize;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        if token.is(left) {
            depth += 1;
        } else if token.is(right) {
            depth -= 1;
            if depth == 0 {
                return i;
            }
        }
    }
    tokens.len()
}

/// The value of `__name__="…"` within the braces, or a quoted metric name standing alone there.
fn name_matcher(braces: &[Token]) -> Option<&str> {
    for (i, token) in braces.iter().enumerate() {
        match (token, braces.get(i + 1), braces.get(i + 2)) {
            (Token::Word(word), Some(Token::Sign('=')), Some(Token::Text(name))) if word == "__name__" => {
                return Some(name);
            }
            (Token::Text(name), Some(Token::Sign(',' | '}')) | None, _)
                if i > 0 && (braces[i - 1].is('{') || braces[i - 1].is(',')) =>
            {
                return Some(name);
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn names(query: &str) -> Vec<String> {
        selected(query).unwrap().into_iter().map(|s| s.metric).collect()
    }

    #[test]
    fn metric_names_are_found_wherever_they_stand() {
        let cases: [(&str, &[&str]); 12] = [
            ("up", &["up"]),
            ("sum(rate(http_requests_total{job=\"a\"}[5m]))", &["http_requests_total"]),
            ("sum by (pod, on) (rate(a_total[5m])) / on (pod) group_left (x) b", &["a_total", "b"]),
            ("job:rate:sum5m offset 1w", &["job:rate:sum5m"]),
            ("max_over_time(x[1h:5m])", &["x"]),
            ("x[1h:]", &["x"]),
            ("{__name__=\"odd\", a=\"b\"}", &["odd"]),
            ("{\"http.server.requests\", a=\"b\"}", &["http.server.requests"]),
            ("# up\nrate(y_total[5m]) # z", &["y_total"]),
            ("1 + 2 * Inf", &[]),
            ("sum(a) without (b) > bool 5", &["a"]),
            ("label_replace(a, \"x\", \"$1\", \"y\", \"(b.*)\")", &["a"]),
        ];
        for (query, wanted) in cases {
            assert_eq!(names(query), wanted, "{query}");
        }
    }

    #[test]
    fn surroundings_are_known() {
        let found = selected("sum by (a) (rate(x_total[5m])) / sum(y)").unwrap();
        assert_eq!(found[0].within, ["sum", "rate"]);
        assert!(!found[0].divides);
        assert_eq!(found[1].within, ["sum"]);
        assert!(found[1].divides);
    }

    #[test]
    fn matchers_are_read_and_written() {
        for text in [r#"cluster="prod""#, r#"env!="te\"st""#, r#"a=~"b|c""#, r#"_x!~"\\d+""#] {
            assert_eq!(Matcher::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "cluster", "cluster=prod", "a=\"b\",c=\"d\"", "a==\"b\"", "1a=\"b\"", "a=\"b", "a:b=\"c\""] {
            assert!(Matcher::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_metric_name_that_is_a_keyword_or_odd_becomes_a_matcher() {
        assert_eq!(selector("up", []), "up{}");
        assert_eq!(selector("sum", []), "{__name__=\"sum\"}");
        assert_eq!(selector("a.b", [&Matcher::equal("x", "y")]), "{__name__=\"a.b\",x=\"y\"}");
        assert_eq!(selector("a", [&Matcher::equal("x", "y"), &Matcher::equal("x", "y")]), "a{x=\"y\"}");
    }

    proptest! {
        #[test]
        fn a_literal_is_one_token_and_reads_back_unless_it_has_control_characters(text in any::<String>()) {
            let tokens = scan(&literal(&text)).unwrap();
            prop_assert_eq!(tokens.len(), 1);
            if !text.chars().any(|c| c.is_control() && !"\n\r\t".contains(c)) {
                prop_assert_eq!(&tokens[0], &Token::Text(text));
            }
        }

        #[test]
        fn a_value_never_changes_the_shape_around_it(value in any::<String>(), tricky in r#"["\\}{)#\n`', ]{0,12}"#) {
            let shape = |v: &str| {
                let query = format!("sum(rate({}[5m]))", selector("m", [&Matcher::equal("l", v), &Matcher::equal("z", "end")]));
                scan(&query).unwrap().into_iter().map(|t| if matches!(t, Token::Text(_)) { Token::Text(String::new()) } else { t }).collect::<Vec<_>>()
            };
            prop_assert_eq!(shape(&value), shape("plain"));
            prop_assert_eq!(shape(&tricky), shape("plain"));
        }

        #[test]
        fn scanning_never_panics(text in any::<String>(), odd in r#"[a-z_:(){}\[\]"'`#/+,=!~\\0-9. \n]{0,60}"#) {
            let _ = selected(&text);
            let _ = selected(&odd);
            let _ = Matcher::parse(&odd);
        }
    }
}
