//! The daemon: one tick after another, observe → learn if due → decide → apply → record.
//!
//! The only module that knows everyone. The same code runs in production, in `demo` and in the seeded simulation: the wall
//! clock is an argument, sleeping goes by tokio's (pausable) time, and every edge is handed in.

mod entry;
mod judge;
mod news;
mod record;
mod roster;
mod study;
mod wiring;
mod write;

use entry::Entry;
pub use entry::Key;
pub(crate) use study::arithmetic;
pub use wiring::{Clock, Connect, LearnOn, Wiring};

use crate::{
    config::Config,
    datasource::Datasources,
    http::api::Snapshot,
    kubernetes::{
        control::Control,
        lease::{Leadership, Ours},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    budget::BudgetMemory,
    decide::Derivation,
    hpa::Tolerance,
    policy::{Mode, Policy},
    units::Replicas,
};
use judge::{Bench, Judged};
use roster::Roster;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use study::{Brief, Desk, Report, Trouble};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// Studies under way at once. The datasources' own bulkheads let four questions through each; more studies would only wait. With
/// eight, a thousand workloads are learned in 158 s instead of 100: too few of them ask while the others learn.
const STUDIES: usize = 16;
/// Requests that a study makes at most in the common case: a load, the HPA's own figures of the back-cast, twice each.
const ASKED_BY_A_STUDY: usize = 8;
/// Changes of the cluster are gathered this long before a tick is brought forward for them.
const GATHER: Duration = Duration::from_secs(1);
/// A wall clock that ran away from the monotonic one this far: nothing is written until it is believed again.
const DRIFT: TimeDelta = TimeDelta::minutes(5);
/// Workloads whose study is due in one tick are looked at again this soon after a failure.
const AFTER_FAILURE: TimeDelta = TimeDelta::seconds(30);

/// The state between two ticks.
pub struct Daemon {
    wiring: Wiring,
    config: Arc<Config>,
    datasources: Arc<Datasources>,
    roster: Roster,
    budgets: BudgetMemory,
    studies: JoinSet<Report>,
    cores: Arc<Semaphore>,
    started: DateTime<Utc>,
    tick_took: Option<Duration>,
    led: bool,
}

impl Daemon {
    /// A daemon that has not looked at anything yet. Fails where the datasources of the configuration cannot be made.
    pub fn new(wiring: Wiring) -> Result<Self, String> {
        let config = Arc::clone(&wiring.config.borrow().config);
        let datasources = Arc::new((wiring.connect)(&config)?);
        // One core stays free for ticks, renewals and answers.
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get().saturating_sub(1).max(1));
        let started = (wiring.clock)();
        Ok(Self {
            wiring,
            config,
            datasources,
            roster: Roster::default(),
            budgets: BudgetMemory::default(),
            studies: JoinSet::new(),
            cores: Arc::new(Semaphore::new(cores)),
            started,
            tick_took: None,
            led: false,
        })
    }

    /// Ticks until `stop`. Floors stay where they are: they live on the objects, with their own expiry.
    pub async fn run(&mut self, stop: CancellationToken) {
        let mut changes = self.wiring.cluster.changes();
        loop {
            self.tick().await;
            let next = Instant::now() + self.config.timing.tick.std();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.until_next(next, &mut changes) => {}
            }
        }
        self.studies.shutdown().await;
    }

    /// Sleeps until the next tick, or until somebody changed what he wants.
    async fn until_next(&mut self, next: Instant, changes: &mut watch::Receiver<u64>) {
        let gather = GATHER.min(self.config.timing.tick.std());
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(next) => return,
                changed = changes.changed() => if changed.is_err() {
                    return tokio::time::sleep_until(next).await;
                },
                () = self.settle(), if self.is_studying() => continue,
            }
            tokio::time::sleep_until(next.min(Instant::now() + gather)).await;
            if self.roster.is_news(&self.wiring.cluster.workloads()) {
                return;
            }
        }
    }

    /// One tick.
    pub async fn tick(&mut self) {
        let begun = Instant::now();
        let now = (self.wiring.clock)();
        self.timed("observe", |daemon| daemon.observe(now));
        self.timed("learn", |daemon| daemon.learn(now));
        let judged = self.timed("decide", |daemon| daemon.decide(now));
        let before = Instant::now();
        self.apply(now, judged).await;
        self.wiring.metrics.step("apply", before.elapsed());
        self.tick_took = Some(begun.elapsed());
        self.timed("record", |daemon| daemon.record(now));
        self.wiring.pulse.beat();
    }

    fn timed<T>(&mut self, step: &'static str, work: impl FnOnce(&mut Self) -> T) -> T {
        let begun = Instant::now();
        let done = work(self);
        self.wiring.metrics.step(step, begun.elapsed());
        done
    }

    /// Takes over configuration and cluster as they are now.
    fn observe(&mut self, now: DateTime<Utc>) {
        self.reload();
        let turns = self.roster.observe(self.wiring.cluster.workloads(), &self.config);
        for (key, turn) in turns {
            if let Some(entry) = self.roster.entries.get(&key).filter(|_| self.leads()) {
                news::of_turn(&self.wiring.recorder, entry, turn);
            }
        }
        for entry in self.roster.entries.values_mut() {
            entry.lead_times.observe(now, &entry.workload.target);
        }
    }

    fn reload(&mut self) {
        let current = self.wiring.config.borrow_and_update().clone();
        self.wiring.metrics.config_reloaded(current.refused.is_none());
        if Arc::ptr_eq(&current.config, &self.config) {
            return;
        }
        if current.config.datasources != self.config.datasources {
            match (self.wiring.connect)(&current.config) {
                Ok(datasources) => self.datasources = Arc::new(datasources),
                Err(error) => tracing::warn!(error, "datasources of the new configuration refused; the old ones stay"),
            }
        }
        self.wiring.cluster.set_stabilisation(current.config.hpa_controller.downscale_stabilisation.get());
        self.config = current.config;
    }

    fn leads(&self) -> bool {
        self.wiring.leadership.borrow().leads()
    }

    /// Takes in finished studies and begins those that are due. Never waits.
    fn learn(&mut self, now: DateTime<Utc>) {
        while let Some(report) = self.studies.try_join_next() {
            self.study_back(report);
        }
        self.datasources.begin_tick();
        self.begin_due(now, true);
    }

    /// Begins as many of the studies that are due as may run at once, and as the datasources' budgets of the tick allow; `whole`: no
    /// request of them was spent yet.
    fn begin_due(&mut self, now: DateTime<Utc>, whole: bool) {
        if !self.wiring.cluster.ready() || !(self.leads() || self.wiring.always_study) {
            return;
        }
        let free = STUDIES.min(affordable(self.datasources.left(), whole)).saturating_sub(self.studies.len());
        if free == 0 {
            return;
        }
        let mut due: Vec<_> = self
            .roster
            .entries
            .iter()
            .filter(|(_, entry)| entry.wants_study() && entry.study.is_due(now))
            .map(|(key, entry)| (entry.study.next(), key))
            .collect();
        // Who waits longest is next, so that nobody waits for ever. Only they are put in order and copied: a thousand workloads
        // that are due together would each be, once for every study that ends.
        if due.len() > free {
            due.select_nth_unstable(free);
            due.truncate(free);
        }
        due.sort_unstable();
        let next: Vec<Key> = due.into_iter().map(|(_, key)| key.clone()).collect();
        for key in &next {
            self.begin_study(key);
        }
    }

    fn begin_study(&mut self, key: &Key) {
        let hpa_period = self.config.hpa_controller.sync_period.get();
        let Some(entry) = self.roster.entries.get_mut(key) else { return };
        let Some(settings) = entry.settings().cloned() else { return };
        let lead = entry.lead_times.lead(settings.policy.lead, hpa_period);
        let (papers, derive, learn) = entry.study.begin();
        let brief = Brief { key: key.clone(), workload: Arc::clone(&entry.workload), settings, lead, derive, learn };
        let desk = Arc::new(Desk {
            cluster: self.wiring.cluster.clone(),
            datasources: Arc::clone(&self.datasources),
            config: Arc::clone(&self.config),
            now: Arc::clone(&self.wiring.clock),
            cores: Arc::clone(&self.cores),
            learn_on: self.wiring.learn_on,
        });
        self.studies.spawn(study::run(desk, brief, papers));
    }

    fn study_back(&mut self, report: Result<Report, tokio::task::JoinError>) {
        let now = (self.wiring.clock)();
        let report = match report {
            Ok(report) => report,
            // Learning itself is caught inside; this is a run that was aborted or a bug around it. Nobody waits for it.
            Err(error) => {
                tracing::error!(%error, "a study ended badly");
                return self.free_lost_studies(now);
            }
        };
        let Some(entry) = self.roster.entries.get_mut(&report.key) else { return };
        if entry.workload.target.uid != report.uid {
            return;
        }
        entry.lead_times.startups(report.startups);
        let before = std::mem::take(&mut entry.study.findings.troubles);
        let troubled = report.findings.troubles.iter().any(|t| t.blocks);
        let step = self.config.defaults.step.get();
        let next = study::next_look(now, step, study::spread(&report.key.to_string()));
        // A back-cast that could not be asked for is no trouble to tell of, but nothing is raised before it: not a whole step.
        let unchecked = report.findings.plan.is_some() && report.findings.derivation == Derivation::Unchecked;
        let next = if troubled || unchecked { next.min(now + retry(step)) } else { next };
        entry.study.back(Some(report.papers), report.findings, next);
        entry.shown = None;
        if self.wiring.leadership.borrow().leads() {
            news::of_troubles(&self.wiring.recorder, entry, &before);
        }
    }

    /// A run that vanished is nobody's any more: every study that is away without a task is begun anew.
    fn free_lost_studies(&mut self, now: DateTime<Utc>) {
        if !self.studies.is_empty() {
            return;
        }
        for entry in self.roster.entries.values_mut() {
            let text = "the study ended badly; it begins anew".to_owned();
            let event = crate::kubernetes::events::EventReason::ModelFailed;
            let trouble = Trouble { code: "ModelFailed", text, event, blocks: true };
            entry.study.lost(trouble, now + AFTER_FAILURE);
            entry.shown = None;
        }
    }

    /// Proposes, divides the budgets, finishes.
    fn decide(&mut self, now: DateTime<Utc>) -> Vec<Judged> {
        if !self.wiring.cluster.ready() {
            return Vec::new();
        }
        let control = self.wiring.cluster.control();
        let fallback = fallback(&self.config);
        let bench = Bench {
            now,
            step: self.config.defaults.step.get(),
            tolerance: tolerance(&self.config),
            hpa_period: self.config.hpa_controller.sync_period.get(),
            limits: &self.config.limits(),
            fallback: &fallback,
        };
        judge::judge(&bench, &mut self.roster.entries, &mut self.budgets, |entry| {
            control.directive(&entry.workload.namespace)
        })
    }

    /// Writes what differs, if this process leads; remembers every outcome.
    async fn apply(&mut self, now: DateTime<Utc>, judged: Vec<Judged>) {
        let ours = self.wiring.leadership.borrow().ours.clone().filter(|_| self.clock_is_sound(now));
        if let Some(ours) = ours {
            self.write(now, &ours, judged).await;
            self.tell(now);
        } else {
            write::unwritten(now, judged, &mut self.roster.entries);
        }
    }

    /// Nothing is written by a clock that jumped: `until` and the ramp go by it.
    fn clock_is_sound(&self, now: DateTime<Utc>) -> bool {
        let sound = self.wiring.pulse.drift(now) <= DRIFT;
        if !sound {
            tracing::error!("the wall clock jumped against the monotonic clock: nothing is written; /livez fails");
        }
        sound
    }

    async fn write(&mut self, now: DateTime<Utc>, ours: &Ours, judged: Vec<Judged>) {
        let orders = write::orders(now, &ours.identity, judged, &mut self.roster.entries);
        for entry in self.roster.entries.values() {
            if let Some(epoch) = entry.last.as_ref().and_then(|last| write::newer_epoch(&last.reasons)) {
                (self.wiring.at_least)(epoch);
            }
        }
        for written in write::send(&self.wiring.writer, ours, orders).await {
            let key = written.order.key.clone();
            self.wiring.metrics.write(written.sent.result);
            if let Some(status) = written.sent.status {
                self.wiring.metrics.kubernetes_request("patch", &status.to_string(), written.sent.took);
            }
            news::of_write(&self.wiring.recorder, &written);
            if let Some(entry) = self.roster.entries.get_mut(&key) {
                write::settle(now, &written, entry);
                entry.changed(record::change(now, &written, entry.last.as_ref()));
            }
            record::log(&written);
            if let floorcast_models::protocol::Reply::Done { resource_version } = &written.sent.reply {
                let target = &written.order.workload.target;
                self.wiring.cluster.wrote(&key.namespace, &key.hpa, &target.uid, resource_version);
            }
        }
    }

    /// Tells what this tick says that the one before did not.
    fn tell(&self, now: DateTime<Utc>) {
        let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
        let decided = |entry: &&Entry| entry.last.as_ref().is_some_and(|last| last.at == now);
        for entry in self.roster.entries.values().map(AsRef::as_ref).filter(decided) {
            news::of_outcome(&self.wiring.recorder, entry);
            for reason in entry.last.iter().flat_map(|last| &last.reasons) {
                *counts.entry(reason.as_str()).or_default() += 1;
            }
        }
        for (reason, count) in counts {
            self.wiring.metrics.decisions(reason, count);
        }
    }

    /// Publishes snapshot and metrics.
    fn record(&mut self, now: DateTime<Utc>) {
        let leadership = self.wiring.leadership.borrow().clone();
        if leadership.leads() && !self.led {
            tracing::info!(epoch = leadership.epoch(), "this process leads");
        }
        self.led = leadership.leads();
        self.wiring.metrics.set_leader(leadership.leads());
        let wanted = self.roster.entries.iter_mut().filter(|(_, entry)| entry.concerns_us());
        let workloads: BTreeMap<_, _> =
            wanted.map(|(key, entry)| (key.to_string(), record::shown(key, entry, now))).collect();
        self.wiring.metrics.tick(now.timestamp_millis() as f64 / 1000.0, workloads.len());
        let unready = self.unready(&leadership);
        let status = self.status(now, &leadership);
        let snapshot = Arc::new(Snapshot { workloads, unready, last_tick: Some(now), status });
        self.wiring.metrics.workloads(&snapshot);
        self.wiring.snapshot.send_replace(snapshot);
    }

    fn unready(&self, leadership: &Leadership) -> Vec<String> {
        let mut unready = Vec::new();
        if !self.wiring.cluster.ready() {
            let waiting = self.wiring.cluster.watches().into_iter().filter(|w| !w.listed);
            unready.extend(waiting.map(|w| match w.failing {
                Some((_, why)) => format!("{} not listed yet: {why}", w.what),
                None => format!("{} not listed yet", w.what),
            }));
        }
        unready.extend(leadership.problem.clone().filter(|_| !leadership.leads()));
        unready
    }

    fn status(&self, now: DateTime<Utc>, leadership: &Leadership) -> crate::http::api::Status {
        let control = self.wiring.cluster.control();
        record::status(&record::Process {
            now,
            started: self.started,
            identity: &self.wiring.identity,
            leadership,
            control: &control,
            config: &self.config,
            config_in_force: self.wiring.config.borrow().refused.is_none(),
            datasources: &self.datasources,
            entries: &self.roster.entries,
            tick_took: self.tick_took,
            forbidden: &self.wiring.forbidden.borrow(),
        })
    }

    /// Whether any study is under way.
    pub fn is_studying(&self) -> bool {
        !self.studies.is_empty()
    }

    /// Whether any study is under way or due; `false` means that everything that can be known now is known.
    pub fn is_busy(&self) -> bool {
        let now = (self.wiring.clock)();
        let due = || self.roster.entries.values().any(|entry| entry.wants_study() && entry.study.is_due(now));
        self.is_studying() || due()
    }

    /// Waits for one study under way, if there is any, and begins what is due in its place: a thousand workloads are studied
    /// one after another between two ticks, not a few at each.
    pub async fn settle(&mut self) {
        if let Some(report) = self.studies.join_next().await {
            self.study_back(report);
            self.begin_due((self.wiring.clock)(), false);
        }
    }
}

/// Studies that what is left of a tick's budget pays for. None is begun that could not be ended: one that finds the budget spent
/// learns without its back-cast, and nothing is raised before the next. A whole budget below one study's need is still a budget:
/// it is spent over several runs.
fn affordable(left: u32, whole: bool) -> usize {
    (left as usize / ASKED_BY_A_STUDY).max(usize::from(whole && left > 0))
}

/// After a failure a workload is looked at again well before its next sample, but not at every tick.
fn retry(step: TimeDelta) -> TimeDelta {
    (step / 4).clamp(TimeDelta::seconds(1), TimeDelta::seconds(60))
}

/// The HPA controller's tolerance, the same both ways.
fn tolerance(config: &Config) -> Tolerance {
    Tolerance::both(config.hpa_controller.tolerance.get())
}

/// The policy without any annotation, for marks of ours on an object that nobody opted in.
fn fallback(config: &Config) -> Policy {
    Policy {
        mode: Mode::Off,
        quantile: config.defaults.quantile.get(),
        lead: config.defaults.lead_time.0,
        base: None,
        max_floor: None,
        admin_cap: config.guard.max_floor.map(|n| Replicas::new(n.get())),
        zone: config.defaults.timezone.0,
        model: config.defaults.choice(),
        ramp: config.guard.ramp(),
        respect: config.guard.respect.get(),
        longest_hold: config.guard.longest_hold.get(),
        rails: config.rails(),
        schedule: std::sync::Arc::default(),
    }
}

/// The words of the kill switch.
fn control_words<'a>(
    control: &Control,
    namespaces: impl Iterator<Item = &'a str>,
) -> (String, BTreeMap<String, String>) {
    // No namespace is called that: what is left is the cluster's word.
    let cluster = control.directive("");
    let others = namespaces
        .map(|n| (control.directive(n), n))
        .filter(|(d, _)| *d != cluster)
        .map(|(d, n)| (n.to_owned(), d.as_str().to_owned()))
        .collect();
    (cluster.as_str().to_owned(), others)
}

#[cfg(test)]
mod tests;
