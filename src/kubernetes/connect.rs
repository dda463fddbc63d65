//! Connections to the API server: three of them, so that no kind of traffic can hold up another.

use http::{Request, Response};
use kube::client::{Body, ClientBuilder};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use std::path::PathBuf;
use std::time::Duration;
use tower::timeout::{Timeout, TimeoutLayer};
use tower::util::BoxService;
use tower::{BoxError, Service};

/// What kube makes of a configuration: its connections, boxed.
type GenericService = BoxService<Request<Body>, Response<Box<kube::client::DynBody>>, BoxError>;

/// Longest time a TCP and TLS handshake may take.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest time between two reads of an answer to a write or to a lease request.
const ANSWER: Duration = Duration::from_secs(10);
/// Longest wait for the head of an answer to a list or a watch: a connection that swallows requests (a load balancer that
/// forgot it) would otherwise keep a watch silent for ever, and with it the kill switch.
const HEAD: Duration = Duration::from_secs(30);
/// Longest time between two reads of a list or a watch. The watcher lets the server end each watch after 290 s.
const SILENCE: Duration = Duration::from_mins(5);

/// Where the API server is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// `--kubeconfig`.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
}

/// The three clients. Clones share their connections.
#[derive(Clone)]
pub struct Clients {
    /// Lists, watches, and reads.
    pub watch: Client,
    /// Writes: no retry of kube's own (it can send a write minutes late), every wait bounded.
    pub write: Client,
    /// The lease's own connection, to be opened where the elector runs.
    pub lease: Line,
    /// The context's namespace, or the pod's.
    pub namespace: String,
    /// Where this leads to, for logs and errors.
    pub address: String,
}

/// A connection that is opened by whoever will use it: a client is bound to the runtime that made it.
#[derive(Clone)]
pub struct Line(Kind);

#[derive(Clone)]
enum Kind {
    Real(Box<Config>),
    Given(Client),
}

impl Line {
    /// Opens it on the current tokio runtime.
    pub fn open(&self) -> Result<Client, ConnectError> {
        match &self.0 {
            Kind::Real(config) => client(config),
            Kind::Given(client) => Ok(client.clone()),
        }
    }

    /// Does it lead out of the process? A simulated one must stay on the simulation's runtime and clock.
    pub fn is_real(&self) -> bool {
        matches!(self.0, Kind::Real(_))
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A kubeconfig was asked for and is not there or not readable.
    #[error("kubeconfig {path}: {why}; give the right path with --kubeconfig or in $KUBECONFIG")]
    Unreadable {
        /// The path.
        path: String,
        /// The system's word.
        why: String,
    },
    /// It is no kubeconfig.
    #[error("kubeconfig {path} cannot be used: {why}; `kubectl config view` shows what kubectl makes of it")]
    Invalid {
        /// The path or `$KUBECONFIG`.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// The context does not exist.
    #[error("context `{context}` is not in kubeconfig {path}; it has: {known}{nearest}")]
    UnknownContext {
        /// The context asked for.
        context: String,
        /// The path or `$KUBECONFIG`.
        path: String,
        /// The contexts there are.
        known: String,
        /// `; did you mean …?`, or nothing.
        nearest: String,
    },
    /// Neither kubeconfig nor pod.
    #[error(
        "no cluster: $KUBECONFIG is not set, {path} does not exist, and this is no pod ({why}); give --kubeconfig PATH"
    )]
    Nowhere {
        /// The default path.
        path: String,
        /// What the in-cluster look found.
        why: String,
    },
    /// TLS or credentials cannot be set up.
    #[error(
        "the connection to {address} cannot be set up: {why}; check certificates and credentials of the kubeconfig"
    )]
    Setup {
        /// The API server.
        address: String,
        /// The cause.
        why: String,
    },
}

/// Connects as `source` says: `--kubeconfig`, else `$KUBECONFIG`, else the pod's service account, else `~/.kube/config`.
///
/// Sends nothing yet; the first request does. Must be called on the runtime that will use the clients.
pub async fn connect(source: &Source) -> Result<Clients, ConnectError> {
    install_tls();
    let mut config = locate(source).await?;
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(SILENCE);
    let watch = builder(&config)?.with_layer(&TimeoutLayer::new(HEAD)).build();
    config.read_timeout = Some(ANSWER);
    config.write_timeout = Some(ANSWER);
    config.reset_reader_on_write = true;
    Ok(Clients {
        watch,
        write: client(&config)?,
        namespace: config.default_namespace.clone(),
        address: config.cluster_url.to_string(),
        lease: Line(Kind::Real(Box::new(config))),
    })
}

impl Clients {
    /// All three over one service: the seam of the simulation and of tests.
    pub fn from_service<S, B>(service: &S, namespace: &str) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>> + Send + Clone + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let build = || Client::new(service.clone(), namespace);
        Self {
            watch: Client::new(Timeout::new(service.clone(), HEAD), namespace),
            write: build(),
            lease: Line(Kind::Given(build())),
            namespace: namespace.to_owned(),
            address: "simulation".to_owned(),
        }
    }
}

/// One TLS implementation for the whole process, installed once; a second call changes nothing.
pub fn install_tls() {
    // An error only says that one is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn client(config: &Config) -> Result<Client, ConnectError> {
    Ok(builder(config)?.build())
}

fn builder(config: &Config) -> Result<ClientBuilder<GenericService>, ConnectError> {
    ClientBuilder::try_from(config.clone())
        .map_err(|why| ConnectError::Setup { address: config.cluster_url.to_string(), why: why.to_string() })
}

async fn locate(source: &Source) -> Result<Config, ConnectError> {
    if let Some(path) = &source.kubeconfig {
        let shown = path.display().to_string();
        let file = Kubeconfig::read_from(path).map_err(|e| unreadable(&shown, &e))?;
        return from_file(file, &shown, source).await;
    }
    if std::env::var_os("KUBECONFIG").is_some_and(|v| !v.is_empty()) {
        let file = Kubeconfig::read().map_err(|e| unreadable("$KUBECONFIG", &e))?;
        return from_file(file, "$KUBECONFIG", source).await;
    }
    if source.context.is_none() && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
        return Config::incluster().map_err(|e| nowhere(&e));
    }
    let Some(path) = default_path().filter(|p| p.exists()) else {
        return Config::incluster().map_err(|e| nowhere(&e));
    };
    let shown = path.display().to_string();
    let file = Kubeconfig::read_from(&path).map_err(|e| unreadable(&shown, &e))?;
    from_file(file, &shown, source).await
}

async fn from_file(file: Kubeconfig, path: &str, source: &Source) -> Result<Config, ConnectError> {
    if let Some(context) = &source.context {
        known_context(&file, context, path)?;
    }
    let options = KubeConfigOptions { context: source.context.clone(), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(file, &options).await;
    config.map_err(|why| ConnectError::Invalid { path: path.to_owned(), why: why.to_string() })
}

fn known_context(file: &Kubeconfig, context: &str, path: &str) -> Result<(), ConnectError> {
    let names: Vec<&str> = file.contexts.iter().map(|c| c.name.as_str()).collect();
    if names.contains(&context) {
        return Ok(());
    }
    let nearest = names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, context), *name))
        .filter(|(distance, _)| *distance <= 3)
        .min();
    Err(ConnectError::UnknownContext {
        context: context.to_owned(),
        path: path.to_owned(),
        known: if names.is_empty() { "none".to_owned() } else { names.join(", ") },
        nearest: nearest.map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?")),
    })
}

fn unreadable(path: &str, error: &KubeconfigError) -> ConnectError {
    match error {
        KubeconfigError::ReadConfig(why, found) => {
            ConnectError::Unreadable { path: found.display().to_string(), why: why.to_string() }
        }
        other => ConnectError::Invalid { path: path.to_owned(), why: other.to_string() },
    }
}

fn nowhere(why: &kube::config::InClusterError) -> ConnectError {
    ConnectError::Nowhere {
        path: default_path().map_or_else(|| "~/.kube/config".to_owned(), |p| p.display().to_string()),
        why: why.to_string(),
    }
}

fn default_path() -> Option<PathBuf> {
    Some(std::env::home_dir()?.join(".kube").join("config"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const FILE: &str = "
apiVersion: v1
kind: Config
current-context: prod
clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: u, user: {token: abc}}]
contexts:
- {name: prod, context: {cluster: c, user: u, namespace: shop}}
- {name: staging, context: {cluster: c, user: u}}
";

    fn file(text: &str) -> (tempfile::TempDir, Source) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        std::fs::write(&path, text).unwrap();
        let source = Source { kubeconfig: Some(path), context: None };
        (dir, source)
    }

    async fn error(source: &Source) -> String {
        match connect(source).await {
            Ok(_) => panic!("connected"),
            Err(why) => why.to_string(),
        }
    }

    #[tokio::test]
    async fn a_good_file_gives_clients_without_kubes_own_retry() {
        let (_dir, source) = file(FILE);
        let clients = connect(&source).await.unwrap();
        assert_eq!(clients.namespace, "shop");
        assert!(clients.lease.is_real());
        let Kind::Real(config) = &clients.lease.0 else { panic!() };
        assert!(!config.default_retry);
        assert_eq!(config.read_timeout, Some(ANSWER));
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_is_never_answered_ends() {
        let silent = tower::service_fn(|_: Request<Body>| async {
            std::future::pending::<()>().await;
            Ok::<_, BoxError>(Response::new(Body::empty()))
        });
        let clients = Clients::from_service(&silent, "default");
        let pods: kube::Api<k8s_openapi::api::core::v1::Pod> = kube::Api::all(clients.watch);
        let begun = tokio::time::Instant::now();
        let error = pods.list(&kube::api::ListParams::default()).await.unwrap_err();
        assert!(super::super::chain(&error).contains("timed out"), "{error}");
        assert_eq!(begun.elapsed(), HEAD);
    }

    #[tokio::test]
    async fn a_missing_file_is_named_with_the_remedy() {
        let source = Source { kubeconfig: Some("/nonexistent/kube".into()), context: None };
        let text = error(&source).await;
        assert!(text.contains("/nonexistent/kube") && text.contains("--kubeconfig"), "{text}");
    }

    #[tokio::test]
    async fn an_unknown_context_lists_the_known_ones_and_the_nearest() {
        let (_dir, mut source) = file(FILE);
        source.context = Some("stagign".to_owned());
        let text = error(&source).await;
        assert!(text.contains("prod, staging") && text.contains("did you mean `staging`?"), "{text}");
    }

    #[tokio::test]
    async fn a_file_that_is_no_kubeconfig_is_refused() {
        let (_dir, source) = file("hello: [");
        let text = error(&source).await;
        assert!(text.contains("cannot be used"), "{text}");
    }
}
