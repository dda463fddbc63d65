//! The base, `spec.minReplicas`, of a policy that is tuned already.

use super::{Service, Tuned, by_utilisation};
use crate::replay::Ground;
use crate::units::Replicas;
use std::collections::BTreeSet;

/// Another base must cost at least this share less: what is within it is chance, and a base that stays is one change less.
const PAYS: f64 = 0.99;

/// Tries lower bases, else higher ones, each with its utilisation tuned again, as long as it pays; gives the policy as tuned where
/// it does not.
///
/// A lower base spares pods at night. A higher one can be worth it where the load leaps out of quiet hours: then the utilisation
/// may be higher all day. No base below `least` is tried: what people keep for the failure of a pod is theirs to judge.
pub fn tune_base(ground: &Ground<'_>, tuned: &Tuned, least: Replicas, service: Service) -> Tuned {
    let now = ground.setup.min.get();
    let mut best = tuned.clone();
    for bases in [lower(now, least.get()), higher(now, mean_need(ground, tuned, service))] {
        for base in bases {
            let next = with(ground, tuned, base, service);
            let pays = Tuned { pod_hours: next.pod_hours / PAYS, ..next.clone() };
            if !pays.is_better(&best) {
                break;
            }
            best = next;
        }
        if best.choice.setting.min.is_some() {
            break;
        }
    }
    best
}

fn with(ground: &Ground<'_>, tuned: &Tuned, base: u32, service: Service) -> Tuned {
    let near = tuned.choice.setting.utilisation;
    by_utilisation(ground, service, tuned.label.clone(), near, |utilisation| {
        let mut choice = tuned.choice.clone();
        (choice.setting.utilisation, choice.setting.min) = (utilisation, Some(Replicas::new(base)));
        choice
    })
}

/// Replicas that the mean load needs.
fn mean_need(ground: &Ground<'_>, tuned: &Tuned, service: Service) -> u32 {
    let mean = ground.load.mean(service.from, service.until).unwrap_or(0.0);
    (mean / ground.setup.per_replica(tuned.choice.setting.utilisation).get()).ceil() as u32
}

/// Three quarters, half and a quarter of the base of now, then the least: the nearest first.
fn lower(now: u32, least: u32) -> Vec<u32> {
    let steps = [now * 3 / 4, now / 2, now / 4, least].map(|base| base.max(least));
    let steps: BTreeSet<u32> = steps.into_iter().filter(|base| *base < now).collect();
    steps.into_iter().rev().collect()
}

/// Quarters of what the mean load needs, above the base of now: the nearest first.
fn higher(now: u32, mean: u32) -> Vec<u32> {
    let steps: BTreeSet<u32> =
        [mean / 4, mean / 2, mean * 3 / 4, mean].into_iter().filter(|base| *base > now).collect();
    steps.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_tried_from_the_nearest_on() {
        assert_eq!(lower(12, 2), [9, 6, 3, 2]);
        assert_eq!(lower(3, 2), [2]);
        assert!(lower(2, 2).is_empty() && lower(1, 1).is_empty());
        assert_eq!(higher(2, 20), [5, 10, 15, 20]);
        assert_eq!(higher(12, 20), [15, 20]);
        assert!(higher(20, 20).is_empty());
    }
}
