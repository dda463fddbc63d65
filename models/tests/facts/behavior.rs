//! Facts of clamping, rates, stabilisation, the event log and the queue.

use super::Found;
use super::json::{Case, Malformed, now, object};
use chrono::TimeDelta;
use floorcast_models::hpa::behavior::{self, Change};
use floorcast_models::hpa::enqueue;
use floorcast_models::hpa::{Amount, Behavior, Events, Flags, Log, Policy, Recommendation, Rules, ScaleEvent, Select};
use serde_json::{Map, Value, json};

/// `rules`, absent fields filled in from `default`.
pub fn rules(case: Option<Case>, default: Rules) -> Result<Rules, Malformed> {
    let Some(case) = case else { return Ok(default) };
    let window = case.opt_seconds("stabilization_window_s")?;
    let select = case.opt_text("select_policy")?.map(|word| self::select(&word)).transpose()?;
    let policies = case.opt_list("policies")?;
    let policies = policies.map(|list| list.iter().map(policy).collect::<Result<_, _>>()).transpose()?;
    Ok(Rules {
        window: window.or(default.window),
        select: select.unwrap_or(default.select),
        policies: policies.unwrap_or(default.policies),
        tolerance: case.opt_float("tolerance")?,
    })
}

fn select(word: &str) -> Result<Select, Malformed> {
    match word {
        "Max" => Ok(Select::Max),
        "Min" => Ok(Select::Min),
        "Disabled" => Ok(Select::Disabled),
        other => Err(Malformed(format!("unknown select_policy {other:?}"))),
    }
}

fn policy(case: &Case) -> Result<Policy, Malformed> {
    let value = case.small("value")?;
    let amount = match case.text("type")?.as_str() {
        "Pods" => Amount::Pods(value),
        "Percent" => Amount::Percent(value),
        other => return Err(Malformed(format!("unknown policy type {other:?}"))),
    };
    Ok(Policy { amount, period: case.seconds("period_s")? })
}

/// Scale events under `key`.
pub fn events(case: &Case, key: &str) -> Result<Events, Malformed> {
    let event = |e: &Case| {
        let outdated = e.opt_bool("outdated")?.unwrap_or(false);
        Ok(ScaleEvent { change: e.small("change")?, at: e.ago("ago_s")?, outdated })
    };
    Ok(Events::of(case.list(key)?.iter().map(event).collect::<Result<_, Malformed>>()?))
}

/// `recommendations`; `None` where the HPA was never synced.
pub fn log(case: &Case) -> Result<Option<Log>, Malformed> {
    let entry = |r: &Case| Ok(Recommendation { replicas: r.small("replicas")?, at: r.ago("ago_s")? });
    let list = case.opt_list("recommendations")?;
    list.map(|list| Ok(Log::of(list.iter().map(entry).collect::<Result<_, Malformed>>()?))).transpose()
}

fn change(case: &Case) -> Result<Change, Malformed> {
    Ok(Change {
        now: now(),
        current: case.opt_small("current_replicas")?.unwrap_or_default(),
        desired: case.opt_small("desired_replicas")?.unwrap_or_default(),
        min: case.opt_small("min_replicas")?.unwrap_or(1),
        max: case.opt_small("max_replicas")?.unwrap_or(i32::MAX),
    })
}

/// Group `clamp_without_behavior`. A case may carry the result of production's factor beside that of the tests'.
pub fn clamp_plain(case: &Case) -> Result<Found, Malformed> {
    let factor = case.opt_float("scale_up_limit_factor")?.unwrap_or(8.0);
    let minimum = case.opt_float("scale_up_limit_minimum")?.unwrap_or(4.0);
    let change = change(case)?;
    let with = |factor| {
        let flags = Flags { scale_up_factor: factor, scale_up_minimum: minimum, ..Flags::default() };
        let (replicas, reason) = behavior::clamp_plain(change, &flags);
        object([("replicas", json!(replicas)), ("reason", json!(reason.as_str()))])
    };
    let (mut found, production) = (with(factor), with(2.0));
    for (key, wanted) in case.sub("expect")?.entries()? {
        if !found.contains_key(key) {
            found.insert(key.clone(), in_production(key, wanted, &production));
        }
    }
    Ok(Ok(found))
}

/// `{replicas, reason}` under any name, or `replicas…` and `reason…` under longer names.
fn in_production(key: &str, wanted: &Value, production: &Map<String, Value>) -> Value {
    match wanted {
        Value::Object(asked) => Value::Object(
            production.iter().filter(|(k, _)| asked.contains_key(*k)).map(|(k, v)| (k.clone(), v.clone())).collect(),
        ),
        _ => production[if key.contains("reason") { "reason" } else { "replicas" }].clone(),
    }
}

/// Group `stabilize_without_behavior`.
pub fn stabilise_plain(case: &Case) -> Result<Found, Malformed> {
    let mut log = log(case)?.unwrap_or_default();
    let replicas = log.highest(now(), case.small("desired_replicas")?, case.seconds("window_s")?);
    Ok(Ok(object([("replicas", json!(replicas)), ("log_length", json!(log.entries().len()))])))
}

/// Groups `scale_up_limit` and `scale_down_limit`.
pub fn limit(case: &Case, up: bool) -> Result<Found, Malformed> {
    let (ups, downs) = (events(case, "scale_up_events")?, events(case, "scale_down_events")?);
    let current = case.small("current_replicas")?;
    let (function, default): (fn(_, _, &_, _) -> i32, Rules) = if up {
        (behavior::scale_up_limit, Rules::default_up())
    } else {
        (behavior::scale_down_limit, Rules::default_down())
    };
    let limit = function(now(), current, &rules(case.opt_sub("rules"), default)?, (&ups, &downs));
    Ok(Ok(object([("limit", json!(limit))])))
}

/// Group `clamp_with_behavior_rate`.
pub fn clamp_rate(case: &Case) -> Result<Found, Malformed> {
    let (ups, downs) = (events(case, "scale_up_events")?, events(case, "scale_down_events")?);
    let behavior = Behavior {
        scale_up: rules(case.opt_sub("scale_up_rules"), Rules::default_up())?,
        scale_down: rules(case.opt_sub("scale_down_rules"), Rules::default_down())?,
    };
    let (replicas, reason) = behavior::clamp(change(case)?, &behavior, (&ups, &downs));
    Ok(Ok(object([("replicas", json!(replicas)), ("reason", json!(reason.as_str()))])))
}

/// Group `stabilize_with_behavior`.
pub fn stabilise(case: &Case) -> Result<Found, Malformed> {
    let mut log = log(case)?.unwrap_or_default();
    let up = case.opt_seconds("scale_up_window_s")?;
    let down = case.opt_seconds("scale_down_window_s")?;
    let behavior = Behavior {
        scale_up: Rules { window: up, ..Rules::default_up() },
        scale_down: Rules { window: down, ..Rules::default_down() },
    };
    let (replicas, able) = behavior::stabilise(change(case)?, &behavior, &Flags::default(), &mut log);
    let after: Vec<i32> = log.entries().iter().map(|entry| entry.replicas).collect();
    Ok(Ok(object([
        ("replicas", json!(replicas)),
        ("recommendations_after", json!(after)),
        ("reason", json!(able.as_str())),
    ])))
}

/// Group `store_event`: both directions must come to the same.
pub fn store(case: &Case) -> Result<Found, Malformed> {
    let before = events(case, "events_before")?;
    if let Some(expected) = case.opt_small("change_in_last_60s_before")? {
        let found = before.change_within(now(), TimeDelta::seconds(60));
        if found != expected {
            return Ok(Err(format!("change in the last 60 s before the store: expected {expected}, found {found}")));
        }
    }
    let (up, down) = (stored(case, &before, true)?, stored(case, &before, false)?);
    let direction = case.opt_text("direction")?.unwrap_or_default();
    match () {
        () if direction.starts_with("up") => Ok(Ok(up)),
        () if direction.starts_with("down") || up == down => Ok(Ok(down)),
        () => Ok(Err(format!("the directions differ: up {up:?}, down {down:?}"))),
    }
}

fn stored(case: &Case, before: &Events, up: bool) -> Result<Map<String, Value>, Malformed> {
    let change = case.small("replica_change")?;
    let (mut these, mut others) = (before.clone(), Events::default());
    if let Some(given) = case.opt_sub("rules") {
        let one = rules(Some(given), Rules::default_up())?;
        let behavior = Behavior { scale_up: one.clone(), scale_down: one };
        let events = if up { (&mut these, &mut others) } else { (&mut others, &mut these) };
        let sizes = if up { (0, change) } else { (change, 0) };
        behavior::store_event(now(), sizes, &behavior, events);
    }
    let event = |e: &ScaleEvent| json!({"change": e.change, "outdated": e.outdated});
    Ok(object([("events_after", these.entries().iter().map(event).collect())]))
}

/// Group `enqueue`.
pub fn enqueue(case: &Case) -> Result<Found, Malformed> {
    let gate = case.opt_bool("gate_HPAGeneration")?.unwrap_or(false);
    let generation = |key| case.value(key).and_then(Value::as_i64);
    let (old, new) = (generation("old_generation"), generation("new_generation"));
    let added = case.value("old_generation").is_none() && new.is_some();
    let found = if added { enqueue::on_add(true) } else { enqueue::on_update(old, new, gate) };
    Ok(Ok(object([("enqueue", json!(found.as_str()))])))
}
