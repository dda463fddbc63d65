//! Colour where it can be seen and is wanted.

use std::io::IsTerminal;

/// Whether there is colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Paint {
    /// Plain text.
    Plain,
    /// ANSI escapes.
    Colour,
}

impl Paint {
    /// Colour on a terminal, unless `NO_COLOR` is set or the terminal is dumb.
    pub(in crate::cli) fn of_environment() -> Self {
        Self::of(std::io::stdout().is_terminal(), |name| std::env::var(name).ok())
    }

    pub(in crate::cli) fn of(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let unwanted = variable("NO_COLOR").is_some_and(|v| !v.is_empty());
        let dumb = variable("TERM").is_none_or(|t| t == "dumb");
        if terminal && !unwanted && !dumb { Self::Colour } else { Self::Plain }
    }

    /// What matters most.
    pub(in crate::cli) fn strong(self, text: &str) -> String {
        self.escaped("1", text)
    }

    /// What hurts.
    pub(in crate::cli) fn bad(self, text: &str) -> String {
        self.escaped("31", text)
    }

    /// What helps.
    pub(in crate::cli) fn good(self, text: &str) -> String {
        self.escaped("32", text)
    }

    fn escaped(self, code: &str, text: &str) -> String {
        match self {
            Self::Colour if !text.trim().is_empty() => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            _ => text.to_owned(),
        }
    }
}
