//! The election as a state machine: no clock, no I/O; each step is a function of what was seen and when.
//!
//! Rules. A lease of somebody else is over when it was not renewed for its duration *as watched by us*, on a clock that
//! runs no faster than any (monotonic). Ours is over when the duration less a margin has passed since the *start* of the
//! last renewal that succeeded, on the faster of two clocks. Every change of the holder adds one to the transitions: the
//! epoch that fences writes.

use std::time::Duration;

/// A reading of both clocks, each since an arbitrary start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Monotonic; stands still while the machine sleeps.
    pub monotonic: Duration,
    /// Wall clock, milliseconds; can jump either way.
    pub wall_ms: i64,
}

impl Moment {
    /// Time that has surely passed since `earlier`.
    fn at_least_since(self, earlier: Self) -> Duration {
        self.monotonic.saturating_sub(earlier.monotonic)
    }

    /// Time that may have passed since `earlier`.
    fn at_most_since(self, earlier: Self) -> Duration {
        let wall = self.wall_ms.saturating_sub(earlier.wall_ms);
        let wall = Duration::from_millis(u64::try_from(wall).unwrap_or(0));
        wall.max(self.at_least_since(earlier))
    }
}

/// Durations of the election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// A lease not renewed for this long is free (15 s).
    pub duration: Duration,
    /// Time between two looks or renewals (2 s).
    pub period: Duration,
    /// The leader's own end comes this much earlier (3 s).
    pub margin: Duration,
}

impl Timing {
    /// In the words of other controllers: a leader that could not renew for `renew_deadline` stops.
    pub const fn new(duration: Duration, renew_deadline: Duration, retry: Duration) -> Self {
        Self { duration, period: retry, margin: duration.saturating_sub(renew_deadline) }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self { duration: Duration::from_secs(15), period: Duration::from_secs(2), margin: Duration::from_secs(3) }
    }
}

/// A foreign duration is believed up to here: a typo in a lease must not lock everybody out.
const LONGEST: Duration = Duration::from_mins(1);

/// The Lease as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Identity of the object.
    pub uid: String,
    /// Its version.
    pub version: String,
    /// `holderIdentity`; empty and absent are both nobody.
    pub holder: Option<String>,
    /// `leaseTransitions`.
    pub transitions: u64,
    /// `leaseDurationSeconds`.
    pub duration: Option<Duration>,
    /// `renewTime` as text: only whether it changes matters, clocks of others are not believed.
    pub renewed: Option<String>,
}

/// What the shell should do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Read the Lease.
    Look,
    /// Create it, held by us.
    Create {
        /// `leaseTransitions`.
        transitions: u64,
    },
    /// Write us into it, on condition of uid and version.
    Take {
        /// Identity of the object.
        uid: String,
        /// Its version.
        version: String,
        /// `leaseTransitions`.
        transitions: u64,
        /// The holder changes (`acquireTime` is now), or only renews.
        fresh: bool,
    },
    /// Give it up, on condition of uid and version.
    Leave {
        /// Identity of the object.
        uid: String,
        /// Its version.
        version: String,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The Lease as it now is.
    Lease(Seen),
    /// There is none.
    Missing,
    /// Somebody was faster: the version or the uid is another.
    Conflict,
    /// We may not do this.
    Forbidden,
    /// No answer, or none that says anything.
    Failed,
}

/// One candidate.
#[derive(Clone, Debug)]
pub struct Core {
    identity: String,
    timing: Timing,
    seen: Option<(Seen, Moment)>,
    mine: Option<Mine>,
    missing: Missing,
    /// A leader of a lease that has vanished may not have noticed: wait for it this long.
    ghost: Option<(Moment, Duration)>,
    at_least: u64,
    forbidden: bool,
}

/// Our hold on the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mine {
    /// UID of the Lease.
    pub uid: String,
    /// Its version after our last write.
    pub version: String,
    /// `leaseTransitions`.
    pub epoch: u64,
    /// When the last successful renewal was begun.
    pub renewed: Moment,
    /// `version` is the Lease's; not after a renewal without an answer.
    sure: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    No,
    Yes,
    /// And we may not create it.
    YesAndForbidden,
}

/// What keeps a candidate from taking part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The Lease does not exist, and we may not create it.
    Missing,
    /// We may not read or write it.
    Forbidden,
}

impl Core {
    /// A candidate that knows nothing yet.
    pub const fn new(identity: String, timing: Timing) -> Self {
        Self {
            identity,
            timing,
            seen: None,
            mine: None,
            missing: Missing::No,
            ghost: None,
            at_least: 0,
            forbidden: false,
        }
    }

    /// What to do at `now`.
    pub fn ask(&mut self, now: Moment) -> Ask {
        match self.mine(now).cloned() {
            Some(mine) if mine.sure => return self.renew(&mine),
            Some(_) => return Ask::Look,
            None => {}
        }
        match (&self.seen, self.missing) {
            (None, Missing::Yes) if self.ghost_gone(now) => Ask::Create { transitions: self.at_least.max(1) },
            (Some((seen, since)), _) if self.free(seen, *since, now) => self.acquire(seen),
            _ => Ask::Look,
        }
    }

    /// Takes in what came of `ask`, which was begun at `begun` and answered at `now`.
    pub fn answer(&mut self, ask: &Ask, begun: Moment, now: Moment, answer: Answer) {
        self.forbidden = answer == Answer::Forbidden;
        match answer {
            Answer::Lease(seen) => self.found(ask, begun, now, seen),
            Answer::Missing => self.vanished(),
            // What we knew is out of date: look again. A renewal that conflicts means somebody else wrote.
            Answer::Conflict => {
                self.mine = None;
                self.seen = None;
                if matches!(ask, Ask::Create { .. }) {
                    self.missing = Missing::No;
                }
            }
            Answer::Forbidden if matches!(ask, Ask::Create { .. }) => self.missing = Missing::YesAndForbidden,
            Answer::Forbidden | Answer::Failed => self.unsure(ask),
        }
    }

    /// Our hold, while it lasts.
    pub fn mine(&self, now: Moment) -> Option<&Mine> {
        let end = self.timing.duration.saturating_sub(self.timing.margin);
        self.mine.as_ref().filter(|m| now.at_most_since(m.renewed) < end)
    }

    /// Time left until every write of ours must have ended.
    pub fn left(&self, now: Moment) -> Option<Duration> {
        let mine = self.mine(now)?;
        let end = self.timing.duration.saturating_sub(self.timing.margin);
        Some(end.saturating_sub(now.at_most_since(mine.renewed)))
    }

    /// Whom we saw holding it, if it was not us.
    pub fn other(&self) -> Option<&str> {
        let (seen, _) = self.seen.as_ref()?;
        seen.holder.as_deref().filter(|h| *h != self.identity)
    }

    /// What keeps us from taking part, if anything does.
    pub fn problem(&self) -> Option<Problem> {
        match self.missing {
            Missing::YesAndForbidden => Some(Problem::Missing),
            _ => self.forbidden.then_some(Problem::Forbidden),
        }
    }

    /// From the next renewal on the epoch is at least this: marks on objects from before somebody reset the Lease.
    pub fn at_least(&mut self, epoch: u64) {
        self.at_least = self.at_least.max(epoch);
    }

    /// How to leave in good order, if there is something to leave.
    pub fn leave(&mut self, now: Moment) -> Option<Ask> {
        let mine = self.mine(now).cloned();
        self.mine = None;
        mine.map(|m| Ask::Leave { uid: m.uid, version: m.version })
    }

    fn renew(&self, mine: &Mine) -> Ask {
        Ask::Take {
            uid: mine.uid.clone(),
            version: mine.version.clone(),
            transitions: mine.epoch.max(self.at_least),
            fresh: false,
        }
    }

    fn acquire(&self, seen: &Seen) -> Ask {
        // The holder changes, also from a former life of ours: a new epoch, so that nothing of the old one can land.
        Ask::Take {
            uid: seen.uid.clone(),
            version: seen.version.clone(),
            transitions: seen.transitions.saturating_add(1).max(self.at_least),
            fresh: true,
        }
    }

    /// Is this lease nobody's, or no longer anybody's?
    fn free(&self, seen: &Seen, since: Moment, now: Moment) -> bool {
        let held_by_nobody = seen.holder.is_none() && self.ghost_gone(now);
        // No other process has our identity: this is our own write whose answer was lost, or our expired hold.
        let held_by_us = seen.holder.as_deref() == Some(self.identity.as_str());
        held_by_nobody || held_by_us || now.at_least_since(since) >= self.patience(seen)
    }

    fn patience(&self, seen: &Seen) -> Duration {
        seen.duration.unwrap_or_default().min(LONGEST).max(self.timing.duration)
    }

    fn ghost_gone(&self, now: Moment) -> bool {
        self.ghost.is_none_or(|(since, patience)| now.at_least_since(since) >= patience)
    }

    fn found(&mut self, ask: &Ask, begun: Moment, now: Moment, seen: Seen) {
        self.missing = Missing::No;
        if let Some((old, since)) = self.seen.take() {
            self.haunt(&old, since, &seen);
            let same = old.uid == seen.uid && old.holder == seen.holder && old.renewed == seen.renewed;
            self.seen = Some((seen.clone(), if same { since } else { now }));
        } else {
            self.seen = Some((seen.clone(), now));
        }
        let ours = seen.holder.as_deref() == Some(self.identity.as_str());
        match ask {
            Ask::Take { .. } | Ask::Create { .. } if ours => {
                self.mine = Some(Mine {
                    uid: seen.uid,
                    version: seen.version,
                    epoch: seen.transitions,
                    renewed: begun,
                    sure: true,
                });
            }
            // Our renewal without an answer: whether it landed or not, this is the version to renew now.
            _ => match &mut self.mine {
                Some(mine) if ours && mine.uid == seen.uid && mine.epoch <= seen.transitions => {
                    mine.version = seen.version;
                    mine.epoch = seen.transitions;
                    mine.sure = true;
                }
                _ => self.mine = None,
            },
        }
    }

    /// The Lease was replaced by another object while somebody else held it: he may not know yet.
    fn haunt(&mut self, old: &Seen, since: Moment, new: &Seen) {
        let foreign = old.holder.as_deref().is_some_and(|h| h != self.identity);
        if old.uid != new.uid && foreign {
            self.ghost = Some((since, self.patience(old)));
        }
    }

    fn vanished(&mut self) {
        if let Some((old, since)) = self.seen.take()
            && old.holder.as_deref().is_some_and(|h| h != self.identity)
        {
            self.ghost = Some((since, self.patience(&old)));
        }
        self.mine = None;
        if self.missing == Missing::No {
            self.missing = Missing::Yes;
        }
    }

    /// A write of the Lease may or may not have happened. The old hold lasts to its old end; versions are read anew.
    fn unsure(&mut self, ask: &Ask) {
        match (ask, &mut self.mine) {
            (Ask::Take { fresh: false, .. }, Some(mine)) => mine.sure = false,
            (Ask::Take { .. }, _) => self.seen = None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
