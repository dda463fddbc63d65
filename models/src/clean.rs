//! What in a history is not demand: outages, one-off bursts, excluded windows. Masked for learning only.

mod judge;

pub(crate) use judge::Judge;

use chrono::{DateTime, TimeDelta, Utc};
use std::fmt;

/// Floors wait this long for a load that is gone to come back: as long as the longest `until` lets them stand unheard of. What is an
/// outage for the season goes on being left out of it for days.
pub(crate) const WAITED_FOR: TimeDelta = TimeDelta::hours(6);

/// What was recognised in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Recognised {
    /// The load fell to nearly nothing against its season and came back.
    Outage,
    /// A one-off rise far above the season.
    Burst,
    /// A lasting change of level: believed, not masked.
    LevelShift,
    /// Samples are missing for longer than can be bridged.
    Gap,
    /// Older history was left out because too much of it is missing.
    Truncated,
}

impl Recognised {
    /// The word of metric labels and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::Burst => "burst",
            Self::LevelShift => "level-shift",
            Self::Gap => "gap",
            Self::Truncated => "truncated",
        }
    }
}

/// One recognition, for the user to read: what, from when, to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it was taken for.
    pub what: Recognised,
    /// Start of the first sample concerned.
    pub from: DateTime<Utc>,
    /// End of the last sample concerned.
    pub to: DateTime<Utc>,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from.format("%F %H:%M"), self.to.format("%F %H:%M"));
        let what = match self.what {
            Recognised::Outage => "outage, left out of learning",
            Recognised::Burst => "one-off burst, left out of learning",
            Recognised::LevelShift => "lasting change of level, followed",
            Recognised::Gap => "no samples",
            Recognised::Truncated => "too many gaps, older history left out",
        };
        write!(f, "{what}: {from} to {to} UTC")
    }
}
