//! The load of the last hours as the API tells it: what a person compares a forecast with.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values at a fixed distance; a value that is not known is `null` on the wire and NaN in memory: four bytes a point.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recent {
    /// Where the first value's interval begins.
    pub from: DateTime<Utc>,
    /// Length of an interval in seconds.
    pub step_seconds: i64,
    /// The highest load in each interval.
    #[serde(serialize_with = "nullable", deserialize_with = "or_unknown")]
    values: Box<[f32]>,
}

impl Recent {
    /// Values from `from` on, each `step` after the one before.
    pub fn new(from: DateTime<Utc>, step: TimeDelta, values: impl IntoIterator<Item = Option<f32>>) -> Self {
        let values = values.into_iter().map(|v| v.unwrap_or(f32::NAN)).collect();
        Self { from, step_seconds: step.num_seconds(), values }
    }

    /// No values at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of the interval that an instant lies in, where it is known.
    pub fn at(&self, instant: DateTime<Utc>) -> Option<f64> {
        let i = (instant - self.from).num_seconds().div_euclid(self.step_seconds.max(1));
        let value = *self.values.get(usize::try_from(i).ok()?)?;
        Some(f64::from(value)).filter(|v| v.is_finite())
    }
}

impl PartialEq for Recent {
    /// What is not known is the same as what is not known.
    fn eq(&self, other: &Self) -> bool {
        let same =
            |ours: &[f32], theirs: &[f32]| ours.iter().map(|v| v.to_bits()).eq(theirs.iter().map(|v| v.to_bits()));
        (self.from, self.step_seconds) == (other.from, other.step_seconds) && same(&self.values, &other.values)
    }
}

fn nullable<S: Serializer>(values: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(|v| Some(*v).filter(|v| v.is_finite())))
}

fn or_unknown<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<[f32]>, D::Error> {
    let values = Vec::<Option<f32>>::deserialize(deserializer)?;
    Ok(values.into_iter().map(|v| v.unwrap_or(f32::NAN)).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_null_on_the_wire_and_never_zero() {
        let recent = Recent::new(DateTime::UNIX_EPOCH, TimeDelta::minutes(15), [Some(1.5), None, Some(0.0)]);
        let text = serde_json::to_string(&recent).unwrap();
        assert_eq!(text, r#"{"from":"1970-01-01T00:00:00Z","stepSeconds":900,"values":[1.5,null,0.0]}"#);
        let back = serde_json::from_str::<Recent>(&text).unwrap();
        assert_eq!(back, recent);
        let at = |minutes| back.at(DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes));
        assert_eq!([-1, 0, 14, 15, 30, 44, 45].map(at), [None, Some(1.5), Some(1.5), None, Some(0.0), Some(0.0), None]);
    }
}
