//! Where in a YAML text each key stands: errors that serde cannot locate still get a line.

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{Location, Spanned};
use std::{collections::BTreeMap, fmt};

/// Line and column of a key's value, both from 1.
pub(super) type Place = (u64, u64);

/// Every key path of a text (`datasources[0].url`) with the place of its value.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<String, Place>);

impl Places {
    /// Of a text that parses as YAML; of any other, none.
    pub(super) fn of(text: &str) -> Self {
        let mut places = BTreeMap::new();
        if let Ok(root) = serde_saphyr::from_str::<Node>(text) {
            root.walk("", &mut places);
        }
        Self(places)
    }

    /// The place of a key; where it is absent, of its nearest ancestor.
    pub(super) fn of_key(&self, key: &str) -> Option<Place> {
        let mut key = key;
        loop {
            if let Some(place) = self.0.get(key) {
                return Some(*place);
            }
            key = &key[..key.rfind(['.', '['])?];
        }
    }

    /// The whole path of the key `name` that stands at or first after a place: its value comes after it.
    pub(super) fn named_from(&self, name: &str, place: Place) -> Option<&str> {
        let is_named = |key: &str| key.rsplit('.').next() == Some(name);
        let found = self.0.iter().filter(|(key, at)| **at >= place && is_named(key)).min_by_key(|(_, at)| **at);
        found.map(|(key, _)| key.as_str())
    }

    /// The key whose value stands at or last before a place.
    pub(super) fn key_at(&self, place: Place) -> Option<&str> {
        self.0.iter().filter(|(_, p)| **p <= place).max_by_key(|(key, p)| (**p, key.len())).map(|(key, _)| key.as_str())
    }
}

/// YAML without its meaning: only the shape.
enum Node {
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
    Seq(Vec<Spanned<Node>>),
    Leaf,
}

impl Node {
    fn walk(&self, path: &str, places: &mut BTreeMap<String, Place>) {
        match self {
            Self::Leaf => {}
            Self::Map(entries) => {
                for (key, value) in entries {
                    let here = if path.is_empty() { key.value.clone() } else { format!("{path}.{}", key.value) };
                    // A scalar is at its value, a mapping or sequence at its key: that is where a person looks.
                    let at = if matches!(value.value, Node::Leaf) { &value.referenced } else { &key.referenced };
                    places.insert(here.clone(), place(at));
                    value.value.walk(&here, places);
                }
            }
            Self::Seq(items) => {
                for (index, item) in items.iter().enumerate() {
                    let here = format!("{path}[{index}]");
                    places.insert(here.clone(), place(&item.referenced));
                    item.value.walk(&here, places);
                }
            }
        }
    }
}

fn place(location: &Location) -> Place {
    (location.line(), location.column())
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Shape)
    }
}

struct Shape;

impl<'de> Visitor<'de> for Shape {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::Seq(items))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Node, D::Error> {
        IgnoredAny::deserialize(from).map(|_| Node::Leaf)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TEXT: &str = "a:\n  b: 1\n  c:\n  - d: x\n  - d: ~\n";

    #[test]
    fn every_key_has_its_place() {
        let places = Places::of(TEXT);
        assert_eq!(places.of_key("a.b"), Some((2, 6)));
        assert_eq!(places.of_key("a.c[1].d"), Some((5, 8)));
        assert_eq!(places.of_key("a.c[1].absent"), Some((5, 5)), "the nearest ancestor");
        assert_eq!(places.of_key("absent"), None);
    }

    #[test]
    fn every_place_has_its_key() {
        let places = Places::of(TEXT);
        assert_eq!(places.key_at((2, 6)), Some("a.b"));
        assert_eq!(places.key_at((4, 8)), Some("a.c[0].d"));
    }
}
