//! From a load and the arguments to the report.

use super::progress::Progress;
use super::recommend::{Case, Recommendation};
use super::report::{Curves, Figures, ForecastFigures, Report, Settings, rounded};
use super::terms::{Subject, Terms};
use super::verdict::Verdict;
use super::{Backtest, Failure};
use crate::http::api::VERSION;
use chrono::TimeDelta;
use floorcast_models::events::KnownEvent;
use floorcast_models::learn::Learning;
use floorcast_models::replay::equal::QUANTILES;
use floorcast_models::replay::{Choice, Forecaster, Ground, Noise, Outlook, Played, Recorded, Setup, Span, Strategy};
use floorcast_models::series::Series;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Said where a replay is no ground for a recommendation.
pub(super) const TOO_SHORT: &str = "nothing is compared at equal service or recommended: that takes two replayed days, one to tune by and one to judge on";

/// The whole backtest: learns, replays every policy, tunes them for equal service.
pub(super) fn report(loaded: &Subject, command: &Backtest, progress: &Progress) -> Result<Report, Failure> {
    let refused = |why: String| Failure::misused(format!("{}: {why}", loaded.name));
    let terms = Terms::of(command, &loaded.own);
    let noise = if command.no_noise { Noise::NONE } else { Noise::measured(loaded.series.step()) };
    let load = Recorded::new(&loaded.series, noise, command.seed)
        .map_err(|e| refused(e.to_string()))?
        .ok_or_else(|| refused("not a single sample".to_owned()))?;
    let history = load.history(terms.step).map_err(|e| {
        refused(format!("{e}, on which it is replayed; write --step as a multiple of it: 1m, 5m or 15m"))
    })?;
    let span = Span::of(&load, terms.step, command.days);
    if load.end() - span.from < TimeDelta::hours(12) {
        let days = (load.end() - load.start()).num_minutes() as f64 / 1440.0;
        return Err(refused(format!(
            "{days:.1} days of load are too few: a day is learned from, half a day at least is replayed"
        )));
    }
    let setup = terms.setup(&load).ok_or_else(|| refused("the load is 0 throughout".to_owned()))?;
    let tuned = !command.no_equal_service && span.has_days_to_judge();
    let others = QUANTILES.into_iter().filter(|other| tuned && (other - terms.quantile).abs() > f64::EPSILON);
    let quantiles: Vec<f64> = [terms.quantile].into_iter().chain(others).collect();
    let outlooks =
        outlooks(&history, span, &setup, (&terms, &quantiles), progress).map_err(|e| refused(e.to_string()))?;
    let outlook = outlooks.first().ok_or_else(|| refused("nothing was learned".to_owned()))?;
    let foresight = Outlook::foreseen(&load, terms.step, span.from..span.until, setup.lead());
    let wishes = terms.wishes();
    let ground = Ground {
        setup: &setup,
        load: &load,
        history: &history,
        outlook,
        foresight: &foresight,
        wishes: &wishes,
        seed: command.seed,
    };
    let played = plain(&ground, terms.utilisation, span, progress);
    let compared = tuned.then(|| {
        let done = |n: usize, of: usize| progress.at("tuning for equal service", 0.4 + 0.5 * n as f64 / of as f64);
        super::equal::service(&ground, &outlooks, command.starved_budget, span, done)
    });
    let recommendation = compared.as_ref().and_then(|compared| {
        progress.at("what to recommend", 0.9);
        let (hpa, budget) = (loaded.own.hpa.as_ref(), command.starved_budget);
        Recommendation::of(Case { ground: &ground, terms: &terms, hpa, budget, span }, &compared.contenders)
    });
    let (equal_service, floorcast_dead_at_peak) = compared.map(|c| (c.rows, c.dead)).unwrap_or_default();
    let policies: Vec<Figures> = played.iter().map(|(strategy, played)| Figures::of(*strategy, played)).collect();
    let forecast = ForecastFigures {
        trusted_share: rounded(outlook.trusted_share(), 4),
        distrust: outlook.last_distrust().map(str::to_owned),
        unlearnable: outlook.unlearnable().map(ToString::to_string),
    };
    let settings = settings(loaded, (command, &terms), (&load, &setup), span, noise);
    let verdict = Verdict::of(&policies, &forecast, span.until - span.from);
    let curves = Curves::of(&played, outlook, span.from);
    let (version, trace) = (VERSION, loaded.name.clone());
    Ok(Report {
        version,
        trace,
        settings,
        policies,
        equal_service,
        floorcast_dead_at_peak,
        forecast,
        verdict,
        recommendation,
        curves,
    })
}

fn settings(
    loaded: &Subject,
    (command, terms): (&Backtest, &Terms),
    (load, setup): (&Recorded, &Setup),
    span: Span,
    noise: Noise,
) -> Settings {
    let target = setup.per_replica(terms.utilisation).get();
    let mut notes = loaded.own.notes.clone();
    if !command.no_equal_service && !span.has_days_to_judge() {
        notes.push(TOO_SHORT.to_owned());
    }
    Settings {
        start: load.start(),
        from: span.from,
        until: span.until,
        judged_from: span.judged_from,
        step_seconds: loaded.series.step_seconds(),
        learned_step_seconds: terms.step.num_seconds(),
        noise: [noise.quick, noise.slow],
        pod_start_seconds: terms.pod_start.num_seconds(),
        lead_seconds: setup.lead().num_seconds(),
        replicas_at_mean: rounded(load.mean(load.start(), load.end()).unwrap_or(0.0) / target, 6),
        target_per_replica: target,
        utilisation: terms.utilisation,
        saturation: 100.0 / f64::from(terms.utilisation),
        metric: match terms.metric {
            super::Metric::Cpu => "cpu",
            super::Metric::Load => "load",
        },
        min_replicas: terms.min_replicas,
        max_replicas: setup.max(terms.utilisation).get(),
        quantile: terms.quantile,
        starved_budget: command.starved_budget,
        seed: command.seed,
        notes,
    }
}

/// What floorcast would have known, first at the quantile asked for.
fn outlooks(
    history: &Series,
    span: Span,
    setup: &Setup,
    (terms, quantiles): (&Terms, &[f64]),
    progress: &Progress,
) -> Result<Vec<Outlook>, floorcast_models::series::SeriesError> {
    let how = |quantile: f64| terms.learning(quantile, setup.lead(), history.start(), history.end());
    let events = terms.wishes().events;
    let job = |quantile: &f64| {
        let (how, events) = (how(*quantile), &events);
        move || learned(history, span, (how, events), progress)
    };
    let jobs = quantiles.iter().map(job).collect();
    parallel(jobs, |_| {}).into_iter().collect()
}

/// Everything that floorcast would have known, with progress.
fn learned(
    history: &Series,
    span: Span,
    (how, events): (Learning, &[KnownEvent]),
    progress: &Progress,
) -> Result<Outlook, floorcast_models::series::SeriesError> {
    let mut forecaster = Forecaster::new(history, span.from, span.until, how)?.expecting(events);
    let whole = forecaster.left().max(1) as f64;
    while forecaster.left() > 0 {
        forecaster.advance(288);
        progress.at("learning and forecasting", 0.3 * (1.0 - forecaster.left() as f64 / whole));
    }
    Ok(forecaster.finish())
}

/// All policies at one setting.
fn plain(ground: &Ground<'_>, utilisation: u32, span: Span, progress: &Progress) -> Vec<(Strategy, Played)> {
    let jobs: Vec<_> = Strategy::PLAIN
        .into_iter()
        .map(|strategy| move || (strategy, ground.play(&Choice::of(strategy, utilisation), span.from, span.until)))
        .collect();
    let whole = jobs.len() as f64;
    parallel(jobs, |done| progress.at("replaying", 0.3 + 0.1 * done as f64 / whole))
}

/// Runs jobs on all cores; the results are in the order of the jobs.
pub(super) fn parallel<T: Send>(jobs: Vec<impl FnOnce() -> T + Send>, done: impl Fn(usize) + Sync) -> Vec<T> {
    let slots: Vec<Mutex<Option<T>>> = jobs.iter().map(|_| Mutex::new(None)).collect();
    let jobs: Vec<Mutex<Option<_>>> = jobs.into_iter().map(|job| Mutex::new(Some(job))).collect();
    let (next, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(i) else { return };
            if let Some(job) = job.lock().ok().and_then(|mut job| job.take()) {
                let result = job();
                if let Ok(mut slot) = slots[i].lock() {
                    *slot = Some(result);
                }
            }
            done(finished.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores.min(jobs.len()) {
            scope.spawn(work);
        }
    });
    slots.into_iter().filter_map(|slot| slot.into_inner().ok().flatten()).collect()
}
