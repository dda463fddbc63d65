//! The policies of the comparison, and one stretch of the recording under each.

use super::{Buffer, Course, Cron, Daemon, Fixed, LastWeek, Outlook, Recorded, Setting, Setup, Stage, Wishes};
use crate::series::Series;
use crate::sim::Cluster;
use crate::units::Replicas;
use chrono::{DateTime, TimeDelta, Utc};
use std::ops::Range;

/// A policy of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Strategy {
    /// The HPA alone.
    Hpa,
    /// floorcast beside it.
    Floorcast,
    /// Floor: what the same time last week needed.
    LastWeek,
    /// Floor: the highest of its hour of the week over four weeks.
    Cron,
    /// Minimum fixed at what the highest load so far needs.
    Static,
    /// Perfect foresight through floorcast's own planner.
    Oracle,
    /// The HPA alone with tolerance and behavior tuned too.
    HpaTuned,
    /// A fixed number of pods above the load of now.
    Buffer,
}

impl Strategy {
    /// Those that are compared at one and the same setting, in the order of the report.
    pub const PLAIN: [Self; 6] = [Self::Hpa, Self::Floorcast, Self::LastWeek, Self::Cron, Self::Static, Self::Oracle];
    /// Those that are compared at equal service, in the order of the report.
    pub const EQUAL: [Self; 8] = [
        Self::Hpa,
        Self::HpaTuned,
        Self::Floorcast,
        Self::Oracle,
        Self::LastWeek,
        Self::Cron,
        Self::Static,
        Self::Buffer,
    ];

    /// The word of the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hpa => "hpa",
            Self::Floorcast => "floorcast",
            Self::LastWeek => "last-week",
            Self::Cron => "cron",
            Self::Static => "static",
            Self::Oracle => "oracle",
            Self::HpaTuned => "hpa-tuned",
            Self::Buffer => "buffer",
        }
    }
}

/// Everything that the policies share.
#[derive(Clone, Debug)]
pub struct Ground<'a> {
    /// The workload.
    pub setup: &'a Setup,
    /// The load as lived through.
    pub load: &'a Recorded,
    /// The load as the datasource shows it, at the daemon's step.
    pub history: &'a Series,
    /// What floorcast knows.
    pub outlook: &'a Outlook,
    /// What foresight knows.
    pub foresight: &'a Outlook,
    /// What is said of the workload.
    pub wishes: &'a Wishes,
    /// Decides every chance; the same for all policies, so that they draw the same phases.
    pub seed: u64,
}

/// What is set for one course.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The policy.
    pub strategy: Strategy,
    /// What the HPA is set to.
    pub setting: Setting,
    /// Pods to spare, of [`Strategy::Buffer`].
    pub spare: Replicas,
    /// floorcast is dead for this while.
    pub dead: Option<Range<DateTime<Utc>>>,
}

impl Choice {
    /// A policy at a target utilisation, with nothing else set.
    pub const fn of(strategy: Strategy, utilisation: u32) -> Self {
        Self { strategy, setting: Setting::of(utilisation), spare: Replicas::ZERO, dead: None }
    }
}

/// One policy's course, and how often it wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// What it cost.
    pub course: Course,
    /// Writes to the HPA.
    pub writes: u32,
}

impl Ground<'_> {
    /// How far ahead pods are asked for.
    pub fn lead(&self) -> TimeDelta {
        self.outlook.lead()
    }

    /// One policy over `[from, until)`.
    pub fn play(&self, choice: &Choice, from: DateTime<Utc>, until: DateTime<Utc>) -> Played {
        self.play_until_starved(choice, from, until, f64::INFINITY)
    }

    /// The same, given up once more than so many seconds have starved.
    pub(super) fn play_until_starved(
        &self,
        choice: &Choice,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        give_up: f64,
    ) -> Played {
        let workload = self.setup.workload(&choice.setting);
        let stage = Stage { load: self.load, workload, from, until, seed: self.seed, give_up };
        match choice.strategy {
            Strategy::Hpa | Strategy::HpaTuned => written(stage.alone()),
            Strategy::Floorcast => daemon(&stage, (self.outlook, self.wishes), choice.dead.clone()),
            Strategy::Oracle => daemon(&stage, (self.foresight, self.wishes), choice.dead.clone()),
            Strategy::LastWeek => {
                let mut floor = LastWeek::new(self.history, self.lead());
                written(stage.with(|cluster| floor.tick(cluster)))
            }
            Strategy::Cron => {
                let mut floor = Cron::new(self.history, self.lead());
                written(stage.with(|cluster| floor.tick(cluster)))
            }
            Strategy::Static => {
                let mut floor = Fixed::new(self.history, from);
                written(stage.with(|cluster| floor.tick(cluster)))
            }
            Strategy::Buffer => {
                let mut floor = Buffer::new(choice.spare, self.setup.capacity);
                let load = self.load;
                written(stage.with(|cluster: &mut Cluster<Recorded>| floor.tick(cluster, load)))
            }
        }
    }
}

fn written(course: Course) -> Played {
    Played { writes: course.outcome.floor_writes, course }
}

fn daemon(stage: &Stage<'_>, (outlook, wishes): (&Outlook, &Wishes), dead: Option<Range<DateTime<Utc>>>) -> Played {
    let mut daemon = Daemon::new(outlook, &stage.workload, wishes);
    if let Some(dead) = dead {
        daemon = daemon.dead_for(dead);
    }
    let course = stage.with(|cluster| daemon.tick(cluster));
    Played { course, writes: daemon.writes() }
}
