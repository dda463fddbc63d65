//! Last week as it was, a little smoothed: right when the weeks before are of another time (holidays, a launch, a migration).

use super::Seen;

/// Reach of the mean on either side, in seconds.
const REACH: i64 = 600;

/// Last week at sample `i`; NaN with less than a week of history.
pub(super) fn at(seen: Seen<'_>, i: i64) -> f64 {
    seen.past.around(seen.past.days_before(i, 7), REACH / seen.past.step())
}
