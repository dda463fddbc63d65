//! Where a load comes from, if not from an HPA of the cluster.

use super::{
    Backtest, Exit, Failure,
    terms::{Own, Subject},
};
use crate::{
    cli::demo,
    config::{self, Config, Period},
    datasource::{Datasources, RangeQuery},
    metrics::Metrics,
    process,
};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{series::Series, trace::Trace};
use std::{path::Path, sync::Arc};

/// A finer step is replayed only where it is asked for: a look at every 10 s, each over 6 h ahead, would take minutes for a week.
const FINEST: TimeDelta = TimeDelta::minutes(1);
/// More points than that are no load: two years of 15 s.
const MOST: i64 = 4_500_000;

/// A recording.
pub(super) fn csv(file: &Path) -> Result<Subject, Failure> {
    let trace = demo::read(file, "--csv")?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let series = series(&trace).map_err(|why| Failure::misused(format!("--csv {}: {why}", file.display())))?;
    Ok(Subject { name, series, own: Own::default() })
}

/// One series of a datasource.
pub(super) async fn query(query: &str, command: &Backtest) -> Result<Subject, Failure> {
    let config = configuration(command)?;
    let datasource = match (&command.datasource, config.datasources.first()) {
        (Some(name), _) => name.clone(),
        (None, Some(first)) => first.name.clone(),
        (None, None) => return Err(Failure::misused("--query: the configuration has no datasources; add one")),
    };
    let failed = |why: String| Failure::new(Exit::No, why);
    let metrics = Arc::new(Metrics::new(0).map_err(|e| failed(e.to_string()))?);
    let datasources = process::datasources(metrics)(&config).map_err(failed)?;
    let asking = Asking { datasources: &datasources, config: &config, now: Utc::now() };
    let series = asking.range(&datasource, query).await.map_err(Failure::unreachable)?;
    Ok(Subject {
        name: query.to_owned(),
        series,
        own: Own { step: Some(config.defaults.step.get()), ..Own::default() },
    })
}

/// The daemon's configuration, where one is given, with the step of the command line; its own no finer than [`FINEST`].
pub(super) fn configuration(command: &Backtest) -> Result<Config, Failure> {
    let mut config = command.config.as_ref().map(|file| config::load(file)).transpose()?.unwrap_or_default();
    let step = command.step.unwrap_or(config.defaults.step.get().max(FINEST));
    config.defaults.step = Period::seconds(step.num_seconds());
    Ok(config)
}

/// Whom to ask for loads, and when it is.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) datasources: &'a Datasources,
    pub(super) config: &'a Config,
    pub(super) now: DateTime<Utc>,
}

impl Asking<'_> {
    /// The history of a query as the daemon would read it, from its first sample on.
    pub(super) async fn range(&self, datasource: &str, query: &str) -> Result<Series, String> {
        let (defaults, now) = (&self.config.defaults, self.now);
        let (query, start) = (query.to_owned(), now - defaults.history.get());
        let ask = RangeQuery { query, start, end: now, step: defaults.step.get() };
        let reader = self.datasources.get(datasource).map_err(|e| e.to_string())?;
        let answer = reader.range(now, std::slice::from_ref(&ask)).await.pop();
        let answer = answer.ok_or_else(|| "nothing was answered".to_owned())?.map_err(|e| e.to_string())?;
        if answer.is_partial() {
            let warnings = answer.warnings.join("; ");
            return Err(format!("{datasource} answered with warnings, so this may be a part only: {warnings}"));
        }
        let mut series = answer.series;
        let Some(first) = series.values().iter().position(|v| !v.is_nan()) else {
            return Err(reader.why_empty(now, &ask.query).await.map_or_else(|e| e.to_string(), |why| why.to_string()));
        };
        series.forget_before(series.time(first));
        Ok(series)
    }
}

/// The trace on a regular grid. Steps below a minute that do not divide it, or are below 15 s, are brought to 15 s or a minute.
fn series(trace: &Trace) -> Result<Series, String> {
    let step = trace.step().num_seconds();
    let grid = match step {
        1..15 if 15 % step == 0 => 15,
        15..60 if 60 % step == 0 => step,
        ..60 => 60,
        _ => step,
    };
    let first = trace.start().timestamp().div_euclid(grid) * grid;
    let offset = if grid == step { trace.start().timestamp() - first } else { 0 };
    let count = (trace.end().timestamp() - first - offset).div_euclid(grid);
    if count > MOST {
        return Err(format!("{count} steps of {grid} s are too many (at most {MOST}); cut the file, or average it"));
    }
    let at = |second: i64| DateTime::<Utc>::from_timestamp(second, 0).and_then(|t| trace.at(t));
    let mean = |begin: i64| {
        let seen = (0..grid).step_by(step.clamp(1, grid) as usize).filter_map(|s| at(begin + s));
        let (sum, n) = seen.fold((0.0, 0_u32), |(sum, n), value| (sum + value, n + 1));
        if n == 0 { f32::NAN } else { (sum / f64::from(n)) as f32 }
    };
    let values = (0..count).map(|i| mean(first + offset + i * grid)).collect();
    let start = DateTime::from_timestamp(first, 0).unwrap_or_default();
    Series::new(start, TimeDelta::seconds(grid), values).map_err(|e| e.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn trace(step: i64, days: i64) -> Trace {
        let mut text = String::new();
        for i in 0..days * 86_400 / step {
            writeln!(text, "{},{}", 1_772_409_610 + i * step, i % 7).unwrap();
        }
        Trace::parse(&text).unwrap()
    }

    #[test]
    fn odd_steps_come_to_a_grid() {
        for (step, grid) in [(1800, 1800), (90, 90), (60, 60), (30, 30), (25, 60), (5, 15), (7, 60)] {
            let series = series(&trace(step, 3)).unwrap();
            assert_eq!(series.step_seconds(), grid, "{step}");
            assert!(series.coverage() > 0.99, "{step}: {}", series.coverage());
        }
    }
}
