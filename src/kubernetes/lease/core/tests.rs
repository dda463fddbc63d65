#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

const SECOND: u64 = 1000;

fn at(ms: u64) -> Moment {
    Moment { monotonic: Duration::from_millis(ms), wall_ms: i64::try_from(ms).unwrap() }
}

fn core(name: &str) -> Core {
    Core::new(name.to_owned(), Timing::default())
}

fn seen(uid: &str, holder: Option<&str>, transitions: u64, renewed: u64) -> Seen {
    Seen {
        uid: uid.to_owned(),
        version: renewed.to_string(),
        holder: holder.map(str::to_owned),
        transitions,
        duration: Some(Duration::from_secs(15)),
        renewed: Some(renewed.to_string()),
    }
}

/// One answered question, begun and answered at the same moment.
fn told(core: &mut Core, ms: u64, answer: Answer) -> Ask {
    let ask = core.ask(at(ms));
    core.answer(&ask, at(ms), at(ms), answer);
    ask
}

/// A core that leads lease `l` since 0 s with epoch 4.
fn leader() -> Core {
    let mut core = core("a");
    told(&mut core, 0, Answer::Lease(seen("l", None, 3, 0)));
    let ask = told(&mut core, 0, Answer::Lease(seen("l", Some("a"), 4, 1)));
    assert!(matches!(ask, Ask::Take { transitions: 4, fresh: true, .. }), "{ask:?}");
    core
}

#[test]
fn a_lease_of_nobody_is_taken_at_once_with_a_new_epoch() {
    let core = leader();
    assert_eq!(core.mine(at(0)).unwrap().epoch, 4);
    assert_eq!(core.left(at(0)), Some(Duration::from_secs(12)), "15 s less the margin of 3 s");
}

#[test]
fn a_renewal_keeps_the_epoch_and_counts_from_its_start() {
    let mut core = leader();
    let ask = core.ask(at(2 * SECOND));
    assert!(matches!(ask, Ask::Take { transitions: 4, fresh: false, .. }), "{ask:?}");
    core.answer(&ask, at(2 * SECOND), at(5 * SECOND), Answer::Lease(seen("l", Some("a"), 4, 2)));
    assert_eq!(core.left(at(5 * SECOND)), Some(Duration::from_secs(9)));
}

#[test]
fn our_hold_ends_by_the_faster_of_two_clocks() {
    let core = leader();
    assert!(core.mine(at(11_999)).is_some());
    assert!(core.mine(at(12_000)).is_none());
    let asleep = Moment { monotonic: Duration::from_secs(1), wall_ms: 3_600_000 };
    assert!(core.mine(asleep).is_none(), "the machine slept: monotonic time stood still");
    let set_back = Moment { monotonic: Duration::from_secs(13), wall_ms: -3_600_000 };
    assert!(core.mine(set_back).is_none(), "the wall clock was set back");
}

#[test]
fn anothers_lease_is_waited_for_on_the_monotonic_clock() {
    let mut core = core("b");
    told(&mut core, 0, Answer::Lease(seen("l", Some("a"), 4, 1)));
    assert_eq!(core.other(), Some("a"));
    let jumped = Moment { monotonic: Duration::from_secs(1), wall_ms: 3_600_000 };
    assert_eq!(core.ask(jumped), Ask::Look, "a jump of the wall clock frees nothing");
    told(&mut core, 14 * SECOND, Answer::Lease(seen("l", Some("a"), 4, 2)));
    assert_eq!(core.ask(at(16 * SECOND)), Ask::Look, "renewed at 14 s");
    told(&mut core, 28 * SECOND, Answer::Lease(seen("l", Some("a"), 4, 2)));
    let ask = core.ask(at(29 * SECOND));
    assert!(matches!(ask, Ask::Take { transitions: 5, fresh: true, .. }), "{ask:?}");
}

#[test]
fn a_conflict_ends_our_hold_at_once() {
    let mut core = leader();
    told(&mut core, 2 * SECOND, Answer::Conflict);
    assert!(core.mine(at(2 * SECOND)).is_none());
    assert_eq!(core.ask(at(2 * SECOND)), Ask::Look);
}

#[test]
fn a_renewal_without_an_answer_keeps_the_old_end_and_reads_the_version_anew() {
    let mut core = leader();
    told(&mut core, 2 * SECOND, Answer::Failed);
    assert_eq!(core.left(at(2 * SECOND)), Some(Duration::from_secs(10)));
    // It had landed: the version on the server is another.
    let ask = told(&mut core, 4 * SECOND, Answer::Lease(seen("l", Some("a"), 4, 99)));
    assert_eq!(ask, Ask::Look);
    assert_eq!(core.left(at(4 * SECOND)), Some(Duration::from_secs(8)), "a look renews nothing");
    let Ask::Take { version, fresh: false, .. } = core.ask(at(4 * SECOND)) else { panic!() };
    assert_eq!(version, "99");
}

#[test]
fn an_expired_hold_of_our_own_is_taken_again_with_a_new_epoch() {
    let mut core = leader();
    for second in [2, 4, 6, 8, 10] {
        told(&mut core, second * SECOND, Answer::Failed);
    }
    assert!(core.mine(at(12 * SECOND)).is_none());
    let ask = core.ask(at(13 * SECOND));
    assert!(matches!(ask, Ask::Take { transitions: 5, fresh: true, .. }), "{ask:?}");
}

#[test]
fn a_vanished_lease_is_made_anew_or_waited_for() {
    let mut may = leader();
    told(&mut may, 2 * SECOND, Answer::Missing);
    assert!(may.mine(at(2 * SECOND)).is_none());
    assert_eq!(may.ask(at(2 * SECOND)), Ask::Create { transitions: 1 });
    told(&mut may, 2 * SECOND, Answer::Lease(seen("m", Some("a"), 1, 2)));
    assert_eq!(may.mine(at(2 * SECOND)).unwrap().uid, "m");

    let mut may_not = leader();
    told(&mut may_not, 2 * SECOND, Answer::Missing);
    told(&mut may_not, 2 * SECOND, Answer::Forbidden);
    assert_eq!(may_not.problem(), Some(Problem::Missing));
    assert_eq!(may_not.ask(at(4 * SECOND)), Ask::Look);
    told(&mut may_not, 4 * SECOND, Answer::Lease(seen("m", None, 0, 0)));
    assert_eq!(may_not.problem(), None);
    assert!(matches!(may_not.ask(at(4 * SECOND)), Ask::Take { transitions: 1, .. }));
}

#[test]
fn the_leader_of_a_vanished_lease_is_given_time_to_notice() {
    let mut core = core("b");
    told(&mut core, 0, Answer::Lease(seen("l", Some("a"), 4, 1)));
    told(&mut core, 2 * SECOND, Answer::Missing);
    assert_eq!(core.ask(at(2 * SECOND)), Ask::Look);
    told(&mut core, 4 * SECOND, Answer::Lease(seen("m", None, 0, 0)));
    assert_eq!(core.ask(at(4 * SECOND)), Ask::Look, "a may still believe in l");
    told(&mut core, 15 * SECOND, Answer::Lease(seen("m", None, 0, 0)));
    assert!(matches!(core.ask(at(15 * SECOND)), Ask::Take { .. }));
}

#[test]
fn the_epoch_goes_past_marks_from_before_a_reset() {
    let mut core = leader();
    core.at_least(40);
    let ask = told(&mut core, 2 * SECOND, Answer::Lease(seen("l", Some("a"), 40, 2)));
    assert!(matches!(ask, Ask::Take { transitions: 40, fresh: false, .. }), "{ask:?}");
    assert_eq!(core.mine(at(2 * SECOND)).unwrap().epoch, 40);
}

#[test]
fn leaving_ends_the_hold_and_says_how() {
    let mut core = leader();
    let ask = core.leave(at(SECOND));
    assert_eq!(ask, Some(Ask::Leave { uid: "l".to_owned(), version: "1".to_owned() }));
    assert!(core.mine(at(SECOND)).is_none());
    assert_eq!(core.leave(at(SECOND)), None);
}

#[test]
fn an_absurd_duration_does_not_lock_out() {
    let mut core = core("b");
    let mut lease = seen("l", Some("gone"), 1, 1);
    lease.duration = Some(Duration::from_secs(1_000_000));
    told(&mut core, 0, Answer::Lease(lease));
    assert!(matches!(core.ask(at(60 * SECOND)), Ask::Take { .. }));
}

/// The server's side, and the true time, for the properties below.
struct World {
    now: u64,
    lease: Option<Seen>,
    writes: u64,
    uids: u64,
    may_create: bool,
}

/// A candidate with its own clocks.
struct Process {
    core: Core,
    /// Its wall clock is off by this much.
    skew: i64,
    /// A question that was asked, and when; its answer is still on the way.
    open: Option<(Ask, Moment, Answer)>,
}

impl Process {
    fn moment(&self, now: u64) -> Moment {
        Moment { monotonic: Duration::from_millis(now), wall_ms: i64::try_from(now).unwrap() + self.skew }
    }
}

impl World {
    /// What the API server does with a question.
    fn serve(&mut self, me: &str, ask: &Ask) -> Answer {
        match ask {
            Ask::Look => self.lease.clone().map_or(Answer::Missing, Answer::Lease),
            Ask::Create { .. } if !self.may_create => Answer::Forbidden,
            Ask::Create { .. } if self.lease.is_some() => Answer::Conflict,
            Ask::Create { transitions } => {
                self.uids += 1;
                self.put(format!("u{}", self.uids), Some(me.to_owned()), *transitions)
            }
            Ask::Take { uid, version, transitions, .. } => match &self.lease {
                None => Answer::Missing,
                Some(l) if l.uid == *uid && l.version == *version => {
                    self.put(uid.clone(), Some(me.to_owned()), *transitions)
                }
                Some(_) => Answer::Conflict,
            },
            Ask::Leave { uid, version } => match &self.lease {
                Some(l) if l.uid == *uid && l.version == *version => {
                    let transitions = l.transitions;
                    self.put(uid.clone(), None, transitions)
                }
                _ => Answer::Conflict,
            },
        }
    }

    fn put(&mut self, uid: String, holder: Option<String>, transitions: u64) -> Answer {
        self.writes += 1;
        let lease = Seen {
            uid,
            version: self.writes.to_string(),
            holder,
            transitions,
            duration: Some(Timing::default().duration),
            renewed: Some(self.writes.to_string()),
        };
        self.lease = Some(lease.clone());
        Answer::Lease(lease)
    }
}

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// Time passes.
    Wait(u64),
    /// A process asks; the server hears it (or not) now, the answer is under way.
    Ask { who: usize, heard: bool },
    /// An answer arrives (or is lost).
    Arrive { who: usize, lost: bool },
    /// A process restarts under a new identity.
    Restart { who: usize },
    /// Somebody's wall clock is set.
    SetClock { who: usize, skew: i64 },
    /// A process leaves in good order.
    Leave { who: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0_usize..3;
    let step = prop_oneof![
        6 => (0_u64..4000).prop_map(Step::Wait),
        1 => (10_000_u64..40_000).prop_map(Step::Wait),
        8 => (who.clone(), prop::bool::weighted(0.9)).prop_map(|(who, heard)| Step::Ask { who, heard }),
        8 => (who.clone(), prop::bool::weighted(0.1)).prop_map(|(who, lost)| Step::Arrive { who, lost }),
        1 => who.clone().prop_map(|who| Step::Restart { who }),
        1 => (who.clone(), -4_000_000_i64..4_000_000).prop_map(|(who, skew)| Step::SetClock { who, skew }),
        1 => who.prop_map(|who| Step::Leave { who }),
    ];
    proptest::collection::vec(step, 1..300)
}

struct Run {
    world: World,
    processes: Vec<Process>,
    lives: usize,
}

impl Run {
    fn new(lease: Option<Seen>, may_create: bool) -> Self {
        let process = |i: usize| Process { core: core(&format!("p{i}")), skew: 0, open: None };
        Self {
            world: World { now: 0, lease, writes: 100, uids: 0, may_create },
            processes: (0..3).map(process).collect(),
            lives: 3,
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Wait(ms) => self.world.now += ms,
            Step::Ask { who, heard } => self.ask(who, heard),
            Step::Arrive { who, lost } => self.arrive(who, lost),
            Step::Restart { who } => {
                self.processes[who].core = core(&format!("p{}", self.lives));
                self.processes[who].open = None;
                self.lives += 1;
            }
            Step::SetClock { who, skew } => self.processes[who].skew = skew,
            Step::Leave { who } => {
                let moment = self.processes[who].moment(self.world.now);
                if let Some(ask) = self.processes[who].core.leave(moment) {
                    let name = self.processes[who].core.identity.clone();
                    self.world.serve(&name, &ask);
                }
            }
        }
    }

    fn ask(&mut self, who: usize, heard: bool) {
        let process = &mut self.processes[who];
        if process.open.is_some() {
            return;
        }
        let begun = process.moment(self.world.now);
        let ask = process.core.ask(begun);
        let name = process.core.identity.clone();
        let answer = if heard { self.world.serve(&name, &ask) } else { Answer::Failed };
        self.processes[who].open = Some((ask, begun, answer));
    }

    fn arrive(&mut self, who: usize, lost: bool) {
        let process = &mut self.processes[who];
        if let Some((ask, begun, answer)) = process.open.take() {
            let now = process.moment(self.world.now);
            let answer = if lost { Answer::Failed } else { answer };
            process.core.answer(&ask, begun, now, answer);
        }
    }

    fn leaders(&self) -> Vec<&Mine> {
        let now = self.world.now;
        self.processes.iter().filter_map(|p| p.core.mine(p.moment(now))).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// However requests, answers, clocks and processes come and go: never two leaders at once, and the epoch rises with
    /// every change of the holder.
    #[test]
    fn never_two_leaders(steps in steps()) {
        let mut run = Run::new(Some(seen("u0", None, 0, 0)), false);
        let mut last = (0, String::new());
        for step in &steps {
            run.step(step);
            let leaders = run.leaders();
            prop_assert!(leaders.len() <= 1, "{:?} after {:?}", leaders, step);
            let lease = run.world.lease.clone().unwrap();
            let holder = lease.holder.unwrap_or_else(|| last.1.clone());
            prop_assert!(lease.transitions >= last.0);
            prop_assert!(holder == last.1 || lease.transitions > last.0);
            last = (lease.transitions, holder);
        }
    }

    /// Once faults end, somebody leads within two durations: whatever happened to the Lease, also deletion and
    /// recreation, with and without the right to create.
    #[test]
    fn somebody_leads_in_the_end(
        steps in steps(),
        deletions in proptest::collection::vec((0_usize..300, any::<bool>()), 0..4),
        may_create in any::<bool>(),
    ) {
        let mut run = Run::new(Some(seen("u0", None, 0, 0)), may_create);
        for (i, step) in steps.iter().enumerate() {
            for (_, recreated) in deletions.iter().filter(|(when, _)| *when == i) {
                run.world.lease = recreated.then(|| seen(&format!("r{i}"), None, 0, 0));
            }
            run.step(step);
        }
        if run.world.lease.is_none() && !may_create {
            run.world.lease = Some(seen("again", None, 0, 0));
        }
        // Two seconds a round: 15 s of patience for what was held, 15 s for the leader of a vanished Lease, and change.
        for _ in 0..18 {
            run.world.now += 2 * SECOND;
            for who in 0..3 {
                for _ in 0..3 {
                    run.arrive(who, false);
                    run.ask(who, true);
                }
                run.arrive(who, false);
            }
        }
        prop_assert_eq!(run.leaders().len(), 1);
    }
}
