//! nginx in front of the real program, with the site that is shipped; Caddy's is judged by Caddy.

use crate::machine::has_or_skip;
use crate::postgres_cluster::Cluster;
use crate::support::Server;
use rcgen::{CertificateParams, KeyPair};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const SITE: &str = include_str!("../../packaging/proxy/nginx.conf");
const UPSTREAM: &str = "    server 127.0.0.1:8000 max_fails=3 fail_timeout=10s;\n";
const HOST: &str = "trees.example.org";
const PATIENCE: Duration = Duration::from_secs(120);
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

struct Nginx {
    child: Child,
    https: u16,
    http: u16,
    certificate: CertificateDer<'static>,
    folder: TempDir,
}

/// What curl was answered.
#[derive(Debug)]
struct Answer {
    /// 0: none.
    status: u16,
    http: String,
    text: String,
}

#[track_caller]
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "\"{from}\" in {text}");
    text.replace(from, to)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

impl Nginx {
    /// The shipped site in front of `instances`, with `changes` of its text.
    fn before(instances: &[SocketAddr], changes: &[(&str, &str)]) -> Nginx {
        let folder = tempfile::tempdir().expect("a folder");
        let key = KeyPair::generate().expect("a key");
        let parameters = CertificateParams::new(vec![HOST.to_owned()]).expect("a name");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        write("chain.pem", &certificate.pem());
        write("key.pem", &key.serialize_pem());
        write("nginx.conf", AROUND);
        let lines: String =
            instances.iter().map(|address| replaced(UPSTREAM, "127.0.0.1:8000", &address.to_string())).collect();
        let mut site = replaced(SITE, UPSTREAM, &lines);
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
                return Nginx { child, https, http, certificate: certificate.der().clone(), folder };
            }
        }
        let said = unprivileged(folder.path()).arg("-t").stderr(Stdio::piped()).output().expect("nginx starts");
        panic!("nginx does not start: {}", String::from_utf8_lossy(&said.stderr));
    }

    /// Asks for `path` over https, with more arguments of curl.
    fn ask(&self, path: &str, arguments: &[&str]) -> Answer {
        let url = format!("https://{HOST}:{}{path}", self.https);
        self.curl(&[&["--cacert", "chain.pem", &url], arguments].concat())
    }

    fn curl(&self, arguments: &[&str]) -> Answer {
        let mut command = Command::new("curl");
        for port in [self.https, self.http] {
            command.args(["--resolve", &format!("{HOST}:{port}:127.0.0.1")]);
        }
        command.args(["--silent", "--max-time", "60", "--write-out", "\n%{http_code} %{http_version}"]).args(arguments);
        let output = command.current_dir(self.folder.path()).env_clear().output().expect("curl runs");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let (text, end) = printed.rsplit_once('\n').expect("a last line");
        let (status, http) = end.split_once(' ').expect("two words");
        Answer { status: status.parse().expect("a number"), http: http.to_owned(), text: text.to_owned() }
    }

    /// A connection with TLS, to say half a request on.
    fn connect(&self) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("a root");
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(("127.0.0.1", self.https)).expect("nginx takes connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
        let name = ServerName::try_from(HOST).expect("a name");
        StreamOwned::new(ClientConnection::new(Arc::new(config), name).expect("a client"), stream)
    }

    /// Which instances have been asked, in order.
    fn asked(&self) -> Vec<String> {
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
fn listens(child: &mut Child, port: u16) -> bool {
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

/// Behind a proxy on this machine, and nobody is exempt from limits.
const BEHIND: [(&str, &str); 2] =
    [("TREEBEARD_SERVER__TRUSTED_PROXIES", "127.0.0.1"), ("TREEBEARD_LIMITS__EXEMPT_NETWORKS", "")];

#[test]
fn nginx_speaks_tls_1_3_and_http_2_and_says_who_the_client_is() {
    let name = "nginx before one instance";
    if !has_or_skip(name, "nginx") || !has_or_skip(name, "curl") {
        return;
    }
    let server = Server::with(&[&BEHIND[..], &[("TREEBEARD_LIMITS__LOGIN_PER_IP_PER_MINUTE", "2")]].concat());
    let nginx = Nginx::before(&[server.address], &[]);

    let answer = nginx.ask("/version", &["--http2", "--tlsv1.3", "--include"]);
    assert_eq!((answer.status, answer.http.as_str()), (200, "2"), "{answer:?}");
    assert!(answer.text.contains("strict-transport-security: max-age=31536000"), "{answer:?}");
    assert_eq!(nginx.ask("/version", &["--http1.1"]).http, "1.1");
    assert_eq!(nginx.ask("/version", &["--tls-max", "1.2"]).status, 0, "no handshake");
    let plain = nginx.curl(&["--include", &format!("http://{HOST}:{}/docs?x=1", nginx.http)]);
    assert_eq!(plain.status, 308);
    assert!(plain.text.contains(&format!("Location: https://{HOST}/docs?x=1")), "{plain:?}");
    let figures = nginx.ask("/metrics", &[]);
    assert!(figures.status == 200 && figures.text.contains("treebeard_http_requests_total"), "{figures:?}");
    assert_eq!(nginx.ask("/metrics", &["--interface", "127.0.0.2"]).status, 403);

    // The limiter counts by the address nginx has seen, whatever the client claims.
    let login = |from: &str, claims: &str| {
        let claimed = format!("X-Forwarded-For: {claims}");
        let body = r#"{"username":"nobody@example.org","password":"wrong-guess"}"#;
        let json = "Content-Type: application/json";
        nginx.ask("/api/v1/auth/login", &["--interface", from, "-H", &claimed, "-H", json, "--data", body]).status
    };
    let answers = [
        login("127.0.0.2", "192.0.2.1"),
        login("127.0.0.2", "192.0.2.2"),
        login("127.0.0.2", "192.0.2.3"),
        login("127.0.0.3", "192.0.2.3"),
    ];
    assert_eq!(answers, [401, 401, 429, 401]);
}

#[test]
fn nginx_shares_the_work_of_two_instances_and_does_without_the_one_that_died() {
    let name = "nginx before two instances";
    if !has_or_skip(name, "nginx") || !has_or_skip(name, "curl") {
        return;
    }
    let Some(cluster) = Cluster::start_or_skip(name) else { return };
    let url = cluster.database("shared");
    let settings = [("DATABASE_URL", url.as_str()), ("SECRET_KEY", "violet-tram-seven-lantern-orchard-42-Qx")];
    let instances = [Server::with(&settings), Server::with(&settings)];
    let addresses = instances.each_ref().map(|server| server.address);
    let nginx = Nginx::before(&addresses, &[]);

    // Who signed in at one is known to the other.
    let bearer = instances[0].signed_in("shared@example.org");
    let header = format!("Authorization: {bearer}");
    let me = || nginx.ask("/api/v1/auth/me", &["-H", &header]).status;
    assert_eq!([me(), me(), me(), me()], [200; 4]);
    let asked = nginx.asked();
    for address in addresses {
        assert!(asked.contains(&address.to_string()), "{address} has work too: {asked:?}");
    }

    let [first, second] = instances;
    let (answered, enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    let wait_for = |more: usize| {
        let (begun, before) = (Instant::now(), answered.load(Ordering::SeqCst));
        while answered.load(Ordering::SeqCst) < before + more {
            assert!(begun.elapsed() < PATIENCE, "nobody is answered");
            thread::sleep(Duration::from_millis(5));
        }
    };
    let statuses: Vec<u16> = thread::scope(|scope| {
        let caller = || {
            let mut statuses = Vec::new();
            while !enough.load(Ordering::SeqCst) {
                statuses.push(me());
                answered.fetch_add(1, Ordering::SeqCst);
            }
            statuses
        };
        let callers = [scope.spawn(caller), scope.spawn(caller)];
        wait_for(10);
        // Without a word, as a machine that goes.
        drop(first);
        wait_for(20);
        enough.store(true, Ordering::SeqCst);
        callers.into_iter().flat_map(|caller| caller.join().expect("it ends")).collect()
    });
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(nginx.asked().last(), Some(&second.address.to_string()));
}

/// What never answers.
fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || listener.incoming().map_while(Result::ok).collect::<Vec<_>>());
    address
}

#[test]
fn nginx_is_as_impatient_as_its_site_says() {
    if !has_or_skip("nginx and the slow", "nginx") || !has_or_skip("nginx and the slow", "curl") {
        return;
    }
    let changes = [
        ("client_header_timeout 10s;", "client_header_timeout 1s;"),
        ("client_body_timeout 10s;", "client_body_timeout 1s;"),
        ("keepalive_timeout 75s;", "keepalive_timeout 1s;"),
        ("proxy_read_timeout 35s;", "proxy_read_timeout 1s;"),
    ];
    let nginx = Nginx::before(&[silent()], &changes);
    assert_eq!(nginx.ask("/version", &[]).status, 504, "the instance says nothing");
    for (what, said) in [
        ("half a header", "GET /version HTTP/1.1\r\nHost: tre"),
        ("half a body", "POST /version HTTP/1.1\r\nHost: trees.example.org\r\nContent-Length: 10\r\n\r\nhalf"),
        ("nothing more", "GET /metrics HTTP/1.1\r\nHost: trees.example.org\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let mut stream = nginx.connect();
        stream.write_all(said.as_bytes()).expect("it is heard");
        let mut answer = Vec::new();
        // The end of the connection, clean or torn, and not of our patience.
        let end = stream.read_to_end(&mut answer).map_err(|error| error.kind());
        assert!(!matches!(end, Err(std::io::ErrorKind::WouldBlock)), "{what}: {}", String::from_utf8_lossy(&answer));
    }
    let too_large = "Content-Length: 33554433";
    let refused = nginx.ask("/api/v1/usage/upload", &["--http1.1", "-X", "POST", "-H", too_large]);
    assert_eq!(refused.status, 413);
}

/// The sites' figures are those of the program, where they are to be the same.
#[test]
fn the_sites_are_as_patient_as_the_program_is_by_default() {
    let output = Command::new(env!("CARGO_BIN_EXE_treebeard")).args(["config", "example"]).env_clear().output();
    let settings = String::from_utf8(output.expect("the binary starts").stdout).expect("UTF-8");
    let setting = |name: &str| -> u32 {
        let value = settings.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        value.unwrap_or_else(|| panic!("no {name}")).parse().expect("a number")
    };
    let caddy = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/proxy/Caddyfile"))
        .expect("it is there");
    for (name, more, in_nginx, in_caddy) in [
        ("header_timeout_seconds", 0, "client_header_timeout #s;", "read_header #s"),
        ("body_timeout_seconds", 0, "client_body_timeout #s;", ""),
        ("body_timeout_seconds", 0, "send_timeout #s;", ""),
        ("idle_timeout_seconds", 0, "keepalive_timeout #s;", "idle #s"),
        ("request_timeout_seconds", 5, "proxy_read_timeout #s;", "response_header_timeout #s"),
        ("upload_megabytes_max", 0, "client_max_body_size #m;", "max_size #MiB"),
    ] {
        let value = (setting(name) + more).to_string();
        assert!(SITE.contains(&in_nginx.replace('#', &value)), "nginx: {name}");
        assert!(caddy.contains(&in_caddy.replace('#', &value)), "Caddy: {name}");
    }
}

#[test]
fn caddy_finds_nothing_wrong_with_its_site() {
    if !has_or_skip("Caddy's site", "caddy") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let site = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/proxy/Caddyfile");
    let mut command = Command::new("caddy");
    command.args(["validate", "--adapter", "caddyfile", "--config", site]).env_clear().current_dir(folder.path());
    let output = command.env("HOME", folder.path()).output().expect("caddy runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("Valid configuration"), "{said}");
}
