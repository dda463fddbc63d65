//! Divisions and roundings of the controller. Its integers overflow silently, and so do ours; a float beyond the integers
//! saturates, where Go leaves the result to the processor (arm64 saturates, amd64 gives the lowest number).

/// `ceil(x)` as a number of replicas; ±Inf and too large numbers saturate, NaN is 0.
pub(crate) fn ceil(x: f64) -> i32 {
    x.ceil() as i32
}

/// `sum / count` truncated, the sum overflowing as 64-bit integers do; 0 of nothing.
pub(crate) fn share(sum: i128, count: i64) -> i64 {
    (sum as i64).checked_div(count).unwrap_or(0)
}

/// What each of `replicas` replicas uses of a total, rounded up; 0 without any.
///
/// ```
/// use floorcast_models::hpa::per_replica;
/// assert_eq!((per_replica(1000, 3), per_replica(1000, 0)), (334, 0));
/// ```
pub fn per_replica(usage: i64, replicas: i32) -> i64 {
    if replicas == 0 { 0 } else { (usage as f64 / f64::from(replicas)).ceil() as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_saturate() {
        assert_eq!((ceil(1e300), ceil(f64::INFINITY), ceil(f64::NAN), ceil(-0.5)), (i32::MAX, i32::MAX, 0, 0));
        assert_eq!(share(i128::from(i64::MAX) + 2, 1), i64::MIN + 1);
        assert_eq!((share(7, 2), share(-7, 2), share(7, 0)), (3, -3, 0));
        assert_eq!(per_replica(i64::MAX, 1), i64::MAX);
    }
}
