//! Regression on recent means and on all seasonal bases at once, per horizon.
//!
//! A lag regression whose seasonal lags are the (median, smoothed) bases instead of single old samples: the coefficients say
//! how much of each season and how much of the present to believe (stacking; Breiman 1996).

use super::{
    Choice,
    anchors::{Kind, Window},
    model::{Context, Model, Realised},
    regressed::Regressed,
    ridge::Prior,
    season::{Base, is_weekly_known},
};

/// Features that depend on the origin only.
const ORIGIN: usize = 9;
/// Features that depend on the window: the bases over it.
const SEASONAL: usize = 4;
const ALL: usize = ORIGIN + SEASONAL;
/// Bases in the order of the seasonal features; the daily one comes first and stands in for those not yet known.
const BASES: [Base; SEASONAL] = [Base::Days, Base::Profile, Base::Smooth, Base::Weeks];

/// Before any evidence: the mean of the bases.
const BELIEF: Prior<ALL> =
    Prior { coefficients: [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 0.25, 0.25, 0.25], samples: 12.0 };

/// The regression.
#[derive(Clone, Debug)]
pub struct Lags {
    origin: Regressed<ORIGIN>,
    ridges: Vec<super::ridge::Ridge<ALL>>,
    every: i64,
}

impl Lags {
    /// Nothing learned yet; `origin` keeps the features of open origins.
    pub fn new(origin: Regressed<ORIGIN>, anchors: usize, step: i64) -> Self {
        let memory = (14 * crate::calendar::DAY / step / EVERY).max(200) as f64;
        Self {
            origin,
            ridges: vec![super::ridge::Ridge::new(memory, BELIEF); anchors],
            every: (2 * 3600 / step).max(1),
        }
    }

    fn origin_features(seen: &Context<'_>) -> [f64; ORIGIN] {
        let of = |base| seen.track(base).map_or([0.0; 4], super::season::Track::features);
        let (load, profile, days) = (of(Base::Zero), of(Base::Profile), of(Base::Days));
        [load[0], load[1], load[2], load[3], profile[0], profile[1], profile[2], days[0], days[1]]
    }

    /// The bases over a window that starts at sample `from`.
    fn seasonal(seen: &Context<'_>, from: i64, window: Window) -> [f64; SEASONAL] {
        let known = is_weekly_known(seen.past);
        let mut out = [f64::NAN; SEASONAL];
        for (k, base) in BASES.into_iter().enumerate() {
            let track = seen.track(base);
            out[k] = track.map_or(f64::NAN, |t| t.back(seen.past, t.over(from, window)));
            let barred = !known && matches!(base, Base::Profile | Base::Weeks);
            if out[k].is_nan() || barred {
                out[k] = out[0];
            }
        }
        out
    }

    fn join(origin: &[f64; ORIGIN], seasonal: &[f64; SEASONAL]) -> [f64; ALL] {
        std::array::from_fn(|i| if i < ORIGIN { origin[i] } else { seasonal[i - ORIGIN] })
    }

    fn features(seen: &Context<'_>, origin: &[f64; ORIGIN], window: Window) -> [f64; ALL] {
        let from = seen.past.next() + window.ahead as i64;
        Self::join(origin, &Self::seasonal(seen, from, window))
    }
}

/// Neighbouring samples say nearly the same: every third one is learned, anchors taking turns.
const EVERY: i64 = 3;

impl Model for Lags {
    fn choice(&self) -> Choice {
        Choice::Lags
    }

    fn learn(&mut self, seen: &Context<'_>, realised: &Realised) {
        let next = seen.past.next();
        for (a, window) in seen.anchors.windows().iter().enumerate() {
            if (next + a as i64) % EVERY != 0 {
                continue;
            }
            let from = next - window.len as i64;
            let origin = self.origin.recall(from - window.ahead as i64);
            let features = Self::join(&origin, &Self::seasonal(seen, from, *window));
            self.ridges[a].learn(&features, realised.of(seen.anchors.kind(a)));
            if (next / EVERY + a as i64) % (self.every / EVERY).max(1) == 0 {
                self.ridges[a].solve();
            }
        }
    }

    fn predict(&mut self, seen: &Context<'_>, out: &mut [f32]) {
        let origin = Self::origin_features(seen);
        self.origin.remember(seen.past.next(), &origin);
        for (a, window) in seen.anchors.windows().iter().enumerate() {
            let features = Self::features(seen, &origin, *window);
            out[a] = seen.bounded(self.ridges[a].predict(&features)) as f32;
        }
    }

    fn ahead(&self, seen: &Context<'_>, kind: Kind, ahead: usize) -> f64 {
        let len = match kind {
            Kind::Value => 1,
            Kind::Maximum => seen.anchors.lead(),
        };
        let origin = Self::origin_features(seen);
        let features = Self::features(seen, &origin, Window { ahead, len });
        let (a, b, share) = seen.anchors.between(kind, ahead);
        let (low, high) = (self.ridges[a].predict(&features), self.ridges[b].predict(&features));
        seen.bounded(low + (high - low) * share)
    }

    fn boxed(&self) -> Box<dyn Model> {
        Box::new(self.clone())
    }
}
