//! A real etcd, kube-apiserver, kube-controller-manager and Prometheus for tests and for trying floorcast out, built
//! from their Go modules on first use and started as plain processes on loopback ports.
//!
//! Environment:
//!
//! | variable | meaning |
//! |---|---|
//! | `FLOORCAST_SKIP_CLUSTER_TESTS=1` | leaves the tests that need the control plane out; without it a missing Go fails them |
//! | `FLOORCAST_TESTBED_CACHE` | folder of the built programs, default `~/.cache/floorcast-testbed` |
//! | `FLOORCAST_TESTBED_KEEP=1` | keeps the folders with data and logs |

pub mod arguments;
pub mod certs;
pub mod cluster;
pub mod command;
pub mod curve;
pub mod daemon;
mod error;
pub mod metrics_api;
pub mod ports;
pub mod process;
pub mod prometheus;
pub mod replay;
pub mod tools;
pub mod wait;
pub mod workload;

pub use cluster::Cluster;
pub use error::Error;
pub use prometheus::Prometheus;
pub use rustix::process::Signal;

/// Leaves the real-cluster tests out when set to `1`.
pub const SKIP_VARIABLE: &str = "FLOORCAST_SKIP_CLUSTER_TESTS";

/// Whether the real-cluster tests are left out on purpose; says so, so that nobody takes it for a pass.
pub fn left_out() -> bool {
    let skip = std::env::var(SKIP_VARIABLE).is_ok_and(|value| value == "1");
    if skip {
        tools::tell(&format!("a real-cluster test is left out because {SKIP_VARIABLE}=1"));
    }
    skip
}

/// Installs the TLS provider of this process, once.
pub(crate) fn install_crypto() {
    // An error means that somebody installed one before: as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The root of the repository.
pub fn repository() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files of a folder of the repository whose names end so, sorted.
///
/// # Errors
/// A folder that cannot be read.
pub fn files(folder: &str, end: &str) -> std::io::Result<Vec<std::path::PathBuf>> {
    let entries = std::fs::read_dir(repository().join(folder))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.retain(|path| path.to_string_lossy().ends_with(end));
    paths.sort();
    Ok(paths)
}

/// The folder of the shipped manifests, `deploy/manifests`.
pub fn manifests() -> std::path::PathBuf {
    repository().join("deploy/manifests")
}
