//! The highest setting that serves.

use std::ops::Range;

/// The highest of `range` that is kept, with what it brought; `None` where not even the lowest is.
///
/// From `near` the distance is doubled until one is kept and one is not, then halved: a neighbour's is mostly within two or three.
pub(super) fn highest_kept<T>(
    range: Range<u32>,
    near: u32,
    mut kept: impl FnMut(u32) -> Option<T>,
) -> Option<(u32, T)> {
    let (mut low, mut high) = (None, range.end);
    let mut next = near.clamp(range.start, range.end - 1);
    let mut stride = 1;
    loop {
        match kept(next) {
            Some(brought) => low = Some((next, brought)),
            None if next == range.start => return None,
            None => high = next,
        }
        let kept = low.as_ref().map(|(kept, _)| *kept);
        next = match kept {
            Some(kept) if high - kept <= 1 => return low,
            // Nothing is known above: onward.
            Some(kept) if high == range.end => (kept + stride).min(high - 1),
            Some(kept) => kept.midpoint(high),
            None => high.saturating_sub(stride).max(range.start),
        };
        stride *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_kept_is_found_from_anywhere_and_soon_from_its_neighbour() {
        for edge in 0..=101 {
            for near in [5, 37, 50, 80, 99, 100] {
                let mut tries = 0;
                let found = highest_kept(5..101, near, |u| {
                    tries += 1;
                    (u <= edge).then_some(u)
                });
                let wanted = (edge >= 5).then_some((edge.min(100), edge.min(100)));
                assert_eq!(found, wanted, "edge {edge}, near {near}");
                assert!(tries <= 14, "edge {edge}, near {near}: {tries} tries");
                if edge.abs_diff(near) <= 2 {
                    assert!(tries <= 4, "edge {edge}, near {near}: {tries} tries");
                }
            }
        }
    }
}
