//! The server: TLS on loopback, one thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{Path as UrlPath, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::Utc;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{OnceCell, oneshot};
use tokio_rustls::TlsAcceptor;

use super::{Question, Source, Sources, answer};
use crate::Error;
use crate::certs::Pair;

#[derive(Clone)]
struct Desk {
    sources: Sources,
    kubeconfig: Arc<PathBuf>,
    client: Arc<OnceCell<Client>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Selection {
    #[serde(default)]
    label_selector: String,
}

/// Serves on an own thread until the returned sender is dropped.
pub(super) fn start(
    pair: &Pair,
    kubeconfig: &Path,
    listener: std::net::TcpListener,
    sources: Sources,
) -> Result<oneshot::Sender<()>, Error> {
    let acceptor = TlsAcceptor::from(Arc::new(tls(pair)?));
    let api = Desk { sources, kubeconfig: Arc::new(kubeconfig.to_owned()), client: Arc::default() };
    let spawn = |source| Error::Spawn { name: "the fake metrics API".into(), source };
    listener.set_nonblocking(true).map_err(spawn)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(spawn)?;
    let (stop, stopped) = oneshot::channel();
    std::thread::Builder::new()
        .name("fake-metrics".into())
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, acceptor, router(api)) => {}
                    _ = stopped => {}
                }
            });
        })
        .map_err(spawn)?;
    Ok(stop)
}

fn tls(pair: &Pair) -> Result<ServerConfig, Error> {
    let bad = |e: rustls::pki_types::pem::Error| Error::Unexpected(format!("server certificate: {e}"));
    let chain = vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).map_err(bad)?];
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).map_err(bad)?;
    Ok(ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?)
}

async fn accept(listener: std::net::TcpListener, acceptor: TlsAcceptor, router: Router) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (acceptor, router) = (acceptor.clone(), router.clone());
        tokio::spawn(async move {
            // A connection that fails is the client's to try again.
            if let Ok(stream) = acceptor.accept(stream).await {
                let service = TowerToHyperService::new(router);
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            }
        });
    }
}

fn router(api: Desk) -> Router {
    Router::new()
        .route("/apis", get(|| async { Json(answer::groups()) }))
        .route("/apis/{group}/{version}", get(resources))
        .route("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods", get(cpu))
        .route("/apis/custom.metrics.k8s.io/v1beta2/namespaces/{namespace}/{resource}/{name}/{metric}", get(custom))
        .route("/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}", get(external))
        // An admission webhook that never answers: it keeps a request of the API server busy until its timeout.
        .route("/hang", post(std::future::pending::<StatusCode>))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .with_state(api)
}

async fn resources(UrlPath((group, version)): UrlPath<(String, String)>) -> Json<Value> {
    Json(answer::resources(&group, &version))
}

async fn cpu(
    State(api): State<Desk>,
    UrlPath(namespace): UrlPath<String>,
    Query(selection): Query<Selection>,
) -> Response {
    let question = Question::Cpu { workload: workload(&selection.label_selector) };
    if let Some(scripted) = api.scripted(&namespace, &question, "metrics.k8s.io", "v1beta1") {
        return scripted;
    }
    match api.source(&namespace, question) {
        Err(status) => refuse(status, "told to fail by the test"),
        Ok(None) => Json(answer::nothing("metrics.k8s.io", "v1beta1")).into_response(),
        Ok(Some(source)) => match api.pods(&namespace, &selection.label_selector).await {
            Ok(pods) => Json(answer::pod_metrics(&source, &pods, Utc::now())).into_response(),
            Err(error) => refuse(500, &error.to_string()),
        },
    }
}

async fn custom(
    State(api): State<Desk>,
    UrlPath((namespace, resource, name, metric)): UrlPath<(String, String, String, String)>,
    Query(selection): Query<Selection>,
) -> Response {
    let of_pods = resource == "pods" && name == "*";
    let question = if of_pods {
        Question::Pods { workload: workload(&selection.label_selector), metric: metric.clone() }
    } else {
        Question::Object { resource, name: name.clone(), metric: metric.clone() }
    };
    if let Some(scripted) = api.scripted(&namespace, &question, "custom.metrics.k8s.io", "v1beta2") {
        return scripted;
    }
    match api.source(&namespace, question) {
        Err(status) => refuse(status, "told to fail by the test"),
        Ok(None) => Json(answer::nothing("custom.metrics.k8s.io", "v1beta2")).into_response(),
        Ok(Some(source)) if !of_pods => {
            Json(answer::object_value(&source, &namespace, &name, &metric, Utc::now())).into_response()
        }
        Ok(Some(source)) => match api.pods(&namespace, &selection.label_selector).await {
            Ok(pods) => Json(answer::pods_values(&source, &metric, &pods, Utc::now())).into_response(),
            Err(error) => refuse(500, &error.to_string()),
        },
    }
}

async fn external(State(api): State<Desk>, UrlPath((namespace, metric)): UrlPath<(String, String)>) -> Response {
    let question = Question::External { metric: metric.clone() };
    if let Some(scripted) = api.scripted(&namespace, &question, "external.metrics.k8s.io", "v1beta1") {
        return scripted;
    }
    match api.source(&namespace, question) {
        Err(status) => refuse(status, "told to fail by the test"),
        Ok(None) => Json(answer::nothing("external.metrics.k8s.io", "v1beta1")).into_response(),
        Ok(Some(source)) => Json(answer::external_value(&source, &metric, Utc::now())).into_response(),
    }
}

impl Desk {
    /// The answer that was given word by word, if one was.
    fn scripted(&self, namespace: &str, question: &Question, group: &str, version: &str) -> Option<Response> {
        let answer = self.sources.script.answer(namespace, question)?;
        Some(match answer.status {
            200 => Json(answer::list(group, version, &answer.items)).into_response(),
            status => refuse(status, "told to fail by the test"),
        })
    }

    /// The source of the answer; the HTTP status if it is told to fail; nothing if nothing is set.
    fn source(&self, namespace: &str, question: Question) -> Result<Option<Source>, u16> {
        match self.sources.get(namespace, question) {
            Some(Source { error: Some(status), .. }) => Err(status),
            found => Ok(found),
        }
    }

    async fn pods(&self, namespace: &str, selector: &str) -> Result<Vec<Pod>, Error> {
        let client = self.client.get_or_try_init(|| crate::cluster::client_of(&self.kubeconfig)).await?;
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        Ok(pods.list(&ListParams::default().labels(selector)).await?.items)
    }
}

/// The value of the label `app` in a selector such as `app=web`.
fn workload(selector: &str) -> String {
    selector.split(',').find_map(|part| part.trim().strip_prefix("app=")).unwrap_or(selector).to_owned()
}

fn refuse(status: u16, message: &str) -> Response {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "message": message});
    (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Json(body)).into_response()
}
