//! The windows ahead at which models are trained and scored; between two of them corrections are interpolated.

/// A stretch of samples ahead of an origin: `[next + ahead, next + ahead + len)`. Its target is the largest of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Samples between the origin and the window's first.
    pub ahead: usize,
    /// Samples in the window; 1 is a plain value.
    pub len: usize,
}

/// What is asked of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The load of one step.
    Value,
    /// The largest load over the lead time.
    Maximum,
}

/// All anchors: first those of single values, then those of maxima over the lead time, each by distance.
#[derive(Clone, Debug)]
pub struct Anchors {
    windows: Vec<Window>,
    values: usize,
    lead: usize,
    horizon: usize,
}

/// Distances of value anchors in minutes; the step itself and the horizon are added.
const VALUE_MINUTES: [i64; 6] = [15, 30, 60, 240, 720, 1440];
/// Distances of maximum anchors in minutes; now and the horizon are added.
const MAXIMUM_MINUTES: [i64; 4] = [15, 60, 240, 1440];

impl Anchors {
    /// Anchors for a step, a lead window and a horizon, all in seconds.
    pub fn new(step: i64, lead: i64, horizon: i64) -> Self {
        let horizon = (horizon / step).max(2) as usize;
        let lead = ((lead + step - 1) / step).max(1) as usize;
        // The value `m` minutes ahead is the sample that ends then: one less than the distance of its end.
        let values = distances(&VALUE_MINUTES, step, 1, horizon);
        let maxima = distances(&MAXIMUM_MINUTES, step, 0, horizon);
        let windows = values
            .iter()
            .map(|&ahead| Window { ahead, len: 1 })
            .chain(maxima.iter().map(|&ahead| Window { ahead, len: lead }))
            .collect();
        Self { windows, values: values.len(), lead, horizon }
    }

    /// The windows, in order.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// Samples in a maximum window.
    pub fn lead(&self) -> usize {
        self.lead
    }

    /// Samples that a forecast reaches ahead.
    pub fn horizon(&self) -> usize {
        self.horizon
    }

    /// How far beyond now a model must be able to see: the last window's end, and six hours of missing samples.
    pub fn reach(&self, step: i64) -> usize {
        self.horizon + self.lead + (6 * 3600 / step).max(1) as usize
    }

    /// What anchor `a` asks for.
    pub fn kind(&self, a: usize) -> Kind {
        if a < self.values { Kind::Value } else { Kind::Maximum }
    }

    /// The first anchor of a kind: for maxima the window that starts now.
    pub fn first(&self, kind: Kind) -> usize {
        match kind {
            Kind::Value => 0,
            Kind::Maximum => self.values,
        }
    }

    /// The value anchor nearest to `minutes` ahead.
    pub fn value_near(&self, minutes: i64, step: i64) -> usize {
        let wanted = (minutes * 60 / step - 1).max(0);
        (0..self.values).min_by_key(|&a| (self.windows[a].ahead as i64 - wanted).abs()).unwrap_or(0)
    }

    /// Which two anchors a window `ahead` lies between, and how far (0 to 1) towards the second, by the logarithm of the distance.
    pub fn between(&self, kind: Kind, ahead: usize) -> (usize, usize, f64) {
        let range = match kind {
            Kind::Value => 0..self.values,
            Kind::Maximum => self.values..self.windows.len(),
        };
        let above = range.clone().find(|&a| self.windows[a].ahead >= ahead);
        let Some(above) = above else {
            return (range.end - 1, range.end - 1, 0.0);
        };
        if above == range.start {
            return (above, above, 0.0);
        }
        let log = |ahead: usize| (1.0 + ahead as f64).ln();
        let (low, high) = (log(self.windows[above - 1].ahead), log(self.windows[above].ahead));
        (above - 1, above, (log(ahead) - low) / (high - low))
    }
}

fn distances(minutes: &[i64], step: i64, less: i64, horizon: usize) -> Vec<usize> {
    let mut all: Vec<usize> = minutes
        .iter()
        .map(|m| ((m * 60 + step / 2) / step - less).max(0) as usize)
        .filter(|&a| a < horizon)
        .chain([0, horizon - 1])
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_minutes_quarter_of_an_hour_a_day() {
        let anchors = Anchors::new(300, 900, 86_400);
        let ahead: Vec<usize> = anchors.windows().iter().map(|w| w.ahead).collect();
        assert_eq!(ahead, [0, 2, 5, 11, 47, 143, 287, 0, 3, 12, 48, 287]);
        assert_eq!(anchors.windows()[7].len, 3);
        assert_eq!(anchors.value_near(60, 300), 3);
    }

    #[test]
    fn between_two_anchors_by_the_logarithm() {
        let anchors = Anchors::new(300, 900, 86_400);
        assert_eq!(anchors.between(Kind::Value, 2), (0, 1, 1.0));
        let (a, b, share) = anchors.between(Kind::Maximum, 6);
        assert_eq!((a, b), (8, 9));
        assert!((share - (7.0_f64 / 4.0).ln() / (13.0_f64 / 4.0).ln()).abs() < 1e-12);
        assert_eq!(anchors.between(Kind::Value, 9999).0, 6);
    }

    #[test]
    fn an_hourly_grid_has_fewer_anchors() {
        let anchors = Anchors::new(3600, 900, 86_400);
        let ahead: Vec<usize> = anchors.windows().iter().map(|w| w.ahead).collect();
        assert_eq!(ahead, [0, 3, 11, 23, 0, 1, 4, 23]);
        assert_eq!(anchors.lead(), 1);
    }
}
