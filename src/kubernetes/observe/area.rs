//! What is watched of one namespace, or of all of them.

use crate::kubernetes::cache::{Cache, Key};
use crate::kubernetes::slim::{Deployment, Hpa, StatefulSet};
use crate::kubernetes::workload::Scaled;
use std::sync::Arc;

/// The caches of one namespace, or of the cluster.
#[derive(Default)]
pub(super) struct Area {
    pub(super) hpas: Arc<Cache<Hpa>>,
    pub(super) deployments: Arc<Cache<Deployment>>,
    pub(super) stateful_sets: Arc<Cache<StatefulSet>>,
}

impl Area {
    pub(super) fn new(
        hpas: Arc<Cache<Hpa>>,
        deployments: Arc<Cache<Deployment>>,
        stateful_sets: Arc<Cache<StatefulSet>>,
    ) -> Self {
        Self { hpas, deployments, stateful_sets }
    }

    /// Everything was listed once.
    pub(super) fn whole(&self) -> bool {
        self.hpas.listed() && self.deployments.listed() && self.stateful_sets.listed()
    }

    /// What is not known may not be known.
    pub(super) fn withheld(&self) -> bool {
        let known = [
            self.hpas.listed() || self.hpas.withheld(),
            self.deployments.listed() || self.deployments.withheld(),
            self.stateful_sets.listed() || self.stateful_sets.withheld(),
        ];
        !self.whole() && known.iter().all(|known| *known)
    }

    /// The HPAs, once everything is known: before, one would seem to lack its target, and its floor be handed back.
    pub(super) fn hpas(&self) -> Vec<Arc<Hpa>> {
        if self.whole() { self.hpas.all() } else { Vec::new() }
    }

    pub(super) fn deployment(&self, at: &Key) -> Option<Arc<Scaled>> {
        self.deployments.get(at).map(|found| Arc::clone(&found.scaled))
    }

    pub(super) fn stateful_set(&self, at: &Key) -> Option<Arc<Scaled>> {
        self.stateful_sets.get(at).map(|found| Arc::clone(&found.scaled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::runtime::watcher::Event;

    #[test]
    fn an_area_is_whole_or_withheld_or_still_to_be_waited_for() {
        let area = Area::default();
        area.hpas.apply(Event::InitDone);
        area.deployments.apply(Event::InitDone);
        assert!(!area.whole() && !area.withheld(), "StatefulSets may still come");
        assert!(area.stateful_sets.forbid(), "it is told once");
        assert!(!area.stateful_sets.forbid());
        assert!(!area.whole() && area.withheld());
        area.stateful_sets.apply(Event::InitDone);
        assert!(area.whole() && !area.withheld());
        // Forbidden later: what was listed stays in use.
        area.hpas.forbid();
        assert!(area.whole() && !area.withheld());
    }
}
