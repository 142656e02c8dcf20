//! Caddy in front of the real program, with the site that is shipped and certificates of its own making.

use crate::machine::has_or_skip;
use crate::nginx::{Answer, HOST, PATIENCE, curl, free_port, listens, replaced};
use crate::postgres_cluster::Cluster;
use crate::proxy::BEHIND;
use crate::support::Server;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SITE: &str = include_str!("../../packaging/proxy/Caddyfile");

struct Caddy {
    child: Child,
    https: u16,
    http: u16,
    folder: TempDir,
}

impl Caddy {
    /// The shipped site in front of `instances`: on free ports, and nobody is asked for a certificate.
    fn before(instances: &[SocketAddr]) -> Caddy {
        let folder = tempfile::tempdir().expect("a folder");
        let all: Vec<String> = instances.iter().map(ToString::to_string).collect();
        let site = replaced(SITE, "reverse_proxy 127.0.0.1:8000 {", &format!("reverse_proxy {} {{", all.join(" ")));
        // A port that was free may be taken meanwhile: then others are tried.
        for _ in 0..5 {
            let (https, http) = (free_port(), free_port());
            let own = format!(
                "\n{{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\thttps_port {https}\n\thttp_port {http}\n\tservers {{"
            );
            let here = replaced(&site, "\n{\n\tservers {", &own);
            std::fs::write(folder.path().join("Caddyfile"), here).expect("written");
            let mut child = started(folder.path());
            if listens(&mut child, https) {
                let caddy = Caddy { child, https, http, folder };
                caddy.wait_for_its_certificate();
                return caddy;
            }
        }
        let said = std::fs::read_to_string(folder.path().join("said")).unwrap_or_default();
        panic!("Caddy does not start: {said}");
    }

    /// It listens before it has made itself an authority.
    fn wait_for_its_certificate(&self) {
        let begun = Instant::now();
        while self.ask("/version", &[]).status != 200 {
            let said = std::fs::read_to_string(self.folder.path().join("said")).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "Caddy does not answer: {said}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn ask(&self, path: &str, arguments: &[&str]) -> Answer {
        let url = format!("https://{HOST}:{}{path}", self.https);
        let root = "data/caddy/pki/authorities/local/root.crt";
        self.curl(&[&["--cacert", root, &url], arguments].concat())
    }

    fn curl(&self, arguments: &[&str]) -> Answer {
        curl(self.folder.path(), &[self.https, self.http], arguments)
    }
}

impl Drop for Caddy {
    fn drop(&mut self) {
        // Its end is all that is asked for.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

fn started(folder: &Path) -> Child {
    let said = std::fs::File::create(folder.join("said")).expect("a log");
    Command::new("caddy")
        .args(["run", "--adapter", "caddyfile", "--config", "Caddyfile"])
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", folder)
        .env("XDG_DATA_HOME", folder.join("data"))
        .env("XDG_CONFIG_HOME", folder.join("config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()
        .expect("caddy starts")
}

#[test]
fn caddy_speaks_tls_1_3_and_http_2_and_says_who_the_client_is() {
    let name = "Caddy before one instance";
    if !has_or_skip(name, "caddy") || !has_or_skip(name, "curl") {
        return;
    }
    let server = Server::with(&[&BEHIND[..], &[("TREEBEARD_LIMITS__LOGIN_PER_IP_PER_MINUTE", "2")]].concat());
    let caddy = Caddy::before(&[server.address]);

    let answer = caddy.ask("/version", &["--http2", "--tlsv1.3", "--include"]);
    assert_eq!((answer.status, answer.http.as_str()), (200, "2"), "{answer:?}");
    assert!(answer.text.contains("strict-transport-security: max-age=31536000"), "{answer:?}");
    assert_eq!(caddy.ask("/version", &["--http1.1"]).http, "1.1");
    assert_eq!(caddy.ask("/version", &["--tls-max", "1.2"]).status, 0, "no handshake");
    let plain = caddy.curl(&["--include", &format!("http://{HOST}:{}/docs?x=1", caddy.http)]);
    assert_eq!(plain.status, 308);
    assert!(plain.text.contains(&format!("Location: https://{HOST}")), "{plain:?}");
    assert_eq!(caddy.ask("/metrics", &[]).status, 403);

    // The limiter counts by the address Caddy has seen, whatever the client claims.
    let login = |from: &str, claims: &str| {
        let claimed = format!("X-Forwarded-For: {claims}");
        let body = r#"{"username":"nobody@example.org","password":"wrong-guess"}"#;
        let json = "Content-Type: application/json";
        caddy.ask("/api/v1/auth/login", &["--interface", from, "-H", &claimed, "-H", json, "--data", body]).status
    };
    let answers = [
        login("127.0.0.2", "192.0.2.1"),
        login("127.0.0.2", "192.0.2.2"),
        login("127.0.0.2", "192.0.2.3"),
        login("127.0.0.3", "192.0.2.3"),
    ];
    assert_eq!(answers, [401, 401, 429, 401]);

    let body = caddy.folder.path().join("large");
    std::fs::File::create(&body).and_then(|file| file.set_len((32 << 20) + 1)).expect("a large file");
    // Over HTTP/1.1 curl asks first and need not send it. HTTP/2 may reset the stream before curl has read the answer.
    let posted = ["--http1.1", "--request", "POST", "--data-binary", "@large"];
    let refused = caddy.ask("/api/v1/usage/upload", &posted);
    assert_eq!(refused.status, 413, "{refused:?}");
}

#[test]
fn caddy_shares_the_work_of_two_instances_and_does_without_the_one_that_died() {
    let name = "Caddy before two instances";
    if !has_or_skip(name, "caddy") || !has_or_skip(name, "curl") {
        return;
    }
    let Some(cluster) = Cluster::start_or_skip(name) else { return };
    let url = cluster.database("shared");
    let settings = [("DATABASE_URL", url.as_str()), ("SECRET_KEY", "violet-tram-seven-lantern-orchard-42-Qx")];
    let [first, second] = [Server::with(&settings), Server::with(&settings)];
    let caddy = Caddy::before(&[first.address, second.address]);

    let header = format!("Authorization: {}", first.signed_in("shared@example.org"));
    let me = || caddy.ask("/api/v1/auth/me", &["-H", &header]).status;
    assert_eq!([me(), me(), me(), me()], [200; 4]);
    // Without a word, as a machine that goes.
    drop(first);
    let answers: Vec<u16> = (0..20).map(|_| me()).collect();
    assert_eq!(answers, [200; 20]);
    drop(second);
    // What it tried itself, or what it has found out before.
    assert!([502, 503].contains(&me()), "nobody is left");
}
