//! Custom and external metrics: the query that sums what the HPA averages.

use super::members::Members;
use super::refusal::Refusal;
use super::{Load, Source};
use crate::datasource::promql::{Comparison, Matcher, is_label_name, regex_quoted, selector};
use crate::kubernetes::workload::{Aim, Owner, Selector};
use floorcast_models::units::PerReplica;

/// Parts of names that tell a backlog: what a good floor empties.
const BACKLOG: [&str; 12] = [
    "queue",
    "backlog",
    "lag",
    "pending",
    "depth",
    "unacked",
    "unprocessed",
    "messages_ready",
    "messagesvisible",
    "messages_visible",
    "num_undelivered",
    "waiting",
];
/// Parts of names that tell a quantity without a meaningful sum.
const NOT_ADDITIVE: [&str; 16] = [
    "latency",
    "duration",
    "ratio",
    "percent",
    "utilization",
    "utilisation",
    "average",
    "avg",
    "mean",
    "median",
    "p50",
    "p90",
    "p95",
    "p99",
    "quantile",
    "temperature",
];

/// One metric of the HPA, ready to be summed.
pub(crate) struct Named<'a> {
    pub(crate) name: &'a str,
    pub(crate) selector: &'a Selector,
    pub(crate) aim: &'a Aim,
}

impl Named<'_> {
    /// A `Pods` metric: the sum over the target's pods.
    pub(crate) fn of_pods(&self, members: &Members, source: &Source<'_>) -> Result<Load, Refusal> {
        let target = self.target()?;
        let mut matchers = members.matchers();
        matchers.extend(self.matchers()?);
        let query = format!("sum(\n  {}\n)", members.only(&selector(self.name, &matchers)));
        Ok(self.finish(source, query, target, &format!("summed over {}", members.explain())))
    }

    /// An `External` metric: the sum of its series in our namespace.
    pub(crate) fn external(&self, base: &[Matcher], source: &Source<'_>) -> Result<Load, Refusal> {
        self.whole(base.to_vec(), source, "of the namespace's series with the HPA's selector")
    }

    /// An `Object` metric: the value of one object.
    pub(crate) fn of_object(&self, object: &Owner, base: &[Matcher], source: &Source<'_>) -> Result<Load, Refusal> {
        let label = object.kind.to_ascii_lowercase();
        if !is_label_name(&label) {
            return Err(self.bad(format!("kind {:?} is no label name", object.kind)));
        }
        let mut matchers = base.to_vec();
        matchers.push(Matcher::equal(label, &object.name));
        self.whole(matchers, source, &format!("of {} {}", object.kind, object.name))
    }

    fn whole(&self, mut matchers: Vec<Matcher>, source: &Source<'_>, of: &str) -> Result<Load, Refusal> {
        let target = self.target()?;
        matchers.extend(self.matchers()?);
        let query = format!("sum({})", selector(self.name, &matchers));
        Ok(self.finish(source, query, target, of))
    }

    fn finish(&self, source: &Source<'_>, query: String, target: PerReplica, of: &str) -> Load {
        let minds = vec![format!(
            "{} is asked for under the HPA's name; where the metrics adapter renames or converts it, use a load template",
            self.name
        )];
        let explain = vec![
            format!("load: {} {of}", self.name),
            format!("target per replica: averageValue = {}", super::cpu::short(target.get())),
        ];
        Load::new(source, self.name.to_owned(), query, "", target, minds, explain)
    }

    fn target(&self) -> Result<PerReplica, Refusal> {
        let metric = || self.name.to_owned();
        let lower = self.name.to_ascii_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| contains_word(&lower, part));
        if has(&BACKLOG) {
            return Err(Refusal::Backlog { metric: metric() });
        }
        if has(&NOT_ADDITIVE) {
            return Err(Refusal::NotAdditive { metric: metric() });
        }
        if lower.ends_with("_total") {
            return Err(Refusal::RawCounter { metric: metric() });
        }
        let impossible = |why: &str| Refusal::ImpossibleTarget { metric: metric(), why: why.to_owned() };
        match self.aim {
            Aim::Value(_) => Err(Refusal::ValueTarget { metric: metric() }),
            Aim::Utilization(_) => Err(impossible("utilisation is for resources only")),
            Aim::AverageValue(quantity) => {
                PerReplica::new(quantity.value()).ok_or_else(|| impossible("a target of zero or less"))
            }
        }
    }

    fn bad(&self, why: String) -> Refusal {
        Refusal::BadSelector { metric: self.name.to_owned(), why }
    }

    /// The HPA's metric selector as matchers.
    fn matchers(&self) -> Result<Vec<Matcher>, Refusal> {
        let mut found: Vec<Matcher> = self.selector.labels.iter().map(|(k, v)| Matcher::equal(k, v)).collect();
        for requirement in &self.selector.expressions {
            let alternatives = || requirement.values.iter().map(|v| regex_quoted(v)).collect::<Vec<_>>().join("|");
            let (comparison, value) = match requirement.operator.as_str() {
                "In" => (Comparison::Matches, alternatives()),
                "NotIn" => (Comparison::NotMatches, alternatives()),
                "Exists" => (Comparison::NotEqual, String::new()),
                "DoesNotExist" => (Comparison::Equal, String::new()),
                other => return Err(self.bad(format!("operator {other:?} is not known"))),
            };
            found.push(Matcher::new(&requirement.key, comparison, value));
        }
        found.iter().try_for_each(Matcher::check).map_err(|why| self.bad(why))?;
        Ok(found)
    }
}

/// The part as words of its own: `consumer_lag` has `lag`, `flags_set` has not.
fn contains_word(name: &str, part: &str) -> bool {
    let ends = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
    name.match_indices(part).any(|(at, _)| {
        let (before, after) = (name[..at].chars().next_back(), name[at + part.len()..].chars().next());
        // Plurals (`queues`) and camel case (`ApproximateNumberOfMessagesVisible`, lowered) end a word as well.
        (ends(before) || part.len() > 6) && (ends(after) || after == Some('s') || part.len() > 6 || part == "queue")
    })
}
