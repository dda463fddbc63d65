//! Bases that are fitted now and then instead of being read from the past.

use super::{
    Base, Seen,
    harmonics::Harmonics,
    mstl::{Mstl, MstlError, Trend},
};
use crate::forecast::stretch::{LONGEST, Numbers, Stretch};

/// The newest fit of such a base.
#[derive(Clone, Debug)]
pub(super) enum Fitted {
    Harmonics(Box<Harmonics>),
    Mstl(Box<Mstl>),
}

impl Fitted {
    /// Nothing fitted yet; `None` of a base that needs no fit.
    pub(super) fn new(base: Base) -> Option<Self> {
        let mstl = |trend| Self::Mstl(Box::new(Mstl::new(trend)));
        match base {
            Base::Harmonics => Some(Self::Harmonics(Box::new(Harmonics::new()))),
            Base::Mstl => Some(mstl(Trend::Last)),
            Base::MstlEts => Some(mstl(Trend::Smoothed)),
            _ => None,
        }
    }

    /// Fits anew if it is time; says whether there is a new fit.
    pub(super) fn refit_if_due(&mut self, seen: Seen<'_>) -> bool {
        match self {
            Self::Harmonics(harmonics) => harmonics.refit_if_due(seen),
            Self::Mstl(mstl) => mstl.refit_if_due(seen.past),
        }
    }

    /// The base for a stretch; `None` where that is no stretch.
    pub(super) fn at(&self, seen: Seen<'_>, stretch: Stretch) -> Option<Numbers> {
        match self {
            Self::Harmonics(harmonics) => harmonics.at(seen, stretch),
            Self::Mstl(mstl) => {
                let mut all = [f32::NAN; LONGEST];
                all.iter_mut().zip(stretch.samples()).for_each(|(value, i)| *value = mstl.at(i) as f32);
                Some(all)
            }
        }
    }

    /// Why the last fit failed, if it did.
    pub(super) fn failure(&self) -> Option<&MstlError> {
        match self {
            Self::Harmonics(_) => None,
            Self::Mstl(mstl) => mstl.failure(),
        }
    }
}
