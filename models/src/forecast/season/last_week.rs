//! Last week as it was, a little smoothed: right when the weeks before are of another time (holidays, a launch, a migration).

use super::Seen;
use crate::forecast::stretch::{Numbers, Stretch};

/// Reach of the mean on either side, in seconds.
const REACH: i64 = 600;

/// Last week at a stretch; NaN with less than a week of history.
pub(super) fn at(seen: Seen<'_>, stretch: Stretch) -> Option<Numbers> {
    seen.around(stretch, 7, REACH / seen.past.step())
}
