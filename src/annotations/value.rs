//! One parser per key. Errors are messages of three lines: what, why, remedy.

use crate::config::{Lead, Quantile, nearest, quoted};
use floorcast_models::{
    forecast::Choice,
    policy::{LeadTime, Mode},
    units::{PerReplica, Replicas},
};

/// Most replicas a person may ask for: far above any cluster, far below the API's limit.
const MOST: u32 = 1_000_000;

pub(super) fn mode(text: &str) -> Result<Mode, String> {
    let modes = [Mode::Off, Mode::Shadow, Mode::Live];
    modes.into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| {
        let remedy = nearest(text, modes.map(Mode::as_str), 2)
            .map_or_else(|| "write one of them".to_owned(), |near| format!("did you mean {near}?"));
        format!("{} is no mode\nmodes are off, shadow and live\n{remedy}", quoted(text))
    })
}

pub(super) fn quantile(text: &str) -> Result<f64, String> {
    number(text).and_then(Quantile::new).map(Quantile::get)
}

pub(super) fn lead_time(text: &str) -> Result<LeadTime, String> {
    text.parse::<Lead>().map(|lead| lead.0)
}

pub(super) fn per_replica(text: &str) -> Result<PerReplica, String> {
    let n = number(text)?;
    PerReplica::new(n).filter(|_| n <= 1e15).ok_or_else(|| {
        format!("{} is out of range\na replica carries more than 0 and at most 1e15, in the load's unit\nwrite the load that one replica should carry", quoted(text))
    })
}

pub(super) fn replicas(text: &str) -> Result<Replicas, String> {
    match text.parse::<u32>() {
        Ok(n) if (1..=MOST).contains(&n) && text.bytes().all(|b| b.is_ascii_digit()) => Ok(Replicas::new(n)),
        _ => Err(format!(
            "{} is no number of replicas\nallowed is 1 to {MOST}\nwrite a whole number in this range",
            quoted(text)
        )),
    }
}

pub(super) fn model(text: &str) -> Result<Choice, String> {
    crate::config::model::parse(text)
}

/// A decimal number as people write it; `inf`, `nan` and units are not numbers here.
fn number(text: &str) -> Result<f64, String> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    text.parse::<f64>().ok().filter(|n| plain && n.is_finite()).ok_or_else(|| {
        format!(
            "{} is no number\na decimal number without a unit is expected\nwrite digits with a point, such as 0.95",
            quoted(text)
        )
    })
}
