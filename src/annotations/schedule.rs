//! `floorcast.io/schedule`: windows of cron expression, duration, zone and replicas.

use crate::config::{WindowPeriod, quoted, start, zone};
use chrono_tz::Tz;
use floorcast_models::schedule::{Recurrence, Window};
use std::sync::Arc;

/// Most windows of one workload.
const MOST: usize = 64;
/// What a window looks like.
const FORM: &str =
    "write CRON, DURATION, REPLICAS or CRON, DURATION, ZONE, REPLICAS, windows parted by ; or a new line";

/// Reads `0 18 * * 5, 3h, 12; 30 8 * * 1-5, 90m, Europe/Berlin, 20`, or `none`. `zone` is for windows that name none.
///
/// The error is a message of three lines: what, why, remedy.
pub(super) fn parse(text: &str, zone: Tz) -> Result<Arc<[Window]>, String> {
    if text == "none" {
        return Ok(Arc::default());
    }
    let mut windows = Vec::new();
    let mut at = 0;
    for piece in text.split([';', '\n', '\r']) {
        let begins = at + piece.chars().count() - piece.trim_start().chars().count();
        if !piece.trim().is_empty() {
            if windows.len() == MOST {
                return Err(format!(
                    "there are more than {MOST} windows\na workload has at most {MOST}\njoin some: 0 8,18 * * 1-5 opens twice a day"
                ));
            }
            windows.push(window(piece.trim(), begins, zone)?);
        }
        at += piece.chars().count() + 1;
    }
    Ok(windows.into())
}

/// One window, whose first character is number `at` (from 0) of the value. A cron expression has commas of its own, so it is read
/// from the end.
fn window(text: &str, at: usize, zone: Tz) -> Result<Window, String> {
    let wrong =
        |why: &str| format!("the window {} at character {} cannot be read\n{why}\n{FORM}", quoted(text), at + 1);
    let placed = |message: String| message.replacen('\n', &format!(", in the window at character {}\n", at + 1), 1);
    let short = || wrong("a window has three or four parts, parted by commas");
    let (rest, replicas) = text.rsplit_once(',').ok_or_else(short)?;
    let (mut cron, mut lasts) = rest.rsplit_once(',').ok_or_else(short)?;
    let mut zone = zone;
    // A duration begins with a digit, the name of a zone with a letter.
    if lasts.trim().starts_with(|c: char| c.is_ascii_alphabetic()) {
        zone = zone::parse(lasts.trim()).map_err(placed)?;
        (cron, lasts) = cron.rsplit_once(',').ok_or_else(short)?;
    }
    let replicas = super::value::replicas(replicas.trim()).map_err(placed)?;
    let lasts = lasts.trim().parse::<WindowPeriod>().map_err(placed)?.get();
    let when = Recurrence { start: start(cron.trim_end(), at)?, lasts, zone };
    Ok(Window { when, replicas, text: text.into() })
}
