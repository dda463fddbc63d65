//! From values to the paths of SVG.

use super::Curve;

/// More points than that cannot be told apart: of those that share a place the highest and the lowest are drawn.
const MOST: usize = 900;

/// The path of a curve; gaps stay gaps, and a step that stays on its level is one line.
pub(super) fn path(curve: &Curve<'_>, x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let chunk = curve.values.len().div_ceil(MOST).max(1);
    let mut path = String::new();
    let mut pen_is_down = false;
    let mut level = f64::NAN;
    let mut chunks = curve.values.chunks(chunk).enumerate().peekable();
    while let Some((n, values)) = chunks.next() {
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        let Some(highest) = known.iter().copied().reduce(f64::max) else {
            pen_is_down = false;
            continue;
        };
        let at = x((n * chunk) as f64);
        let lowest = known.iter().copied().fold(highest, f64::min);
        let goes_on = chunks.peek().is_some_and(|(_, next)| next.iter().any(Option::is_some));
        if pen_is_down && curve.steps && goes_on && highest == level && lowest == level {
            continue;
        }
        match (pen_is_down, curve.steps) {
            (false, _) => path += &format!("M{at:.1} {:.1}", y(highest)),
            (true, true) => path += &format!("H{at:.1}V{:.1}", y(highest)),
            (true, false) => path += &format!("L{at:.1} {:.1}", y(highest)),
        }
        if lowest < highest {
            path += &format!("V{:.1}", y(lowest));
        }
        (pen_is_down, level) = (true, lowest);
    }
    path
}

/// The area between a curve and its lower edge, piece by piece where there are gaps.
pub(super) fn band(curve: &Curve<'_>, x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let edges: Vec<Option<(f64, f64)>> = curve.values.iter().zip(&curve.lower).map(|(u, l)| u.zip(*l)).collect();
    let mut area = String::new();
    let mut begin = 0;
    for piece in edges.split(Option::is_none) {
        let known: Vec<(usize, f64, f64)> =
            piece.iter().flatten().enumerate().map(|(i, (upper, lower))| (begin + i, *upper, *lower)).collect();
        begin += piece.len() + 1;
        let upper = known.iter().map(|(i, upper, _)| (*i, *upper));
        let lower = known.iter().rev().map(|(i, _, lower)| (*i, *lower));
        for (n, (i, value)) in upper.chain(lower).enumerate() {
            let pen = if n == 0 { 'M' } else { 'L' };
            area += &format!("{pen}{:.1} {:.1}", x(i as f64), y(value));
        }
        if !known.is_empty() {
            area.push('Z');
        }
    }
    area
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_as_few_as_there_are_levels() {
        let values = [Some(1.0), Some(1.0), Some(1.0), Some(2.0), Some(2.0), None, Some(3.0), Some(3.0)];
        let curve = Curve { values: values.to_vec(), ..Curve::STEPS };
        let same = |value: f64| value;
        assert_eq!(path(&curve, same, same), "M0.0 1.0H3.0V2.0H4.0V2.0M6.0 3.0H7.0V3.0");
        assert_eq!(path(&Curve { steps: false, ..curve }, same, same).matches('L').count(), 5);
    }

    #[test]
    fn a_band_has_two_edges_and_its_gaps() {
        let values = [Some(2.0), Some(3.0), None, Some(4.0)];
        let lower = [Some(1.0), Some(1.0), Some(1.0), Some(2.0)];
        let curve = Curve { values: values.to_vec(), lower: lower.to_vec(), ..Curve::LINE };
        let same = |value: f64| value;
        assert_eq!(band(&curve, same, same), "M0.0 2.0L1.0 3.0L1.0 1.0L0.0 1.0ZM3.0 4.0L3.0 2.0Z");
    }
}
