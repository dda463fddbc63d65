//! The kill switch: ConfigMap `floorcast-control`, keys `cluster` and `namespace.<ns>`.

use floorcast_models::policy::Directive;
use std::collections::BTreeMap;

/// What the kill switch says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Control {
    cluster: Directive,
    namespaces: BTreeMap<String, Directive>,
    /// Sentences about keys and values that could not be understood.
    pub problems: Vec<String>,
}

impl Control {
    /// Nothing could be read yet: no writes until it can.
    pub fn unread() -> Self {
        Self { cluster: Directive::Freeze, ..Self::default() }
    }

    /// Reads the ConfigMap's data. A value that is no directive freezes what it is about: whoever reached for the
    /// switch meant to stop something.
    pub fn parse(data: &BTreeMap<String, String>) -> Self {
        let mut control = Self::default();
        for (key, value) in data {
            let directive = control.directive_of(key, value);
            if key == "cluster" {
                control.cluster = directive;
            } else if let Some(namespace) = key.strip_prefix("namespace.") {
                control.namespaces.insert(namespace.to_owned(), directive);
            } else {
                control.problems.push(format!(
                    "ConfigMap floorcast-control: key `{key}` is unknown; use `cluster` or `namespace.<name>`"
                ));
            }
        }
        control
    }

    /// The stricter of the cluster's and the namespace's word.
    pub fn directive(&self, namespace: &str) -> Directive {
        let own = self.namespaces.get(namespace).copied().unwrap_or_default();
        own.max(self.cluster)
    }

    fn directive_of(&mut self, key: &str, value: &str) -> Directive {
        let word = value.trim();
        Directive::ALL.into_iter().find(|directive| directive.as_str() == word).unwrap_or_else(|| {
            let shown: String = word.chars().take(40).collect();
            self.problems.push(format!(
                "ConfigMap floorcast-control: `{key}: {shown}` is no directive, taken as `freeze`; use `run`, `freeze`, `drain` or `release`"
            ));
            Directive::Freeze
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(pairs: &[(&str, &str)]) -> Control {
        Control::parse(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn the_stricter_word_wins() {
        for (cluster, namespace, expected) in [
            ("run", "freeze", Directive::Freeze),
            ("freeze", "run", Directive::Freeze),
            ("drain", "freeze", Directive::Drain),
            ("drain", "release", Directive::Release),
            ("run", "run", Directive::Run),
        ] {
            let control = control(&[("cluster", cluster), ("namespace.shop", namespace)]);
            assert_eq!(control.directive("shop"), expected, "{cluster} {namespace}");
        }
    }

    #[test]
    fn absent_keys_run() {
        assert_eq!(control(&[]).directive("shop"), Directive::Run);
        assert_eq!(control(&[("namespace.a", "release")]).directive("b"), Directive::Run);
    }

    #[test]
    fn a_typo_freezes_and_is_told() {
        let typo = control(&[("cluster", "Freez")]);
        assert_eq!(typo.directive("shop"), Directive::Freeze);
        assert_eq!(typo.problems.len(), 1);
        let stray = control(&[("shop", "freeze")]);
        assert_eq!(stray.directive("shop"), Directive::Run);
        assert_eq!(stray.problems.len(), 1);
    }

    #[test]
    fn nothing_is_written_before_the_switch_was_read() {
        assert_eq!(Control::unread().directive("shop"), Directive::Freeze);
    }
}
