//! A copy of one kind of object, in a fixed order: unlike kube's own store, two runs over the same objects read alike.

use kube::Resource;
use kube::runtime::watcher::Event;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Namespace and name.
pub(super) type Key = (String, String);
type Objects<K> = BTreeMap<Key, Arc<K>>;

/// The current objects, and those of a list that is still arriving.
#[derive(Debug)]
pub(super) struct Cache<K> {
    state: RwLock<State<K>>,
}

#[derive(Debug)]
struct State<K> {
    objects: Objects<K>,
    /// Pages of a running list; the old objects stay readable until it is whole.
    arriving: Objects<K>,
    listed: bool,
    forbidden: bool,
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        let (objects, arriving) = (BTreeMap::new(), BTreeMap::new());
        Self { state: RwLock::new(State { objects, arriving, listed: false, forbidden: false }) }
    }
}

impl<K: Resource> Cache<K> {
    /// Takes in one event of the watch.
    pub(super) fn apply(&self, event: Event<K>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Apply(object) => {
                state.objects.insert(key(&object), Arc::new(object));
            }
            Event::Delete(object) => {
                state.objects.remove(&key(&object));
            }
            Event::Init => state.arriving = BTreeMap::new(),
            Event::InitApply(object) => {
                state.arriving.insert(key(&object), Arc::new(object));
            }
            Event::InitDone => {
                state.objects = std::mem::take(&mut state.arriving);
                state.listed = true;
                state.forbidden = false;
            }
        }
    }

    /// The API server forbade a list. Whether that is new; what was listed before stays readable.
    pub(super) fn forbid(&self) -> bool {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        !std::mem::replace(&mut state.forbidden, true)
    }

    /// Nothing is known, because it may not be.
    pub(super) fn withheld(&self) -> bool {
        let state = self.read();
        state.forbidden && !state.listed
    }

    /// Has one list been whole?
    pub(super) fn listed(&self) -> bool {
        self.read().listed
    }

    /// One object.
    pub(super) fn get(&self, key: &Key) -> Option<Arc<K>> {
        self.read().objects.get(key).cloned()
    }

    /// All objects, by namespace and name.
    pub(super) fn all(&self) -> Vec<Arc<K>> {
        self.read().objects.values().cloned().collect()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, State<K>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where an object lives.
pub(super) fn key<K: Resource>(object: &K) -> Key {
    let meta = object.meta();
    (meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;

    fn object(name: &str, version: &str) -> ConfigMap {
        let mut map = ConfigMap::default();
        map.metadata.namespace = Some("ns".to_owned());
        map.metadata.name = Some(name.to_owned());
        map.metadata.resource_version = Some(version.to_owned());
        map
    }

    fn names(cache: &Cache<ConfigMap>) -> Vec<String> {
        cache.all().iter().map(|o| o.metadata.name.clone().unwrap()).collect()
    }

    #[test]
    fn a_list_replaces_the_old_objects_only_when_it_is_whole() {
        let cache = Cache::default();
        assert!(!cache.listed());
        for event in [Event::Init, Event::InitApply(object("b", "1")), Event::InitApply(object("a", "1"))] {
            cache.apply(event);
        }
        assert!(!cache.listed());
        assert!(names(&cache).is_empty());
        cache.apply(Event::InitDone);
        assert!(cache.listed());
        assert_eq!(names(&cache), ["a", "b"]);
        cache.apply(Event::Init);
        cache.apply(Event::InitApply(object("c", "9")));
        assert_eq!(names(&cache), ["a", "b"], "the old list stays readable");
        cache.apply(Event::InitDone);
        assert_eq!(names(&cache), ["c"]);
    }

    #[test]
    fn watch_events_change_one_object() {
        let cache = Cache::default();
        cache.apply(Event::Apply(object("a", "1")));
        cache.apply(Event::Apply(object("a", "2")));
        let found = cache.get(&("ns".to_owned(), "a".to_owned())).unwrap();
        assert_eq!(found.metadata.resource_version.as_deref(), Some("2"));
        cache.apply(Event::Delete(object("a", "3")));
        assert!(cache.all().is_empty());
    }
}
