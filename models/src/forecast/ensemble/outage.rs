//! What is foreseen while a load is gone: near ahead it stays away, and may be back at any moment.
//!
//! Of an outage nothing is learned, so models and margins go on speaking of the load that was. What is the median of the load to come is
//! another question. Of a thing that has lasted so long, and of which nothing else is known, the odds are even that it lasts as long
//! again, and that it ends within a distance `h` they are `h ÷ (h + lasted)` (J. R. Gott, "Implications of the Copernican principle
//! for our future prospects", Nature 363, 1993).

use super::Ensemble;
use crate::{clean::WAITED_FOR, forecast::part::Part};

/// An outage that is not over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outage {
    /// Samples since it began.
    lasted: usize,
    /// As many samples as a load that is gone is waited for.
    waited: usize,
    /// The newest load that is there.
    load: f64,
    /// The highest load of the outage, as far back as is waited for.
    most: f64,
}

impl Outage {
    /// What stands in for the `foreseen` median of what comes until `ahead` samples from now: the newest load, where the odds are
    /// that the outage goes on for so long. Nobody is told to expect a load gone for longer than it is waited for: far ahead the season stands.
    pub(super) const fn point(&self, ahead: usize, foreseen: f64) -> f64 {
        if ahead <= self.lasted && ahead <= self.waited { self.load } else { foreseen }
    }

    /// What stands in for the `foreseen` `level`-quantile: the highest load of the outage, where that is over within `ahead` samples
    /// so rarely that the quantile need not count with it; never before the load has been waited for, for floors stand until then.
    ///
    /// At 0.95 a quarter of an hour ahead after 4.75 h, were that not less than the six hours: 0.25 ÷ (0.25 + 4.75) = 0.05.
    /// An hour ahead after 19 h.
    pub(super) fn quantile(&self, ahead: usize, level: f64, foreseen: f64) -> f64 {
        let over = ahead as f64 / (ahead + self.lasted) as f64;
        let given_up = self.lasted > self.waited && ahead <= self.waited && over <= 1.0 - level;
        if given_up { self.most } else { foreseen }
    }
}

impl Ensemble {
    /// The outage that is not over, if there is one. Reads some hours of samples.
    pub(super) fn outage(&self) -> Option<Outage> {
        let since = self.collapsed_since().filter(|_| self.has(Part::Outages))?;
        let next = self.past.next();
        let waited = (WAITED_FOR.num_seconds() / self.past.step()).max(1);
        let loads =
            (since.max(next - waited)..next).rev().map(|i| f64::from(self.past.raw(i))).filter(|load| !load.is_nan());
        // What is silent too is as it was when it was last heard of: next to nothing.
        let load = loads.clone().next().unwrap_or(0.0);
        Some(Outage {
            lasted: (next - since) as usize,
            waited: waited as usize,
            load,
            most: loads.fold(load, f64::max),
        })
    }
}
