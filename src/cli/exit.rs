//! Exit codes, and failures that carry one.

use std::{fmt, process::ExitCode};

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: it says no (a check failed, a file is invalid).
    No,
    /// 2: used wrongly.
    Misused,
    /// 3: something could not be reached.
    Unreachable,
    /// 130: interrupted by Ctrl-C, as shells count signals.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::No => 1,
            Exit::Misused => 2,
            Exit::Unreachable => 3,
            Exit::Interrupted => 130,
        })
    }
}

/// Why a command ends otherwise than with 0: what, why and remedy in one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What is wrong, why, and how to mend it.
    pub message: String,
}

impl Failure {
    /// A failure.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// Used wrongly.
    pub fn misused(message: impl Into<String>) -> Self {
        Self::new(Exit::Misused, message)
    }

    /// Something could not be reached.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(Exit::Unreachable, message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        let exit = match &error {
            crate::config::ConfigError::Unreadable { .. } => Exit::Unreachable,
            crate::config::ConfigError::Invalid { .. } => Exit::No,
        };
        Self::new(exit, error.to_string())
    }
}
