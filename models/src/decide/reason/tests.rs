use super::*;
use crate::testing::{n, time};
use std::collections::BTreeSet;

/// One of each; the match makes the compiler ask for a new reason here.
fn all() -> Vec<Reason> {
    let (t, r) = (time(600), n(7));
    let list = vec![
        Reason::OptedOut,
        Reason::ShadowMode,
        Reason::Raised { from: r, to: n(20), deadline: t },
        Reason::Held { floor: r, need: r },
        Reason::Stabilising { floor: r, need: r, from: t },
        Reason::Lowered { from: n(20), to: r, goal: r },
        Reason::NotBinding { floor: r, current: n(9) },
        Reason::NeedWithinBase { need: r, base: r },
        Reason::Limited { by: Limit::Runaway, want: n(20), allowed: r },
        Reason::CappedAhead { at: t, need: n(20), limit: r, minutes: 600 },
        Reason::Scheduled { replicas: r, from: t, to: t, window: "0 18 * * 5, 3h, 7".into() },
        Reason::KnownEvent { factor: 3.5, from: t, to: t, event: "sale".into() },
        Reason::NoForecast,
        Reason::StaleSamples { age_seconds: Some(700), limit_seconds: 660 },
        Reason::Distrusted { why: "coverage 61 %".into() },
        Reason::DerivationMismatch,
        Reason::DerivationUnchecked,
        Reason::DerivationUnproven,
        Reason::RunawayUnknown,
        Reason::Expired { until: t },
        Reason::TargetAtZero,
        Reason::MinEqualsMax { replicas: r },
        Reason::ReleasedUntil { until: t },
        Reason::OverriddenByUser { value: r, floor: n(20), until: t },
        Reason::BaseRaised { value: n(30), floor: n(20) },
        Reason::BaseAnnotationDiffers { annotation: r, spec: n(3) },
        Reason::Reverted { value: n(3), floor: r, times: 2 },
        Reason::Contended { until: t, owners: "argocd".into() },
        Reason::CopiedFloor { value: n(20), base: r },
        Reason::ForeignHolder { namespace: "other".into(), until: t },
        Reason::NewerEpoch { found: 7, ours: 6 },
        Reason::NewerFormat { version: "2".into() },
        Reason::DamagedAnnotations { why: "until".into(), base: None },
        Reason::Frozen,
        Reason::DrainAsked,
        Reason::ReleaseAsked,
        Reason::CapacityUnavailable { floor: n(20), there: r, minutes: 12 },
        Reason::WriteRefused { until: t, why: "denied".into() },
        Reason::AwaitingOwnWrite,
    ];
    assert_eq!(list.len(), Reason::WORDS.len());
    list
}

#[test]
fn every_reason_has_its_own_word_and_one_sentence() {
    let words: BTreeSet<_> = all().iter().map(Reason::as_str).collect();
    assert_eq!(words, Reason::WORDS.into_iter().collect());
    for reason in all() {
        let sentence = reason.to_string();
        assert!(sentence.len() > 10 && sentence.len() <= 300 && !sentence.contains('\n'), "{sentence}");
        assert!(reason.as_str().chars().all(|c| c.is_ascii_alphabetic()), "{}", reason.as_str());
    }
}

#[test]
fn sentences_carry_their_numbers() {
    for reason in all() {
        let sentence = reason.to_string();
        let debug = format!("{reason:?}");
        for number in ["Replicas(7)", "Replicas(20)", "Replicas(30)", "Replicas(9)"] {
            let digits = number.trim_start_matches("Replicas(").trim_end_matches(')');
            assert!(!debug.contains(number) || sentence.contains(digits), "{debug}: {sentence}");
        }
        assert!(!debug.contains("2026-") || sentence.contains("2026-01-05T10:00:00Z"), "{debug}: {sentence}");
    }
}

#[test]
fn every_limit_has_its_own_word() {
    let words: BTreeSet<_> = Limit::ALL.iter().map(|limit| limit.as_str()).collect();
    assert_eq!(words.len(), Limit::ALL.len());
    for by in Limit::ALL {
        assert_eq!(Reason::Limited { by, want: n(2), allowed: n(1) }.limit(), Some(by));
    }
}
