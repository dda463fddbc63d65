//! The verdict on a forecast: better than reacting where the load rises, by enough, and on more than one lucky day.

use super::rises::{RIVALS, Standing, Sums};

/// What the rivals are called in the sentence.
const RIVAL_NAMES: [&str; RIVALS] = ["the last value's", "the recent means'", "the usual load's"];

/// Windows over which a forecast is judged.
pub(super) const WINDOWS: usize = 2;
/// What they are called in the sentence: the lead time from now, and the same an hour later.
const WINDOW_NAMES: [&str; WINDOWS] = ["within the lead time", "an hour ahead"];

/// Whether a forecast is worth raising a floor for, and by which margin.
///
/// Judged where it matters: by the deficit that it spares against the excess that it costs in windows in which the load rises
/// above what the load at hand justified, or was said to. Flat nights count for nobody. The rivals know no calendar:
/// persistence, the recent means, and the usual maximum, each with a margin calibrated on its own errors. Whoever cannot beat
/// the best of them sees nothing coming.
///
/// Two windows are judged, that of the lead time and the same an hour later; to beat reacting over one of them is enough. Within
/// a lead time of a few minutes the last value and a margin are nearly as good as a season whatever the season, while an hour
/// ahead only who knows a season beats them; and a floor that is raised is held for longer than the lead time.
#[derive(Clone, Debug, PartialEq)]
pub struct Trust {
    /// Better than reacting.
    pub trusted: bool,
    /// Loss relative to the best rival's over the window that decided; below 1 is better.
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
    /// Certainty wanted for each unit of the loss ratio, by window: a forecast that halves the loss has less to prove than one
    /// that is just a little better. An hour ahead fewer windows are independent, so that chance goes further.
    pub const PROOF: [f64; WINDOWS] = [2.5, 3.5];
    /// Certainty wanted whatever the ratio. An hour ahead a week has a dozen or two rises that do not overlap: among twenty random
    /// walks one halves the loss of all rivals by luck, 2.2 standard errors from nothing.
    pub const LEAST_PROOF: [f64; WINDOWS] = [0.0, 2.5];

    /// What floors by the claims for the lead time would keep idle above what the HPA alone still has, as a share of the load, up to
    /// which trust is gained. An HPA whose target goes from 80 % to 60 % keeps 80 ÷ 60 − 1 = a third of the load idle: where a
    /// forecast wants more than that, a lower target does it without.
    pub const IDLE_GAIN: f64 = 1.0 / 3.0;
    /// Idle load above which trust that was there is lost.
    pub const IDLE_LOSE: f64 = 0.5;

    /// Decides with hysteresis: between [`Trust::GAIN`] and [`Trust::LOSE`], and between [`Trust::IDLE_GAIN`] and
    /// [`Trust::IDLE_LOSE`], the `previous` verdict stands.
    pub(super) fn decide(standings: &[Standing; WINDOWS], previous: Option<bool>) -> Self {
        if standings.iter().all(|s| s.days <= 0.0) {
            return Self::none("no origin could be scored yet: the first day only teaches");
        }
        let judged = std::array::from_fn::<_, WINDOWS, _>(|w| Judged::new(&standings[w], w, previous));
        let Some(best) = judged.iter().flatten().reduce(|a, b| if b.is_better(a) { b } else { a }) else {
            return Self::none(
                "the load never rose by more than its noise: a forecast has nothing to gain over reacting",
            );
        };
        let why = best.why(&standings[best.window].sums);
        // What a floor costs is decided by the lead time: that is how far it looks.
        let dear = dear(&standings[0].sums, previous).filter(|_| best.trusted);
        let trusted = best.trusted && dear.is_none();
        Self { trusted, ratio: best.ratio, certainty: best.certainty, why: dear.unwrap_or(why) }
    }

    fn none(why: &str) -> Self {
        Self { trusted: false, ratio: 1.0, certainty: 0.0, why: why.to_owned() }
    }
}

/// Why floors by such claims cost too much, if they do.
fn dear(sums: &Sums, previous: Option<bool>) -> Option<String> {
    let most = if previous == Some(true) { Trust::IDLE_LOSE } else { Trust::IDLE_GAIN };
    let idle = sums.idle / sums.load.max(f64::MIN_POSITIVE);
    (idle > most).then(|| {
        format!(
            "beats reacting where the load rises, but too dearly: its floors, as long as they are held, would keep {:.0} % of the load idle \
             (wanted: at most {:.0} %); a lower target utilisation does that without a forecast",
            100.0 * idle,
            100.0 * most,
        )
    })
}

/// The verdict over one window.
#[derive(Clone, Copy, Debug)]
struct Judged {
    window: usize,
    trusted: bool,
    ratio: f64,
    rival: usize,
    certainty: f64,
    /// Certainty wanted.
    proof: f64,
}

impl Judged {
    /// `None` where nothing was scored, or nothing rose or was said to.
    fn new(standing: &Standing, window: usize, previous: Option<bool>) -> Option<Self> {
        let sums = &standing.sums;
        if standing.days <= 0.0 || sums.loss <= 0.0 && sums.missed <= 0.0 {
            return None;
        }
        let ratios = sums.rivals.map(|rival| if rival > 0.0 { (sums.loss / rival).min(1e6) } else { 1e6 });
        let rival = (0..RIVALS).max_by(|a, b| ratios[*a].total_cmp(&ratios[*b])).unwrap_or(0);
        let (ratio, certainty) = (ratios[rival], standing.certainty.into_iter().fold(f64::INFINITY, f64::min));
        let proof = (Trust::PROOF[window] * ratio).max(Trust::LEAST_PROOF[window]);
        let gained = ratio <= Trust::GAIN && certainty >= proof;
        let trusted = gained || ratio <= Trust::LOSE && previous == Some(true);
        Some(Self { window, trusted, ratio, rival, certainty, proof })
    }

    /// A window that gives trust before one that does not, then the lower loss.
    fn is_better(&self, other: &Self) -> bool {
        (self.trusted, -self.ratio) > (other.trusted, -other.ratio)
    }

    fn why(&self, sums: &Sums) -> String {
        let Self { window, ratio, rival, certainty, proof, .. } = *self;
        format!(
            "{} reacting where the load rises: {}, foresaw {:.0} % of what rose above the load at hand, for {:.1} % of idle \
             load; weighed, its loss is {ratio:.2} of {} (wanted: at most {:.2}) and its lead {certainty:.1} times the \
             scatter of days (wanted: at least {proof:.1}), over about {:.0} rising windows",
            if self.trusted { "beats" } else { "does not beat" },
            WINDOW_NAMES[window],
            100.0 * (1.0 - sums.short / sums.missed.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0),
            100.0 * sums.excess / sums.load.max(f64::MIN_POSITIVE),
            RIVAL_NAMES[rival],
            Trust::GAIN,
            sums.rises,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Standing {
        Standing { sums: Sums::default(), certainty: [0.0; RIVALS], days: 0.0 }
    }

    fn standing(loss: f64, rivals: [f64; RIVALS], certainty: f64) -> Standing {
        let sums = Sums { loss, rivals, missed: 100.0, short: 8.0, excess: 5.0, idle: 5.0, rises: 40.0, load: 1000.0 };
        Standing { sums, certainty: [certainty, 99.0, 99.0], days: 12.0 }
    }

    #[test]
    fn the_best_rival_counts_and_between_the_limits_the_verdict_stands() {
        let cases = [
            // loss 50 of the best rival's 100: 1.25 wanted, an hour ahead the least of 2.5
            (50.0, [1.3, 2.6], None, true),
            (50.0, [1.2, 2.4], None, false),
            (89.0, [2.3, 3.2], None, true),
            (89.0, [2.0, 3.0], Some(false), false),
            (95.0, [9.0, 9.0], None, false),
            (95.0, [0.0, 0.0], Some(true), true),
            (98.0, [9.0, 9.0], Some(true), false),
        ];
        for (loss, certainties, previous, wanted) in cases {
            for window in 0..WINDOWS {
                let mut standings = [nothing(); WINDOWS];
                standings[window] = standing(loss, [400.0, 100.0, 900.0], certainties[window]);
                let trust = Trust::decide(&standings, previous);
                assert_eq!(trust.trusted, wanted, "{loss} {certainties:?} {window} {previous:?}: {}", trust.why);
            }
        }
    }

    #[test]
    fn one_window_is_enough_and_speaks_for_itself() {
        let (good, bad) = (standing(50.0, [100.0; RIVALS], 9.0), standing(45.0, [100.0; RIVALS], 0.2));
        for (standings, window) in [([good, bad], 0), ([bad, good], 1)] {
            let trust = Trust::decide(&standings, None);
            assert!(trust.trusted && trust.ratio == 0.5, "{}", trust.why);
            assert!(trust.why.contains(WINDOW_NAMES[window]), "{}", trust.why);
        }
        // Where neither is, the one that comes nearest says why.
        let trust = Trust::decide(&[standing(110.0, [100.0; RIVALS], 0.0), bad], Some(false));
        assert!(!trust.trusted && trust.why.contains(WINDOW_NAMES[1]), "{}", trust.why);
    }

    #[test]
    fn what_keeps_too_much_idle_is_not_trusted_however_good_it_is() {
        let idle = |share: f64| {
            let mut good = standing(30.0, [100.0; RIVALS], 9.0);
            good.sums.idle = share * good.sums.load;
            good
        };
        let cases = [
            (0.3, None, true),
            (0.4, None, false),
            (0.4, Some(false), false),
            (0.4, Some(true), true),
            (0.6, Some(true), false),
        ];
        for (share, previous, wanted) in cases {
            let trust = Trust::decide(&[idle(share), idle(0.0)], previous);
            assert_eq!(trust.trusted, wanted, "{share} {previous:?}: {}", trust.why);
        }
        // What is idle an hour ahead is claimed by no floor.
        assert!(Trust::decide(&[idle(0.1), idle(3.0)], None).trusted);
        let why = Trust::decide(&[idle(0.4), idle(0.4)], None).why;
        assert!(why.contains("40 % of the load idle (wanted: at most 33 %)"), "{why}");
        // Who is not better says so first.
        let bad = Standing { certainty: [0.0; RIVALS], ..idle(0.6) };
        assert!(Trust::decide(&[bad, bad], None).why.starts_with("does not beat"));
    }

    #[test]
    fn says_why_with_the_numbers() {
        let why = Trust::decide(&[standing(30.0, [100.0, 400.0, 900.0], 6.0), nothing()], None).why;
        assert_eq!(
            why,
            "beats reacting where the load rises: within the lead time, foresaw 92 % of what rose above the load at hand, for \
             0.5 % of idle load; weighed, its loss is 0.30 of the last value's (wanted: at most 0.90) and its lead 6.0 times the \
             scatter of days (wanted: at least 0.8), over about 40 rising windows"
        );
    }

    #[test]
    fn nothing_seen_and_nothing_risen_are_no_reasons_to_trust() {
        assert!(Trust::decide(&[nothing(); WINDOWS], Some(true)).why.starts_with("no origin"));
        let flat = Standing { days: 12.0, ..nothing() };
        let trust = Trust::decide(&[flat; WINDOWS], Some(true));
        assert!(!trust.trusted && trust.why.starts_with("the load never rose"), "{}", trust.why);
    }
}
