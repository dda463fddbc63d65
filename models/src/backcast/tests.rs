#![allow(clippy::unwrap_used, clippy::cast_possible_wrap)]
use super::*;
use crate::testing::{n, time};
use std::f64::consts::TAU;

const SAMPLES: usize = 4 * 288;

fn step() -> TimeDelta {
    TimeDelta::minutes(5)
}

fn series(values: Vec<f32>) -> Series {
    Series::new(time(0), step(), values).unwrap()
}

fn constant(value: f32) -> Series {
    series(vec![value; SAMPLES])
}

fn arithmetic() -> Arithmetic {
    Arithmetic { flags: Flags::default(), behavior: None, tolerance: Tolerance::default() }
}

/// A daily wave between 50 and 1,050, with a burst of +40 % every seventh sample.
fn wave(bursty: bool) -> Vec<f64> {
    let burst = |i: usize| if bursty && i.is_multiple_of(7) { 1.4 } else { 1.0 };
    (0..SAMPLES).map(|i| (550.0 - 500.0 * (TAU * i as f64 / 288.0).cos()) * burst(i)).collect()
}

/// What a real HPA would have wanted for this load at 10 per replica: synced every 15 s, load held within a sample.
fn hpa(load: &[f64], per: f64, bounds: Bounds) -> Vec<f32> {
    let mut replay = Replay::new(Flags::default(), None, Tolerance::default());
    let per = PerReplica::new(per).unwrap();
    let mut desired = vec![];
    for (i, load) in load.iter().enumerate() {
        for sync in 0..20 {
            let at = time(5 * i as i64) + TimeDelta::seconds(15 * sync);
            replay.step(at, &[(Demand::new(*load).unwrap(), per)], bounds);
        }
        desired.push(replay.current().unwrap().get() as f32);
    }
    desired
}

fn wide() -> Bounds {
    Bounds { min: n(2), max: n(500) }
}

/// The verdict for a load that is `factor` of the true one, at 10 per replica.
fn verdict(bursty: bool, factor: f64) -> Verdict {
    let load = wave(bursty);
    let desired = series(hpa(&load, 10.0, wide()));
    let seen = series(load.iter().map(|l| (l * factor) as f32).collect());
    let loads = [(&seen, PerReplica::new(10.0).unwrap())];
    compare(&History { loads: &loads, desired: &desired, min: &constant(2.0), max: &constant(500.0) }, &arithmetic())
}

#[test]
fn a_right_derivation_matches_also_when_bursty() {
    for bursty in [false, true] {
        let verdict = verdict(bursty, 1.0);
        assert!(matches!(verdict, Verdict::Match { share, .. } if share > 0.97), "bursty {bursty}: {verdict:?}");
        assert_eq!(verdict.derivation(), Derivation::Proven);
    }
}

#[test]
fn wrong_units_double_sums_and_missing_pods_do_not() {
    for factor in [0.001, 0.5, 0.75, 1.35, 2.0, 1000.0] {
        let verdict = verdict(false, factor);
        assert!(matches!(verdict, Verdict::Mismatch { .. }), "factor {factor}: {verdict:?}");
        assert_eq!(verdict.derivation(), Derivation::Mismatch);
    }
}

#[test]
fn a_plain_quotient_would_fail_the_bursty_load() {
    // Why the replay is there: the stabilisation window holds the burst's size for 5 min, a bare ceil() does not.
    let load = wave(true);
    let desired = hpa(&load, 10.0, wide());
    let agreeing =
        load.iter().zip(&desired).filter(|(load, desired)| agree(n((*load / 10.0).ceil() as u32), n(**desired as u32)));
    assert!((agreeing.count() as f64) < 0.9 * SAMPLES as f64);
}

#[test]
fn the_worst_hours_are_told() {
    let load = wave(false);
    let desired = series(hpa(&load, 10.0, wide()));
    // Right by night, tripled from 10:00 to 16:00 of each day.
    let wrong = |i: usize| (120..192).contains(&(i % 288));
    let seen = series(load.iter().enumerate().map(|(i, l)| (if wrong(i) { l * 3.0 } else { *l }) as f32).collect());
    let loads = [(&seen, PerReplica::new(10.0).unwrap())];
    let history = History { loads: &loads, desired: &desired, min: &constant(2.0), max: &constant(500.0) };
    let Verdict::Mismatch { share, worst, .. } = compare(&history, &arithmetic()) else { panic!("must not match") };
    assert!((0.70..0.80).contains(&share), "{share}: six of twenty-four hours are wrong");
    assert_eq!(worst.len(), 5);
    for hour in &worst {
        let of_day = (hour.start - time(0)).num_hours() % 24;
        assert!((10..16).contains(&of_day), "{hour}");
        assert_eq!((hour.off, hour.samples), (12, 12));
    }
    assert!(worst[0].to_string().contains("12 of 12 samples off"), "{}", worst[0]);
}

#[test]
fn bound_samples_say_nothing() {
    let load = wave(false);
    let tight = Bounds { min: n(100), max: n(100) };
    let desired = series(hpa(&load, 10.0, tight));
    let seen = series(load.iter().map(|l| *l as f32).collect());
    let loads = [(&seen, PerReplica::new(1.0).unwrap())];
    let history = History { loads: &loads, desired: &desired, min: &constant(100.0), max: &constant(100.0) };
    assert_eq!(compare(&history, &arithmetic()), Verdict::Unproven { samples: 0, bound: SAMPLES });
}

#[test]
fn missing_samples_are_left_out() {
    let load = wave(false);
    let desired = series(hpa(&load, 10.0, wide()));
    let gaps = |i: usize| i % 10 < 4;
    let seen = series(load.iter().enumerate().map(|(i, l)| if gaps(i) { f32::NAN } else { *l as f32 }).collect());
    let other = constant(0.0);
    let per = PerReplica::new(10.0).unwrap();
    let loads = [(&seen, per), (&other, per)];
    let history = History { loads: &loads, desired: &desired, min: &constant(2.0), max: &constant(500.0) };
    let verdict = compare(&history, &arithmetic());
    assert!(
        matches!(verdict, Verdict::Match { samples, .. } if samples > SAMPLES / 2 && samples < SAMPLES * 62 / 100),
        "{verdict:?}"
    );
    let nothing = series(vec![f32::NAN; SAMPLES]);
    let loads = [(&seen, per), (&nothing, per)];
    let history = History { loads: &loads, ..history };
    assert_eq!(compare(&history, &arithmetic()), Verdict::Unproven { samples: 0, bound: 0 });
    assert_eq!(compare(&History { loads: &[], ..history }, &arithmetic()), Verdict::Unproven { samples: 0, bound: 0 });
}
