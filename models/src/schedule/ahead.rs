//! What a workload needs ahead: the highest of what its forecast and its schedule ask.

use super::Opening;
use crate::plan::{Capped, FloorPlan};
use crate::units::Replicas;
use chrono::{DateTime, TimeDelta, Utc};

/// Plan and schedule together. A window counts from one lead time before it opens: its replicas must be ready when it does.
#[derive(Clone, Copy, Debug)]
pub struct Ahead<'a> {
    /// What the forecasts need, where there are any.
    pub plan: Option<&'a FloorPlan>,
    /// The openings of the schedule from now on, as far as anybody asks.
    pub openings: &'a [Opening],
    /// How long before a window opens its replicas are asked for.
    pub lead: TimeDelta,
}

impl<'a> Ahead<'a> {
    /// The same without the forecasts.
    #[must_use]
    pub fn scheduled(self) -> Self {
        Self { plan: None, ..self }
    }

    /// Replicas needed for what begins within the lead time; `None` where nobody says anything.
    pub fn need_at(&self, t: DateTime<Utc>) -> Option<Replicas> {
        self.plan.and_then(|plan| plan.need_at(t)).max(self.opening_at(t).map(|opening| opening.replicas))
    }

    /// The highest opening that is asked for at `t`.
    pub fn opening_at(&self, t: DateTime<Utc>) -> Option<&'a Opening> {
        self.openings
            .iter()
            .filter(|opening| self.asked_from(opening) <= t && t < opening.to)
            .max_by_key(|opening| (opening.replicas, opening.to))
    }

    /// The highest opening that is asked for within `[from, to)`.
    pub fn opening_within(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<&'a Opening> {
        self.openings
            .iter()
            .filter(|opening| self.asked_from(opening) < to && from < opening.to)
            .max_by_key(|opening| (opening.replicas, opening.to))
    }

    /// The highest need in `[from, to)`, and the first moment (not before `from`) at which it is needed.
    pub fn peak(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<(DateTime<Utc>, Replicas)> {
        let planned = self.plan.and_then(|plan| plan.peak(from, to));
        let most = self.opening_within(from, to).map(|opening| opening.replicas);
        let first = self
            .openings
            .iter()
            .filter(|opening| Some(opening.replicas) == most && from < opening.to)
            .map(|opening| self.asked_from(opening).max(from))
            .min();
        let scheduled = first.zip(most);
        // Of two that need the same the earlier one is told.
        [planned, scheduled].into_iter().flatten().max_by_key(|(at, need)| (*need, std::cmp::Reverse(*at)))
    }

    /// The first moment from which, up to `now + longest`, `floor` is no longer needed; `now` where it is not needed at all.
    pub fn needed_until(&self, now: DateTime<Utc>, floor: Replicas, longest: TimeDelta) -> DateTime<Utc> {
        let limit = now.checked_add_signed(longest).unwrap_or(now);
        let planned = self.plan.map_or(now, |plan| plan.needed_until(now, floor, longest));
        let needs =
            |opening: &&Opening| opening.replicas >= floor && self.asked_from(opening) < limit && now < opening.to;
        let scheduled = self.openings.iter().filter(needs).map(|opening| opening.to.min(limit)).max();
        planned.max(scheduled.unwrap_or(now))
    }

    /// The first stretch from `now` on in which more than `limit` replicas are needed. Of a window its opening is told, not the
    /// lead time before it: that is the hour its author knows.
    pub fn capped(&self, now: DateTime<Utc>, limit: Replicas) -> Option<Capped> {
        let planned = self.plan.and_then(|plan| plan.capped(now, limit));
        let above = self.openings.iter().filter(|opening| opening.replicas > limit && now < opening.to);
        let scheduled = above
            .map(|opening| Capped { from: opening.from.max(now), to: opening.to, need: opening.replicas, limit })
            .min_by_key(|capped| capped.from);
        [planned, scheduled].into_iter().flatten().min_by_key(|capped| capped.from)
    }

    /// Needs from `from` up to `to`, in order of time: one entry per moment at which another number is needed.
    pub fn steps(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<(DateTime<Utc>, Replicas)> {
        if self.plan.is_none() && self.openings.is_empty() {
            return Vec::new();
        }
        let turns = self.plan.into_iter().flat_map(|plan| plan.turns(from, to));
        let windows = self.openings.iter().flat_map(|opening| [self.asked_from(opening), opening.to]);
        let mut moments: Vec<_> = turns.chain(windows).chain([from]).collect();
        moments.retain(|at| *at >= from && *at <= to);
        moments.sort_unstable();
        let need = |at: DateTime<Utc>| {
            // A schedule alone knows what it does not ask for: nothing.
            let planned = self.plan.map_or(Some(Replicas::ZERO), |plan| plan.step_at(at));
            planned.max(self.opening_at(at).map(|opening| opening.replicas))
        };
        let mut steps: Vec<_> = moments.into_iter().filter_map(|at| Some((at, need(at)?))).collect();
        steps.dedup_by_key(|(_, need)| *need);
        steps
    }

    /// The first moment after `now` at which a window begins or ends to be asked for.
    pub fn turns_after(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let turns = self.openings.iter().flat_map(|opening| [self.asked_from(opening), opening.to]);
        turns.filter(|at| *at > now).min()
    }

    fn asked_from(&self, opening: &Opening) -> DateTime<Utc> {
        opening.from.checked_sub_signed(self.lead).unwrap_or(opening.from)
    }
}
