//! A Deployment with an HPA, as a user would have them, and waiting for what becomes of them.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler as Hpa;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::cluster::NODE;
use crate::{Error, wait};

/// What a workload may differ in.
#[derive(Debug, Clone)]
pub struct Shape {
    /// CPU request of its one container, in milli-cores.
    pub request_milli: u32,
    /// The HPA's CPU target, percent of the request.
    pub target_percent: u32,
    /// `minReplicas`.
    pub min: u32,
    /// `maxReplicas`.
    pub max: u32,
    /// Annotations of the HPA.
    pub annotations: Vec<(String, String)>,
    /// `spec.metrics` instead of the CPU target.
    pub metrics: Option<Value>,
    /// `spec.behavior`.
    pub behavior: Option<Value>,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            request_milli: 100,
            target_percent: 50,
            min: 2,
            max: 20,
            annotations: Vec::new(),
            metrics: None,
            behavior: None,
        }
    }
}

impl Shape {
    /// With an annotation on the HPA.
    #[must_use]
    pub fn annotated(mut self, key: &str, value: &str) -> Self {
        self.annotations.push((key.to_owned(), value.to_owned()));
        self
    }

    /// With other bounds.
    #[must_use]
    pub fn bounds(mut self, min: u32, max: u32) -> Self {
        (self.min, self.max) = (min, max);
        self
    }
}

/// A Deployment and an HPA of one name.
#[derive(Clone)]
pub struct Workload {
    client: Client,
    /// Namespace.
    pub namespace: String,
    /// Name of both objects, and value of the pods' label `app`.
    pub name: String,
}

impl Workload {
    /// Creates the namespace if it is not there, the Deployment at `min` replicas, and the HPA.
    pub async fn create(client: Client, namespace: &str, name: &str, shape: &Shape) -> Result<Self, Error> {
        let workload = Self::create_deployment(client, namespace, name, shape).await?;
        workload.create_hpa(shape).await?;
        Ok(workload)
    }

    /// The same without the HPA.
    pub async fn create_deployment(client: Client, namespace: &str, name: &str, shape: &Shape) -> Result<Self, Error> {
        let workload = Self::at(client, namespace, name);
        workload.create_namespace().await?;
        let deployment: Deployment = serde_json::from_value(deployment(namespace, name, shape))?;
        workload.deployments().create(&PostParams::default(), &deployment).await?;
        Ok(workload)
    }

    /// One that is there already, or the same one seen with another client.
    pub fn at(client: Client, namespace: &str, name: &str) -> Self {
        Self { client, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    async fn create_namespace(&self) -> Result<(), Error> {
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}});
        let namespace: Namespace = serde_json::from_value(body)?;
        match Api::<Namespace>::all(self.client.clone()).create(&PostParams::default(), &namespace).await {
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            other => Ok(other.map(|_| ())?),
        }
    }

    /// Creates the HPA (again) by POST.
    pub async fn create_hpa(&self, shape: &Shape) -> Result<Hpa, Error> {
        let hpa: Hpa = serde_json::from_value(hpa_manifest(&self.namespace, &self.name, shape))?;
        Ok(self.hpas().create(&PostParams::default(), &hpa).await?)
    }

    /// The namespace's HPAs.
    pub fn hpas(&self) -> Api<Hpa> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The namespace's Deployments.
    pub fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The HPA as it is.
    pub async fn hpa(&self) -> Result<Hpa, Error> {
        Ok(self.hpas().get(&self.name).await?)
    }

    /// `spec.minReplicas` as it is.
    pub async fn min_replicas(&self) -> Result<u32, Error> {
        Ok(floor_of(&self.hpa().await?))
    }

    /// Changes the HPA as a person with `kubectl edit` or `kubectl annotate` does: a merge patch.
    pub async fn edit(&self, patch: &Value) -> Result<Hpa, Error> {
        let params = PatchParams { field_manager: Some("kubectl-edit".into()), ..PatchParams::default() };
        Ok(self.hpas().patch(&self.name, &params, &Patch::Merge(patch)).await?)
    }

    /// Sets an annotation on the HPA; `None` removes it.
    pub async fn annotate(&self, key: &str, value: Option<&str>) -> Result<Hpa, Error> {
        self.edit(&json!({"metadata": {"annotations": {key: value}}})).await
    }

    /// Waits until so many replicas are Ready, and no others are there.
    pub async fn wait_replicas(&self, replicas: u32, limit: Duration) -> Result<(), Error> {
        let what = format!("{}/{} at {replicas} ready replicas", self.namespace, self.name);
        wait::until(&what, limit, || async {
            let deployment = self.deployments().get(&self.name).await.map_err(|e| e.to_string())?;
            let status = deployment.status.unwrap_or_default();
            let (ready, all) = (status.ready_replicas.unwrap_or(0), status.replicas.unwrap_or(0));
            let wanted = i32::try_from(replicas).unwrap_or(i32::MAX);
            if ready == wanted && all == wanted { Ok(()) } else { Err(format!("{ready} of {all} replicas ready")) }
        })
        .await
    }

    /// Waits until at least so many replicas are Ready.
    pub async fn wait_at_least(&self, replicas: u32, limit: Duration) -> Result<(), Error> {
        let what = format!("{}/{} at {replicas} ready replicas or more", self.namespace, self.name);
        wait::until(&what, limit, || async {
            let deployment = self.deployments().get(&self.name).await.map_err(|e| e.to_string())?;
            let ready = deployment.status.and_then(|s| s.ready_replicas).unwrap_or(0).unsigned_abs();
            if ready >= replicas { Ok(()) } else { Err(format!("{ready} replicas ready")) }
        })
        .await
    }

    /// Waits until the HPA looks as `wanted` wants it; returns it. `wanted` says what is amiss.
    pub async fn wait_hpa(
        &self,
        what: &str,
        limit: Duration,
        wanted: impl Fn(&Hpa) -> wait::Look<()>,
    ) -> Result<Hpa, Error> {
        let what = format!("{}/{}: {what}", self.namespace, self.name);
        wait::until(&what, limit, || async {
            let hpa = self.hpa().await.map_err(|e| e.to_string())?;
            wanted(&hpa).map(|()| hpa)
        })
        .await
    }

    /// Waits until `spec.minReplicas` is `min`.
    pub async fn wait_min_replicas(&self, min: u32, limit: Duration) -> Result<Hpa, Error> {
        self.wait_hpa(&format!("minReplicas {min}"), limit, |hpa| {
            let found = floor_of(hpa);
            if found == min { Ok(()) } else { Err(format!("minReplicas {found}")) }
        })
        .await
    }
}

/// `spec.minReplicas` of an HPA; 1 where it is absent, as the API says.
pub fn floor_of(hpa: &Hpa) -> u32 {
    hpa.spec.as_ref().and_then(|spec| spec.min_replicas).unwrap_or(1).unsigned_abs()
}

/// The Deployment; its pods name the node themselves, as there is no scheduler.
pub fn deployment(namespace: &str, name: &str, shape: &Shape) -> Value {
    let container = json!({
        "name": "main", "image": "example.invalid/web:1",
        "resources": {"requests": {"cpu": format!("{}m", shape.request_milli)}},
    });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"namespace": namespace, "name": name, "labels": {"app": name}},
        "spec": {
            "replicas": shape.min,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"nodeName": NODE, "terminationGracePeriodSeconds": 0, "containers": [container]},
            },
        },
    })
}

/// The HPA on that Deployment.
pub fn hpa_manifest(namespace: &str, name: &str, shape: &Shape) -> Value {
    let annotations: serde_json::Map<String, Value> =
        shape.annotations.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect();
    let target = json!({"type": "Utilization", "averageUtilization": shape.target_percent});
    let cpu = json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]);
    let mut manifest = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"namespace": namespace, "name": name, "annotations": annotations},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": shape.min, "maxReplicas": shape.max,
            "metrics": shape.metrics.as_ref().unwrap_or(&cpu),
        },
    });
    if let Some(behavior) = &shape.behavior {
        manifest["spec"]["behavior"] = behavior.clone();
    }
    manifest
}
