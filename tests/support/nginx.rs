//! A real nginx as nobody in particular, with the site that is shipped, before instances of the service.

use crate::support::Reply;
use rcgen::{CertificateParams, KeyPair};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

pub const SITE: &str = include_str!("../../packaging/proxy/nginx.conf");
/// The upstream of many nodes, in place of the site's.
const NODES: &str = include_str!("../../packaging/proxy/nginx-nodes.conf");
/// How both upstreams begin, end, and name an instance.
const UPSTREAM: &str = "upstream treebeard {";
const UPSTREAM_ENDS: &str = "\n}\n";
const INSTANCE: &str = "    server 127.0.0.1:";
pub const HOST: &str = "trees.example.org";
pub const PATIENCE: Duration = Duration::from_secs(120);
const NOBODY: u32 = 65_534;

/// What stands around a site; says in `answered` which instance each request went to.
const AROUND: &str = "worker_processes 1; pid pid; daemon off;
    events {}
    http {
        client_body_temp_path body; proxy_temp_path proxied;
        fastcgi_temp_path none; uwsgi_temp_path none; scgi_temp_path none;
        log_format instances '$upstream_addr';
        access_log answered instances;
        include site.conf;
    }";

pub struct Nginx {
    child: Child,
    https: u16,
    pub http: u16,
    tls: Arc<ClientConfig>,
    folder: TempDir,
}

/// What curl was answered.
#[derive(Debug)]
pub struct Answer {
    /// 0: none.
    pub status: u16,
    pub http: String,
    pub text: String,
    /// What curl complained of.
    pub said: String,
}

#[track_caller]
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "\"{from}\" in {text}");
    text.replace(from, to)
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

impl Nginx {
    /// The shipped site in front of `instances`, with `changes` of its text.
    pub fn before(instances: &[SocketAddr], changes: &[(&str, &str)]) -> Nginx {
        let folder = tempfile::tempdir().expect("a folder");
        let key = KeyPair::generate().expect("a key");
        let parameters = CertificateParams::new(vec![HOST.to_owned()]).expect("a name");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        write("chain.pem", &certificate.pem());
        write("key.pem", &key.serialize_pem());
        write("nginx.conf", AROUND);
        let mut site = site_before(instances);
        let folder_of_keys = format!("{}/", folder.path().display());
        for name in ["chain.pem", "key.pem"] {
            site = replaced(&site, &format!("/etc/treebeard/{name}"), &format!("{folder_of_keys}{name}"));
        }
        for (from, to) in changes {
            site = replaced(&site, from, to);
        }
        if rustix::process::geteuid().is_root() {
            for name in [".", "chain.pem", "key.pem"] {
                chown(folder.path().join(name), Some(NOBODY), Some(NOBODY)).expect("root may");
            }
        }
        // A port that was free may be taken meanwhile: then others are tried.
        for _ in 0..5 {
            let (https, http) = (free_port(), free_port());
            let here = replaced(&site, "listen 443 ssl http2;", &format!("listen 127.0.0.1:{https} ssl http2;"));
            write("site.conf", &replaced(&here, "listen 80;", &format!("listen 127.0.0.1:{http};")));
            let mut child = unprivileged(folder.path()).spawn().expect("nginx starts");
            if listens(&mut child, https) {
                return Nginx { child, https, http, tls: trusting(certificate.der().clone()), folder };
            }
        }
        let said = unprivileged(folder.path()).arg("-t").stderr(Stdio::piped()).output().expect("nginx starts");
        panic!("nginx does not start: {}", String::from_utf8_lossy(&said.stderr));
    }

    /// Asks for `path` over https, with more arguments of curl.
    pub fn ask(&self, path: &str, arguments: &[&str]) -> Answer {
        let url = format!("https://{HOST}:{}{path}", self.https);
        self.curl(&[&["--cacert", "chain.pem", &url], arguments].concat())
    }

    pub fn curl(&self, arguments: &[&str]) -> Answer {
        curl(self.folder.path(), &[self.https, self.http], arguments)
    }

    /// A connection with TLS, to say half a request on.
    pub fn connect(&self) -> StreamOwned<ClientConnection, TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.https)).expect("nginx takes connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
        let name = ServerName::try_from(HOST).expect("a name");
        StreamOwned::new(ClientConnection::new(self.tls.clone(), name).expect("a client"), stream)
    }

    /// Sends a request on a connection of its own.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            text.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
        }
        let mut stream = self.connect();
        stream.write_all(format!("{text}\r\n{body}").as_bytes()).expect("nginx listens");
        let mut answer = Vec::new();
        // Not every end of a connection is said in TLS, too.
        let _may_be_torn = stream.read_to_end(&mut answer);
        Reply::parse(&answer)
    }

    /// How many requests were sent to one more instance.
    pub fn sent_again(&self) -> usize {
        let log = std::fs::read_to_string(self.folder.path().join("answered")).expect("a log");
        log.lines().filter(|line| line.contains(", ")).count()
    }

    /// Which instances have been asked, in order.
    pub fn asked(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder.path().join("answered")).expect("a log");
        log.lines().flat_map(|line| line.split(", ")).map(str::to_owned).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its end is all that is asked for; SIGTERM takes its worker along.
        let _ended = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ended = self.child.wait();
    }
}

/// The site with these instances, each in a line as the shipped one writes it.
fn site_before(instances: &[SocketAddr]) -> String {
    let (before, rest) = SITE.split_once(UPSTREAM).expect("an upstream");
    let (own, after) = rest.split_once(UPSTREAM_ENDS).expect("its end");
    let upstream = if instances.len() == 1 {
        own
    } else {
        let (_, rest) = NODES.split_once(UPSTREAM).expect("an upstream");
        rest.split_once(UPSTREAM_ENDS).expect("its end").0
    };
    let (is_instance, others): (Vec<&str>, Vec<&str>) = upstream.lines().partition(|line| line.starts_with(INSTANCE));
    let first = is_instance.first().expect("an instance");
    let (_, options) = first.trim_start_matches(INSTANCE).split_once(' ').expect("options");
    let lines: Vec<String> = instances.iter().map(|address| format!("    server {address} {options}")).collect();
    format!("{before}{UPSTREAM}\n{}\n{}{UPSTREAM_ENDS}{after}", others.join("\n"), lines.join("\n"))
}

/// A client that knows only this certificate.
fn trusting(certificate: CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a root");
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// Asks a proxy on this machine for the site, with files named as they lie in `folder`.
pub fn curl(folder: &Path, ports: &[u16], arguments: &[&str]) -> Answer {
    let mut command = Command::new("curl");
    for port in ports {
        command.args(["--resolve", &format!("{HOST}:{port}:127.0.0.1")]);
    }
    command
        .args(["--silent", "--show-error", "--max-time", "60", "--write-out", "\n%{http_code} %{http_version}"])
        .args(arguments);
    let output = command.current_dir(folder).env_clear().output().expect("curl runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let (text, end) = printed.rsplit_once('\n').expect("a last line");
    let (status, http) = end.split_once(' ').expect("two words");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Answer { status: status.parse().expect("a number"), http: http.to_owned(), text: text.to_owned(), said }
}

/// nginx as nobody in particular.
fn unprivileged(folder: &Path) -> Command {
    let id = NOBODY.to_string();
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &id, "--regid", &id, "--clear-groups", "nginx"]);
        command
    } else {
        Command::new("nginx")
    };
    command.env("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin");
    command.arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "errors"]).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// Whether `child` takes connections on `port`, sooner or later.
pub fn listens(child: &mut Child, port: u16) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}
