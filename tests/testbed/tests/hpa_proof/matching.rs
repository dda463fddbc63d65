//! What of a sync can be seen from outside, of the real one and of the simulated one.

use floorcast_models::hpa::condition::{Able, Active, Conditions, Limit};
use floorcast_models::hpa::{Current, Event, Verdict};
use serde_json::Value;

use crate::record::{Sync, Write};

/// The status of an HPA and the write of a size.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) current: i32,
    pub(crate) desired: i32,
    pub(crate) conditions: Conditions,
    /// A condition whose reason no version of the simulator knows.
    pub(crate) strange: Option<String>,
    /// The size that was written, or that was tried in vain.
    pub(crate) size: Option<i32>,
}

impl Seen {
    /// What the controller did, given the status before.
    pub(crate) fn real(sync: &Sync, before: &Self) -> Self {
        let size = sync.size.as_ref().map(|write| write.value);
        match &sync.status {
            Some(write) => Self { size, ..Self::status(&write.value) },
            None => Self { size, ..before.clone() },
        }
    }

    fn status(hpa: &Value) -> Self {
        let number = |at: &str| hpa.pointer(at).and_then(Value::as_i64).unwrap_or(0) as i32;
        let mut seen = Self {
            current: number("/status/currentReplicas"),
            desired: number("/status/desiredReplicas"),
            ..Self::default()
        };
        for condition in hpa.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten() {
            seen.condition(condition);
        }
        seen
    }

    fn condition(&mut self, condition: &Value) {
        let word = |key: &str| condition[key].as_str().unwrap_or_default();
        let (kind, status, reason) = (word("type"), word("status") == "True", word("reason"));
        let conditions = &mut self.conditions;
        match kind {
            "AbleToScale" => conditions.able = Able::ALL.into_iter().find(|r| r.as_str() == reason),
            "ScalingActive" => conditions.active = Active::ALL.into_iter().find(|r| r.as_str() == reason),
            "ScalingLimited" => {
                conditions.limited = Limit::ALL.into_iter().find(|r| r.as_str() == reason).map(|r| (status, r));
            }
            "ScaledToZero" => conditions.scaled_to_zero = Some(status),
            _ => {}
        }
        if !conditions.list().contains(&(kind_of(kind), status, reason_of(*conditions, kind)))
            || reason_of(*conditions, kind) != reason
        {
            self.strange = Some(format!("{kind}={status}/{reason}"));
        }
    }

    /// What the simulator did, given the status before.
    pub(crate) fn simulated(verdict: &Verdict, before: &Self) -> Self {
        let refused = verdict.events.iter().find_map(|event| match event {
            Event::FailedRescale { to, .. } => Some(*to),
            _ => None,
        });
        Self {
            current: verdict.current.unwrap_or(before.current),
            desired: verdict.desired,
            conditions: verdict.conditions,
            strange: None,
            size: verdict.rescaled_to.or(refused),
        }
    }

    /// One line for messages.
    pub(crate) fn line(&self) -> String {
        let conditions: Vec<String> =
            self.conditions.list().iter().map(|(kind, status, reason)| format!("{kind}={status}/{reason}")).collect();
        let strange = self.strange.as_ref().map_or(String::new(), |s| format!(", unknown {s}"));
        let size = self.size.map_or(String::new(), |size| format!(", sets {size}"));
        format!("current {} desired {}{size}, {}{strange}", self.current, self.desired, conditions.join(" "))
    }
}

fn kind_of(kind: &str) -> &'static str {
    ["AbleToScale", "ScalingActive", "ScalingLimited", "ScaledToZero"].into_iter().find(|k| *k == kind).unwrap_or("")
}

fn reason_of(conditions: Conditions, kind: &str) -> &'static str {
    conditions.list().iter().find(|(k, _, _)| *k == kind).map_or("", |(_, _, reason)| reason)
}

/// Where the written `status.currentMetrics` differ from what the simulator measured.
pub(crate) fn metrics_differ(write: &Write<Value>, verdict: &Verdict, status_replicas: i32) -> Option<String> {
    let written = write.value.pointer("/status/currentMetrics").and_then(Value::as_array);
    let written = written.map_or(&[][..], Vec::as_slice);
    if verdict.current.is_none() || (verdict.currents.is_empty() && written.is_empty()) {
        return None;
    }
    if written.len() != verdict.currents.len() {
        return Some(format!("{} metrics in the status, {} simulated", written.len(), verdict.currents.len()));
    }
    let pairs = written.iter().zip(&verdict.currents).enumerate();
    pairs.into_iter().find_map(|(i, (written, simulated))| {
        let real = current(written);
        // A share of nothing, and of a sum beyond 64 bits: 1.36 shows what the processor makes of infinity.
        let odd = |current: &Current| {
            let huge = current.average.is_some_and(|average| average.unsigned_abs() > 1 << 60);
            current.utilization.is_none() && current.average.is_some() && (huge || status_replicas == 0)
        };
        if real.as_ref().is_some_and(odd) && simulated.is_some() {
            return None;
        }
        (real != *simulated).then(|| format!("metric {i}: {real:?} in the status, {simulated:?} simulated"))
    })
}

fn current(metric: &Value) -> Option<Current> {
    let kinds = ["resource", "containerResource", "pods", "object", "external"];
    let current = kinds.iter().find_map(|kind| metric.get(kind)?.get("current"))?;
    let milli = |key: &str| current.get(key).and_then(Value::as_str).and_then(milli);
    Some(Current {
        average: milli("averageValue"),
        utilization: current.get("averageUtilization").and_then(Value::as_i64).map(|percent| percent as i32),
        value: milli("value"),
    })
}

/// A quantity in thousandths, exactly: integers with one of the suffixes that the API machinery makes of them.
fn milli(text: &str) -> Option<i64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(text.len());
    let number: i128 = text[..end].parse().ok()?;
    let factor: i128 = match &text[end..] {
        "m" => 1,
        "" => 1000,
        "k" => 1000 * 1000,
        "M" => 1000 * 1000 * 1000,
        "G" => 1000 * 1_000_000_000,
        "T" => 1000 * 1_000_000_000_000,
        "P" => 1000 * 1_000_000_000_000_000,
        "Ki" => 1000 << 10,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        "Ti" => 1000 << 40,
        _ => return None,
    };
    i64::try_from(number * factor).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quantities_are_read_exactly() {
        let read = ["250m", "3", "2k", "-5m", "64Mi", "9223372036854775807m"].map(milli);
        let mebi = 64 * 1000 * (1 << 20);
        assert_eq!(read, [Some(250), Some(3000), Some(2_000_000), Some(-5), Some(mebi), Some(i64::MAX)]);
        assert_eq!(milli("1.5"), None);
    }

    #[test]
    fn an_unknown_reason_is_strange() {
        let hpa = |reason: &str| {
            Seen::status(&json!({"status": {"conditions": [
                {"type": "AbleToScale", "status": "True", "reason": reason}]}}))
        };
        assert_eq!(hpa("ReadyForNewScale").strange, None);
        assert!(hpa("NeverHeardOf").strange.is_some());
    }
}
