//! Everybody who writes HPAs besides us: kubectl's two kinds of apply, a client that posts and puts, Argo CD, Flux.

use floorcast_testbed::workload::{Shape, Workload, hpa_manifest};
use floorcast_testbed::{Cluster, Error};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler as Hpa;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::Value;

use crate::system::gitops::{ignored_by_flux, without};
use crate::system::record::owners;

const FLUX: &str = "kustomize-controller";

/// One way to write the user's HPA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// `kubectl apply`.
    ClientSide,
    /// `kubectl apply --server-side`, no force.
    ServerSide,
    /// POST, later PUT: Terraform's older provider, controllers of one's own.
    Client,
    /// Argo CD with `ServerSideApply=true` and `RespectIgnoreDifferences`: copies the live value, applies with force.
    ArgoCopy,
    /// Flux: applies with force what Git says.
    Flux,
    /// Flux with the setting of `docs/how-to/gitops.md`: a field that another applier owns is left out, any other is copied.
    FluxIgnoring,
}

/// Somebody who keeps the HPA `web` of a namespace.
pub(crate) struct Applier {
    cluster: &'static Cluster,
    namespace: String,
}

impl Applier {
    pub(crate) fn new(cluster: &'static Cluster, namespace: &str) -> Self {
        Self { cluster, namespace: namespace.to_owned() }
    }

    /// Writes the manifest.
    pub(crate) async fn write(&self, way: Way, mode: &str, min: Option<u32>) -> Result<(), Error> {
        match way {
            Way::ClientSide => self.kubectl(&["apply", "-f", "-"], &self.manifest(mode, min)).await,
            Way::ServerSide => self.kubectl(&["apply", "--server-side", "-f", "-"], &self.manifest(mode, min)).await,
            Way::Client => self.post_or_put(&self.manifest(mode, min)).await,
            Way::ArgoCopy => {
                let live = self.workload().await?.hpa().await.ok().and_then(|h| h.spec?.min_replicas);
                let copied = live.map(i32::unsigned_abs).or(min);
                self.force(&self.manifest(mode, copied), "argocd-controller").await
            }
            Way::Flux => self.force(&self.manifest(mode, min), FLUX).await,
            Way::FluxIgnoring => {
                let manifest = self.resolved(self.manifest(mode, min), &ignored_by_flux()).await?;
                self.force(&manifest, FLUX).await
            }
        }
    }

    pub(crate) async fn workload(&self) -> Result<Workload, Error> {
        Ok(Workload::at(self.cluster.client().await?, &self.namespace, "web"))
    }

    /// A manifest as Flux applies it with ignored fields (kustomize-controller 1.9, docs/spec/v1, "Ignore Rules").
    async fn resolved(&self, manifest: Value, ignored: &[String]) -> Result<Value, Error> {
        let Ok(live) = self.workload().await?.hpa().await else { return Ok(manifest) };
        // Only we apply besides; the HPA controller and kubectl's scale are of the other kind and own none of this.
        if owners(&live).iter().any(|owner| owner != FLUX) {
            return Ok(without(&manifest, ignored));
        }
        let (mut adopted, live) = (manifest, serde_json::to_value(live)?);
        for pointer in ignored {
            if let (Some(field), Some(value)) = (adopted.pointer_mut(pointer), live.pointer(pointer)) {
                *field = value.clone();
            }
        }
        Ok(adopted)
    }

    fn manifest(&self, mode: &str, min: Option<u32>) -> Value {
        let shape = Shape::default().annotated("floorcast.io/mode", mode).annotated("floorcast.io/load", "requests");
        let mut manifest = hpa_manifest(&self.namespace, "web", &shape);
        match min {
            Some(min) => manifest["spec"]["minReplicas"] = min.into(),
            None => drop(manifest["spec"].as_object_mut().and_then(|spec| spec.remove("minReplicas"))),
        }
        manifest
    }

    async fn kubectl(&self, args: &[&str], manifest: &Value) -> Result<(), Error> {
        let admin = self.cluster.kubeconfig();
        self.cluster.kubectl_with(admin, args, Some(&manifest.to_string())).await.map(|_| ())
    }

    async fn post_or_put(&self, manifest: &Value) -> Result<(), Error> {
        let hpas = self.workload().await?.hpas();
        let params = PostParams { field_manager: Some("terraform".into()), ..PostParams::default() };
        let mut hpa: Hpa = serde_json::from_value(manifest.clone())?;
        match hpas.get_opt("web").await? {
            None => hpas.create(&params, &hpa).await?,
            Some(live) => {
                hpa.metadata.resource_version = live.metadata.resource_version;
                hpas.replace("web", &params, &hpa).await?
            }
        };
        Ok(())
    }

    async fn force(&self, manifest: &Value, manager: &str) -> Result<(), Error> {
        let hpas = self.workload().await?.hpas();
        hpas.patch("web", &PatchParams::apply(manager).force(), &Patch::Apply(manifest)).await?;
        Ok(())
    }
}
