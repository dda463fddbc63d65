//! What is tuned of an HPA besides its utilisation.

use crate::hpa::{Behavior, Policy, Rules};
use crate::replay::Setting;
use chrono::TimeDelta;
use std::fmt;

/// How an HPA is tuned besides its utilisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tuning {
    /// scaleDown stabilisation, seconds.
    down: i64,
    /// scaleUp stabilisation, seconds.
    up: i64,
    /// scaleDown at most 10 % a minute instead of at once.
    gently: bool,
    /// scaleUp to ten times at once instead of to twice.
    boldly: bool,
}

impl Tuning {
    pub(super) const START: Self = Self { down: 300, up: 0, gently: false, boldly: false };
    /// The same, letting go early.
    pub(super) const EARLY: Self = Self { down: 60, ..Self::START };

    pub(super) fn setting(self, utilisation: u32) -> Setting {
        let up = if self.boldly { vec![Policy::percent(900, 15)] } else { Rules::default_up().policies };
        let down = if self.gently { vec![Policy::percent(10, 60)] } else { Rules::default_down().policies };
        let rules = |window: i64, rules: Rules| Rules { window: Some(TimeDelta::seconds(window)), ..rules };
        let behavior = Behavior {
            scale_up: Rules { policies: up, ..rules(self.up, Rules::default_up()) },
            scale_down: Rules { policies: down, ..rules(self.down, Rules::default_down()) },
        };
        Setting { utilisation, tolerance: Some(0.0), behavior: Some(behavior), min: None }
    }

    /// What differs in one respect.
    pub(super) fn neighbours(self) -> Vec<Vec<Self>> {
        vec![
            [60, 600, 1200, 1800, 3600].map(|down| Self { down, ..self }).to_vec(),
            vec![Self { gently: true, ..self }],
            vec![Self { boldly: true, ..self }],
            [30, 60].map(|up| Self { up, ..self }).to_vec(),
        ]
    }
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let up = if self.boldly { "900 %/15 s" } else { "100 % or 4 pods/15 s" };
        let down = if self.gently { "10 %/60 s" } else { "100 %/15 s" };
        let (up_window, down_window) = (self.up, self.down);
        write!(f, "tolerance 0, scaleUp {up} after {up_window} s, scaleDown {down} after {down_window} s")
    }
}
