//! What a claim, or a load, keeps in pods for a while after it: the price of a floor is not its claim but how long that is held.

/// A floor looks ahead so many seconds, for the highest claim that a raise must be ready for…
const LOOK_AHEAD: u32 = 600;
/// …and the HPA scales down so many seconds after the load fell.
const STABILISATION: u32 = 300;
/// Share of a floor that a minute of the ramp leaves.
const RAMP: f64 = 0.9;

/// As a floor holds what was claimed.
pub(super) type ByFloor = Held<{ LOOK_AHEAD + STABILISATION }>;
/// As the HPA holds what came.
pub(super) type ByHpa = Held<STABILISATION>;

/// The highest load of the last `SECONDS` that is still held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held<const SECONDS: u32> {
    /// Share left when the next sample comes after that.
    left: f32,
    load: f32,
    /// Seconds since the epoch in 32 bits, as far as the year 2106.
    until: u32,
}

impl ByFloor {
    /// Nothing claimed yet; `spacing` seconds lie between two claims.
    pub(super) fn new(spacing: i64) -> Self {
        Self { left: RAMP.powf(spacing as f64 / 60.0) as f32, load: 0.0, until: 0 }
    }
}

impl ByHpa {
    /// Nothing came yet.
    pub(super) const NONE: Self = Self { left: 0.0, load: 0.0, until: 0 };
}

impl<const SECONDS: u32> Held<SECONDS> {
    /// What is held at `stamp` (seconds since the epoch) with a new `load` there.
    pub(super) fn hold(&mut self, load: f32, stamp: i64) -> f32 {
        let stamp = u32::try_from(stamp.max(0)).unwrap_or(u32::MAX);
        if stamp > self.until {
            self.load *= self.left;
        }
        if load >= self.load {
            (self.load, self.until) = (load, stamp.saturating_add(SECONDS));
        }
        self.load
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held<const SECONDS: u32>(mut by: Held<SECONDS>, loads: [f32; 8]) -> [f32; 8] {
        let mut stamp = 0;
        loads.map(|load| {
            stamp += 300;
            by.hold(load, stamp)
        })
    }

    #[test]
    fn a_claim_is_held_for_a_quarter_of_an_hour_and_comes_down_by_the_ramp() {
        let claims = [10.0, 100.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0];
        // Five minutes of the ramp leave 0.9⁵ = 0.59049.
        let ramp = [59.049, 34.867, 20.589];
        let found = held(ByFloor::new(300), claims);
        assert_eq!(found[..5], [10.0, 100.0, 100.0, 100.0, 100.0]);
        assert!(found[5..].iter().zip(ramp).all(|(found, wanted)| (found - wanted).abs() < 1e-2), "{found:?}");
    }

    #[test]
    fn the_hpa_holds_what_came_for_five_minutes() {
        let came = [10.0, 100.0, 10.0, 20.0, 10.0, 10.0, 30.0, 5.0];
        assert_eq!(held(ByHpa::NONE, came), [10.0, 100.0, 100.0, 20.0, 20.0, 10.0, 30.0, 30.0]);
    }
}
