//! Whether the certificate of a PostgreSQL server is believed, at each of the levels PostgreSQL's `sslmode` has.

use crate::store::db::access::Authorities;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate};

/// Which certificates will do.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    Anything,
    /// Of a known authority.
    Signed(&'a Authorities),
    /// Of a known authority, for the host's name.
    Named(&'a Authorities),
}

/// The client's side of TLS; an error is a sentence for the operator.
pub fn client(trust: Trust<'_>) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::of(trust, &provider)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| format!("TLS cannot be set up: {error}"))?;
    Ok(config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

#[derive(Debug)]
struct Verifier {
    /// `None`: whoever it is.
    known: Option<Known>,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
struct Known {
    chain: Arc<WebPkiServerVerifier>,
    /// The certificates of the file: one of them may be the server's own, signed by nobody else.
    own: Vec<CertificateDer<'static>>,
    by_name: bool,
}

impl Verifier {
    fn of(trust: Trust<'_>, provider: &Arc<CryptoProvider>) -> Result<Self, String> {
        let algorithms = provider.signature_verification_algorithms;
        let (authorities, by_name) = match trust {
            Trust::Anything => return Ok(Verifier { known: None, algorithms }),
            Trust::Signed(authorities) => (authorities, false),
            Trust::Named(authorities) => (authorities, true),
        };
        let mut roots = RootCertStore::empty();
        let own = match authorities {
            Authorities::Public => {
                roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                Vec::new()
            }
            Authorities::File(path) => {
                let all = read(path)?;
                let (good, _) = roots.add_parsable_certificates(all.iter().cloned());
                if good == 0 {
                    return Err(format!("{} (sslrootcert) holds no certificate that can be used", path.display()));
                }
                all
            }
        };
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let chain = chain.build().map_err(|error| format!("TLS cannot be set up: {error}"))?;
        Ok(Verifier { known: Some(Known { chain, own, by_name }), algorithms })
    }
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let cannot = |error| format!("{} (sslrootcert) cannot be read: {error}", path.display());
    let certificates = CertificateDer::pem_file_iter(path).map_err(cannot)?;
    let certificates: Vec<_> = certificates.collect::<Result<_, _>>().map_err(cannot)?;
    if certificates.is_empty() {
        return Err(format!("{} (sslrootcert) holds no certificate in PEM", path.display()));
    }
    Ok(certificates)
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(known) = &self.known else { return Ok(ServerCertVerified::assertion()) };
        if known.own.contains(certificate) {
            in_force(certificate, now)?;
            if known.by_name {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match known.chain.verify_server_cert(certificate, intermediates, name, stapled, now) {
            // The name is looked at last: all else is in order.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !known.by_name => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn in_force(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let bad = |why| Error::InvalidCertificate(why);
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| bad(CertificateError::BadEncoding))?;
    let now = i64::try_from(now.as_secs()).ok().and_then(|now| ASN1Time::from_timestamp(now).ok());
    let now = now.ok_or(bad(CertificateError::NotValidYet))?;
    if now < parsed.validity().not_before {
        return Err(bad(CertificateError::NotValidYet));
    }
    if now > parsed.validity().not_after { Err(bad(CertificateError::Expired)) } else { Ok(()) }
}
