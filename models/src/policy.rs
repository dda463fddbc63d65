//! What the user and the administrator want for one workload, already parsed and checked.

use crate::forecast::Choice;
use crate::schedule::Window;
use crate::units::Replicas;
use chrono::TimeDelta;
use chrono_tz::Tz;
use std::sync::Arc;

/// Whether floors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Not opted in.
    Off,
    /// Forecast and tell, change nothing.
    Shadow,
    /// Write floors.
    Live,
}

impl Mode {
    /// The word of the annotation and of metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Shadow => "shadow",
            Self::Live => "live",
        }
    }
}

/// How far ahead of the load the pods must be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeadTime {
    /// Measured from past raises and pod start-up.
    Auto,
    /// Given by the user: 1 min to 2 h.
    Fixed(TimeDelta),
}

/// Everything that steers one workload's floor.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Whether floors are written.
    pub mode: Mode,
    /// Share of lead windows whose maximum the floor must cover, 0.5 to 0.999.
    pub quantile: f64,
    /// How far ahead to ask.
    pub lead: LeadTime,
    /// `floorcast.io/min-replicas`: the base the user wants, where said.
    pub base: Option<Replicas>,
    /// `floorcast.io/max-floor`: highest floor the user allows, where said.
    pub max_floor: Option<Replicas>,
    /// Highest floor the administrator allows for one workload, where said.
    pub admin_cap: Option<Replicas>,
    /// The season's wall clock.
    pub zone: Tz,
    /// The model that forecasts.
    pub model: Choice,
    /// How floors come down.
    pub ramp: Ramp,
    /// A foreign value below our floor is respected for this long (1 h by default).
    pub respect: TimeDelta,
    /// Longest `until` ahead (6 h by default).
    pub longest_hold: TimeDelta,
    /// The administrator's guard rails.
    pub rails: Rails,
    /// Scheduled floors.
    pub schedule: Arc<[Window]>,
}

impl Policy {
    /// Live, with nothing else said: everything by default.
    pub fn live() -> Self {
        Self {
            mode: Mode::Live,
            quantile: 0.95,
            lead: LeadTime::Auto,
            base: None,
            max_floor: None,
            admin_cap: None,
            zone: Tz::UTC,
            model: Choice::Auto,
            ramp: Ramp::default(),
            respect: TimeDelta::hours(1),
            longest_hold: TimeDelta::hours(6),
            rails: Rails::default(),
            schedule: Arc::default(),
        }
    }
}

/// The administrator's guard rails for one workload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rails {
    /// Share of `maxReplicas`, at least one replica, that floors leave to the HPA (0.10 by default).
    pub headroom: f64,
    /// No floor above this multiple of the most ever needed in the training window (1.5 by default).
    pub runaway: f64,
    /// Replicas above the base that one workload's floor may add, where limited.
    pub above_base: Option<Replicas>,
    /// Writes per HPA and hour (12 by default, failure I7), divided by [`Rails::reserve`] and its neighbours.
    pub writes_per_hour: usize,
}

impl Rails {
    /// Writes an hour that are kept for floors whose `until` is over: 2 of 12.
    ///
    /// They make both hold at once, that such a floor begins to come down (I6) and that the hour's writes are bounded (I7): no
    /// other write uses them, and a floor written when writes are short lasts [`Rails::pace`], so that after the last other
    /// write no more than this many floors run out within the hour: 10 + 2 = 12.
    pub const fn reserve(&self) -> usize {
        let sixth = self.writes_per_hour / 6;
        if sixth == 0 { 1 } else { sixth }
    }

    /// Writes an hour after which a raise waits: all but the reserve, 10 of 12.
    pub const fn writes_for_raising(&self) -> usize {
        self.writes_per_hour.saturating_sub(self.reserve())
    }

    /// Writes an hour after which a lower or a longer `until` waits, so that raises always have some left: 8 of 12.
    pub const fn writes_for_lowering(&self) -> usize {
        self.writes_for_raising().saturating_sub(self.reserve())
    }

    /// Shortest time for which a floor is written once writes are short: the reserve spread over the hour, 30 min.
    pub fn pace(&self) -> TimeDelta {
        TimeDelta::hours(1) / self.reserve() as i32
    }

    /// Writes an hour from which on a raise looks an hour ahead, so that a few writes more reach the peak: 6 of 12.
    pub const fn many_writes(&self) -> usize {
        self.writes_per_hour / 2
    }
}

impl Default for Rails {
    fn default() -> Self {
        Self { headroom: 0.10, runaway: 1.5, above_base: None, writes_per_hour: 12 }
    }
}

/// How floors come down while they bind (`hpa.md` 3.3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ramp {
    /// Largest fall per minute, as a share of the floor (0.10 by default).
    pub per_minute: f64,
    /// Shortest time between two lowering writes (5 min by default).
    pub step: TimeDelta,
}

impl Default for Ramp {
    fn default() -> Self {
        Self { per_minute: 0.10, step: TimeDelta::minutes(5) }
    }
}

/// What the kill switch, a command or the mode asks of a workload; later variants are stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Directive {
    /// Normal work.
    #[default]
    Run,
    /// No writes at all; what is held stays.
    Freeze,
    /// Hand floors back by the ramp.
    Drain,
    /// Hand floors back at once.
    Release,
}

impl Directive {
    /// Every word of the kill switch, the mildest first.
    pub const ALL: [Self; 4] = [Self::Run, Self::Freeze, Self::Drain, Self::Release];

    /// The word of the kill switch.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Freeze => "freeze",
            Self::Drain => "drain",
            Self::Release => "release",
        }
    }
}
