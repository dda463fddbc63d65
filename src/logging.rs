//! Log lines: JSON in a pod, human on a terminal; on stderr, with keys that do not change.

use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// What is logged of our own steps where nobody says otherwise.
const DEFAULT: &str = "info";
/// Of the libraries below only warnings; kube's client tells every request that fails as an error without saying which, and we
/// tell the same with what, why and what comes next.
const LIBRARIES: &str = "warn,kube_client::client::builder=off";

/// A log level that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "log level {level:?} cannot be read: {why}; write error, warn, info, debug, trace, or a filter such as warn,floorcast=debug"
)]
pub struct LevelError {
    /// As given.
    pub level: String,
    /// Why.
    pub why: String,
}

/// Starts logging. `level` (flag or environment) wins over the configuration. Called once; later calls change nothing.
pub fn start(log: &Log, level: Option<&str>) -> Result<(), LevelError> {
    let filter = filter(level.or(log.level.as_deref()).unwrap_or(DEFAULT))?;
    let human = match log.format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let registry = tracing_subscriber::registry().with(filter);
    // An error means that a subscriber is there already, as in tests.
    let _ = if human {
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        registry.with(fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(colour)).try_init()
    } else {
        registry
            .with(fmt::layer().json().flatten_event(true).with_current_span(true).with_writer(std::io::stderr))
            .try_init()
    };
    Ok(())
}

/// A bare level means ours; libraries below stay at warnings.
fn filter(level: &str) -> Result<EnvFilter, LevelError> {
    let bare = ["error", "warn", "info", "debug", "trace", "off"].contains(&level.to_lowercase().as_str());
    let text = if bare { format!("{LIBRARIES},floorcast={level}") } else { level.to_owned() };
    EnvFilter::try_new(text).map_err(|e| LevelError { level: level.to_owned(), why: e.to_string() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_is_ours_and_nonsense_is_refused() {
        let ours = filter("debug").unwrap().to_string();
        assert!(ours.contains("floorcast=debug") && ours.ends_with(",warn"), "{ours}");
        assert!(ours.contains("kube_client::client::builder=off"), "{ours}");
        assert_eq!(filter("warn,kube_client=debug").unwrap().to_string(), "kube_client=debug,warn");
        assert!(filter("floorcast=loud").unwrap_err().to_string().contains("write error, warn, info"));
    }
}
