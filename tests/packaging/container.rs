//! The image: the Dockerfile judged, what it makes put together by hand and run in an empty root, as an engine would.

use crate::dist::{self, program_or_skip};
use crate::machine::{has_or_skip, skip};
use crate::yaml::{GOOD_KEY, TOP, documents, settings_judged, tool_or_skip};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const DOCKERFILE: &str = "packaging/container/Dockerfile";
const COMPOSE: &str = "packaging/container/compose.yaml";
const PATIENCE: Duration = Duration::from_secs(120);

/// What the Dockerfile says, instruction by instruction.
struct Image {
    instructions: Vec<(String, String)>,
}

impl Image {
    fn read() -> Image {
        let text = fs::read_to_string(Path::new(TOP).join(DOCKERFILE)).expect("the Dockerfile");
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let joined = lines.join("\n").replace("\\\n", " ").replace("${TARGETARCH}", dist::ARCHITECTURE);
        let split = |line: &str| line.split_once(' ').map(|(name, rest)| (name.to_owned(), rest.trim().to_owned()));
        Image { instructions: joined.lines().filter_map(split).collect() }
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.instructions.iter().filter(move |(known, _)| known == name).map(|(_, rest)| rest.as_str())
    }

    #[track_caller]
    fn one(&self, name: &str) -> &str {
        let found: Vec<_> = self.all(name).collect();
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        found[0]
    }

    fn words(&self, name: &str) -> Vec<String> {
        let (_, list) = self.one(name).split_once('[').expect("a list");
        serde_json::from_str(&format!("[{list}")).expect("a list")
    }

    fn environment(&self) -> Vec<(String, String)> {
        let pairs = self.one("ENV").split_whitespace();
        pairs.map(|pair| pair.split_once('=').expect("a pair")).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
    }

    /// The files of the image, as its COPY lines say; what an engine mounts has its place.
    fn unpack(&self, root: &Path) {
        for line in self.all("COPY") {
            let mut words: Vec<&str> = line.split(' ').collect();
            let option = words.remove(0);
            let (from, to) = (dist::folder().join(words[0]), root.join(words[1].trim_start_matches('/')));
            fs::create_dir_all(to.parent().expect("a folder")).expect("folders");
            if from.is_dir() {
                assert_eq!(fs::read_dir(&from).expect("a folder").count(), 0, "nothing is in {}", from.display());
                fs::create_dir_all(&to).expect("a folder");
            } else {
                fs::copy(&from, &to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
            }
            match option.split_once('=').expect("an option") {
                ("--chmod", mode) => {
                    let mode = u32::from_str_radix(mode, 8).expect("a mode");
                    fs::set_permissions(&to, fs::Permissions::from_mode(mode)).expect("root may");
                }
                ("--chown", user) => give(&to, user),
                other => panic!("unknown: {other:?}"),
            }
        }
        for folder in ["proc", "dev", "etc"] {
            fs::create_dir(root.join(folder)).expect("a folder");
        }
        for device in ["null", "zero", "random", "urandom"] {
            fs::write(root.join("dev").join(device), "").expect("a file");
        }
        fs::write(root.join("etc/resolv.conf"), "nameserver 127.0.0.1\n").expect("a file");
    }
}

fn give(path: &Path, user: &str) {
    let (user, group) = user.split_once(':').expect("user and group");
    chown(path, user.parse().ok(), group.parse().ok()).expect("root may");
}

/// A running container.
struct Container<'a> {
    image: &'a Image,
    child: Child,
    /// Its first process, as this machine numbers it.
    first: String,
}

impl<'a> Container<'a> {
    fn start(image: &'a Image, root: &Path, volume: &Path) -> Container<'a> {
        let mut command = Command::new(format!("{TOP}/tests/packaging/container.sh"));
        command.arg(root).arg(volume).args([image.one("VOLUME"), image.one("USER"), image.one("WORKDIR")]);
        command.args(image.words("ENTRYPOINT")).args(image.words("CMD"));
        command.env_clear().envs(image.environment()).env("SECRET_KEY", GOOD_KEY);
        // The script needs its own programs; the image's are found by what it says itself.
        command.env("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the script is there");
        let mut first = String::new();
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        lines.read_line(&mut first).expect("it prints a line");
        Container { image, child, first: first.trim().to_owned() }
    }

    /// What the image's health check says, inside of it.
    fn healthcheck(&self) -> Output {
        self.inside(&self.image.words("HEALTHCHECK"))
    }

    fn inside(&self, program: &[String]) -> Output {
        let (user, group) = self.image.one("USER").split_once(':').expect("user and group");
        let mut command = Command::new("/usr/bin/nsenter");
        command.args(["--target", &self.first, "--mount", "--pid", "--net", "--root", "--wd", "--setuid", user]);
        command.args(["--setgid", group, "--"]).args(program).env_clear().envs(self.image.environment());
        command.env("SECRET_KEY", GOOD_KEY).output().expect("nsenter runs")
    }

    /// Waits until it is healthy.
    fn healthy(&self) {
        let begun = Instant::now();
        loop {
            let output = self.healthcheck();
            if output.status.success() {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{output:?}");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// The answer to a request from its own network.
    fn curl(&self, path: &str, arguments: &[&str]) -> Value {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.first, "--net", "curl", "--silent", "--max-time", "60"]).args(arguments);
        let output = command.arg(format!("http://127.0.0.1:8000{path}")).output().expect("nsenter runs");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{path}: {error}: {output:?}"))
    }

    /// A field of its process' status.
    fn field(&self, name: &str) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.first)).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a field");
        line.trim().to_owned()
    }

    /// Its exit code, after the signal the image says.
    fn stop(mut self) -> Option<i32> {
        let signal = self.image.one("STOPSIGNAL").trim_start_matches("SIG");
        Command::new("kill").args(["-s", signal, &self.first]).status().expect("kill runs");
        // While we hold on to it, nothing but the signal ends it.
        let held = self.child.stdin.take();
        let code = self.child.wait().expect("it ends").code();
        drop(held);
        code
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // Its end is all that is asked for.
        let _ended = self.child.wait();
    }
}

/// The image put together, with an empty volume; `None`, and why, where that cannot be.
fn unpacked_or_skip(test: &str, image: &Image) -> Option<(TempDir, TempDir)> {
    if !rustix::process::geteuid().is_root() {
        skip(test, "only root can make a container");
        return None;
    }
    let tools = ["unshare", "nsenter", "setpriv", "ip", "curl"];
    if !tools.iter().all(|tool| has_or_skip(test, tool)) {
        return None;
    }
    program_or_skip(test)?;
    let (root, volume) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).expect("root may");
    image.unpack(root.path());
    give(volume.path(), image.one("USER"));
    Some((root, volume))
}

#[test]
fn the_image_is_the_static_program_alone_and_all_it_needs() {
    let image = Image::read();
    assert_eq!(image.one("FROM"), "scratch");
    let Some((root, volume)) = unpacked_or_skip("the image in an empty root", &image) else { return };
    let container = Container::start(&image, root.path(), volume.path());
    container.healthy();
    let version = container.curl("/version", &[]);
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"), "{version}");

    // Nobody in particular, who may do nothing in particular.
    assert_eq!(container.field("Uid:"), "65532\t65532\t65532\t65532");
    assert_eq!(container.field("Gid:"), "65532\t65532\t65532\t65532");
    assert_eq!(container.field("Groups:"), "");
    assert_eq!([container.field("CapEff:"), container.field("CapPrm:")], ["0000000000000000", "0000000000000000"]);
    assert_eq!(
        (container.field("NoNewPrivs:").as_str(), container.field("NSpid:").split('\t').nth(1)),
        ("1", Some("1"))
    );

    let json = "content-type: application/json";
    let account = r#"{"email":"kept@example.org","password":"violet tram seven","name":"Kept","zip_code":"78701"}"#;
    let tokens = container.curl("/api/v1/auth/register", &["-H", json, "--data", account]);
    assert!(tokens["access_token"].is_string(), "{tokens}");
    assert_eq!(container.stop(), Some(0), "the first process hears the signal to stop");

    // What it wrote is in the volume, and is there for the next container.
    let written: Vec<_> = fs::read_dir(root.path().join("data")).expect("a folder").collect();
    assert!(written.is_empty(), "{written:?}");
    assert!(volume.path().join("treebeard.db").exists());
    let container = Container::start(&image, root.path(), volume.path());
    container.healthy();
    let known = r#"{"username":"kept@example.org","password":"violet tram seven"}"#;
    let tokens = container.curl("/api/v1/auth/login", &["-H", json, "--data", known]);
    assert!(tokens["access_token"].is_string(), "{tokens}");
}

/// A name server as engines have one for the names of services: every name is this machine.
const NAMES: &str = "import socket
door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
door.bind(('127.0.0.1', 53))
while True:
    asked, who = door.recvfrom(512)
    end = asked.index(0, 12) + 5
    found = asked[end - 4 : end - 2] == bytes([0, 1])
    head = asked[:2] + bytes([0x81, 0x80, 0, 1, 0, found, 0, 0, 0, 0]) + asked[12:end]
    door.sendto(head + bytes([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1] if found else []), who)";

/// A static program finds the database by its service's name, with no file of the C library there.
#[test]
fn names_of_services_are_found_in_the_image() {
    let test = "names in the image";
    let image = Image::read();
    let Some((root, volume)) = unpacked_or_skip(test, &image) else { return };
    let Some(python) = tool_or_skip(test, "python") else { return };
    let container = Container::start(&image, root.path(), volume.path());
    container.healthy();
    let mut command = Command::new("nsenter");
    command.args(["--target", &container.first, "--net"]).arg(python).args(["-c", NAMES]);
    let mut names = command.stdin(Stdio::null()).spawn().expect("nsenter runs");
    let ask = ["treebeard", "healthcheck", "--url", "http://treebeard.example:8000"].map(str::to_owned);
    let begun = Instant::now();
    let mut output = container.inside(&ask);
    while !output.status.success() && begun.elapsed() < PATIENCE {
        output = container.inside(&ask);
    }
    names.kill().expect("it runs");
    names.wait().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "http://treebeard.example:8000 is ready", "{output:?}");
}

#[test]
fn hadolint_finds_nothing_in_the_dockerfile() {
    let Some(hadolint) = tool_or_skip("the Dockerfile", "hadolint") else { return };
    let output = Command::new(hadolint).args(["--no-color", DOCKERFILE]).current_dir(TOP).output().expect("it runs");
    assert!(output.status.success() && output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_compose_file_is_what_its_schema_says_and_what_the_program_takes() {
    let Some(check) = tool_or_skip("the compose file", "check-jsonschema") else { return };
    let mut command = Command::new(check);
    command.args(["--builtin-schema", "vendor.compose-spec", COMPOSE]).current_dir(TOP);
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

    let Some(python) = tool_or_skip("the compose file", "python") else { return };
    let compose = documents(&python, COMPOSE).remove(0);
    let service = &compose["services"]["treebeard"];
    assert_eq!(service["image"], format!("treebeard:{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(
        [&service["user"], &service["read_only"], &service["cap_drop"], &service["security_opt"]],
        [&json!("65532:65532"), &json!(true), &json!(["ALL"]), &json!(["no-new-privileges:true"])]
    );
    let image = Image::read();
    assert_eq!(
        (service["user"].as_str(), service["volumes"][0].as_str()),
        (Some(image.one("USER")), Some("data:/data"))
    );
    assert_eq!(service["ports"][0], format!("127.0.0.1:8000:{}", image.one("EXPOSE")));

    // The variables of both, with the secrets that the first lines make.
    let folder = tempfile::tempdir().expect("a folder");
    let mut variables = image.environment();
    for (name, value) in service["environment"].as_object().expect("variables") {
        let value = value.as_str().expect("a text");
        let Some(secret) = value.strip_prefix("/run/secrets/") else {
            variables.push((name.clone(), value.to_owned()));
            continue;
        };
        assert!(service["secrets"].as_array().is_some_and(|known| known.contains(&json!(secret))), "{secret}");
        assert_eq!(compose["secrets"][secret]["file"], format!("secrets/{secret}"));
        let text = if secret == "database_url" { "postgres://treebeard:123abc@database/treebeard" } else { GOOD_KEY };
        fs::write(folder.path().join(secret), text).expect("written");
        variables.push((name.clone(), folder.path().join(secret).display().to_string()));
    }
    let (taken, said) = settings_judged(&variables, None);
    assert!(taken, "{said}");
}
