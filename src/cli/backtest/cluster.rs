//! The HPAs of a cluster, opted in or not: each load from Prometheus, each with its own terms.

use super::{
    Backtest, Exit, Failure, Metric,
    source::{self, Asking},
    terms::{Hpa, Own, Subject},
};
use crate::{
    annotations::Key,
    cli::{Global, local::Look},
    config::{Config, ModeWord, OptInRule, Selector},
    daemon::arithmetic,
    http::api,
    kubernetes::{self, Workload, workload::Aim},
};
use chrono::TimeDelta;
use floorcast_models::{hpa::Flags, replay::Setup, series::Series};
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
    look.config.opt_in = vec![everybody];
    let (config, now) = (look.config.clone(), Arc::clone(&look.clock));
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
    Own {
        pod_start,
        target_per_replica: Some(per_replica),
        utilisation: cpu.map(|percent| percent.clamp(5, 100)),
        metric: Some(if cpu.is_some() { Metric::Cpu } else { Metric::Load }),
        min_replicas: told.base.or(told.min).map(|min| min.max(1)),
        max_replicas: told.max,
        quantile: (told.quantile > 0.0).then_some(told.quantile),
        zone: told.timezone.parse().unwrap_or_default(),
        tolerance: (arithmetic.flags.tolerance != Flags::default().tolerance).then_some(arithmetic.flags.tolerance),
        behavior: arithmetic.behavior,
        hpa: Some(hpa(workload)),
        notes,
    }
}

fn hpa(workload: &Workload) -> Hpa {
    let said = |key: Key| {
        let key = key.annotation();
        workload.hpa_annotations.get(&key).or_else(|| workload.target_annotations().get(&key))
    };
    Hpa {
        namespace: workload.namespace.clone(),
        name: workload.hpa.clone(),
        metrics: workload.hpa_metrics.clone(),
        live: said(Key::Mode).is_some_and(|mode| mode.trim() == "live"),
        target_per_replica: said(Key::TargetPerReplica).and_then(|target| target.trim().parse().ok()),
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
    use crate::cli::local::tests::{of, shops};
    use chrono::DateTime;

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
