//! Every key of a file that cannot be read, not only the first: a person mends a file once.

use super::{
    Config, Fault,
    error::{self, from_yaml},
    tree::Places,
};
use serde_json::Value;

/// More than a person mends at a time, and a bound on the work: each fault costs one more reading of the file.
const MOST: usize = 20;

/// What is wrong with values and keys of a text that is no configuration, in the order of the file; at least the first fault.
///
/// A parser stops at the first. So the key that it stopped at is left out, and the rest is read again. What is wrong only
/// between keys is not looked for: it would be told of a file that nobody wrote.
pub(super) fn faults(text: &str, first: &serde_saphyr::Error) -> Vec<Fault> {
    let places = Places::of(text);
    let first = from_yaml(first, &places);
    let mut rest = Rest::of(text, &first);
    let mut faults = vec![first];
    while faults.len() < MOST
        && let Some(fault) = rest.as_mut().and_then(Rest::next)
    {
        faults.push(fault.located(&places));
    }
    faults.sort_by_key(|fault| fault.place);
    faults
}

/// A file without the keys that were told.
struct Rest {
    tree: Value,
    left_out: Vec<String>,
}

impl Rest {
    /// `None` where the first fault is one of the text itself, or stands at no key.
    fn of(text: &str, first: &Fault) -> Option<Self> {
        let mut rest = Self { tree: serde_saphyr::from_str(text).ok()?, left_out: Vec::new() };
        rest.leave_out(&first.key).then_some(rest)
    }

    /// The next fault, its key left out then.
    fn next(&mut self) -> Option<Fault> {
        loop {
            let text = serde_saphyr::to_string(&self.tree).ok()?;
            let error = serde_saphyr::from_str::<Config>(&text).err()?;
            let fault = from_yaml(&error, &Places::of(&text));
            // What lacks a key only because we left it out goes as a whole.
            let ours =
                error::missing(&error).is_some_and(|name| self.left_out.contains(&format!("{}.{name}", fault.key)));
            if !self.leave_out(&fault.key) {
                return None;
            }
            if !ours {
                return Some(fault);
            }
        }
    }

    /// An entry of a list goes with its list: those behind it would get other numbers.
    fn leave_out(&mut self, key: &str) -> bool {
        let key = key.rfind('[').filter(|_| key.ends_with(']')).map_or(key, |at| &key[..at]);
        self.left_out.push(key.to_owned());
        take_out(&mut self.tree, key).is_some()
    }
}

/// Takes the value of a key path out of a tree; keys may have dots in them.
fn take_out(tree: &mut Value, path: &str) -> Option<Value> {
    if let Some(inside) = path.strip_prefix('[') {
        let (index, after) = inside.split_once(']')?;
        return take_out(tree.get_mut(index.parse::<usize>().ok()?)?, after.strip_prefix('.').unwrap_or(after));
    }
    let map = tree.as_object_mut()?;
    if map.contains_key(path) {
        return map.remove(path);
    }
    let begins = |key: &&String| path.strip_prefix(key.as_str()).is_some_and(|after| after.starts_with(['.', '[']));
    let key = map.keys().filter(begins).max_by_key(|key| key.len())?.clone();
    let after = &path[key.len()..];
    take_out(map.get_mut(&key)?, after.strip_prefix('.').unwrap_or(after))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_leads_through_maps_lists_and_keys_with_dots() {
        let tree = json!({"a": [{"b": 1}, {"c.d": {"e": 2}, "c": 3}]});
        let without = |path: &str| {
            let mut tree = tree.clone();
            take_out(&mut tree, path).map(|_| tree)
        };
        assert_eq!(without("a[1].c.d.e"), Some(json!({"a": [{"b": 1}, {"c.d": {}, "c": 3}]})));
        assert_eq!(without("a[0].b"), Some(json!({"a": [{}, {"c.d": {"e": 2}, "c": 3}]})));
        assert_eq!(without("a"), Some(json!({})));
        for nowhere in ["", "b", "a[2].b", "a[x].b", "a.b", "a[0].b.c", "a[0"] {
            assert_eq!(without(nowhere), None, "{nowhere}");
        }
    }
}
