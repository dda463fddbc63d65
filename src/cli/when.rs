//! Moments as people read and write them.

use crate::config::period;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

/// `14:05` on the day of `now`, `Tue 14:05` on another within a week, the date beyond.
pub fn short(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let (there, here) = (at.with_timezone(&zone), now.with_timezone(&zone));
    let form = if there.date_naive() == here.date_naive() {
        "%H:%M"
    } else if (at - now).abs() < TimeDelta::days(7) {
        "%a %H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    there.format(form).to_string()
}

/// `in 3h20m` or `3h20m ago`, whole minutes above one, seconds below.
pub fn relative(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let span = at - now;
    let unit = if span.abs() >= TimeDelta::minutes(1) { 60 } else { 1 };
    let rounded = period::written(TimeDelta::seconds(span.num_seconds().abs() / unit * unit));
    match span.num_seconds() {
        0 => "now".to_owned(),
        s if s > 0 => format!("in {rounded}"),
        _ => format!("{rounded} ago"),
    }
}

/// A past moment: RFC 3339, or how long ago (`2h30m`). The error tells both forms.
pub fn past(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let at = if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        at.with_timezone(&Utc)
    } else {
        let span = period::parse(text).map_err(|_| {
            format!("{} is no moment; write 2026-11-21T18:00:00Z, or how long ago, such as 2h30m", period::quoted(text))
        })?;
        now - span
    };
    if at > now {
        return Err(format!("{text} is not past; see floorcast plan for what comes"));
    }
    Ok(at)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn moments_are_as_short_as_they_can_be() {
        let (now, zone) = (at("2026-11-21T12:00:00Z"), Tz::Europe__Berlin);
        assert_eq!(short(at("2026-11-21T17:05:00Z"), now, zone), "18:05");
        assert_eq!(short(at("2026-11-21T23:30:00Z"), now, zone), "Sun 00:30");
        assert_eq!(short(at("2026-12-24T17:00:00Z"), now, zone), "2026-12-24 18:00");
        assert_eq!(relative(at("2026-11-21T15:20:40Z"), now), "in 3h20m");
        assert_eq!(relative(at("2026-11-21T11:59:20Z"), now), "40s ago");
        assert_eq!(relative(now, now), "now");
    }

    #[test]
    fn the_past_is_a_moment_or_a_duration() {
        let now = at("2026-11-21T12:00:00Z");
        assert_eq!(past("2h30m", now).unwrap(), at("2026-11-21T09:30:00Z"));
        assert_eq!(past("2026-11-20T18:00:00+01:00", now).unwrap(), at("2026-11-20T17:00:00Z"));
        assert!(past("yesterday", now).unwrap_err().contains("such as 2h30m"));
        assert!(past("2027-01-01T00:00:00Z", now).unwrap_err().contains("not past"));
    }
}
