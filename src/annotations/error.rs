//! A refused annotation, said so that its author can mend it.

use super::{Key, key::PREFIX, text};
use std::fmt;

/// The object an annotation stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The HorizontalPodAutoscaler.
    Hpa,
    /// The workload it scales.
    Target,
}

impl On {
    /// The object in a sentence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hpa => "HorizontalPodAutoscaler",
            Self::Target => "target",
        }
    }
}

/// One wrong value: what, where, why, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("floorcast.io/{} on the {}: {what} ({why}); {remedy}; for example floorcast.io/{}: {}", .key.as_str(), .on.as_str(), .key.as_str(), .key.example())]
pub struct AnnotationError {
    /// The key.
    pub key: Key,
    /// The object it stands on.
    pub on: On,
    /// The value, shortened and free of control characters.
    pub value: String,
    /// What is wrong.
    pub what: String,
    /// Why: the allowed range or form.
    pub why: String,
    /// How to mend it.
    pub remedy: String,
}

impl AnnotationError {
    /// From a message of three lines: what, why, remedy.
    pub(super) fn new(key: Key, on: On, value: &str, message: &str) -> Self {
        let mut lines = message.splitn(3, '\n').map(str::to_owned);
        Self {
            key,
            on,
            value: text::shown(value),
            what: lines.next().unwrap_or_default(),
            why: lines.next().unwrap_or_default(),
            remedy: lines.next().unwrap_or_default(),
        }
    }
}

/// What is told and does no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A key under our prefix that is none of ours.
    UnknownKey {
        /// The object it stands on.
        on: On,
        /// The key without the prefix, shortened and free of control characters.
        key: String,
        /// The nearest known key.
        nearest: Option<&'static str>,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey { on, key, nearest } => {
                write!(f, "unknown annotation {PREFIX}{key} on the {}", on.as_str())?;
                match nearest {
                    Some(near) => write!(f, "; did you mean {PREFIX}{near}?"),
                    None => write!(f, "; remove it, or look the keys up in the documentation"),
                }
            }
        }
    }
}
