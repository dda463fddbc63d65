//! One load from look to look: learned once a day, fed with every sample, judged again soon while it is not trusted.
//!
//! The daemon's studies and the backtest share it, so that a backtest replays what would really have been known.

use crate::backtest::Trust;
use crate::clean::WAITED_FOR;
use crate::learn::{Learned, Learning, Unlearnable, learn};
use crate::series::Series;
use chrono::{DateTime, TimeDelta, Utc};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Samples that are missing at the end for no longer than this may be on their way: they are not learned as missing.
const LATE: TimeDelta = TimeDelta::hours(1);
/// A history that was revised is learned again, at most this often.
const AFTER_REVISION: TimeDelta = TimeDelta::hours(1);
/// A model that panicked is not tried again for this long.
const AFTER_PANIC: TimeDelta = TimeDelta::minutes(10);
/// A history that teaches nothing yet is looked at again this often: a day of samples is not there a minute later.
const AFTER_UNLEARNABLE: TimeDelta = TimeDelta::minutes(15);
/// A forecast that is not trusted is judged again this often, by what has come since.
const AFTER_DISTRUST: TimeDelta = TimeDelta::hours(1);
/// A lead time that moved less than this share is not worth learning again for.
const SAME_LEAD: f64 = 0.25;

/// End of what is learned as it is: the newest sample, or [`LATE`] before the end where that is later. What is missing since may
/// be on its way.
pub fn settled(series: &Series) -> DateTime<Utc> {
    let late = series.end() - LATE;
    series.newest().map_or(late, |newest| newest.max(late))
}

/// What a load's history taught so far, and when it is to be learned again.
#[derive(Clone, Debug, Default)]
pub struct Study {
    learned: Option<Learned>,
    trust: Option<Trust>,
    /// The verdict while the load is gone for longer than is waited for.
    gone: Option<Trust>,
    unlearnable: Option<Unlearnable>,
    learned_at: Option<DateTime<Utc>>,
    learn_at: Option<DateTime<Utc>>,
    judge_at: Option<DateTime<Utc>>,
    lead: Option<TimeDelta>,
}

impl Study {
    /// What was learned; `None` before the first time, or where the history teaches nothing.
    pub fn learned(&self) -> Option<&Learned> {
        self.learned.as_ref()
    }

    /// Whether the forecast is worth a floor, judged at each learning and hourly while it is not, each time with the verdict that
    /// stood before. It is not while the load has been next to nothing for six hours, and is again with the first sample that is not.
    pub fn trust(&self) -> Option<&Trust> {
        self.gone.as_ref().or(self.trust.as_ref())
    }

    /// Why the history teaches nothing.
    pub fn unlearnable(&self) -> Option<&Unlearnable> {
        self.unlearnable.as_ref()
    }

    /// Learns again at the next look, whenever it was due: the history or the settings changed.
    pub fn forget(&mut self) {
        self.learn_at = None;
    }

    /// Learns again soon: samples that were learned as missing came after all, or are others now.
    pub fn revise(&mut self) {
        let soon = self.learned_at.map(|at| at + AFTER_REVISION);
        self.learn_at = self.learn_at.min(soon);
    }

    /// Learns `series` if it is due, else gives the models the new samples. Milliseconds of computing.
    ///
    /// `every` is the time between two learnings (a day).
    pub fn look(&mut self, now: DateTime<Utc>, series: &Series, how: &Learning, every: TimeDelta) {
        self.learn_or_feed(now, series, how, every);
        self.gone = self.gone(now);
    }

    fn learn_or_feed(&mut self, now: DateTime<Utc>, series: &Series, how: &Learning, every: TimeDelta) {
        if self.lead.is_some_and(|before| moved(before, how.lead)) {
            self.forget();
        }
        if self.learn_at.is_some_and(|at| now < at) {
            self.feed(series);
            if self.judge_at.is_some_and(|at| at <= now) {
                self.judge(now);
            }
            return;
        }
        match catch_unwind(AssertUnwindSafe(|| learn(series, how))) {
            Ok(Ok(learned)) => {
                self.learned = Some(learned);
                self.unlearnable = None;
                self.learned_at = Some(now);
                self.lead = Some(how.lead);
                self.learn_at = Some(now + every);
                self.judge(now);
            }
            Ok(Err(why)) => self.fail(why, now + AFTER_UNLEARNABLE.min(every)),
            Err(_) => {
                let why = "it panicked; this is a bug of floorcast, please report it".to_owned();
                let model = how.model.as_str();
                self.fail(Unlearnable::Model { model, why }, now + AFTER_PANIC.min(every));
            }
        }
    }

    /// Missing samples are told only when they are settled: what is learned as missing is not taken back.
    fn feed(&mut self, series: &Series) {
        let Some(learned) = &mut self.learned else { return };
        let from = learned.newest().unwrap_or(series.start());
        let first = series.position(from).unwrap_or(series.len());
        let settled = settled(series);
        for i in (first..series.len()).take_while(|i| series.time(*i) < settled) {
            learned.observe(series.time(i), series.at(series.time(i)));
        }
    }

    fn fail(&mut self, why: Unlearnable, again: DateTime<Utc>) {
        self.learned = None;
        self.learned_at = None;
        self.unlearnable = Some(why);
        self.learn_at = Some(again);
    }

    /// A load that may come back at any moment is waited for, but not for ever: moved elsewhere, it may never.
    fn gone(&self, now: DateTime<Utc>) -> Option<Trust> {
        let since = self.learned.as_ref()?.collapsed_since()?;
        if now - since <= WAITED_FOR {
            return None;
        }
        let since = since.format("%F %H:%M");
        let why = format!(
            "the load has been next to nothing since {since} UTC, and is waited for no longer than {} h; with it floors come back",
            WAITED_FOR.num_hours()
        );
        self.trust.clone().map(|trust| Trust { trusted: false, why, ..trust })
    }

    /// Distrust is looked into again soon: a bad day that is over must not keep floors away until the next daily learning. The
    /// evidence grows with every sample, so judging again costs nothing; learning again would cost milliseconds each hour for
    /// each workload that cannot be forecast.
    fn judge(&mut self, now: DateTime<Utc>) {
        let before = self.trust.as_ref().map(|trust| trust.trusted);
        self.trust = self.learned.as_ref().map(|learned| learned.trust_after(before));
        let doubted = self.trust.as_ref().is_some_and(|trust| !trust.trusted);
        self.judge_at = doubted.then(|| now + AFTER_DISTRUST);
    }
}

/// The quantile is calibrated for one window length; another one needs another calibration.
fn moved(before: TimeDelta, lead: TimeDelta) -> bool {
    let old = before.num_seconds().max(1) as f64;
    (lead.num_seconds() as f64 - old).abs() / old > SAME_LEAD
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const STEP: TimeDelta = TimeDelta::minutes(5);

    fn t(sample: i32) -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_571_200, 0).unwrap() + STEP * sample
    }

    /// A daily load that doubles with sample 1,430; samples from `missing` on are missing.
    fn history(len: i32, missing: i32) -> Series {
        let load = |i: i32| (50.0 + (i % 288) as f32) * if i < 1430 { 1.0 } else { 2.0 };
        let value = |i: i32| if i >= missing { f32::NAN } else { load(i) };
        Series::new(t(0), STEP, (0..len).map(value).collect()).unwrap()
    }

    fn looked(study: &mut Study, series: &Series) {
        study.look(series.end(), series, &Learning::default(), TimeDelta::days(1));
    }

    fn nearest(study: &Study, now: DateTime<Utc>) -> f64 {
        study.learned().unwrap().forecast(now).point[0]
    }

    #[test]
    fn samples_that_come_late_are_learned_all_the_same() {
        let (mut late, mut prompt) = (Study::default(), Study::default());
        for (study, missing) in [(&mut late, 1430), (&mut prompt, 9999)] {
            // Learned while ten samples are on their way, that come with the eleventh.
            looked(study, &history(1440, missing));
            looked(study, &history(1441, 9999));
        }
        let (late, prompt) = (nearest(&late, t(1441)), nearest(&prompt, t(1441)));
        // What is learned and what is fed is weighed alike but for the origins that learning leaves out.
        assert!((late / prompt - 1.0).abs() < 0.02, "{late} and {prompt}");
    }

    #[test]
    fn a_silence_of_more_than_an_hour_is_learned_as_one_until_the_history_is_revised() {
        let (mut study, mut prompt) = (Study::default(), Study::default());
        looked(&mut study, &history(1440, 1440));
        looked(&mut study, &history(1500, 1440));
        looked(&mut study, &history(1501, 9999));
        looked(&mut prompt, &history(1501, 9999));
        assert_ne!(nearest(&study, t(1501)), nearest(&prompt, t(1501)));
        study.revise();
        looked(&mut study, &history(1502, 9999));
        looked(&mut prompt, &history(1502, 9999));
        assert_eq!(nearest(&study, t(1502)), nearest(&prompt, t(1502)));
    }

    #[test]
    fn a_history_that_is_revised_at_every_look_is_learned_once_an_hour() {
        let mut study = Study::default();
        let mut learned = Vec::new();
        for len in 1440..1470 {
            study.revise();
            looked(&mut study, &history(len, 9999));
            learned.push(study.learned_at.unwrap());
        }
        learned.dedup();
        assert_eq!(learned, [t(1440), t(1452), t(1464)]);
    }

    /// Three weeks of a day that is worth a forecast; from `gone` on, for so many samples, next to nothing.
    fn with_collapse(len: i32, gone: i32, samples: i32) -> Series {
        let load = |i: i32| {
            let noise = f64::from((i * 7919) % 101) / 100.0;
            let hour = f64::from(i % 288) / 12.0;
            (40.0 + 160.0 * (-(hour - 13.0).powi(2) / 12.0).exp()) * (0.97 + 0.06 * noise)
        };
        let value = |i: i32| if (gone..gone + samples).contains(&i) { 0.0 } else { load(i) as f32 };
        Series::new(t(0), STEP, (0..len).map(value).collect()).unwrap()
    }

    #[test]
    fn a_load_that_is_gone_is_waited_for_six_hours_and_trusted_at_once_when_it_is_back() {
        let (gone, hour) = (21 * 288, 12);
        let mut study = Study::default();
        let mut trusted_at = |len: i32| {
            looked(&mut study, &with_collapse(len, gone, 24 * hour));
            study.trust().unwrap().clone()
        };
        assert!(trusted_at(gone).trusted);
        for hours in 1..=6 {
            let trust = trusted_at(gone + hours * hour);
            assert!(trust.trusted, "after {hours} h: {}", trust.why);
        }
        let trust = trusted_at(gone + 7 * hour);
        assert!(!trust.trusted && trust.why.contains("next to nothing since 2026-01-26 00:00 UTC"), "{}", trust.why);
        assert!(!trusted_at(gone + 24 * hour).trusted);
        let trust = trusted_at(gone + 24 * hour + 1);
        assert!(trust.trusted, "back: {}", trust.why);
    }
}
