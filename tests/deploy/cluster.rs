//! Chart and policies on one real API server: what it costs is mostly its start.

mod accounts;
mod documented;
mod first;
mod hold;
mod install;
mod kubelet;
mod namespaced;
mod past;
pub(crate) mod policies;
mod upgrades;
mod valid;

use crate::chart::Helm;
use floorcast_testbed::cluster::Options;
use floorcast_testbed::tools::Module;
use floorcast_testbed::workload::{Shape, Workload};
use floorcast_testbed::{Cluster, Prometheus, left_out, prometheus};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// What every test here needs.
struct Stage {
    bed: Cluster,
    helm: Helm,
    helm3: Helm,
    prometheus: Prometheus,
}

impl Stage {
    async fn build() -> Self {
        let bed = Cluster::start(Options::default()).await.unwrap();
        let resources = Module::Operator.built().await.unwrap().join("resources.yaml");
        bed.kubectl(&["apply", "--server-side", "-f", &resources.display().to_string()]).await.unwrap();
        let prometheus =
            Prometheus::start(prometheus::Options { history: past::history(), ..Default::default() }).await.unwrap();
        Self { bed, helm: Helm::built().await, helm3: Helm::of(Module::Helm3).await, prometheus }
    }

    /// Real Helm as administrator.
    async fn helm(&self, args: &[&str]) -> Result<String, String> {
        self.helm.run(Some(self.bed.kubeconfig()), args).await
    }

    /// The same of the major version before.
    async fn helm3(&self, args: &[&str]) -> Result<String, String> {
        self.helm3.run(Some(self.bed.kubeconfig()), args).await
    }

    /// One object as JSON.
    async fn get(&self, namespace: &str, kind: &str, name: &str) -> serde_json::Value {
        let text = self.bed.kubectl(&["-n", namespace, "get", kind, name, "-o", "json"]).await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// A Deployment and an HPA (2 to 20) called `web`.
    async fn web(&self, namespace: &str) -> Workload {
        Workload::create(self.bed.client().await.unwrap(), namespace, "web", &Shape::default()).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_chart_and_the_policies_hold_on_a_real_api_server() {
    if left_out() {
        return;
    }
    let stage = Stage::build().await;
    valid::every_rendered_object_is_strictly_valid(&stage).await;
    policies::annotations_are_refused_as_the_daemon_refuses_them(&stage).await;
    policies::a_held_floor_follows_a_lowered_maximum(&stage).await;
    policies::a_new_hpa_begins_at_its_base(&stage).await;
    accounts::our_accounts_can_do_nothing_but_hold_floors(&stage).await;
    upgrades::an_apps_own_chart_leaves_a_held_floor_alone(&stage).await;
    install::from_the_first_install_to_the_last_floor(&stage).await;
    namespaced::one_forbidden_namespace_stops_no_other(&stage).await;
}
