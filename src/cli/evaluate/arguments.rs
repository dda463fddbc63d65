//! Arguments whose allowed values are part of their type.

use crate::config::{self, period};
use chrono::TimeDelta;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use floorcast_models::forecast::Choice;
use std::str::FromStr;

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
pub(super) fn model() -> impl TypedValueParser<Value = Choice> {
    PossibleValuesParser::new(Choice::ALL.map(Choice::as_str)).map(|name| name.parse().unwrap_or_default())
}
