//! Curves over time as SVG, to be read without a script.

use super::escaped;
use chrono::{DateTime, TimeDelta, Utc};
use std::fmt::Write;

/// Size of the drawing's own coordinates; the page scales it.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 260.0;
/// Room for numbers on the left and days below.
const LEFT: f64 = 72.0;
const BELOW: f64 = 24.0;
const ABOVE: f64 = 10.0;
/// More points than that cannot be told apart: of those that share a place the highest and the lowest are drawn.
const MOST: usize = 900;

/// One curve.
pub(super) struct Curve<'a> {
    /// Class of the style sheet: colour and dash.
    pub(super) class: &'a str,
    /// For the legend.
    pub(super) name: &'a str,
    pub(super) values: Vec<Option<f64>>,
    /// Keeps its value until the next: counts of replicas.
    pub(super) steps: bool,
}

/// Curves over the same time.
pub(super) struct Chart<'a> {
    /// Said by screen readers.
    pub(super) title: &'a str,
    pub(super) from: DateTime<Utc>,
    pub(super) minutes: i64,
    pub(super) curves: Vec<Curve<'a>>,
    /// Points to be marked on the time axis, by number.
    pub(super) marks: Vec<usize>,
}

impl Chart<'_> {
    /// A figure with a legend.
    pub(super) fn figure(&self) -> String {
        let legend: Vec<String> = self
            .curves
            .iter()
            .map(|c| format!("<span><i class=\"key {}\"></i>{}</span>", c.class, escaped(c.name)))
            .chain((!self.marks.is_empty()).then(|| "<span><i class=\"key starved\"></i>starved</span>".to_owned()))
            .collect();
        format!("<figure>{}<figcaption>{}</figcaption></figure>\n", self.svg(), legend.join(" "))
    }

    fn svg(&self) -> String {
        let count = self.curves.iter().map(|c| c.values.len()).max().unwrap_or(0);
        let highest = self.curves.iter().flat_map(|c| &c.values).flatten().copied().fold(0.0, f64::max);
        let top = ceiling(highest);
        let x = |i: f64| LEFT + (WIDTH - LEFT) * i / (count.max(2) - 1) as f64;
        let y = |value: f64| ABOVE + (HEIGHT - ABOVE - BELOW) * (1.0 - value / top);
        let title = escaped(self.title);
        let mut svg =
            format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>");
        for part in 0..=4 {
            let value = top * f64::from(part) / 4.0;
            let (at, label) = (y(value), label(value));
            let _ = write!(svg, "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{WIDTH}\"/>");
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                LEFT - 6.0,
                at + 4.0
            );
        }
        for (i, label) in self.ticks(count) {
            let at = x(i);
            let _ = write!(svg, "<path class=\"grid\" d=\"M{at:.1} {ABOVE}V{:.0}\"/>", HEIGHT - BELOW);
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{at:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{label}</text>",
                HEIGHT - 6.0
            );
        }
        for mark in &self.marks {
            let _ = write!(svg, "<path class=\"starved\" d=\"M{:.1} {:.0}v6\"/>", x(*mark as f64), HEIGHT - BELOW);
        }
        for curve in &self.curves {
            let _ = write!(svg, "<path class=\"{}\" d=\"{}\"/>", curve.class, path(curve, x, y));
        }
        svg + "</svg>"
    }

    /// Whole days, or whole hours where there are few days: at most nine of them.
    fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        let length = TimeDelta::minutes(self.minutes * count as i64);
        let hours = [1, 3, 6, 12, 24, 48, 72, 168, 336, 672, 1344, 2688, 8760];
        let every = TimeDelta::hours(*hours.iter().find(|h| length.num_hours() / **h < 9).unwrap_or(&8760));
        let form = if every < TimeDelta::days(1) { "%d %b %H:%M" } else { "%d %b" };
        let period = every.num_seconds();
        let first = (self.from.timestamp() + period - 1).div_euclid(period) * period;
        let last = (self.from + length).timestamp();
        (0..=(last - first).div_euclid(period))
            .filter_map(|i| DateTime::from_timestamp(first + i * period, 0))
            .map(|t| ((t - self.from).num_seconds() as f64 / (60 * self.minutes) as f64, t.format(form).to_string()))
            .collect()
    }
}

/// A number of the scale without zeros at its end.
fn label(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { crate::cli::output::load(value) }
}

/// The next round number: 1, 2, 2.5 or 5 times a power of ten.
fn ceiling(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let round = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|r| r * power).find(|r| *r >= value);
    round.unwrap_or(value)
}

/// The path of a curve; gaps stay gaps.
fn path(curve: &Curve<'_>, x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let chunk = curve.values.len().div_ceil(MOST).max(1);
    let mut path = String::new();
    let mut pen_is_down = false;
    for (n, values) in curve.values.chunks(chunk).enumerate() {
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        let Some(highest) = known.iter().copied().reduce(f64::max) else {
            pen_is_down = false;
            continue;
        };
        let at = x((n * chunk) as f64);
        let lowest = known.iter().copied().fold(highest, f64::min);
        match (pen_is_down, curve.steps) {
            (false, _) => path += &format!("M{at:.1} {:.1}", y(highest)),
            (true, true) => path += &format!("H{at:.1}V{:.1}", y(highest)),
            (true, false) => path += &format!("L{at:.1} {:.1}", y(highest)),
        }
        if lowest < highest {
            path += &format!("V{:.1}", y(lowest));
        }
        pen_is_down = true;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: Vec<Option<f64>>) -> Chart<'static> {
        let curves = vec![Curve { class: "load", name: "load <&>", values, steps: false }];
        Chart { title: "load", from: DateTime::UNIX_EPOCH, minutes: 15, curves, marks: vec![1] }
    }

    #[test]
    fn scales_end_at_round_numbers() {
        let cases = [(0.0, 1.0), (0.7, 1.0), (1.01, 2.0), (23.0, 25.0), (26.0, 50.0), (99.0, 100.0), (1000.0, 1000.0)];
        for (value, top) in cases {
            assert!((ceiling(value) - top).abs() < 1e-9, "{value}: {}", ceiling(value));
        }
    }

    #[test]
    fn a_gap_stays_a_gap_and_text_is_escaped() {
        let figure = chart(vec![Some(1.0), None, Some(2.0), Some(1.5)]).figure();
        let drawn = figure.split("class=\"load\" d=\"").nth(1).unwrap_or_default();
        assert_eq!(drawn.split('"').next().unwrap_or_default().matches('M').count(), 2, "{figure}");
        assert!(figure.contains("load &lt;&amp;&gt;") && figure.contains("class=\"starved\""), "{figure}");
    }

    #[test]
    fn a_year_has_few_points_and_few_ticks() {
        let year = chart((0..365 * 96).map(|i| Some(f64::from(i % 96))).collect());
        assert!(year.figure().len() < 60_000, "{}", year.figure().len());
        assert!((2..=9).contains(&year.ticks(365 * 96).len()));
        assert!((2..=9).contains(&chart(Vec::new()).ticks(24).len()));
    }
}
