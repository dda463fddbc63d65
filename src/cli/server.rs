//! Asking the daemon: at a given address, or through a port-forward to the leader's pod.

use super::{Failure, Global, local};
use crate::{
    config::{self, Config},
    http::api::{Snapshot, Status, VERSION, Workload, WorkloadList},
    kubernetes,
};
use bytes::Bytes;
use clap::Args;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::{coordination::v1::Lease, core::v1::Pod};
use kube::Api;
use serde::de::DeserializeOwned;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::io::{AsyncRead, AsyncWrite};

/// Longest time one question may take, the port-forward included.
const PATIENCE: Duration = Duration::from_secs(20);
/// Largest answer that is read.
const LARGEST: usize = 64 * 1024 * 1024;
/// The daemon's API in its pod, unless told otherwise.
const PORT: u16 = 8081;

/// Where the daemon is asked.
#[derive(Clone, Debug, Args)]
pub struct Reach {
    /// Address of the daemon's API, such as `http://127.0.0.1:8081`; absent: a port-forward to the leader's pod
    #[arg(long, value_name = "URL", env = "FLOORCAST_SERVER")]
    pub server: Option<String>,
    /// Recompute without a daemon, writing nothing: needs --config, and Prometheus reachable from here. With a namespace,
    /// budgets are counted over it alone
    #[arg(long, conflicts_with = "server", requires = "config")]
    pub local: bool,
    /// The daemon's configuration
    #[arg(long, short, value_name = "FILE", env = "FLOORCAST_CONFIG")]
    pub config: Option<PathBuf>,
    /// Longest time --local may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600), hide_short_help = true)]
    pub timeout: u64,
    /// Port of the API in the pod
    #[arg(long, value_name = "PORT", default_value_t = PORT, hide_short_help = true)]
    pub api_port: u16,
}

/// Why a question over a stream has no answer.
type Problem = Box<dyn std::error::Error + Send + Sync>;

/// What the daemon said.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    status: u16,
    body: Vec<u8>,
}

impl Reach {
    /// The answer to `GET path`; `None` where the daemon knows no such thing (404).
    pub async fn get<T: DeserializeOwned>(&self, global: &Global, path: &str) -> Result<Option<T>, Failure> {
        let ask = async {
            match &self.server {
                Some(url) => direct(url, path).await,
                None => self.forwarded(global, path).await,
            }
        };
        let said = tokio::time::timeout(PATIENCE, ask).await.map_err(|_| {
            Failure::unreachable(format!(
                "the daemon did not answer within {} s; is it running? see floorcast doctor",
                PATIENCE.as_secs()
            ))
        })??;
        match said.status {
            200 => serde_json::from_slice(&said.body).map(Some).map_err(|e| unreadable(&e)),
            404 => Ok(None),
            status => Err(Failure::unreachable(format!(
                "the daemon answered {status}: {}",
                crate::datasource::sanitised(&String::from_utf8_lossy(&said.body), 300)
            ))),
        }
    }

    /// The process and all workloads that are looked at.
    pub async fn everything(&self, global: &Global) -> Result<(Status, WorkloadList), Failure> {
        if self.local {
            let seen = self.look(global, global.namespace.as_deref()).await?;
            let Snapshot { status, workloads, .. } = (*seen).clone();
            return Ok((
                status,
                WorkloadList {
                    version: VERSION.to_owned(),
                    workloads: workloads.into_values().map(Arc::unwrap_or_clone).collect(),
                },
            ));
        }
        let nothing = || Failure::unreachable("the server answers, but it is no floorcast; check --server");
        let process = self.get(global, "/api/v1/status").await?.ok_or_else(nothing)?;
        Ok((process, self.get(global, "/api/v1/workloads").await?.ok_or_else(nothing)?))
    }

    /// One workload; `None` where nobody opted it in.
    pub async fn workload(&self, global: &Global, namespace: &str, hpa: &str) -> Result<Option<Workload>, Failure> {
        if self.local {
            let seen = self.look(global, Some(namespace)).await?;
            return Ok(seen.workloads.get(&format!("{namespace}/{hpa}")).map(|w| Workload::clone(w)));
        }
        self.get(global, &format!("/api/v1/workloads/{namespace}/{hpa}")).await
    }

    async fn look(&self, global: &Global, namespace: Option<&str>) -> Result<Arc<Snapshot>, Failure> {
        let patience = Duration::from_secs(self.timeout);
        let seen = local::look(global, self.configuration()?, namespace, patience).await?;
        if seen.cut_short {
            eprintln!("warning: not everything was known after {} s; give more with --timeout", self.timeout);
        }
        Ok(seen.snapshot)
    }

    /// What the configuration says of where floorcast runs, where one is given.
    fn configuration(&self) -> Result<Config, Failure> {
        Ok(self.config.as_ref().map(|file| config::load(file)).transpose()?.unwrap_or_default())
    }

    async fn forwarded(&self, global: &Global, path: &str) -> Result<Said, Failure> {
        let config = self.configuration()?;
        let clients = kubernetes::connect(&global.source()).await.map_err(|e| Failure::unreachable(e.to_string()))?;
        let namespace = global.own_namespace(&config);
        let namespace = namespace.as_str();
        let pod = leader(&clients.watch, namespace, &config.kubernetes.lease).await?;
        let refused = |why: &str| {
            Failure::unreachable(format!(
                "no port-forward to the leader's pod {namespace}/{pod}: {why}; it needs the verb create on pods/portforward; \
                 where the daemon runs outside of the cluster, give --server URL"
            ))
        };
        let pods: Api<Pod> = Api::namespaced(clients.watch.clone(), namespace);
        let mut forward =
            pods.portforward(&pod, &[self.api_port]).await.map_err(|e| refused(&kubernetes::chain(&e)))?;
        let stream = forward.take_stream(self.api_port).ok_or_else(|| refused("the stream is gone"))?;
        ask(stream, path).await.map_err(|e| refused(&kubernetes::chain(e.as_ref())))
    }
}

fn unreadable(error: &serde_json::Error) -> Failure {
    Failure::unreachable(format!(
        "the daemon's answer cannot be read ({error}); is it a floorcast of another version? compare floorcast --version with its log"
    ))
}

/// The pod that holds the Lease.
async fn leader(client: &kube::Client, namespace: &str, name: &str) -> Result<String, Failure> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
    let lease = leases.get(name).await.map_err(|e| {
        let why = kubernetes::chain(&e);
        Failure::unreachable(match e {
            kube::Error::Api(_) => format!(
                "no Lease {namespace}/{name}: {why}; give --floorcast-namespace where it runs, --server URL, or --local"
            ),
            _ => format!(
                "the API server cannot be asked who leads: {why}; check --context and the server's address in the kubeconfig, \
                 or give --server URL"
            ),
        })
    })?;
    let holder = lease.spec.and_then(|s| s.holder_identity).filter(|h| !h.is_empty());
    let holder = holder.ok_or_else(|| {
        Failure::unreachable(format!(
            "nobody holds the Lease {namespace}/{name}: no floorcast is running; --local --config FILE recomputes without one"
        ))
    })?;
    Ok(pod_of(&holder).to_owned())
}

/// An identity is `<pod>_<8 hex digits>`; no pod's name has an underscore.
fn pod_of(holder: &str) -> &str {
    holder.split('_').next().unwrap_or_default()
}

async fn direct(url: &str, path: &str) -> Result<Said, Failure> {
    kubernetes::connect::install_tls();
    let unreachable = |e: reqwest::Error| {
        let why = kubernetes::chain(&e.without_url());
        Failure::unreachable(format!(
            "{url} cannot be asked: {why}; the daemon logs its own address as api when it starts (http.api in its configuration)"
        ))
    };
    let base = url.trim_end_matches('/');
    if !base.starts_with("http://") && !base.starts_with("https://") {
        return Err(Failure::misused(format!(
            "--server {url} is no address; write for example http://127.0.0.1:{PORT}"
        )));
    }
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(unreachable)?;
    let mut answer = client.get(format!("{base}{path}")).send().await.map_err(unreachable)?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > LARGEST {
            return Err(Failure::unreachable(format!("the answer of {url} is larger than {LARGEST} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Said { status, body })
}

/// One question over a stream. The answer is over where its length says: what forwards a port may leave the stream open after
/// the daemon has closed it.
async fn ask(stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> Result<Said, Problem> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = http::Request::get(path).header(http::header::HOST, "localhost").body(Empty::<Bytes>::new())?;
    let exchange = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), LARGEST).collect().await?.to_bytes().to_vec();
        Ok(Said { status, body })
    };
    // How the connection ends shows in the exchange; it only has to be driven.
    let driven = async {
        let _ = connection.await;
        std::future::pending::<Result<Said, Problem>>().await
    };
    tokio::select! {
        said = exchange => said,
        never = driven => never,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Asked of a server that answers so and leaves the stream open.
    async fn answered(answer: &'static str) -> Result<Said, Problem> {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        let server = tokio::spawn(async move {
            let mut request = [0; 512];
            let n = theirs.read(&mut request).await.unwrap();
            theirs.write_all(answer.as_bytes()).await.unwrap();
            (String::from_utf8_lossy(&request[..n]).into_owned(), theirs)
        });
        let said = ask(ours, "/api/v1/status").await;
        assert!(server.await.unwrap().0.starts_with("GET /api/v1/status HTTP/1.1\r\nhost: localhost\r\n"));
        said
    }

    #[test]
    fn the_leaders_pod_is_in_its_identity() {
        for holder in ["floorcast-6d5f-abcde_e736f27f", "floorcast-6d5f-abcde"] {
            assert_eq!(pod_of(holder), "floorcast-6d5f-abcde");
        }
        assert_eq!(pod_of(&kubernetes::lease::identity("pod-1")), "pod-1");
    }

    #[tokio::test]
    async fn one_question_over_a_stream() {
        let said = answered("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
        assert_eq!(said, Said { status: 200, body: b"{}".to_vec() });
        assert_eq!(answered("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await.unwrap().status, 404);
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
        assert_eq!(answered(chunked).await.unwrap().body, b"{}");
        assert!(answered("nonsense").await.is_err());
    }
}
