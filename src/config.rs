//! The configuration file: parsed into types whose values are right, or refused with file, line, key, why and remedy.

mod check;
mod datasource;
mod days;
mod error;
mod every;
pub(crate) mod model;
mod number;
mod opt_in;
pub mod period;
mod process;
mod reload;
mod schedule;
mod sections;
mod template;
mod tree;
pub mod zone;

pub use datasource::{Auth, Basic, ClientCertificate, Datasource, Kind};
pub use days::{EventRule, HolidayRule};
pub use error::{ConfigError, Fault};
pub use number::{Count, Number, Quantile};
pub use opt_in::{Expression, ModeWord, Operator, OptInRule, Selector, glob};
pub use period::{Period, quoted};
pub use process::{Http, Kubernetes, Log, LogFormat, MetricsLimits};
pub use reload::{Current, watch};
pub use schedule::{ScheduleRule, ScheduledWindow, Start, WindowPeriod, start};
pub use sections::{Budgets, Defaults, Guard, HpaController, Lead, LeadPeriod, Timing};
pub use template::{GIVEN, Load, Piece, Template};

use crate::holidays::Holidays;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use floorcast_models::{budget::Limits, events::KnownEvent, policy::Rails, schedule::Window, units::Replicas};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// Largest configuration file that is read: 1 MiB, what a ConfigMap may hold.
const LARGEST: u64 = 1024 * 1024;

/// The whole configuration. Every section has defaults; only a datasource must be named before anything is forecast.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// Prometheus-compatible servers.
    pub datasources: Vec<Datasource>,
    /// Name of the datasource for derived queries; absent: the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_datasource: Option<String>,
    /// Load queries by name, for `floorcast.io/load`.
    pub templates: BTreeMap<String, Template>,
    /// Workloads opted in without an annotation; the first matching rule counts.
    pub opt_in: Vec<OptInRule>,
    /// Namespaces (with `*`) whose users may write PromQL themselves, in `floorcast.io/query`.
    pub allow_query: Vec<String>,
    /// What holds where annotations say nothing.
    pub defaults: Defaults,
    /// Scheduled floors by namespace and label.
    pub schedules: Vec<ScheduleRule>,
    /// Days that are forecast as Sundays, or as the holidays before them.
    pub holidays: Vec<HolidayRule>,
    /// Known events: once or recurring, with an expected factor.
    pub events: Vec<EventRule>,
    /// Windows of history not to learn from, such as a known outage.
    pub exclude: Vec<Exclusion>,
    /// How many replicas all floors together may add.
    pub budgets: Budgets,
    /// The guard rails.
    pub guard: Guard,
    /// How often things happen.
    pub timing: Timing,
    /// The HPA controller's flags.
    pub hpa_controller: HpaController,
    /// Where floorcast looks and where it lives.
    pub kubernetes: Kubernetes,
    /// Addresses to listen on.
    pub http: Http,
    /// How to log.
    pub log: Log,
    /// What `/metrics` may cost.
    pub metrics: MetricsLimits,
}

/// A window of history not to learn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exclusion {
    /// Its first instant, RFC 3339.
    #[schemars(with = "String")]
    pub from: DateTime<Utc>,
    /// The first instant after it.
    #[schemars(with = "String")]
    pub to: DateTime<Utc>,
    /// Namespaces (with `*`) it holds for; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Why, for `explain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Exclusion {
    /// Whether it holds for this namespace.
    pub fn concerns(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.iter().any(|pattern| glob(pattern, namespace))
    }
}

/// Reads and parses the file.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    Config::parse(&read(path)?, path)
}

/// The text of the file; refused above 1 MiB.
pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |why: String| ConfigError::Unreadable { file: path.to_owned(), why };
    let size = std::fs::metadata(path).map_err(|e| unreadable(e.to_string()))?.len();
    if size > LARGEST {
        return Err(unreadable(format!("it has {size} bytes, more than {LARGEST}")));
    }
    std::fs::read_to_string(path).map_err(|e| unreadable(e.to_string()))
}

impl Config {
    /// Parses YAML; `file` only names it in errors. An empty text is the default configuration.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        if text.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with('#')) {
            return Ok(Self::default());
        }
        let refused = |faults| ConfigError::Invalid { file: file.to_owned(), faults };
        let config: Self = serde_saphyr::from_str(text).map_err(|first| refused(every::faults(text, &first)))?;
        let faults = check::faults(&config);
        if faults.is_empty() {
            return Ok(config);
        }
        let places = tree::Places::of(text);
        Err(refused(faults.into_iter().map(|fault| fault.located(&places)).collect()))
    }

    /// The administrator's guard rails, as the core wants them.
    pub fn rails(&self) -> Rails {
        Rails {
            headroom: self.guard.headroom.get(),
            runaway: self.guard.runaway_factor.get(),
            writes_per_hour: self.guard.writes_per_hour.get() as usize,
            above_base: Some(Replicas::new(self.budgets.workload.get())),
        }
    }

    /// The datasource of this name, or the default one.
    pub fn datasource(&self, name: Option<&str>) -> Option<&Datasource> {
        match name.or(self.default_datasource.as_deref()) {
            Some(name) => self.datasources.iter().find(|d| d.name == name),
            None => self.datasources.first(),
        }
    }

    /// The mode that the opt-in rules give an HPA without the annotation.
    pub fn mode_of(&self, namespace: &str, labels: &BTreeMap<String, String>) -> Option<ModeWord> {
        self.opt_in.iter().find(|rule| rule.matches(namespace, labels)).map(|rule| rule.mode)
    }

    /// The scheduled windows of an HPA; `zone` for those that name none.
    pub fn windows_of(&self, namespace: &str, labels: &BTreeMap<String, String>, zone: Tz) -> Arc<[Window]> {
        let rules = self.schedules.iter().filter(|rule| rule.matches(namespace, labels));
        rules.flat_map(|rule| &rule.windows).map(|window| window.window(zone)).collect()
    }

    /// The listed holidays of an HPA.
    pub fn holidays_of(&self, namespace: &str, labels: &BTreeMap<String, String>) -> Holidays {
        let rules = self.holidays.iter().filter(|rule| rule.matches(namespace, labels));
        rules.flat_map(|rule| &rule.days).copied().collect()
    }

    /// The known events of an HPA; `zone` for those that name none.
    pub fn events_of(&self, namespace: &str, labels: &BTreeMap<String, String>, zone: Tz) -> Arc<[KnownEvent]> {
        let rules = self.events.iter().filter(|rule| rule.matches(namespace, labels));
        rules.filter_map(|rule| rule.event(zone)).collect()
    }

    /// Whether users of this namespace may write PromQL themselves.
    pub fn allows_query(&self, namespace: &str) -> bool {
        self.allow_query.iter().any(|pattern| glob(pattern, namespace))
    }

    /// The budgets as the core wants them.
    pub fn limits(&self) -> Limits {
        let replicas = |n: u32| Replicas::new(n);
        Limits {
            namespace: replicas(self.budgets.namespace.get()),
            namespaces: self.budgets.namespaces.iter().map(|(name, n)| (name.clone(), replicas(n.get()))).collect(),
            cluster: replicas(self.budgets.cluster.get()),
            pods_per_minute: replicas(self.budgets.new_pods_per_minute.get()),
        }
    }

    /// The same with the values of headers and tenants hidden, as `config view` prints it.
    #[must_use]
    pub fn redacted(&self) -> Self {
        Self { datasources: self.datasources.iter().map(Datasource::redacted).collect(), ..self.clone() }
    }

    /// The JSON Schema of the file, made from the very types that parse it.
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(Config)
    }
}

/// The nearest of `names` within `distance` edits, or one that the word begins or is begun by.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>, distance: usize) -> Option<&'a str> {
    let lower = word.to_lowercase();
    // A word of three letters of which two are others is another word.
    let most = distance.min(lower.chars().count() / 2);
    let apart = |name: &str| {
        let other = name.to_lowercase();
        let begins = lower.len() >= 3 && (other.starts_with(&lower) || lower.starts_with(&other));
        let edits = strsim::osa_distance(&lower, &other);
        if edits <= most { Some(edits) } else { begins.then_some(distance + 1) }
    };
    let near = names.into_iter().filter_map(|name| Some((apart(name)?, name)));
    near.min_by_key(|(edits, _)| *edits).map(|(_, name)| name)
}

#[cfg(test)]
#[path = "config/tests.rs"]
mod tests;
