//! Every row of the table of metrics, and what a hostile name or argument may not do.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::datasource::promql::{self, Comparison, Token};
use crate::kubernetes::pods::{ContainerFacts, ContainerKind};
use crate::kubernetes::quantity::Quantity;
use crate::kubernetes::workload::{Owner, Requirement, Selector, TargetKind, TargetRef};
use floorcast_models::target::Target;
use floorcast_models::units::Replicas;
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

fn target() -> Target {
    Target::at_rest("u", "1", Replicas::ONE, Replicas::new(10))
}

fn workload(kind: TargetKind, name: &str, metrics: Vec<Metric>) -> Workload {
    Workload {
        namespace: "shop".into(),
        hpa: "web".into(),
        target_ref: TargetRef { api_version: "apps/v1".into(), kind, name: name.into() },
        target: target(),
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

fn container(name: &str, request: Option<f64>, kind: ContainerKind) -> ContainerFacts {
    ContainerFacts { name: name.into(), cpu_request: request, kind }
}

fn pod(name: &str, containers: Vec<ContainerFacts>) -> PodFacts {
    PodFacts {
        name: name.into(),
        phase: "Running".into(),
        created: None,
        started: None,
        first_ready: None,
        ready: true,
        ready_changed: None,
        containers,
        pod_cpu_request: None,
        deleted: false,
        owner: None,
    }
}

fn app(request: f64) -> Vec<PodFacts> {
    vec![pod("web-66b6c48dd5-x7k2q", vec![container("app", Some(request), ContainerKind::Main)])]
}

fn cpu(aim: Aim) -> Metric {
    Metric::Resource { name: "cpu".into(), container: None, aim }
}

fn average(text: &str) -> Aim {
    Aim::AverageValue(Quantity::parse(text).unwrap())
}

fn external(name: &str, aim: Aim) -> Metric {
    Metric::External { name: name.into(), selector: Selector::default(), aim }
}

fn derived(metrics: Vec<Metric>, pods: &[PodFacts]) -> Result<Derived, Refusal> {
    with(metrics, pods, |_| ())
}

fn with(metrics: Vec<Metric>, pods: &[PodFacts], change: impl FnOnce(&mut LoadConfig<'_>)) -> Result<Derived, Refusal> {
    let config = Config::default();
    let required = [Matcher::equal("cluster", "prod")];
    let mut how = LoadConfig::new(&config, "main", &required, &LoadChoice::Auto);
    how.rate = TimeDelta::minutes(5);
    change(&mut how);
    derive(&workload(TargetKind::Deployment, "web", metrics), pods, &how)
}

#[test]
fn utilisation_times_the_mean_request_of_live_pods() {
    let mut pods = app(0.5);
    pods.push(pod(
        "web-66b6c48dd5-b2b2b",
        vec![
            container("app", Some(0.5), ContainerKind::Main),
            container("proxy", Some(0.1), ContainerKind::Sidecar),
            container("setup", Some(4.0), ContainerKind::Init),
        ],
    ));
    let found = derived(vec![cpu(Aim::Utilization(60))], &pods).unwrap();
    let load = &found.loads[0];
    assert!((load.per_replica.get() - 0.6 * (0.5 + 0.6) / 2.0).abs() < 1e-12);
    assert_eq!((load.name.as_str(), load.unit), ("cpu", "cores"));
    assert!(load.minds.iter().any(|m| m.contains("request other amounts")), "{:?}", load.minds);
}

#[test]
fn cpu_is_seen_as_late_as_its_rate_and_newest_scrape_and_never_more_than_five_minutes() {
    for (rate, late) in [(2, 180), (3, 270), (4, 300), (5, 300), (15, 300)] {
        let found =
            with(vec![cpu(Aim::Utilization(60))], &app(0.5), |how| how.rate = TimeDelta::minutes(rate)).unwrap();
        assert_eq!(found.loads[0].late, TimeDelta::seconds(late), "rate over {rate} min");
        let told = format!("a rise is seen up to {} late", window(TimeDelta::seconds(late)));
        assert!(found.loads[0].explain.iter().any(|line| line.starts_with(&told)), "{:?}", found.loads[0].explain);
    }
}

#[test]
fn pod_level_requests_count_and_ended_or_deleted_pods_do_not() {
    let mut pods = app(0.5);
    pods[0].pod_cpu_request = Some(2.0);
    let mut ended = app(9.0).remove(0);
    ended.phase = "Succeeded".into();
    let mut deleted = app(9.0).remove(0);
    deleted.deleted = true;
    pods.extend([ended, deleted]);
    let found = derived(vec![cpu(Aim::Utilization(50))], &pods).unwrap();
    assert_eq!(found.loads[0].per_replica.get(), 1.0);
}

#[test]
fn an_hpa_without_metrics_has_the_apis_default() {
    let found = derived(Vec::new(), &app(1.0)).unwrap();
    assert_eq!(found.loads[0].per_replica.get(), 0.8);
}

#[test]
fn average_value_of_cpu_needs_no_requests() {
    let found = derived(vec![cpu(average("250m"))], &[]).unwrap();
    assert_eq!(found.loads[0].per_replica.get(), 0.25);
}

#[test]
fn one_container_by_its_own_request() {
    let pods = [pod(
        "web-66b6c48dd5-x7k2q",
        vec![container("app", Some(0.4), ContainerKind::Main), container("proxy", None, ContainerKind::Main)],
    )];
    let metric =
        |name: &str| Metric::Resource { name: "cpu".into(), container: Some(name.into()), aim: Aim::Utilization(50) };
    let found = derived(vec![metric("app")], &pods).unwrap();
    assert_eq!((found.loads[0].name.as_str(), found.loads[0].per_replica.get()), ("cpu/app", 0.2));
    assert!(found.loads[0].query.contains("container=\"app\""));
    assert_eq!(derived(vec![metric("proxy")], &pods).unwrap_err().as_str(), "no_request");
    assert_eq!(derived(vec![metric("sidecar")], &pods).unwrap_err().as_str(), "no_such_container");
}

#[test]
fn what_cannot_be_right_is_refused_with_its_reason_and_the_way_out() {
    let object = || Owner { api_version: "networking.k8s.io/v1".into(), kind: "Ingress".into(), name: "main".into() };
    let pods_metric =
        |name: &str| Metric::Pods { name: name.into(), selector: Selector::default(), aim: average("10") };
    let resource = |name: &str| Metric::Resource { name: name.into(), container: None, aim: Aim::Utilization(80) };
    let cases: Vec<(Metric, &str)> = vec![
        (resource("memory"), "memory"),
        (resource("ephemeral-storage"), "unsupported_resource"),
        (cpu(Aim::Value(Quantity::parse("10").unwrap())), "value_target"),
        (cpu(average("0")), "impossible_target"),
        (external("requests_per_second", Aim::Value(Quantity::parse("10").unwrap())), "value_target"),
        (external("requests_per_second", Aim::Utilization(10)), "impossible_target"),
        (external("requests_per_second", average("0")), "impossible_target"),
        (external("sqs_queue_length", average("30")), "backlog"),
        (external("queues_messages", average("30")), "backlog"),
        (external("kafka_consumergroup_lag", average("30")), "backlog"),
        (external("rabbitmq_messages_ready", average("30")), "backlog"),
        (external("ApproximateNumberOfMessagesVisible", average("30")), "backlog"),
        (external("pubsub_num_undelivered_messages", average("30")), "backlog"),
        (
            Metric::Object {
                name: "jobs_pending".into(),
                selector: Selector::default(),
                object: object(),
                aim: average("1"),
            },
            "backlog",
        ),
        (pods_metric("http_request_duration_p99"), "not_additive"),
        (pods_metric("cache_hit_ratio"), "not_additive"),
        (pods_metric("cpu_utilization"), "not_additive"),
        (pods_metric("http_requests_total"), "raw_counter"),
        (Metric::Unreadable { kind: "Odd".into(), why: "a new type".into() }, "unreadable_metric"),
    ];
    for (metric, code) in cases {
        let refusal = derived(vec![metric.clone()], &app(1.0)).unwrap_err();
        assert_eq!(refusal.as_str(), code, "{metric:?}");
        assert!(refusal.to_string().contains("; "), "{refusal}");
    }
    assert_eq!(derived(vec![cpu(Aim::Utilization(80))], &[]).unwrap_err(), Refusal::NoPods);
}

#[test]
fn names_that_only_sound_like_a_backlog_or_ratio_are_loads() {
    for name in [
        "requests_per_second",
        "flags_set",
        "http_inflight_requests",
        "orders_rate",
        "messages_in",
        "streaming_sessions",
        "generation_jobs",
    ] {
        let found = derived(vec![external(name, average("10"))], &[]);
        assert!(found.is_ok(), "{name}: {found:?}");
    }
}

#[test]
fn several_metrics_give_several_loads_and_the_others_are_told() {
    let memory = Metric::Resource { name: "memory".into(), container: None, aim: Aim::Utilization(80) };
    let metrics =
        vec![cpu(Aim::Utilization(50)), memory, external("rps", average("10")), external("rps", average("20"))];
    let found = derived(metrics, &app(1.0)).unwrap();
    let names: Vec<_> = found.loads.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(names, ["cpu", "rps", "rps-2"]);
    assert_eq!(found.left_out, [Refusal::Memory]);
}

#[test]
fn every_selector_carries_namespace_and_required_matchers() {
    let selector = Selector {
        labels: BTreeMap::from([("queue".to_owned(), "a\"b".to_owned())]),
        expressions: vec![
            Requirement { key: "env".into(), operator: "In".into(), values: vec!["a.b".into(), "c".into()] },
            Requirement { key: "x".into(), operator: "NotIn".into(), values: vec!["d".into()] },
            Requirement { key: "y".into(), operator: "Exists".into(), values: vec![] },
            Requirement { key: "z".into(), operator: "DoesNotExist".into(), values: vec![] },
        ],
    };
    let object = Owner { api_version: "v1".into(), kind: "Service".into(), name: "front".into() };
    let metrics = vec![
        cpu(Aim::Utilization(50)),
        Metric::Pods { name: "rps".into(), selector: Selector::default(), aim: average("1") },
        Metric::External { name: "arrivals".into(), selector, aim: average("1") },
        Metric::Object { name: "hits".into(), selector: Selector::default(), object, aim: average("1") },
    ];
    for kube_state_metrics in [false, true] {
        let found = with(metrics.clone(), &app(1.0), |c| {
            c.kube_state_metrics = kube_state_metrics;
            c.settling = Some(TimeDelta::seconds(90));
        })
        .unwrap();
        assert_eq!(found.loads.len(), 4);
        for load in &found.loads {
            let braces = promql::scan(&load.query).unwrap().iter().filter(|t| **t == Token::Sign('{')).count();
            assert_eq!(load.query.matches("namespace=\"shop\"").count(), braces, "{}", load.query);
            assert_eq!(load.query.matches("cluster=\"prod\"").count(), braces, "{}", load.query);
            assert_eq!(template::check(&load.query), Ok(()), "{}", load.query);
        }
        let arrivals = &found.loads[2].query;
        assert!(arrivals.contains(r#"queue="a\"b",env=~"a\\.b|c",x!~"d",y!="",z="""#), "{arrivals}");
        assert!(found.loads[3].query.contains("service=\"front\""));
    }
}

#[test]
fn a_selector_that_has_no_promql_is_refused() {
    for (key, operator) in [("app.kubernetes.io/name", "In"), ("a", "Near"), ("1a", "Exists"), ("a\"b", "Exists")] {
        let expressions = vec![Requirement { key: key.into(), operator: operator.into(), values: vec!["x".into()] }];
        let selector = Selector { labels: BTreeMap::new(), expressions };
        let metric = Metric::External { name: "rps".into(), selector, aim: average("1") };
        assert_eq!(derived(vec![metric], &[]).unwrap_err().as_str(), "bad_selector", "{key} {operator}");
    }
}

#[test]
fn pods_are_told_by_the_exact_form_of_their_names() {
    let fits = |kind: TargetKind, owner: &str, pod_name: &str| {
        let target = TargetRef { api_version: "apps/v1".into(), kind, name: owner.into() };
        let members = Members::new(&target, "shop", &[], false, TimeDelta::minutes(5)).unwrap();
        members.misfit(&[pod(pod_name, vec![])]).is_none()
    };
    let deployment = |name| fits(TargetKind::Deployment, "web", name);
    assert!(deployment("web-66b6c48dd5-x7k2q"));
    assert!(deployment("web-7d4f8b9c6-zzzzz"));
    // A CronJob `web`, a Deployment `web-api`, a StatefulSet `web`, a Job, a DaemonSet, a bare pod.
    for other in [
        "web-29254785-x7k2q",
        "web-api-66b6c48dd5-x7k2q",
        "web-0",
        "web-x7k2q",
        "web",
        "webb-66b6c48dd5-x7k2q",
        "web-66b6c48dd5-x7k2q-a",
        "web-66b6c48dd5-aeiou",
    ] {
        assert!(!deployment(other), "{other}");
    }
    let stateful = |name| fits(TargetKind::StatefulSet, "db", name);
    assert!(stateful("db-0") && stateful("db-10"));
    for other in ["db-01", "db-", "db-x", "db-0-x7k2q", "db-1-1"] {
        assert!(!stateful(other), "{other}");
    }
}

#[test]
fn what_cannot_be_told_by_name_wants_kube_state_metrics() {
    let long = "x".repeat(50);
    let config = Config::default();
    let mut how = LoadConfig::new(&config, "main", &[], &LoadChoice::Auto);
    let work = workload(TargetKind::Deployment, &long, vec![cpu(average("1"))]);
    assert_eq!(derive(&work, &[], &how).unwrap_err().as_str(), "pods_unknown");
    how.kube_state_metrics = true;
    assert!(derive(&work, &[], &how).is_ok());
    let rollout = workload(TargetKind::Other("Rollout".into()), "web", vec![cpu(average("1"))]);
    assert_eq!(derive(&rollout, &[], &how).unwrap_err().as_str(), "pods_unknown");
    let odd = [pod("web-by-hand", vec![container("app", Some(1.0), ContainerKind::Main)])];
    assert_eq!(derived(vec![cpu(Aim::Utilization(50))], &odd).unwrap_err().as_str(), "pods_unknown");
}

fn templates(query: &str) -> Config {
    let indented = query.replace('\n', "\n      ");
    let text = format!(
        "datasources: [{{name: main, url: \"http://p:9090\"}}]\ntemplates:\n  requests:\n    query: |\n      {indented}\n    arguments: [service]\n    targetPerReplica: 50\n"
    );
    Config::parse(&text, Path::new("test.yaml")).unwrap()
}

fn of_service(config: &Config, service: &str) -> Result<Load, Refusal> {
    let arguments =
        BTreeMap::from([("service".to_owned(), service.to_owned()), ("namespace".to_owned(), "other".to_owned())]);
    let choice = LoadChoice::Template { name: "requests".into(), arguments };
    let how = LoadConfig::new(config, "main", &[], &choice);
    let found = derive(&workload(TargetKind::Deployment, "web", vec![]), &[], &how)?;
    Ok(found.loads.into_iter().next().unwrap())
}

#[test]
fn a_template_gets_its_arguments_as_escaped_literals_and_the_namespace_is_our_own() {
    let config = templates(r#"sum(rate(http_requests_total{namespace="$namespace",service="$service"}[5m]))"#);
    let load = of_service(&config, r#"a"} or up{x=""#).unwrap();
    assert_eq!(load.query.trim(), r#"sum(rate(http_requests_total{namespace="shop",service="a\"} or up{x=\""}[5m]))"#);
    assert_eq!((load.per_replica.get(), load.name.as_str()), (50.0, "requests"));
}

#[test]
fn inside_a_regular_expression_an_argument_matches_only_itself() {
    let config =
        templates(r#"sum(rate(http_requests_total{namespace="$namespace",service=~"$service|x-$service"}[5m]))"#);
    let load = of_service(&config, ".*").unwrap();
    assert!(load.query.contains(r#"service=~"\\.\\*|x-\\.\\*""#), "{}", load.query);
}

#[test]
fn queries_that_are_no_totals_are_refused() {
    for (query, code) in [
        ("http_requests_total", "raw_counter"),
        ("sum(http_requests_total{a=\"b\"})", "raw_counter"),
        ("sum(rate(a_total[5m])) + sum(b_total)", "raw_counter"),
        ("avg(rate(http_requests_total[5m]))", "not_a_total"),
        ("quantile(0.9, rate(http_requests_total[5m]))", "not_a_total"),
        ("sum(rate(a_total[5m])) / count(up)", "not_a_total"),
        ("sum(rate(a_total[5m])) / kube_deployment_status_replicas", "not_a_total"),
        ("sum(rate(a_total{x=\"[5m]))", "bad_template"),
        (" ", "bad_template"),
    ] {
        assert_eq!(template::check(query).map_err(|r| r.as_str()), Err(code), "{query}");
    }
    for query in [
        "sum(rate(a_total[5m]))",
        "sum(rate(a_sum[5m])) / 1000",
        "sum(increase(a_total[5m])) / 300",
        "count(kube_pod_info)",
        "sum(avg_over_time(inflight[5m]))",
        "sum(job:a_total:rate5m)",
    ] {
        assert_eq!(template::check(query), Ok(()), "{query}");
    }
}

#[test]
fn the_users_own_query_needs_a_target() {
    let config = Config::default();
    let choice = LoadChoice::Query("sum(rate(a_total[5m]))".into());
    let mut how = LoadConfig::new(&config, "main", &[], &choice);
    let work = workload(TargetKind::Deployment, "web", vec![]);
    assert_eq!(derive(&work, &[], &how).unwrap_err(), Refusal::NoTarget);
    how.target_per_replica = PerReplica::new(7.0);
    assert_eq!(derive(&work, &[], &how).unwrap().loads[0].per_replica.get(), 7.0);
}

#[test]
fn the_recording_rule_is_yaml_that_reads_back() {
    let load = derived(vec![cpu(Aim::Utilization(50))], &app(1.0)).unwrap().loads.remove(0);
    let rule: serde_json::Value = serde_saphyr::from_str(&load.recording_rule()).unwrap();
    assert_eq!(rule["groups"][0]["rules"][0]["expr"], load.query.as_str());
    assert_eq!(rule["groups"][0]["rules"][0]["labels"]["load"], "cpu");
    assert!(promql::scan(&load.recorded_query()).is_ok());
}

#[test]
fn windows_are_written_as_promql_does() {
    for (seconds, text) in [(1, "1s"), (60, "1m"), (90, "90s"), (300, "5m"), (3600, "1h"), (0, "1s")] {
        assert_eq!(window(TimeDelta::seconds(seconds)), text);
    }
    assert_eq!(rate_window(TimeDelta::seconds(15)), TimeDelta::minutes(2));
    assert_eq!(rate_window(TimeDelta::minutes(5)), TimeDelta::minutes(5));
}

/// Tokens with every literal blanked: the shape of a query.
fn shape(query: &str) -> Vec<Token> {
    let blank = |t| if matches!(t, Token::Text(_)) { Token::Text(String::new()) } else { t };
    promql::scan(query).unwrap().into_iter().map(blank).collect()
}

proptest! {
    #[test]
    fn no_name_and_no_value_changes_the_shape_of_a_derived_query(
        name in any::<String>(), value in r#"["\\{}()\[\]#,=~!\n`' a-z]{0,20}"#, by_owner in any::<bool>(),
    ) {
        let query = |namespace: &str, target: &str, value: &str| {
            let config = Config::default();
            let required = [Matcher::new("cluster", Comparison::Equal, value)];
            let mut how = LoadConfig::new(&config, "main", &required, &LoadChoice::Auto);
            how.kube_state_metrics = by_owner;
            let mut work = workload(TargetKind::StatefulSet, target, vec![cpu(average("1"))]);
            work.namespace = namespace.to_owned();
            derive(&work, &[], &how).unwrap().loads.remove(0).query
        };
        prop_assert_eq!(shape(&query(&name, &value, &name)), shape(&query("a", "b", "c")));
    }

    #[test]
    fn no_argument_changes_the_shape_of_a_template(value in any::<String>(), tricky in r#"["\\{}()\[\]#,=~!\n`'$]{0,20}"#) {
        let config = templates(r#"sum(rate(x_total{namespace="$namespace",service="$service",p=~"a-${service}.*"}[5m]))"#);
        let plain = shape(&of_service(&config, "plain").unwrap().query);
        prop_assert_eq!(&shape(&of_service(&config, &value).unwrap().query), &plain);
        prop_assert_eq!(&shape(&of_service(&config, &tricky).unwrap().query), &plain);
    }
}
