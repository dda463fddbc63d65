//! The windows whose turn it is, found once for all models.

use super::{
    anchors::{Anchors, MOST, Window, turn},
    past::Past,
    season::Stored,
};

/// The windows that the newest sample completed, and those that are to be predicted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turns {
    completed: List,
    due: List,
}

#[derive(Clone, Copy, Debug, Default)]
struct List {
    turns: [Turn; MOST],
    len: usize,
}

/// A window of an anchor seen from one origin.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turn {
    /// Number of the anchor.
    pub anchor: usize,
    /// Its window.
    pub window: Window,
    /// Share of what a regression learned that it keeps.
    pub keep: f32,
    /// Where bases keep it.
    pub stored: Stored,
    /// Number of the sample that came next when it was predicted.
    pub origin: i64,
    /// Where features of the origin are kept.
    pub row: usize,
    /// Whether a regression is solved anew after it.
    pub is_solved: bool,
    /// Whether the models are weighed anew after it.
    pub is_weighed: bool,
}

impl Turns {
    /// Those of the moment after the newest sample. What was forecast out of the midst of trouble says nothing of other forecasts:
    /// nobody learns from it.
    pub fn new(anchors: &Anchors, past: &Past) -> Self {
        let (mut turns, next) = (Self::default(), past.next());
        if anchors.is_quiet(next) {
            return turns;
        }
        for (anchor, window) in anchors.windows().iter().enumerate() {
            let origin = next - (window.ahead + window.len) as i64;
            if anchors.is_due(anchor, origin) && !past.is_masked(origin - 1) {
                turns.completed.push(Turn::new(anchors, anchor, origin));
            }
            if anchors.is_due(anchor, next) {
                turns.due.push(Turn::new(anchors, anchor, next));
            }
        }
        turns
    }

    /// Windows that the newest sample completed, predicted when it was their turn.
    pub fn completed(&self) -> &[Turn] {
        &self.completed.turns[..self.completed.len]
    }

    /// Windows that are predicted now.
    pub fn due(&self) -> &[Turn] {
        &self.due.turns[..self.due.len]
    }
}

impl List {
    fn push(&mut self, turn: Turn) {
        self.turns[self.len] = turn;
        self.len += 1;
    }
}

impl Turn {
    fn new(anchors: &Anchors, anchor: usize, origin: i64) -> Self {
        let (window, pace) = (anchors.windows()[anchor], anchors.pace(anchor));
        let (from, turn) = (origin + window.ahead as i64, turn(origin, pace.every));
        Self {
            anchor,
            window,
            keep: pace.keep,
            stored: Stored::new(anchors, from, window.len),
            origin,
            row: anchors.opens().row(pace.every, turn),
            is_solved: (turn + anchor as u32).is_multiple_of(pace.solve),
            is_weighed: (turn + anchor as u32).is_multiple_of(pace.weigh),
        }
    }
}
