//! Reading the configuration again when its text changes; the last good one stays in force.

use super::{Config, ConfigError, read};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::watch;

/// The configuration in force, and whether the file on disk is it.
#[derive(Clone, Debug)]
pub struct Current {
    /// The last good configuration.
    pub config: Arc<Config>,
    /// Why the file on disk is not in force, if it is not.
    pub refused: Option<ConfigError>,
}

/// Looks at the file every `timing.reload` and publishes what it finds. Reading by content sees through the symlinks
/// of a mounted ConfigMap. Ends when nobody listens; cancel by dropping the future.
pub async fn watch(path: PathBuf, publish: watch::Sender<Current>) {
    // Nothing is taken as seen: what was written since the start arrives at the first look.
    let mut seen: Option<String> = None;
    let mut missing = false;
    loop {
        let pause = publish.borrow().config.timing.reload.std();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = publish.closed() => return,
        }
        let path_now = path.clone();
        let text = tokio::task::spawn_blocking(move || read(&path_now)).await;
        match text {
            Ok(Ok(text)) if seen.as_deref() == Some(text.as_str()) => {}
            Ok(Ok(text)) => {
                tell(&publish, Config::parse(&text, &path));
                (seen, missing) = (Some(text), false);
            }
            Ok(Err(error)) => {
                seen = None;
                if !std::mem::replace(&mut missing, true) {
                    tell(&publish, Err(error));
                }
            }
            Err(_) => return,
        }
    }
}

fn tell(publish: &watch::Sender<Current>, outcome: Result<Config, ConfigError>) {
    publish.send_if_modified(|current| match outcome {
        Ok(config) if current.refused.is_none() && config == *current.config => false,
        Ok(config) => {
            tracing::info!("configuration read again");
            *current = Current { config: Arc::new(config), refused: None };
            true
        }
        Err(error) => {
            tracing::warn!(%error, "configuration refused; the last good one stays in force");
            current.refused = Some(error);
            true
        }
    });
}
