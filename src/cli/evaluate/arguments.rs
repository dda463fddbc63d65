//! Arguments whose allowed values are part of their type.

use crate::config::{self, period};
use chrono::TimeDelta;
use clap::{
    Arg, Command, Error,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
    error::ErrorKind,
};
use floorcast_models::forecast::{Choice, UnknownModel};
use std::{ffi::OsStr, str::FromStr};

/// A step of one second to a day.
type Duration = period::Period<1_000, 86_400_000>;

/// The step to forecast at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The trace's own.
    Native,
    /// This one.
    Of(TimeDelta),
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "native" { Ok(Self::Native) } else { Ok(Self::Of(text.parse::<Duration>()?.get())) }
    }
}

/// A quantile that may be asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantile(pub f64);

impl FromStr for Quantile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number =
            text.parse().map_err(|_| format!("{} is no number\nwrite for example 0.95", period::quoted(text)))?;
        config::Quantile::new(number).map(|q| Self(q.get()))
    }
}

/// The names of all models.
pub(super) fn model() -> Models {
    Models(PossibleValuesParser::new(Choice::ALL.map(Choice::as_str)))
}

/// A model by its name; of one that this build left out, how to have it.
#[derive(Clone, Debug)]
pub(super) struct Models(PossibleValuesParser);

impl TypedValueParser for Models {
    type Value = Choice;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, name: &OsStr) -> Result<Choice, Error> {
        let unknown = name.to_string_lossy().parse::<Choice>();
        if let Some(remedy) = unknown.as_ref().err().and_then(UnknownModel::left_out) {
            return Err(command.clone().error(ErrorKind::InvalidValue, remedy));
        }
        let known = self.0.parse_ref(command, arg, name)?;
        Ok(known.parse().unwrap_or_default())
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}
