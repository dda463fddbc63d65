//! What the log tells of datasources: both edges, each once.

use crate::http::api::Snapshot;
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::watch;

/// Logs when a datasource begins to fail, with the remedy, and when it answers again.
pub(super) async fn tell(mut snapshot: watch::Receiver<Arc<Snapshot>>) {
    let mut failing = BTreeSet::new();
    while snapshot.changed().await.is_ok() {
        let seen = Arc::clone(&snapshot.borrow_and_update());
        for datasource in &seen.status.datasources {
            match &datasource.error {
                Some(error) if failing.insert(datasource.name.clone()) => tracing::warn!("{error}"),
                None if failing.remove(&datasource.name) => {
                    tracing::info!("datasource {} answers again", datasource.name);
                }
                _ => {}
            }
        }
    }
}
