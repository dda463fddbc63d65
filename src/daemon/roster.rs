//! The workloads of the cluster and what their owners ask: kept in step with what is observed.

use super::entry::{Entry, Key};
use crate::{
    annotations::{self, Key as AnnotationKey, On},
    config::Config,
    kubernetes::Workload,
};
use std::{collections::BTreeMap, sync::Arc};

/// Workloads by key, boxed: a node of the map has eleven places, of which five are empty when keys come in their order.
pub(super) type Entries = BTreeMap<Key, Box<Entry>>;

/// The workloads that a tick decides for, in the order of their keys: the same ones until the roster observes again.
pub(super) fn concerned(entries: &mut Entries) -> impl Iterator<Item = (&Key, &mut Entry)> {
    entries.iter_mut().map(|(key, entry)| (key, entry.as_mut())).filter(|(_, entry)| entry.concerns_us())
}

/// Every workload that was observed, by key.
#[derive(Default)]
pub(super) struct Roster {
    pub(super) entries: Entries,
    config: Option<Arc<Config>>,
}

/// A change that people should hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Opted in.
    In,
    /// Opted out.
    Out,
    /// Asked for otherwise than before.
    Otherwise,
}

impl Roster {
    /// Takes over what was observed; returns whose wishes changed. Unchanged objects cost a pointer comparison.
    pub(super) fn observe(&mut self, workloads: Vec<Arc<Workload>>, config: &Arc<Config>) -> Vec<(Key, Turn)> {
        let same_config = self.config.as_ref().is_some_and(|c| Arc::ptr_eq(c, config));
        if same_config && self.is_of(&workloads) {
            return Vec::new();
        }
        self.config = Some(Arc::clone(config));
        let mut old = std::mem::take(&mut self.entries);
        let mut turns = Vec::new();
        for workload in workloads {
            let key = Key::of(&workload);
            let (entry, turn) = match old.remove(&key) {
                Some(entry) if entry.workload.target.uid == workload.target.uid => {
                    renew(entry, workload, config, same_config)
                }
                _ => fresh(workload, config),
            };
            turns.extend(turn.map(|t| (key.clone(), t)));
            self.entries.insert(key, entry);
        }
        turns
    }

    /// Whether these are the very objects that were taken over before; both are in the order of their keys.
    fn is_of(&self, workloads: &[Arc<Workload>]) -> bool {
        self.entries.len() == workloads.len()
            && self.entries.values().zip(workloads).all(|(entry, seen)| Arc::ptr_eq(&entry.workload, seen))
    }

    /// Whether acting on what is observed now cannot wait for the next tick: somebody came, went, or wants otherwise.
    pub(super) fn is_news(&self, workloads: &[Arc<Workload>]) -> bool {
        workloads.len() != self.entries.len()
            || workloads.iter().any(|seen| match self.entries.get(&Key::of(seen)) {
                None => true,
                Some(entry) => !Arc::ptr_eq(&entry.workload, seen) && differs(&entry.workload, seen),
            })
    }
}

fn fresh(workload: Arc<Workload>, config: &Config) -> (Box<Entry>, Option<Turn>) {
    let opt_in = read(&workload, config);
    let turn = opt_in.wanted().then_some(Turn::In);
    (Box::new(Entry::new(workload, opt_in)), turn)
}

fn renew(
    mut entry: Box<Entry>,
    workload: Arc<Workload>,
    config: &Config,
    same_config: bool,
) -> (Box<Entry>, Option<Turn>) {
    if same_config && Arc::ptr_eq(&entry.workload, &workload) {
        return (entry, None);
    }
    let opt_in = read(&workload, config);
    let turn = match (entry.opt_in.wanted(), opt_in.wanted()) {
        (false, true) => Some(Turn::In),
        (true, false) => Some(Turn::Out),
        _ => (entry.opt_in != opt_in || entry.workload.refusals != workload.refusals).then_some(Turn::Otherwise),
    };
    if entry.workload.hpa_metrics != workload.hpa_metrics {
        entry.study.derive_again();
    }
    entry.workload = workload;
    entry.shown = None;
    if entry.opt_in != opt_in {
        entry.study.wishes_changed(&entry.opt_in, &opt_in);
        entry.opt_in = opt_in;
        entry.remember_settings();
    }
    (entry, turn)
}

fn read(workload: &Workload, config: &Config) -> annotations::OptIn {
    let mut opt_in = annotations::read(
        &workload.hpa_annotations,
        workload.target_annotations(),
        config,
        &workload.namespace,
        &workload.hpa_labels,
    );
    if opt_in.wanted()
        && let Ok(settings) = &opt_in.settings
        && let Some(error) = settings.against(workload.target.max, on(workload, AnnotationKey::MinReplicas))
    {
        opt_in.settings = Err(vec![error]);
    }
    opt_in
}

/// The object whose value counts.
fn on(workload: &Workload, key: AnnotationKey) -> On {
    if workload.hpa_annotations.contains_key(&key.annotation()) { On::Hpa } else { On::Target }
}

/// Differences that a person made. The HPA's own status writes, every 15 s each, are none.
fn differs(a: &Workload, b: &Workload) -> bool {
    a.target.uid != b.target.uid
        || a.target.min != b.target.min
        || a.target.max != b.target.max
        || a.hpa_annotations != b.hpa_annotations
        || a.target_annotations() != b.target_annotations()
        || a.refusals != b.refusals
}
