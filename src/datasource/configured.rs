//! From the configuration's datasource to ours, and from our observations to the metrics.

use super::exchange::Observer;
use super::promql::Matcher;
use super::secret::Secret;
use super::settings::{Auth, DatasourceSettings, Kind, Limits, SecretSource, TlsSettings};
use crate::config;
use crate::metrics::Metrics;
use std::time::Duration;

impl From<&config::Datasource> for DatasourceSettings {
    fn from(from: &config::Datasource) -> Self {
        let mut headers: std::collections::BTreeMap<_, _> =
            from.headers.iter().map(|(name, value)| (name.clone(), Secret::new(value))).collect();
        if let Some(tenant) = &from.tenant {
            headers.insert("X-Scope-OrgID".to_owned(), Secret::new(tenant));
        }
        Self {
            name: from.name.clone(),
            url: from.url.clone(),
            kind: kind(from.kind),
            auth: auth(&from.auth),
            headers,
            tls: TlsSettings {
                ca_file: from.ca_file.clone(),
                client_certificate: from
                    .auth
                    .client_certificate
                    .as_ref()
                    .map(|c| (c.cert_file.clone(), c.key_file.clone())),
                skip_verification: from.insecure_skip_verify,
            },
            required_matchers: from.matchers.iter().map(|(label, value)| Matcher::equal(label, value)).collect(),
            limits: Limits::default(),
        }
    }
}

fn kind(from: config::Kind) -> Kind {
    match from {
        config::Kind::Prometheus => Kind::Prometheus,
        config::Kind::Thanos => Kind::Thanos,
        config::Kind::Mimir => Kind::Mimir,
        config::Kind::VictoriaMetrics => Kind::VictoriaMetrics,
    }
}

fn auth(from: &config::Auth) -> Auth {
    match (&from.basic, &from.bearer_token_file) {
        (Some(basic), _) => {
            Auth::Basic { username: basic.username.clone(), password: SecretSource::File(basic.password_file.clone()) }
        }
        (None, Some(path)) => Auth::Bearer(SecretSource::File(path.clone())),
        (None, None) => Auth::None,
    }
}

impl Observer for Metrics {
    fn request(&self, datasource: &str, code: &str, took: Duration) {
        self.datasource_request(datasource, code, took);
    }

    fn dropped(&self, _datasource: &str, reason: &'static str, count: u64) {
        self.samples_dropped(reason, count);
    }

    fn up(&self, datasource: &str, up: bool) {
        self.datasource_up(datasource, up);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_field_of_the_configuration_arrives() {
        let mut from = config::Datasource::at("main", "https://mimir.example/prometheus");
        from.kind = config::Kind::Mimir;
        from.auth.basic = Some(config::Basic { username: "me".into(), password_file: "/p".into() });
        from.auth.client_certificate =
            Some(config::ClientCertificate { cert_file: "/c".into(), key_file: "/k".into() });
        from.ca_file = Some("/ca".into());
        from.insecure_skip_verify = true;
        from.tenant = Some("team".into());
        from.headers.insert("X-Request-Source".into(), "floorcast".into());
        from.matchers.insert("cluster".into(), "prod".into());
        let to = DatasourceSettings::from(&from);
        assert_eq!(
            (to.name.as_str(), to.url.as_str(), to.kind),
            ("main", "https://mimir.example/prometheus", Kind::Mimir)
        );
        assert_eq!(to.auth, Auth::Basic { username: "me".into(), password: SecretSource::File("/p".into()) });
        assert_eq!(to.tls.ca_file, Some("/ca".into()));
        assert_eq!(to.tls.client_certificate, Some(("/c".into(), "/k".into())));
        assert!(to.tls.skip_verification);
        assert_eq!(to.headers["X-Scope-OrgID"].expose(), "team");
        assert_eq!(to.headers.len(), 2);
        assert_eq!(to.required_matchers, [Matcher::equal("cluster", "prod")]);
        assert_eq!(to.faults(), []);
        from.auth.basic = None;
        from.auth.bearer_token_file = Some("/t".into());
        assert_eq!(DatasourceSettings::from(&from).auth, Auth::Bearer(SecretSource::File("/t".into())));
    }
}
