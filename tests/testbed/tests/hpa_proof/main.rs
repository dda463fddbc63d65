//! The proof that `models::hpa` is the HPA controller: many HPAs of all kinds on the real kube-controller-manager, and the
//! simulator fed with what the controller saw, sync by sync. See `docs/hpa-simulator.md`.
//!
//!     cargo test -p floorcast-testbed --test hpa_proof
//!
//! | variable | meaning |
//! |---|---|
//! | `FLOORCAST_PROOF_SEED` | other HPAs and another course of events; default 1 |
//! | `FLOORCAST_PROOF_SYNCS` | go on until so many syncs were compared; default 2000 |
//! | `FLOORCAST_PROOF_HPAS` | how many HPAs; default 64 |
//! | `FLOORCAST_SKIP_CLUSTER_TESTS=1` | leaves it out |
#![allow(clippy::unwrap_used)]

mod answer;
mod book;
mod driver;
mod judge;
mod lags;
mod manifest;
mod matching;
mod plan;
mod record;
mod report;
mod stage;

use std::time::{Duration, Instant};

use crate::report::Report;
use crate::stage::Stage;

/// Where it ends even if too few syncs could be compared: something is wrong then.
const PATIENCE: Duration = Duration::from_mins(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simulator_agrees_with_the_real_controller_sync_by_sync() {
    if floorcast_testbed::left_out() {
        return;
    }
    let number = |name: &str, absent: u64| {
        std::env::var(name)
            .map_or(absent, |value| value.parse().unwrap_or_else(|_| panic!("{name}={value}: no number")))
    };
    let (seed, syncs) = (number("FLOORCAST_PROOF_SEED", 1), number("FLOORCAST_PROOF_SYNCS", 2000) as usize);
    let hpas = number("FLOORCAST_PROOF_HPAS", 64) as usize;
    let report = compared(seed, hpas, syncs).await;
    assert!(report.differences.is_empty(), "{}", report.explained());
    assert!(report.compared >= syncs, "only {} of {syncs} syncs compared in {PATIENCE:?}", report.compared);
    let share = report.not_comparable() as f64 / report.syncs as f64;
    assert!(share < 0.2, "{:.1} % of the syncs were not comparable", share * 100.0);
    let unseen = report.unseen();
    assert!(unseen.is_empty(), "proves nothing of what never happened: {unseen:?}");
}

/// Plays `seed` until so many syncs are compared, one differs, or patience ends.
async fn compared(seed: u64, hpas: usize, syncs: usize) -> Report {
    let plans = plan::plans(seed, hpas);
    let stage = std::sync::Arc::new(Stage::start().await);
    let begun = Instant::now();
    let play = driver::Play::begin(&stage, &plans, seed);
    let report = loop {
        tokio::time::sleep(Duration::from_secs(10)).await;
        // The record first, the books a moment later: then every write that a recorded sync saw is in them.
        let record = record::Record::of(&stage);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let report = Report::of(&stage, &plans, &play.books(), &record);
        if report.compared >= syncs || begun.elapsed() >= PATIENCE || !report.differences.is_empty() {
            break report;
        }
    };
    play.end().await;
    eprintln!("seed {seed}, {} HPAs, {:.0} s: {report}", plans.len(), begun.elapsed().as_secs_f64());
    report
}
