//! Opting whole namespaces in without touching a manifest.

use floorcast_models::policy::Mode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// HPAs of these namespaces with these labels are opted in. The first rule that matches counts; an annotation on the
/// object wins over every rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OptInRule {
    /// Namespaces, `*` standing for any characters; absent: every namespace that is watched.
    #[serde(default = "everywhere")]
    pub namespaces: Vec<String>,
    /// Labels of the HPA; absent: every HPA.
    #[serde(default)]
    pub selector: Selector,
    /// `shadow` forecasts and tells, `live` writes floors, `off` leaves alone.
    pub mode: ModeWord,
}

/// The mode's word in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ModeWord {
    /// Not opted in.
    Off,
    /// Forecast and tell, change nothing.
    Shadow,
    /// Write floors.
    Live,
}

impl From<ModeWord> for Mode {
    fn from(word: ModeWord) -> Self {
        match word {
            ModeWord::Off => Self::Off,
            ModeWord::Shadow => Self::Shadow,
            ModeWord::Live => Self::Live,
        }
    }
}

/// A label selector in the form of the Kubernetes API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Selector {
    /// Every label here has this value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Every expression here holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<Expression>,
}

/// One expression of a label selector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expression {
    /// The label.
    pub key: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what; for `In` and `NotIn`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// The operators of the Kubernetes API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Operator {
    /// The label is there with one of the values.
    In,
    /// The label is absent or has none of the values.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is absent.
    DoesNotExist,
}

impl OptInRule {
    /// Whether an HPA of this namespace with these labels is meant.
    pub fn matches(&self, namespace: &str, labels: &BTreeMap<String, String>) -> bool {
        concerns(&self.namespaces, &self.selector, namespace, labels)
    }
}

/// Whether a rule for these namespaces and labels means an HPA.
pub(super) fn concerns(
    namespaces: &[String],
    selector: &Selector,
    namespace: &str,
    labels: &BTreeMap<String, String>,
) -> bool {
    namespaces.iter().any(|pattern| glob(pattern, namespace)) && selector.matches(labels)
}

impl Selector {
    /// Whether these labels are selected.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|e| e.matches(labels.get(&e.key)))
    }
}

impl Expression {
    fn matches(&self, value: Option<&String>) -> bool {
        match self.operator {
            Operator::In => value.is_some_and(|v| self.values.contains(v)),
            Operator::NotIn => value.is_none_or(|v| !self.values.contains(v)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }

    /// Values where the operator wants some, none where it wants none.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let wants = matches!(self.operator, Operator::In | Operator::NotIn);
        match (wants, self.values.is_empty()) {
            (true, true) => Some("the expression has no values\nIn and NotIn compare with values\nadd values"),
            (false, false) => Some(
                "the expression has values\nExists and DoesNotExist only look whether the label is there\nremove values",
            ),
            _ => None,
        }
    }
}

/// `*` stands for any characters, none included; everything else for itself.
pub fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(head) else {
        return false;
    };
    (0..=rest.len()).filter(|i| rest.is_char_boundary(*i)).any(|i| glob(tail, &rest[i..]))
}

pub(super) fn everywhere() -> Vec<String> {
    vec!["*".to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (pattern, text, want) in [
            ("*", "", true),
            ("team-*", "team-a", true),
            ("team-*", "steam-a", false),
            ("*-prod", "a-prod", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("web", "web2", false),
        ] {
            assert_eq!(glob(pattern, text), want, "{pattern} {text}");
        }
    }

    #[test]
    fn expressions_follow_the_api() {
        let rule = |operator, values: &[&str]| Expression {
            key: "tier".to_owned(),
            operator,
            values: values.iter().map(|v| (*v).to_owned()).collect(),
        };
        let web = "web".to_owned();
        assert!(rule(Operator::In, &["web"]).matches(Some(&web)));
        assert!(!rule(Operator::In, &["web"]).matches(None));
        assert!(rule(Operator::NotIn, &["web"]).matches(None));
        assert!(!rule(Operator::NotIn, &["web"]).matches(Some(&web)));
        assert!(rule(Operator::Exists, &[]).matches(Some(&web)));
        assert!(rule(Operator::DoesNotExist, &[]).matches(None));
    }
}
