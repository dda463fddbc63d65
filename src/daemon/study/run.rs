//! One run of a study: derive the loads if due, ask for what is new, learn if due, forecast, plan.

use super::{
    Findings, Found, Trouble, backcast, derive,
    papers::{Paper, Papers, events, learning},
    spread,
};
use crate::{
    annotations::Settings,
    config::Config,
    daemon::{LearnOn, entry::Key},
    datasource::{Datasources, RangeQuery, Reader},
    http::api,
    kubernetes::{Workload, events::EventReason, observe::Cluster},
};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    decide::Derivation,
    events::{Occurrence, expect, going_on},
    feedback::Response,
    forecast::Forecast,
    hpa::Tolerance,
    lead_time::Lead,
    learn::{Learned, Learning},
    plan::{Curve, plan_of},
    series::Series,
    units::Demand,
};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use tokio::sync::Semaphore;

/// Most points of a forecast that the API shows.
const POINTS: usize = 289;
/// How much of the past the API shows, and how finely: 49 values of four bytes a load.
const RECENT: TimeDelta = TimeDelta::hours(12);
const RECENT_STEP: TimeDelta = TimeDelta::minutes(15);
/// Share of samples at `maxReplicas` and above the target from which it is told: a quarter of an hour a day.
const OFTEN_CENSORED: f64 = 0.01;
/// A datasource's clock may differ this much before it is told, and this much before nothing is raised by it.
const SKEW_TOLD: TimeDelta = TimeDelta::seconds(30);
const SKEW_REFUSED: TimeDelta = TimeDelta::minutes(5);

/// What every run needs.
pub(in crate::daemon) struct Desk {
    pub(in crate::daemon) cluster: Cluster,
    pub(in crate::daemon) datasources: Arc<Datasources>,
    pub(in crate::daemon) config: Arc<Config>,
    pub(in crate::daemon) now: super::super::Clock,
    /// Learning is computing: as many at a time as leaves a core to everything else.
    pub(in crate::daemon) cores: Arc<Semaphore>,
    /// Where.
    pub(in crate::daemon) learn_on: super::super::LearnOn,
}

/// What one run is about.
pub(in crate::daemon) struct Brief {
    pub(in crate::daemon) key: Key,
    pub(in crate::daemon) workload: Arc<Workload>,
    pub(in crate::daemon) settings: Settings,
    pub(in crate::daemon) lead: Lead,
    pub(in crate::daemon) derive: bool,
    pub(in crate::daemon) learn: bool,
}

/// What comes back from a run.
pub(in crate::daemon) struct Report {
    pub(in crate::daemon) key: Key,
    pub(in crate::daemon) uid: String,
    pub(in crate::daemon) papers: Papers,
    pub(in crate::daemon) findings: Findings,
    /// Creation → first Ready of the pods, where they were listed.
    pub(in crate::daemon) startups: Vec<TimeDelta>,
}

/// Does everything that is due. Failures are findings: a run never fails as a whole.
pub(in crate::daemon) async fn run(desk: Arc<Desk>, brief: Brief, mut papers: Papers) -> Report {
    let now = (desk.now)();
    let mut startups = Vec::new();
    let mut troubles = Vec::new();
    papers.loads.iter_mut().for_each(Paper::wake);
    if derive::is_due(&brief, &papers, now) {
        match derive::derive(&desk, &brief, &mut papers, now).await {
            Ok(seen) => startups = seen,
            Err(trouble) => troubles.push(trouble),
        }
    }
    fetch(&desk, &mut papers, now).await;
    let past = backcast::fetch(&desk, &brief, &mut papers, now).await;
    let events = events(&brief.settings, &desk.config, now);
    let lead = brief.lead.seen_late(papers.late()).value;
    let how = learning(&brief.settings, &desk.config, (now, lead), &events);
    let days = days(&how, &brief.settings, now);
    let every = learn_period(&desk.config, &brief.key);
    // A closed semaphore is a daemon that is going away: then nothing is learned any more.
    let permit = desk.cores.clone().acquire_owned().await.ok();
    let relearn = brief.learn;
    let config = Arc::clone(&desk.config);
    let workload = Arc::clone(&brief.workload);
    let compute = move || {
        let _permit = permit;
        if let Some(past) = &past {
            backcast::weigh(&mut papers, past);
        }
        for paper in &mut papers.loads {
            paper.count(now, workload.target.current);
            if relearn {
                paper.study.forget();
            }
            paper.learn(now, &how, every, &going_on(&events, now));
        }
        let tolerance = backcast::arithmetic(&workload, &config).tolerance;
        let mut findings = findings(&papers, now, troubles, (tolerance, &events, &days));
        backcast::judge(&mut papers, past, &workload, &config, now, &mut findings);
        papers.loads.iter_mut().for_each(Paper::rest);
        (papers, findings)
    };
    let computed = match desk.learn_on {
        LearnOn::Threads => tokio::task::spawn_blocking(compute).await.map_err(|error| error.to_string()),
        LearnOn::OwnTask => catch_unwind(AssertUnwindSafe(compute)).map_err(|_| "it panicked".to_owned()),
    };
    let (papers, findings) = computed.unwrap_or_else(|why| (Papers::default(), panicked(&why)));
    Report { uid: brief.workload.target.uid.clone(), key: brief.key, papers, findings, startups }
}

/// Asks every datasource for what is new, all loads of one datasource in one call.
async fn fetch(desk: &Desk, papers: &mut Papers, now: DateTime<Utc>) {
    let mut asks: BTreeMap<String, Vec<(usize, RangeQuery)>> = BTreeMap::new();
    for (i, paper) in papers.loads.iter().enumerate() {
        if let Some(query) = paper.history.next(now) {
            asks.entry(paper.load.datasource.clone()).or_default().push((i, query));
        }
    }
    for (name, asked) in asks {
        let (places, queries): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        match desk.datasources.get(&name) {
            Ok(reader) => {
                let answers = reader.range(now, &queries).await;
                for (place, answer) in places.into_iter().zip(answers) {
                    let paper = &mut papers.loads[place];
                    paper.absorb(now, answer);
                    explain_nothing(reader, paper, now).await;
                }
            }
            Err(error) => {
                for place in places {
                    papers.loads[place].unread = Some(error.clone());
                }
            }
        }
    }
}

/// A query that never gave a sample is explained once per derivation, with the names that are like the one asked for.
async fn explain_nothing(reader: &Reader, paper: &mut Paper, now: DateTime<Utc>) {
    if !paper.never_seen() {
        paper.nothing = None;
    } else if paper.nothing.is_none() {
        paper.nothing = reader.why_empty(now, &paper.load.query).await.ok().map(|why| why.to_string());
    }
}

fn learn_period(config: &Config, key: &Key) -> TimeDelta {
    let every = config.timing.learn.get();
    // Jitter: ± up to `learnJitter` of the period, the same for a name in every process.
    let unit = (spread(&key.to_string()) % 2_001) as f64 / 1_000.0 - 1.0;
    let jitter = every.num_milliseconds() as f64 * config.timing.learn_jitter.get() * unit;
    every + TimeDelta::milliseconds(jitter as i64)
}

fn panicked(why: &str) -> Findings {
    let text = format!("the model failed: {why}; this is a bug of floorcast, please report it");
    let trouble = Trouble { code: "ModelFailed", text, event: EventReason::ModelFailed, blocks: true };
    Findings { troubles: vec![trouble], ..Findings::default() }
}

/// What is told of the holidays of today and tomorrow, and of what is left out of the history.
fn days(how: &Learning, settings: &Settings, now: DateTime<Utc>) -> Vec<String> {
    let today = now.with_timezone(&settings.policy.zone).date_naive();
    let near = how.holidays.iter().filter(|day| (0..=1).contains(&(day.date() - today).num_days()));
    let holidays = near
        .map(|day| format!("{day} is a holiday: forecast as the holidays and Sundays before it, with a wider margin"));
    let excluded = settings.excluded.iter().filter(|window| window.from < now).map(|window| {
        let (from, to) = (window.from.format("%F %H:%M"), window.to.format("%F %H:%M"));
        let reason = window.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("excluded by configuration{reason}: {from} to {to} UTC")
    });
    holidays.chain(excluded).collect()
}

fn findings(
    papers: &Papers,
    now: DateTime<Utc>,
    mut troubles: Vec<Trouble>,
    (tolerance, events, days): (Tolerance, &[Occurrence], &[String]),
) -> Findings {
    let (loads, forecasts): (Vec<Found>, Vec<_>) =
        papers.loads.iter().map(|paper| found(paper, now, events, days)).unzip();
    for paper in &papers.loads {
        troubles.extend(trouble_of(paper));
    }
    troubles.extend(papers.left_out.iter().map(|refusal| Trouble {
        code: refusal.as_str(),
        text: format!("one of the HPA's metrics is left out: {refusal}"),
        event: EventReason::Underivable,
        blocks: false,
    }));
    let curves: Option<Vec<Curve<'_>>> = loads
        .iter()
        .zip(&forecasts)
        .map(|(found, forecast)| Some(curve(found, forecast.as_ref()?, tolerance)))
        .collect();
    let plan = curves.filter(|c| !c.is_empty()).and_then(|c| plan_of(&c));
    Findings { plan, loads, late: papers.late(), troubles, verdict: None, derivation: Derivation::default() }
}

/// What the load needs, by what the HPA itself leaves alone.
fn curve<'a>(found: &Found, forecast: &'a Forecast, tolerance: Tolerance) -> Curve<'a> {
    Curve {
        origin: forecast.origin,
        step: forecast.step,
        upper: &forecast.upper,
        per: tolerance.accepted(found.useful),
    }
}

/// What is known of one load, and its forecast: a tick needs the plan that is made of it, not the forecast itself.
fn found(paper: &Paper, now: DateTime<Utc>, events: &[Occurrence], days: &[String]) -> (Found, Option<Forecast>) {
    let learned = paper.study.learned();
    let series = paper.history.series();
    let newest = series.and_then(Series::newest);
    let value = newest.zip(series).and_then(|(end, s)| s.at(end - s.step())).and_then(Demand::new);
    let forecast = learned.map(|l| {
        let mut forecast = l.forecast(now);
        expect(&mut forecast, events);
        forecast
    });
    let mut view = view(paper, learned, forecast.as_ref(), value);
    view.newest = newest;
    view.recent = series.map(recent).unwrap_or_default();
    view.notes.extend(days.iter().cloned());
    let found = Found {
        view: view.into(),
        per_replica: paper.load.per_replica,
        useful: paper.useful(),
        now: value,
        newest,
        most_seen: learned.map(Learned::most_seen),
        distrust: skewed(paper)
            .or_else(|| falls(paper))
            .or_else(|| paper.study.trust().filter(|t| !t.trusted).map(|t| t.why.clone())),
    };
    (found, forecast)
}

/// Clocks that differ so much that "now" means two things: nothing may be raised by such a history.
fn skewed(paper: &Paper) -> Option<String> {
    let skew = paper.skew.filter(|skew| skew.abs() > SKEW_REFUSED)?;
    Some(format!(
        "the clock of datasource {} differs from ours by {} s (at most {} s); set both by NTP",
        paper.load.datasource,
        skew.num_seconds(),
        SKEW_REFUSED.num_seconds()
    ))
}

/// A load that falls as replicas rise is no total: a floor on it would undo itself.
fn falls(paper: &Paper) -> Option<String> {
    matches!(paper.response, Some(Response::Falls { .. })).then(|| paper.response.map(|r| r.to_string())).flatten()
}

fn view(paper: &Paper, learned: Option<&Learned>, forecast: Option<&Forecast>, now: Option<Demand>) -> api::Load {
    let mut notes: Vec<String> = learned.into_iter().flat_map(Learned::notes).map(ToString::to_string).collect();
    notes.extend(paper.load.minds.iter().cloned());
    notes.extend(paper.response.filter(|r| !matches!(r, Response::Unknown { .. })).map(|r| r.to_string()));
    if let Some((have, want)) = paper.history.short() {
        notes.push(format!("history: {} h of {} h wanted", have.num_hours(), want.num_hours()));
    }
    let weight = |(model, weight): (&str, f64)| api::Weight { model: model.to_owned(), weight };
    api::Load {
        name: paper.load.name.clone(),
        query: paper.load.query.clone(),
        datasource: paper.load.datasource.clone(),
        per_replica: Some(paper.load.per_replica.get()),
        explain: paper.load.explain.clone(),
        now: now.map(Demand::get),
        sample_age_seconds: None,
        newest: None,
        model: learned.map(|l| l.model().to_owned()),
        weights: learned.map(|l| l.weights().into_iter().map(weight).collect()).unwrap_or_default(),
        score: learned.map(Learned::score).filter(|s| s.origins > 0).map(score),
        trust: paper.study.trust().map(|t| api::Trust { trusted: t.trusted, why: t.why.clone() }),
        coverage: learned.and_then(Learned::coverage_live),
        recent: api::Recent::default(),
        forecast: forecast.map(points).unwrap_or_default(),
        notes,
    }
}

fn score(score: floorcast_models::backtest::Score) -> api::Score {
    // Against a naive forecast without any error every ratio is endless: no number says that.
    let mase = Some(score.mase).filter(|mase| *mase < f64::MAX);
    api::Score { mase, wape: score.wape, pinball: score.pinball, coverage: score.coverage }
}

/// The newest samples, of each stretch the highest.
fn recent(series: &Series) -> api::Recent {
    let per = (RECENT_STEP.num_seconds() / series.step_seconds()).max(1) as usize;
    let length = series.step_seconds() * per as i64;
    let most = (RECENT.num_seconds() / length).max(1) + 1;
    // Whole stretches by the clock, so that a value stays what it was when the next sample comes.
    let first = series.end().timestamp().div_euclid(length) * length - (most - 1) * length;
    let Some(from) = DateTime::from_timestamp(first, 0) else { return api::Recent::default() };
    let highest = |i: i64| {
        let begin = from + TimeDelta::seconds(i * length);
        let known = (0..per).filter_map(|j| series.at(begin + series.step() * j as i32));
        known.reduce(f64::max).map(|v| v as f32)
    };
    api::Recent::new(from, TimeDelta::seconds(length), (0..most).map(highest))
}

/// At most [`POINTS`] points of the forecast; of those left out the highest upper value is kept.
fn points(forecast: &Forecast) -> api::Points {
    let per = forecast.len().div_ceil(POINTS).max(1);
    let step = forecast.step * i32::try_from(per).unwrap_or(i32::MAX);
    let values = (0..forecast.len()).step_by(per).map(|i| {
        let until = (i + per).min(forecast.len());
        let upper = forecast.upper[i..until].iter().copied().fold(0.0, f64::max);
        (forecast.point[i] as f32, upper as f32)
    });
    api::Points::new(forecast.origin, step, values)
}

fn trouble_of(paper: &Paper) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    let name = &paper.load.name;
    if let Some(error) = &paper.unread {
        let event = read_event(error.as_str());
        troubles.push(Trouble { code: error.as_str(), text: format!("load {name}: {error}"), event, blocks: true });
    }
    if let Some(warning) = &paper.partial {
        let text = format!("load {name}: the answer is partial and was left out: {warning}");
        troubles.push(Trouble { code: "PartialData", text, event: EventReason::PartialData, blocks: true });
    }
    if let Some(skew) = paper.skew.filter(|skew| skew.abs() > SKEW_TOLD) {
        let seconds = skew.num_seconds();
        let text = format!("load {name}: the datasource's clock differs from ours by {seconds} s; set both by NTP");
        let blocks = skew.abs() > SKEW_REFUSED;
        troubles.push(Trouble { code: "ClockSkew", text, event: EventReason::ClockSkew, blocks });
    }
    troubles.extend(dependence(paper));
    if let Some(nothing) = &paper.nothing {
        let text = format!("load {name}: {nothing}");
        troubles.push(Trouble { code: "EmptyResult", text, event: EventReason::EmptyResult, blocks: true });
    }
    if let Some(why) = paper.study.unlearnable().filter(|_| paper.nothing.is_none()) {
        let event = match why.as_str() {
            "model-failed" => EventReason::ModelFailed,
            "no-history" => EventReason::EmptyResult,
            _ => EventReason::HistoryShort,
        };
        troubles.push(Trouble { code: why.as_str(), text: format!("load {name}: {why}"), event, blocks: true });
    }
    troubles
}

/// What the replicas do to the load, and what that means for its floors.
fn dependence(paper: &Paper) -> Vec<Trouble> {
    let name = &paper.load.name;
    let depends = |text: String, blocks| Trouble {
        code: "MetricDependsOnReplicas",
        text,
        event: EventReason::MetricDependsOnReplicas,
        blocks,
    };
    let mut troubles = Vec::new();
    match paper.response {
        Some(response @ Response::Falls { .. }) => troubles.push(depends(
            format!(
                "load {name}: {response}; no floor is raised on it: use a query of the total load, without avg, quotients or percentages"
            ),
            true,
        )),
        Some(response @ Response::Overhead { share, .. }) if response.overhead().is_some() => troubles.push(depends(
            format!(
                "load {name}: {response}; it is taken out of the history, and each replica is left {:.0} % of its target: a template \
                 by request rate needs no such correction",
                (1.0 - share) * 100.0
            ),
            false,
        )),
        _ => {}
    }
    if paper.censored > OFTEN_CENSORED {
        let text = format!(
            "load {name}: in {:.1} % of the samples the target stood at maxReplicas with every replica above its target: demand was \
             higher than measured, and peaks are learned too low; raise maxReplicas",
            paper.censored * 100.0
        );
        troubles.push(Trouble { code: "DemandCensored", text, event: EventReason::DemandCensored, blocks: false });
    }
    troubles
}

/// The event that tells a reader's error, by its class.
fn read_event(class: &str) -> EventReason {
    match class {
        "query_rejected" | "too_many_samples" => EventReason::QueryRejected,
        "unauthorized" | "credentials" => EventReason::DatasourceUnauthorized,
        "ambiguous_series" => EventReason::AmbiguousSeries,
        "malformed_response" | "login_page" | "not_json" | "too_large" => EventReason::MalformedResponse,
        _ => EventReason::MetricsUnavailable,
    }
}
