//! Numbers whose allowed range is part of the type.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::{borrow::Cow, fmt};

/// A finite number between `LOW` and `HIGH` thousandths, both included.
#[derive(Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Number<const LOW: i64, const HIGH: i64>(f64);

/// The share of lead windows whose maximum must be covered: 0.5 to 0.999.
pub type Quantile = Number<500, 999>;

impl<const LOW: i64, const HIGH: i64> Number<LOW, HIGH> {
    const RANGE: (f64, f64) = (LOW as f64 / 1000.0, HIGH as f64 / 1000.0);

    /// For the defaults in this crate, in thousandths; clamped to the bounds.
    pub const fn thousandths(n: i64) -> Self {
        Self(
            (if n < LOW {
                LOW
            } else if n > HIGH {
                HIGH
            } else {
                n
            }) as f64
                / 1000.0,
        )
    }

    /// The bare number.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The number, or a message of three lines: what, why, remedy.
    pub fn new(n: f64) -> Result<Self, String> {
        let (low, high) = Self::RANGE;
        if n.is_finite() && (low..=high).contains(&n) {
            return Ok(Self(n));
        }
        Err(format!("{n} is out of range\nallowed is {low} to {high}\nwrite a number in this range"))
    }
}

impl<const LOW: i64, const HIGH: i64> fmt::Debug for Number<LOW, HIGH> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<'de, const LOW: i64, const HIGH: i64> Deserialize<'de> for Number<LOW, HIGH> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl<const LOW: i64, const HIGH: i64> JsonSchema for Number<LOW, HIGH> {
    fn schema_name() -> Cow<'static, str> {
        format!("Number_{LOW}_{HIGH}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let (low, high) = Self::RANGE;
        json_schema!({ "type": "number", "minimum": low, "maximum": high })
    }
}

/// A whole number between `LOW` and `HIGH`, both included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Count<const LOW: u32, const HIGH: u32>(u32);

impl<const LOW: u32, const HIGH: u32> Count<LOW, HIGH> {
    /// For the defaults in this crate; clamped to the bounds.
    pub const fn of(n: u32) -> Self {
        Self(if n < LOW {
            LOW
        } else if n > HIGH {
            HIGH
        } else {
            n
        })
    }

    /// The bare number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<const LOW: u32, const HIGH: u32> fmt::Debug for Count<LOW, HIGH> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<'de, const LOW: u32, const HIGH: u32> Deserialize<'de> for Count<LOW, HIGH> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let n = i64::deserialize(from)?;
        match u32::try_from(n) {
            Ok(n) if (LOW..=HIGH).contains(&n) => Ok(Self(n)),
            _ => Err(D::Error::custom(format!(
                "{n} is out of range\nallowed is {LOW} to {HIGH}\nwrite a whole number in this range"
            ))),
        }
    }
}

impl<const LOW: u32, const HIGH: u32> JsonSchema for Count<LOW, HIGH> {
    fn schema_name() -> Cow<'static, str> {
        format!("Count_{LOW}_{HIGH}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": LOW, "maximum": HIGH })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_none_is_refused() {
        for wrong in [f64::NAN, f64::INFINITY, -1.0, 0.4999, 1.0] {
            assert!(Quantile::new(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Quantile::new(0.999).unwrap().get(), 0.999);
    }
}
