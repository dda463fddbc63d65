//! Cron expressions of five fields, on a wall clock that is never changed. Zones are the business of whoever asks.

use chrono::{NaiveDate, NaiveDateTime};
use croner::parser::{CronParser, Seconds, Year};
use std::{cmp::Ordering, fmt};

/// Longest expression that is read, in characters.
const LONGEST: usize = 256;
/// The fields, in order, and what each may hold.
const FIELDS: [(&str, &str); 5] = [
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, or L for the last"),
    ("month", "1 to 12, or JAN to DEC"),
    ("day of the week", "0 to 7 (0 and 7 are Sunday), or SUN to SAT"),
];

/// When something begins, by the wall clock: minute, hour, day of the month, month, day of the week.
///
/// Where both days are restricted, either suffices, as in every cron since Vixie's.
///
/// ```
/// use floorcast_models::schedule::Cron;
/// let fridays = Cron::parse("0 18 * * FRI").unwrap();
/// let monday = chrono::NaiveDate::from_ymd_opt(2026, 1, 5).unwrap().and_hms_opt(0, 0, 0).unwrap();
/// assert_eq!(fridays.next_after(monday).unwrap().to_string(), "2026-01-09 18:00:00");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Cron {
    cron: croner::Cron,
    text: String,
}

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct CronFault {
    /// Number of the first wrong character, from 0.
    pub position: usize,
    /// What is wrong, with what is allowed.
    pub why: String,
}

impl Cron {
    /// Reads five fields, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    ///
    /// # Errors
    /// [`CronFault`] where it is none, or where it never happens (30 February).
    pub fn parse(text: &str) -> Result<Self, CronFault> {
        let fault = |position, why: String| CronFault { position, why };
        if text.chars().count() > LONGEST {
            return Err(fault(LONGEST, format!("an expression has at most {LONGEST} characters")));
        }
        let fields = fields(text);
        if !(fields.len() == 1 && fields[0].1.starts_with('@')) && fields.len() != FIELDS.len() {
            let position = fields.get(FIELDS.len()).map_or(text.chars().count(), |(at, _)| *at);
            let names = FIELDS.map(|(name, _)| name).join(", ");
            return Err(fault(position, format!("an expression has 5 fields ({names}), here are {}", fields.len())));
        }
        let parsed = parser().parse(text).map_err(|error| locate(&fields, &error.to_string()))?;
        let cron = Self { cron: parsed, text: text.to_owned() };
        // A leap year's start: whatever happens at all happens within the 28 years in which dates and weekdays come round.
        let start = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap_or_default().and_hms_opt(0, 0, 0).unwrap_or_default();
        match cron.next_after(start) {
            Some(_) => Ok(cron),
            None => Err(fault(0, "it never happens: no such day is in any year".to_owned())),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first time after `t`.
    pub fn next_after(&self, t: NaiveDateTime) -> Option<NaiveDateTime> {
        self.cron.find_next_occurrence(&t, false).ok().filter(|next| next.cmp(&t) == Ordering::Greater)
    }

    /// The last time not after `t`.
    pub fn last_until(&self, t: NaiveDateTime) -> Option<NaiveDateTime> {
        self.cron.find_previous_occurrence(&t, true).ok().filter(|last| last.cmp(&t) != Ordering::Greater)
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build()
}

/// The fields of a text with the number of their first characters.
fn fields(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let mut found = Vec::new();
    for piece in text.split(char::is_whitespace) {
        if !piece.is_empty() {
            found.push((at, piece));
        }
        at += piece.chars().count() + 1;
    }
    found
}

/// Which field it is that the parser does not like: each is tried alone.
fn locate(fields: &[(usize, &str)], said: &str) -> CronFault {
    let alone = |number: usize, field: &str| {
        let mut all = ["*"; FIELDS.len()];
        all[number] = field;
        parser().parse(&all.join(" "))
    };
    let wrong = fields.iter().enumerate().take(FIELDS.len()).find(|(i, (_, field))| alone(*i, field).is_err());
    match wrong {
        Some((i, (position, field))) if fields.len() == FIELDS.len() => {
            let (name, allowed) = FIELDS[i];
            let field: String = field.chars().take(40).flat_map(char::escape_debug).collect();
            CronFault {
                position: *position,
                why: format!("\"{field}\" is no {name}: allowed are {allowed}, *, a-b, a,b and */n"),
            }
        }
        _ => CronFault { position: 0, why: said.to_owned() },
    }
}
