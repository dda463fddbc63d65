//! Where features of the origin are kept until the windows asked about from it have come.

use super::anchors::Window;
use std::ops::Range;

/// Where features lie by origin: anchors that are asked as often share them, for they do not depend on what is asked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Opens {
    groups: [Group; GROUPS],
}

/// How many different distances there can be between two origins of an anchor.
const GROUPS: usize = 4;

#[derive(Clone, Copy, Debug, Default)]
struct Group {
    /// Samples between two origins; 0 is no group.
    every: u32,
    first: u32,
    rows: u32,
}

impl Opens {
    /// The places for these windows, each with the samples between two of its origins.
    pub(super) fn new<'a>(windows: impl Iterator<Item = (&'a Window, u32)>) -> Self {
        let mut groups = [Group::default(); GROUPS];
        for (window, every) in windows {
            // Of origins so far apart no more can be open at a time: a window is learned from before the next is asked about.
            let rows = (window.ahead + window.len) as u32 / every + 1;
            if let Some(group) = groups.iter_mut().find(|g| g.every == 0 || g.every == every) {
                *group = Group { every, rows: group.rows.max(rows), first: 0 };
            }
        }
        let mut first = 0;
        for group in &mut groups {
            group.first = first;
            first += group.rows;
        }
        Self { groups }
    }

    /// The places of the origins that are so many samples apart.
    pub(super) fn span(&self, every: u32) -> Range<usize> {
        let group = self.groups.iter().find(|g| g.every == every).unwrap_or(&self.groups[0]);
        group.first as usize..(group.first + group.rows) as usize
    }

    /// The place of an origin, by its number among those so many samples apart.
    pub(super) fn row(&self, every: u32, turn: u32) -> usize {
        let group = self.groups.iter().find(|g| g.every == every).unwrap_or(&self.groups[0]);
        (group.first + turn % group.rows.max(1)) as usize
    }
}
