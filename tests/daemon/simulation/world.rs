//! One seed's course: the cluster steps, troubles begin and end, the checker looks.

use super::check::{Checker, Key};
use super::draw::{LENGTH, Seed};
use super::facts;
use super::faults::{query_fault, request_fault};
use super::ledger::Watched;
use super::outcome::Outcome;
use super::pods::{NAMES, Pods};
use super::trouble::{Kind as Trouble_, Trouble};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast::http::api::Snapshot;
use floorcast::simulated::api::Server;
use floorcast::simulated::api::faults::{Fault, Rule};
use floorcast::simulated::api::kind::Kind;
use floorcast::simulated::api::request::Verb;
use floorcast::simulated::clock::Clock;
use floorcast::simulated::cluster::{Cluster, Deployed, scrape};
use floorcast::simulated::prometheus::{self, Prometheus};
use floorcast::simulated::replay::{NAMESPACE, USER, install};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The cluster moves, and the checker looks, this often: the HPA controller's own period.
const STEP: TimeDelta = TimeDelta::seconds(15);

/// What came of a seed.
pub(crate) struct Told {
    pub(crate) violations: Vec<String>,
    pub(crate) course: Vec<String>,
    /// Kinds of trouble that really struck, and how often.
    pub(crate) struck: BTreeMap<&'static str, u64>,
    pub(crate) floors_raised: u32,
    pub(crate) writes: u32,
    /// Of everything that was asked of the API server: the same for the same seed, or the course was another.
    pub(crate) digest: u64,
}

impl Told {
    pub(crate) fn report(&self) -> String {
        let mut lines = self.course.clone();
        let Self { writes, floors_raised, struck, digest, .. } = self;
        lines.push(format!("{writes} landed writes, {floors_raised} raises, digest {digest:016x}, {struck:?}"));
        lines.extend(self.violations.iter().cloned());
        lines.join("\n")
    }
}

pub(crate) struct World {
    pub(super) seed: Seed,
    pub(super) server: Server,
    prometheus: Prometheus,
    cluster: Cluster,
    pods: Pods,
    pub(super) checker: Checker,
    begun: Vec<bool>,
    ended: Vec<bool>,
    /// What was done about it had an effect.
    acted: Vec<bool>,
}

impl World {
    pub(crate) fn new(seed: Seed) -> Self {
        let server = Server::new(Clock::starting_at(seed.start), seed.number);
        let prometheus = Prometheus::new(server.clock(), seed.number);
        install(&server).unwrap();
        let mut cluster = Cluster::new(server.clone(), seed.number);
        let mut checker = Checker::new(seed.number, &seed.troubles);
        for workload in &seed.workloads {
            scrape(&prometheus, workload);
            cluster.deploy(workload).unwrap();
            checker.hpas.insert(key(workload), Watched::new(workload.min, seed.start));
        }
        let pods = Pods::new(&server, &prometheus, seed.number);
        let count = seed.troubles.len();
        let mut world = Self {
            seed,
            server,
            prometheus,
            cluster,
            pods,
            checker,
            begun: vec![false; count],
            ended: vec![false; count],
            acted: vec![false; count],
        };
        world.break_things();
        world
    }

    /// Faults of requests and queries are rules from the beginning; they wait for their time.
    ///
    /// The first rule that fits wins, so those that let no sample through come first: the checker takes them at their word.
    fn break_things(&mut self) {
        let (blind, others): (Vec<_>, Vec<_>) = self.seed.troubles.iter().partition(|t| t.kind.blinds());
        for trouble in blind.into_iter().chain(others) {
            let during = trouble.from..trouble.until;
            if let Some(fault) = query_fault(trouble) {
                self.prometheus.faults(|f| f.rules.push(prometheus::faults::Rule::during(fault, during)));
            } else if let Some(fault) = request_fault(trouble) {
                let probability = if trouble.share > 0.5 { 1.0 } else { 0.1 + trouble.share };
                let verbs = match fault {
                    Fault::Conflict => vec![Verb::Patch],
                    _ => Vec::new(),
                };
                let user = Some(USER.to_owned());
                self.server.faults(|f| f.rules.push(Rule { verbs, user, during, probability, ..Rule::always(fault) }));
            } else if trouble.kind == Trouble_::WatchesStale {
                let delay = TimeDelta::seconds((trouble.share * 120.0) as i64 + 1);
                self.server.faults(|f| f.stale.push((during, delay)));
            }
        }
    }

    /// The whole course.
    pub(crate) async fn run(mut self) -> Told {
        self.pods.start(0);
        self.pods.start(1);
        self.until(self.seed.start + LENGTH).await;
        self.afterwards().await;
        for pod in 0..NAMES.len() {
            self.kill(pod).await;
        }
        let struck = self.struck();
        let Checker { violations, course, floors_raised, writes, digest, .. } = self.checker;
        Told { violations, course, struck, floors_raised, writes, digest: digest.0 }
    }

    /// A fault struck where a request or query met it, anything else where something was done.
    fn struck(&self) -> BTreeMap<&'static str, u64> {
        let mut struck = BTreeMap::new();
        for (trouble, acted) in self.seed.troubles.iter().zip(&self.acted) {
            let hits = if let Some(fault) = query_fault(trouble) {
                self.prometheus.faults(|f| f.hits().get(fault.as_str()).copied().unwrap_or(0))
            } else if let Some(fault) = request_fault(trouble) {
                self.server.faults(|f| f.hits().get(fault.as_str()).copied().unwrap_or(0))
            } else {
                u64::from(*acted)
            };
            if hits > 0 {
                *struck.entry(trouble.kind.as_str()).or_default() += hits;
            }
        }
        struck
    }

    /// I10, with all faults over for hours: a fresh daemon comes to the same. Then everything is handed back.
    async fn afterwards(&mut self) {
        if !self.checker.violations.is_empty() {
            return;
        }
        // The same inputs for both: another quantile makes the old daemon learn now, as the fresh one will.
        let now = self.server.clock().now();
        for workload in self.seed.workloads.clone() {
            self.annotate(&workload, "quantile", json!("0.93"), now);
        }
        // The start is on the hour, and the daemon's step is 15 minutes: both daemons decide by the same newest sample.
        self.pass(TimeDelta::minutes(3)).await;
        let before = self.outcomes();
        self.kill(0).await;
        self.kill(1).await;
        self.pods.start(0);
        // At the first moment at which it has learned: it holds what it finds for five minutes, then floors may be on their way down.
        let mut after = self.outcomes();
        for _ in 0..48 {
            let learned = |(name, old): (&String, &Outcome)| {
                old.is_learning() || after.get(name).is_some_and(|new| !new.is_learning())
            };
            if before.iter().all(learned) {
                break;
            }
            self.pass(TimeDelta::seconds(10)).await;
            after = self.outcomes();
        }
        let now = self.server.clock().now();
        if before.len() != after.len() {
            self.checker.violated(
                "I10",
                now,
                "all",
                &format!("{} workloads before, {} after", before.len(), after.len()),
            );
        }
        // Samples that a store withheld without a word are in the old daemon's memory and healed in what the fresh one reads: these
        // inputs are not the same, so trust and needs may differ for as long as they are learned from; mode and base may not.
        let misled = self.seed.troubles.iter().any(|t| t.kind == Trouble_::PrometheusHalved);
        for (name, old) in &before {
            if let Some(what) = after.get(name).and_then(|new| old.differs(new, misled)) {
                self.checker.violated("I10", now, name, &what);
            }
        }
        if !self.checker.violations.is_empty() {
            return;
        }
        let control = (Kind::ConfigMap, NAMESPACE, floorcast::kubernetes::CONTROL);
        self.server.merge("kubectl", control, "", json!({"data": {"cluster": "release"}})).unwrap();
        self.pass(TimeDelta::minutes(4)).await;
        self.all_is_free();
    }

    async fn pass(&mut self, time: TimeDelta) {
        self.until(self.server.clock().now() + time).await;
    }

    /// What the leader made of each workload.
    fn outcomes(&self) -> BTreeMap<String, Outcome> {
        let Some(snapshot) = self.leader() else { return BTreeMap::new() };
        snapshot.workloads.iter().map(|(name, workload)| (name.clone(), Outcome::of(workload))).collect()
    }

    fn leader(&self) -> Option<Arc<Snapshot>> {
        let snapshots = (0..NAMES.len()).filter_map(|pod| self.pods.snapshot(pod));
        snapshots.into_iter().find(|s| s.status.leader)
    }

    fn all_is_free(&mut self) {
        let now = self.server.clock().now();
        for workload in self.seed.workloads.clone() {
            let object = self.hpa(&workload);
            let (found, name) = (facts::min(&object), format!("{}/{}", workload.namespace, workload.name));
            let wanted = [Some(self.watched(&workload).intended), facts::number(&object, "min-replicas")];
            let what = if facts::is_marked(&object) {
                "marks of ours are left after the release"
            } else if facts::is_ours(&object) {
                "a managedFields entry of ours is left after the release"
            } else if !wanted.contains(&Some(found)) {
                "its user wants another minReplicas than was given back"
            } else {
                continue;
            };
            self.checker.violated("I6", now, &name, &format!("{what}: {found}, wanted {wanted:?}\n  {object}"));
        }
    }

    async fn until(&mut self, end: DateTime<Utc>) {
        let clock = self.server.clock();
        let mut next = clock.now();
        while next < end && self.checker.violations.is_empty() {
            self.look(next);
            self.troubles(next).await;
            self.cluster.step().unwrap();
            next += STEP;
            clock.until(next).await;
        }
        self.look(next);
    }

    /// Everything that was asked since the last look, then the objects as they are.
    fn look(&mut self, now: DateTime<Utc>) {
        let known = self.checker.violations.len();
        self.look_at(now);
        if self.checker.violations.len() == known {
            return;
        }
        let snapshot = self.leader().unwrap_or_default();
        let said = snapshot.workloads.iter().map(|(name, w)| {
            let reasons: Vec<_> = w.reasons.iter().map(|r| r.text.as_str()).collect();
            format!("\n  {name}: {} need {:?}, until {:?}: {}", w.state, w.need, w.until, reasons.join("; "))
        });
        let said: String = said.collect();
        for violation in &mut self.checker.violations[known..] {
            violation.push_str(&said);
        }
    }

    fn look_at(&mut self, now: DateTime<Utc>) {
        let entries = self.server.drain_audit();
        self.checker.requests(&self.server, &entries);
        let alive = (0..NAMES.len()).any(|pod| self.pods.is_alive(pod) && self.checker.leases.holds(NAMES[pod], now));
        self.checker.objects(&self.server, now, alive);
        if let Some(dead) = self.pods.dead() {
            self.checker.violated("I12", now, dead, "the process ended by itself");
        }
    }

    async fn troubles(&mut self, now: DateTime<Utc>) {
        for i in 0..self.seed.troubles.len() {
            let trouble = self.seed.troubles[i].clone();
            if trouble.from <= now && !self.begun[i] {
                self.begun[i] = true;
                self.checker.course.push(format!("{now} {} begins, until {}", trouble.kind.as_str(), trouble.until));
                self.acted[i] = self.begin(&trouble, now).await;
            }
            if trouble.is_on(now) {
                self.go_on(&trouble, now);
            }
            if trouble.until <= now && self.begun[i] && !self.ended[i] {
                self.ended[i] = true;
                self.end(&trouble, now);
            }
        }
    }

    /// Begins it; whether that had an effect.
    async fn begin(&mut self, trouble: &Trouble, now: DateTime<Utc>) -> bool {
        let workload = self.seed.workloads[trouble.workload].clone();
        match trouble.kind {
            Trouble_::Compacted => self.server.compact(),
            Trouble_::LeaderKilled => {
                let leader = (0..NAMES.len()).find(|pod| self.checker.leases.holds(NAMES[*pod], now));
                self.kill(leader.unwrap_or(0)).await;
            }
            Trouble_::BothKilled => {
                self.kill(0).await;
                self.kill(1).await;
            }
            Trouble_::LeaseRecreated => {
                // It may be gone already where an earlier trouble of this kind is not over.
                let _ = self.server.delete(Kind::Lease, NAMESPACE, floorcast::kubernetes::LEASE);
                self.checker.leases.vanished();
            }
            Trouble_::ControllerRestarted => self.cluster.restart_controller(),
            Trouble_::MinRaised | Trouble_::MinLowered => return self.edit_min(trouble, &workload, now),
            Trouble_::MaxLowered => self.lower_max(&workload, now),
            Trouble_::Recreated => self.recreate(&workload, now),
            Trouble_::OptedOut => self.annotate(&workload, "mode", Value::Null, now),
            Trouble_::Shadowed => self.annotate(&workload, "mode", json!("shadow"), now),
            Trouble_::BadAnnotation => self.annotate(&workload, "quantile", json!("1.5"), now),
            Trouble_::Frozen | Trouble_::Drained | Trouble_::Released => self.switch(now),
            _ => {}
        }
        true
    }

    /// What is done again and again while it lasts.
    fn go_on(&mut self, trouble: &Trouble, now: DateTime<Utc>) {
        let workload = self.seed.workloads[trouble.workload].clone();
        let every = |minutes: i64| (now - self.seed.start).num_seconds() % (minutes * 60) == 0;
        match trouble.kind {
            Trouble_::WatchesClosed if every(1) => self.server.close_watches(),
            Trouble_::Compacted if every(5) => {
                self.server.compact();
                self.server.close_watches();
            }
            Trouble_::Reverted => self.revert(&workload, now),
            Trouble_::Copied if every(3) => self.copy(&workload, now),
            _ => {}
        }
    }

    fn end(&mut self, trouble: &Trouble, now: DateTime<Utc>) {
        let workload = self.seed.workloads[trouble.workload].clone();
        match trouble.kind {
            Trouble_::LeaderKilled | Trouble_::BothKilled => {
                self.pods.start(0);
                self.pods.start(1);
            }
            Trouble_::LeaseRecreated => {
                let lease = json!({
                    "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                    "metadata": {"name": floorcast::kubernetes::LEASE, "namespace": NAMESPACE},
                });
                // The daemon may have made it anew by itself.
                let _ = self.server.create("kubectl", lease);
            }
            Trouble_::OptedOut | Trouble_::Shadowed => {
                let said = workload.annotations.iter().find(|(key, _)| key == "floorcast.io/mode");
                self.annotate(&workload, "mode", json!(said.map(|(_, mode)| mode)), now);
            }
            Trouble_::BadAnnotation => self.annotate(&workload, "quantile", json!("0.9"), now),
            Trouble_::Frozen | Trouble_::Drained | Trouble_::Released => self.switch(now),
            _ => {}
        }
    }

    async fn kill(&mut self, pod: usize) {
        if let Err(panic) = self.pods.kill(pod).await {
            self.checker.violated("I12", self.server.clock().now(), NAMES[pod], &panic);
        }
    }
}

pub(super) fn key(workload: &Deployed) -> Key {
    (workload.namespace.clone(), workload.name.clone())
}
