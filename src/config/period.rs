//! Durations as people write them: `90s`, `5m`, `4w`, `1h30m`.

use chrono::TimeDelta;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Cow, fmt, time::Duration};

/// Units, longest first; a duration names each at most once and in this order.
const UNITS: [(&str, i64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A duration between `LOW` and `HIGH` milliseconds, both included: the stated bound is part of the type.
///
/// ```
/// use floorcast::config::Period;
/// let tick: Period<200, 300_000> = "15s".parse().unwrap();
/// assert_eq!(tick.get().num_seconds(), 15);
/// assert!("10ms".parse::<Period<200, 300_000>>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period<const LOW: i64, const HIGH: i64>(i64);

impl<const LOW: i64, const HIGH: i64> Period<LOW, HIGH> {
    /// For the defaults in this crate; clamped to the bounds.
    pub const fn millis(ms: i64) -> Self {
        Self(if ms < LOW {
            LOW
        } else if ms > HIGH {
            HIGH
        } else {
            ms
        })
    }

    /// For the defaults in this crate; clamped to the bounds.
    pub const fn seconds(s: i64) -> Self {
        Self::millis(s * 1_000)
    }

    /// As chrono's signed duration.
    pub const fn get(self) -> TimeDelta {
        TimeDelta::milliseconds(self.0)
    }

    /// As the standard library's duration, for tokio's timers.
    pub const fn std(self) -> Duration {
        Duration::from_millis(self.0.unsigned_abs())
    }

    fn within(span: TimeDelta) -> Result<Self, String> {
        let ms = span.num_milliseconds();
        if (LOW..=HIGH).contains(&ms) {
            return Ok(Self(ms));
        }
        Err(format!("{} is out of range\nallowed is {}\nwrite a duration in this range", written(span), Self::range()))
    }

    fn range() -> String {
        format!("{} to {}", written(TimeDelta::milliseconds(LOW)), written(TimeDelta::milliseconds(HIGH)))
    }
}

impl<const LOW: i64, const HIGH: i64> std::str::FromStr for Period<LOW, HIGH> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::within(parse(text)?)
    }
}

impl<const LOW: i64, const HIGH: i64> fmt::Display for Period<LOW, HIGH> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(self.get()))
    }
}

impl<const LOW: i64, const HIGH: i64> fmt::Debug for Period<LOW, HIGH> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const LOW: i64, const HIGH: i64> Serialize for Period<LOW, HIGH> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de, const LOW: i64, const HIGH: i64> Deserialize<'de> for Period<LOW, HIGH> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl<const LOW: i64, const HIGH: i64> JsonSchema for Period<LOW, HIGH> {
    fn schema_name() -> Cow<'static, str> {
        format!("Period_{LOW}_{HIGH}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$",
            "minLength": 2,
            "description": format!("a duration such as 90s, 5m, 1h30m or 4w; {}", Self::range()),
        })
    }
}

/// Parses `1h30m`: whole numbers with the units w, d, h, m, s, ms, each at most once and longest first.
///
/// The error is a message of three lines: what, why, remedy.
pub fn parse(text: &str) -> Result<TimeDelta, String> {
    let refuse =
        |why: String| format!("{} is not a duration\n{why}\nwrite for example 90s, 5m, 1h30m or 4w", quoted(text));
    let mut rest = text;
    let (mut total, mut next_unit) = (0_i64, 0);
    if text.is_empty() {
        return Err(refuse("it is empty".to_owned()));
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (unit, tail) = tail.split_at(letters);
        if number.is_empty() {
            return Err(refuse(format!("a whole number is expected at character {}", text.len() - rest.len() + 1)));
        }
        if unit.is_empty() {
            return Err(refuse(format!("the number {number} has no unit (w, d, h, m, s, ms)")));
        }
        let Some(index) = UNITS.iter().position(|(name, _)| *name == unit) else {
            return Err(refuse(format!("{} is no unit; units are w, d, h, m, s, ms", quoted(unit))));
        };
        if index < next_unit {
            return Err(refuse("units go from longest to shortest, each once".to_owned()));
        }
        total = number
            .parse::<i64>()
            .ok()
            .and_then(|n| n.checked_mul(UNITS[index].1))
            .and_then(|ms| total.checked_add(ms))
            .filter(|ms| *ms < i64::MAX / 2_000_000)
            .ok_or_else(|| refuse("it is too long to count".to_owned()))?;
        next_unit = index + 1;
        rest = tail;
    }
    Ok(TimeDelta::milliseconds(total))
}

/// The shortest way to write a duration that [`parse`] reads back; `0s` for nothing.
pub fn written(span: TimeDelta) -> String {
    let mut left = span.num_milliseconds().max(0);
    let mut out = String::new();
    for (unit, ms) in UNITS {
        if left >= ms && (unit != "w" || left % ms == 0) {
            out.push_str(&format!("{}{unit}", left / ms));
            left %= ms;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// A user's text as shown in an error: quoted, escaped, at most 40 characters.
pub fn quoted(text: &str) -> String {
    let short: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().count() > 40 { format!("\"{short}…\"") } else { format!("\"{short}\"") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write() {
        for (text, seconds) in
            [("90s", 90), ("5m", 300), ("4w", 2_419_200), ("1h30m", 5_400), ("0s", 0), ("1d12h", 129_600)]
        {
            assert_eq!(parse(text).unwrap(), TimeDelta::seconds(seconds), "{text}");
        }
        assert_eq!(parse("1s500ms").unwrap(), TimeDelta::milliseconds(1_500));
    }

    #[test]
    fn refuses_with_the_reason() {
        for (text, why) in [
            ("", "it is empty"),
            ("15", "the number 15 has no unit (w, d, h, m, s, ms)"),
            ("15x", "\"x\" is no unit; units are w, d, h, m, s, ms"),
            ("-3m", "a whole number is expected at character 1"),
            ("1m1h", "units go from longest to shortest, each once"),
            ("5m5m", "units go from longest to shortest, each once"),
            ("99999999999999999999s", "it is too long to count"),
            ("1.5h", "the number 1 has no unit (w, d, h, m, s, ms)"),
            ("5 m", "the number 5 has no unit (w, d, h, m, s, ms)"),
        ] {
            let message = parse(text).unwrap_err();
            assert_eq!(message.lines().nth(1).unwrap(), why, "{text}");
        }
    }

    #[test]
    fn the_bound_is_part_of_the_type() {
        let wrong = "3d".parse::<Period<60_000, 7_200_000>>().unwrap_err();
        assert_eq!(wrong, "3d is out of range\nallowed is 1m to 2h\nwrite a duration in this range");
    }

    proptest! {
        #[test]
        fn written_reads_back(ms in 0_i64..4_000_000_000) {
            let span = TimeDelta::milliseconds(ms);
            prop_assert_eq!(parse(&written(span)).unwrap(), span);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = parse(&text);
        }
    }
}
