//! The protocol on loads whose figures are known, and that no forecast sees the future.

use super::*;
use crate::{forecast::Choice, forecast::anchors::Kind, interval::pinball, sim::Random, trace::Trace};
use chrono::TimeDelta;
use std::{fmt::Write as _, ops::ControlFlow};

/// Midnight.
const START: i64 = 1_772_409_600;

fn trace(step: i64, days: i64, load: impl Fn(i64) -> Option<f64>) -> Trace {
    let mut text = String::new();
    for i in 0..days * 86_400 / step {
        if let Some(load) = load(i) {
            writeln!(text, "{},{load}", START + i * step).unwrap();
        }
    }
    Trace::parse(&text).unwrap()
}

/// A day with a noisy hill on a noisy weekly level.
fn hills(step: i64, days: i64, seed: u64) -> Trace {
    let per_day = 86_400 / step;
    let mut random = Random::new(seed);
    let noise: Vec<f64> = (0..days * per_day).map(|_| random.unit()).collect();
    trace(step, days, |i| {
        let hour = (i % per_day) as f64 / per_day as f64 * 24.0;
        let week = if i / per_day % 7 < 5 { 1.0 } else { 0.6 };
        Some(100.0 * week * (1.2 + (hour / 24.0 * std::f64::consts::TAU).sin()) * (1.0 + 0.2 * noise[i as usize]))
    })
}

fn protocol(step: i64, days: u32) -> Protocol {
    Protocol { step: Some(TimeDelta::seconds(step)), days: Some(days), ..Protocol::default() }
}

/// Everything that was said before and at an origin, as bits: NaN included, nothing rounded.
fn words(span: &Span, model: Choice, lead: usize, until: usize) -> Vec<(usize, usize, u64, u64)> {
    let mut words = Vec::new();
    let _ = replay(span, model, lead, |next, said| {
        words.extend(said.iter().map(|s| (next, s.target, s.point.to_bits(), s.upper.to_bits())));
        if next < until { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    words
}

#[test]
fn no_forecast_sees_the_future() {
    let whole = hills(1_800, 20, 7);
    let span = Span::new(&whole, &protocol(1_800, 2)).unwrap();
    let first = span.series().time(0).timestamp();
    // At a midnight, where all is learned anew, one step before and after it, and somewhere.
    let said: Vec<_> = Choice::ALL.map(|model| (model, words(&span, model, 1, span.steps().end))).to_vec();
    let midnight = span.steps().find(|next| (first + *next as i64 * 1_800) % 86_400 == 0).unwrap();
    for origin in [midnight - 1, midnight, midnight + 1, midnight + 29] {
        let from = first + origin as i64 * 1_800;
        let ways: [fn(f64) -> Option<f64>; 4] = [|_| Some(9e9), |_| Some(0.0), |_| None, |load| Some(load * 1.001)];
        for corrupt in ways {
            // The last row stays, or the trace would be another one.
            let last = whole.end().timestamp() - 1_800;
            let corrupted = trace(1_800, 20, |i| {
                let stamp = START + i * 1_800;
                let load = whole.at(chrono::DateTime::from_timestamp(stamp, 0).unwrap())?;
                if stamp >= from && stamp < last { corrupt(load) } else { Some(load) }
            });
            let corrupted = Span::new(&corrupted, &protocol(1_800, 2)).unwrap();
            for (model, said) in &said {
                let here: Vec<_> = said.iter().take_while(|w| w.0 <= origin).copied().collect();
                assert!(here.last().is_some_and(|w| w.0 == origin), "{model} said something at {origin}");
                assert_eq!(words(&corrupted, *model, 1, origin), here, "{model} at origin {origin}");
            }
            let (there, here) = (Reference::new(&corrupted), Reference::new(&span));
            for target in 0..span.targets().len() {
                let said = |r: &Reference| r.outcome(origin, target).and_then(|o| o.reference);
                if let (Some(a), Some(b)) = (said(&there), said(&here)) {
                    assert_eq!(a, b, "the reference of target {target} at origin {origin}");
                }
            }
        }
    }
}

/// The test above would notice: what is known at the origin does change what is said.
#[test]
fn every_forecast_sees_the_newest_sample() {
    let whole = hills(1_800, 20, 7);
    let span = Span::new(&whole, &protocol(1_800, 2)).unwrap();
    let origin = span.steps().start + 60;
    let newest = span.series().time(origin - 1);
    let other = trace(1_800, 20, |i| {
        let at = chrono::DateTime::from_timestamp(START + i * 1_800, 0).unwrap();
        whole.at(at).map(|load| if at == newest { load * 1.05 } else { load })
    });
    let other = Span::new(&other, &protocol(1_800, 2)).unwrap();
    for model in Choice::ALL {
        assert_ne!(words(&other, model, 1, origin), words(&span, model, 1, origin), "{model}");
        assert_eq!(words(&other, model, 1, origin - 1), words(&span, model, 1, origin - 1), "{model}");
    }
}

/// The protocol once more, as plainly as it can be written.
fn plainly(span: &Span, model: Choice, lead: usize, target: usize) -> [f64; 6] {
    let (values, level) = (span.series().values(), span.protocol().quantile);
    let Target { ahead, len, .. } = span.targets()[target];
    let week = 7 * 86_400 / span.series().step_seconds() as usize;
    let most = |end: usize| values[end + 1 - len..=end].iter().map(|v| f64::from(*v)).fold(f64::NEG_INFINITY, f64::max);
    let mut sums = [0.0; 6];
    let _ = replay(span, model, lead, |next, said| {
        let end = next + ahead - 1;
        let said = said.iter().find(|s| s.target == target).unwrap();
        if span.scored().contains(&end) {
            let naive = most(end - week);
            let errors = (next - week..next).filter(|e| e + 1 >= week + len).map(|e| most(e) - most(e - week));
            let mut errors: Vec<f64> = errors.collect();
            errors.sort_by(f64::total_cmp);
            let margin = errors[((errors.len() as f64 * level) as usize).min(errors.len() - 1)];
            let came = most(end);
            let covered = f64::from(u8::from(came <= said.upper));
            for (sum, x) in sums.iter_mut().zip([
                (came - said.point).abs(),
                came,
                pinball(level, said.upper, came),
                covered,
                (came - naive).abs(),
                pinball(level, naive + margin, came),
            ]) {
                *sum += x;
            }
        }
        ControlFlow::Continue(())
    });
    sums
}

#[test]
fn figures_are_those_of_the_definition() {
    let trace = hills(900, 26, 3);
    let span = Span::new(&trace, &protocol(900, 3)).unwrap();
    let reference = Reference::new(&span);
    for lead in span.leads() {
        let scores = score(&span, &reference, Choice::Auto, *lead, || ControlFlow::Continue(())).unwrap();
        for (target, score) in span.spoken(*lead).zip(&scores) {
            let [error, load, loss, covered, naive_error, naive_loss] = plainly(&span, Choice::Auto, *lead, target);
            let n = score.n as f64;
            let close = |a: Option<f64>, b: f64| (a.unwrap() - b).abs() < 1e-9 * b.abs().max(1.0);
            assert_eq!(score.n, 3 * 96, "{score:?}");
            assert!(close(score.wape, error / load), "{score:?}");
            assert!(close(score.pinball, loss / n) && close(score.coverage, covered / n), "{score:?}");
            assert!(close(score.relative.wape, error / naive_error), "{score:?}");
            assert!(close(score.relative.pinball, loss / naive_loss), "{score:?}");
            assert!(score.relative.wape.unwrap() < 1.0, "noise halves against last week's: {score:?}");
        }
    }
    for score in reference.scores(&span) {
        assert_eq!(score.relative, Relative { wape: Some(1.0), pinball: Some(1.0) });
        assert_eq!(score.n, 3 * 96);
    }
}

/// Load 1, 2, 3, … every hour: persistence is wrong by the horizon, last week by 168.
#[test]
fn a_ramp_by_hand() {
    let trace = trace(3_600, 30, |i| Some((i + 1) as f64));
    let protocol = Protocol { horizons: vec![TimeDelta::hours(1), TimeDelta::hours(4)], ..protocol(3_600, 2) };
    let span = Span::new(&trace, &protocol).unwrap();
    let reference = Reference::new(&span);
    let scores = score(&span, &reference, Choice::Persistence, 1, || ControlFlow::Continue(())).unwrap();
    // The last 48 of 720 samples: 673 to 720, on average 696.5. Values at 1 h and 4 h, the maximum over 1 h.
    assert_eq!(scores.len(), 3);
    for (score, hours) in scores.iter().zip([1.0, 4.0, 1.0]) {
        assert_eq!(score.n, 48);
        assert!((score.wape.unwrap() - hours / 696.5).abs() < 1e-9, "{score:?}");
        assert!((score.relative.wape.unwrap() - hours / 168.0).abs() < 1e-9, "{score:?}");
        assert!((score.mase.unwrap() - hours / 168.0).abs() < 1e-9, "{score:?}");
    }
    // Last week's errors are all 168: its quantile is exact, its loss nothing, and nothing can be divided by it.
    assert_eq!(reference.scores(&span)[0].relative, Relative { wape: Some(1.0), pinball: None });
    assert_eq!(scores[0].relative.pinball, None);
}

#[test]
fn missing_samples_are_neither_filled_nor_scored() {
    let whole = hills(3_600, 28, 5);
    let gap = |i: i64| (28 * 24 - 20..28 * 24 - 15).contains(&i);
    let gappy = trace(3_600, 28, |i| {
        whole.at(chrono::DateTime::from_timestamp(START + i * 3_600, 0).unwrap()).filter(|_| !gap(i))
    });
    let protocol = Protocol { horizons: vec![TimeDelta::hours(1), TimeDelta::hours(2)], ..protocol(3_600, 2) };
    let span = Span::new(&gappy, &protocol).unwrap();
    let reference = Reference::new(&span);
    let scores = reference.scores(&span);
    // 5 of 48 values are gone; so is every window of 2 h that touches one: 6.
    let n: Vec<(Kind, usize)> = scores.iter().map(|s| (s.target.kind, s.n)).collect();
    assert_eq!(n, [(Kind::Value, 43), (Kind::Value, 43), (Kind::Maximum, 43), (Kind::Maximum, 42)]);
    for lead in span.leads() {
        for score in score(&span, &reference, Choice::Auto, *lead, || ControlFlow::Continue(())).unwrap() {
            let same = scores.iter().find(|s| s.target == score.target).unwrap();
            assert_eq!(score.n, same.n, "the same origins as the reference");
        }
    }
}

#[test]
fn a_trace_of_a_week_has_figures_but_no_reference() {
    let span = Span::new(&hills(900, 7, 1), &Protocol::default()).unwrap();
    assert_eq!(span.scored().len(), 4 * 96);
    let reference = Reference::new(&span);
    let scores = score(&span, &reference, Choice::Auto, 1, || ControlFlow::Continue(())).unwrap();
    for score in scores {
        assert_eq!(score.n, 4 * 96, "{score:?}");
        assert_eq!((score.relative, score.mase), (Relative::default(), None));
        assert!(score.wape.is_some() && score.coverage.is_some());
    }
    assert!(reference.scores(&span).iter().all(|s| s.n == 0 && s.wape.is_none()));
}

#[test]
fn nothing_at_all_has_no_figures_that_would_be_a_division_by_nothing() {
    let span = Span::new(&trace(3_600, 28, |_| Some(0.0)), &protocol(3_600, 2)).unwrap();
    let reference = Reference::new(&span);
    for score in score(&span, &reference, Choice::Auto, 1, || ControlFlow::Continue(())).unwrap() {
        assert_eq!((score.n, score.wape, score.relative), (48, None, Relative::default()));
        assert_eq!((score.pinball, score.coverage), (Some(0.0), Some(1.0)));
    }
}

#[test]
fn the_days_scored_follow_from_the_length() {
    for (days, asked, scored) in
        [(30, None, 7), (24, None, 7), (23, None, 4), (6, None, 4), (5, None, 3), (3, None, 1), (30, Some(14), 14)]
    {
        let span = Span::new(&hills(3_600, days, 1), &Protocol { days: asked, ..Protocol::default() }).unwrap();
        assert_eq!(span.scored().len(), scored * 24, "{days} days, asked for {asked:?}");
    }
    let short = Span::new(&hills(3_600, 2, 1), &Protocol::default()).unwrap_err();
    assert_eq!(short, Unscorable::Short { have: 2.0, want: 3.0 });
    let asked = Span::new(&hills(3_600, 8, 1), &protocol(3_600, 7)).unwrap_err();
    assert!(asked.to_string().starts_with("8.0 days are too few: 9.0 are needed"), "{asked}");
}

#[test]
fn steps_fit_or_are_refused_and_horizons_are_rounded_up() {
    let trace = hills(1_800, 28, 1);
    let span = Span::new(&trace, &Protocol::default()).unwrap();
    assert_eq!(span.series().step_seconds(), 1_800, "the trace's own, coarser than 5 min");
    let ahead: Vec<(Kind, usize, usize)> = span.targets().iter().map(|t| (t.kind, t.ahead, t.len)).collect();
    let (value, maximum) = (Kind::Value, Kind::Maximum);
    assert_eq!(
        ahead,
        [(value, 1, 1), (value, 2, 1), (value, 8, 1), (value, 48, 1), (maximum, 1, 1), (maximum, 2, 2)],
        "a maximum only as far as a lead time reaches"
    );
    assert_eq!(span.leads(), [1, 2]);
    assert_eq!(span.spoken(2).collect::<Vec<_>>(), [5]);
    for (step, why) in [(300, "not a multiple"), (2_700, "not a multiple")] {
        let error = Span::new(&trace, &protocol(step, 2)).unwrap_err().to_string();
        assert!(error.contains(why) && error.contains("or for none"), "{error}");
    }
    let far = Protocol { horizons: vec![TimeDelta::hours(49)], ..Protocol::default() };
    assert_eq!(Span::new(&trace, &far).unwrap_err(), Unscorable::Horizon(TimeDelta::hours(49)));
}

/// The figures of a horizon do not hang on which others are asked for.
#[test]
fn horizons_do_not_disturb_one_another() {
    let trace = hills(900, 26, 9);
    let of = |minutes: &[i64]| {
        let horizons = minutes.iter().map(|m| TimeDelta::minutes(*m)).collect();
        let span = Span::new(&trace, &Protocol { horizons, ..protocol(900, 2) }).unwrap();
        let reference = Reference::new(&span);
        let leads = span.leads().iter();
        let scores =
            leads.flat_map(|lead| score(&span, &reference, Choice::Auto, *lead, || ControlFlow::Continue(())).unwrap());
        let hour: Vec<Score> = scores.filter(|s| s.target.horizon == TimeDelta::hours(1)).collect();
        hour.iter().map(|s| (s.target.kind, s.n, s.wape, s.pinball, s.coverage)).collect::<Vec<_>>()
    };
    assert_eq!(of(&[60, 15, 240, 1440]), of(&[60, 1440]));
}

/// Fewer origins, the same forecasts: with every 5th an origin the sums of five shifts would be all of them.
#[test]
fn every_so_many_th_origin_says_the_same() {
    let trace = hills(3_600, 28, 1);
    let of = |every| {
        let span = Span::new(&trace, &Protocol { every, ..protocol(3_600, 2) }).unwrap();
        let mut said = Vec::new();
        let _ = replay(&span, Choice::Auto, 1, |next, words| {
            said.extend(words.iter().map(|w| (next, *w)));
            ControlFlow::Continue(())
        });
        (said, Reference::new(&span).scores(&span)[0].n, span)
    };
    let ((all, n, _), (some, few, span)) = (of(1), of(5));
    assert_eq!(some, all.into_iter().filter(|(next, _)| span.is_origin(*next)).collect::<Vec<_>>());
    assert!((n, few) == (48, 9) || (n, few) == (48, 10), "{n} {few}");
}

#[test]
fn a_replay_ends_when_it_is_told_to() {
    let span = Span::new(&hills(3_600, 28, 1), &protocol(3_600, 2)).unwrap();
    let mut asked = 0;
    let ended = score(&span, &Reference::new(&span), Choice::Auto, 1, || {
        asked += 1;
        if asked < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert_eq!((ended, asked), (None, 3));
}

#[test]
fn means_are_geometric_and_leave_out_what_has_no_reference() {
    let target = Span::new(&hills(3_600, 28, 1), &Protocol::default()).unwrap().targets()[0];
    let score = |wape: Option<f64>, coverage| Score {
        target,
        n: 1,
        wape: Some(0.1),
        pinball: Some(1.0),
        coverage: Some(coverage),
        mase: None,
        relative: Relative { wape, pinball: wape },
    };
    let scores = [score(Some(0.5), 0.9), score(Some(2.0), 1.0), score(None, 0.1), score(Some(0.25), 0.5)];
    let rows = [("auto", &scores[0]), ("auto", &scores[1]), ("auto", &scores[2]), ("lags", &scores[3])];
    let means = means(rows);
    assert_eq!(means.len(), 2);
    assert_eq!((means[0].model, means[0].traces), ("auto", 2));
    assert!((means[0].relative.wape.unwrap() - 1.0).abs() < 1e-12);
    assert!((means[0].coverage.unwrap() - 0.95).abs() < 1e-12);
    assert!((means[1].relative.pinball.unwrap() - 0.25).abs() < 1e-12);
}
