//! Our annotations on an HPA: names, format, and reading them back.

use chrono::{DateTime, SecondsFormat, Utc};
use floorcast_models::target::{Held, Hold, Holder};
use floorcast_models::units::Replicas;
use std::collections::BTreeMap;

/// The user's own floor.
pub const BASE: &str = "floorcast.io/base";
/// What we wrote.
pub const FLOOR: &str = "floorcast.io/floor";
/// What we had written before.
pub const FLOOR_BEFORE: &str = "floorcast.io/floor-before";
/// When nobody needs the floor any more, RFC 3339 in UTC.
pub const UNTIL: &str = "floorcast.io/until";
/// `<namespace>/<lease UID>/<identity>`.
pub const HOLDER: &str = "floorcast.io/holder";
/// Lease transitions at the write.
pub const EPOCH: &str = "floorcast.io/epoch";
/// Short reason code.
pub const REASON: &str = "floorcast.io/reason";
/// Format version.
pub const VERSION: &str = "floorcast.io/v";
/// Somebody handed the floor back and wants peace until then.
pub const RELEASED_UNTIL: &str = "floorcast.io/released-until";
/// Label on every HPA whose floor we hold.
pub const MANAGED: &str = "floorcast.io/managed";
/// The format we write.
pub const FORMAT: u32 = 1;

/// The annotations that together are the book-keeping of a held floor, without [`RELEASED_UNTIL`].
pub const BOOK: [&str; 8] = [BASE, FLOOR, FLOOR_BEFORE, UNTIL, HOLDER, EPOCH, REASON, VERSION];

/// A moment as it stands in an annotation: whole seconds, UTC.
pub fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A holder as it stands in its annotation.
pub fn holder_text(holder: &Holder) -> String {
    format!("{}/{}/{}", holder.namespace, holder.lease_uid, holder.identity)
}

/// Reads a moment that an annotation holds.
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|t| t.to_utc())
}

/// Reads our book-keeping from an HPA's annotations.
pub fn read(annotations: &BTreeMap<String, String>) -> Hold {
    if !BOOK.iter().any(|key| annotations.contains_key(*key)) {
        return Hold::Free;
    }
    if let Some(version) = newer(annotations) {
        return Hold::Newer { version };
    }
    match held(annotations) {
        Ok(held) => Hold::Held(held),
        Err(why) => Hold::Damaged { base: annotations.get(BASE).and_then(|text| replicas(text)), why },
    }
}

/// The annotations of a held floor, in the format of [`FORMAT`].
pub fn write(held: &Held) -> BTreeMap<&'static str, String> {
    let mut book = BTreeMap::from([
        (BASE, held.base.to_string()),
        (FLOOR, held.floor.to_string()),
        (UNTIL, stamp(held.until)),
        (HOLDER, holder_text(&held.holder)),
        (EPOCH, held.epoch.to_string()),
        (REASON, held.reason.chars().take(64).collect()),
        (VERSION, FORMAT.to_string()),
    ]);
    if let Some(before) = held.floor_before {
        book.insert(FLOOR_BEFORE, before.to_string());
    }
    book
}

/// A format version above ours; one that is no number is damage, not the future.
fn newer(annotations: &BTreeMap<String, String>) -> Option<String> {
    let text = annotations.get(VERSION)?;
    text.parse::<u32>().is_ok_and(|v| v > FORMAT).then(|| text.clone())
}

fn held(annotations: &BTreeMap<String, String>) -> Result<Held, String> {
    let floor_before = match annotations.get(FLOOR_BEFORE) {
        Some(text) => Some(replicas(text).ok_or_else(|| bad(FLOOR_BEFORE, text, "a whole number"))?),
        None => None,
    };
    if annotations.get(VERSION).is_some_and(|v| v != "1") {
        return Err(bad(VERSION, &annotations[VERSION], "`1`"));
    }
    Ok(Held {
        base: field(annotations, BASE, "a whole number", replicas)?,
        floor: field(annotations, FLOOR, "a whole number", replicas)?,
        floor_before,
        until: field(annotations, UNTIL, "a time like 2026-01-31T09:00:00Z", moment)?,
        holder: field(annotations, HOLDER, "`namespace/lease-uid/identity`", holder)?,
        epoch: field(annotations, EPOCH, "a whole number", |t| t.parse().ok())?,
        reason: annotations.get(REASON).cloned().unwrap_or_default(),
    })
}

fn field<T>(
    annotations: &BTreeMap<String, String>,
    key: &str,
    wanted: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, String> {
    let text = annotations.get(key).ok_or_else(|| format!("annotation {key} is missing"))?;
    parse(text).ok_or_else(|| bad(key, text, wanted))
}

fn bad(key: &str, text: &str, wanted: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    format!("annotation {key} is `{shown}`, not {wanted}")
}

fn replicas(text: &str) -> Option<Replicas> {
    text.parse::<i32>().ok().and_then(Replicas::from_api)
}

fn holder(text: &str) -> Option<Holder> {
    let mut parts = text.splitn(3, '/').map(str::to_owned);
    let (namespace, lease_uid, identity) = (parts.next()?, parts.next()?, parts.next()?);
    (!namespace.is_empty() && !lease_uid.is_empty()).then_some(Holder { namespace, lease_uid, identity })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sample() -> Held {
        Held {
            base: Replicas::new(2),
            floor: Replicas::new(7),
            floor_before: Some(Replicas::new(5)),
            until: moment("2026-01-31T09:00:00Z").unwrap(),
            holder: Holder {
                namespace: "floorcast".to_owned(),
                lease_uid: "0a1b".to_owned(),
                identity: "floorcast-6d5f-abcde".to_owned(),
            },
            epoch: 3,
            reason: "forecast".to_owned(),
        }
    }

    fn annotations(held: &Held) -> BTreeMap<String, String> {
        write(held).into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(read(&annotations(&sample())), Hold::Held(sample()));
        let mut first = sample();
        first.floor_before = None;
        assert_eq!(read(&annotations(&first)), Hold::Held(first));
    }

    #[test]
    fn users_keys_are_no_hold() {
        let users = BTreeMap::from([("floorcast.io/mode".to_owned(), "live".to_owned())]);
        assert_eq!(read(&users), Hold::Free);
    }

    #[test]
    fn a_newer_format_is_left_alone() {
        let mut newer = annotations(&sample());
        newer.insert(VERSION.to_owned(), "2".to_owned());
        newer.insert(BASE.to_owned(), "two".to_owned());
        assert_eq!(read(&newer), Hold::Newer { version: "2".to_owned() });
    }

    #[test]
    fn damage_keeps_the_base_that_can_be_read_and_says_what_is_wrong() {
        for (key, value, word) in [
            (FLOOR, "many", FLOOR),
            (UNTIL, "tomorrow", UNTIL),
            (HOLDER, "me", HOLDER),
            (EPOCH, "-1", EPOCH),
            (VERSION, "one", VERSION),
            (FLOOR_BEFORE, "-3", FLOOR_BEFORE),
        ] {
            let mut broken = annotations(&sample());
            broken.insert(key.to_owned(), value.to_owned());
            let Hold::Damaged { base, why } = read(&broken) else {
                panic!("{key}: {:?}", read(&broken));
            };
            assert_eq!(base, Some(Replicas::new(2)));
            assert!(why.contains(word), "{why}");
        }
        let mut gone = annotations(&sample());
        gone.remove(BASE);
        assert!(matches!(read(&gone), Hold::Damaged { base: None, .. }));
    }

    #[test]
    fn the_footprint_stays_below_two_kibibytes() {
        let mut long = sample();
        long.reason = "x".repeat(10_000);
        let bytes: usize = annotations(&long).iter().map(|(k, v)| k.len() + v.len()).sum();
        assert!(bytes < 2048, "{bytes}");
    }
}
