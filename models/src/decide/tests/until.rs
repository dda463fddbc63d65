use super::*;
use crate::target::Hold;
use crate::testing::{holding, target};

fn until(case: &Case) -> i64 {
    (case.decide().until - time(0)).num_minutes()
}

#[test]
fn until_is_where_the_plan_no_longer_needs_the_floor() {
    // Steps of 20, then 3: until in minutes
    for (steps, wanted) in [(1, 15), (3, 15), (4, 20), (24, 120), (72, 360), (100, 360), (288, 360)] {
        let needs: Vec<u32> = (0..288).map(|i| if i < steps { 20 } else { 3 }).collect();
        let case = Case::new(target(), 0).needs(&needs);
        assert_eq!(until(&case), wanted, "{steps} steps: at least the hold and two ramp steps, at most 6 h");
    }
}

#[test]
fn a_dip_in_between_does_not_end_it() {
    let mut needs = vec![20; 60];
    needs[20..40].fill(3);
    assert_eq!(until(&Case::new(target(), 0).needs(&needs)), 300);
}

#[test]
fn an_unchanged_floor_keeps_its_until_unless_little_is_left() {
    // Recorded until → written until, for a plan that needs the floor for so many more minutes (6 h at most, quarter 90 min)
    for (recorded, needed, wanted) in [
        (120, 120, 120),
        (120, 360, 120), // more than a quarter is left
        (100, 360, 100),
        (89, 360, 360), // less than a quarter is left, and more than a quarter is gained
        (89, 100, 89),  // little is gained
        (30, 100, 30),
        (9, 100, 100), // a quarter is gained
        (9, 20, 9),
        (5, 20, 5),
        (4, 20, 20), // it would run out within a ramp step
        (4, 5, 15),  // never for less than the hold and two ramp steps
        (-5, 60, 60),
        (300, 60, 300), // never shortened: that alone is not worth a write
    ] {
        let needs: Vec<u32> = (0..288).map(|i| if i * 5 < needed { 20 } else { 3 }).collect();
        let case = Case::new(holding(20, recorded), 0).needs(&needs);
        assert_eq!(case.outcome().0, 20);
        assert_eq!(until(&case), wanted, "recorded {recorded}, needed {needed}");
    }
}

#[test]
fn a_floor_that_nothing_speaks_for_is_never_prolonged() {
    for case in [
        Case { plan: None, ..Case::new(holding(20, 2), 0) },
        Case { evidence: Evidence { newest_sample: None, ..evidence() }, ..Case::new(holding(20, 2), 20) },
        Case { directive: Directive::Drain, ..Case::new(holding(20, 2), 20) },
        Case { directive: Directive::Freeze, ..Case::new(holding(20, 2), 20) },
        Case::new(holding(20, 2), 3),
    ] {
        assert_eq!(until(&case), 2, "{:?}", case.decide());
    }
}

#[test]
fn a_lowered_floor_has_an_until_of_its_own() {
    let case = Case::new(holding(20, 300), 3).remembers(30, 3);
    assert_eq!((case.outcome().0, until(&case)), (12, 15));
    let case = Case::new(holding(20, 300), 15).remembers(30, 15);
    assert_eq!((case.outcome().0, until(&case)), (15, 360));
}

#[test]
fn the_longest_hold_is_the_policys() {
    let mut case = Case::new(target(), 20);
    case.policy.longest_hold = TimeDelta::minutes(45);
    assert_eq!(until(&case), 45);
    case.policy.longest_hold = TimeDelta::minutes(5);
    assert_eq!(until(&case), 5);
}

#[test]
fn a_fresh_memory_holds_until_one_window_and_never_past_until() {
    // A restarted daemon finds 20 and a plan of 3, and does not know since when.
    for (recorded, minutes, floor) in
        [(60, 0, 20), (60, 4, 20), (60, 5, 12), (-1, 0, 20), (-4, 0, 20), (-5, 0, 12), (-60, 0, 12)]
    {
        let case = Case::new(holding(20, recorded), 3);
        let (_, memory) = finish(&case.situation(), case.propose(), case.grant, Memory::default());
        let later = Situation { now: time(minutes), ..case.situation() };
        let evidence = Evidence { newest_sample: Some(time(minutes)), ..evidence() };
        let later = Situation { evidence: &evidence, ..later };
        let (decision, _) = finish(&later, propose(&later, &memory), Grant::UNLIMITED, memory);
        assert_eq!(decision.floor, Some(n(floor)), "until {recorded}, {minutes} min after the restart");
        assert!(matches!(case.target.hold, Hold::Held(_)));
    }
}
