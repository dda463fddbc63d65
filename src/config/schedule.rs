//! Scheduled floors without touching a manifest: windows by namespace and label.

use super::{Count, Period, Selector, period::quoted, zone::Zone};
use chrono_tz::Tz;
use floorcast_models::{
    schedule::{Cron, Recurrence, Window},
    units::Replicas,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// The shortest and longest window: a minute, and a month of 31 days.
pub type WindowPeriod = Period<60_000, { 31 * 24 * 3_600_000 }>;

/// HPAs of these namespaces with these labels have these windows. All rules that match count; the annotation
/// `floorcast.io/schedule` on an object stands instead of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduleRule {
    /// Namespaces, `*` standing for any characters; absent: every namespace that is watched.
    #[serde(default = "super::opt_in::everywhere")]
    pub namespaces: Vec<String>,
    /// Labels of the HPA; absent: every HPA.
    #[serde(default)]
    pub selector: Selector,
    /// The windows.
    pub windows: Vec<ScheduledWindow>,
}

/// One recurring window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduledWindow {
    /// When it opens: a cron expression of five fields.
    pub start: Start,
    /// How long the wall clock runs until it closes, `1m` to `31d`.
    pub duration: WindowPeriod,
    /// Replicas needed while it is open.
    pub replicas: Count<1, 1_000_000>,
    /// Whose wall clock; absent: the workload's, else `defaults.timezone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<Zone>,
    /// Why, for `explain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ScheduleRule {
    /// Whether an HPA of this namespace with these labels is meant.
    pub fn matches(&self, namespace: &str, labels: &BTreeMap<String, String>) -> bool {
        super::opt_in::concerns(&self.namespaces, &self.selector, namespace, labels)
    }
}

impl ScheduledWindow {
    /// The window as the core wants it; `zone` where it names none.
    pub fn window(&self, zone: Tz) -> Window {
        let reason = self.reason.as_ref().map(|reason| format!("{reason}: ")).unwrap_or_default();
        let text = format!("{reason}{}, {}, {}", self.start.0.as_str(), self.duration, self.replicas.get());
        let start = self.start.0.clone();
        let when = Recurrence { start, lasts: self.duration.get(), zone: self.timezone.map_or(zone, |zone| zone.0) };
        Window { when, replicas: Replicas::new(self.replicas.get()), text: text.into() }
    }
}

/// A cron expression of five fields.
#[derive(Clone, PartialEq, Eq)]
pub struct Start(pub Cron);

/// Reads a cron expression whose first character is number `at` (from 0) of what the user wrote; the error is a message of three
/// lines: what, why, remedy.
pub fn start(text: &str, at: usize) -> Result<Cron, String> {
    Cron::parse(text).map_err(|fault| {
        format!(
            "{} is no cron expression\ncharacter {}: {}\nwrite minute, hour, day of the month, month, day of the week, such as 0 18 * * 5 for Fridays at 18:00",
            quoted(text),
            at + fault.position + 1,
            fault.why
        )
    })
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Serialize for Start {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        start(&Cow::<'de, str>::deserialize(from)?, 0).map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for Start {
    fn schema_name() -> Cow<'static, str> {
        "Start".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "a cron expression of five fields, such as 0 18 * * 5" })
    }
}
