//! One seed's course: the cluster steps, troubles begin and end, the checker looks.

use super::check::{Checker, Key};
use super::draw::{LENGTH, Seed};
use super::facts;
use super::ledger::Watched;
use super::pods::{NAMES, Pods};
use super::trouble::{Kind as Trouble_, Trouble};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast::http::api::{Snapshot, Workload};
use floorcast::simulated::api::faults::{Fault, Rule};
use floorcast::simulated::api::kind::Kind;
use floorcast::simulated::api::request::{Request, Verb};
use floorcast::simulated::api::{Server, refusal::Refusal};
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
    pub(crate) struck: BTreeMap<&'static str, u64>,
    pub(crate) floors_raised: u32,
    pub(crate) writes: u32,
}

impl Told {
    pub(crate) fn report(&self) -> String {
        let mut lines = self.course.clone();
        lines.push(format!("{} landed writes, {} raises, {:?}", self.writes, self.floors_raised, self.struck));
        lines.extend(self.violations.iter().cloned());
        lines.join("\n")
    }
}

pub(crate) struct World {
    seed: Seed,
    server: Server,
    prometheus: Prometheus,
    cluster: Cluster,
    pods: Pods,
    checker: Checker,
    begun: Vec<bool>,
    ended: Vec<bool>,
    struck: BTreeMap<&'static str, u64>,
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
            struck: BTreeMap::new(),
        };
        world.break_things();
        world
    }

    /// Faults of requests and queries are rules from the beginning; they wait for their time.
    fn break_things(&mut self) {
        for trouble in &self.seed.troubles {
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
        let Checker { violations, course, floors_raised, writes, .. } = self.checker;
        Told { violations, course, struck: self.struck, floors_raised, writes }
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
        self.pass(TimeDelta::minutes(8)).await;
        let after = self.outcomes();
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
                *self.struck.entry(trouble.kind.as_str()).or_default() += 1;
                self.checker.course.push(format!("{now} {} begins, until {}", trouble.kind.as_str(), trouble.until));
                self.begin(&trouble, now).await;
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

    async fn begin(&mut self, trouble: &Trouble, now: DateTime<Utc>) {
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
            Trouble_::MinRaised | Trouble_::MinLowered => self.edit_min(trouble, &workload, now),
            Trouble_::MaxLowered => self.lower_max(&workload, now),
            Trouble_::Recreated => self.recreate(&workload, now),
            Trouble_::OptedOut => self.annotate(&workload, "mode", Value::Null, now),
            Trouble_::Shadowed => self.annotate(&workload, "mode", json!("shadow"), now),
            Trouble_::BadAnnotation => self.annotate(&workload, "quantile", json!("1.5"), now),
            Trouble_::Frozen | Trouble_::Drained | Trouble_::Released => self.switch(now),
            _ => {}
        }
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

    /// The kill switch as the troubles of now want it; the API takes one word.
    fn switch(&mut self, now: DateTime<Utc>) {
        let on = |kind| self.seed.troubles.iter().any(|t| t.kind == kind && t.is_on(now));
        let word = match () {
            () if on(Trouble_::Released) => "release",
            () if on(Trouble_::Drained) => "drain",
            () if on(Trouble_::Frozen) => "freeze",
            () => "run",
        };
        let control = (Kind::ConfigMap, NAMESPACE, floorcast::kubernetes::CONTROL);
        self.server.merge("kubectl", control, "", json!({"data": {"cluster": word}})).unwrap();
    }

    fn hpa(&self, workload: &Deployed) -> Value {
        let object = self.server.get(Kind::Hpa, &workload.namespace, &workload.name);
        (*object.unwrap()).clone()
    }

    fn merge(&mut self, workload: &Deployed, who: &str, patch: Value, now: DateTime<Utc>) -> Result<(), Refusal> {
        let at = (Kind::Hpa, workload.namespace.as_str(), workload.name.as_str());
        self.server.merge(who, at, "", patch)?;
        self.watched(workload).touched = now;
        Ok(())
    }

    fn watched(&mut self, workload: &Deployed) -> &mut Watched {
        self.checker.hpas.get_mut(&key(workload)).unwrap()
    }

    fn annotate(&mut self, workload: &Deployed, key: &str, value: Value, now: DateTime<Utc>) {
        let patch = json!({"metadata": {"annotations": {(format!("floorcast.io/{key}")): value}}});
        self.merge(workload, "kubectl", patch, now).unwrap();
    }

    /// On-call's edit: never a value of ours, which would be nobody's opinion.
    fn edit_min(&mut self, trouble: &Trouble, workload: &Deployed, now: DateTime<Utc>) {
        let object = self.hpa(workload);
        let (found, max) = (facts::min(&object), facts::max(&object));
        let watched = self.watched(workload);
        let free = |value: &u32| !watched.is_ours(*value) && *value != watched.intended && *value != found;
        let value = match trouble.kind {
            Trouble_::MinLowered => (1..watched.intended.max(found)).rev().find(free),
            _ => (watched.intended + 1..max).find(free),
        };
        let Some(value) = value else { return };
        self.merge(workload, "kubectl", json!({"spec": {"minReplicas": value}}), now).unwrap();
        self.watched(workload).intended = value;
    }

    /// Below the floor it is refused; at the floor it takes the headroom away.
    fn lower_max(&mut self, workload: &Deployed, now: DateTime<Utc>) {
        let found = facts::min(&self.hpa(workload));
        if found > 1 {
            let refused = self.merge(workload, "kubectl", json!({"spec": {"maxReplicas": found - 1}}), now);
            assert_eq!(refused.unwrap_err().code, 422);
        }
        let intended = self.watched(workload).intended;
        let max = if found > intended { found } else { intended + 3 };
        self.merge(workload, "kubectl", json!({"spec": {"maxReplicas": max}}), now).unwrap();
    }

    fn recreate(&mut self, workload: &Deployed, now: DateTime<Utc>) {
        let object = self.hpa(workload);
        let annotations: serde_json::Map<String, Value> =
            workload.annotations.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        let mut spec = object["spec"].clone();
        spec["minReplicas"] = json!(self.watched(workload).intended);
        self.server.delete(Kind::Hpa, &workload.namespace, &workload.name).unwrap();
        let metadata = json!({"name": workload.name, "namespace": workload.namespace, "annotations": annotations});
        let fresh = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": spec});
        self.server.create("kubectl", fresh).unwrap();
        let watched = self.watched(workload);
        *watched = Watched::new(watched.intended, now);
    }

    /// A tool that sets the base back whenever it sees something else.
    fn revert(&mut self, workload: &Deployed, now: DateTime<Utc>) {
        let object = self.hpa(workload);
        let intended = facts::number(&object, "min-replicas").unwrap_or(self.watched(workload).intended);
        if facts::min(&object) != intended && intended <= facts::max(&object) {
            self.merge(workload, "argocd-controller", json!({"spec": {"minReplicas": intended}}), now).unwrap();
        }
    }

    /// Argo CD with `RespectIgnoreDifferences`: it applies by force what it finds.
    fn copy(&mut self, workload: &Deployed, now: DateTime<Utc>) {
        let found = facts::min(&self.hpa(workload));
        let body = json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": workload.name, "namespace": workload.namespace}, "spec": {"minReplicas": found},
        });
        let query = [("fieldManager", "argocd-controller"), ("force", "true")];
        let request = Request {
            user: "argocd".to_owned(),
            pod: String::new(),
            verb: Verb::Patch,
            kind: Kind::Hpa,
            namespace: workload.namespace.clone(),
            name: workload.name.clone(),
            subresource: String::new(),
            query: query.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            content_type: "application/apply-patch+yaml".to_owned(),
            agent: "argocd".to_owned(),
            body,
        };
        self.server.perform(&request).unwrap();
        self.watched(workload).touched = now;
    }
}

/// What a daemon made of one workload.
struct Outcome {
    mode: String,
    state: String,
    base: Option<u32>,
    floor: Option<u32>,
    need: Option<u32>,
}

impl Outcome {
    fn of(workload: &Workload) -> Self {
        let Workload { mode, state, base, floor, need, .. } = workload.clone();
        // A fresh daemon has another history of needs, so it may still hold what the old one lowers already.
        let state =
            if ["Idle", "Holding", "Lowering"].contains(&state.as_str()) { "Follows".to_owned() } else { state };
        Self { mode, state, base, floor, need }
    }

    /// Needs and floors come from models learned at different moments: they are near, not the same.
    fn differs(&self, new: &Self, misled: bool) -> Option<String> {
        let near = |a: Option<u32>, b: Option<u32>| {
            let (a, b) = (a.or(self.base).unwrap_or(0), b.or(new.base).unwrap_or(0));
            a.abs_diff(b) <= (a.max(b) / 4).max(2)
        };
        let same = self.mode == new.mode && self.base == new.base;
        // Trust keeps the verdict that stood before, by design: a fresh daemon has none, so it may trust where the old one does
        // not yet. The state and the floor that follow from trust are compared only where both judge alike.
        let untrusted = |o: &Self| o.state == "Untrusted";
        let by_trust = untrusted(self) != untrusted(new);
        let alike = near(self.need, new.need) && (by_trust || (self.state == new.state && near(self.floor, new.floor)));
        (!same || !(alike || misled)).then(|| {
            let told =
                |o: &Self| format!("{} {} base {:?}, floor {:?}, need {:?}", o.mode, o.state, o.base, o.floor, o.need);
            format!("{}; a fresh daemon: {}", told(self), told(new))
        })
    }
}

fn key(workload: &Deployed) -> Key {
    (workload.namespace.clone(), workload.name.clone())
}

fn query_fault(trouble: &Trouble) -> Option<prometheus::faults::Fault> {
    use prometheus::faults::Fault;
    Some(match trouble.kind {
        Trouble_::PrometheusDown => Fault::Down,
        Trouble_::PrometheusSilent => Fault::Silent,
        Trouble_::PrometheusSlow => Fault::Slow((trouble.share * 60.0) as u32),
        Trouble_::Prometheus503 => Fault::Status(503),
        Trouble_::Prometheus429 => Fault::TooManyRequests((trouble.share * 120.0) as u32),
        Trouble_::PrometheusPartial => Fault::Partial(trouble.share),
        Trouble_::PrometheusHalved => Fault::Halved(trouble.share),
        Trouble_::PrometheusTwoSeries => Fault::TwoSeries,
        Trouble_::PrometheusEmpty => Fault::Empty,
        Trouble_::PrometheusNan => Fault::NotANumber,
        Trouble_::PrometheusHtml => Fault::Html,
        Trouble_::PrometheusTruncated => Fault::Truncated,
        _ => return None,
    })
}

fn request_fault(trouble: &Trouble) -> Option<Fault> {
    Some(match trouble.kind {
        Trouble_::Api429 => Fault::TooManyRequests((trouble.share * 30.0) as u32),
        Trouble_::Api500 => Fault::Internal,
        Trouble_::Api503 => Fault::Unavailable,
        Trouble_::ApiSilence => Fault::Silence,
        Trouble_::ApiLost => Fault::Lost,
        Trouble_::ApiCut => Fault::Cut,
        Trouble_::ApiConflict => Fault::Conflict,
        _ => return None,
    })
}
