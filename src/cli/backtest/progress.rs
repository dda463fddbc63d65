//! How far it is, on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar with the time left; nothing where stderr is no terminal.
#[derive(Clone)]
pub(super) struct Progress {
    bar: ProgressBar,
    /// The part of the bar that this is about: from, and how much.
    part: (f64, f64),
}

/// Ticks of the whole bar.
const TICKS: u64 = 1_000;

impl Progress {
    pub(super) fn begin() -> Self {
        let style = ProgressStyle::with_template("{msg:28} [{bar:30}] {percent:>3} %, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        Self { bar: ProgressBar::new(TICKS).with_style(style), part: (0.0, 1.0) }
    }

    /// The bar's part of the `i`-th of `of` replays.
    pub(super) fn part(&self, i: usize, of: usize) -> Self {
        let whole = of.max(1) as f64;
        Self { bar: self.bar.clone(), part: (i as f64 / whole, 1.0 / whole) }
    }

    /// What is being done, and which share of the whole is done.
    pub(super) fn at(&self, what: &str, share: f64) {
        let (from, width) = self.part;
        self.bar.set_message(what.to_owned());
        self.bar.set_position(((from + width * share.clamp(0.0, 1.0)) * TICKS as f64) as u64);
    }

    /// Takes the bar away: for whoever began it.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
