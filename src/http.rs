//! What the process tells over HTTP: health and metrics for the cluster, a page and `/api/v1` for people. Read only.

pub mod api;
mod bounded;
mod head;
mod health;
mod page;
mod routes;

pub use health::{Check, Pulse};

use crate::{config, metrics::Metrics};
use api::Snapshot;
use bounded::Bounded;
use std::{future::IntoFuture, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

/// How long open requests may still take once the process stops.
const LINGER: Duration = Duration::from_secs(2);

/// Where the answers come from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// What the daemon published last.
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Whether the tick goes on.
    pub pulse: Arc<Pulse>,
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} ({key} of the configuration): {source}; choose a free address")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// The configuration's key.
    pub key: &'static str,
    /// The system's reason.
    pub source: io::Error,
}

/// Both addresses, bound and not yet served.
#[derive(Debug)]
pub struct Listeners {
    open: TcpListener,
    api: TcpListener,
}

/// Binds both addresses; port 0 takes a free one.
pub async fn bind(http: &config::Http) -> Result<Listeners, BindError> {
    let listen =
        async |address, key| TcpListener::bind(address).await.map_err(|source| BindError { address, key, source });
    Ok(Listeners { open: listen(http.listen, "http.listen").await?, api: listen(http.api, "http.api").await? })
}

impl Listeners {
    /// The address of health and metrics, and that of page and API.
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.open.local_addr()?, self.api.local_addr()?))
    }

    /// Answers until `stop`, then lets open requests end for two seconds.
    pub async fn serve(self, sources: Sources, stop: CancellationToken) -> io::Result<()> {
        let open = axum::serve(Bounded::new(self.open), routes::open(sources.clone()))
            .with_graceful_shutdown(stop.clone().cancelled_owned());
        let api = axum::serve(Bounded::new(self.api), routes::api(sources))
            .with_graceful_shutdown(stop.clone().cancelled_owned());
        let both = async { tokio::try_join!(open.into_future(), api.into_future()).map(|_| ()) };
        tokio::select! {
            done = both => done,
            () = lingered(&stop) => Ok(()),
        }
    }
}

async fn lingered(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(LINGER).await;
}

#[cfg(test)]
#[path = "http/tests.rs"]
mod tests;
