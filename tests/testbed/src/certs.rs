//! A throw-away certificate authority for one cluster.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

use crate::{Error, process::Folder};

/// The authority and the keys of one cluster, also as files in its folder.
pub struct Certificates {
    authority: CertifiedIssuer<'static, KeyPair>,
    /// The authority's certificate, PEM (`ca.crt`).
    pub ca: String,
    /// For servers on `localhost` and `127.0.0.1` (`server.crt`, `server.key`).
    pub server: Pair,
    /// `O=system:masters, CN=admin` (`admin.crt`, `admin.key`).
    pub admin: Pair,
}

/// A certificate and its key, PEM.
#[derive(Clone)]
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The private key, PKCS 8.
    pub key: String,
}

impl Certificates {
    /// Makes everything and writes it into the folder, the service-account key pair (`sa.key`, `sa.pub`) too.
    pub fn create(folder: &Folder) -> Result<Self, Error> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params.distinguished_name.push(DnType::CommonName, "floorcast testbed");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let server = sign(&authority, "localhost", None, ExtendedKeyUsagePurpose::ServerAuth)?;
        let admin = sign(&authority, "admin", Some("system:masters"), ExtendedKeyUsagePurpose::ClientAuth)?;
        // The API server signs tokens with ECDSA (ES256) as well as with RSA; ring makes no RSA keys.
        let accounts = KeyPair::generate()?;
        let ca = authority.pem();
        folder.write("ca.crt", &ca)?;
        server.write(folder, "server")?;
        admin.write(folder, "admin")?;
        folder.write("sa.key", accounts.serialize_pem())?;
        folder.write("sa.pub", accounts.public_key_pem())?;
        Ok(Self { authority, ca, server, admin })
    }

    /// A client certificate for `user`, member of `group`.
    pub fn client(&self, user: &str, group: Option<&str>) -> Result<Pair, Error> {
        sign(&self.authority, user, group, ExtendedKeyUsagePurpose::ClientAuth)
    }
}

impl Pair {
    fn write(&self, folder: &Folder, name: &str) -> Result<(), Error> {
        folder.write(&format!("{name}.crt"), &self.certificate)?;
        folder.write(&format!("{name}.key"), &self.key)?;
        Ok(())
    }
}

fn sign(
    authority: &CertifiedIssuer<'static, KeyPair>,
    name: &str,
    group: Option<&str>,
    usage: ExtendedKeyUsagePurpose,
) -> Result<Pair, Error> {
    let names: Vec<String> =
        if name == "localhost" { vec!["localhost".into(), "127.0.0.1".into()] } else { Vec::new() };
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(group) = group {
        params.distinguished_name.push(DnType::OrganizationName, group);
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, authority)?.pem();
    Ok(Pair { certificate, key: key.serialize_pem() })
}
