//! Certificates: trusted, unknown, expired, of another name, and ours.

use crate::server::{Server, constant};
use crate::{ask, reader, ten_minutes};
use floorcast::datasource::{Fault, TlsSettings};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// PEM of a certificate for `name` and of its key.
fn signed(by: &Authority, name: &str, expired: bool) -> (String, String) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    if expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, by).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn acceptor(pair: &(String, String), clients: Option<&Authority>) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain = vec![CertificateDer::from_pem_slice(pair.0.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pair.1.as_bytes()).unwrap();
    TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()))
}

fn file(dir: &Path, name: &str, content: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

async fn fault(server: &Server, tls: TlsSettings) -> Option<Fault> {
    ask(&reader(&server.url, |s| s.tls = tls), ten_minutes("up")).await.err()
}

#[tokio::test]
async fn only_a_valid_certificate_of_a_trusted_authority_is_believed() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let trusting = |pem: &str| TlsSettings { ca_file: Some(file(dir.path(), "ca.crt", pem)), ..TlsSettings::default() };
    let cases = [
        ("trusted", signed(&ours, "localhost", false), trusting(&ours.pem()), None),
        ("another name", signed(&ours, "prometheus.example", false), trusting(&ours.pem()), Some("not valid for name")),
        ("expired", signed(&ours, "localhost", true), trusting(&ours.pem()), Some("expired")),
    ];
    for (what, pair, tls, wanted) in cases {
        let server = Server::with(Some(acceptor(&pair, None)), |asked| constant(asked, "1")).await;
        let fault = fault(&server, tls).await;
        let text = fault.as_ref().map(ToString::to_string).unwrap_or_default();
        assert_eq!(fault.as_ref().map(Fault::as_str), wanted.map(|_| "tls"), "{what}: {text}");
        assert!(text.contains(wanted.unwrap_or_default()), "{what}: {text}");
        assert_eq!(server.asked().len(), usize::from(wanted.is_none()), "{what}: nothing is sent before the handshake");
    }
    let server =
        Server::with(Some(acceptor(&signed(&ours, "localhost", false), None)), |asked| constant(asked, "1")).await;
    for tls in [trusting(&theirs.pem()), TlsSettings::default()] {
        let fault = fault(&server, tls).await.unwrap();
        assert!(fault.as_str() == "tls" && fault.to_string().to_lowercase().contains("issuer"), "{fault}");
    }
    let credulous = TlsSettings { skip_verification: true, ..TlsSettings::default() };
    assert_eq!(fault(&server, credulous).await, None);
}

#[tokio::test]
async fn our_own_certificate_is_shown_and_read_again_when_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (servers, clients, strangers) = (authority("servers"), authority("clients"), authority("strangers"));
    let acceptor = acceptor(&signed(&servers, "localhost", false), Some(&clients));
    let server = Server::with(Some(acceptor), |asked| constant(asked, "1")).await;
    let ca_file = Some(file(dir.path(), "ca.crt", &servers.pem()));
    assert!(fault(&server, TlsSettings { ca_file: ca_file.clone(), ..TlsSettings::default() }).await.is_some());
    let write = |pair: (String, String)| (file(dir.path(), "tls.crt", &pair.0), file(dir.path(), "tls.key", &pair.1));
    let client_certificate = Some(write(signed(&strangers, "floorcast", false)));
    let with = TlsSettings { ca_file, client_certificate, ..TlsSettings::default() };
    assert!(fault(&server, with.clone()).await.is_some());
    write(signed(&clients, "floorcast", false));
    let reader = reader(&server.url, |s| s.tls = with.clone());
    ask(&reader, ten_minutes("up")).await.unwrap();
    write((signed(&clients, "floorcast", false).0, "no key".to_owned()));
    let fault = ask(&reader, ten_minutes("up")).await.unwrap_err();
    assert!(fault.as_str() == "credentials" && fault.to_string().contains("tls.key"), "{fault}");
}
