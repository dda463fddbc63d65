//! Derived queries evaluated by a real Prometheus, among decoys that have misled others.

use crate::{ask, range, reader};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast::annotations::LoadChoice;
use floorcast::config::Config;
use floorcast::datasource::Reader;
use floorcast::datasource::promql::{Matcher, selector};
use floorcast::kubernetes::quantity::Quantity;
use floorcast::kubernetes::workload::{Aim, Metric, Owner, Selector, TargetKind, TargetRef, Workload};
use floorcast::load::{self, Load, LoadConfig, queries};
use floorcast_models::target::Target;
use floorcast_models::units::Replicas;
use floorcast_testbed::prometheus::{Options, Prometheus, Series};
use floorcast_testbed::tools::Module;
use std::collections::BTreeMap;
use std::sync::Arc;

const CPU: &str = "container_cpu_usage_seconds_total";

/// Two hours of a series every 30 s.
struct Past {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    series: Vec<Series>,
}

impl Past {
    fn add(&mut self, name: &str, labels: &[(&str, &str)], value: impl FnMut(DateTime<Utc>) -> Option<f64>) {
        self.series.push(Series::new(name, labels).sampled(self.from, self.to, TimeDelta::seconds(30), value));
    }

    fn gauge(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.add(name, labels, |_| Some(value));
    }

    fn counter(&mut self, name: &str, labels: &[(&str, &str)], per_second: f64) {
        let from = self.from;
        self.add(name, labels, |t| Some((t - from).num_seconds() as f64 * per_second));
    }

    /// A container's CPU as cAdvisor has it, scraped twice.
    fn cadvisor(&mut self, cluster: &str, namespace: &str, pod: &str, container: &str, cores: f64) {
        for instance in ["10.0.0.1:10250", "10.0.0.1:10251"] {
            let labels = [
                ("cluster", cluster),
                ("namespace", namespace),
                ("pod", pod),
                ("container", container),
                ("id", "/kubepods"),
                ("instance", instance),
                ("metrics_path", "/metrics/cadvisor"),
            ];
            self.counter(CPU, &labels, cores);
        }
    }

    /// A fact of kube-state-metrics, scraped twice.
    fn state(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        for instance in ["ksm-0", "ksm-1"] {
            let mut all = labels.to_vec();
            all.extend([("instance", instance), ("cluster", "prod"), ("namespace", "shop")]);
            self.gauge(name, &all, value);
        }
    }

    fn owner(&mut self, pod: &str, kind: &str, owner: &str) {
        self.state(
            "kube_pod_owner",
            &[("pod", pod), ("owner_kind", kind), ("owner_name", owner), ("owner_is_controller", "true")],
            1.0,
        );
    }
}

const WEB: [&str; 2] = ["web-66b6c48dd5-x7k2q", "web-66b6c48dd5-b2b2b"];

fn past(now: DateTime<Utc>) -> Past {
    let mut past = Past { from: now - TimeDelta::hours(2), to: now + TimeDelta::seconds(30), series: Vec::new() };
    for pod in WEB {
        past.cadvisor("prod", "shop", pod, "app", 0.5);
        past.cadvisor("prod", "shop", pod, "proxy", 0.1);
        // Decoys on the pod itself: its own cgroup, its pause container, the kubelet's second export.
        past.cadvisor("prod", "shop", pod, "", 0.61);
        past.cadvisor("prod", "shop", pod, "POD", 0.01);
        past.counter(
            CPU,
            &[
                ("cluster", "prod"),
                ("namespace", "shop"),
                ("pod", pod),
                ("container", "app"),
                ("metrics_path", "/metrics/resource"),
            ],
            0.5,
        );
        past.owner(pod, "ReplicaSet", "web-66b6c48dd5");
        past.gauge("rps", &[("cluster", "prod"), ("namespace", "shop"), ("pod", pod)], 30.0);
        for (metric, rate) in
            [("container_cpu_cfs_throttled_periods_total", 2.0), ("container_cpu_cfs_periods_total", 10.0)]
        {
            past.counter(
                metric,
                &[("cluster", "prod"), ("namespace", "shop"), ("pod", pod), ("container", "app")],
                rate,
            );
        }
        past.state("kube_pod_created", &[("pod", pod)], 1000.0);
        past.state("kube_pod_status_ready_time", &[("pod", pod)], 1042.0);
        past.state("kube_pod_start_time", &[("pod", pod)], 1000.0);
    }
    // Decoys beside it: a CronJob, a Deployment and a StatefulSet of the same prefix, other namespaces and clusters.
    for (pod, kind, owner) in [
        ("web-29254785-x7k2q", "Job", "web-29254785"),
        ("web-api-66b6c48dd5-x7k2q", "ReplicaSet", "web-api-66b6c48dd5"),
        ("web-0", "StatefulSet", "web"),
    ] {
        past.cadvisor("prod", "shop", pod, "app", 7.0);
        past.owner(pod, kind, owner);
        past.gauge("rps", &[("cluster", "prod"), ("namespace", "shop"), ("pod", pod)], 900.0);
    }
    past.cadvisor("dev", "shop", WEB[0], "app", 11.0);
    past.cadvisor("prod", "other", WEB[0], "app", 13.0);
    past.state(
        "kube_replicaset_owner",
        &[("replicaset", "web-66b6c48dd5"), ("owner_kind", "Deployment"), ("owner_name", "web")],
        1.0,
    );
    past.state(
        "kube_replicaset_owner",
        &[("replicaset", "web-api-66b6c48dd5"), ("owner_kind", "Deployment"), ("owner_name", "web-api")],
        1.0,
    );
    for cluster in ["prod", "dev"] {
        let value = if cluster == "prod" { 120.0 } else { 999.0 };
        let labels = |extra: (&'static str, &'static str)| [("cluster", cluster), ("namespace", "shop"), extra];
        past.gauge("arrivals", &labels(("topic", "a.b")), value);
        past.gauge("arrivals", &labels(("topic", "axb")), 5000.0);
        past.gauge("hits", &labels(("ingress", "main")), value);
        past.gauge("hits", &labels(("ingress", "other")), 5000.0);
    }
    past.state("kube_horizontalpodautoscaler_status_desired_replicas", &[("horizontalpodautoscaler", "web")], 4.0);
    past.gauge(
        "floorcast_workload_floor_replicas",
        &[("cluster", "prod"), ("namespace", "shop"), ("hpa", "web"), ("instance", "a")],
        6.0,
    );
    past.gauge(
        "floorcast_workload_limited_by",
        &[
            ("cluster", "prod"),
            ("exported_namespace", "shop"),
            ("namespace", "floorcast"),
            ("hpa", "web"),
            ("limit", "runaway"),
        ],
        1.0,
    );
    past
}

fn workload(kind: TargetKind, metrics: Vec<Metric>) -> Workload {
    let target = Target::at_rest("u", "1", Replicas::ONE, Replicas::new(10));
    Workload {
        namespace: "shop".into(),
        hpa: "web".into(),
        target_ref: TargetRef { api_version: "apps/v1".into(), kind, name: "web".into() },
        target,
        hpa_metrics: metrics,
        behavior: None,
        hpa_annotations: Arc::default(),
        annotated: false,
        hpa_labels: Arc::default(),
        created: None,
        scaled: None,
        controller: None,
        refusals: Vec::new(),
        duplicates: Vec::new(),
        caught_up: true,
    }
}

fn derived(kind: TargetKind, by_owner: bool) -> Vec<Load> {
    let aim = || Aim::AverageValue(Quantity::parse("1").unwrap());
    let cpu = |container: Option<&str>| Metric::Resource {
        name: "cpu".into(),
        container: container.map(str::to_owned),
        aim: aim(),
    };
    let topic = Selector { labels: BTreeMap::from([("topic".to_owned(), "a.b".to_owned())]), expressions: vec![] };
    let object = Owner { api_version: "networking.k8s.io/v1".into(), kind: "Ingress".into(), name: "main".into() };
    let metrics = vec![
        cpu(None),
        cpu(Some("app")),
        Metric::Pods { name: "rps".into(), selector: Selector::default(), aim: aim() },
        Metric::External { name: "arrivals".into(), selector: topic, aim: aim() },
        Metric::Object { name: "hits".into(), selector: Selector::default(), object, aim: aim() },
    ];
    let (config, required) = (Config::default(), [Matcher::equal("cluster", "prod")]);
    let mut how = LoadConfig::new(&config, "main", &required, &LoadChoice::Auto);
    (how.kube_state_metrics, how.rate) = (by_owner, TimeDelta::minutes(5));
    how.settling = Some(TimeDelta::seconds(90));
    load::derive(&workload(kind, metrics), &[], &how).unwrap().loads
}

#[tokio::test]
async fn every_derived_query_answers_the_true_load_among_decoys() {
    if floorcast_testbed::left_out() {
        return;
    }
    let now = DateTime::from_timestamp(Utc::now().timestamp() / 300 * 300, 0).unwrap();
    let server = Prometheus::start(Options { history: past(now).series, ..Options::default() }).await.unwrap();
    let reader = reader(&server.url(), |_| ());
    for by_owner in [true, false] {
        let loads = derived(TargetKind::Deployment, by_owner);
        for (load, wanted) in loads.iter().zip([1.2, 1.0, 60.0, 120.0, 120.0]) {
            expect(&reader, now, load, wanted).await;
        }
        let loads = derived(TargetKind::StatefulSet, by_owner);
        expect(&reader, now, &loads[0], 7.0).await;
        check_rules(&loads).await;
    }
    other_queries(&reader, now).await;
    literals_keep_their_shape(&server).await;
}

async fn expect(reader: &Reader, now: DateTime<Utc>, load: &Load, wanted: f64) {
    let end = now.timestamp();
    let answer = ask(reader, range(&load.query, end - 3600, end, 300)).await;
    let answer = answer.unwrap_or_else(|fault| panic!("{}: {fault}\n{}", load.name, load.query));
    assert_eq!(answer.series.coverage(), 1.0, "{}\n{}", load.name, load.query);
    for value in answer.series.values() {
        assert!(
            (f64::from(*value) - wanted).abs() < 1e-3 * wanted,
            "{}: {value} is not {wanted}\n{}",
            load.name,
            load.query
        );
    }
}

/// promtool reads the recording rules that `explain` prints.
async fn check_rules(loads: &[Load]) {
    let promtool = Module::Prometheus.built().await.unwrap().join("promtool");
    let dir = tempfile::tempdir().unwrap();
    for load in loads {
        let file = dir.path().join("rules.yaml");
        std::fs::write(&file, load.recording_rule()).unwrap();
        let out = tokio::process::Command::new(&promtool).args(["check", "rules"]).arg(&file).output().await.unwrap();
        assert!(out.status.success(), "{}\n{}", load.recording_rule(), String::from_utf8_lossy(&out.stderr));
    }
}

async fn other_queries(reader: &Reader, now: DateTime<Utc>) {
    let required = [Matcher::equal("cluster", "prod")];
    let hpa = queries::HpaQueries::new("shop", "web", &required);
    let target = TargetRef { api_version: "apps/v1".into(), kind: TargetKind::Deployment, name: "web".into() };
    let start_up = queries::start_up(&target, "shop", &required).unwrap();
    let throttled = |by_owner| queries::throttled(&target, "shop", &required, by_owner, TimeDelta::minutes(5)).unwrap();
    let said: BTreeMap<_, _> = hpa.said().into_iter().collect();
    let cases = [
        (hpa.desired_replicas(), vec![4.0]),
        (hpa.current_replicas(), vec![]),
        (queries::kube_state_metrics("shop", &required), vec![10.0]),
        (start_up, vec![42.0, 42.0]),
        (throttled(true), vec![0.2]),
        (throttled(false), vec![0.2]),
        (said["floorcast_workload_floor_replicas"].clone(), vec![6.0]),
        (said["floorcast_workload_limited_by"].clone(), vec![1.0]),
        (queries::scraped(&required), vec![]),
    ];
    for (query, wanted) in cases {
        let samples = reader.instant(Utc::now(), now, std::slice::from_ref(&query)).await.remove(0);
        let samples = samples.unwrap_or_else(|e| panic!("{e}\n{query}"));
        let values: Vec<f64> = samples.iter().map(|s| (s.value.unwrap() * 1e6).round() / 1e6).collect();
        assert_eq!(values, wanted, "{query}");
    }
}

/// Prometheus' own parser sees the same tree, whatever stands in a label's value.
async fn literals_keep_their_shape(server: &Prometheus) {
    let pieces = [
        "\"", "\\", "\n", "}", "{", "#", "'", "`", ",", "=~", "é", "\u{0}", "\u{202e}", ")", " or up", "\\\"", "\\n",
        "\r", "\t", "🦀",
    ];
    let client = reqwest::Client::new();
    for i in 0..pieces.len() {
        for j in 0..pieces.len() {
            let value = format!("{}{}x", pieces[i], pieces[j]);
            let query = format!("sum({})", selector("m", [&Matcher::equal("a", &value), &Matcher::equal("z", "end")]));
            let mut url = reqwest::Url::parse(&format!("{}/api/v1/parse_query", server.url())).unwrap();
            url.query_pairs_mut().append_pair("query", &query);
            let text = client.get(url).send().await.unwrap().text().await.unwrap();
            let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
            let data = &answer["data"];
            assert_eq!(
                (&data["type"], &data["expr"]["type"], &data["expr"]["name"]),
                (&"aggregation".into(), &"vectorSelector".into(), &"m".into()),
                "{query}: {text}"
            );
            let matchers = data["expr"]["matchers"].as_array().unwrap();
            let of = |label: &str| {
                matchers.iter().find(|m| m["name"] == label).map(|m| m["value"].as_str().unwrap().to_owned())
            };
            assert_eq!(matchers.len(), 3, "{query}: {text}");
            assert_eq!((of("a"), of("z")), (Some(value), Some("end".to_owned())), "{query}");
        }
    }
}
