//! History on a regular grid. A missing sample is NaN inside and `None` outside; it is never zero.

use chrono::{DateTime, TimeDelta, Utc};

/// Longest series held: eight weeks at 15 s. Bounds memory whatever is asked for.
pub const LONGEST: usize = 8 * 7 * 24 * 3600 / 15;

/// Samples of one load at a fixed step; each value is the mean over `[time(i), time(i) + step)`.
///
/// Values are finite and not negative, or missing. The start is a multiple of the step since the Unix epoch, so that two
/// reads of the same load always share a grid.
///
/// ```
/// use chrono::{DateTime, TimeDelta};
/// use floorcast_models::series::Series;
/// let start = DateTime::from_timestamp(0, 0).unwrap();
/// let s = Series::new(start, TimeDelta::minutes(5), vec![1.0, f32::NAN, 3.0]).unwrap();
/// assert_eq!(s.at(start + TimeDelta::minutes(11)), Some(3.0));
/// assert_eq!(s.at(start + TimeDelta::minutes(5)), None);
/// assert!((s.coverage() - 2.0 / 3.0).abs() < 1e-12);
/// ```
#[derive(Clone, Debug)]
pub struct Series {
    start: i64,
    step: i64,
    values: Vec<f32>,
}

/// Why samples do not make a series.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SeriesError {
    /// The step is not a whole number of seconds from 1 s to 1 day.
    #[error("step of {0} ms: a step is a whole number of seconds, from 1 s to 1 day")]
    Step(i64),
    /// The start is not on the grid.
    #[error("start {start} is not a multiple of the step of {step} s; align start and end of the query to the step")]
    Unaligned {
        /// Start, seconds since the epoch.
        start: i64,
        /// Step in seconds.
        step: i64,
    },
    /// A value that no load can have.
    #[error("sample {at} is {value}: a load is finite (in 32 bits) and not negative")]
    Value {
        /// Stamp of the sample, seconds since the epoch.
        at: i64,
        /// What it was.
        value: f32,
    },
    /// More samples than are ever held.
    #[error("{0} samples; at most {LONGEST} are held: ask for a coarser step or less history")]
    TooLong(usize),
    /// Two pieces do not fit together.
    #[error("{0}")]
    Mismatch(String),
}

impl Series {
    /// A series that begins at `start`; NaN marks a missing sample.
    pub fn new(start: DateTime<Utc>, step: TimeDelta, values: Vec<f32>) -> Result<Self, SeriesError> {
        let seconds = step.num_seconds();
        if !(1..=86_400).contains(&seconds) || step != TimeDelta::seconds(seconds) {
            return Err(SeriesError::Step(step.num_milliseconds()));
        }
        let from = start.timestamp();
        if from.rem_euclid(seconds) != 0 || start.timestamp_subsec_nanos() != 0 {
            return Err(SeriesError::Unaligned { start: from, step: seconds });
        }
        if values.len() > LONGEST {
            return Err(SeriesError::TooLong(values.len()));
        }
        if let Some(i) = values.iter().position(|v| v.is_infinite() || v.is_sign_negative() && *v != 0.0 && !v.is_nan())
        {
            return Err(SeriesError::Value { at: from + i as i64 * seconds, value: values[i] });
        }
        Ok(Self { start: from, step: seconds, values })
    }

    /// Stamp of the first sample.
    pub fn start(&self) -> DateTime<Utc> {
        instant(self.start)
    }

    /// Distance of two samples.
    pub fn step(&self) -> TimeDelta {
        TimeDelta::seconds(self.step)
    }

    /// Step in whole seconds.
    pub fn step_seconds(&self) -> i64 {
        self.step
    }

    /// End of the last sample's interval.
    pub fn end(&self) -> DateTime<Utc> {
        self.time(self.values.len())
    }

    /// Number of samples, missing ones included.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// No samples at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The samples; NaN is missing.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Stamp of sample `i` (the start of its interval).
    pub fn time(&self, i: usize) -> DateTime<Utc> {
        instant(self.start + i as i64 * self.step)
    }

    /// Number of the sample whose interval contains `t`, if `t` is inside the series.
    pub fn position(&self, t: DateTime<Utc>) -> Option<usize> {
        let i = (t.timestamp() - self.start).div_euclid(self.step);
        usize::try_from(i).ok().filter(|&i| i < self.values.len())
    }

    /// The value whose interval contains `t`; `None` if missing or outside.
    pub fn at(&self, t: DateTime<Utc>) -> Option<f64> {
        let v = self.values[self.position(t)?];
        (!v.is_nan()).then_some(f64::from(v))
    }

    /// Share of samples that are there, 0 for an empty series.
    pub fn coverage(&self) -> f64 {
        if self.values.is_empty() {
            return 0.0;
        }
        let there = self.values.iter().filter(|v| !v.is_nan()).count();
        there as f64 / self.values.len() as f64
    }

    /// End of the newest sample that is not missing.
    pub fn newest(&self) -> Option<DateTime<Utc>> {
        let last = self.values.iter().rposition(|v| !v.is_nan())?;
        Some(self.time(last + 1))
    }

    /// Appends the sample stamped `t`; skipped stamps become missing, an older stamp is refused.
    pub fn push(&mut self, t: DateTime<Utc>, value: Option<f64>) -> Result<(), SeriesError> {
        let piece = Self::new(t, self.step(), vec![narrow(value)])?;
        let i = (piece.start - self.start) / self.step;
        let at = usize::try_from(i).ok().filter(|&i| i >= self.values.len());
        let Some(at) = at else {
            return Err(SeriesError::Mismatch(format!("sample {t} is not after the newest, {}", self.end())));
        };
        if at >= LONGEST {
            return Err(SeriesError::TooLong(at + 1));
        }
        self.values.resize(at, f32::NAN);
        self.values.push(piece.values[0]);
        Ok(())
    }

    /// Drops samples before `t`, so that a window of fixed length can slide.
    pub fn forget_before(&mut self, t: DateTime<Utc>) {
        let gone = (t.timestamp() - self.start).div_euclid(self.step).max(0) as usize;
        let gone = gone.min(self.values.len());
        self.values.drain(..gone);
        self.start += gone as i64 * self.step;
    }

    /// Joins a later or overlapping piece. Where both have a sample they must agree to 1 part in 1,000 (a datasource that
    /// answers differently for the same stamp is not one datasource); where one is missing the other fills in.
    pub fn merge(&mut self, other: &Self) -> Result<(), SeriesError> {
        let (start, len) = self.span_with(other)?;
        let mut values = vec![f32::NAN; len];
        let mine = ((self.start - start) / self.step) as usize;
        values[mine..mine + self.values.len()].copy_from_slice(&self.values);
        let theirs = ((other.start - start) / self.step) as usize;
        for (i, &v) in other.values.iter().enumerate() {
            values[theirs + i] = agree(values[theirs + i], v).ok_or_else(|| {
                SeriesError::Mismatch(format!(
                    "two answers for {}: {} and {v}; is one datasource name served by servers that disagree?",
                    other.time(i),
                    values[theirs + i]
                ))
            })?;
        }
        *self = Self { start, step: self.step, values };
        Ok(())
    }

    /// Where both together begin, and how many samples they are then.
    fn span_with(&self, other: &Self) -> Result<(i64, usize), SeriesError> {
        if other.step != self.step {
            return Err(SeriesError::Mismatch(format!("steps differ: {} s and {} s", self.step, other.step)));
        }
        let start = self.start.min(other.start);
        let end = self.end().timestamp().max(other.end().timestamp());
        let len = ((end - start) / self.step) as usize;
        if len > LONGEST {
            return Err(SeriesError::TooLong(len));
        }
        Ok((start, len))
    }

    /// Puts another piece over this one: where it has a sample that one counts, else ours stays. Gives how many are new.
    ///
    /// Unlike [`Series::merge`] for pieces that may revise: the newest samples of a load are not settled yet.
    ///
    /// ```
    /// use chrono::{DateTime, TimeDelta};
    /// use floorcast_models::series::Series;
    /// let at = |i: i64| DateTime::from_timestamp(60 * i, 0).unwrap();
    /// let of = |i, values: &[f32]| Series::new(at(i), TimeDelta::minutes(1), values.to_vec()).unwrap();
    /// let mut ours = of(0, &[1.0, f32::NAN, 3.0]);
    /// assert_eq!(ours.overlay(&of(1, &[2.0, f32::NAN, 4.0])).unwrap(), 2);
    /// assert_eq!(ours.values(), [1.0, 2.0, 3.0, 4.0]);
    /// ```
    pub fn overlay(&mut self, other: &Self) -> Result<usize, SeriesError> {
        let (start, len) = self.span_with(other)?;
        let before = ((self.start - start) / self.step) as usize;
        // Exactly: room for twice as many would be kept for as long as the series slides.
        self.values.reserve_exact(len - self.values.len());
        self.values.splice(0..0, std::iter::repeat_n(f32::NAN, before));
        self.values.resize(len, f32::NAN);
        self.start = start;
        let from = ((other.start - start) / self.step) as usize;
        let mut new = 0;
        for (mine, theirs) in self.values[from..].iter_mut().zip(&other.values).filter(|(_, theirs)| !theirs.is_nan()) {
            new += usize::from(mine.is_nan());
            *mine = *theirs;
        }
        Ok(new)
    }

    /// Means over a coarser step, a multiple of this one; a bucket with less than half of its samples is missing.
    pub fn resample(&self, step: TimeDelta) -> Result<Self, SeriesError> {
        let coarse = step.num_seconds();
        if coarse < self.step || coarse % self.step != 0 {
            return Err(SeriesError::Mismatch(format!("{coarse} s is not a multiple of the step of {} s", self.step)));
        }
        let per = coarse / self.step;
        let start = self.start.div_euclid(coarse) * coarse;
        let lead = ((self.start - start) / self.step) as usize;
        let count = (lead + self.values.len()).div_ceil(per as usize);
        let mut sums = vec![(0.0_f64, 0_i64); count];
        for (i, v) in self.values.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
            let (sum, n) = &mut sums[(lead + i) / per as usize];
            *sum += f64::from(*v);
            *n += 1;
        }
        let mean = |&(sum, n): &(f64, i64)| {
            if 2 * n >= per && n > 0 { (sum / n as f64) as f32 } else { f32::NAN }
        };
        Self::new(instant(start), step, sums.iter().map(mean).collect())
    }
}

/// Equal by their stamps and bits, missing equal to missing.
impl PartialEq for Series {
    fn eq(&self, other: &Self) -> bool {
        self.start == other.start
            && self.step == other.step
            && self.values.len() == other.values.len()
            && self.values.iter().zip(&other.values).all(|(a, b)| a == b || a.is_nan() && b.is_nan())
    }
}

fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

fn narrow(value: Option<f64>) -> f32 {
    value.map_or(f32::NAN, |v| v as f32)
}

fn agree(a: f32, b: f32) -> Option<f32> {
    if a.is_nan() {
        return Some(b);
    }
    let close = b.is_nan() || (a - b).abs() <= 1e-3 * a.abs().max(b.abs());
    close.then_some(a)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn minutes(start: i64, values: &[f32]) -> Series {
        Series::new(at(start), TimeDelta::minutes(1), values.to_vec()).unwrap()
    }

    #[test]
    fn refuses_what_no_load_can_be() {
        let bad = |v| Series::new(at(0), TimeDelta::minutes(1), vec![1.0, v]).unwrap_err();
        assert_eq!(bad(-1.0), SeriesError::Value { at: 60, value: -1.0 });
        assert!(matches!(bad(f32::INFINITY), SeriesError::Value { .. }));
        let unaligned = Series::new(at(30), TimeDelta::minutes(1), vec![]).unwrap_err();
        assert!(unaligned.to_string().contains("multiple of the step of 60 s"));
        assert_eq!(Series::new(at(0), TimeDelta::milliseconds(1500), vec![]).unwrap_err(), SeriesError::Step(1500));
        assert_eq!(Series::new(at(0), TimeDelta::zero(), vec![]).unwrap_err(), SeriesError::Step(0));
    }

    #[test]
    fn skipped_stamps_become_missing_and_old_ones_are_refused() {
        let mut series = minutes(0, &[1.0]);
        series.push(at(180), Some(4.0)).unwrap();
        series.push(at(240), None).unwrap();
        assert_eq!(series.len(), 5);
        assert_eq!(series.at(at(120)), None);
        assert_eq!(series.at(at(239)), Some(4.0));
        assert_eq!(series.newest(), Some(at(240)));
        assert!(series.push(at(180), Some(9.0)).is_err());
        assert!(series.push(at(300), Some(1e39)).is_err(), "more than 32 bits hold");
        series.forget_before(at(200));
        assert_eq!((series.start(), series.len()), (at(180), 2));
    }

    #[test]
    fn pieces_must_agree_where_they_overlap() {
        let mut series = minutes(60, &[1.0, f32::NAN, 3.0]);
        series.merge(&minutes(0, &[0.5, 1.0, 2.0])).unwrap();
        assert_eq!(series, minutes(0, &[0.5, 1.0, 2.0, 3.0]));
        let wrong = series.merge(&minutes(180, &[4.0])).unwrap_err();
        assert!(wrong.to_string().contains("3 and 4"), "{wrong}");
    }

    #[test]
    fn a_bucket_with_less_than_half_its_samples_is_missing() {
        let fine = minutes(60, &[2.0, 4.0, f32::NAN, f32::NAN, f32::NAN, 6.0]);
        let coarse = fine.resample(TimeDelta::minutes(4)).unwrap();
        assert_eq!(coarse, Series::new(at(0), TimeDelta::minutes(4), vec![3.0, f32::NAN]).unwrap());
        assert!(fine.resample(TimeDelta::seconds(90)).is_err());
    }

    proptest! {
        #[test]
        fn cut_and_merged_is_whole(values in prop::collection::vec(0.0_f32..9.0, 2..60), a in 0_usize..60, b in 0_usize..60) {
            let whole = minutes(600, &values);
            let (cut, back) = (1 + a % values.len(), b % (1 + a % values.len()));
            let mut left = minutes(600, &values[..cut]);
            left.merge(&minutes(600 + 60 * back as i64, &values[back..])).unwrap();
            prop_assert_eq!(left, whole);
        }
    }
}
