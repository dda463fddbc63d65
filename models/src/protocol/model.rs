//! One HPA on a small API server: server-side apply, updates and JSON patches on `spec.minReplicas`, as `hpa.md` 3.1 says.

use super::{Action, Reply};
use crate::target::{Held, Hold, Target};
use crate::testing::{n, target};
use crate::units::Replicas;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

pub(super) const US: &str = "floorcast";

/// The object, with who owns `spec.minReplicas`.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) uid: u32,
    pub(super) version: u64,
    pub(super) min: Replicas,
    pub(super) max: Replicas,
    pub(super) current: Replicas,
    pub(super) owners: BTreeSet<String>,
    pub(super) held: Option<Held>,
    pub(super) written_at: Option<DateTime<Utc>>,
    pub(super) released_until: Option<DateTime<Utc>>,
}

impl Object {
    pub(super) fn new(base: u32, max: u32) -> Self {
        Self {
            uid: 1,
            version: 100,
            min: n(base),
            max: n(max),
            current: n(base),
            owners: BTreeSet::from(["kubectl".to_owned()]),
            held: None,
            written_at: None,
            released_until: None,
        }
    }

    /// What a watch shows of it.
    pub(super) fn observed(&self) -> Target {
        Target {
            uid: self.uid.to_string(),
            resource_version: self.version.to_string(),
            current: self.current,
            desired: self.current,
            min: self.min,
            max: self.max,
            hold: self.held.clone().map_or(Hold::Free, Hold::Held),
            ours: self.owners.contains(US),
            owners: self.owners.iter().filter(|owner| *owner != US).cloned().collect(),
            written_at: self.written_at,
            released_until: self.released_until,
            ..target()
        }
    }

    /// A status write: a new version, nothing else.
    pub(super) fn touch(&mut self) {
        self.version += 1;
    }

    /// A non-apply write by `manager`: a changed value moves to it, an unchanged one keeps its owners. `false`: 422.
    pub(super) fn update(&mut self, manager: &str, min: Replicas) -> bool {
        if min > self.max {
            return false;
        }
        if min != self.min {
            self.owners = BTreeSet::from([manager.to_owned()]);
            self.min = min;
        }
        self.version += 1;
        true
    }

    /// Server-side apply by `manager`. Another owner with another value: 409 unless forced; the same value is shared.
    pub(super) fn apply(&mut self, manager: &str, min: Replicas, force: bool) -> Reply {
        let rival = self.owners.iter().find(|owner| *owner != manager).cloned();
        if min != self.min {
            if let Some(rival) = rival.filter(|_| !force) {
                return Reply::Conflict { owner: Some(rival) };
            }
            if min > self.max {
                return Reply::AboveMax;
            }
            self.owners.clear();
            self.min = min;
        }
        self.owners.insert(manager.to_owned());
        self.version += 1;
        Reply::Done { resource_version: self.version.to_string() }
    }

    /// Server-side apply by `manager` without the field: it is reset to 1 when nobody else owns it.
    pub(super) fn apply_without(&mut self, manager: &str) {
        if self.owners.remove(manager) && self.owners.is_empty() {
            self.min = Replicas::ONE;
        }
        self.version += 1;
    }

    /// Deleted and created again by its owner.
    pub(super) fn recreate(&mut self, base: Replicas) {
        let fresh = Self::new(base.get(), self.max.get());
        *self = Self { uid: self.uid + 1, version: self.version + 1, current: self.current, ..fresh };
    }

    /// Carries out one of our actions.
    pub(super) fn send(&mut self, now: DateTime<Utc>, action: &Action) -> Reply {
        match action {
            Action::None => Reply::NotSent,
            Action::Acquire { write, resource_version } => {
                if *resource_version != self.version.to_string() && write.uid == self.uid.to_string() {
                    return Reply::Conflict { owner: None };
                }
                self.book(now, &write.uid, &write.held, true)
            }
            Action::Hold { write } => self.book(now, &write.uid, &write.held, false),
            Action::GiveBack { uid, resource_version, floor, base, released_until } => {
                self.patch((uid, resource_version), *floor, *base, *released_until)
            }
            Action::Clean { uid, resource_version, value, released_until } => {
                self.patch((uid, resource_version), *value, *value, *released_until)
            }
        }
    }

    fn book(&mut self, now: DateTime<Utc>, uid: &str, held: &Held, force: bool) -> Reply {
        if uid != self.uid.to_string() {
            return Reply::Gone;
        }
        let reply = self.apply(US, held.floor, force);
        if matches!(reply, Reply::Done { .. }) {
            (self.held, self.written_at, self.released_until) = (Some(held.clone()), Some(now), None);
        }
        reply
    }

    /// Both JSON patches of giving back: test version and value, replace, drop our marks and our managedFields entries.
    fn patch(
        &mut self,
        (uid, version): (&str, &str),
        test: Replicas,
        to: Replicas,
        released_until: Option<DateTime<Utc>>,
    ) -> Reply {
        if uid != self.uid.to_string() {
            return Reply::Gone;
        }
        if version != self.version.to_string() || test != self.min {
            return Reply::Conflict { owner: None };
        }
        if !self.update(US, to) {
            return Reply::AboveMax;
        }
        self.owners.remove(US);
        (self.held, self.written_at, self.released_until) = (None, None, released_until);
        Reply::Done { resource_version: self.version.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_follows_the_six_facts() {
        let mut object = Object::new(3, 50);
        assert!(matches!(object.apply(US, n(20), false), Reply::Conflict { .. }), "kubectl owns another value");
        assert!(matches!(object.apply(US, n(20), true), Reply::Done { .. }));
        assert_eq!(object.owners, BTreeSet::from([US.to_owned()]), "force makes us sole owner");
        assert!(matches!(object.apply("argo", n(20), false), Reply::Done { .. }), "the same value is shared");
        assert!(matches!(object.apply(US, n(12), false), Reply::Conflict { .. }), "a co-owner stands in the way");
        assert!(object.update("kubectl", n(7)));
        assert_eq!(object.owners, BTreeSet::from(["kubectl".to_owned()]), "a changed value moves");
        assert!(!object.update("kubectl", n(51)) && object.min == n(7), "422");
        object.apply_without("kubectl");
        assert_eq!(object.min, Replicas::ONE, "owned by nobody: reset to the default");
        object.apply_without("kubectl");
        assert_eq!(object.min, Replicas::ONE, "who does not own it removes nothing");
    }
}
