//! The pods of one workload: created, scheduled, running, ready, removed.
//!
//! Settled pods are only counted; those whose age still matters to the HPA are kept one by one.

use crate::sim::rollout::Rollout;
use crate::sim::{Nodes, Random, StartUp};

/// A pod whose age still matters. Times in milliseconds since the epoch; `None` before a node has room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Young {
    pub(crate) placed: Option<Placed>,
    /// Made from the template before the rollout that is under way.
    pub(crate) old: bool,
    /// Drawn at creation: milliseconds from its node to running and to ready.
    takes: (i64, i64),
}

#[cfg(test)]
impl Young {
    /// A pod with these times.
    pub(crate) fn placed_at(placed: Placed) -> Self {
        Self { placed: Some(placed), old: false, takes: (0, 0) }
    }
}

/// When a pod got its node, runs, and is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) at: i64,
    pub(crate) running: i64,
    pub(crate) ready: i64,
}

/// All pods of the workload.
#[derive(Clone, Debug)]
pub(crate) struct Fleet {
    /// Ready and old enough to be all alike.
    pub(crate) settled: u32,
    /// The others, oldest first.
    pub(crate) young: Vec<Young>,
    start_up: StartUp,
    /// Age at which a ready pod settles.
    settle: i64,
    pool: Option<Pool>,
    ready: u32,
    next: i64,
    /// `spec.replicas`: during a rollout more pods may exist.
    pub(crate) wanted: u32,
    pub(crate) rollout: Option<Rollout>,
}

impl Fleet {
    /// `pods` settled pods, with nodes for them. `settle` in milliseconds.
    pub(crate) fn new(pods: u32, start_up: StartUp, settle: i64, nodes: Option<Nodes>) -> Self {
        let pool = nodes.map(|nodes| Pool::new(nodes, pods));
        let (young, rollout) = (Vec::new(), None);
        Self { settled: pods, young, start_up, settle, pool, ready: pods, next: i64::MAX, wanted: pods, rollout }
    }

    /// Pods that exist.
    pub(crate) fn existing(&self) -> u32 {
        self.settled + self.young.len() as u32
    }

    /// Pods that are ready.
    pub(crate) fn ready(&self) -> u32 {
        self.ready
    }

    /// Pods that occupy a node: those cost something.
    pub(crate) fn placed(&self) -> u32 {
        self.settled + self.young.iter().filter(|p| p.placed.is_some()).count() as u32
    }

    /// Nodes that are there, where they are simulated.
    pub(crate) fn nodes(&self) -> u32 {
        self.pool.as_ref().map_or(0, |pool| pool.up)
    }

    /// The next moment at which something changes by itself.
    pub(crate) fn next(&self) -> i64 {
        self.next
    }

    /// Creates or removes pods until `pods` exist. Those without a node go first, then the youngest. A rollout keeps its
    /// surge.
    pub(crate) fn scale(&mut self, pods: u32, now: i64, random: &mut Random) {
        self.wanted = pods;
        while self.existing() < pods {
            self.create(random);
        }
        while self.existing() > pods + self.surge() {
            match self.victim() {
                Some(i) => drop(self.young.remove(i)),
                None => self.drop_settled(),
            }
        }
        self.advance(now, random);
    }

    pub(crate) fn create(&mut self, random: &mut Random) {
        let takes = self.start_up.draw(random);
        self.young.push(Young { placed: None, old: false, takes });
    }

    /// As the `ReplicaSet` controller chooses: without a node, then not ready the longest, then ready the latest.
    fn victim(&self) -> Option<usize> {
        let rank = |pod: &Young| pod.placed.map_or(i64::MAX, |placed| placed.ready);
        (0..self.young.len()).max_by_key(|i| (rank(&self.young[*i]), *i))
    }

    /// Brings everything up to `now`.
    pub(crate) fn advance(&mut self, now: i64, random: &mut Random) {
        self.pass(now);
        while self.roll(now, random) {
            self.pass(now);
        }
    }

    fn pass(&mut self, now: i64) {
        self.place(now);
        let settle = self.settle;
        let settled = |pod: &Young| pod.placed.is_some_and(|p| p.ready.max(p.at + settle) <= now);
        let before = self.young.len();
        if let Some(rollout) = &mut self.rollout {
            rollout.old += self.young.iter().filter(|pod| pod.old && settled(pod)).count() as u32;
        }
        self.young.retain(|pod| !settled(pod));
        self.settled += (before - self.young.len()) as u32;
        let times = || self.young.iter().filter_map(|pod| pod.placed);
        self.ready = self.settled + times().filter(|p| p.ready <= now).count() as u32;
        let turns = times().flat_map(|p| [p.ready, p.ready.max(p.at + settle)]).filter(|t| *t > now).min();
        let arrival = self.pool.as_ref().map_or(i64::MAX, Pool::next);
        self.next = turns.unwrap_or(i64::MAX).min(arrival);
    }

    fn place(&mut self, now: i64) {
        let used = self.placed();
        let waiting = self.young.len() as u32 + self.settled - used;
        let mut room = match &mut self.pool {
            Some(pool) => pool.advance(now, used, waiting),
            None => waiting,
        };
        for pod in self.young.iter_mut().filter(|p| p.placed.is_none()) {
            if room == 0 {
                break;
            }
            room -= 1;
            pod.placed = Some(Placed { at: now, running: now + pod.takes.0, ready: now + pod.takes.1 });
        }
    }
}

/// Nodes as a cluster autoscaler keeps them.
#[derive(Clone, Debug)]
struct Pool {
    nodes: Nodes,
    up: u32,
    coming: Vec<i64>,
    /// Since when a whole node is spare.
    spare_since: Option<i64>,
}

impl Pool {
    fn new(nodes: Nodes, pods: u32) -> Self {
        let up = pods.div_ceil(nodes.pods_per_node.max(1)).max(1);
        Self { nodes, up, coming: Vec::new(), spare_since: None }
    }

    fn per_node(&self) -> u32 {
        self.nodes.pods_per_node.max(1)
    }

    fn next(&self) -> i64 {
        let leave = self.spare_since.map_or(i64::MAX, |since| since + self.nodes.idle.num_milliseconds());
        self.coming.iter().copied().min().unwrap_or(i64::MAX).min(leave)
    }

    /// Takes in what has come, orders what is missing, gives back what is spare; how many waiting pods fit now.
    fn advance(&mut self, now: i64, used: u32, waiting: u32) -> u32 {
        let due = self.coming.len();
        self.coming.retain(|t| *t > now);
        self.up += (due - self.coming.len()) as u32;
        let room = (self.up * self.per_node()).saturating_sub(used);
        let wanted = waiting.saturating_sub(room).div_ceil(self.per_node());
        for _ in self.coming.len() as u32..wanted {
            self.coming.push(now + self.nodes.provisioning.num_milliseconds());
        }
        self.shrink(now, used + waiting);
        room.min(waiting)
    }

    fn shrink(&mut self, now: i64, pods: u32) {
        let spare = self.up > 1 && self.up * self.per_node() >= pods + self.per_node();
        match self.spare_since {
            _ if !spare => self.spare_since = None,
            None => self.spare_since = Some(now),
            Some(since) if now - since >= self.nodes.idle.num_milliseconds() => {
                self.up = pods.div_ceil(self.per_node()).max(1);
                self.spare_since = None;
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn fleet(pods: u32, nodes: Option<Nodes>) -> (Fleet, Random) {
        let start_up = StartUp { spread: 0.0, ..StartUp::of(TimeDelta::seconds(90)) };
        (Fleet::new(pods, start_up, 300_000, nodes), Random::new(1))
    }

    #[test]
    fn pods_become_ready_and_settle() {
        let (mut fleet, mut random) = fleet(3, None);
        fleet.scale(5, 0, &mut random);
        assert_eq!((fleet.existing(), fleet.ready(), fleet.next()), (5, 3, 90_000));
        fleet.advance(90_000, &mut random);
        assert_eq!((fleet.ready(), fleet.settled, fleet.next()), (5, 3, 300_000));
        fleet.advance(300_000, &mut random);
        assert_eq!((fleet.settled, fleet.next()), (5, i64::MAX));
    }

    #[test]
    fn the_unready_go_first() {
        let (mut fleet, mut random) = fleet(3, None);
        fleet.scale(5, 0, &mut random);
        fleet.scale(4, 10, &mut random);
        assert_eq!((fleet.settled, fleet.young.len()), (3, 1));
        fleet.scale(1, 20, &mut random);
        assert_eq!((fleet.settled, fleet.ready()), (1, 1));
    }

    #[test]
    fn pods_without_room_wait_for_nodes_and_idle_nodes_leave() {
        let nodes = Nodes::of(4, TimeDelta::seconds(120));
        let (mut fleet, mut random) = fleet(3, Some(nodes));
        fleet.scale(9, 0, &mut random);
        // One fits beside the three; five wait for two nodes.
        assert_eq!((fleet.placed(), fleet.nodes(), fleet.next()), (4, 1, 90_000));
        fleet.advance(120_000, &mut random);
        assert_eq!((fleet.placed(), fleet.nodes(), fleet.ready()), (9, 3, 4));
        fleet.advance(210_000, &mut random);
        assert_eq!(fleet.ready(), 9);
        fleet.scale(3, 300_000, &mut random);
        fleet.advance(900_000, &mut random);
        assert_eq!(fleet.nodes(), 1);
    }
}
