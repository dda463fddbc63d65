//! Where a load comes from.

use super::Failure;
use crate::cli::demo;
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{series::Series, trace::Trace};
use std::path::PathBuf;

/// Where a load comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A file.
    Csv(PathBuf),
}

/// A load, with the name that the report gives it.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) name: String,
    pub(super) series: Series,
}

/// More points than that are no load: two years of 15 s.
const MOST: i64 = 4_500_000;

impl Source {
    /// Reads the load.
    pub(super) fn load(&self) -> Result<Loaded, Failure> {
        match self {
            Self::Csv(file) => {
                let trace = demo::read(file, "--csv")?;
                let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let series =
                    series(&trace).map_err(|why| Failure::misused(format!("--csv {}: {why}", file.display())))?;
                Ok(Loaded { name, series })
            }
        }
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
