//! TLS towards a datasource: 1.2 or newer by rustls and ring, the system's CAs or the given ones, a client certificate
//! where the server wants one.

use super::credentials::Watched;
use super::settings::TlsSettings;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// Certificate files, read again when they change.
pub(crate) struct Certificates {
    ca: Option<Watched>,
    own: Option<(Watched, Watched)>,
    skip_verification: bool,
}

/// Contents that a client was built from; two are the same if no file has changed in between.
#[derive(Clone)]
pub(crate) struct Contents(Vec<Arc<[u8]>>);

impl PartialEq for Contents {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}

impl Certificates {
    pub(crate) fn new(settings: &TlsSettings) -> Self {
        Self {
            ca: settings.ca_file.as_ref().map(Watched::new),
            own: settings.client_certificate.as_ref().map(|(chain, key)| (Watched::new(chain), Watched::new(key))),
            skip_verification: settings.skip_verification,
        }
    }

    fn files(&self) -> impl Iterator<Item = &Watched> {
        self.ca.iter().chain(self.own.iter().flat_map(|(chain, key)| [chain, key]))
    }

    /// What the files hold now.
    pub(crate) fn contents(&self) -> Result<Contents, String> {
        self.files().map(Watched::content).collect::<Result<_, _>>().map(Contents)
    }

    /// Files are read again at the next request.
    pub(crate) fn forget(&self) {
        self.files().for_each(Watched::forget);
    }

    /// rustls' configuration of these contents.
    pub(crate) fn config(&self) -> Result<ClientConfig, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?;
        let builder = if self.skip_verification {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Credulous(provider)))
        } else {
            builder.with_root_certificates(self.roots()?)
        };
        let Some((chain, key)) = &self.own else { return Ok(builder.with_no_client_auth()) };
        let certificates = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(&key.content()?)
            .map_err(|_| format!("{}: holds no private key in PEM", key.path().display()))?;
        builder.with_client_auth_cert(certificates, key).map_err(|e| format!("{}: {e}", chain.path().display()))
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        if let Some(file) = &self.ca {
            for certificate in certificates(file)? {
                roots.add(certificate).map_err(|e| format!("{}: {e}", file.path().display()))?;
            }
        } else {
            // Certificates of the system that rustls cannot read are left out, as every other client does.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Ok(roots)
    }
}

fn certificates(file: &Watched) -> Result<Vec<CertificateDer<'static>>, String> {
    let content = file.content()?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(format!("{}: holds no certificate in PEM", file.path().display())),
    }
}

/// Believes any certificate, as the administrator asked; the handshake itself is still verified.
#[derive(Debug)]
struct Credulous(Arc<CryptoProvider>);

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
