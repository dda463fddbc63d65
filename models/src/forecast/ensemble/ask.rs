//! What is asked of an ensemble: forecasts at any distance, weights.

use super::{Ensemble, aim};
use crate::{
    forecast::{anchors::Kind, mixture::weighted},
    interval::Outlook,
};

/// A holiday is taken for a Sunday and may be none: its quantiles are so many times as far from the point.
const HOLIDAY_DOUBT: f64 = 2.0;

/// A prediction at any distance, with what says how far off it may be.
#[derive(Clone, Copy, Debug)]
struct Blend {
    load: f64,
    outlook: Outlook,
}

impl Ensemble {
    /// Weights of the models for the maximum over the lead window from now; they sum to 1.
    pub fn weights(&self) -> Vec<(&'static str, f64)> {
        let now = self.anchors.first(Kind::Maximum);
        let row: Vec<f32> = self.pending[now].models(self.anchors.last_due(now, self.past.next())).collect();
        let heard = |m: usize| !row[m].is_nan();
        let raw: Vec<f64> = (0..self.models.len())
            .map(|m| match self.pinned {
                Some(pinned) if heard(pinned) => f64::from(u8::from(m == pinned)),
                _ if heard(m) => f64::from(self.mixtures[now].weights(0)[m]),
                _ => 0.0,
            })
            .collect();
        let sum: f64 = raw.iter().sum();
        let names = self.models.iter().map(|m| m.choice().as_str());
        let mut weights: Vec<_> = names.zip(raw.iter().map(|w| if sum > 0.0 { w / sum } else { 0.0 })).collect();
        weights.sort_by(|a, b| b.1.total_cmp(&a.1));
        weights
    }

    /// Point, upper and lower for the step `ahead` of the next sample.
    pub fn at(&self, ahead: usize) -> (f64, f64, f64) {
        let ahead = ahead.min(self.anchors.reach(self.past.step()) - self.anchors.lead() - 1);
        let (value, most) = (self.blend(Kind::Value, ahead), self.blend(Kind::Maximum, ahead));
        let (point, doubt) = (self.bound(value.load), self.doubt(ahead));
        let above = most.load - point + self.margin(Kind::Maximum, ahead, &most.outlook, self.level);
        let upper = self.bound(point + doubt * above);
        let lower = self.bound(point + doubt * self.margin(Kind::Value, ahead, &value.outlook, 1.0 - self.level));
        (point, upper.max(point), lower.min(point))
    }

    /// Median and `level`-quantile of the plain value of step `ahead`.
    pub fn value_quantile(&self, ahead: usize, level: f64) -> (f64, f64) {
        let value = self.blend(Kind::Value, ahead);
        let point = self.bound(value.load);
        (point, self.bound(point + self.doubt(ahead) * self.margin(Kind::Value, ahead, &value.outlook, level)))
    }

    /// Median of the maximum over the lead window that starts at step `ahead`.
    pub fn maximum_point(&self, ahead: usize) -> f64 {
        self.bound(self.blend(Kind::Maximum, ahead).load)
    }

    fn blend(&self, kind: Kind, ahead: usize) -> Blend {
        let seen = self.context();
        let last = self.past.next() + (ahead + self.anchors.window(kind, ahead).len) as i64 - 1;
        let (a, b, share) = self.anchors.between(kind, ahead);
        let weekday = self.weekday(last);
        let (near, far) = (self.mixtures[a].weights(weekday), self.mixtures[b].weights(weekday));
        let (near_sum, far_sum): (f64, f64) = (total(near), total(far));
        let weight = |m: usize| f64::from(near[m]) / near_sum * (1.0 - share) + f64::from(far[m]) / far_sum * share;
        let opinion = |m: usize| self.models[m].ahead(&seen, kind, ahead);
        let opinions: Vec<f64> = (0..self.models.len()).map(opinion).collect();
        let pinned = self.pinned.map(|m| opinions[m]).filter(|p| !p.is_nan());
        let load = pinned.unwrap_or_else(|| weighted(opinions.iter().enumerate().map(|(m, p)| (weight(m), *p))));
        let spread = self.spread(opinions.iter().copied(), load);
        Blend { load, outlook: Outlook { hour: self.target_hour(last), height: self.height(load), spread } }
    }

    /// How many times as wide as usual the distance from point to quantile is for the step `ahead`.
    fn doubt(&self, ahead: usize) -> f64 {
        if self.past.is_holiday(self.past.next() + ahead as i64) { HOLIDAY_DOUBT } else { 1.0 }
    }

    /// What to add to a prediction for the `level`-quantile. Between two anchors it grows with the root of the distance, as the
    /// errors of a walk do: by its logarithm, ten minutes ahead would have 43 % of what an hour adds to five minutes instead of 28 %.
    fn margin(&self, kind: Kind, ahead: usize, outlook: &Outlook, level: f64) -> f64 {
        let (a, b, _) = self.anchors.between(kind, ahead);
        let at = |a: usize| {
            let wanted = aim(level, self.anchors.windows()[a].ahead as i64 * self.past.step());
            let errors = &self.errors[a];
            let wanted = if level >= 0.5 { errors.corrected(wanted) } else { wanted };
            errors.margin(&errors.sizes(outlook), wanted)
        };
        let low = at(a);
        if a == b {
            return low;
        }
        let [here, near, far] = [ahead, self.anchors.windows()[a].ahead, self.anchors.windows()[b].ahead]
            .map(|ahead| (1.0 + ahead as f64).sqrt());
        low + (at(b) - low) * (here - near) / (far - near)
    }
}

fn total(weights: &[f32]) -> f64 {
    weights.iter().map(|w| f64::from(*w)).sum()
}
