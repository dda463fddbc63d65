//! CPU: cores in use over the target's pods, from cAdvisor; the share of one replica from the requests of live pods.

use super::members::Members;
use super::refusal::Refusal;
use super::{Load, Source, window};
use crate::datasource::promql::{Comparison, Matcher, selector};
use crate::kubernetes::pods::{ContainerFacts, ContainerKind, PodFacts};
use crate::kubernetes::workload::Aim;
use chrono::TimeDelta;
use floorcast_models::units::PerReplica;

const METRIC: &str = "container_cpu_usage_seconds_total";
/// A pod has a rate only once it was scraped twice, and the whole of it once the range lies behind its start. As a load rises
/// pods are added, so what is summed lags behind what is asked of them by up to the range, and by the age of its newest scrape
/// besides: at most half the range, or it would not hold two. Longer than this it is not the range that hides the rise but the
/// step, which the plan allows for.
const LATEST: TimeDelta = TimeDelta::minutes(5);

/// What the CPU load of one metric is made of.
pub(crate) struct Cpu<'a> {
    pub(crate) container: Option<&'a str>,
    pub(crate) aim: &'a Aim,
    pub(crate) pods: &'a [PodFacts],
    pub(crate) members: &'a Members,
    pub(crate) rate: TimeDelta,
    /// Pods younger than this are left out: what a start burns is no demand.
    pub(crate) settling: Option<TimeDelta>,
    pub(crate) by_owner: bool,
}

impl Cpu<'_> {
    pub(crate) fn load(&self, source: &Source<'_>) -> Result<Load, Refusal> {
        let name = self.container.map_or("cpu".to_owned(), |c| format!("cpu/{c}"));
        let (target, how, mut minds) = self.target(&name)?;
        if let Some(pod) = self.members.misfit(self.pods) {
            let why = format!("pod {pod} does not have the form of name that was expected, {}", self.members.form());
            return Err(Refusal::PodsUnknown { why });
        }
        if !self.by_owner {
            minds.push("without kube-state-metrics pods are told by the form of their names".to_owned());
        }
        let late = (self.rate + self.rate / 2).min(LATEST);
        let explain = vec![
            format!("load: cores in use (cAdvisor), summed over {}", self.members.explain()),
            format!("target per replica: {how}"),
            format!(
                "a rise is seen up to {} late (range of rate, age of its newest scrape): as much more lead time, unless it is given",
                window(late)
            ),
        ];
        Ok(Load { late, ..Load::new(source, name, self.query(), "cores", target, minds, explain) })
    }

    /// Duplicate scrapes vanish in `max by (pod, container)`; the pod's own cgroup and its pause container have no name
    /// or `POD`; the kubelet's `/metrics/resource` exports the same name once more.
    fn query(&self) -> String {
        let mut matchers = self.members.matchers();
        if let Some(container) = self.container {
            matchers.push(Matcher::equal("container", container));
        } else {
            matchers.push(Matcher::new("container", Comparison::NotEqual, ""));
            matchers.push(Matcher::new("container", Comparison::NotEqual, "POD"));
        }
        matchers.push(Matcher::new("metrics_path", Comparison::NotEqual, "/metrics/resource"));
        let usage = format!("max by (pod, container) (rate({}[{}]))", selector(METRIC, &matchers), window(self.rate));
        format!("sum(\n  {}{}\n)", self.members.only(&usage), self.without_young())
    }

    fn without_young(&self) -> String {
        match self.settling.filter(|_| self.by_owner) {
            Some(age) if age > TimeDelta::zero() => format!(
                "\n  unless on (pod)\n  (time() - {} < {})",
                selector("kube_pod_start_time", &self.members.base()),
                age.num_seconds()
            ),
            _ => String::new(),
        }
    }

    /// Cores that one replica should use, how that comes about, and what to mind.
    fn target(&self, name: &str) -> Result<(PerReplica, String, Vec<String>), Refusal> {
        let impossible = |why: &str| Refusal::ImpossibleTarget { metric: name.to_owned(), why: why.to_owned() };
        match self.aim {
            Aim::Value(_) => Err(Refusal::ValueTarget { metric: name.to_owned() }),
            Aim::AverageValue(quantity) => {
                let target = PerReplica::new(quantity.value()).ok_or_else(|| impossible("a target of zero"))?;
                Ok((target, format!("averageValue {quantity} = {} cores", short(target.get())), Vec::new()))
            }
            Aim::Utilization(percent) => {
                let requests = self.requests()?;
                let mean = requests.iter().sum::<f64>() / requests.len() as f64;
                let target = PerReplica::new(mean * f64::from(*percent) / 100.0)
                    .ok_or_else(|| impossible("utilisation or request is zero"))?;
                let how = format!(
                    "{percent} % of {} cores requested (mean of {} live pods) = {} cores",
                    short(mean),
                    requests.len(),
                    short(target.get())
                );
                Ok((target, how, differences(&requests, mean)))
            }
        }
    }

    /// Requested cores of each live pod.
    fn requests(&self) -> Result<Vec<f64>, Refusal> {
        let live = self.pods.iter().filter(|p| !p.deleted && !matches!(p.phase.as_str(), "Succeeded" | "Failed"));
        let requests: Vec<f64> = live.map(|pod| self.request(pod)).collect::<Result<_, _>>()?;
        if requests.is_empty() { Err(Refusal::NoPods) } else { Ok(requests) }
    }

    fn request(&self, pod: &PodFacts) -> Result<f64, Refusal> {
        let counted: Vec<&ContainerFacts> = pod.containers.iter().filter(|c| c.kind != ContainerKind::Init).collect();
        let of = |c: &ContainerFacts| {
            let none = || Refusal::NoRequest { pod: pod.name.clone(), container: c.name.clone() };
            c.cpu_request.filter(|r| *r > 0.0).ok_or_else(none)
        };
        if let Some(name) = self.container {
            let found = || counted.iter().map(|c| c.name.clone()).collect();
            let missing = || Refusal::NoSuchContainer { container: name.to_owned(), found: found() };
            return counted.iter().find(|c| c.name == name).ok_or_else(missing).and_then(|c| of(c));
        }
        match pod.pod_cpu_request.filter(|r| *r > 0.0) {
            Some(whole) => Ok(whole),
            None => counted.into_iter().map(of).sum(),
        }
    }
}

fn differences(requests: &[f64], mean: f64) -> Vec<String> {
    let off = |r: &&f64| (**r - mean).abs() > 0.01 * mean;
    match requests.iter().filter(off).count() {
        0 => Vec::new(),
        n => {
            vec![format!("{n} of {} pods request other amounts than the mean (rollout, VPA or resize)", requests.len())]
        }
    }
}

/// At most four digits after the point.
pub(crate) fn short(n: f64) -> String {
    let text = format!("{n:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
