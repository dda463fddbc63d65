//! One workload in a cluster, stepped through time.

use crate::hpa::{
    self, Controller, MetricError, Phase, PodSample, Proposal, Ready, ResourceTarget, Scale, Scaled, Scene, Spec,
    State, Tally, Tolerance, ValueTarget, Verdict, Vitals,
};
use crate::sim::fleet::{Fleet, Placed, Young};
use crate::sim::meter::{Meter, Reading};
use crate::sim::outcome::{Ledger, Stretch};
use crate::sim::workload::RATE_TARGET;
use crate::sim::{Excess, Load, Metric, Outcome, Random, Workload};
use crate::units::Replicas;
use chrono::{DateTime, TimeDelta, Utc};

/// A simulated workload under its HPA. The same seed, load and calls give the same run.
///
/// ```
/// use chrono::{DateTime, TimeDelta};
/// use floorcast_models::sim::{Cluster, Seasonal, Workload};
/// use floorcast_models::units::{PerReplica, Replicas};
/// let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
/// let workload = Workload::of(PerReplica::new(10.0).unwrap());
/// let mut cluster = Cluster::new(start, workload, Seasonal::smooth(200.0), 1);
/// cluster.set_min_replicas(Replicas::new(30));
/// cluster.step(TimeDelta::minutes(5));
/// assert!(cluster.ready() >= Replicas::new(30));
/// ```
#[derive(Clone, Debug)]
pub struct Cluster<L> {
    workload: Workload,
    load: L,
    random: Random,
    now: i64,
    spec: Spec,
    state: State,
    size: u32,
    fleet: Fleet,
    meter: Meter,
    next_sync: i64,
    backlog: f64,
    /// The load of the current grain, and when it began.
    grain: (i64, f64),
    ledger: Ledger,
    verdict: Option<Verdict>,
}

/// A pod requests this much CPU, milli-units; its target load is the HPA's utilisation of it.
const REQUEST: i64 = 1000;

/// The load is taken as constant over grains of this length, milliseconds; they lie on multiples of it.
const GRAIN: i64 = 15_000;

impl<L: Load> Cluster<L> {
    /// Starts at rest: as many settled pods as the load of that moment needs, within the bounds. The seed decides the
    /// phases of the HPA's syncs and of the metrics, and the pods' start-up times.
    pub fn new(start: DateTime<Utc>, workload: Workload, load: L, seed: u64) -> Self {
        let mut random = Random::of(seed, 0xc1);
        let now = start.timestamp_millis();
        let need = (load.at(start) / workload.per_replica.get()).ceil() as u32;
        let size = need.max(workload.min.get()).min(workload.max.get());
        let settle = workload.controller.flags.cpu_initialization + workload.pipeline.resolution;
        let fleet = Fleet::new(size, workload.start_up, settle.num_milliseconds(), workload.nodes);
        let phase = |period: TimeDelta, random: &mut Random| (period.num_milliseconds() as f64 * random.unit()) as i64;
        let meter = Meter::new(workload.pipeline, now + 1 + phase(workload.pipeline.resolution, &mut random));
        let next_sync = now + phase(workload.controller.flags.sync_period, &mut random);
        let spec = workload.spec();
        let (state, ledger, verdict) = (State::default(), Ledger::default(), None);
        let (backlog, grain) = (0.0, (i64::MIN, 0.0));
        Self {
            workload,
            load,
            random,
            now,
            spec,
            state,
            size,
            fleet,
            meter,
            next_sync,
            backlog,
            grain,
            ledger,
            verdict,
        }
    }

    /// Lets `dt` pass: load arrives, pods start, metrics are taken, the HPA syncs.
    pub fn step(&mut self, dt: TimeDelta) {
        let end = self.now + dt.num_milliseconds().max(0);
        while self.now < end {
            let turn = self
                .next_sync
                .min(self.meter.next())
                .min(self.fleet.next())
                .min((self.now.div_euclid(GRAIN) + 1) * GRAIN);
            let to = turn.clamp(self.now, end);
            self.pass(to);
            if self.fleet.next() <= self.now || self.workload.nodes.is_some() {
                self.fleet.advance(self.now, &mut self.random);
            }
            if self.meter.next() <= self.now {
                self.meter.close();
            }
            if self.next_sync <= self.now {
                self.sync();
            }
        }
    }

    /// Accounts for the time until `to`, during which nothing changes.
    fn pass(&mut self, to: i64) {
        let duration = (to - self.now) as f64;
        if duration > 0.0 {
            let (load, ready) = (self.grain(), f64::from(self.fleet.ready()));
            let capacity = ready * self.workload.per_replica.get() * self.workload.saturation;
            let work = self.work(load, capacity, duration / 1000.0);
            self.meter.add(duration, if ready > 0.0 { work / ready } else { 0.0 }, load);
            self.ledger.add(Stretch {
                seconds: duration / 1000.0,
                load,
                capacity,
                pods: self.fleet.placed(),
                nodes: self.fleet.nodes(),
                at_max: self.size == self.workload.max.get(),
            });
        }
        self.now = to;
    }

    /// The load of the grain that contains this moment.
    fn grain(&mut self) -> f64 {
        let began = self.now.div_euclid(GRAIN) * GRAIN;
        if self.grain.0 != began {
            self.grain = (began, self.load.at(moment(began)).max(0.0));
        }
        self.grain.1
    }

    /// Load that is worked on, at most the capacity; what is above it is lost or waits.
    fn work(&mut self, load: f64, capacity: f64, seconds: f64) -> f64 {
        let offered = load + self.backlog / seconds;
        let work = offered.min(capacity);
        if self.workload.excess == Excess::Queued {
            self.backlog = (offered - work) * seconds;
        }
        work
    }

    fn sync(&mut self) {
        let (now, controller) = (self.now(), self.workload.controller);
        self.next_sync = self.now + controller.flags.sync_period.num_milliseconds().max(1);
        let target = Scaled::sound(self.current().to_api(), self.existing().to_api());
        let reading = self.meter.read(self.now);
        let tolerance = self.spec.tolerance(controller.flags.tolerance, &controller.gates);
        let view = View { now, at: self.now, controller, tolerance, reading, window: self.meter.resolution() };
        let (fleet, workload) = (&self.fleet, &self.workload);
        let verdict = hpa::sync_with(now, &self.spec, &controller, &target, &mut self.state, |_, _, scale| {
            view.measure(workload, fleet, scale)
        });
        if let Some(size) = verdict.rescaled_to.and_then(Replicas::from_api) {
            self.ledger.sum.rescales += 1;
            self.resize(size);
        }
        self.verdict = Some(verdict);
    }

    fn resize(&mut self, size: Replicas) {
        self.size = size.get();
        self.ledger.sum.peak = self.ledger.sum.peak.max(size);
        self.fleet.scale(self.size, self.now, &mut self.random);
    }

    /// Sets `spec.minReplicas`, as a floor or its owner does. The HPA sees it at its next sync.
    pub fn set_min_replicas(&mut self, min: Replicas) {
        let min = Some(min.to_api());
        if self.spec.min != min {
            self.spec.min = min;
            self.ledger.sum.floor_writes += 1;
        }
    }

    /// Sets `spec.maxReplicas`.
    pub fn set_max_replicas(&mut self, max: Replicas) {
        self.workload.max = max;
        self.spec.max = max.to_api();
    }

    /// Scales the target past the HPA, as a person does.
    pub fn set_replicas(&mut self, size: Replicas) {
        self.resize(size);
    }

    /// A rolling update begins: every pod is replaced by a new one, which must start first. `surge` and `unavailable` are
    /// shares of the size, as in the Deployment's strategy, whose defaults are a quarter each. One that is under way
    /// starts anew.
    pub fn roll_out(&mut self, surge: f64, unavailable: f64) {
        self.fleet.roll_out(surge, unavailable, self.now, &mut self.random);
    }

    /// Whether a rolling update is under way.
    pub fn rolling_out(&self) -> bool {
        self.fleet.rollout.is_some()
    }

    /// The controller restarts: it forgets its log and events, and its phase changes.
    pub fn restart_controller(&mut self) {
        self.state = std::mem::take(&mut self.state).restarted();
        let period = self.workload.controller.flags.sync_period.num_milliseconds() as f64;
        self.next_sync = self.now + (period * self.random.unit()) as i64;
    }

    /// The simulated moment.
    pub fn now(&self) -> DateTime<Utc> {
        moment(self.now)
    }

    /// The load of this moment, never negative.
    pub fn load(&self) -> f64 {
        self.load.at(self.now()).max(0.0)
    }

    /// `spec.minReplicas`.
    pub fn min(&self) -> Replicas {
        Replicas::from_api(self.spec.floor()).unwrap_or_default()
    }

    /// `spec.maxReplicas`.
    pub fn max(&self) -> Replicas {
        self.workload.max
    }

    /// `spec.replicas` of the target.
    pub fn current(&self) -> Replicas {
        Replicas::new(self.size)
    }

    /// `status.replicas`: pods that exist.
    pub fn existing(&self) -> Replicas {
        Replicas::new(self.fleet.existing())
    }

    /// Pods that are ready.
    pub fn ready(&self) -> Replicas {
        Replicas::new(self.fleet.ready())
    }

    /// The HPA's last verdict: its status, conditions and events. `None` before its first sync.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// The HPA as it stands.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The settings.
    pub fn workload(&self) -> &Workload {
        &self.workload
    }

    /// What it cost so far.
    pub fn outcome(&self) -> Outcome {
        let outcome = self.ledger.outcome();
        Outcome { peak: outcome.peak.max(self.current()), ..outcome }
    }
}

/// What the HPA can see at one sync.
struct View {
    now: DateTime<Utc>,
    at: i64,
    controller: Controller,
    tolerance: Tolerance,
    reading: Option<Reading>,
    window: i64,
}

impl View {
    fn measure(&self, workload: &Workload, fleet: &Fleet, scale: Scale) -> Result<Proposal, MetricError> {
        let per = workload.per_replica.get();
        match (workload.metric, self.reading) {
            (Metric::Cpu { .. }, None) => Err(MetricError::NoResourceMetrics { resource: "cpu".to_owned() }),
            (Metric::Rate, None) => Err(MetricError::NoMetrics { metric: "load".to_owned() }),
            (Metric::Cpu { utilization }, Some(reading)) => {
                let target = ResourceTarget::Utilization(utilization);
                // At its target load a pod uses `utilization` percent of its request.
                let usage = reading.per_pod / per * (REQUEST * i64::from(utilization)) as f64 / 100.0;
                self.tally(fleet, reading, usage.round() as i64, target).resource(
                    target,
                    scale.spec_replicas,
                    self.tolerance,
                )
            }
            (Metric::Rate, Some(reading)) => {
                let (now, controller, tolerance) = (self.now, &self.controller, self.tolerance);
                let scene = Scene { now, controller, tolerance, scale, pods: &[] };
                let value = (reading.load / per * RATE_TARGET as f64).round() as i64;
                hpa::by_value(&scene, ValueTarget::Average(RATE_TARGET), value)
            }
        }
    }

    fn tally(&self, fleet: &Fleet, reading: Reading, usage: i64, target: ResourceTarget) -> Tally {
        let settled = i64::from(fleet.settled);
        let mut tally = Tally {
            ready: settled,
            usage: i128::from(settled) * i128::from(usage),
            request: i128::from(settled * REQUEST),
            ..Tally::default()
        };
        for pod in &fleet.young {
            let sample = self.sample(pod, reading, usage);
            let group = hpa::group(self.now, self.vitals(pod), sample.as_ref(), true, &self.controller);
            tally.add(group, usage, REQUEST, target);
        }
        tally
    }

    /// A pod is measured once it ran when the window ended.
    fn sample(&self, pod: &Young, reading: Reading, value: i64) -> Option<PodSample> {
        let placed = pod.placed.filter(|placed| placed.running < reading.at)?;
        debug_assert!(placed.at <= self.at);
        Some(PodSample { at: moment(reading.at), window: TimeDelta::milliseconds(self.window), value })
    }

    fn vitals(&self, pod: &Young) -> Vitals {
        let phase = |p: Placed| if p.running <= self.at { Phase::Running } else { Phase::Pending };
        let ready = |p: Placed| {
            let status = p.ready <= self.at;
            Ready { status: status.into(), since: moment(if status { p.ready } else { p.at }) }
        };
        Vitals {
            phase: pod.placed.map_or(Phase::Pending, phase),
            deleted: false,
            started: pod.placed.map(|p| moment(p.at)),
            ready: pod.placed.map(ready),
        }
    }
}

fn moment(milliseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(milliseconds).unwrap_or(DateTime::UNIX_EPOCH)
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
