//! One sync of the controller, in upstream's order.

use crate::hpa::behavior::{self, Change};
use crate::hpa::combine::{Combined, combine, failure};
use crate::hpa::condition::{Able, Active, Conditions};
use crate::hpa::verdict::{Event, RescaleReason, SyncError, Verdict};
use crate::hpa::{
    Controller, Events, Log, MetricError, MetricSpec, Observation, Proposal, Recommendation, Scale, Scaled, Scene,
    Selector, Spec, propose,
};
use chrono::{DateTime, Utc};

/// What lives between two syncs of one HPA: the controller's memory, and the status it last wrote.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Raw proposals; `None` before the first sync.
    pub log: Option<Log>,
    /// Scale-ups, stored only with `behavior`.
    pub ups: Events,
    /// Scale-downs, stored only with `behavior`.
    pub downs: Events,
    /// `status.conditions`.
    pub conditions: Conditions,
    /// `status.desiredReplicas`.
    pub desired: i32,
    /// `status.lastScaleTime`: shown, never decided by.
    pub last_scale: Option<DateTime<Utc>>,
}

impl State {
    /// What a restart of the controller or a change of its leader leaves: the status, without the memory.
    #[must_use]
    pub fn restarted(self) -> Self {
        Self { log: None, ups: Events::default(), downs: Events::default(), ..self }
    }
}

/// One sync on what was observed. Applies nothing: the caller sets `rescaled_to` on the target.
///
/// ```
/// use floorcast_models::hpa::{self, Controller, MetricSpec, Observation, Sample, Scaled, Spec, State, ValueTarget};
/// use chrono::DateTime;
/// let metric = MetricSpec::External { metric: "requests".into(), target: ValueTarget::Average(10_000) };
/// let spec = Spec { min: Some(2), max: 20, metrics: vec![metric], behavior: None };
/// let observation = Observation {
///     target: Scaled::sound(4, 4),
///     pods: vec![],
///     samples: vec![Ok(Sample::External(vec![75_000]))],
/// };
/// let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
/// let verdict = hpa::sync(now, &spec, &Controller::default(), &observation, &mut State::default());
/// assert_eq!(verdict.rescaled_to, Some(8));
/// ```
pub fn sync(
    now: DateTime<Utc>,
    spec: &Spec,
    controller: &Controller,
    seen: &Observation,
    state: &mut State,
) -> Verdict {
    let tolerance = spec.tolerance(controller.flags.tolerance, &controller.gates);
    sync_with(now, spec, controller, &seen.target, state, |i, metric, scale| {
        let sample = seen.samples.get(i).ok_or(MetricError::NotObserved)?.as_ref().map_err(Clone::clone)?;
        propose(&Scene { now, controller, tolerance, scale, pods: &seen.pods }, metric, sample)
    })
}

/// Like [`sync`], with the arithmetic of the metrics given by the caller: `measure(position, metric, scale)`.
///
/// For callers that hold sums instead of pods (see [`crate::hpa::Tally`]).
pub fn sync_with(
    now: DateTime<Utc>,
    spec: &Spec,
    controller: &Controller,
    target: &Scaled,
    state: &mut State,
    measure: impl FnMut(usize, &MetricSpec, Scale) -> Result<Proposal, MetricError>,
) -> Verdict {
    let scale = match &target.scale {
        Ok(scale) => *scale,
        Err(why) => {
            state.conditions.able = Some(Able::FailedGetScale);
            return Verdict::failed(state, None, SyncError::GetScale(why.clone()), vec![Event::FailedGetScale]);
        }
    };
    state.conditions.able = Some(Able::GotScale);
    let current = scale.spec_replicas;
    state.log.get_or_insert_with(|| Log::of(vec![Recommendation { replicas: current, at: now }]));
    let pass = Pass { now, spec, controller, target, scale, state };
    let step = pass.decide(measure);
    pass.finish(step)
}

/// A sync under way.
struct Pass<'a> {
    now: DateTime<Utc>,
    spec: &'a Spec,
    controller: &'a Controller,
    target: &'a Scaled,
    scale: Scale,
    state: &'a mut State,
}

/// What the branch of a sync came to.
enum Step {
    /// Leave the size at zero.
    Paused,
    /// A bound is violated: go there, without looking at any metric.
    Jump(i32, RescaleReason),
    /// The metrics were read.
    Measured(Combined),
    /// They could not even be looked for.
    Blocked(Active),
}

impl Pass<'_> {
    fn decide(&self, mut measure: impl FnMut(usize, &MetricSpec, Scale) -> Result<Proposal, MetricError>) -> Step {
        let (current, scale) = (self.scale.spec_replicas, self.scale);
        let asleep = current == 0;
        if asleep && !self.may_wake() {
            return Step::Paused;
        }
        if current > self.spec.max {
            return Step::Jump(self.spec.max, RescaleReason::AboveMax);
        }
        if !asleep && current < self.spec.floor() {
            return Step::Jump(self.spec.floor(), RescaleReason::BelowMin);
        }
        match self.target.selector {
            Selector::Invalid => Step::Blocked(Active::InvalidSelector),
            Selector::Ambiguous => Step::Blocked(Active::AmbiguousSelector),
            Selector::Sound => {
                let results = self.spec.metrics.iter().enumerate().map(|(i, metric)| measure(i, metric, scale));
                Step::Measured(combine(current, results))
            }
        }
    }

    /// Whether a target at zero is this HPA's own doing, and may be looked at.
    fn may_wake(&self) -> bool {
        let gates = &self.controller.gates;
        if !gates.scaled_to_zero_condition {
            return gates.scale_to_zero && self.spec.floor() == 0;
        }
        gates.scale_to_zero
            && self.state.conditions.scaled_to_zero == Some(true)
            && (self.spec.floor() != 0 || self.spec.measures_from_outside())
    }

    fn finish(mut self, step: Step) -> Verdict {
        match step {
            Step::Paused => self.pause(),
            Step::Jump(to, reason) => self.rescale(to, reason, Verdict::new(self.scale.spec_replicas)),
            Step::Blocked(why) => self.blocked(why),
            Step::Measured(combined) => self.measured(combined),
        }
    }

    fn pause(&mut self) -> Verdict {
        self.state.conditions.active = Some(Active::Disabled);
        self.forget_zero_without_gate();
        self.settled(Verdict::new(0))
    }

    fn blocked(&mut self, why: Active) -> Verdict {
        self.state.conditions.active = Some(why);
        let events = vec![Event::Blocked(why), Event::FailedComputeMetricsReplicas];
        Verdict::failed(self.state, Some(self.scale.spec_replicas), SyncError::Selector(why), events)
    }

    fn measured(&mut self, combined: Combined) -> Verdict {
        let error = self.metrics_error(&combined);
        let failures = combined.failed.iter().map(|(i, _)| Event::Blocked(failure(&self.spec.metrics[*i])));
        let mut events: Vec<Event> = failures.collect();
        let Some((wish, by)) = combined.wish else {
            let first = combined.failed.first().map(|(i, _)| failure(&self.spec.metrics[*i]));
            self.state.conditions.active = first.or(self.state.conditions.active);
            events.push(Event::FailedComputeMetricsReplicas);
            let error = error.unwrap_or(SyncError::NoMetrics);
            let verdict = Verdict::failed(self.state, Some(self.scale.spec_replicas), error, events);
            return Verdict { currents: combined.currents, ..verdict };
        };
        self.state.conditions.active = Some(Active::ValidMetric);
        // A negative proposal, of a negative metric, is no size: upstream compares it with 0 before it goes on.
        let wish = wish.max(0);
        let desired = self.normalise(wish);
        let verdict = Verdict { currents: combined.currents, error, events, ..Verdict::new(self.scale.spec_replicas) };
        if desired == self.scale.spec_replicas {
            return self.settled(verdict);
        }
        self.rescale(desired, self.reason(wish, by), verdict)
    }

    fn metrics_error(&self, combined: &Combined) -> Option<SyncError> {
        let (first, cause) = combined.failed.first()?;
        Some(SyncError::Metrics {
            invalid: combined.failed.len(),
            of: self.spec.metrics.len(),
            first: *first,
            cause: cause.clone(),
        })
    }

    fn reason(&self, wish: i32, by: usize) -> RescaleReason {
        match wish.cmp(&self.scale.spec_replicas) {
            std::cmp::Ordering::Greater => RescaleReason::MetricAbove(by),
            std::cmp::Ordering::Less => RescaleReason::AllBelow,
            // Only the floor wakes a target whose metrics ask for nothing.
            std::cmp::Ordering::Equal if self.scale.spec_replicas == 0 => RescaleReason::BelowMin,
            // Stabilisation alone moved the size.
            std::cmp::Ordering::Equal => RescaleReason::Stabilised,
        }
    }

    fn normalise(&mut self, desired: i32) -> i32 {
        let (current, min, max) = (self.scale.spec_replicas, self.spec.floor(), self.spec.max);
        let change = Change { now: self.now, current, desired, min, max };
        let log = self.state.log.get_or_insert_default();
        let events = (&self.state.ups, &self.state.downs);
        let normalised = behavior::normalise(change, self.spec.behavior.as_ref(), &self.controller.flags, log, events);
        self.state.conditions.able = Some(normalised.able);
        self.state.conditions.limited = Some((normalised.limited, normalised.limit));
        // Waking from zero goes at least to the floor.
        if current == 0 && min != 0 { normalised.replicas.max(min) } else { normalised.replicas }
    }

    fn rescale(&mut self, to: i32, reason: RescaleReason, verdict: Verdict) -> Verdict {
        if let Some(why) = &self.target.refuses {
            self.state.conditions.able = Some(Able::FailedUpdateScale);
            let mut events = verdict.events;
            events.push(Event::FailedRescale { to, reason });
            let failed = SyncError::UpdateScale(why.clone());
            let failed = Verdict::failed(self.state, Some(self.scale.spec_replicas), failed, events);
            return Verdict { currents: verdict.currents, ..failed };
        }
        self.remember(to);
        let mut verdict = Verdict { rescaled_to: Some(to), reason: Some(reason), ..verdict };
        verdict.events.push(Event::SuccessfulRescale { to, reason });
        self.settled(verdict)
    }

    fn remember(&mut self, to: i32) {
        let current = self.scale.spec_replicas;
        self.state.conditions.able = Some(Able::Rescaled);
        self.state.last_scale = Some(self.now);
        if let Some(rules) = &self.spec.behavior {
            behavior::store_event(self.now, (current, to), rules, (&mut self.state.ups, &mut self.state.downs));
        }
        let gates = &self.controller.gates;
        if gates.scale_to_zero && gates.scaled_to_zero_condition {
            let own = current > 0 && to == 0 && self.spec.floor() == 0 && self.spec.measures_from_outside();
            self.state.conditions.scaled_to_zero = Some(own);
        }
        self.forget_zero_without_gate();
    }

    /// With the gate off, a condition left over from when it was on is removed.
    fn forget_zero_without_gate(&mut self) {
        if !self.controller.gates.scale_to_zero {
            self.state.conditions.scaled_to_zero = None;
        }
    }

    /// Writes the status of a sync that reached its end.
    fn settled(&mut self, mut verdict: Verdict) -> Verdict {
        verdict.desired = verdict.rescaled_to.unwrap_or(self.scale.spec_replicas);
        self.state.desired = verdict.desired;
        verdict.conditions = self.state.conditions;
        verdict
    }
}

#[cfg(test)]
#[path = "sync_tests.rs"]
mod tests;
