//! What is wrong with a configuration file, said so that it can be mended.

use super::{nearest, tree::Places};
use serde_saphyr::Error as Yaml;
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(
        "{}: cannot be read\n  why: {why}\n  fix: give the path of a readable file with --config, or leave it out to run on defaults",
        .file.display()
    )]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        why: String,
    },
    /// The file is read and refused.
    #[error("{}", render(.file, .faults))]
    Invalid {
        /// The file.
        file: PathBuf,
        /// Everything wrong that could be found at once.
        faults: Vec<Fault>,
    },
}

/// One wrong thing in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Key path, such as `datasources[0].url`; empty for the file as a whole.
    pub key: String,
    /// Line and column, from 1, where known.
    pub place: Option<(u64, u64)>,
    /// What is wrong.
    pub what: String,
    /// Why it is wrong.
    pub why: String,
    /// How to mend it.
    pub remedy: String,
}

impl Fault {
    /// From a key and a message of three lines: what, why, remedy.
    pub(super) fn new(key: impl Into<String>, message: &str) -> Self {
        let mut lines = message.splitn(3, '\n').map(str::to_owned);
        Self {
            key: key.into(),
            place: None,
            what: lines.next().unwrap_or_default(),
            why: lines.next().unwrap_or_default(),
            remedy: lines.next().unwrap_or_default(),
        }
    }

    pub(super) fn located(self, places: &Places) -> Self {
        Self { place: places.of_key(&self.key), ..self }
    }
}

fn render(file: &Path, faults: &[Fault]) -> String {
    let one = |fault: &Fault| {
        let place = fault.place.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
        let key = if fault.key.is_empty() { String::new() } else { format!(" {}:", fault.key) };
        let mut text = format!("{}{place}:{key} {}", file.display(), fault.what);
        for (name, value) in [("why", &fault.why), ("fix", &fault.remedy)] {
            if !value.is_empty() {
                text.push_str(&format!("\n  {name}: {value}"));
            }
        }
        text
    };
    faults.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// Our own words for what the YAML parser found in the text of these places; a value is never repeated unless a type of ours
/// chose to.
pub(super) fn from_yaml(error: &Yaml, places: &Places) -> Fault {
    let place = error.location().filter(|l| l.line() > 0).map(|l| (l.line(), l.column()));
    let named = |field: &str| place.and_then(|place| places.named_from(field, place));
    let at = || place.and_then(|place| places.key_at(place));
    // An unknown key has no value that was read: by its place alone it would be told as the key before it.
    let key = match error.without_snippet() {
        Yaml::SerdeUnknownField { field, .. } => named(field).or_else(at),
        _ => at(),
    };
    Fault { place, ..Fault::new(key.unwrap_or_default(), &message(error.without_snippet())) }
}

/// The key that is missing, if that is what is wrong.
pub(super) fn missing(error: &Yaml) -> Option<&str> {
    match error.without_snippet() {
        Yaml::SerdeMissingField { field, .. } => Some(field),
        _ => None,
    }
}

/// Three lines: what, why, remedy.
fn message(error: &Yaml) -> String {
    match error {
        Yaml::WithSnippet { error, .. } => message(error),
        Yaml::SerdeUnknownField { field, expected, .. } => unknown("key", field, expected),
        Yaml::SerdeUnknownVariant { variant, expected, .. } => unknown("value", variant, expected),
        Yaml::SerdeMissingField { field, .. } => {
            format!("the key {field} is missing\nit has no default\nadd {field}: …")
        }
        Yaml::SerdeInvalidType { unexpected, expected, .. } => {
            let kind = unexpected.split([' ', '`']).find(|w| !w.is_empty()).unwrap_or("value");
            let expected = if expected.starts_with("struct ") { "a mapping of keys" } else { expected };
            format!("the value has the wrong type\nit is {kind}, {expected} is expected\nwrite {expected}")
        }
        Yaml::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("a key");
            format!("{key} is there twice\neach key may stand once\nremove one of them")
        }
        Yaml::Message { msg, .. } if msg.lines().count() == 3 => msg.clone(),
        Yaml::InvalidScalar { ty, .. } => {
            format!("the value has the wrong type\na value of type {ty} is expected\nwrite one")
        }
        Yaml::Unexpected { expected: "sequence start", .. } => {
            "the value has the wrong type\na list is expected\nwrite each entry on a line that begins with \"- \""
                .to_owned()
        }
        Yaml::Unexpected { expected: "string scalar", .. } => {
            "the value has the wrong type\na text is expected\nwrite one value, with neither [ ] nor { } around it"
                .to_owned()
        }
        Yaml::Unexpected { expected: "mapping start", .. } => {
            "the value has the wrong type\na mapping of keys is expected\nwrite key: value lines under it".to_owned()
        }
        other => format!("the text is not the YAML expected\n{}\nmend the YAML at this place", bare(other)),
    }
}

/// The parser's own sentence without its position, which is told once.
fn bare(error: &Yaml) -> String {
    let text = error.to_string();
    let first = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    let cut = first.rfind(" at line ").map_or(first, |at| &first[..at]);
    cut.strip_prefix("error: ").unwrap_or(cut).chars().take(200).collect()
}

fn unknown(noun: &str, word: &str, expected: &[&'static str]) -> String {
    let remedy = if let Some(near) = nearest(word, expected.iter().copied(), 3) {
        let secret = near.ends_with("File") && !word.ends_with("ile");
        let note = if secret { " (secrets are read from files, never written here)" } else { "" };
        format!("did you mean {near}?{note}")
    } else {
        format!("remove it, or write one of those {noun}s")
    };
    format!("{} is no {noun} here\nknown are {}\n{remedy}", super::quoted(word), expected.join(", "))
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({}; {})", self.key, self.what, self.why, self.remedy)
    }
}
