//! History and present from Prometheus and its kin: bounded, honest about gaps, and never a zero where nothing was measured.
//!
//! [`Reader`] asks one datasource. A question goes through its bulkhead, back-off and budget, over the [`Transport`] seam,
//! and its answer through the cap and the [`decode`] rules, onto the regular grid of [`floorcast_models::series::Series`].
//! [`History`] keeps one load's series and knows what to ask for next.

mod backoff;
mod bulkhead;
mod configured;
mod credentials;
pub mod decode;
mod error;
mod exchange;
mod grid;
mod history;
pub mod http;
pub mod promql;
mod reader;
mod secret;
mod settings;
mod tls;
pub mod transport;

pub use decode::Dropped;
pub use error::{Fault, ReadError, sanitised};
pub use exchange::{Observer, Unobserved};
pub use history::{Absorbed, History};
pub use reader::{Answer, Datasources, Emptiness, RangeQuery, Reader, Row, Sample};
pub use secret::Secret;
pub use settings::{ALLOWED_HEADERS, Auth, DatasourceSettings, Kind, Limits, SecretSource, SettingsError, TlsSettings};
pub use transport::{Ask, Reply, Request, StatusPage, Transport, TransportError};
