//! What can go wrong while the testbed is built, started or asked.

use std::fmt;
use std::path::PathBuf;

/// A failure of the testbed, with what a person needs to mend it.
#[derive(thiserror::Error)]
pub enum Error {
    /// Go is not installed, or is not on the `PATH`.
    #[error(
        "cannot run `go`: {0}. The real control plane of the tests is built from Go modules: install Go 1.26 or newer \
         (https://go.dev/dl) and put it on the PATH, or leave the real-cluster tests out on purpose with {skip}=1",
        skip = crate::SKIP_VARIABLE
    )]
    GoMissing(std::io::Error),
    /// `go` ran and failed.
    #[error(
        "`{command}` in {dir} failed ({status}):\n{stderr}\nNeeded: Go 1.26 or newer and, on first use, the Go module proxy"
    )]
    GoFailed {
        /// The command line.
        command: String,
        /// The module it ran in.
        dir: PathBuf,
        /// Exit status.
        status: String,
        /// The end of its standard error.
        stderr: String,
    },
    /// A file or directory of the testbed.
    #[error("{what} {path}: {source}")]
    File {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A program could not be started.
    #[error("cannot start {name}: {source}")]
    Spawn {
        /// The component.
        name: String,
        /// Why.
        source: std::io::Error,
    },
    /// A component ended although it should run.
    #[error("{name} ended by itself ({status}); the end of its log {log}:\n{tail}")]
    Died {
        /// The component.
        name: String,
        /// Exit status.
        status: String,
        /// Its log file.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// Something did not happen in time.
    #[error("waited {seconds:.1} s for {what}; last seen: {seen}")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// For how long.
        seconds: f64,
        /// What was seen at the last look.
        seen: String,
    },
    /// No free port was found.
    #[error("no free loopback port between {from} and {to}")]
    NoPort {
        /// First port tried.
        from: u16,
        /// Last port tried.
        to: u16,
    },
    /// A certificate could not be made.
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS of the fake metrics API.
    #[error("tls: {0}")]
    Tls(#[from] rustls::Error),
    /// The API server said no.
    #[error("api server: {0}")]
    Kube(#[from] kube::Error),
    /// A kubeconfig could not be read.
    #[error("kubeconfig: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// Prometheus could not be asked.
    #[error("prometheus: {0}")]
    Http(#[from] reqwest::Error),
    /// JSON could not be written or read.
    #[error("json: {0}")]
    Json(#[from] serde_json::Error),
    /// A program of the testbed ran and failed.
    #[error("`{command}` failed ({status}): {stderr}")]
    Command {
        /// The command line.
        command: String,
        /// Exit status.
        status: String,
        /// Its standard error.
        stderr: String,
    },
    /// An answer was not what it must be.
    #[error("{0}")]
    Unexpected(String),
}

impl Error {
    /// Makes a file error of an I/O error: `.map_err(Error::file("write", &path))`.
    pub(crate) fn file(what: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { what, path, source }
    }
}

/// The same words: a test that unwraps shows this form, and whoever reads it wants to know what to mend.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
