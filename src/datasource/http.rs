//! The real transport: prometheus-http-query over reqwest. No redirects, no proxy from the environment, no decompression.

use super::credentials::Credentials;
use super::settings::{DatasourceSettings, SettingsError, header};
use super::tls::{Certificates, Contents};
use super::transport::{Ask, Reply, Request, Transport, TransportError};
use ::http::HeaderMap;
use ::http::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderValue};
use futures::future::BoxFuture;
use futures::{FutureExt, TryStreamExt};
use prometheus_http_query::Client;
use reqwest::{Url, redirect};
use std::error::Error as StdError;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// HTTP towards one datasource.
pub struct Http {
    address: Url,
    headers: HeaderMap,
    connect: Duration,
    total: Duration,
    credentials: Credentials,
    certificates: Certificates,
    client: Mutex<Option<(Contents, Client)>>,
}

impl Http {
    /// Checks the settings; files are read at the first request and whenever they change.
    pub fn new(settings: &DatasourceSettings) -> Result<Self, SettingsError> {
        if let Some(fault) = settings.faults().into_iter().next() {
            return Err(fault);
        }
        let fault =
            |field: &str, why| SettingsError { datasource: settings.name.clone(), field: field.to_owned(), why };
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        for (name, value) in &settings.headers {
            let (name, value) = header(name, value).map_err(|why| fault("headers", why))?;
            headers.insert(name, value);
        }
        Ok(Self {
            address: settings.address().map_err(|why| fault("url", why))?,
            headers,
            connect: settings.limits.connect,
            total: settings.limits.total,
            credentials: Credentials::new(&settings.auth),
            certificates: Certificates::new(&settings.tls),
            client: Mutex::new(None),
        })
    }

    /// The client of the certificates as they are now; connections are kept until one of the files changes.
    fn client(&self) -> Result<Client, TransportError> {
        let contents = self.certificates.contents().map_err(TransportError::Credentials)?;
        let mut kept = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = kept.as_ref().filter(|(of, _)| *of == contents) {
            return Ok(client.clone());
        }
        let client = self.build()?;
        *kept = Some((contents, client.clone()));
        Ok(client)
    }

    fn build(&self) -> Result<Client, TransportError> {
        let tls = self.certificates.config().map_err(TransportError::Credentials)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .default_headers(self.headers.clone())
            .user_agent(concat!("floorcast/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(self.connect)
            .timeout(self.total)
            .pool_max_idle_per_host(4)
            .build()
            .map_err(|e| TransportError::Tls(chain(&e)))?;
        Client::from(http, self.address.as_str()).map_err(|e| TransportError::Unreachable(chain(&e)))
    }

    async fn exchange(&self, request: Request) -> Result<Reply, TransportError> {
        let client = self.client()?;
        let who = self.credentials.header().map_err(TransportError::Credentials)?;
        let response = match request.ask.clone() {
            Ask::Range { query, start, end, step } => {
                let mut ask = client
                    .query_range(query, start.timestamp(), end.timestamp(), step.num_seconds() as f64)
                    .timeout(millis(request.timeout));
                for (name, value) in parameters(&request) {
                    ask = ask.query(name, value);
                }
                if let Some(who) = who {
                    ask = ask.header(AUTHORIZATION, who);
                }
                ask.post_raw().await
            }
            Ask::Instant { query, at } => {
                let mut ask = client.query(query).at(at.timestamp()).timeout(millis(request.timeout));
                for (name, value) in parameters(&request) {
                    ask = ask.query(name, value);
                }
                if let Some(who) = who {
                    ask = ask.header(AUTHORIZATION, who);
                }
                ask.post_raw().await
            }
            Ask::LabelValues { label, matching, start, end } => {
                let mut url = self.path(&["label", &label, "values"]);
                url.query_pairs_mut().extend_pairs(matching.iter().map(|m| ("match[]", m)));
                url.query_pairs_mut()
                    .append_pair("start", &start.timestamp().to_string())
                    .append_pair("end", &end.timestamp().to_string());
                return get(&client, url, who).await;
            }
            Ask::Status(page) => return get(&client, self.path(&["status", page.as_str()]), who).await,
        };
        response.map(reply).map_err(|e| failure(&e))
    }

    /// `<address>/api/v1/<parts>`, the parts escaped.
    fn path(&self, parts: &[&str]) -> Url {
        let mut url = self.address.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "v1"]).extend(parts);
        }
        url
    }
}

impl Transport for Http {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Reply, TransportError>> {
        self.exchange(request).boxed()
    }

    fn refresh_credentials(&self) {
        self.credentials.forget();
        self.certificates.forget();
    }
}

fn parameters(request: &Request) -> impl Iterator<Item = (&'static str, String)> {
    let limit = request.limit.map(|l| ("limit", l.to_string()));
    let partial = request.no_partial.map(|(name, value)| (name, value.to_owned()));
    limit.into_iter().chain(partial)
}

async fn get(client: &Client, url: Url, who: Option<HeaderValue>) -> Result<Reply, TransportError> {
    let mut ask = client.inner().get(url);
    if let Some(who) = who {
        ask = ask.header(AUTHORIZATION, who);
    }
    ask.send().await.map(reply).map_err(|e| failure(&e))
}

fn reply(response: reqwest::Response) -> Reply {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Reply { status, headers, body: Box::pin(response.bytes_stream().map_err(|e| failure(&e))) }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Causes from the outermost to the innermost, each once; addresses carry no credentials (they are refused in settings).
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for error in causes(error) {
        let text = error.to_string();
        if !parts.iter().any(|p| p.contains(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ")
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut found = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        found.push(error);
        // An io::Error made from another error hides it from `source`, which skips to that one's own cause.
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    found
}

fn failure(error: &(dyn StdError + 'static)) -> TransportError {
    let timed_out =
        causes(error).into_iter().filter_map(|e| e.downcast_ref::<reqwest::Error>()).any(reqwest::Error::is_timeout);
    if timed_out {
        return TransportError::TimedOut;
    }
    match causes(error).into_iter().find_map(|e| e.downcast_ref::<rustls::Error>()) {
        Some(tls) => TransportError::Tls(tls.to_string()),
        None => TransportError::Unreachable(chain(error)),
    }
}
