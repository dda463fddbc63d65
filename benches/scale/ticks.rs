//! What one tick of the daemon costs, in this process, on paused time: every edge is in memory, so that nothing but the
//! daemon runs between the beginning and the end of a tick.

use crate::{
    fleet::{Fleet, afternoon},
    number, usage, workloads,
};
use floorcast::{
    config::Config,
    daemon::Daemon,
    datasource::{Reply, Request, Transport, TransportError},
    simulated::{
        api::{Server, audit::Audit, request::Verb},
        clock::Clock,
        prometheus::Prometheus,
        replay::{self, Wired},
    },
};
use futures::{FutureExt, StreamExt, future::BoxFuture};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// The defaults, but for a lease that is renewed rarely: nobody contends for it here.
const CONFIGURATION: &str = "
datasources: [{name: main, url: 'http://prometheus.invalid'}]
kubernetes: {ownNamespace: floorcast}
budgets: {cluster: 100000, namespace: 100000}
timing: {leaseDuration: 5m, leaseRenewDeadline: 4m, leaseRetry: 1m}
";
/// The answers of a Prometheus take a while.
const ANSWER: Duration = Duration::from_millis(20);

/// Loads that stand still: nothing changes.
pub(crate) fn steady() -> crate::Outcome {
    measure(true)
}

/// Loads of the day: floors go up and down.
pub(crate) fn moving() -> crate::Outcome {
    measure(false)
}

fn measure(steady: bool) -> crate::Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    runtime.block_on(run(steady))
}

async fn run(steady: bool) -> crate::Outcome {
    let count = workloads();
    let clock = Clock::starting_at(afternoon());
    let fleet = Fleet::standing(clock, count, steady)?;
    let wire = Counted::new(&fleet.prometheus);
    let config = Config::parse(CONFIGURATION, Path::new("bench"))?;
    let tick = config.timing.tick.std();
    let Wired { mut daemon, kept, snapshots, .. } = replay::wire(&fleet.server, &wire, config, "floorcast-0", 1)?;
    let begun = std::time::Instant::now();
    let from = clock.now();
    learn(&mut daemon, &fleet.server, tick, count).await;
    let cold = wire.seen();
    let (took, simulated) = (begun.elapsed().as_secs_f64(), (clock.now() - from).num_seconds());
    println!("cold start of {count} workloads: {took:.1} s of computing, {simulated} s by the clock; {}", cold.words());
    let warm = Ticks::of(&mut daemon, tick, 1200 / tick.as_secs().max(1)).await;
    let quiet = Counts::of(&fleet.server);
    let before = wire.seen();
    let mut medians = Vec::new();
    for _ in 0..5 {
        let ticks = Ticks::of(&mut daemon, tick, 100).await;
        medians.push(ticks.each());
    }
    let seen = wire.seen().since(&before);
    let ticks = 500;
    println!(
        "tick, first 20 min: {:.2} ms CPU; then {medians:.2?}, median {:.2} ms",
        warm.each(),
        usage::median(medians.clone())
    );
    println!("requests to the API server in {ticks} ticks: {}", Counts::of(&fleet.server).since(&quiet).words());
    let share = 100.0 * seen.bytes as f64 / f64::from(ticks) / cold.bytes as f64;
    println!("Prometheus in {ticks} ticks: {}; bytes of a tick against the cold start: {share:.3} %", seen.words());
    println!("states: {}", states(&snapshots.borrow()));
    endure(&mut daemon, &fleet.server, tick, number("FLOORCAST_BENCH_TICKS", 0) as u64).await;
    drop(kept);
    Ok(())
}

fn states(snapshot: &floorcast::http::api::Snapshot) -> String {
    let mut states = std::collections::BTreeMap::<&str, u32>::new();
    snapshot.workloads.values().for_each(|w| *states.entry(w.state.as_str()).or_default() += 1);
    format!("{states:?}")
}

/// Waits for the next tick as the daemon itself does: studies come back meanwhile, and others begin.
async fn rest(daemon: &mut Daemon, tick: Duration) {
    let next = tokio::time::Instant::now() + tick;
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(next) => return,
            () = daemon.settle(), if daemon.is_studying() => {}
        }
    }
}

/// Ticks until every workload was studied once and the API server has heard it all.
async fn learn(daemon: &mut Daemon, server: &Server, tick: Duration, count: usize) {
    while (server.audit(|a| a.count(Verb::List, "pods")) as usize) < count {
        daemon.tick().await;
        rest(daemon, tick).await;
    }
}

/// Resident memory after 100 ticks and after many, if many are asked for: `FLOORCAST_BENCH_TICKS`. The simulated server's
/// audit log and old versions are no part of the daemon and are dropped as they grow.
async fn endure(daemon: &mut Daemon, server: &Server, tick: Duration, many: u64) {
    if many == 0 {
        return;
    }
    let pid = std::process::id();
    let mut first = 0.0;
    for done in 0..many / 100 {
        Ticks::of(daemon, tick, 100).await;
        server.drain_audit();
        server.compact();
        if done == 0 {
            first = usage::resident(pid).0;
        }
    }
    let last = usage::resident(pid).0;
    println!(
        "resident, simulated servers included: {first:.1} MiB after 100 ticks, {last:.1} MiB after {many}: × {:.3}",
        last / first
    );
}

/// CPU time of many ticks.
struct Ticks {
    cpu: Duration,
    count: u64,
}

impl Ticks {
    async fn of(daemon: &mut Daemon, tick: Duration, count: u64) -> Self {
        let mut cpu = Duration::ZERO;
        for _ in 0..count {
            let before = usage::thread_cpu();
            daemon.tick().await;
            cpu += usage::thread_cpu().saturating_sub(before);
            rest(daemon, tick).await;
        }
        Self { cpu, count }
    }

    fn each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1000.0 / self.count.max(1) as f64
    }
}

/// Requests that the API server got.
struct Counts {
    lists: u64,
    gets: u64,
    pods: u64,
    floors: u64,
    events: u64,
    leases: u64,
}

impl Counts {
    fn of(server: &Server) -> Self {
        let patches = |a: &Audit| a.count(Verb::Patch, "horizontalpodautoscalers");
        let floors = server.audit(patches);
        server.audit(|audit| {
            let count = |verb, plural| audit.count(verb, plural);
            let kinds = ["horizontalpodautoscalers", "deployments", "statefulsets", "configmaps"];
            Self {
                lists: kinds.iter().map(|k| count(Verb::List, k)).sum(),
                gets: kinds.iter().map(|k| count(Verb::Get, k)).sum(),
                pods: count(Verb::List, "pods"),
                events: count(Verb::Create, "events") + count(Verb::Patch, "events"),
                leases: count(Verb::Get, "leases") + count(Verb::Patch, "leases") + count(Verb::Update, "leases"),
                floors,
            }
        })
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            lists: self.lists - before.lists,
            gets: self.gets - before.gets,
            pods: self.pods - before.pods,
            floors: self.floors - before.floors,
            events: self.events - before.events,
            leases: self.leases - before.leases,
        }
    }

    fn words(&self) -> String {
        let Self { lists, gets, pods, floors, events, leases } = self;
        format!(
            "{floors} writes to HPAs, {lists} lists, {gets} gets, {pods} lists of pods, {events} Events, {leases} for the Lease"
        )
    }
}

/// A Prometheus that takes its time, with a count of what goes over the wire.
#[derive(Clone)]
struct Counted {
    inner: Prometheus,
    running: Arc<AtomicU64>,
    most: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

/// What went over the wire.
struct Seen {
    queries: u64,
    bytes: u64,
    most: u64,
}

impl Seen {
    fn since(&self, before: &Self) -> Self {
        Self { queries: self.queries - before.queries, bytes: self.bytes - before.bytes, most: self.most }
    }

    fn words(&self) -> String {
        format!(
            "{} queries, {:.2} MiB of bodies, at most {} at once",
            self.queries,
            self.bytes as f64 / 1_048_576.0,
            self.most
        )
    }
}

impl Counted {
    fn new(inner: &Prometheus) -> Self {
        Self { inner: inner.clone(), running: Arc::default(), most: Arc::default(), bytes: Arc::default() }
    }

    fn seen(&self) -> Seen {
        Seen { queries: self.inner.asked(), bytes: self.bytes.load(Relaxed), most: self.most.load(Relaxed) }
    }
}

impl Transport for Counted {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Reply, TransportError>> {
        async move {
            self.most.fetch_max(self.running.fetch_add(1, Relaxed) + 1, Relaxed);
            tokio::time::sleep(ANSWER).await;
            let reply = self.inner.send(request).await;
            self.running.fetch_sub(1, Relaxed);
            let mut reply = reply?;
            let bytes = Arc::clone(&self.bytes);
            let count = move |chunk: &Result<bytes::Bytes, TransportError>| {
                bytes.fetch_add(chunk.as_ref().map_or(0, bytes::Bytes::len) as u64, Relaxed);
            };
            reply.body = Box::pin(reply.body.inspect(count));
            Ok(reply)
        }
        .boxed()
    }
}
