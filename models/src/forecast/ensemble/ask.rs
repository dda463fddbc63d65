//! What is asked of an ensemble: forecasts at any distance, weights.

use super::{Ensemble, aim, outage::Outage, pending::Row};
use crate::{
    forecast::{
        anchors::{Kind, MOST},
        mixture::{MODELS, Standing, weighted},
        model::Asked,
        part::Part,
        turns::Turns,
    },
    interval::{Outlook, Quantile},
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
        let due = self.anchors.last_due(now, self.past.next());
        let row = self.pending.at(&self.anchors, now, due).map_or([f32::NAN; MODELS], Row::models);
        let heard = |m: usize| !row[m].is_nan();
        let raw: Vec<f64> = (0..self.models.len())
            .map(|m| match self.pinned {
                Some(pinned) if heard(pinned) => f64::from(u8::from(m == pinned)),
                _ if heard(m) => self.mixtures[now].weights(0)[m].weight().into(),
                _ => 0.0,
            })
            .collect();
        let sum: f64 = raw.iter().sum();
        let names = self.models.iter().map(|m| m.choice().as_str());
        let mut weights: Vec<_> = names.zip(raw.iter().map(|w| if sum > 0.0 { w / sum } else { 0.0 })).collect();
        weights.sort_by(|a, b| b.1.total_cmp(&a.1));
        weights
    }

    /// Ready to be asked for the quantile it was calibrated for, and its mirror, at many distances.
    pub fn ask(&self) -> Ask<'_> {
        Ask {
            ensemble: self,
            upper: self.quantiles(self.level),
            lower: self.quantiles(1.0 - self.level),
            outage: self.outage(),
        }
    }

    /// Median and `level`-quantile of the plain value of step `ahead`.
    pub fn value_quantile(&self, ahead: usize, level: f64) -> (f64, f64) {
        let value = self.blend(Kind::Value, ahead);
        let point = self.bound(value.load);
        let margin = self.margin(Kind::Value, ahead, &value.outlook, &self.quantiles(level));
        let upper = self.bound(point + self.doubt(ahead) * margin);
        let Some(gone) = self.outage() else { return (point, upper) };
        (gone.point(ahead + 1, point), gone.quantile(ahead + 1, level, upper))
    }

    /// Median of the maximum over the lead window that starts at step `ahead`.
    pub fn maximum_point(&self, ahead: usize) -> f64 {
        let most = self.bound(self.blend(Kind::Maximum, ahead).load);
        self.outage().map_or(most, |gone| gone.point(ahead + self.anchors.lead(), most))
    }

    fn blend(&self, kind: Kind, ahead: usize) -> Blend {
        let turns = Turns::default();
        let seen = self.context(&turns);
        let last = self.past.next() + (ahead + self.anchors.window(kind, ahead).len) as i64 - 1;
        let asked = Asked::new(&self.anchors, self.past.next(), kind, ahead);
        let (a, b, share) = asked.between;
        let weekday = self.weekday(last);
        let (near, far) = (self.mixtures[a].weights(weekday), self.mixtures[b].weights(weekday));
        let (near_sum, far_sum) = (total(near), total(far));
        let (mut weights, mut opinions) = ([0.0; MODELS], [f32::NAN; MODELS]);
        for (m, model) in self.models.iter().enumerate() {
            let (here, there) = (near[m].weight() / near_sum, far[m].weight() / far_sum);
            // A day ahead the last value is as good as yesterday, an hour before it is not: what knows no season is heard between two
            // anchors by no more than the nearer one grants it.
            let there = if share < 1.0 && !self.seasonal[m] { there.min(here) } else { there };
            weights[m] = here * (1.0 - share) + there * share;
            opinions[m] = model.ahead(&seen, &asked);
        }
        let pinned = self.pinned.map(|m| opinions[m]).filter(|pinned| !pinned.is_nan());
        let load = pinned.unwrap_or_else(|| weighted(&weights, &opinions)).into();
        let spread = self.spread(&opinions, load);
        Blend { load, outlook: Outlook { when: self.when(kind, last), height: self.height(load), spread } }
    }

    /// What was foreseen an hour ago of the lead window from step `ahead`, as far as its season still says so at the level of the last
    /// day; 0 further ahead than an hour.
    ///
    /// A load that falls is mostly back soon, and then within a step, without warning: the chance of it in each single window is far below
    /// what any quantile covers, and yet much of the starved time of slow pods comes from it (`docs/outcomes.md`). What lasts is
    /// foreseen to last after a while. A rise that is over is nothing that the season knows, so it is not remembered.
    fn remembered(&self, ahead: usize) -> f64 {
        if !self.has(Part::HourAgo) {
            return 0.0;
        }
        let hour = self.anchors.value_near(60);
        let (before, next) = (self.anchors.windows()[hour].ahead as i64, self.past.next());
        let window = (0..self.anchors.lead()).map(|k| next + (ahead + k) as i64);
        let said = window.take_while(|t| t - before < next).filter_map(|t| {
            let open = self.pending.at(&self.anchors, hour, self.anchors.last_due(hour, t - before))?;
            let (said, usual) = (open.mixed(), self.usual(t));
            (said.is_finite() && usual.is_finite()).then(|| said.min(usual))
        });
        self.bound(said.fold(0.0, f64::max))
    }

    /// How many times as wide as usual the distance from point to quantile is for the step `ahead`.
    fn doubt(&self, ahead: usize) -> f64 {
        if self.past.is_holiday(self.past.next() + ahead as i64) { HOLIDAY_DOUBT } else { 1.0 }
    }

    /// What to add to a prediction for the quantile that these are of. Between two anchors it grows with the root of the distance, as
    /// the errors of a walk do: by its logarithm, ten minutes ahead would have 43 % of what an hour adds to five minutes instead of 28 %.
    fn margin(&self, kind: Kind, ahead: usize, outlook: &Outlook, quantiles: &[Quantile; MOST]) -> f64 {
        let (a, b, _) = self.anchors.between(kind, ahead);
        let at = |a: usize| quantiles[a].margin(&self.errors[a].sizes(outlook));
        let low = at(a);
        if a == b {
            return low;
        }
        let [here, near, far] = [ahead, self.anchors.windows()[a].ahead, self.anchors.windows()[b].ahead]
            .map(|ahead| (1.0 + ahead as f64).sqrt());
        low + (at(b) - low) * (here - near) / (far - near)
    }

    /// Each anchor's `level`-quantile of scores.
    fn quantiles(&self, level: f64) -> [Quantile; MOST] {
        let mut all = [Quantile::default(); MOST];
        for ((quantile, errors), window) in all.iter_mut().zip(&self.errors).zip(self.anchors.windows()) {
            let wanted = aim(level, window.ahead as i64 * self.past.step());
            *quantile = errors.quantile(if level >= 0.5 { errors.corrected(wanted) } else { wanted });
        }
        all
    }
}

/// An ensemble asked for one quantile and its mirror: the quantiles of scores are looked up once, not at every distance.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    ensemble: &'a Ensemble,
    upper: [Quantile; MOST],
    lower: [Quantile; MOST],
    outage: Option<Outage>,
}

impl Ask<'_> {
    /// Point, upper and lower for the step `ahead` of the next sample.
    pub fn at(&self, ahead: usize) -> (f64, f64, f64) {
        let e = self.ensemble;
        let ahead = ahead.min(e.anchors.reach() - e.anchors.lead() - 1);
        let value = e.blend(Kind::Value, ahead);
        // Over a single step the maximum is the value.
        let most = if e.anchors.lead() > 1 { e.blend(Kind::Maximum, ahead) } else { value };
        let (point, doubt) = (e.bound(value.load), e.doubt(ahead));
        let upper = e.bound(point + doubt * (self.upper_of(ahead, &most) - point)).max(e.remembered(ahead));
        let lower = e.bound(point + doubt * e.margin(Kind::Value, ahead, &value.outlook, &self.lower));
        let end = ahead + e.anchors.lead();
        let (point, upper) = self
            .outage
            .map_or((point, upper), |gone| (gone.point(ahead + 1, point), gone.quantile(end, e.level, upper)));
        (point, upper.max(point), lower.min(point))
    }

    /// The upper quantile of the lead window from step `ahead`, of whose maximum `most` is foreseen.
    fn upper_of(&self, ahead: usize, most: &Blend) -> f64 {
        let e = self.ensemble;
        if e.has(Part::Maxima) {
            return most.load + e.margin(Kind::Maximum, ahead, &most.outlook, &self.upper);
        }
        let last = ahead + e.anchors.lead() - 1;
        let value = e.blend(Kind::Value, last);
        value.load + e.margin(Kind::Value, last, &value.outlook, &self.upper)
    }
}

fn total(standings: &[Standing]) -> f32 {
    standings.iter().map(|standing| standing.weight()).sum()
}
