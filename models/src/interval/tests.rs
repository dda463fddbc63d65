//! Coverage is what was asked for, quiet hours have narrow margins, and nothing leaves the finite.

use super::*;
use proptest::prelude::*;

const PLAIN: Outlook = Outlook { when: When::ANY, height: 1.0, spread: 0.0 };

/// Learns an error as the ensemble does: sizes and margins first.
fn learn(errors: &mut Errors, hour: usize, error: f64) {
    learn_at(errors, When { hour, ..When::ANY }, error);
}

fn learn_at(errors: &mut Errors, when: When, error: f64) {
    let sizes = errors.sizes(&Outlook { when, ..PLAIN });
    let margins = errors.margins(&sizes);
    errors.learn(when, error, &sizes, &margins);
}

fn margin(errors: &Errors, hour: usize, level: f64) -> f64 {
    margin_at(errors, When { hour, ..When::ANY }, level)
}

fn margin_at(errors: &Errors, when: When, level: f64) -> f64 {
    errors.margin(&errors.sizes(&Outlook { when, ..PLAIN }), level)
}

#[test]
fn the_quantile_covers_what_it_says() {
    let mut errors = Errors::new(0, 300);
    // 0, 1, …, 99 in an order that mixes hours: the 95 % quantile lies at 95.
    for i in 0..20_000_usize {
        learn(&mut errors, i % 24, (i * 37 % 100) as f64);
    }
    for (level, wanted) in [(0.5, 50.0), (0.95, 95.0)] {
        let quantile = margin(&errors, 3, level);
        assert!((quantile - wanted).abs() < 8.0, "{level}: {quantile}");
    }
}

#[test]
fn quiet_hours_have_narrow_margins() {
    let mut errors = Errors::new(0, 300);
    for i in 0..6000_usize {
        let hour = i / 12 % 24;
        let size = if hour == 12 { 50.0 } else { 1.0 };
        learn(&mut errors, hour, size * ((i * 37 % 100) as f64 / 50.0 - 1.0));
    }
    assert!(margin(&errors, 12, 0.95) > 3.0 * margin(&errors, 3, 0.95));
}

#[test]
fn bursts_at_the_full_hour_widen_the_margins_of_that_minute_only() {
    let (mut errors, mut without, mut minutes) = (Errors::new(0, 300), Errors::new(0, 300), Minutes::NONE);
    // A week of errors of up to 1 either way, and up to 50 in the first five minutes of four hours out of five.
    for i in 0..7 * 288_i64 {
        let (stamp, hour) = (i * 300, (i / 12 % 24) as usize);
        let size = if i % 12 == 0 && i / 12 % 5 > 0 { 50.0 } else { 1.0 };
        let error: f64 = size * ((i * 37 % 100) as f64 / 50.0 - 1.0);
        let usual = errors.usual();
        learn_at(&mut errors, When { hour, minute: minutes.at(stamp) }, error);
        learn(&mut without, hour, error);
        minutes.learn(stamp, 300, error.abs() / usual);
    }
    let of = |errors: &Errors, minute| margin_at(errors, When { hour: 9, minute }, 0.95);
    let [full, half] = [0, 1800].map(|stamp| minutes.at(stamp));
    assert!(of(&errors, full) > 10.0 && of(&errors, half) < 2.0, "{} {}", of(&errors, full), of(&errors, half));
    assert!(of(&without, 1.0) < 10.0, "{}", of(&without, 1.0));
}

/// Scores of the change are a hundred usual errors of before it; times the usual error of after it they are margins that nothing asks for.
#[test]
fn after_a_change_no_margin_exceeds_what_was_ever_off() {
    for ahead in [0, 86_400] {
        let mut errors = Errors::new(ahead, 300);
        let calm = |i: usize| (i * 37 % 100) as f64 / 50.0 - 1.0;
        (0..14 * 288).for_each(|i| learn(&mut errors, i / 12 % 24, calm(i)));
        for i in 0..2 * 288 {
            learn(&mut errors, i / 12 % 24, 80.0 + 20.0 * calm(i));
            let most = margin(&errors, 3, 0.999);
            assert!(most <= 100.0, "{ahead} s ahead, error {i}: {most}");
        }
        let usual = margin(&errors, 3, 0.95);
        assert!(usual > 60.0, "{ahead} s ahead: {usual}");
        // Errors are small again: what they were is forgotten within the week.
        (0..7 * 288).for_each(|i| learn(&mut errors, i / 12 % 24, calm(i)));
        let then = margin(&errors, 3, 0.999);
        assert!(then < 40.0, "{ahead} s ahead: {then}");
    }
}

#[test]
fn disagreement_widens_the_margin_where_it_meant_errors() {
    let mut errors = Errors::new(0, 300);
    for i in 0..4000_usize {
        let wild = i % 5 == 0;
        let outlook = Outlook { spread: if wild { 20.0 } else { 1.0 }, ..PLAIN };
        let sizes = errors.sizes(&outlook);
        let margins = errors.margins(&sizes);
        let size = if wild { 30.0 } else { 2.0 };
        errors.learn(PLAIN.when, size * ((i * 37 % 100) as f64 / 50.0 - 1.0), &sizes, &margins);
    }
    let of = |spread| errors.margin(&errors.sizes(&Outlook { spread, ..PLAIN }), 0.95);
    assert!(of(20.0) > 3.0 * of(1.0), "{} {}", of(20.0), of(1.0));
}

#[test]
fn margins_that_miss_too_often_grow() {
    let mut errors = Errors::new(0, 300);
    for i in 0..3000_usize {
        learn(&mut errors, 0, (i * 37 % 100) as f64 / 100.0);
    }
    assert!((errors.corrected(0.95) - 0.95).abs() < 0.01);
    // From now on errors grow by half every two days: the window of a week lags behind.
    for i in 0..1500_usize {
        learn(&mut errors, 0, (i * 37 % 100) as f64 / 100.0 * 1.5_f64.powf(i as f64 / 576.0));
    }
    assert!(errors.corrected(0.95) > 0.955, "{}", errors.corrected(0.95));
}

#[test]
fn nothing_realised_means_no_margin_and_no_error_means_none() {
    let mut errors = Errors::new(0, 300);
    assert_eq!(margin(&errors, 0, 0.95), 0.0);
    learn(&mut errors, 0, 0.0);
    assert_eq!(margin(&errors, 0, 0.95), 0.0);
}

#[test]
fn far_levels_keep_a_reserve() {
    assert_eq!(nominal(0.95, 3600.0), 0.95);
    assert!((nominal(0.95, 86_400.0) - 0.96).abs() < 1e-12);
}

#[test]
fn missing_above_costs_more_than_sparing_below() {
    assert!((pinball(0.95, 10.0, 11.0) - 0.95).abs() < 1e-12);
    assert!((pinball(0.95, 11.0, 10.0) - 0.05).abs() < 1e-12);
}

proptest! {
    #[test]
    fn monotone_and_finite(seen in prop::collection::vec(any::<f64>(), 0..200), a in 0.0_f64..1.0, b in 0.0_f64..1.0) {
        let mut errors = Errors::new(0, 3600);
        for (i, e) in seen.iter().enumerate().filter(|(_, e)| e.abs() < 1e30) {
            learn(&mut errors, i % 24, *e);
        }
        let (low, high) = (margin(&errors, 5, a.min(b)), margin(&errors, 5, a.max(b)));
        prop_assert!(low.is_finite() && high.is_finite() && low <= high, "{} {}", low, high);
    }
}
