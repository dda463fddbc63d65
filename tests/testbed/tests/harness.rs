//! The harness itself: what it starts is real and does what users' clusters do.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use floorcast_testbed::cluster::{Component, Options, client_of};
use floorcast_testbed::curve::Humps;
use floorcast_testbed::metrics_api::{Source, wait_available};
use floorcast_testbed::prometheus::{self, Prometheus};
use floorcast_testbed::replay::Replay;
use floorcast_testbed::workload::{Shape, Workload};
use floorcast_testbed::{Cluster, left_out, wait};

const SECONDS: Duration = Duration::from_secs(1);

/// One cluster for all that is said here: what it costs is mostly its start.
#[tokio::test]
async fn the_cluster_is_real() {
    if left_out() {
        return;
    }
    let cluster = Cluster::start(Options::default()).await.unwrap();
    println!("cluster ready after {:?}", cluster.start_took());
    assert!(cluster.start_took() < 60 * SECONDS, "{:?}", cluster.start_took());

    a_floor_acts_without_any_metric(&cluster).await;
    the_hpa_controller_follows_the_fake_metrics(&cluster).await;
    a_service_account_may_do_what_its_role_says_and_is_audited(&cluster).await;
    the_api_server_comes_back_with_its_data(&cluster).await;
}

async fn a_floor_acts_without_any_metric(cluster: &Cluster) {
    let web = Workload::create(cluster.client().await.unwrap(), "floor", "web", &Shape::default()).await.unwrap();
    web.wait_replicas(2, 20 * SECONDS).await.unwrap();
    let begun = Instant::now();
    web.edit(&serde_json::json!({"spec": {"minReplicas": 7}})).await.unwrap();
    web.wait_replicas(7, 20 * SECONDS).await.unwrap();
    println!("minReplicas 2 → 7: Deployment ready at 7 after {:?}", begun.elapsed());
}

async fn the_hpa_controller_follows_the_fake_metrics(cluster: &Cluster) {
    wait_available(cluster.client().await.unwrap()).await.unwrap();
    // 0.3 cores over pods that should use 50 % of 0.1 cores each: 6 replicas.
    cluster.metrics().set_cpu("load", "web", Source::constant(0.3));
    let web = Workload::create(cluster.client().await.unwrap(), "load", "web", &Shape::default()).await.unwrap();
    web.wait_replicas(6, 30 * SECONDS).await.unwrap();
    cluster.metrics().set_cpu("load", "web", Source::constant(0.6));
    web.wait_replicas(12, 30 * SECONDS).await.unwrap();
}

async fn a_service_account_may_do_what_its_role_says_and_is_audited(cluster: &Cluster) {
    let role = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: reader, namespace: floor}\n---\n\
                apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: reader, namespace: floor}\n\
                rules: [{apiGroups: [autoscaling], resources: [horizontalpodautoscalers], verbs: [get]}]\n---\n\
                apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: reader, namespace: floor}\n\
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}\n\
                subjects: [{kind: ServiceAccount, name: reader, namespace: floor}]\n";
    cluster.kubectl_with(cluster.kubeconfig(), &["apply", "-f", "-"], Some(role)).await.unwrap();
    let kubeconfig = cluster.service_account_kubeconfig("floor", "reader").await.unwrap();
    let hpa = Workload::at(client_of(&kubeconfig).await.unwrap(), "floor", "web");
    wait::until("the role to be seen", 10 * SECONDS, || async { hpa.hpa().await.map_err(|e| e.to_string()) })
        .await
        .unwrap();
    let refused = hpa.annotate("a", Some("b")).await.unwrap_err().to_string();
    assert!(refused.contains("forbidden"), "{refused}");
    let audit = cluster.audit().unwrap();
    let writes: Vec<_> = audit
        .iter()
        .filter(|r| r.user.username == "system:serviceaccount:floor:reader" && r.mutating())
        .map(|r| (r.verb.as_str(), r.object_ref.resource.as_str(), r.code()))
        .collect();
    assert_eq!(writes, [("patch", "horizontalpodautoscalers", 403)]);
}

async fn the_api_server_comes_back_with_its_data(cluster: &Cluster) {
    cluster.kill(Component::ApiServer);
    let web = Workload::at(cluster.client().await.unwrap(), "floor", "web");
    assert!(web.hpa().await.is_err(), "a killed API server answered");
    cluster.restart(Component::ApiServer).await.unwrap();
    assert_eq!(web.min_replicas().await.unwrap(), 7);
    web.edit(&serde_json::json!({"spec": {"minReplicas": 8}})).await.unwrap();
    web.wait_replicas(8, 60 * SECONDS).await.unwrap();
}

#[tokio::test]
async fn prometheus_answers_over_weeks_and_as_time_passes() {
    if left_out() {
        return;
    }
    let now = Utc::now();
    let daily = Humps {
        every: TimeDelta::days(1),
        level: 0.2,
        peak: 0.8,
        begins: now,
        rise: 600 * SECONDS,
        lasts: 3600 * SECONDS,
        noise: 0.02,
    };
    let replay = Replay::new("shop", "web", move |t| daily.at(t));
    let history = replay.series(now - TimeDelta::days(28), now + TimeDelta::hours(1), TimeDelta::minutes(1));
    let samples: usize = history.iter().map(|s| s.samples.len()).sum();
    let options = prometheus::Options { history, password: true, ..Default::default() };
    let prometheus = Prometheus::start(options).await.unwrap();
    println!("prometheus ready after {:?} with {samples} samples", prometheus.start_took());
    let cpu = "sum(rate(container_cpu_usage_seconds_total{namespace=\"shop\", container!=\"\"}[5m]";
    let week = TimeDelta::days(7).num_seconds();
    // The load of a week ago, in the middle of the hump.
    let found = prometheus.query(&format!("{cpu} offset {}s))", week - 1800)).await.unwrap();
    let expected = daily.at(now - TimeDelta::seconds(week - 1800));
    assert!((found[0] / expected - 1.0).abs() < 0.1, "{found:?} for {expected}");
    // What is yet to come is there when its time has come: the newest sample is young.
    let age = prometheus.query("time() - max(timestamp(container_cpu_usage_seconds_total))").await.unwrap();
    assert!((0.0..61.0).contains(&age[0]), "{age:?}");
    prometheus.kill();
    assert!(prometheus.query("1").await.is_err(), "a killed Prometheus answered");
    prometheus.restart().await.unwrap();
    assert_eq!(prometheus.query("count(kube_replicaset_owner)").await.unwrap(), [1.0]);
}
