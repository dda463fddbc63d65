//! What a claim, or a load, keeps in pods for a while after it: the price of a floor is not its claim but how long that is held.

/// A floor looks ahead so many seconds, for the highest claim that a raise must be ready for…
const LOOK_AHEAD: i64 = 600;
/// …and the HPA scales down so many seconds after the load fell.
const STABILISATION: i64 = 300;
/// Share of a floor that a minute of the ramp leaves.
const RAMP: f64 = 0.9;

/// The highest load of late that is still held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    seconds: i64,
    /// Share left when the next sample comes after that.
    left: f32,
    load: f32,
    until: i64,
}

impl Held {
    /// As a floor holds what was claimed; `spacing` seconds lie between two claims.
    pub(super) fn by_floor(spacing: i64) -> Self {
        Self::new(LOOK_AHEAD + STABILISATION, RAMP.powf(spacing as f64 / 60.0) as f32)
    }

    /// As the HPA holds what came.
    pub(super) const fn by_hpa() -> Self {
        Self::new(STABILISATION, 0.0)
    }

    const fn new(seconds: i64, left: f32) -> Self {
        Self { seconds, left, load: 0.0, until: i64::MIN }
    }

    /// What is held at `stamp` (seconds since the epoch) with a new `load` there.
    pub(super) fn hold(&mut self, load: f32, stamp: i64) -> f32 {
        if stamp > self.until {
            self.load *= self.left;
        }
        if load >= self.load {
            (self.load, self.until) = (load, stamp + self.seconds);
        }
        self.load
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(mut by: Held, loads: [f32; 8]) -> [f32; 8] {
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
        let found = held(Held::by_floor(300), claims);
        assert_eq!(found[..5], [10.0, 100.0, 100.0, 100.0, 100.0]);
        assert!(found[5..].iter().zip(ramp).all(|(found, wanted)| (found - wanted).abs() < 1e-2), "{found:?}");
    }

    #[test]
    fn the_hpa_holds_what_came_for_five_minutes() {
        let came = [10.0, 100.0, 10.0, 20.0, 10.0, 10.0, 30.0, 5.0];
        assert_eq!(held(Held::by_hpa(), came), [10.0, 100.0, 100.0, 20.0, 20.0, 10.0, 30.0, 30.0]);
    }
}
