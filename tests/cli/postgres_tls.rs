//! TLS to PostgreSQL, with a real server and certificates made for it: each `sslmode`, and what is said when it fails.

use crate::postgres_backups::until;
use crate::postgres_cluster::Cluster;
use crate::run::Place;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

/// Starts that may fail because somebody else took the port.
const TRIES: usize = 5;

/// Who signs certificates, and its own.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = lasting(Vec::new());
        // By its name libpq tells whether a certificate is signed by itself.
        parameters.distinguished_name.push(DnType::CommonName, "an authority");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = parameters.self_signed(&key).expect("a certificate").pem();
        Authority { issuer: Issuer::new(parameters, key), pem }
    }

    /// Gives the server a certificate for `localhost`, good until that year.
    fn certify(&self, cluster: &Cluster, until: i32) -> String {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = lasting(vec!["localhost".to_owned()]);
        parameters.not_after = rcgen::date_time_ymd(until, 1, 1);
        let pem = parameters.signed_by(&key, &self.issuer).expect("a certificate").pem();
        hand_over(cluster, &pem, &key.serialize_pem());
        pem
    }
}

/// Far from both ends, whatever today is.
fn lasting(names: Vec<String>) -> CertificateParams {
    let mut parameters = CertificateParams::new(names).expect("names");
    parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2100, 1, 1);
    parameters
}

/// Puts both where the server looks for them, and as it wants to have them.
fn hand_over(cluster: &Cluster, certificate: &str, key: &str) {
    let folder = cluster.data();
    let owner = std::fs::metadata(&folder).expect("a folder");
    for (name, text) in [("server.crt", certificate), ("server.key", key)] {
        let path = Path::new(&folder).join(name);
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("set");
        chown(&path, Some(owner.uid()), Some(owner.gid())).expect("set");
    }
}

/// Starts the server again, on a port of this machine: the port.
fn on_the_network(cluster: &Cluster, with_tls: bool) -> u16 {
    let (data, socket) = (cluster.data(), cluster.folder.path().display());
    // Where there is TLS, who comes without is refused.
    let (ssl, kind) = if with_tls { ("on", "hostssl") } else { ("off", "host") };
    let rules = format!("local all all trust\n{kind} all all 127.0.0.1/32 trust\n");
    std::fs::write(format!("{data}/pg_hba.conf"), rules).expect("written");
    for _ in 0..TRIES {
        cluster.stop().expect("it stops");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let options =
            format!("-c listen_addresses=127.0.0.1 -c port={free} -c unix_socket_directories={socket} -c ssl={ssl} -F");
        if cluster.run("pg_ctl", &["-D", &data, "-w", "-l", &format!("{socket}/log"), "-o", &options, "start"]).is_ok()
        {
            return free;
        }
    }
    panic!("no port is free")
}

fn address(host: &str, port: u16, tls: &str) -> String {
    format!("postgres://postgres:hidden@{host}:{port}/trees{tls}")
}

fn status(url: &str) -> crate::run::Outcome {
    Place::new().with("DATABASE_URL", url).run(&["migrate", "status", "--json"])
}

#[test]
fn every_sslmode_does_what_postgresql_says_of_it() {
    let Some(cluster) = Cluster::start_or_skip("every_sslmode_does_what_postgresql_says_of_it") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("written");
        folder.path().join(name).display().to_string()
    };
    cluster.database("trees");
    let (own, other) = (Authority::new(), Authority::new());
    let certificate = own.certify(&cluster, 2100);
    let (ours, others) = (file("ours.pem", &own.pem), file("others.pem", &other.pem));
    let (pinned, missing) = (file("server.pem", &certificate), folder.path().join("none.pem").display().to_string());
    let empty = file("empty.pem", "nothing\n");
    let port = on_the_network(&cluster, true);

    let good = [
        ("127.0.0.1", String::new()),
        ("127.0.0.1", "?sslmode=prefer".to_owned()),
        ("127.0.0.1", "?sslmode=require".to_owned()),
        ("127.0.0.1", format!("?sslmode=verify-ca&sslrootcert={ours}")),
        ("127.0.0.1", format!("?sslmode=verify-ca&sslrootcert={pinned}")),
        ("localhost", format!("?sslmode=verify-full&sslrootcert={ours}")),
        ("localhost", format!("?sslmode=verify-full&sslrootcert={pinned}")),
        ("localhost", format!("?sslrootcert={ours}")),
    ];
    for (host, tls) in &good {
        let outcome = status(&address(host, port, tls));
        assert_eq!(outcome.code, 0, "{host} {tls}: {}", outcome.stderr);
    }
    let bad = [
        ("127.0.0.1", "?sslmode=disable".to_owned(), "no encryption"),
        ("127.0.0.1", format!("?sslmode=verify-full&sslrootcert={ours}"), "another name (DnsName(\"localhost\"))"),
        ("127.0.0.1", format!("?sslmode=verify-full&sslrootcert={pinned}"), "another name"),
        ("localhost", format!("?sslmode=verify-full&sslrootcert={others}"), "not signed by an authority in"),
        ("localhost", format!("?sslmode=verify-ca&sslrootcert={others}"), "not signed by an authority in"),
        ("localhost", format!("?sslmode=require&sslrootcert={others}"), "not signed by an authority in"),
        ("localhost", "?sslmode=verify-full".to_owned(), "not signed by a public authority"),
        ("localhost", format!("?sslmode=verify-full&sslrootcert={missing}"), "none.pem (sslrootcert) cannot be read"),
        ("localhost", format!("?sslmode=verify-full&sslrootcert={empty}"), "holds no certificate"),
        ("localhost", "?sslmode=often".to_owned(), "must be one of disable, prefer"),
    ];
    for (host, tls, words) in &bad {
        let outcome = status(&address(host, port, tls));
        outcome.refused(1, &[words]);
        assert!(!outcome.stderr.contains("hidden"), "{}", outcome.stderr);
    }
}

#[test]
fn commands_and_pg_dump_go_over_tls_and_say_what_is_wrong_with_the_server() {
    let name = "commands_and_pg_dump_go_over_tls_and_say_what_is_wrong_with_the_server";
    let Some(cluster) = Cluster::start_or_skip(name) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    cluster.database("trees");
    let own = Authority::new();
    own.certify(&cluster, 2100);
    let ours = folder.path().join("ours.pem");
    std::fs::write(&ours, &own.pem).expect("written");
    let port = on_the_network(&cluster, true);
    let verified = format!("?sslmode=verify-full&sslrootcert={}", ours.display());
    let place = Place::new().with("DATABASE_URL", &address("localhost", port, &verified));
    assert_eq!(place.run(&["migrate"]).code, 0);
    let found = encryption(&place);
    assert_eq!(
        (&found["status"], &found["message"]),
        (&json!("ok"), &json!("TLSv1.3, and the server is known by its certificate (verify-full)"))
    );
    // pg_dump looks at the same certificate.
    assert_eq!(place.run(&["backup", "create", "--json"]).json()["engine"], "postgresql");

    own.certify(&cluster, 2021);
    cluster.run("pg_ctl", &["-D", &cluster.data(), "reload"]).expect("it reads its certificate again");
    until("the old certificate is out", || status(&address("localhost", port, &verified)).code == 1);
    status(&address("localhost", port, &verified)).refused(1, &["its certificate has expired"]);

    let port = on_the_network(&cluster, false);
    status(&address("127.0.0.1", port, "?sslmode=require"))
        .refused(1, &["offers no TLS", "sslmode=require", "ssl = on"]);
    status(&address("localhost", port, &verified)).refused(1, &["offers no TLS", "sslmode=verify-full"]);
    assert_eq!(status(&address("127.0.0.1", port, "?sslmode=prefer")).code, 0);
    let place = Place::new().with("DATABASE_URL", &address("127.0.0.1", port, ""));
    assert_eq!(encryption(&place)["message"], "what is said to PostgreSQL stays on this machine");
}

fn encryption(place: &Place) -> Value {
    let found: Value = serde_json::from_str(&place.run(&["doctor", "--json"]).stdout).expect("JSON");
    let checks = found["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["check"] == "database_encryption").expect("it is looked at").clone()
}

#[test]
fn a_check_of_the_settings_says_what_is_wrong_with_the_address() {
    for (parameters, words) in [
        ("sslmode=sometimes", "sslmode in the PostgreSQL address must be one of"),
        ("sslmode=verify-full&sslrootcert=/no/such.pem", "/no/such.pem (sslrootcert) cannot be read"),
        ("sslcert=mine.pem", "sslcert in the PostgreSQL address is not supported"),
    ] {
        let url = format!("postgres://tree:hidden@db/trees?{parameters}");
        let outcome = Place::new().with("DATABASE_URL", &url).run(&["config", "check"]);
        outcome.refused(4, &["database.url: ", words]);
        assert!(!outcome.stderr.contains("hidden"), "{}", outcome.stderr);
    }
}
