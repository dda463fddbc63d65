//! The verdict on a forecast: better than reacting where the load rises, by enough, and on more than one lucky day.

use super::rises::{RIVALS, Standing};

/// What the rivals are called in the sentence.
const RIVAL_NAMES: [&str; RIVALS] = ["the last value's", "the recent means'", "the usual load's"];

/// Whether a forecast is worth raising a floor for, and by which margin.
///
/// Judged where it matters: by the deficit that it spares against the excess that it costs in windows in which the load rises
/// above what the load at hand justified, or was said to. Flat nights count for nobody. The rivals know no calendar:
/// persistence, the recent means, and the usual maximum, each with a margin calibrated on its own errors. Whoever cannot beat
/// the best of them sees nothing coming.
#[derive(Clone, Debug, PartialEq)]
pub struct Trust {
    /// Better than reacting.
    pub trusted: bool,
    /// Loss relative to the best rival's; below 1 is better.
    pub ratio: f64,
    /// Daily advantage over that rival in units of its own scatter (standard errors); never below 0.
    pub certainty: f64,
    /// One sentence with the numbers.
    pub why: String,
}

impl Trust {
    /// Loss ratio at or below which trust is gained.
    pub const GAIN: f64 = 0.9;
    /// Loss ratio above which trust that was there is lost.
    pub const LOSE: f64 = 0.97;
    /// Certainty wanted for each unit of the loss ratio: a forecast that halves the loss has less to prove than one that is
    /// just a little better.
    pub const PROOF: f64 = 2.5;

    /// Decides with hysteresis: between [`Trust::GAIN`] and [`Trust::LOSE`] the `previous` verdict stands.
    pub(super) fn decide(standing: &Standing, previous: Option<bool>) -> Self {
        let sums = &standing.sums;
        if standing.days <= 0.0 {
            return Self::none("no origin could be scored yet: the first day only teaches");
        }
        if sums.loss <= 0.0 && sums.missed <= 0.0 {
            return Self::none(
                "the load never rose by more than its noise: a forecast has nothing to gain over reacting",
            );
        }
        let ratios = sums.rivals.map(|rival| if rival > 0.0 { (sums.loss / rival).min(1e6) } else { 1e6 });
        let best = (0..RIVALS).max_by(|a, b| ratios[*a].total_cmp(&ratios[*b])).unwrap_or(0);
        let (ratio, certainty) = (ratios[best], standing.certainty.into_iter().fold(f64::INFINITY, f64::min));
        let proof = Self::PROOF * ratio;
        let gained = ratio <= Self::GAIN && certainty >= proof;
        let trusted = gained || ratio <= Self::LOSE && previous == Some(true);
        let verb = if trusted { "beats" } else { "does not beat" };
        let why = format!(
            "{verb} reacting where the load rises: foresaw {:.0} % of what rose above the load at hand, for {:.1} % of idle \
             load; weighed, its loss is {ratio:.2} of {} (wanted: at most {:.2}) and its lead {certainty:.1} times the \
             scatter of days (wanted: at least {proof:.1}), over about {:.0} rising windows",
            100.0 * (1.0 - sums.short / sums.missed.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0),
            100.0 * sums.excess / sums.load.max(f64::MIN_POSITIVE),
            RIVAL_NAMES[best],
            Self::GAIN,
            sums.rises,
        );
        Self { trusted, ratio, certainty, why }
    }

    fn none(why: &str) -> Self {
        Self { trusted: false, ratio: 1.0, certainty: 0.0, why: why.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::rises::Sums;

    fn standing(loss: f64, rivals: [f64; RIVALS], certainty: f64) -> Standing {
        let sums = Sums { loss, rivals, missed: 100.0, short: 8.0, excess: 5.0, rises: 40.0, load: 1000.0 };
        Standing { sums, certainty: [certainty, 99.0, 99.0], days: 12.0 }
    }

    #[test]
    fn the_best_rival_counts_and_between_the_limits_the_verdict_stands() {
        let cases = [
            // loss 50 of the best rival's 100: 1.25 wanted
            (50.0, 1.3, None, true),
            (50.0, 1.2, None, false),
            (89.0, 2.3, None, true),
            (89.0, 2.0, Some(false), false),
            (95.0, 9.0, None, false),
            (95.0, 0.0, Some(true), true),
            (98.0, 9.0, Some(true), false),
        ];
        for (loss, certainty, previous, wanted) in cases {
            let trust = Trust::decide(&standing(loss, [400.0, 100.0, 900.0], certainty), previous);
            assert_eq!(trust.trusted, wanted, "{loss} {certainty} {previous:?}: {}", trust.why);
        }
    }

    #[test]
    fn says_why_with_the_numbers() {
        let why = Trust::decide(&standing(30.0, [100.0, 400.0, 900.0], 6.0), None).why;
        assert_eq!(
            why,
            "beats reacting where the load rises: foresaw 92 % of what rose above the load at hand, for 0.5 % of idle load; \
             weighed, its loss is 0.30 of the last value's (wanted: at most 0.90) and its lead 6.0 times the scatter of days \
             (wanted: at least 0.8), over about 40 rising windows"
        );
    }

    #[test]
    fn nothing_seen_and_nothing_risen_are_no_reasons_to_trust() {
        let nothing = Standing { days: 0.0, ..standing(0.0, [0.0; RIVALS], 0.0) };
        assert!(Trust::decide(&nothing, Some(true)).why.starts_with("no origin"));
        let flat = Standing { sums: Sums::default(), ..standing(0.0, [0.0; RIVALS], 0.0) };
        let trust = Trust::decide(&flat, None);
        assert!(!trust.trusted && trust.why.starts_with("the load never rose"), "{}", trust.why);
    }
}
