//! A forecast as the API tells it: a list of points on the wire, a grid of 32-bit values in memory, shared by all who show it.
//!
//! A thousand workloads keep 289 points each for as long as nobody asks: 8 bytes a point are 2.3 MB, where stamps and 64-bit
//! values, once for the findings and once for the published view, were 18 MB.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// One point of a forecast.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForecastPoint {
    /// When.
    pub at: DateTime<Utc>,
    /// Expected load.
    pub point: f32,
    /// Upper quantile of the maximum over the lead time from here.
    pub upper: f32,
}

/// Points of a forecast at a fixed distance, the first at `origin`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    origin: DateTime<Utc>,
    step: TimeDelta,
    /// Expected load and upper quantile.
    values: Arc<[(f32, f32)]>,
}

impl Points {
    /// Points from `origin` on, each `step` after the one before: expected load and upper quantile.
    pub fn new(origin: DateTime<Utc>, step: TimeDelta, values: impl IntoIterator<Item = (f32, f32)>) -> Self {
        Self { origin, step, values: values.into_iter().collect() }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// No points at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The points, in order of time.
    pub fn iter(&self) -> impl Iterator<Item = ForecastPoint> + '_ {
        self.values.iter().enumerate().map(|(i, &(point, upper))| ForecastPoint { at: self.time(i), point, upper })
    }

    /// The point in force at an instant; after the last one it stays the last.
    pub fn at(&self, instant: DateTime<Utc>) -> Option<ForecastPoint> {
        let behind = (instant - self.origin).num_milliseconds();
        // The whole steps behind the origin; where there is but one point its distance to the next does not matter.
        let i = behind.div_euclid(self.step.num_milliseconds().max(1)).min(self.values.len() as i64 - 1);
        let i = usize::try_from(i).ok()?;
        let &(point, upper) = self.values.get(i)?;
        Some(ForecastPoint { at: self.time(i), point, upper })
    }

    fn time(&self, i: usize) -> DateTime<Utc> {
        self.origin + self.step * i32::try_from(i).unwrap_or(i32::MAX)
    }
}

impl Serialize for Points {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Points {
    /// A list whose points are not at a fixed distance was not made by floorcast: refused.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = Vec::<ForecastPoint>::deserialize(deserializer)?;
        let origin = list.first().map_or_else(DateTime::default, |first| first.at);
        let step = list.get(1).map_or_else(TimeDelta::zero, |second| second.at - origin);
        let points = Self::new(origin, step, list.iter().map(|p| (p.point, p.upper)));
        if points.iter().zip(&list).all(|(ours, theirs)| ours.at == theirs.at) {
            return Ok(points);
        }
        Err(serde::de::Error::custom("the points of a forecast are not at a fixed distance"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + 60 * minutes, 0).unwrap()
    }

    #[test]
    fn the_wire_carries_a_list_and_gives_it_back() {
        let points = Points::new(at(0), TimeDelta::minutes(5), [(1.5, 2.0), (0.3, 0.7)]);
        let text = serde_json::to_string(&points).unwrap();
        assert_eq!(
            text,
            r#"[{"at":"2027-01-15T08:00:00Z","point":1.5,"upper":2.0},{"at":"2027-01-15T08:05:00Z","point":0.3,"upper":0.7}]"#
        );
        assert_eq!(serde_json::from_str::<Points>(&text).unwrap(), points);
        assert!(serde_json::from_str::<Points>("[]").unwrap().is_empty());
        let odd = [0, 5, 7].map(|minute| ForecastPoint { at: at(minute), point: 1.0, upper: 1.0 });
        let error = serde_json::from_str::<Points>(&serde_json::to_string(&odd).unwrap()).unwrap_err();
        assert!(error.to_string().contains("fixed distance"), "{error}");
    }

    #[test]
    fn the_point_in_force_is_the_newest_that_has_begun() {
        let points = Points::new(at(0), TimeDelta::minutes(5), [(1.0, 7.0), (1.0, 9.0), (1.0, 8.0)]);
        for (minute, wanted) in
            [(-1, None), (0, Some(7.0)), (4, Some(7.0)), (5, Some(9.0)), (10, Some(8.0)), (60, Some(8.0))]
        {
            assert_eq!(points.at(at(minute)).map(|p| p.upper), wanted, "minute {minute}");
        }
        assert_eq!(Points::default().at(at(0)), None);
    }
}
