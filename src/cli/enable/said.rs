//! The annotations as flags, checked by the parser that the daemon reads them with.

use crate::{
    annotations::{self, Key},
    cli::{Exit, Failure},
    config::Config,
};
use clap::Args;
use std::{collections::BTreeMap, path::PathBuf};

/// One flag for every key.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Annotations")]
pub(super) struct Said {
    /// `shadow` forecasts and tells, `live` writes floors, `off` stands against a rule of the configuration; absent: what
    /// stands, else shadow
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// A load template of the configuration with its arguments, such as requests(service=web), or auto
    #[arg(long, value_name = "TEMPLATE", visible_alias = "template")]
    load: Option<String>,
    /// PromQL of the total load, one series; where the administrator allows it
    #[arg(long, value_name = "PROMQL")]
    query: Option<String>,
    /// Load that one replica should carry, in the load's unit
    #[arg(long, value_name = "LOAD")]
    target_per_replica: Option<String>,
    /// How far ahead pods are asked for: auto, or a duration, 1m to 2h
    #[arg(long, value_name = "DURATION")]
    lead_time: Option<String>,
    /// Share of lead windows whose maximum is covered, 0.5 to 0.999
    #[arg(long, value_name = "SHARE")]
    quantile: Option<String>,
    /// The base: the least replicas you want
    #[arg(long, value_name = "REPLICAS")]
    min_replicas: Option<String>,
    /// Highest floor allowed
    #[arg(long, value_name = "REPLICAS")]
    max_floor: Option<String>,
    /// Windows with absolute floors: CRON, DURATION, REPLICAS; several parted by `;`
    #[arg(long, value_name = "WINDOWS")]
    schedule: Option<String>,
    /// Countries and days that are holidays, such as "DE, 2026-12-24", or none
    #[arg(long, value_name = "DAYS")]
    holidays: Option<String>,
    /// IANA zone, such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// Forecasting model, or auto
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
}

impl Said {
    /// The keys that are said.
    pub(super) fn annotations(&self) -> BTreeMap<Key, String> {
        let value = |key: Key| match key {
            Key::Mode => &self.mode,
            Key::Load => &self.load,
            Key::Query => &self.query,
            Key::TargetPerReplica => &self.target_per_replica,
            Key::LeadTime => &self.lead_time,
            Key::Quantile => &self.quantile,
            Key::MinReplicas => &self.min_replicas,
            Key::MaxFloor => &self.max_floor,
            Key::Schedule => &self.schedule,
            Key::Holidays => &self.holidays,
            Key::Timezone => &self.timezone,
            Key::Model => &self.model,
        };
        Key::ALL.into_iter().filter_map(|key| Some((key, value(key).clone()?))).collect()
    }
}

/// Every wrong value as one failure, or notes of what can only be checked with the daemon's configuration.
pub(super) fn checked(
    wanted: &BTreeMap<Key, String>,
    target: &BTreeMap<String, String>,
    config: &Config,
    file: Option<&PathBuf>,
    namespace: Option<&str>,
) -> Result<Vec<String>, Failure> {
    let mut hpa: BTreeMap<String, String> =
        wanted.iter().map(|(key, value)| (key.annotation(), value.clone())).collect();
    // Other keys are checked in every mode but off.
    if hpa.get(&Key::Mode.annotation()).is_none_or(|mode| mode == "off") {
        hpa.insert(Key::Mode.annotation(), "shadow".to_owned());
    }
    let read = annotations::read(&hpa, target, config, namespace.unwrap_or("default"), &BTreeMap::new());
    let errors = read.settings.err().unwrap_or_default();
    let (unsure, wrong): (Vec<_>, Vec<_>) = errors.into_iter().partition(|error| {
        file.is_none() && error.key == Key::Load && error.what.starts_with("there is no load template")
    });
    if !wrong.is_empty() {
        let lines: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        return Err(Failure::new(Exit::Misused, lines.join("\nerror: ")));
    }
    let note = |error: annotations::AnnotationError| {
        format!(
            "whether the daemon has the load template of floorcast.io/load: {} is not checked without --config",
            error.value
        )
    };
    Ok(unsure.into_iter().map(note).collect())
}
