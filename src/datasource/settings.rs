//! What an administrator says about one Prometheus-like server. Annotations never reach this type: no tenant names a URL.

use super::promql::Matcher;
use super::secret::Secret;
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Headers that may be added to every request: tenancy of the known servers. Anything else (`Host`,
/// `Authorization`, `Cookie`) would change who we are or whom we speak to behind the typed settings.
pub const ALLOWED_HEADERS: [&str; 8] = [
    "x-scope-orgid",
    "thanos-tenant",
    "x-tenant-id",
    "x-grafana-org-id",
    "x-forwarded-user",
    "x-request-source",
    "accountid",
    "projectid",
];

/// One named datasource.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasourceSettings {
    /// Name in the configuration, in metrics and in errors.
    pub name: String,
    /// Base address, `http` or `https`, with an optional path prefix; no credentials, query or fragment in it.
    pub url: String,
    /// What stands behind the address.
    pub kind: Kind,
    /// Who we are there.
    pub auth: Auth,
    /// Extra headers; names from [`ALLOWED_HEADERS`].
    pub headers: BTreeMap<String, Secret>,
    /// Certificates.
    pub tls: TlsSettings,
    /// Matchers that every derived selector carries (`cluster="prod"` on a global Thanos or Mimir).
    pub required_matchers: Vec<Matcher>,
    /// Bounds on what we ask and on what we accept.
    pub limits: Limits,
}

impl DatasourceSettings {
    /// A plain Prometheus with default limits.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            kind: Kind::Prometheus,
            auth: Auth::None,
            headers: BTreeMap::new(),
            tls: TlsSettings::default(),
            required_matchers: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// Every fault of these settings that can be seen without a network or a file.
    pub fn faults(&self) -> Vec<SettingsError> {
        let at = |field: String, why: String| SettingsError { datasource: self.name.clone(), field, why };
        let mut found = Vec::new();
        if let Err(why) = self.address() {
            found.push(at("url".to_owned(), why));
        }
        for (name, value) in &self.headers {
            if let Err(why) = header(name, value) {
                found.push(at(format!("headers.{name}"), why));
            }
        }
        for matcher in &self.required_matchers {
            if let Err(why) = matcher.check() {
                found.push(at("required-matchers".to_owned(), why));
            }
        }
        for (field, why) in self.limits.faults() {
            found.push(at(format!("limits.{field}"), why));
        }
        found
    }

    /// What works but should not stay so.
    pub fn warnings(&self) -> Vec<String> {
        let plain = self.address().is_ok_and(|u| u.scheme() == "http" && !is_loopback(&u));
        let carries = self.auth != Auth::None || !self.headers.is_empty();
        let mut found = Vec::new();
        if plain && carries {
            found.push(format!(
                "datasource {}: credentials or tenant headers travel unencrypted; use an https address",
                self.name
            ));
        }
        if self.tls.skip_verification {
            found.push(format!(
                "datasource {}: its certificate is not verified; give its CA by `caFile` instead",
                self.name
            ));
        }
        found
    }

    /// The base address, checked.
    pub(crate) fn address(&self) -> Result<Url, String> {
        let url = Url::parse(&self.url)
            .map_err(|e| format!("{e}; expected something like http://prometheus.monitoring:9090"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("scheme {:?} is not http or https", url.scheme()));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err("no host in it; expected something like http://prometheus.monitoring:9090".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("credentials do not belong in the address, where logs show them; use `basic-auth`".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("a base address has neither query nor fragment".to_owned());
        }
        if url.path().contains("/api/v1") {
            return Err("leave `/api/v1…` away: it is added to the base address".to_owned());
        }
        Ok(url)
    }
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// A header pair, checked against the allow-list and against smuggled line ends.
pub(crate) fn header(name: &str, value: &Secret) -> Result<(HeaderName, HeaderValue), String> {
    let lower = name.to_ascii_lowercase();
    if !ALLOWED_HEADERS.contains(&lower.as_str()) {
        return Err(format!("this header is not allowed; allowed are {}", ALLOWED_HEADERS.join(", ")));
    }
    let parsed = HeaderName::from_bytes(lower.as_bytes()).map_err(|_| "not a header name".to_owned())?;
    let mut value = HeaderValue::from_str(value.expose())
        .map_err(|_| "its value has line ends or other characters that a header cannot carry".to_owned())?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

/// A fault of the settings: where and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("datasource {datasource}: {field}: {why}")]
pub struct SettingsError {
    /// The datasource.
    pub datasource: String,
    /// Field, as a path.
    pub field: String,
    /// Why, and what would be right.
    pub why: String,
}

/// What answers at the address: they share Prometheus' API and differ at its edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Prometheus.
    #[default]
    Prometheus,
    /// Thanos Query: asked with `partial_response=false`, as half a sum looks like a quiet night.
    Thanos,
    /// Cortex or Mimir.
    Mimir,
    /// `VictoriaMetrics`.
    VictoriaMetrics,
}

impl Kind {
    /// As written in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Thanos => "thanos",
            Self::Mimir => "mimir",
            Self::VictoriaMetrics => "victoria-metrics",
        }
    }

    /// Whether it merges several stores and knows `partial_response`. `VictoriaMetrics`' cluster calls it `deny_partial_response`.
    pub(crate) const fn partial_parameter(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Thanos => Some(("partial_response", "false")),
            Self::VictoriaMetrics => Some(("deny_partial_response", "1")),
            Self::Prometheus | Self::Mimir => None,
        }
    }
}

/// Who we are at the datasource.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Auth {
    /// Nobody in particular, or known by client certificate.
    #[default]
    None,
    /// HTTP basic.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: SecretSource,
    },
    /// Bearer token.
    Bearer(SecretSource),
}

/// Where a secret stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In the configuration itself.
    Inline(Secret),
    /// In a file, read again when it changes.
    File(PathBuf),
}

/// Certificates. TLS is 1.2 or newer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// PEM file of the only CAs to be trusted; the system's where absent.
    pub ca_file: Option<PathBuf>,
    /// PEM files of our certificate chain and its key, both read again when they change.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// Believe any certificate. Warned of at every start: anybody on the way can then invent the load.
    pub skip_verification: bool,
}

/// Bounds towards one datasource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Points per request; Prometheus refuses more than 11,000.
    pub points_per_query: u32,
    /// Longest range of one request; "too many samples" halves it down to a day by itself.
    pub longest_range: Duration,
    /// Requests in flight.
    pub concurrency: u32,
    /// Callers that may wait for their turn.
    pub queue: usize,
    /// Requests per tick, whatever is asked.
    pub queries_per_tick: u32,
    /// Largest accepted answer, bytes.
    pub body_bytes: usize,
    /// Time to connect.
    pub connect: Duration,
    /// Time from sending to the last byte.
    pub total: Duration,
    /// Series accepted in one answer where several are expected.
    pub series: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            points_per_query: 10_000,
            longest_range: Duration::from_hours(28 * 24),
            concurrency: 4,
            queue: 64,
            queries_per_tick: 400,
            body_bytes: 16 << 20,
            connect: Duration::from_secs(5),
            total: Duration::from_secs(30),
            series: 10_000,
        }
    }
}

impl Limits {
    fn faults(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if !(2..=11_000).contains(&self.points_per_query) {
            found.push(("points-per-query", format!("{} is outside 2 to 11000", self.points_per_query)));
        }
        if !(1..=4).contains(&self.concurrency) {
            found.push(("concurrency", format!("{} is outside 1 to 4", self.concurrency)));
        }
        if self.queries_per_tick == 0 || self.queue == 0 || self.series == 0 {
            found.push(("queries-per-tick", "queries-per-tick, queue and series must be at least 1".to_owned()));
        }
        if !(1024..=256 << 20).contains(&self.body_bytes) {
            found.push(("body-bytes", format!("{} is outside 1 KiB to 256 MiB", self.body_bytes)));
        }
        let (low, high) = (Duration::from_millis(10), Duration::from_mins(5));
        if !(low..=high).contains(&self.connect) || !(low..=high).contains(&self.total) {
            found.push(("total", "connect and total must be 10 ms to 5 min".to_owned()));
        }
        if self.longest_range < Duration::from_hours(1) {
            found.push(("longest-range", "must be at least 1 h".to_owned()));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn good_addresses() {
        for url in ["http://prometheus:9090", "https://thanos.example/prefix/", "http://[::1]:9090", "http://10.0.0.1"]
        {
            assert_eq!(DatasourceSettings::new("main", url).faults(), [], "{url}");
        }
    }

    #[test]
    fn bad_addresses_are_refused_without_echoing_a_password() {
        let cases = [
            ("prometheus:9090", "scheme"),
            ("", "relative URL"),
            ("ftp://x", "scheme"),
            ("file:///etc/passwd", "scheme"),
            ("http://u:hunter2@x", "basic-auth"),
            ("http://x/?a=b", "query"),
            ("http://x/#f", "fragment"),
            ("http://x/api/v1/query", "leave"),
        ];
        for (url, wanted) in cases {
            let faults = DatasourceSettings::new("main", url).faults();
            let text = faults.first().map(ToString::to_string).unwrap_or_default();
            assert!(text.contains(wanted), "{url}: {text}");
            assert!(!text.contains("hunter2"));
        }
    }

    #[test]
    fn headers_come_from_the_allow_list_and_carry_no_line_ends() {
        assert!(header("X-Scope-OrgID", &Secret::new("team-a|team-b")).is_ok());
        for (name, value) in [
            ("Authorization", "x"),
            ("Host", "x"),
            ("Cookie", "x"),
            ("X-Scope-OrgID", "a\r\nHost: evil"),
            ("X-Scope-OrgID", "a\nb"),
            ("X-Scope-OrgID", "a\0b"),
            ("X-Scope-OrgID\r\nX", "a"),
            ("", "a"),
        ] {
            assert!(header(name, &Secret::new(value)).is_err(), "{name:?}: {value:?}");
        }
    }

    #[test]
    fn limits_outside_their_range_are_told_with_the_range() {
        let mut settings = DatasourceSettings::new("main", "http://x");
        settings.limits = Limits {
            points_per_query: 20_000,
            concurrency: 9,
            body_bytes: 1,
            longest_range: Duration::ZERO,
            ..Limits::default()
        };
        let text: Vec<_> = settings.faults().iter().map(ToString::to_string).collect();
        assert_eq!(text.len(), 4);
        assert!(text[0].contains("2 to 11000"), "{text:?}");
    }

    #[test]
    fn credentials_over_plain_http_are_warned_of() {
        let mut settings = DatasourceSettings::new("main", "http://prometheus:9090");
        assert!(settings.warnings().is_empty());
        settings.auth = Auth::Bearer(SecretSource::Inline(Secret::new("t")));
        assert_eq!(settings.warnings().len(), 1);
        settings.url = "https://prometheus:9090".to_owned();
        assert!(settings.warnings().is_empty());
    }

    #[test]
    fn debug_of_settings_shows_no_secret() {
        let mut settings = DatasourceSettings::new("main", "http://x");
        settings.auth = Auth::Basic { username: "me".into(), password: SecretSource::Inline(Secret::new("hunter2")) };
        settings.headers.insert("X-Tenant-ID".into(), Secret::new("hunter3"));
        let text = format!("{settings:?}");
        assert!(!text.contains("hunter"), "{text}");
    }
}
