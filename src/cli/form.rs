//! `-o`: the forms of an answer, under kubectl's names.

use super::jsonpath::Template;
use clap::{
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
    error::{ContextKind, ContextValue, ErrorKind},
};
use std::ffi::OsStr;

/// How a template begins.
const TEMPLATE: &str = "jsonpath=";
/// The words, and what they mean.
const WORDS: [(&str, &str); 6] = [
    ("table", "for people"),
    ("wide", "for people, with further columns or lines where there are any"),
    ("json", "everything, as JSON"),
    ("yaml", "everything, as YAML"),
    ("name", "as kubectl takes it: horizontalpodautoscaler.autoscaling/NAME; of status, plan, explain and report"),
    (TEMPLATE, "a template in kubectl's dialect over the JSON, such as '{.workloads[*].hpa}'"),
];

/// Form of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// For people
    #[default]
    Table,
    /// For people who want more of it
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// What kubectl takes back
    Name,
    /// What a template takes out of the JSON
    Jsonpath(Template),
}

impl Output {
    /// Whether it is read by people.
    pub fn for_people(&self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }

    fn of(word: &str) -> Self {
        match word {
            "wide" => Self::Wide,
            "json" => Self::Json,
            "yaml" => Self::Yaml,
            "name" => Self::Name,
            _ => Self::Table,
        }
    }
}

/// Reads `-o`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forms;

impl TypedValueParser for Forms {
    type Value = Output;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Output, clap::Error> {
        let Some(template) = value.to_str().and_then(|text| text.strip_prefix(TEMPLATE)) else {
            let word = PossibleValuesParser::new(words()).parse_ref(command, argument, value)?;
            return Ok(Output::of(&word));
        };
        template.parse().map(Output::Jsonpath).map_err(|why| {
            let said = format!("-o {TEMPLATE}{template}: {why}\n");
            let mut error = clap::Error::raw(ErrorKind::ValueValidation, said).with_cmd(command);
            error.insert(ContextKind::InvalidValue, ContextValue::String(template.to_owned()));
            error
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(words().into_iter()))
    }
}

fn words() -> [PossibleValue; 6] {
    WORDS.map(|(word, meaning)| PossibleValue::new(word).help(meaning))
}
