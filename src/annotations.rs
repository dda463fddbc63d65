//! What a user says on an HPA or its target: parsed once into a policy, or refused key by key.

mod error;
mod key;
mod load;
mod schedule;
mod text;
mod value;

pub use error::{AnnotationError, On, Warning};
pub use key::{Key, PREFIX};
pub use load::LoadChoice;

use crate::{
    config::{Config, Exclusion, ModeWord},
    holidays::{self, Holidays},
};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    events::KnownEvent,
    learn::Learning,
    policy::{Mode, Policy},
    units::{PerReplica, Replicas},
};
use std::{collections::BTreeMap, sync::Arc};

type Annotations = BTreeMap<String, String>;

/// Everything that the annotations and the configuration say of one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct OptIn {
    /// What to do; `None` where the mode itself cannot be read.
    pub mode: Option<Mode>,
    /// Where the mode comes from.
    pub source: Source,
    /// The settings, or every wrong value. A workload in mode `off` has settings, whatever its other keys say.
    pub settings: Result<Settings, Vec<AnnotationError>>,
    /// What is told and does no harm.
    pub warnings: Vec<Warning>,
}

/// Where a mode comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The annotation on this object.
    Annotation(On),
    /// A rule of the configuration.
    Rule,
    /// Nobody opted in.
    Nobody,
}

/// One workload's settings, all of them right in themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What steers the floor.
    pub policy: Policy,
    /// What the load is.
    pub load: LoadChoice,
    /// `target-per-replica`, or the template's; absent: derived from the HPA.
    pub target_per_replica: Option<PerReplica>,
    /// Days that are forecast as Sundays, or as the holidays before them.
    pub holidays: Holidays,
    /// Known events.
    pub events: Arc<[KnownEvent]>,
    /// Windows of history not to learn from.
    pub excluded: Vec<Exclusion>,
}

impl OptIn {
    /// The mode to act by: a workload whose mode or settings are wrong gets no new floor.
    pub fn effective_mode(&self) -> Mode {
        match &self.settings {
            Ok(settings) => settings.policy.mode,
            Err(_) => Mode::Off,
        }
    }

    /// Whether anybody asked for floorcast here, rightly or wrongly.
    pub fn wanted(&self) -> bool {
        self.mode != Some(Mode::Off)
    }
}

impl Settings {
    /// How the load is to be learned of a history from `from` on, as of `now`: everything that is said of it but the known events,
    /// which come and go.
    pub fn learning(&self, lead: TimeDelta, from: DateTime<Utc>, now: DateTime<Utc>) -> Learning {
        let policy = &self.policy;
        let local = |t: DateTime<Utc>| t.with_timezone(&policy.zone).date_naive();
        Learning {
            model: policy.model,
            quantile: policy.quantile,
            lead,
            zone: policy.zone,
            horizon: TimeDelta::hours(24) + lead,
            excluded: self.excluded.iter().map(|window| window.from..window.to).collect(),
            // The days before and after: days of the zone are not those of UTC, and a forecast reaches two days ahead.
            holidays: holidays::between(
                &self.holidays,
                local(from - TimeDelta::days(2)),
                local(now + TimeDelta::days(3)),
            ),
            ..Learning::default()
        }
    }

    /// What cannot be known without the HPA: a base above its `maxReplicas`.
    pub fn against(&self, max: Replicas, on: On) -> Option<AnnotationError> {
        let base = self.policy.base.filter(|base| *base > max)?;
        Some(AnnotationError::new(
            Key::MinReplicas,
            on,
            &base.to_string(),
            &format!(
                "{base} is above maxReplicas {max}\na floor can never exceed maxReplicas\nlower it, or raise spec.maxReplicas"
            ),
        ))
    }
}

/// Reads the annotations of an HPA and of its target; the HPA's win, key by key. `labels` are the HPA's, for the
/// opt-in rules of the configuration.
pub fn read(hpa: &Annotations, target: &Annotations, config: &Config, namespace: &str, labels: &Annotations) -> OptIn {
    let mut warnings = key::unknown(hpa, On::Hpa);
    warnings.extend(key::unknown(target, On::Target));
    let said = Said { hpa, target };
    let mut errors = Vec::new();
    let (mode, source) = mode(&said, config, namespace, labels, &mut errors);
    let workload = Named { namespace, labels };
    let settings = settings(&said, config, &workload, mode.unwrap_or(Mode::Off), &mut errors);
    let off = mode == Some(Mode::Off);
    let settings = if errors.is_empty() || off { Ok(settings) } else { Err(errors) };
    OptIn { mode, source, settings, warnings }
}

/// What the configuration's rules go by.
struct Named<'a> {
    namespace: &'a str,
    labels: &'a Annotations,
}

/// Values by key, the HPA's before the target's.
struct Said<'a> {
    hpa: &'a Annotations,
    target: &'a Annotations,
}

impl<'a> Said<'a> {
    fn get(&self, key: Key) -> Option<(On, &'a str)> {
        let name = key.annotation();
        let on = |object, from: &'a Annotations| from.get(&name).map(|value| (object, value.as_str()));
        on(On::Hpa, self.hpa).or_else(|| on(On::Target, self.target))
    }

    /// The parsed value, `None` where absent or wrong; what is wrong goes to `errors`.
    fn parsed<T>(
        &self,
        key: Key,
        errors: &mut Vec<AnnotationError>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (on, raw) = self.get(key)?;
        match text::clean(raw, matches!(key, Key::Query | Key::Schedule)).and_then(parse) {
            Ok(value) => Some(value),
            Err(message) => {
                errors.push(AnnotationError::new(key, on, raw, &message));
                None
            }
        }
    }
}

fn mode(
    said: &Said<'_>,
    config: &Config,
    namespace: &str,
    labels: &Annotations,
    errors: &mut Vec<AnnotationError>,
) -> (Option<Mode>, Source) {
    if let Some((on, _)) = said.get(Key::Mode) {
        return (said.parsed(Key::Mode, errors, value::mode), Source::Annotation(on));
    }
    match config.mode_of(namespace, labels) {
        Some(word) => (Some(word.into()), Source::Rule),
        None => (Some(ModeWord::Off.into()), Source::Nobody),
    }
}

fn settings(
    said: &Said<'_>,
    config: &Config,
    workload: &Named<'_>,
    mode: Mode,
    errors: &mut Vec<AnnotationError>,
) -> Settings {
    let policy = policy(said, config, workload, mode, errors);
    let target = said.parsed(Key::TargetPerReplica, errors, value::per_replica);
    let load = load::choose(said, config, workload.namespace, target.is_some(), errors);
    let of_template = load.template().and_then(|name| config.templates.get(name)?.target_per_replica);
    let holidays = said.parsed(Key::Holidays, errors, crate::holidays::parse);
    Settings {
        holidays: holidays.unwrap_or_else(|| config.holidays_of(workload.namespace, workload.labels)),
        events: config.events_of(workload.namespace, workload.labels, policy.zone),
        excluded: config.exclude.iter().filter(|window| window.concerns(workload.namespace)).cloned().collect(),
        policy,
        target_per_replica: target.or_else(|| PerReplica::new(of_template?.get())),
        load,
    }
}

fn policy(
    said: &Said<'_>,
    config: &Config,
    workload: &Named<'_>,
    mode: Mode,
    errors: &mut Vec<AnnotationError>,
) -> Policy {
    let (defaults, guard) = (&config.defaults, &config.guard);
    let base = said.parsed(Key::MinReplicas, errors, value::replicas);
    let max_floor = said.parsed(Key::MaxFloor, errors, value::replicas);
    if let (Some(base), Some(cap)) = (base, max_floor)
        && base > cap
    {
        let message = format!(
            "{base} is above max-floor {cap}\nthe base is the least any floor may be\nlower it, or raise floorcast.io/max-floor"
        );
        let on = said.get(Key::MinReplicas).map_or(On::Hpa, |(on, _)| on);
        errors.push(AnnotationError::new(Key::MinReplicas, on, &base.to_string(), &message));
    }
    let zone = said.parsed(Key::Timezone, errors, crate::config::zone::parse).unwrap_or(defaults.timezone.0);
    let schedule = said.parsed(Key::Schedule, errors, |text| schedule::parse(text, zone));
    Policy {
        mode,
        quantile: said.parsed(Key::Quantile, errors, value::quantile).unwrap_or(defaults.quantile.get()),
        lead: said.parsed(Key::LeadTime, errors, value::lead_time).unwrap_or(defaults.lead_time.0),
        base,
        max_floor,
        admin_cap: guard.max_floor.map(|n| Replicas::new(n.get())),
        zone,
        model: said.parsed(Key::Model, errors, value::model).unwrap_or_else(|| defaults.choice()),
        ramp: guard.ramp(),
        respect: guard.respect.get(),
        longest_hold: guard.longest_hold.get(),
        rails: config.rails(),
        schedule: schedule.unwrap_or_else(|| config.windows_of(workload.namespace, workload.labels, zone)),
    }
}

#[cfg(test)]
#[path = "annotations/tests.rs"]
mod tests;
