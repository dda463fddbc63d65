#![allow(clippy::unwrap_used)]
use super::{
    explain, plan,
    spark::Ink,
    status::{self, View},
};
use crate::http::api::{
    Budget, Budgets, Change, Datasource, Lead, Load, Note, Opening, Peak, PlanStep, Reason, Score, Status, Trust,
    Weight, Workload,
};
use chrono::{DateTime, TimeDelta, Utc};

fn now() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn web() -> Workload {
    let reason = Reason { code: "Raised".into(), text: "raised from 3 to 12".into() };
    let needs = [3, 3, 12, 12, 24, 12, 3, 3];
    let step = |(i, need): (usize, &u32)| PlanStep { at: now() + TimeDelta::hours(3 * i as i64), need: *need };
    Workload {
        namespace: "shop".into(),
        hpa: "web".into(),
        target: "Deployment/web".into(),
        mode: "live".into(),
        state: "Holding".into(),
        base: Some(3),
        floor: Some(12),
        need: Some(12),
        current: Some(10),
        max: Some(40),
        until: Some(now() + TimeDelta::hours(2)),
        peak: Some(Peak { at: now() + TimeDelta::hours(12), need: 24 }),
        lead: Lead { seconds: 300, source: "measured over 7 raises".into() },
        quantile: 0.95,
        timezone: "Europe/Berlin".into(),
        plan: needs.iter().enumerate().map(step).collect(),
        reasons: vec![reason.clone()],
        loads: vec![
            Load {
                name: "cpu".into(),
                query: "sum(rate(x[5m]))".into(),
                datasource: "main".into(),
                per_replica: Some(0.5),
                now: Some(4.5),
                sample_age_seconds: Some(20),
                model: Some("auto".into()),
                weights: vec![
                    Weight { model: "profile".into(), weight: 0.7 },
                    Weight { model: "weeks".into(), weight: 0.3 },
                ],
                score: Some(Score { mase: Some(0.62), wape: 0.081, pinball: 0.1, coverage: 0.958 }),
                trust: Some(Trust { trusted: true, why: "better than persistence".into() }),
                ..Load::default()
            }
            .into(),
        ],
        history: vec![
            Change {
                at: now() - TimeDelta::minutes(20),
                from: Some(3),
                to: Some(12),
                reasons: vec![reason],
                outcome: "written".into(),
            }
            .into(),
        ],
        ..Workload::default()
    }
}

fn process() -> Status {
    Status {
        version: "0.1.0".into(),
        identity: "floorcast-0".into(),
        leader: true,
        epoch: 4,
        last_tick: Some(now() - TimeDelta::seconds(3)),
        control: "run".into(),
        config_in_force: true,
        datasources: vec![Datasource { name: "main".into(), up: true, error: None }],
        budgets: Budgets { cluster: Budget { allowed: 1000, spent: 9 }, ..Budgets::default() },
        ..Status::default()
    }
}

#[test]
fn status_is_read_at_a_glance() {
    let stuck = Workload {
        namespace: "shop".into(),
        hpa: "api".into(),
        mode: "shadow".into(),
        state: "Learning".into(),
        notes: vec![Note { code: "HistoryShort".into(), text: "history 3.2 h < 24 h".into(), blocks: true }],
        ..Workload::default()
    };
    let want = "\
floorcast 0.1.0 on floorcast-0 (leader, epoch 4), last tick 3s ago
datasource main: up
budget: 9 of 1000 replicas above base

NAMESPACE  HPA  MODE    STATE     BASE  FLOOR  NEED  CURRENT  MAX  PEAK
shop       api  shadow  Learning  -     -      -     -        -    -
shop       web  live    Holding   3     12     12    10       40   24 in 12h

shop/api: HistoryShort: history 3.2 h < 24 h
";
    assert_eq!(status::table(&process(), &[stuck.clone(), web()], now(), View::default()), want);
    let bare = View { wide: true, bare: true };
    let want = "\
shop       api  shadow  Learning  -     -      -     -        -    -          -                      -     -      -       -
shop       web  live    Holding   3     12     12    10       40   24 in 12h  -      Deployment/web  5m    in 2h  -       Raised
";
    assert_eq!(status::table(&process(), &[stuck, web()], now(), bare), want);
}

#[test]
fn what_stops_everything_is_told_first() {
    let broken =
        Status { control: "freeze".into(), config_in_force: false, forbidden: vec!["patch HPAs".into()], ..process() };
    let text = status::table(&broken, &[], now(), View::default());
    for line in [
        "kill switch: freeze\n",
        "configuration: the file on disk is refused",
        "forbidden: patch HPAs\n",
        "No workload is opted in.",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn a_plan_is_a_curve_and_its_changes() {
    let want = "\
shop/web (Deployment/web) · live · Holding
base 3 · floor 12 · need 12 · current 10 · max 40 · lead time 5m (measured over 7 raises)

13:00 ▂▂▅▅█▅▂▂ Sun 10:00  replicas needed, Europe/Berlin
peak 24 at Sun 01:00 (in 12h)

FROM       NEED
13:00      3
19:00      12
Sun 01:00  24
Sun 04:00  12
Sun 07:00  3
";
    assert_eq!(plan::text(&web(), now(), Ink::Unicode, 24), want);
    let opening = Opening {
        from: now() + TimeDelta::hours(6),
        to: now() + TimeDelta::hours(9),
        replicas: 12,
        window: "0 19 * * 6, 3h, 12".into(),
    };
    let scheduled = Workload { schedule: vec![opening], ..web() };
    let lines = "\nSCHEDULED  UNTIL  REPLICAS  WINDOW\n19:00      22:00  12        0 19 * * 6, 3h, 12\n";
    assert_eq!(plan::text(&scheduled, now(), Ink::Unicode, 24), format!("{want}{lines}"));
    assert!(explain::text(&scheduled, now()).contains(lines));
    assert!(plan::text(&web(), now(), Ink::Ascii, 24).contains("13:00 ..++@+.. Sun 10:00"));
    assert!(plan::text(&web(), now(), Ink::Ascii, 2).ends_with("\n… 3 further changes; -o wide shows all\n"));
    assert!(
        plan::text(&Workload::default(), now(), Ink::Ascii, 24).contains("There is no plan: see floorcast explain")
    );
}

#[test]
fn an_explanation_names_reasons_query_and_model() {
    let want = "\
shop/web (Deployment/web) · live · Holding
base 3 · floor 12 · need 12 · current 10 · max 40 · lead time 5m (measured over 7 raises)
held until 15:00 (in 2h)

Why
  Raised: raised from 3 to 12

Load cpu
  datasource main: sum(rate(x[5m]))
  one replica carries 0.500
  now 4.50, 20 s old
  model auto (profile 70 %, weeks 30 %)
  backtest: error 8.1 % of the load, 0.62 of the naive forecast's; 95.8 % of windows covered, 95.0 % wanted
  trusted: better than persistence

Last changes
  12:40  3 → 12  written (Raised)
";
    assert_eq!(explain::text(&web(), now()), want);
}
