//! Bases that are fitted now and then instead of being read from the past.

use super::{
    Base, Seen,
    daily::{Daily, FitError, Fitter},
    harmonics::Harmonics,
    mstl::Trend,
};
use crate::forecast::stretch::{LONGEST, Numbers, Stretch};

/// The newest fit of such a base.
#[derive(Clone, Debug)]
pub(super) enum Fitted {
    Harmonics(Box<Harmonics>),
    Daily(Box<Daily>),
}

impl Fitted {
    /// Nothing fitted yet; `None` of a base that needs no fit.
    pub(super) fn new(base: Base) -> Option<Self> {
        let daily = |fitter| Some(Self::Daily(Box::new(Daily::new(fitter))));
        match base {
            Base::Harmonics => Some(Self::Harmonics(Box::new(Harmonics::new()))),
            Base::Mstl => daily(Fitter::Mstl(Trend::Last)),
            Base::MstlEts => daily(Fitter::Mstl(Trend::Smoothed)),
            #[cfg(feature = "prophet")]
            Base::Prophet => daily(Fitter::Prophet),
            _ => None,
        }
    }

    /// Fits anew if it is time; says whether there is a new fit.
    pub(super) fn refit_if_due(&mut self, seen: Seen<'_>) -> bool {
        match self {
            Self::Harmonics(harmonics) => harmonics.refit_if_due(seen),
            Self::Daily(daily) => daily.refit_if_due(seen.past),
        }
    }

    /// The base for a stretch; `None` where that is no stretch.
    pub(super) fn at(&self, seen: Seen<'_>, stretch: Stretch) -> Option<Numbers> {
        match self {
            Self::Harmonics(harmonics) => harmonics.at(seen, stretch),
            Self::Daily(daily) => {
                let mut all = [f32::NAN; LONGEST];
                all.iter_mut().zip(stretch.samples()).for_each(|(value, i)| *value = daily.at(i) as f32);
                Some(all)
            }
        }
    }

    /// Why the last fit failed, if it did.
    pub(super) fn failure(&self) -> Option<&FitError> {
        match self {
            Self::Harmonics(_) => None,
            Self::Daily(daily) => daily.failure(),
        }
    }
}
