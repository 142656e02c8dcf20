//! TLS 1.3 and 1.2 to clients: the certificate in force, how it is read and checked, and how another one takes its
//! place while connections stand. A new one that is no good changes nothing.

use crate::config::TlsFiles;
use crate::http::listener::Figures;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{Error, InconsistentKeys, ServerConfig};
use x509_parser::prelude::{FromDer, X509Certificate};

/// A certificate with less left than this is worth a warning.
const EXPIRES_SOON: Duration = Duration::from_hours(24 * 14);

/// Why a certificate cannot be used, as a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TlsFault(String);

pub struct Certificates {
    files: Mutex<Files>,
    served: Arc<InForce>,
    acceptor: TlsAcceptor,
    figures: Arc<Figures>,
}

struct Files {
    paths: TlsFiles,
    /// As they were when they were last read.
    read: Stamp,
    /// As they were at the last look.
    seen: Stamp,
}

/// Device, inode, size and time of change of both files; `None` for one that is not there.
type Stamp = [Option<(u64, u64, u64, i64, i64)>; 2];

#[derive(Debug)]
struct InForce(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for InForce {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Certificates {
    pub fn load(paths: &TlsFiles, figures: Arc<Figures>, now: Timestamp) -> Result<Arc<Self>, TlsFault> {
        let read = stamp(paths);
        let provider = Arc::new(ring::default_provider());
        let (key, expires) = read_files(paths, &provider, now)?;
        figures.certificate_loaded(expires.as_second());
        let served = Arc::new(InForce(ArcSwap::from_pointee(key)));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| TlsFault(format!("TLS cannot be set up: {error}")))?
            .with_no_client_auth()
            .with_cert_resolver(served.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let files = Mutex::new(Files { paths: paths.clone(), read, seen: read });
        Ok(Arc::new(Certificates { files, served, acceptor, figures }))
    }

    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Reads the files again, from now on those of `paths`. Connections that stand are not touched.
    pub fn reload(&self, paths: Option<&TlsFiles>, now: Timestamp) -> Result<(), TlsFault> {
        let paths = {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(paths) = paths {
                files.paths = paths.clone();
            }
            files.read = stamp(&files.paths);
            files.seen = files.read;
            files.paths.clone()
        };
        match read_files(&paths, &ring::default_provider(), now) {
            Ok((key, expires)) => {
                self.served.0.store(Arc::new(key));
                self.figures.certificate_loaded(expires.as_second());
                tracing::info!(certificate = %paths.certificate.display(), %expires, "certificate in force");
                Ok(())
            }
            Err(fault) => {
                self.figures.certificate_failed();
                tracing::error!(error = %fault, "the new certificate is not used; the one before stays in force");
                Err(fault)
            }
        }
    }

    /// Whether the files are others than those read last, and have been left alone since the look before: a
    /// certificate and its key are not written in one go.
    pub fn have_changed(&self) -> bool {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp(&files.paths);
        let settled = now == files.seen;
        files.seen = now;
        settled && now != files.read
    }
}

fn stamp(paths: &TlsFiles) -> Stamp {
    [&paths.certificate, &paths.key].map(|path| {
        let file = fs::metadata(path).ok()?;
        Some((file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec()))
    })
}

/// The certificate with its chain and key, and when it expires.
fn read_files(
    paths: &TlsFiles,
    provider: &CryptoProvider,
    now: Timestamp,
) -> Result<(CertifiedKey, Timestamp), TlsFault> {
    let (certificate, key) = (paths.certificate.display(), paths.key.display());
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&read("tls.certificate", &paths.certificate)?)
            .collect::<Result<_, _>>()
            .map_err(|error| TlsFault(format!("tls.certificate: {certificate} is not PEM: {error}")))?;
    let Some(first) = chain.first() else {
        let message = "holds no certificate: it must begin with -----BEGIN CERTIFICATE-----";
        return Err(TlsFault(format!("tls.certificate: {certificate} {message}")));
    };
    let expires = check_dates(first, now).map_err(|what| TlsFault(format!("tls.certificate: {certificate} {what}")))?;
    let private = PrivateKeyDer::from_pem_slice(&read("tls.key", &paths.key)?).map_err(|_| {
        TlsFault(format!("tls.key: {key} holds no private key in PEM: it must begin with -----BEGIN PRIVATE KEY-----"))
    })?;
    let signer = provider
        .key_provider
        .load_private_key(private)
        .map_err(|error| TlsFault(format!("tls.key: the key in {key} cannot be used: {error}")))?;
    let certified = CertifiedKey::new(chain, signer);
    match certified.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok((certified, expires)),
        Err(Error::InconsistentKeys(_)) => {
            Err(TlsFault(format!("tls.key: the key in {key} does not belong to the certificate in {certificate}")))
        }
        Err(error) => Err(TlsFault(format!("tls.certificate: {certificate} cannot be used: {error}"))),
    }
}

fn read(setting: &str, path: &Path) -> Result<Vec<u8>, TlsFault> {
    fs::read(path).map_err(|error| TlsFault(format!("{setting}: {} cannot be read: {error}", path.display())))
}

/// When it expires, unless that is past.
fn check_dates(certificate: &CertificateDer<'_>, now: Timestamp) -> Result<Timestamp, String> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| "is not an X.509 certificate".to_owned())?;
    let validity = parsed.validity();
    let time = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    let (from, until) = (time(validity.not_before.timestamp()), time(validity.not_after.timestamp()));
    if until <= now {
        return Err(format!("has expired, at {until}: put a new one in its place"));
    }
    if from > now {
        return Err(format!("is not valid before {from}: is the clock right?"));
    }
    if until.duration_since(now).unsigned_abs() < EXPIRES_SOON {
        tracing::warn!(expires = %until, "the certificate expires soon");
    }
    Ok(until)
}
