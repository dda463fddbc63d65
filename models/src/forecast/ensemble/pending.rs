//! Predictions whose windows are still open: a row per origin and anchor, bounded by the distance of the window.
//!
//! What is kept of a prediction is what it will be held against: the mixture in full, the models as their differences from it, and
//! what was expected of the error. The last two are known to a few percent at best and are kept to 0.4 %.

use crate::{
    forecast::{anchors::Anchors, half::Half, mixture::MODELS},
    interval::{Margins, Packed, Sizes},
};

/// The open predictions of all anchors.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    rows: Box<[Row]>,
    /// Where each anchor's rows begin, and at the end where they would go on.
    from: Box<[u32]>,
}

/// One open prediction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The low bits of the origin's number: enough to tell a row from the one that it replaced.
    origin: u16,
    /// In bytes, so that a row is as wide as its parts: 38 of them instead of 40.
    mixed: [u8; 4],
    /// Each model's prediction less the mixture's.
    off: [Half; MODELS],
    expected: Packed,
}

/// Nothing predicted, and where its number is met by chance it still says nothing.
const NONE: Row =
    Row { origin: u16::MAX, mixed: f32::NAN.to_ne_bytes(), off: [Half::NAN; MODELS], expected: Packed::NONE };

const _: () = assert!(size_of::<Row>() == 38);

impl Row {
    /// What was made of the models' predictions.
    pub(super) fn mixed(&self) -> f64 {
        f64::from(f32::from_ne_bytes(self.mixed))
    }

    /// The models' predictions; NaN is no opinion.
    pub(super) fn models(&self) -> [f32; MODELS] {
        let mixed = f32::from_ne_bytes(self.mixed);
        self.off.map(|off| mixed + off.get())
    }

    /// The errors that were to be expected, and the margins that followed.
    pub(super) fn expected(&self) -> (Sizes, Margins) {
        self.expected.unpack()
    }
}

impl Pending {
    /// Nothing predicted yet.
    pub(super) fn new(anchors: &Anchors) -> Self {
        let windows = anchors.windows().iter().enumerate();
        // Of origins so far apart no more can be open at a time: a window is learned from before the next is asked about.
        let rows = windows.map(|(a, w)| (w.ahead + w.len) as u32 / anchors.every(a) as u32 + 1);
        let mut from = vec![0];
        from.extend(rows.scan(0, |sum, rows| {
            *sum += rows;
            Some(*sum)
        }));
        let all = from.last().copied().unwrap_or(0) as usize;
        Self { rows: vec![NONE; all].into(), from: from.into() }
    }

    /// Files the models' predictions from an origin, what was made of them, and what is expected of its error.
    pub(super) fn put(
        &mut self,
        anchors: &Anchors,
        a: usize,
        origin: i64,
        models: &[f32; MODELS],
        mixed: f64,
        expected: Packed,
    ) {
        let mixed = mixed as f32;
        let off = models.map(|p| Half::new(p - mixed));
        let slot = self.slot(anchors, a, origin);
        self.rows[slot] = Row { origin: origin as u16, mixed: mixed.to_ne_bytes(), off, expected };
    }

    /// The prediction of anchor `a` from an origin, if it was made and is not yet forgotten.
    pub(super) fn at(&self, anchors: &Anchors, a: usize, origin: i64) -> Option<&Row> {
        let row = &self.rows[self.slot(anchors, a, origin)];
        (row.origin == origin as u16).then_some(row)
    }

    fn slot(&self, anchors: &Anchors, a: usize, origin: i64) -> usize {
        let rows = self.from[a + 1] - self.from[a];
        (self.from[a] + origin as u32 / anchors.every(a) as u32 % rows) as usize
    }
}
