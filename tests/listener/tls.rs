//! TLS: versions, protocols, certificates that change, and the way from plain HTTP.

use crate::service::{Reply, Service, ask, connect, get, until};
use rcgen::{CertificateParams, KeyPair};
use rustix::process::Signal;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

/// A certificate for `localhost` and its key, as PEM and as DER.
pub struct Pair {
    certificate: String,
    key: String,
    der: CertificateDer<'static>,
}

impl Pair {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        // Far from both ends, whatever today is.
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2100, 1, 1);
        change(&mut parameters);
        let certificate = parameters.self_signed(&key).expect("a certificate");
        Pair { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().clone() }
    }

    /// Puts both where [`serve`] looks for them.
    pub fn write(&self, folder: &Path) {
        std::fs::write(folder.join("certificate.pem"), &self.certificate).expect("written");
        std::fs::write(folder.join("key.pem"), &self.key).expect("written");
    }

    /// A client that trusts this certificate and no other.
    pub fn client(&self, versions: &[&'static SupportedProtocolVersion], protocols: &[&str]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).expect("a root");
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

pub const FILES: [(&str, &str); 2] =
    [("TREEBEARD_TLS__CERTIFICATE", "certificate.pem"), ("TREEBEARD_TLS__KEY", "key.pem")];

fn serve(folder: &Path, more: &[(&str, &str)]) -> Service {
    Service::start_in(folder, &[&FILES[..], more].concat())
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn open(service: &Service, config: Arc<ClientConfig>) -> Tls {
    let name = ServerName::try_from("localhost").expect("a name");
    StreamOwned::new(ClientConnection::new(config, name).expect("a client"), service.connect())
}

fn ask_tls(service: &Service, pair: &Pair, path: &str) -> Reply {
    ask(open(service, pair.client(&[&TLS13], &["http/1.1"])), &get(path))
}

/// Whether a handshake that trusts this pair alone succeeds.
fn is_served(service: &Service, pair: &Pair) -> bool {
    let mut stream = open(service, pair.client(&[&TLS13], &[]));
    stream.conn.complete_io(&mut stream.sock).is_ok()
}

#[test]
fn both_versions_are_spoken_and_http_is_agreed_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = Pair::new();
    pair.write(folder.path());
    let service = serve(folder.path(), &[]);
    assert!(service.wait_for("listening on https://").contains("127.0.0.1"));
    for (version, expected) in [(&TLS13, ProtocolVersion::TLSv1_3), (&TLS12, ProtocolVersion::TLSv1_2)] {
        // The last one is answered with what is kept.
        for path in ["/health/live", "/api/v1/suppliers", "/api/v1/suppliers"] {
            let mut stream = open(&service, pair.client(&[version], &["http/1.1"]));
            let reply = ask(&mut stream, &get(path));
            assert_eq!((reply.status, stream.conn.protocol_version()), (200, Some(expected)), "{path}");
            assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
            assert_eq!(reply.header("strict-transport-security"), Some("max-age=31536000"), "{path}");
        }
    }
    let mut both = open(&service, pair.client(&[&TLS13], &["h2", "http/1.1"]));
    both.conn.complete_io(&mut both.sock).expect("a handshake");
    assert_eq!(both.conn.alpn_protocol(), Some(&b"h2"[..]));
}

/// A client that offers nothing newer than TLS 1.1: record and hello written by hand, for no library offers it.
#[test]
fn nothing_older_than_tls_1_2_is_spoken() {
    use std::io::{Read, Write};
    let folder = tempfile::tempdir().expect("a folder");
    let pair = Pair::new();
    pair.write(folder.path());
    let service = serve(folder.path(), &[]);
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    // No session, two old cipher suites, no compression, and the extension for signatures.
    hello.extend([0, 0, 4, 0xc0, 0x13, 0, 0x2f, 1, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3]);
    let mut record = vec![0x16, 3, 1, 0, hello.len() as u8 + 4, 1, 0, 0, hello.len() as u8];
    record.extend(hello);
    let mut stream = service.connect();
    stream.write_all(&record).expect("sent");
    let mut answer = Vec::new();
    let _may_be_torn = stream.read_to_end(&mut answer);
    // An alert: fatal, protocol_version.
    assert_eq!((answer.first(), answer.get(5..)), (Some(&0x15), Some(&[2, 70][..])));
    let figures = ask_tls(&service, &pair, "/metrics");
    assert_eq!(crate::service::metric(&figures, "treebeard_tls_handshake_faults_total"), 1);
}

#[test]
fn a_new_certificate_is_taken_up_on_sighup_and_a_bad_one_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (Pair::new(), Pair::new());
    first.write(folder.path());
    let service = serve(folder.path(), &[]);
    assert!(is_served(&service, &first) && !is_served(&service, &second));
    let mut kept = open(&service, first.client(&[&TLS13], &["http/1.1"]));
    kept.conn.complete_io(&mut kept.sock).expect("a handshake");

    second.write(folder.path());
    service.signal(Signal::HUP);
    service.wait_for("certificate in force");
    assert!(is_served(&service, &second) && !is_served(&service, &first));
    assert_eq!(ask(kept, &get("/health/live")).status, 200, "connections that stand are not touched");

    std::fs::write(folder.path().join("key.pem"), &first.key).expect("another key");
    service.signal(Signal::HUP);
    let line = service.wait_for("the new certificate is not used");
    assert!(line.contains("does not belong to the certificate"), "{line}");
    assert!(is_served(&service, &second), "the one before stays");
    let figures = ask_tls(&service, &second, "/metrics");
    assert!(figures.body.contains("treebeard_tls_certificate_loads_total{outcome=\"used\"} 2"), "{}", figures.body);
    assert!(figures.body.contains("treebeard_tls_certificate_loads_total{outcome=\"refused\"}"));
    // 2100-01-01T00:00:00Z.
    assert_eq!(crate::service::metric(&figures, "treebeard_tls_certificate_expiry_timestamp_seconds"), 4_102_444_800);
}

#[test]
fn files_that_change_are_noticed_without_a_signal() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (Pair::new(), Pair::new());
    first.write(folder.path());
    let service = serve(folder.path(), &[]);
    assert!(is_served(&service, &first));
    std::fs::write(folder.path().join("certificate.pem"), "-----BEGIN CERTIFICATE-----\n").expect("written");
    service.wait_for("the new certificate is not used");
    assert!(is_served(&service, &first));
    second.write(folder.path());
    until("the second certificate", || is_served(&service, &second));
}

#[test]
fn what_is_wrong_with_the_files_is_told_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let (good, other) = (Pair::new(), Pair::new());
    let expired = Pair::with(|parameters| parameters.not_after = rcgen::date_time_ymd(2021, 1, 1));
    let early = Pair::with(|parameters| parameters.not_before = rcgen::date_time_ymd(2099, 1, 1));
    let cases = [
        (Some(&good.certificate), Some(&other.key), "does not belong to the certificate"),
        (Some(&expired.certificate), Some(&expired.key), "has expired, at 2021-01-01"),
        (Some(&early.certificate), Some(&early.key), "is not valid before 2099-01-01"),
        (None, Some(&good.key), "tls.certificate: certificate.pem cannot be read"),
        (Some(&good.certificate), None, "tls.key: key.pem cannot be read"),
        (Some(&good.key), Some(&good.key), "holds no certificate"),
        (Some(&good.certificate), Some(&good.certificate), "holds no private key"),
    ];
    for (certificate, key, expected) in cases {
        for (name, text) in [("certificate.pem", certificate), ("key.pem", key)] {
            let path = folder.path().join(name);
            match text {
                Some(text) => std::fs::write(path, text).expect("written"),
                None => drop(std::fs::remove_file(path)),
            }
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_treebeard"));
        let output = command.arg("serve").current_dir(folder.path()).env_clear().envs(FILES).output();
        let output = output.expect("the binary runs");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(key.and_then(|key| key.lines().nth(1)).is_none_or(|secret| !said.contains(secret)), "{said}");
    }
}

#[test]
fn plain_http_is_sent_to_https_with_path_and_query() {
    let folder = tempfile::tempdir().expect("a folder");
    Pair::new().write(folder.path());
    let service = serve(folder.path(), &[("TREEBEARD_TLS__REDIRECT_LISTEN", "127.0.0.1:0")]);
    service.wait_for_times("listening on ", 2);
    let [https, http] = service.addresses().try_into().expect("two addresses");
    let port = https.rsplit_once(':').expect("a port").1.to_owned();
    let request = "POST /api/v1/plans?a=b%20c&d HTTP/1.1\r\nhost: app.example.org:80\r\nconnection: close\r\n\r\n";
    let reply = ask(connect(&http), request);
    assert_eq!(reply.status, 308);
    let location = format!("https://app.example.org:{port}/api/v1/plans?a=b%20c&d");
    assert_eq!(reply.header("location"), Some(location.as_str()));
    assert!(reply.header("x-request-id").is_some());
    assert_eq!(reply.header("strict-transport-security"), None, "not over plain HTTP");
    let nobody = request.replace("app.example.org:80", "evil/@x");
    ask(connect(&http), &nobody).problem(400);
    assert_eq!(service.stop(), Some(0));
}
