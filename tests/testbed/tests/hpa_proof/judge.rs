//! The simulator beside the real controller, over the syncs of one HPA.
//!
//! What the controller saw is known exactly of the scale (the answer is in the audit log) and of the metrics (each answer
//! is on record). Its caches of the HPA and of the pods are known but for the moments around a write: then all versions
//! are tried that it may have seen, and the sync is not comparable, however it came out. The same where an old
//! recommendation or event lies on the very edge of its window. States that explain what was seen are carried on; a sync
//! that none explains is a difference.

use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::hpa::{
    self, Controller, Events, MetricError, Observation, Pod, Recommendation, Sample, ScaleEvent, Scaled, Selector,
    Spec, State, Verdict,
};
use serde_json::Value;

use crate::answer;
use crate::book::{Book, CACHE};
use crate::lags::Lags;
use crate::matching::{Seen, metrics_differ};
use crate::record::Sync;
use crate::stage::Stage;

/// A cache that is later than this is taken for a fault.
const LATE: TimeDelta = TimeDelta::seconds(3);
/// More states than this are not followed.
const STATES: usize = 24;

/// What became of one sync.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Judgement {
    /// Both did the same.
    Equal(Seen, Box<Verdict>),
    /// What it saw is not known for sure.
    Unclear(Why),
    /// They differ; an account of it.
    Differs(String),
}

/// Why a sync cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// Pods or HPA were written while it ran, or just before.
    InputsChanged,
    /// The controller's cache was later than usual.
    LateCache,
    /// A recommendation, an event or a pod's age lay on the edge of a window.
    Edge,
    /// Not all questions are on record.
    Unrecorded,
    /// An earlier unclear sync left several states that differ here.
    SeveralStates,
}

pub(crate) struct Judge<'a> {
    stage: &'a Stage,
    book: &'a Book,
    lags: &'a Lags,
    controller: Controller,
    states: Vec<State>,
    before: Seen,
}

/// One way in which the sync may have gone.
struct Way {
    now: DateTime<Utc>,
    state: State,
    verdict: Verdict,
    seen: Seen,
    differs: Option<String>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(stage: &'a Stage, book: &'a Book, lags: &'a Lags, controller: Controller) -> Self {
        Self { stage, book, lags, controller, states: vec![State::default()], before: Seen::default() }
    }

    pub(crate) fn judge(&mut self, sync: &Sync) -> Judgement {
        let real = Seen::real(sync, &self.before);
        let (specs, pods) = self.worlds(sync, CACHE);
        let Some(samples) = self.samples(sync, specs[0]) else {
            self.lose(sync, &real);
            return Judgement::Unclear(Why::Unrecorded);
        };
        let times = self.times(sync, &specs, &pods);
        let ways = self.ways(sync, &specs, &pods, &samples, &times);
        let why = unclear(&ways, specs.len() * pods.len(), times.len());
        let (good, bad): (Vec<Way>, Vec<Way>) =
            ways.into_iter().partition(|way| way.differs.is_none() && way.seen == real);
        let judgement = match (good.first(), why) {
            (Some(way), None) => Judgement::Equal(real.clone(), Box::new(way.verdict.clone())),
            (Some(_), Some(why)) => Judgement::Unclear(why),
            (None, _) => return self.unexplained(sync, &real, bad, why, &samples, &times),
        };
        self.carry_on(sync, real, good);
        judgement
    }

    /// Nothing explains it, unless the cache was late.
    fn unexplained(
        &mut self,
        sync: &Sync,
        real: &Seen,
        bad: Vec<Way>,
        why: Option<Why>,
        samples: &[Result<Sample, MetricError>],
        times: &[DateTime<Utc>],
    ) -> Judgement {
        let (specs, pods) = self.worlds(sync, LATE);
        let ways = self.ways(sync, &specs, &pods, samples, times);
        let late: Vec<Way> = ways.into_iter().filter(|way| way.differs.is_none() && way.seen == *real).collect();
        if !late.is_empty() {
            self.carry_on(sync, real.clone(), late);
            return Judgement::Unclear(Why::LateCache);
        }
        // Caches may differ between two metrics of one sync: no single version explains that.
        let account = self.account(sync, real, &bad, samples);
        self.carry_on(sync, real.clone(), bad);
        match why {
            Some(Why::InputsChanged) => Judgement::Unclear(Why::InputsChanged),
            _ => Judgement::Differs(account),
        }
    }

    fn worlds(&self, sync: &Sync, lag: TimeDelta) -> (Vec<&'a Spec>, Vec<&'a Vec<Pod>>) {
        let book = self.book;
        let reads = TimeDelta::milliseconds(30);
        let mut specs = book.specs.seen(sync.began - reads, sync.began, lag);
        // The written status carries the HPA as the controller had it.
        let had = sync.status.as_ref().map(|write| {
            let number = |at: &str| write.value.pointer(at).and_then(Value::as_i64).map(|n| n as i32);
            (number("/spec/minReplicas").unwrap_or(1), number("/spec/maxReplicas").unwrap_or(0))
        });
        let same = |spec: &&Spec| had.is_none_or(|had| (spec.floor(), spec.max) == had);
        if specs.iter().any(same) {
            specs.retain(same);
        }
        (specs, book.pods.seen(sync.began, self.ended(sync), lag))
    }

    /// The answers to this sync's questions, by metric. Where none was asked, there is none to see.
    fn samples(&self, sync: &Sync, spec: &Spec) -> Option<Vec<Result<Sample, MetricError>>> {
        if sync.asked.is_empty() {
            return Some(vec![Err(MetricError::NotObserved); spec.metrics.len()]);
        }
        let answer = |(metric, asked): (&hpa::MetricSpec, &floorcast_testbed::metrics_api::Asked)| {
            Some(answer::sample(&self.stage.told(asked.number)?, metric))
        };
        let complete = sync.asked.len() == spec.metrics.len();
        complete.then(|| spec.metrics.iter().zip(&sync.asked).map(answer).collect())?
    }

    /// Between which moments the sync looked at its clock.
    fn span(&self, sync: &Sync) -> (DateTime<Utc>, DateTime<Utc>) {
        (sync.asked.last().map_or(sync.read, |asked| asked.at), self.ended(sync))
    }

    /// The moment of the sync; several where what lies between them decides: one before, between, and after each two edges.
    fn times(&self, sync: &Sync, specs: &[&Spec], pods: &[&Vec<Pod>]) -> Vec<DateTime<Utc>> {
        let (from, to) = self.span(sync);
        let clock = self.lags.around(sync.began);
        let (mut first, mut last) = (from - clock, to + clock);
        // What is remembered was stamped by the same clock, and may be off as much as that was then.
        let near = |(edge, off): &(DateTime<Utc>, TimeDelta)| first - *off <= *edge && *edge <= last + *off;
        let mut edges: Vec<_> = self.edges(specs, pods).into_iter().filter(near).collect();
        let Some(off) = edges.iter().map(|(_, off)| *off).max() else { return vec![from + (to - from) / 2] };
        (first, last) = (first - off, last + off);
        edges.sort_unstable();
        edges.dedup_by_key(|(edge, _)| *edge);
        let between = edges.windows(2).map(|pair| pair[0].0 + (pair[1].0 - pair[0].0) / 2);
        [first].into_iter().chain(between).chain([last]).collect()
    }

    /// Moments at which something that is remembered leaves its window or a pod is young no more, and by how much each may be off.
    fn edges(&self, specs: &[&Spec], pods: &[&Vec<Pod>]) -> Vec<(DateTime<Utc>, TimeDelta)> {
        let mut edges = Vec::new();
        for spec in specs {
            let (logged, events, policies) = self.windows(spec);
            for state in &self.states {
                let log = state.log.iter().flat_map(hpa::Log::entries).map(|entry| entry.at);
                let stored = state.ups.entries().iter().chain(state.downs.entries()).map(|event| event.at);
                let log = log.flat_map(|at| logged.iter().map(move |window| (at, *window)));
                let stored = stored.flat_map(|at| events.iter().chain(&policies).map(move |window| (at, *window)));
                edges.extend(log.chain(stored).map(|(at, window)| (at + window, self.lags.around(at))));
            }
        }
        let young = self.controller.flags.cpu_initialization;
        let started = pods.iter().flat_map(|pods| pods.iter()).filter_map(|pod| pod.started);
        edges.extend(started.map(|at| (at + young, TimeDelta::zero())));
        edges
    }

    /// Lengths of the windows of recommendations, of events by direction, and of policies.
    fn windows(&self, spec: &Spec) -> (Vec<TimeDelta>, Vec<TimeDelta>, Vec<TimeDelta>) {
        let flag = self.controller.flags.downscale_stabilisation;
        let Some(behavior) = &spec.behavior else { return (vec![flag], vec![], vec![]) };
        let sides = [&behavior.scale_up, &behavior.scale_down];
        let up = behavior.scale_up.window.unwrap_or_default();
        let down = behavior.scale_down.window.unwrap_or(flag);
        let policies = sides.iter().flat_map(|side| side.policies.iter().map(|policy| policy.period)).collect();
        (vec![up, down], sides.iter().map(|side| side.longest_period()).collect(), policies)
    }

    fn ways(
        &self,
        sync: &Sync,
        specs: &[&Spec],
        pods: &[&Vec<Pod>],
        samples: &[Result<Sample, MetricError>],
        times: &[DateTime<Utc>],
    ) -> Vec<Way> {
        let mut ways = Vec::new();
        for state in &self.states {
            for spec in specs {
                for pods in pods {
                    ways.extend(times.iter().map(|now| self.way(sync, state, spec, pods, samples, *now)));
                }
            }
        }
        ways
    }

    fn way(
        &self,
        sync: &Sync,
        state: &State,
        spec: &Spec,
        pods: &[Pod],
        samples: &[Result<Sample, MetricError>],
        now: DateTime<Utc>,
    ) -> Way {
        let refused = sync.size.as_ref().filter(|write| !write.landed());
        let target = Scaled {
            scale: sync.scale.map_err(|code| format!("HTTP {code}")),
            selector: Selector::Sound,
            refuses: refused.map(|write| format!("HTTP {}", write.code)),
        };
        let seen = Observation { target, pods: pods.to_vec(), samples: samples.to_vec() };
        // The controller starts from the status as the API server has it.
        let mut state = State { conditions: self.before.conditions, desired: self.before.desired, ..state.clone() };
        let verdict = hpa::sync(now, spec, &self.controller, &seen, &mut state);
        let (asked, looked) = (!sync.asked.is_empty(), !verdict.currents.is_empty());
        let differs = match (&sync.status, asked == looked) {
            (_, false) => Some(format!("metrics asked for: {asked}, simulated: {looked}")),
            (Some(write), true) => metrics_differ(write, &verdict, sync.scale.map_or(0, |scale| scale.status_replicas)),
            (None, true) => None,
        };
        let seen = Seen::simulated(&verdict, &self.before);
        Way { now, state, verdict, seen, differs }
    }

    /// Goes on with these states, set right by what is known of the real ones.
    fn carry_on(&mut self, sync: &Sync, real: Seen, ways: Vec<Way>) {
        let mut states: Vec<State> = Vec::new();
        for way in ways {
            let state = self.timed(sync, way.now, way.state);
            if !states.contains(&state) && states.len() < STATES {
                states.push(state);
            }
        }
        if !states.is_empty() {
            self.states = states;
        }
        self.remember(sync, real);
    }

    /// The latest moment at which the sync can have looked at its clock or its caches before it wrote.
    fn ended(&self, sync: &Sync) -> DateTime<Utc> {
        let asked = sync.asked.last().map_or(sync.read, |asked| asked.at);
        let wrote = sync.size.as_ref().map(|write| write.sent).or(sync.status.as_ref().map(|write| write.sent));
        // Without any write it ended soon after the last answer.
        wrote.unwrap_or(asked + self.lags.around(asked)).min(sync.next)
    }

    /// What the sync of `now` remembered, at the moments at which the controller did: a recommendation in the middle of what may
    /// have been, an event when the size had been written.
    fn timed(&self, sync: &Sync, now: DateTime<Utc>, mut state: State) -> State {
        let (from, to) = self.span(sync);
        let middle = from + (to - from) / 2;
        let written = sync.size.as_ref().map_or(middle, |write| write.done);
        let moved = |at: DateTime<Utc>, to: DateTime<Utc>| if at == now { to } else { at };
        let event = |event: &ScaleEvent| ScaleEvent { at: moved(event.at, written), ..*event };
        let events = |events: &Events| Events::of(events.entries().iter().map(event).collect());
        let entry = |entry: &Recommendation| Recommendation { at: moved(entry.at, middle), ..*entry };
        state.log = state.log.map(|log| hpa::Log::of(log.entries().iter().map(entry).collect()));
        state.last_scale = state.last_scale.map(|at| moved(at, middle));
        State { ups: events(&state.ups), downs: events(&state.downs), ..state }
    }

    /// Goes on with the states as they were: what the sync logged is not known.
    fn lose(&mut self, sync: &Sync, real: &Seen) {
        self.remember(sync, real.clone());
    }

    fn remember(&mut self, sync: &Sync, real: Seen) {
        // A status that the API server refused, because the HPA had just changed, was never there.
        if sync.status.as_ref().is_none_or(crate::record::Write::landed) {
            self.before = Seen { size: None, ..real };
        }
    }

    fn account(&self, sync: &Sync, real: &Seen, ways: &[Way], samples: &[Result<Sample, MetricError>]) -> String {
        let (specs, pods) = self.worlds(sync, CACHE);
        let way = ways.first();
        let simulated = way.map_or(String::new(), |way| {
            let differs = way.differs.as_ref().map_or(String::new(), |d| format!(" ({d})"));
            format!("{}{differs}, error {:?}", way.seen.line(), way.verdict.error)
        });
        let pods: Vec<String> = pods.iter().flat_map(|pods| pods.iter().map(pod_line)).collect();
        format!(
            "at {}, scale {:?}\n    real      {}\n    simulated {simulated}\n    spec {:?}\n    samples {samples:?}\n    pods {}\n    states {:?}",
            sync.began,
            sync.scale,
            real.line(),
            specs[0],
            pods.join("; "),
            self.states,
        )
    }
}

fn pod_line(pod: &Pod) -> String {
    let ready = pod.ready.map(|ready| format!("{} since {}", ready.status.as_str(), ready.since.time()));
    let started = pod.started.map(|at| at.time());
    format!("{} {} deleted {} started {started:?} ready {ready:?}", pod.name, pod.phase.as_str(), pod.deleted)
}

/// Why the ways do not say for sure what must come out.
fn unclear(ways: &[Way], worlds: usize, times: usize) -> Option<Why> {
    if worlds > 1 {
        return Some(Why::InputsChanged);
    }
    let unanimous = ways.windows(2).all(|pair| pair[0].seen == pair[1].seen && pair[0].differs == pair[1].differs);
    match (unanimous, times) {
        (true, _) => None,
        (false, 1) => Some(Why::SeveralStates),
        (false, _) => Some(Why::Edge),
    }
}
