//! The HPAs of a cluster, opted in or not: each load from Prometheus, each with its own terms.

use super::{
    Backtest, Exit, Failure, Metric,
    source::{self, Asking},
    terms::{Hpa, Own, Subject},
};
use crate::{
    annotations::{self, Settings},
    cli::{Global, local::Look},
    config::{Config, ModeWord, OptInRule, Selector},
    daemon::arithmetic,
    http::api,
    kubernetes::{self, Workload, workload::Aim},
};
use chrono::TimeDelta;
use floorcast_models::{hpa::Flags, policy::Mode, replay::Setup, series::Series, units::PerReplica};
use futures::future::join_all;
use std::{io::IsTerminal, sync::Arc, time::Duration};

/// Whose backtest is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// One HPA, by namespace and name.
    One(String, String),
    /// All of a namespace.
    Namespace(String),
    /// All.
    All,
}

/// An HPA, and its load or why there is none.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) namespace: String,
    pub(super) hpa: String,
    pub(super) subject: Result<Subject, String>,
}

/// The HPAs that are wanted, in the order of their names, each with its load.
pub(super) async fn subjects(global: &Global, command: &Backtest, wanted: &Wanted) -> Result<Vec<Found>, Failure> {
    if command.config.is_none() {
        return Err(Failure::misused(
            "a backtest of the cluster needs --config FILE, the daemon's configuration: it says where Prometheus is; a load can also \
             come from --csv FILE",
        ));
    }
    let namespace = match wanted {
        Wanted::One(namespace, _) | Wanted::Namespace(namespace) => Some(namespace.as_str()),
        Wanted::All => None,
    };
    let look = Look::of(global, source::configuration(command)?, namespace).await?;
    found(look, wanted, Duration::from_secs(command.timeout)).await
}

/// The daemon's own look derives load, target and lead time of every HPA as if all were opted in, in shadow; nothing is written.
async fn found(mut look: Look, wanted: &Wanted, patience: Duration) -> Result<Vec<Found>, Failure> {
    let everybody =
        OptInRule { namespaces: vec!["*".to_owned()], selector: Selector::default(), mode: ModeWord::Shadow };
    // What stands now goes by the rules as they are.
    let config = look.config.clone();
    look.config.opt_in = vec![everybody];
    let now = Arc::clone(&look.clock);
    let datasources = (look.connect)(&config).map_err(|why| Failure::new(Exit::No, why))?;
    let seen = look.take(patience, std::io::stderr().is_terminal()).await?;
    if seen.cut_short {
        eprintln!("warning: not everything was known after {} s; give more with --timeout", patience.as_secs());
    }
    let mut workloads = seen.cluster.workloads();
    workloads.retain(|w| match wanted {
        Wanted::One(namespace, hpa) => w.namespace == *namespace && w.hpa == *hpa,
        Wanted::Namespace(namespace) => w.namespace == *namespace,
        Wanted::All => true,
    });
    workloads.sort_by_key(|w| w.key());
    let asking = Asking { datasources: &datasources, config: &config, now: now() };
    let found = workloads.iter().map(|workload| async {
        let told = seen.snapshot.workloads.get(&workload.key());
        let subject = subject(workload, told.map(AsRef::as_ref), asking).await;
        Found { namespace: workload.namespace.clone(), hpa: workload.hpa.clone(), subject }
    });
    Ok(join_all(found).await)
}

/// The load of one HPA on its own terms, or why there is none.
async fn subject(workload: &Workload, told: Option<&api::Workload>, asking: Asking<'_>) -> Result<Subject, String> {
    let key = workload.key();
    let told =
        told.ok_or_else(|| format!("{key} says floorcast.io/mode: off; take the annotation away for a backtest"))?;
    let mut loads = Vec::new();
    for load in &told.loads {
        let per = load.per_replica.filter(|per| *per > 0.0).ok_or_else(|| format!("{key}: no target per replica"))?;
        let series = asking.range(&load.datasource, &load.query);
        loads.push((series.await.map_err(|why| format!("{key}, load {}: {why}", load.name))?, per));
    }
    let (series, per) = joined(loads).ok_or_else(|| format!("{key}: {}", why_no_load(told)))?;
    Ok(Subject { name: key, series, own: own(workload, told, asking.config, per) })
}

/// What stands against a load, as the daemon tells it.
fn why_no_load(told: &api::Workload) -> String {
    let blocking = told.notes.iter().find(|note| note.blocks).or(told.notes.first());
    blocking.map_or_else(|| "no load could be derived; see floorcast doctor".to_owned(), |note| note.text.clone())
}

/// One load: as it is. Several: the replicas that the one needs that needs most, as the HPA takes the largest wish.
fn joined(mut loads: Vec<(Series, f64)>) -> Option<(Series, f64)> {
    if loads.len() < 2 {
        return loads.pop();
    }
    let start = loads.iter().map(|(series, _)| series.start()).min()?;
    let end = loads.iter().map(|(series, _)| series.end()).max()?;
    let step = loads[0].0.step();
    let need = |t| loads.iter().filter_map(|(series, per)| Some(series.at(t)? / per)).reduce(f64::max);
    let count = ((end - start).num_seconds() / step.num_seconds().max(1)) as i32;
    let values = (0..count).map(|i| need(start + step * i).map_or(f32::NAN, |v| v as f32)).collect();
    Some((Series::new(start, step, values).ok()?, 1.0))
}

fn own(workload: &Workload, told: &api::Workload, config: &Config, per_replica: f64) -> Own {
    let arithmetic = arithmetic(workload, config);
    let cpu = cpu_target(workload);
    let pod_start = (told.lead.seconds > 0).then(|| Setup::start_up_of(TimeDelta::seconds(told.lead.seconds)));
    let mut notes: Vec<String> = told.notes.iter().filter(|note| note.blocks).map(|note| note.text.clone()).collect();
    if let Some(start) = pod_start {
        notes.push(format!(
            "pods are taken to be ready in {} s, from the lead time of {} s ({}); --pod-start says otherwise",
            start.num_seconds(),
            told.lead.seconds,
            told.lead.source
        ));
    }
    if told.loads.len() > 1 {
        notes.push(format!("the load is the replicas that the neediest of {} metrics asks for", told.loads.len()));
    }
    let settings = annotations::read(
        &workload.hpa_annotations,
        workload.target_annotations(),
        config,
        &workload.namespace,
        &workload.hpa_labels,
    )
    .settings
    .ok();
    notes.extend(settings.as_ref().and_then(own_days));
    Own {
        pod_start,
        target_per_replica: Some(per_replica),
        utilisation: cpu.map(|percent| percent.clamp(5, 100)),
        metric: Some(if cpu.is_some() { Metric::Cpu } else { Metric::Load }),
        min_replicas: told.base.or(told.min).map(|min| min.max(1)),
        max_replicas: told.max,
        quantile: (told.quantile > 0.0).then_some(told.quantile),
        step: Some(config.defaults.step.get()),
        hpa: Some(hpa(workload, settings.as_ref())),
        settings,
        tolerance: (arithmetic.flags.tolerance != Flags::default().tolerance).then_some(arithmetic.flags.tolerance),
        behavior: arithmetic.behavior,
        notes,
    }
}

/// What of its own days and windows the replay goes by.
fn own_days(settings: &Settings) -> Option<String> {
    let zone = settings.policy.zone;
    let listed: Vec<String> = settings.holidays.iter().map(ToString::to_string).collect();
    let counted = |count: usize, what: &str| (count > 0).then(|| format!("{what}: {count}"));
    let parts = [
        (zone != chrono_tz::Tz::UTC).then(|| format!("zone: {zone}")),
        (!listed.is_empty()).then(|| format!("holidays: {}", listed.join(", "))),
        counted(settings.policy.schedule.len(), "scheduled windows"),
        counted(settings.events.len(), "known events"),
        counted(settings.excluded.len(), "windows not learned from"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("its own days and windows count ({})", parts.join("; ")))
}

fn hpa(workload: &Workload, settings: Option<&Settings>) -> Hpa {
    Hpa {
        namespace: workload.namespace.clone(),
        name: workload.hpa.clone(),
        metrics: workload.hpa_metrics.clone(),
        live: settings.is_some_and(|settings| settings.policy.mode == Mode::Live),
        target_per_replica: settings.and_then(|settings| settings.target_per_replica).map(PerReplica::get),
    }
}

/// The target of an HPA that measures nothing but CPU against requests, percent.
fn cpu_target(workload: &Workload) -> Option<u32> {
    match workload.hpa_metrics.as_slice() {
        [kubernetes::Metric::Resource { name, aim: Aim::Utilization(percent), .. }] if name == "cpu" => Some(*percent),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::cli::{
        backtest::terms::Terms,
        local::tests::{of, shops},
    };
    use chrono::DateTime;
    use serde_json::json;

    fn series(from: i64, values: &[f32]) -> Series {
        let start = DateTime::from_timestamp(from * 300, 0).unwrap();
        Series::new(start, TimeDelta::minutes(5), values.to_vec()).unwrap()
    }

    #[test]
    fn the_neediest_of_several_loads_counts() {
        let loads = vec![(series(0, &[10.0, f32::NAN, 30.0]), 10.0), (series(1, &[4.0, f32::NAN, 8.0]), 2.0)];
        let (joined, per) = joined(loads).unwrap();
        // 10/10; 4/2, the other missing; 30/10, the other missing; 8/2
        assert_eq!((joined.values(), per), ([1.0, 2.0, 3.0, 4.0].as_slice(), 1.0));
    }

    #[test]
    fn one_load_stays_what_it_is_and_none_is_none() {
        let one = series(0, &[10.0, 20.0]);
        assert_eq!(joined(vec![(one.clone(), 7.0)]), Some((one, 7.0)));
        assert_eq!(joined(Vec::new()), None);
    }

    #[test]
    fn what_is_said_of_a_workload_is_what_is_learned_and_planned_by() {
        const FILE: &str = "
            datasources: [{name: main, url: 'http://p'}]
            defaults: {timezone: Europe/Paris}
            holidays: [{days: [FR]}]
            schedules: [{windows: [{start: '0 18 * * 5', duration: 3h, replicas: 12}]}]
            events: [{from: 2026-11-27T00:00:00Z, to: 2026-11-28T00:00:00Z, factor: 3}]
            exclude: [{from: 2026-03-03T00:00:00Z, to: 2026-03-04T00:00:00Z}]";
        let config = Config::parse(FILE, std::path::Path::new("test")).unwrap();
        let (from, until) = ("2026-12-20T00:00:00Z".parse().unwrap(), "2027-01-02T00:00:00Z".parse().unwrap());
        let terms = |said: &[(&str, &str)]| {
            let said = said.iter().map(|(key, value)| (format!("floorcast.io/{key}"), (*value).to_owned())).collect();
            let none = std::collections::BTreeMap::new();
            let settings = annotations::read(&said, &none, &config, "shop", &none).settings.unwrap();
            let command = super::super::tests::command(&[]).unwrap();
            Terms::of(&command, &Own { settings: Some(settings), ..Own::default() })
        };
        // What is said | zone | holidays of these two weeks | windows of the schedule.
        for (said, zone, holidays, windows) in [
            (&[][..], "Europe/Paris", &["2026-12-25", "2027-01-01"][..], 1),
            (&[("timezone", "Asia/Tokyo")], "Asia/Tokyo", &["2026-12-25", "2027-01-01"], 1),
            (&[("holidays", "2026-12-24")], "Europe/Paris", &["2026-12-24"], 1),
            (&[("holidays", "none"), ("schedule", "none")], "Europe/Paris", &[], 0),
            (&[("schedule", "0 9 * * *, 1h, 5; 0 20 * * *, 1h, 6")], "Europe/Paris", &["2026-12-25", "2027-01-01"], 2),
        ] {
            let terms = terms(said);
            let how = terms.learning(0.9, TimeDelta::minutes(5), from, until);
            let days: Vec<String> = how.holidays.iter().map(ToString::to_string).collect();
            assert_eq!((how.zone.name(), how.quantile), (zone, 0.9), "{said:?}");
            assert_eq!(days, holidays, "{said:?}");
            assert_eq!(how.excluded.len(), 1, "{said:?}");
            let wishes = terms.wishes();
            assert_eq!((wishes.policy.schedule.len(), wishes.events.len()), (windows, 1), "{said:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_workload_of_a_cluster_brings_its_own_days() {
        let (server, prometheus) = shops().await;
        let look = of(&server, &prometheus);
        // Live by a rule of the configuration: a patch must not make it so again.
        let mut ruled = of(&server, &prometheus);
        let rule = OptInRule { namespaces: vec!["*".to_owned()], selector: Selector::default(), mode: ModeWord::Live };
        ruled.config.opt_in = vec![rule];
        let every = found(ruled, &Wanted::All, Duration::from_mins(1)).await.unwrap();
        let (namespace, hpa) = (every[0].namespace.clone(), every[0].hpa.clone());
        assert!(every[0].subject.as_ref().unwrap().own.hpa.as_ref().unwrap().live);
        let said = json!({"metadata": {"annotations": {
            "floorcast.io/mode": "shadow",
            "floorcast.io/timezone": "Asia/Tokyo",
            "floorcast.io/holidays": "JP",
            "floorcast.io/schedule": "0 9 * * *, 1h, 5",
        }}});
        let api: kube::Api<k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler> =
            kube::Api::namespaced(look.clients.watch.clone(), &namespace);
        api.patch(&hpa, &kube::api::PatchParams::default(), &kube::api::Patch::Merge(said)).await.unwrap();
        let found = found(look, &Wanted::One(namespace, hpa), Duration::from_mins(1)).await.unwrap();
        let own = &found[0].subject.as_ref().unwrap().own;
        assert!(!own.hpa.as_ref().unwrap().live, "its annotation says shadow");
        let settings = own.settings.as_ref().unwrap();
        assert_eq!(settings.policy.zone, chrono_tz::Asia::Tokyo);
        assert_eq!((settings.holidays.len(), settings.policy.schedule.len()), (1, 1));
        assert!(own.notes.iter().any(|note| note.contains("zone: Asia/Tokyo; holidays: JP; scheduled windows: 1")));
        assert_eq!(own.hpa.as_ref().map(|hpa| hpa.live), Some(false));
    }

    #[tokio::test(start_paused = true)]
    async fn everybody_is_found_with_load_and_terms_and_nothing_is_written() {
        let (server, prometheus) = shops().await;
        let found = found(of(&server, &prometheus), &Wanted::All, Duration::from_mins(1)).await.unwrap();
        assert_eq!(found.len(), 2);
        for one in &found {
            let subject = one.subject.as_ref().unwrap();
            assert_eq!(subject.name, format!("{}/{}", one.namespace, one.hpa));
            assert!(subject.series.len() > 7 * 288, "{}", subject.series.len());
            let own = &subject.own;
            assert!(own.target_per_replica.is_some_and(|per| per > 0.0) && own.utilisation.is_some(), "{own:?}");
            assert_eq!(own.metric, Some(Metric::Cpu));
            assert!(own.min_replicas.is_some() && own.max_replicas.is_some() && own.pod_start.is_some(), "{own:?}");
        }
        let writes = server.audit_log().into_iter().filter(|e| e.request.user == "somebody").count();
        assert_eq!(writes, 0);
        let first = &found[0];
        let one = Wanted::One(first.namespace.clone(), first.hpa.clone());
        let found = super::found(of(&server, &prometheus), &one, Duration::from_mins(1)).await.unwrap();
        assert_eq!(found.len(), 1);
    }
}
