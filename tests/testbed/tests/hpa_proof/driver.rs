//! The course of events at each HPA: a change, then stillness until the controller has looked at it a few times.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use floorcast_models::hpa::{ConditionStatus, Phase, Pod, Ready};
use floorcast_models::sim::Random;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler as Hpa;
use k8s_openapi::api::core::v1::{Pod as ApiPod, ReplicationController};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::{self, Weather};
use crate::book::{Book, Versions};
use crate::manifest;
use crate::plan::{self, Plan, below};
use crate::stage::{NAMESPACE, Stage};

/// Stillness after a change: so many syncs with questions, or so long if the controller does not ask.
const LOOKS: usize = 4;
const STILL: Duration = Duration::from_millis(4500);

/// The play under way.
pub(crate) struct Play {
    books: Vec<Arc<Mutex<Book>>>,
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Play {
    pub(crate) fn begin(stage: &Arc<Stage>, plans: &[Plan], seed: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (mut books, mut tasks) = (Vec::new(), Vec::new());
        for (i, plan) in plans.iter().enumerate() {
            let book = Book { specs: Versions::new(plan.spec.clone()), pods: Versions::new(Vec::new()) };
            let book = Arc::new(Mutex::new(book));
            let random = Random::of(seed ^ 0xd1ce, i as u64);
            let (book, stage, plan, stop) = (book, Arc::clone(stage), plan.clone(), Arc::clone(&stop));
            books.push(Arc::clone(&book));
            tasks.push(tokio::spawn(async move {
                let mut driver = Driver::new(stage, plan, book, random);
                driver.set_up().await;
                while !stop.load(Ordering::Relaxed) {
                    driver.be_still(&stop).await;
                    driver.change().await;
                }
            }));
        }
        Self { books, stop, tasks }
    }

    /// What was written so far, by HPA.
    pub(crate) fn books(&self) -> Vec<Book> {
        self.books.iter().map(|book| book.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect()
    }

    pub(crate) async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

struct Driver {
    stage: Arc<Stage>,
    plan: Plan,
    book: Arc<Mutex<Book>>,
    random: Random,
    born: usize,
    there: bool,
}

impl Driver {
    fn new(stage: Arc<Stage>, plan: Plan, book: Arc<Mutex<Book>>, random: Random) -> Self {
        Self { stage, plan, book, random, born: 0, there: true }
    }

    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        <K as kube::Resource>::DynamicType: Default,
    {
        Api::namespaced(self.stage.client.clone(), NAMESPACE)
    }

    fn book<T>(&self, read: impl FnOnce(&mut Book) -> T) -> T {
        read(&mut self.book.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn pods(&self) -> Vec<Pod> {
        self.book(|book| book.pods.now().clone())
    }

    async fn set_up(&mut self) {
        self.create_target(self.plan.replicas).await;
        for _ in 0..self.plan.replicas {
            self.create_pod().await;
        }
        self.count_pods().await;
        let weather = Weather::any(&mut self.random);
        self.tell(weather, self.plan.replicas);
        let hpa: Hpa = object(manifest::hpa(NAMESPACE, &self.plan));
        self.api::<Hpa>().create(&PostParams::default(), &hpa).await.unwrap();
    }

    async fn be_still(&mut self, stop: &AtomicBool) {
        let question = answer::question(&self.plan.spec.metrics[0], &self.plan.name);
        let stage = Arc::clone(&self.stage);
        let asked = || stage.cluster.metrics().script().times_asked(NAMESPACE, &question);
        let (begun, before) = (Instant::now(), asked());
        // Not all HPAs at once.
        let least = Duration::from_millis(2500 + below(&mut self.random, 1500) as u64);
        while !stop.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let looked = asked() >= before + LOOKS && begun.elapsed() >= least;
            if looked || begun.elapsed() >= STILL {
                return;
            }
        }
    }

    async fn change(&mut self) {
        match below(&mut self.random, 20) {
            // What is gone comes back soon: nothing can be seen of it meanwhile.
            _ if !self.there && self.random.chance(0.7) => self.change_target().await,
            0..=8 => {}
            9..=12 => self.change_pods().await,
            13..=16 => self.change_bounds().await,
            17 | 18 => self.change_size().await,
            _ => self.change_target().await,
        }
        if self.there && self.size().await == 0 && self.random.chance(0.6) {
            let size = 1 + below(&mut self.random, 8);
            self.patch_target(&json!({"spec": {"replicas": size}}), false).await;
        }
        if self.there && self.random.chance(0.7) {
            self.follow().await;
        }
        let size = self.pods().len() as i32;
        let weather = Weather::any(&mut self.random);
        self.tell(weather, size);
    }

    fn tell(&mut self, weather: Weather, size: i32) {
        let pods = self.pods();
        let mut told = Vec::new();
        for metric in self.plan.spec.metrics.clone() {
            let question = answer::question(&metric, &self.plan.name);
            // Resource metrics share one question, and so its answer.
            if !told.contains(&question) {
                // Some metrics of an HPA may fail while others work.
                let own = if told.is_empty() { weather } else { Weather::any(&mut self.random) };
                let answer = answer::told(&metric, own, &pods, size, &mut self.random);
                self.stage.tell(&metric, &self.plan.name, answer);
                told.push(question);
            }
        }
    }

    async fn change_bounds(&mut self) {
        let (min, max) = plan::bounds(&mut self.random, &self.plan.spec);
        let min = min.unwrap_or(1);
        let sent = Utc::now();
        let patch = json!({"spec": {"minReplicas": min, "maxReplicas": max}});
        self.api::<Hpa>().patch(&self.plan.name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
        self.book(|book| {
            let spec = floorcast_models::hpa::Spec { min: Some(min), max, ..book.specs.now().clone() };
            book.specs.push(sent, spec);
        });
    }

    /// A person scales the target, to nothing now and then.
    async fn change_size(&mut self) {
        if !self.there {
            return;
        }
        let size = if self.random.chance(0.3) { 0 } else { 1 + below(&mut self.random, 12) };
        self.patch_target(&json!({"spec": {"replicas": size}}), false).await;
    }

    async fn change_target(&mut self) {
        if self.there {
            let deleted =
                self.api::<ReplicationController>().delete(&self.plan.name, &DeleteParams::background()).await;
            deleted.unwrap();
            self.there = false;
        } else {
            let size = 1 + below(&mut self.random, 8) as i32;
            self.create_target(size).await;
        }
    }

    async fn create_target(&mut self, size: i32) {
        let target: ReplicationController = object(manifest::target(NAMESPACE, &self.plan.name, size));
        self.api::<ReplicationController>().create(&PostParams::default(), &target).await.unwrap();
        self.there = true;
    }

    async fn patch_target(&self, patch: &Value, status: bool) {
        let (api, params) = (self.api::<ReplicationController>(), PatchParams::default());
        let patch = Patch::Merge(patch);
        let patched = if status {
            api.patch_status(&self.plan.name, &params, &patch).await
        } else {
            api.patch(&self.plan.name, &params, &patch).await
        };
        patched.unwrap();
    }

    /// The target's status says how many pods there are.
    async fn count_pods(&self) {
        let count = self.pods().iter().filter(|pod| !pod.deleted).count();
        self.patch_target(&json!({"status": {"replicas": count}}), true).await;
    }

    /// The target's `spec.replicas`.
    async fn size(&self) -> usize {
        let target = self.api::<ReplicationController>().get(&self.plan.name).await.unwrap();
        target.spec.and_then(|spec| spec.replicas).unwrap_or(0).unsigned_abs() as usize
    }

    /// Pods come and go towards the wanted size, a few at a time, as a workload's controller would have them.
    async fn follow(&mut self) {
        let wanted = self.size().await;
        for _ in 0..4 {
            match self.pods().len().cmp(&wanted.min(14)) {
                std::cmp::Ordering::Less => self.create_pod().await,
                std::cmp::Ordering::Greater => self.remove_pod().await,
                std::cmp::Ordering::Equal => break,
            }
        }
        self.count_pods().await;
    }

    async fn change_pods(&mut self) {
        for _ in 0..=below(&mut self.random, 2) {
            let pods = self.pods();
            if pods.is_empty() || self.random.chance(0.2) {
                self.create_pod().await;
                continue;
            }
            let which = below(&mut self.random, pods.len());
            let mut pod = pods[which].clone();
            if pod.deleted {
                continue;
            }
            if self.random.chance(0.15) {
                self.mark_deleted(which).await;
                continue;
            }
            self.age(&mut pod);
            self.write_status(which, pod).await;
        }
    }

    /// Any state that a pod may be in.
    fn age(&mut self, pod: &mut Pod) {
        let now = Utc::now();
        let random = &mut self.random;
        let ago = |seconds: i64| DateTime::from_timestamp(now.timestamp() - seconds, 0);
        pod.phase = match below(random, 10) {
            0 => Phase::Pending,
            1 => Phase::Failed,
            2 => Phase::Succeeded,
            3 => Phase::Unknown,
            _ => Phase::Running,
        };
        let old = [3, 9, 25, 300, 5000][below(random, 5)];
        pod.started = if random.chance(0.9) { ago(old) } else { None };
        let since = [0, 2, old / 2, old, old + 4][below(random, 5)];
        let status = match below(random, 8) {
            0..=4 => ConditionStatus::True,
            5 | 6 => ConditionStatus::False,
            _ => ConditionStatus::Unknown,
        };
        let ready = ago(since).map(|since| Ready { status, since });
        pod.ready = if random.chance(0.9) { ready } else { None };
    }

    async fn create_pod(&mut self) {
        self.born += 1;
        let name = format!("{}-{}", self.plan.name, self.born);
        let started = DateTime::from_timestamp(Utc::now().timestamp() - 600, 0).unwrap();
        let mut pod = manifest::pod(name, self.plan.pods, started);
        if self.random.chance(0.25) {
            self.age(&mut pod);
        }
        let sent = Utc::now();
        let created: ApiPod = object(manifest::pod_object(NAMESPACE, &self.plan.name, &pod));
        self.api::<ApiPod>().create(&PostParams::default(), &created).await.unwrap();
        // Until its status is written it is pending, and nothing else is known of it.
        let new = Pod { phase: Phase::Pending, started: None, ready: None, ..pod.clone() };
        self.book(|book| book.pods.push(sent, [book.pods.now().as_slice(), &[new]].concat()));
        self.write_status(self.pods().len() - 1, pod).await;
    }

    async fn write_status(&self, which: usize, pod: Pod) {
        let sent = Utc::now();
        let patch = Patch::Merge(manifest::pod_status(&pod));
        self.api::<ApiPod>().patch_status(&pod.name, &PatchParams::default(), &patch).await.unwrap();
        self.book(|book| {
            let mut pods = book.pods.now().clone();
            pods[which] = pod;
            book.pods.push(sent, pods);
        });
    }

    /// Deleted, and still there: its finalizer holds it.
    async fn mark_deleted(&self, which: usize) {
        let (sent, name) = (Utc::now(), self.pods()[which].name.clone());
        self.api::<ApiPod>().delete(&name, &DeleteParams::default()).await.unwrap();
        self.book(|book| {
            let mut pods = book.pods.now().clone();
            pods[which].deleted = true;
            book.pods.push(sent, pods);
        });
    }

    async fn remove_pod(&mut self) {
        let pods = self.pods();
        let which = pods.iter().position(|pod| pod.deleted).unwrap_or(pods.len() - 1);
        if !pods[which].deleted {
            self.mark_deleted(which).await;
        }
        let sent = Utc::now();
        let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
        self.api::<ApiPod>().patch(&pods[which].name, &PatchParams::default(), &patch).await.unwrap();
        self.book(|book| {
            let mut pods = book.pods.now().clone();
            pods.remove(which);
            book.pods.push(sent, pods);
        });
    }
}

fn object<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}
