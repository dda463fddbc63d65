//! Which series belong to a workload's pods: by owner where kube-state-metrics tells, else by the exact form of the names.

use super::refusal::Refusal;
use super::window;
use crate::datasource::promql::{Comparison, Matcher, regex_quoted, selector};
use crate::kubernetes::pods::PodFacts;
use crate::kubernetes::workload::{TargetKind, TargetRef};
use chrono::TimeDelta;

/// Kubernetes encodes a pod template's hash with these letters only: the decimal digits of a 32-bit number, each one put
/// through `SafeEncodeString`. A `CronJob`'s pods (`web-29254785-x7k2q`) begin with a 2 or 3, which is none of them.
const HASH: &str = "[4-9bcdf]{6,10}";
/// Letters of the random ending (k8s.io/apimachinery/pkg/util/rand).
const ENDING: &str = "[bcdfghjklmnpqrstvwxz2456789]{5}";
/// Longest generated base of a pod's name; longer ones are cut, and then the form is no longer exact.
const LONGEST_BASE: usize = 58;

/// Who owns a pod is a fact that does not change: it may be as old as Prometheus' own look-back, however rarely
/// kube-state-metrics is scraped.
const LOOK_BACK: TimeDelta = TimeDelta::minutes(5);

/// How the pods of one target are told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Members {
    target: TargetRef,
    namespace: Matcher,
    required: Vec<Matcher>,
    by_owner: bool,
    window: String,
}

impl Members {
    pub(crate) fn new(
        target: &TargetRef,
        namespace: &str,
        required: &[Matcher],
        by_owner: bool,
        rate: TimeDelta,
    ) -> Result<Self, Refusal> {
        if let TargetKind::Other(kind) = &target.kind {
            let why = format!("pods of a {kind} have no known form of name");
            return Err(Refusal::PodsUnknown { why });
        }
        // "<name>-<up to 10>-": see LONGEST_BASE.
        if !by_owner && target.kind == TargetKind::Deployment && target.name.len() + 12 > LONGEST_BASE {
            let why = format!("the name {} is so long that Kubernetes cuts its pods' names", target.name);
            return Err(Refusal::PodsUnknown { why });
        }
        let namespace = Matcher::equal("namespace", namespace);
        Ok(Self {
            target: target.clone(),
            namespace,
            required: required.to_vec(),
            by_owner,
            window: window(rate.max(LOOK_BACK)),
        })
    }

    /// Namespace, required matchers, and the form of the names: what every selector of these pods carries.
    pub(crate) fn matchers(&self) -> Vec<Matcher> {
        let mut all = vec![self.namespace.clone()];
        all.extend(self.required.iter().cloned());
        if !self.by_owner {
            all.push(Matcher::new("pod", Comparison::Matches, self.form()));
        }
        all
    }

    /// Regular expression of the pods' names.
    pub(crate) fn form(&self) -> String {
        let name = regex_quoted(&self.target.name);
        match self.target.kind {
            TargetKind::StatefulSet => format!("{name}-(0|[1-9][0-9]*)"),
            _ => format!("{name}-{HASH}-{ENDING}"),
        }
    }

    /// `inner`, restricted to the pods of the target; `inner` has a label `pod`.
    pub(crate) fn only(&self, inner: &str) -> String {
        if !self.by_owner {
            return inner.to_owned();
        }
        format!("{inner}\n  and on (pod)\n  {}", self.owned())
    }

    /// One series per pod of the target, with its label `pod`, also for pods that ended within the window: their last
    /// minutes are part of the rate.
    pub(crate) fn owned(&self) -> String {
        let own = |kind: &str, name: Option<&str>| {
            let mut matchers = self.base();
            matchers.push(Matcher::equal("owner_kind", kind));
            matchers.extend(name.map(|n| Matcher::equal("owner_name", n)));
            matchers
        };
        let over = |metric, matchers: Vec<Matcher>| {
            format!("last_over_time({}[{}])", selector(metric, &matchers), self.window)
        };
        if self.target.kind == TargetKind::StatefulSet {
            return over("kube_pod_owner", own("StatefulSet", Some(&self.target.name)));
        }
        let pods = over("kube_pod_owner", own("ReplicaSet", None));
        let sets = over("kube_replicaset_owner", own("Deployment", Some(&self.target.name)));
        format!(
            "(label_replace({pods}, \"replicaset\", \"$1\", \"owner_name\", \"(.+)\")\n    and on (replicaset)\n    {sets})"
        )
    }

    /// Namespace and required matchers only.
    pub(crate) fn base(&self) -> Vec<Matcher> {
        let mut all = vec![self.namespace.clone()];
        all.extend(self.required.iter().cloned());
        all
    }

    /// In words, for `explain`.
    pub(crate) fn explain(&self) -> String {
        if self.by_owner {
            format!("pods whose owner is {}, by kube-state-metrics", self.target)
        } else {
            format!("pods named {} (no kube-state-metrics)", self.form())
        }
    }

    /// A live pod whose name does not have the expected form, if names are what we go by.
    pub(crate) fn misfit<'a>(&self, pods: &'a [PodFacts]) -> Option<&'a str> {
        if self.by_owner {
            return None;
        }
        pods.iter().map(|p| p.name.as_str()).find(|name| !self.fits(name))
    }

    fn fits(&self, pod: &str) -> bool {
        let Some(rest) = pod.strip_prefix(&self.target.name).and_then(|r| r.strip_prefix('-')) else { return false };
        if self.target.kind == TargetKind::StatefulSet {
            return rest == "0"
                || !rest.starts_with('0') && !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
        }
        let Some((hash, ending)) = rest.split_once('-') else { return false };
        let of = |text: &str, letters: &str| text.chars().all(|c| letters.contains(c));
        (6..=10).contains(&hash.len())
            && of(hash, "456789bcdf")
            && ending.len() == 5
            && of(ending, "bcdfghjklmnpqrstvwxz2456789")
    }
}
