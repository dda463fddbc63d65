//! What `enable` and `disable` tell.

use serde::Serialize;

/// One annotation that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    /// The whole key.
    pub key: String,
    /// What stood there.
    pub from: Option<String>,
    /// What stands there now.
    pub to: Option<String>,
}

/// What `-o json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    /// What is so now, or would be.
    pub what: String,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// The annotations that changed.
    pub changes: Vec<Change>,
    /// What one should know.
    pub notes: Vec<String>,
    /// What follows.
    pub then: String,
    /// How to undo it.
    pub undo: Option<String>,
}

impl Answer {
    /// It is so already: nothing was written.
    pub(super) fn unchanged(what: String, notes: Vec<String>) -> Self {
        let then = "nothing changes; say what is to be different, for example --mode live".to_owned();
        Self { what, dry_run: false, changes: Vec::new(), notes, then, undo: None }
    }

    /// What a person reads: the annotations as a diff.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}{}\n", self.what, if self.dry_run { " (dry run: nothing was written)" } else { "" });
        for change in &self.changes {
            for (sign, value) in [('-', &change.from), ('+', &change.to)] {
                if let Some(value) = value {
                    text.push_str(&format!("  {sign} {}: {value}\n", change.key));
                }
            }
        }
        for note in &self.notes {
            text.push_str(&format!("note: {note}\n"));
        }
        text.push_str(&format!("then: {}\n", self.then));
        if let Some(undo) = self.undo.as_ref().filter(|_| !self.dry_run) {
            text.push_str(&format!("undo: {undo}\n"));
        }
        text
    }
}
