//! Days that are not like others: holidays and known events, by namespace and label.

use super::{Number, Selector, Start, WindowPeriod, zone::Zone};
use crate::holidays::Listed;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use floorcast_models::{
    events::{KnownEvent, When},
    schedule::Recurrence,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// HPAs of these namespaces with these labels have these holidays. All rules that match count; the annotation
/// `floorcast.io/holidays` on an object stands instead of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HolidayRule {
    /// Namespaces, `*` standing for any characters; absent: every namespace that is watched.
    #[serde(default = "super::opt_in::everywhere")]
    pub namespaces: Vec<String>,
    /// Labels of the HPA; absent: every HPA.
    #[serde(default)]
    pub selector: Selector,
    /// Countries (their national public holidays) and single days.
    pub days: Vec<Listed>,
}

/// HPAs of these namespaces with these labels expect this event: once (`from`, `to`) or recurring (`start`, `duration`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventRule {
    /// Namespaces, `*` standing for any characters; absent: every namespace that is watched.
    #[serde(default = "super::opt_in::everywhere")]
    pub namespaces: Vec<String>,
    /// Labels of the HPA; absent: every HPA.
    #[serde(default)]
    pub selector: Selector,
    /// First instant of an event that takes place once, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub from: Option<DateTime<Utc>>,
    /// The first instant after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub to: Option<DateTime<Utc>>,
    /// When a recurring event begins: a cron expression of five fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    /// How long the wall clock runs until it ends, `1m` to `31d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<WindowPeriod>,
    /// Whose wall clock; absent: the workload's, else `defaults.timezone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<Zone>,
    /// Expected load as a multiple of the usual one.
    pub factor: Number<50, 50_000>,
    /// Why, for `explain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl HolidayRule {
    /// Whether an HPA of this namespace with these labels is meant.
    pub fn matches(&self, namespace: &str, labels: &BTreeMap<String, String>) -> bool {
        super::opt_in::concerns(&self.namespaces, &self.selector, namespace, labels)
    }
}

impl EventRule {
    /// Whether an HPA of this namespace with these labels is meant.
    pub fn matches(&self, namespace: &str, labels: &BTreeMap<String, String>) -> bool {
        super::opt_in::concerns(&self.namespaces, &self.selector, namespace, labels)
    }

    /// The event as the core wants it; `zone` where it names none. `None` where it does not say when: such a rule is refused.
    pub fn event(&self, zone: Tz) -> Option<KnownEvent> {
        let when = match (self.from, self.to, &self.start, self.duration) {
            (Some(from), Some(to), None, None) => When::Once { from, to },
            (None, None, Some(start), Some(duration)) => When::Recurring(Box::new(Recurrence {
                start: start.0.clone(),
                lasts: duration.get(),
                zone: self.timezone.map_or(zone, |zone| zone.0),
            })),
            _ => return None,
        };
        let text = self.reason.clone().unwrap_or_else(|| "events of the configuration".to_owned());
        Some(KnownEvent { when, factor: self.factor.get(), text: text.into() })
    }

    /// Once or recurring, and in the right order.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if self.event(Tz::UTC).is_none() {
            return Some(
                "the event does not say when\nan event has from and to, or start and duration, and not both\nwrite for example from: 2026-11-27T00:00:00Z and to: 2026-11-28T00:00:00Z",
            );
        }
        match (self.from, self.to) {
            (Some(from), Some(to)) if from >= to => {
                Some("the event ends before it begins\nto must be later than from\nexchange them")
            }
            _ => None,
        }
    }
}
