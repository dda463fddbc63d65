//! The objects, their versions, and the log of changes that watches read.

use super::kind::Kind;
use super::ownership::stamp;
use super::refusal::Refusal;
use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Changes kept for watches; older ones are compacted away, as etcd's are.
const CHANGES_KEPT: usize = 20_000;

/// Kind, namespace, name.
pub type Key = (Kind, String, String);

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Created.
    Added,
    /// Written.
    Modified,
    /// Deleted; the object is its last state.
    Deleted,
}

/// One change, as watches see it.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version that it made.
    pub version: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub what: ChangeKind,
    /// To what kind of object.
    pub kind: Kind,
    /// In which namespace.
    pub namespace: String,
    /// The object after it.
    pub object: Arc<Value>,
    /// The object before it: a selector may have wanted that one only.
    pub before: Option<Arc<Value>>,
}

/// The objects.
#[derive(Debug)]
pub struct Store {
    objects: BTreeMap<Key, Arc<Value>>,
    version: u64,
    compacted: u64,
    log: VecDeque<Change>,
    ids: StdRng,
}

impl Store {
    /// An empty store. The seed decides the uids.
    pub fn new(seed: u64) -> Self {
        Self {
            objects: BTreeMap::new(),
            version: 1,
            compacted: 0,
            log: VecDeque::new(),
            ids: StdRng::seed_from_u64(seed),
        }
    }

    /// The newest version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// One object.
    pub fn get(&self, key: &Key) -> Option<&Arc<Value>> {
        self.objects.get(key)
    }

    /// All objects of a kind, by namespace and name; one namespace unless that is empty.
    pub fn list(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        let from = (kind, namespace.to_owned(), String::new());
        self.objects
            .range(from..)
            .take_while(move |(key, _)| key.0 == kind)
            .filter(move |(key, _)| namespace.is_empty() || key.1 == namespace)
    }

    /// Stores an object that is not there yet: gives it uid, version and creation time.
    pub fn create(&mut self, key: &Key, mut object: Value, now: DateTime<Utc>) -> Arc<Value> {
        object["metadata"]["uid"] = json!(self.new_uid());
        object["metadata"]["creationTimestamp"] = json!(stamp(now));
        if key.0.has_generation() {
            object["metadata"]["generation"] = json!(1);
        }
        self.store(key, object, ChangeKind::Added, now)
    }

    /// Stores the next state of an object.
    pub fn replace(&mut self, key: &Key, object: Value, now: DateTime<Utc>) -> Arc<Value> {
        self.store(key, object, ChangeKind::Modified, now)
    }

    /// Takes an object away; gives its last state, with the version of its deletion.
    pub fn delete(&mut self, key: &Key, now: DateTime<Utc>) -> Option<Arc<Value>> {
        let before = self.objects.remove(key)?;
        self.version += 1;
        let mut last = (*before).clone();
        last["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let last = Arc::new(last);
        self.log(key, ChangeKind::Deleted, last.clone(), Some(before), now);
        Some(last)
    }

    fn store(&mut self, key: &Key, mut object: Value, what: ChangeKind, now: DateTime<Utc>) -> Arc<Value> {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let object = Arc::new(object);
        let before = self.objects.insert(key.clone(), object.clone());
        self.log(key, what, object.clone(), before, now);
        object
    }

    fn log(&mut self, key: &Key, what: ChangeKind, object: Arc<Value>, before: Option<Arc<Value>>, at: DateTime<Utc>) {
        if self.log.len() >= CHANGES_KEPT
            && let Some(oldest) = self.log.pop_front()
        {
            self.compacted = oldest.version;
        }
        self.log.push_back(Change {
            version: self.version,
            at,
            what,
            kind: key.0,
            namespace: key.1.clone(),
            object,
            before,
        });
    }

    /// Forgets all changes so far: watches and continued lists from older versions get 410.
    pub fn compact(&mut self) {
        self.compacted = self.version;
        self.log.clear();
    }

    /// Whether all changes after `version` are still kept.
    ///
    /// # Errors
    /// 410 where they are not.
    pub fn kept(&self, version: u64) -> Result<(), Refusal> {
        if version >= self.compacted {
            return Ok(());
        }
        Err(Refusal::expired(format!("too old resource version: {version} ({})", self.compacted)))
    }

    /// The changes after `version`, oldest first.
    ///
    /// # Errors
    /// 410 where they are no longer all kept.
    pub fn since(&self, version: u64) -> Result<impl Iterator<Item = &Change>, Refusal> {
        self.kept(version)?;
        let start = self.log.partition_point(|c| c.version <= version);
        Ok(self.log.range(start..))
    }

    /// A random suffix for `generateName`.
    pub fn suffix(&mut self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..5).map(|_| char::from(LETTERS[self.ids.next_u32() as usize % LETTERS.len()])).collect()
    }

    fn new_uid(&mut self) -> String {
        let (a, b) = (self.ids.next_u64(), self.ids.next_u64());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | ((b >> 48) & 0x3fff),
            b & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        (Kind::ConfigMap, "default".into(), name.into())
    }

    #[test]
    fn versions_rise_and_changes_can_be_read_from_any_kept_one() {
        let mut store = Store::new(1);
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        store.create(&key("a"), json!({"metadata": {}}), now);
        let from = store.version();
        store.create(&key("b"), json!({"metadata": {}}), now);
        store.delete(&key("a"), now);
        let what: Vec<_> = store.since(from).unwrap().map(|c| c.what).collect();
        assert_eq!(what, [ChangeKind::Added, ChangeKind::Deleted]);
        store.compact();
        assert_eq!(store.since(from).err().unwrap().code, 410);
        assert_eq!(store.since(store.version()).unwrap().count(), 0);
    }

    #[test]
    fn the_seed_decides_the_uids() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let uid = |seed| Store::new(seed).create(&key("a"), json!({"metadata": {}}), now)["metadata"]["uid"].clone();
        assert_eq!(uid(7), uid(7));
        assert_ne!(uid(7), uid(8));
    }
}
