//! Runs seeds, each on a paused runtime of its own thread, and adds up what came of them.

use super::draw::Seed;
use super::world::{Told, World};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

/// Failures that are told; more of them would tell nothing new.
const MOST_TOLD: usize = 10;

/// What came of many seeds.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) failures: Vec<String>,
    pub(crate) struck: BTreeMap<&'static str, u64>,
    seeds: u64,
    writes: u64,
    raises: u64,
    took: Duration,
}

impl Tally {
    fn add(&mut self, told: Told) {
        self.seeds += 1;
        self.writes += u64::from(told.writes);
        self.raises += u64::from(told.floors_raised);
        for kind in told.struck.into_keys() {
            *self.struck.entry(kind).or_default() += 1;
        }
        if self.failures.len() < MOST_TOLD {
            self.failures.extend(told.violations);
        }
    }

    pub(crate) fn summary(&self) -> String {
        let kinds: Vec<_> = self.struck.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        format!(
            "{} seeds of two days in {:.0} s: {} landed writes, {} raises; seeds befallen by {}",
            self.seeds,
            self.took.as_secs_f64(),
            self.writes,
            self.raises,
            kinds.join(", ")
        )
    }
}

/// One seed, with its troubles or without.
pub(crate) fn run_one(seed: u64, troubled: bool) -> Told {
    hear_panics();
    let name = format!("seed-{seed}");
    let run = {
        let name = name.clone();
        move || course(&name, seed, troubled)
    };
    let thread = std::thread::Builder::new().name(name.clone()).spawn(run).unwrap();
    let mut told = thread.join().unwrap_or_else(|_| Told {
        violations: Vec::new(),
        course: Vec::new(),
        struck: BTreeMap::new(),
        floors_raised: 0,
        writes: 0,
        digest: 0,
    });
    let panics = lock(&PANICS).remove(&name).unwrap_or_default();
    told.violations.extend(panics.into_iter().map(|what| format!("I12 violated by seed {seed}: {what}")));
    told
}

fn course(name: &str, seed: u64, troubled: bool) -> Told {
    give_way();
    // kube's watcher draws the jitter of its backoff from this thread's generator.
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .thread_name(name)
        .max_blocking_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async { World::new(Seed::draw(seed, troubled)).run().await })
}

/// The calling thread, and those that it starts, yield to whatever else is ready to run: scenarios that wait for the real clock share
/// the cores with seeds. Elsewhere than on Linux a priority is of whole processes.
fn give_way() {
    #[cfg(target_os = "linux")]
    rustix::process::setpriority_process(None, 10).unwrap();
}

/// All these seeds, as many at once as there are cores.
pub(crate) fn run_many(seeds: &[u64]) -> Tally {
    let begun = Instant::now();
    let next = AtomicUsize::new(0);
    let tally = Mutex::new(Tally::default());
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                    let told = run_one(*seed, true);
                    lock(&tally).add(told);
                }
            });
        }
    });
    let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.took = begun.elapsed();
    tally
}

/// Panics by the name of the seed's threads: the daemon catches those of its models, the simulation must not.
static PANICS: Mutex<BTreeMap<String, Vec<String>>> = Mutex::new(BTreeMap::new());

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hear_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if let Some(name) = std::thread::current().name().filter(|n| n.starts_with("seed-")) {
                lock(&PANICS).entry(name.to_owned()).or_default().push(info.to_string());
            }
            before(info);
        }));
    });
}
