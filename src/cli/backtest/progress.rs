//! How far it is, on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar with the time left; nothing where stderr is no terminal.
pub(super) struct Progress(ProgressBar);

/// Ticks of the whole bar.
const TICKS: u64 = 1_000;

impl Progress {
    pub(super) fn begin() -> Self {
        let style = ProgressStyle::with_template("{msg:28} [{bar:30}] {percent:>3} %, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        Self(ProgressBar::new(TICKS).with_style(style))
    }

    /// What is being done, and which share of the whole is done.
    pub(super) fn at(&self, what: &str, share: f64) {
        self.0.set_message(what.to_owned());
        self.0.set_position((share.clamp(0.0, 1.0) * TICKS as f64) as u64);
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
