//! Public holidays by country, and days that a person lists: where a weekday is not a weekday.

use crate::config::quoted;
use chrono::NaiveDate;
use floorcast_models::calendar::Day;
use opening_hours::localization::Country;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Cow, fmt, sync::Arc};

/// Most entries of one list.
const MOST: usize = 200;

/// One entry of a list: a country's public holidays, or one day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listed {
    /// The country's national public holidays.
    Country(Country),
    /// This day.
    Date(NaiveDate),
}

/// The days that are holidays for one workload.
pub type Holidays = Arc<[Listed]>;

/// Reads `DE, US, 2026-12-24`, or `none`. The error is a message of three lines: what, why, remedy.
pub fn parse(text: &str) -> Result<Holidays, String> {
    if text == "none" {
        return Ok(Arc::default());
    }
    let entries: Vec<&str> = text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).collect();
    if entries.len() > MOST {
        return Err(format!(
            "there are more than {MOST} entries\na list has at most {MOST}\nname a country instead of its days"
        ));
    }
    entries.into_iter().map(str::parse::<Listed>).collect()
}

/// The local days within `[from, to]` that are holidays, as the core counts days.
pub fn between(holidays: &[Listed], from: NaiveDate, to: NaiveDate) -> Vec<Day> {
    let days = from.iter_days().take_while(|day| *day <= to);
    days.filter(|day| holidays.iter().any(|listed| listed.contains(*day))).map(Day::of).collect()
}

impl Listed {
    fn contains(self, day: NaiveDate) -> bool {
        match self {
            Self::Country(country) => country.holidays().get_public().contains(day),
            Self::Date(date) => date == day,
        }
    }
}

impl std::str::FromStr for Listed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Ok(Self::Date(date));
        }
        let known = text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
        if let Some(country) = text.parse::<Country>().ok().filter(|_| known) {
            return Ok(Self::Country(country));
        }
        let means =
            |country: &Country| [country.iso_code(), country.name()].iter().any(|n| n.eq_ignore_ascii_case(text));
        let remedy = match Country::ALL.into_iter().find(means) {
            Some(country) => format!("did you mean {}?", country.iso_code()),
            None => "write for example DE or 2026-12-24; days of a country that is not known can be listed one by one"
                .to_owned(),
        };
        Err(format!(
            "{} is neither a country nor a day\nknown are ISO 3166 codes of two letters and days as YYYY-MM-DD\n{remedy}",
            quoted(text)
        ))
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Country(country) => f.write_str(country.iso_code()),
            Self::Date(date) => write!(f, "{date}"),
        }
    }
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Listed {
    fn schema_name() -> Cow<'static, str> {
        "Holiday".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "a country as its ISO 3166 code of two letters, or a day as YYYY-MM-DD" })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn days(list: &str, from: &str, to: &str) -> Vec<String> {
        between(&parse(list).unwrap(), day(from), day(to)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn countries_and_days_make_one_list() {
        assert_eq!(days("DE", "2026-12-20", "2026-12-31"), ["2026-12-25", "2026-12-26"]);
        assert_eq!(days("US, 2026-12-24", "2026-12-20", "2026-12-31"), ["2026-12-24", "2026-12-25"]);
        assert_eq!(
            days("GB,FR", "2027-03-20", "2027-04-05"),
            ["2027-03-26", "2027-03-29"],
            "Good Friday and Easter Monday"
        );
        assert!(days("none", "2026-01-01", "2026-12-31").is_empty());
    }

    #[test]
    fn what_is_neither_is_told_with_the_nearest() {
        for (text, remedy) in [
            ("de", "did you mean DE?"),
            ("Germany", "did you mean DE?"),
            ("2026-13-01", "write for example"),
            ("XX", "write"),
        ] {
            let said = parse(text).unwrap_err();
            assert!(said.lines().count() == 3 && said.lines().nth(2).unwrap().starts_with(remedy), "{said}");
        }
    }
}
