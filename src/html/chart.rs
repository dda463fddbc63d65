//! Curves over time as SVG, to be read without a script.

mod path;

use super::escaped;
use chrono::{DateTime, Offset, TimeDelta, Utc};
use chrono_tz::Tz;
use path::{band, path};
use std::fmt::Write;

/// Width and height of a drawing's own coordinates, across a report; the page scales it.
pub(crate) const WIDE: (f64, f64) = (960.0, 260.0);
/// The same beside other things.
pub(crate) const NARROW: (f64, f64) = (720.0, 260.0);
/// Room for numbers on the left, hours below, and for the halves of the outermost of them.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 30.0;
const BELOW: f64 = 30.0;
const ABOVE: f64 = 14.0;

/// One curve.
pub(crate) struct Curve<'a> {
    /// Class of the style sheet: colour and dash.
    pub(crate) class: &'a str,
    /// For the legend.
    pub(crate) name: &'a str,
    pub(crate) values: Vec<Option<f64>>,
    /// Keeps its value until the next: counts of replicas.
    pub(crate) steps: bool,
    /// The lower edge of a band whose upper edge the values are; empty: a line.
    pub(crate) lower: Vec<Option<f64>>,
}

impl Curve<'_> {
    /// A line without values.
    pub(crate) const LINE: Curve<'static> =
        Curve { class: "", name: "", values: Vec::new(), steps: false, lower: Vec::new() };
    /// Steps without values.
    pub(crate) const STEPS: Curve<'static> =
        Curve { class: "", name: "", values: Vec::new(), steps: true, lower: Vec::new() };
}

/// A value of now.
pub(crate) struct Dot<'a> {
    /// Class of the style sheet.
    pub(crate) class: &'a str,
    /// For the legend.
    pub(crate) name: &'a str,
    pub(crate) value: f64,
}

/// Curves over the same time.
pub(crate) struct Chart<'a> {
    /// Said by screen readers.
    pub(crate) title: &'a str,
    /// What is to be seen, in a sentence; empty: the title says it.
    pub(crate) description: String,
    pub(crate) from: DateTime<Utc>,
    /// Between two points.
    pub(crate) minutes: i64,
    /// Hours are told in it.
    pub(crate) zone: Tz,
    pub(crate) size: (f64, f64),
    pub(crate) curves: Vec<Curve<'a>>,
    /// Points to be marked on the time axis, by number.
    pub(crate) marks: Vec<usize>,
    /// The point that is now, if any.
    pub(crate) now: Option<f64>,
    /// Drawn at that point.
    pub(crate) dots: Vec<Dot<'a>>,
}

impl<'a> Chart<'a> {
    /// A chart without curves, in UTC.
    pub(crate) fn new(title: &'a str, from: DateTime<Utc>, minutes: i64, size: (f64, f64)) -> Self {
        let description = String::new();
        let (curves, marks, dots) = (Vec::new(), Vec::new(), Vec::new());
        Self { title, description, from, minutes, zone: Tz::UTC, size, curves, marks, now: None, dots }
    }

    /// A figure with a legend.
    pub(crate) fn figure(&self) -> String {
        let legend: Vec<String> = self
            .curves
            .iter()
            .map(|c| format!("<span><i class=\"key {}\"></i>{}</span>", c.class, escaped(c.name)))
            .chain(
                self.dots
                    .iter()
                    .map(|d| format!("<span><i class=\"key dot {}\"></i>{}</span>", d.class, escaped(d.name))),
            )
            .chain((!self.marks.is_empty()).then(|| "<span><i class=\"key starved\"></i>starved</span>".to_owned()))
            .collect();
        format!("<figure>{}<figcaption>{}</figcaption></figure>\n", self.svg(), legend.join(" "))
    }

    fn svg(&self) -> String {
        let (width, height) = self.size;
        let count = self.curves.iter().map(|c| c.values.len()).max().unwrap_or(0);
        let shown = self.curves.iter().flat_map(|c| &c.values).flatten().copied();
        let highest = shown.chain(self.dots.iter().map(|dot| dot.value)).fold(0.0, f64::max);
        let top = ceiling(highest);
        let right = width - RIGHT;
        let x = |i: f64| LEFT + (right - LEFT) * i / (count.max(2) - 1) as f64;
        let y = |value: f64| ABOVE + (height - ABOVE - BELOW) * (1.0 - value / top);
        let mut svg = format!("<svg viewBox=\"0 0 {width} {height}\" {}", self.names());
        let parts = parts(top);
        for part in 0..=parts {
            let value = top * f64::from(part) / f64::from(parts);
            let (at, label) = (y(value), label(value));
            let _ = write!(svg, "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{right}\"/>");
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                LEFT - 8.0,
                at + 4.0
            );
        }
        for (i, label) in self.ticks(count) {
            let at = x(i);
            let _ = write!(svg, "<path class=\"grid\" d=\"M{at:.1} {ABOVE}V{:.0}\"/>", height - BELOW);
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{at:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{label}</text>",
                height - 8.0
            );
        }
        for mark in &self.marks {
            let _ = write!(svg, "<path class=\"starved\" d=\"M{:.1} {:.0}v6\"/>", x(*mark as f64), height - BELOW);
        }
        for curve in &self.curves {
            let drawn = if curve.lower.is_empty() { path(curve, x, y) } else { band(curve, x, y) };
            let _ = write!(svg, "<path class=\"{}\" d=\"{drawn}\"/>", curve.class);
        }
        if let Some(now) = self.now.map(x) {
            let _ = write!(svg, "<path class=\"now\" d=\"M{now:.1} {ABOVE}V{:.0}\"/>", height - BELOW);
            let _ = write!(svg, "<text class=\"tick\" x=\"{:.1}\" y=\"{:.0}\">now</text>", now + 4.0, ABOVE + 10.0);
            for dot in &self.dots {
                let _ =
                    write!(svg, "<circle class=\"{}\" cx=\"{now:.1}\" cy=\"{:.1}\" r=\"4\"/>", dot.class, y(dot.value));
            }
        }
        svg + "</svg>"
    }

    /// Attributes that close the tag, and the elements that a screen reader looks for.
    fn names(&self) -> String {
        let title = escaped(self.title);
        if self.description.is_empty() {
            return format!("role=\"img\" aria-label=\"{title}\"><title>{title}</title>");
        }
        let description = escaped(&self.description);
        format!("role=\"img\" aria-label=\"{title}. {description}\"><title>{title}</title><desc>{description}</desc>")
    }

    /// Whole days, or whole hours where there are few days: at most nine of them, by the clock of the chart's zone.
    fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        let length = TimeDelta::minutes(self.minutes * count as i64);
        let hours = [1, 3, 6, 12, 24, 48, 72, 168, 336, 672, 1344, 2688, 8760];
        let period = 3600 * hours.iter().find(|h| length.num_hours() / **h < 9).unwrap_or(&8760);
        let offset = i64::from(self.from.with_timezone(&self.zone).offset().fix().local_minus_utc());
        let (begin, end) = (self.from.timestamp() + offset, (self.from + length).timestamp() + offset);
        let first = (begin + period - 1).div_euclid(period) * period;
        let name = |stamp: i64| {
            let form = if stamp.rem_euclid(86_400) == 0 { "%d %b" } else { "%H:%M" };
            DateTime::from_timestamp(stamp, 0).map(|at| at.format(form).to_string())
        };
        (first..=end)
            .step_by(usize::try_from(period).unwrap_or(usize::MAX))
            .filter_map(|stamp| Some(((stamp - begin) as f64 / (60 * self.minutes) as f64, name(stamp)?)))
            .collect()
    }
}

/// A number of the scale without zeros at its end, so short that it has room.
fn label(value: f64) -> String {
    let (value, unit) = match value {
        v if v >= 1e9 => (v / 1e9, "G"),
        v if v >= 1e6 => (v / 1e6, "M"),
        v if v >= 1e4 => (v / 1e3, "k"),
        v => (v, ""),
    };
    let digits = crate::cli::output::load(value);
    let short = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
    short.to_owned() + unit
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

/// Parts of a scale that end at round numbers too: 1, 2.5, 5 and 10 in fifths, 2 in quarters.
fn parts(top: f64) -> u32 {
    if format!("{top:e}").starts_with("2e") { 4 } else { 5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: Vec<Option<f64>>) -> Chart<'static> {
        let curves = vec![Curve { class: "load", name: "load <&>", values, ..Curve::LINE }];
        Chart { curves, marks: vec![1], ..Chart::new("load", DateTime::UNIX_EPOCH, 15, WIDE) }
    }

    #[test]
    fn scales_end_at_round_numbers() {
        let cases = [(0.0, 1.0), (0.7, 1.0), (1.01, 2.0), (23.0, 25.0), (26.0, 50.0), (99.0, 100.0), (1000.0, 1000.0)];
        for (value, top) in cases {
            assert!((ceiling(value) - top).abs() < 1e-9, "{value}: {}", ceiling(value));
            let part = 100.0 * top / f64::from(parts(top));
            assert!((part - part.round()).abs() < 1e-9, "{top} in {} parts", parts(top));
        }
    }

    #[test]
    fn labels_are_short() {
        for (value, text) in
            [(0.25, "0.25"), (2.0, "2"), (10.0, "10"), (7500.0, "7500"), (12_500.0, "12.5k"), (2e6, "2M"), (5e9, "5G")]
        {
            assert_eq!(label(value), text);
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

    #[test]
    fn hours_are_told_by_the_clock_of_the_zone() {
        let mut day = chart(vec![Some(1.0); 96]);
        day.zone = Tz::Asia__Kolkata;
        let ticks = day.ticks(96);
        // The epoch is 05:30 there: 06:00 is half an hour later, point 2 of four an hour.
        assert_eq!(ticks.first(), Some(&(2.0, "06:00".to_owned())), "{ticks:?}");
        assert!(ticks.contains(&(74.0, "02 Jan".to_owned())), "{ticks:?}");
    }
}
