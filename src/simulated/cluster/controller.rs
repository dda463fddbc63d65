//! The HPA controller at one HPA: what it reads, what [`hpa::sync_with`] makes of it, what it writes.

use super::Deployed;
use super::pods::Pods;
use crate::simulated::api::Server;
use crate::simulated::api::kind::Kind;
use crate::simulated::api::refusal::Refusal;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use floorcast_models::hpa::condition::Conditions;
use floorcast_models::hpa::{self, MetricSpec, ResourceTarget, Scaled, Spec, State, Verdict};
use serde_json::{Value, json};

/// From a container's use of CPU to the metrics API: kubelet and metrics-server together (`hpa.md` 1.10).
const METRIC_LAG: TimeDelta = TimeDelta::seconds(20);
/// Window of a sample of the metrics API.
const METRIC_WINDOW: TimeDelta = TimeDelta::seconds(30);

/// The controller's view of one HPA.
pub(super) struct Autoscaler {
    state: State,
    next: DateTime<Utc>,
    /// The object's uid and the status that it shows: a recreated HPA shows none yet.
    shown: Option<(Value, Status)>,
}

/// Current and desired replicas and the conditions: compared every sync, made JSON of where they changed.
type Status = (Option<i32>, i32, Conditions);

impl Autoscaler {
    pub(super) fn starting(first: DateTime<Utc>) -> Self {
        Self { state: State::default(), next: first, shown: None }
    }

    pub(super) fn restart(&mut self) {
        self.state = std::mem::take(&mut self.state).restarted();
    }

    /// Syncs where its period has passed; gives the new size where there is one.
    pub(super) fn sync_if_due(
        &mut self,
        server: &Server,
        controller: &hpa::Controller,
        deployed: &Deployed,
        pods: &Pods,
        now: DateTime<Utc>,
    ) -> Result<Option<i32>, Refusal> {
        if now < self.next {
            return Ok(None);
        }
        self.next = now + controller.flags.sync_period;
        let (namespace, name) = (deployed.namespace.as_str(), deployed.name.as_str());
        let Some(object) = server.get(Kind::Hpa, namespace, name) else {
            self.state = State::default();
            return Ok(None);
        };
        let replicas = server.get(Kind::Deployment, namespace, name);
        let replicas = replicas.as_deref().and_then(|d| d.pointer("/spec/replicas")).and_then(Value::as_i64);
        let target = Scaled::sound(replicas.unwrap_or(0) as i32, pods.len() as i32);
        let spec = spec_of(&object, deployed);
        let tolerance = spec.tolerance(controller.flags.tolerance, &controller.gates);
        let tally = measured(deployed, pods, now);
        let verdict =
            hpa::sync_with(now, &spec, controller, &target, &mut self.state, |_, metric, scale| match metric {
                MetricSpec::Resource { target, .. } => tally.resource(*target, scale.spec_replicas, tolerance),
                _ => Err(hpa::MetricError::NotObserved),
            });
        if let Some(size) = verdict.rescaled_to {
            let at = (Kind::Deployment, namespace, name);
            server.merge("kube-controller-manager", at, "scale", json!({"spec": {"replicas": size}}))?;
        }
        self.show(server, deployed, &object["metadata"]["uid"], &verdict, now)?;
        Ok(verdict.rescaled_to)
    }

    /// Writes the status where it changed.
    fn show(
        &mut self,
        server: &Server,
        deployed: &Deployed,
        uid: &Value,
        verdict: &Verdict,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let status = (verdict.current, verdict.desired, verdict.conditions);
        if self.shown.as_ref().is_some_and(|(of, shown)| of == uid && *shown == status) {
            return Ok(());
        }
        self.shown = Some((uid.clone(), status));
        let status = written(status, now);
        let at = (Kind::Hpa, deployed.namespace.as_str(), deployed.name.as_str());
        server.merge("kube-controller-manager", at, "status", json!({"status": status}))?;
        Ok(())
    }
}

fn spec_of(object: &Value, deployed: &Deployed) -> Spec {
    let number = |at: &str| object.pointer(at).and_then(Value::as_i64).map(|n| n as i32);
    let target = ResourceTarget::Utilization(deployed.utilization as i32);
    Spec {
        min: number("/spec/minReplicas"),
        max: number("/spec/maxReplicas").unwrap_or(1),
        metrics: vec![MetricSpec::Resource { resource: "cpu".to_owned(), target }],
        behavior: None,
    }
}

/// Sums of the metrics API: pods whose sample began before they were ready count as starting (`hpa.md` 1.5).
fn measured(deployed: &Deployed, pods: &Pods, now: DateTime<Utc>) -> hpa::Tally {
    let at = now - METRIC_LAG;
    let trusted = pods.ready(at - METRIC_WINDOW);
    let carrying = pods.ready(at).max(1);
    let load = (deployed.load)(at - METRIC_WINDOW / 2).unwrap_or(0.0);
    // A pod cannot use more than twice its request; what is above waits.
    let request = i128::from(deployed.request_millicores);
    let each = ((load * 1000.0 / f64::from(carrying)) as i128).min(2 * request);
    let unready = i64::from(pods.len()) - i64::from(trusted);
    hpa::Tally {
        ready: trusted.into(),
        usage: each * i128::from(trusted),
        request: request * i128::from(trusted),
        unready,
        unready_request: request * i128::from(unready),
        ..hpa::Tally::default()
    }
}

fn written((current, desired, conditions): Status, now: DateTime<Utc>) -> Value {
    let now = now.to_rfc3339_opts(SecondsFormat::Secs, true);
    let condition = |(kind, status, reason): (&str, bool, &str)| {
        let status = if status { "True" } else { "False" };
        json!({"type": kind, "status": status, "reason": reason, "message": reason, "lastTransitionTime": now})
    };
    let conditions: Vec<Value> = conditions.list().into_iter().map(condition).collect();
    json!({"currentReplicas": current, "desiredReplicas": desired, "conditions": conditions})
}
