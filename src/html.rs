//! What both pages have in common, the one that `backtest` writes and the one that the daemon serves: text and charts.

pub(crate) mod chart;

/// Rules of the charts; the page's own style sheet says what its colours are.
pub(crate) const CHART_STYLE: &str = include_str!("html/chart.css");

/// Text as HTML has it, also within quotes.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
