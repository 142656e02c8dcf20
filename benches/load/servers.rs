//! The servers that are measured, each a process of its own: the real binary, and a bare poem route beside it.

use crate::world;
use poem::http::header;
use poem::listener::TcpListener;
use poem::{Endpoint, IntoResponse, Response, Route};
use serde_json::{Value, json};
use std::fs::{File, read_dir, read_to_string};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Clock ticks a second in `/proc`, the same on every Linux.
const TICKS: f64 = 100.0;
const PLANS: usize = 1_000;
/// Where a service keeps its database unless told otherwise.
pub const DATABASE: &str = "data/treebeard.db";
/// Nobody's limits are measured unless said otherwise.
pub const EXEMPT: &str = "limits.exempt_networks=127.0.0.0/8";

pub struct Server {
    process: Child,
    pub address: SocketAddr,
    folder: TempDir,
}

/// The binary that is measured.
pub fn binary() -> PathBuf {
    let named = std::env::var_os("TREEBEARD_BINARY");
    named.map_or_else(
        || env!("CARGO_BIN_EXE_treebeard").into(),
        |path| std::fs::canonicalize(path).expect("TREEBEARD_BINARY names a file"),
    )
}

/// Whether processes can be kept on processors of their own.
pub fn pinning() -> bool {
    thread::available_parallelism().is_ok_and(|cores| cores.get() > 1)
        && Command::new("taskset").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Keeps this process on `cpus`.
pub fn pin_self(cpus: &str) {
    let id = std::process::id().to_string();
    let pinned = Command::new("taskset").args(["-a", "-p", "-c", cpus, &id]).stdout(Stdio::null()).status();
    assert!(pinned.is_ok_and(|status| status.success()), "taskset could not pin this process to {cpus}");
}

impl Server {
    /// The real service on a store with a catalog of 1,000 plans. On the first processor alone if `pinned`.
    pub fn real(pinned: bool, settings: &[&str], more: &[&str]) -> Server {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder beside the build");
        let catalog = serde_json::to_vec(&world::catalog(PLANS)).expect("a catalog is JSON");
        std::fs::write(folder.path().join("catalog.json"), catalog).expect("room on the disk");
        let mut import = Command::new(binary());
        import.args(["catalog", "import", "catalog.json"]).current_dir(folder.path()).env_clear();
        let imported = import.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("the binary starts");
        assert!(imported.success(), "the catalog is imported");
        Server::over(folder, pinned, settings, more)
    }

    /// The real service on the store in `folder`.
    pub fn over(folder: TempDir, pinned: bool, settings: &[&str], more: &[&str]) -> Server {
        let address = free_address();
        let mut command = pinned_command(pinned, &binary());
        command.args(["serve", "--listen", &address.to_string()]).args(more);
        for setting in settings {
            command.args(["--set", setting]);
        }
        Server::start(command, address, folder)
    }

    /// One poem route that answers `path` with `body`, and nothing else.
    pub fn bare(pinned: bool, path: &str, body: &[u8]) -> Server {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder beside the build");
        let file = folder.path().join("body");
        std::fs::write(&file, body).expect("room on the disk");
        let address = free_address();
        let mut command = pinned_command(pinned, &std::env::current_exe().expect("the bench has a path"));
        command.args(["--bare", &address.to_string(), path]).arg(file);
        Server::start(command, address, folder)
    }

    fn start(mut command: Command, address: SocketAddr, folder: TempDir) -> Server {
        let log = File::create(folder.path().join("log")).expect("room on the disk");
        command.current_dir(folder.path()).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("it starts");
        let mut server = Server { process, address, folder };
        // The service alone knows this path; a bare route's 404 is an answer, too.
        while ureq::get(server.url("/health/ready")).config().http_status_as_error(false).build().call().is_err() {
            let ended = server.process.try_wait().expect("a child can be waited for");
            let log = || read_to_string(server.folder.path().join("log")).unwrap_or_default();
            assert!(ended.is_none(), "the server ended: {}", log());
            thread::sleep(Duration::from_millis(5));
        }
        server
    }

    /// The address of its database.
    pub fn database(&self) -> String {
        format!("sqlite:{}", self.folder.path().join(DATABASE).display())
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The `Authorization` of a new user.
    pub fn register(&self, name: &str) -> String {
        let user = json!({"email": format!("{name}@example.com"), "password": "a long bench password",
            "name": "Bench", "zip_code": world::ZIP});
        let mut answer = ureq::post(self.url("/api/v1/auth/register")).send_json(user).expect("registered");
        let tokens: Value = answer.body_mut().read_json().expect("JSON");
        format!("Bearer {}", tokens["access_token"].as_str().expect("a token"))
    }

    /// The body and the `ETag` of an answer.
    pub fn get(&self, path: &str, bearer: &str) -> (Vec<u8>, String) {
        let asked = ureq::get(self.url(path)).header("authorization", bearer).header("accept-encoding", "identity");
        let mut answer = asked.call().expect("an answer");
        let etag = answer.headers().get("etag").and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
        (answer.body_mut().read_to_vec().expect("a whole body"), etag)
    }

    /// Resident memory, bytes.
    pub fn resident(&self) -> u64 {
        let status = read_to_string(self.proc("status")).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the kernel tells it");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1_024
    }

    pub fn open_files(&self) -> usize {
        read_dir(self.proc("fd")).expect("it runs").count()
    }

    /// Processor time used, seconds.
    pub fn processor(&self) -> f64 {
        let stat = read_to_string(self.proc("stat")).expect("it runs");
        let after_name = stat.rsplit_once(") ").expect("the name ends").1;
        let fields = after_name.split(' ').skip(11).take(2);
        fields.map(|ticks| ticks.parse::<f64>().expect("a number")).sum::<f64>() / TICKS
    }

    fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.process.id().to_string()).join(file)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}

/// `taskset` becomes the program, so the child's id is the program's.
fn pinned_command(pinned: bool, program: &Path) -> Command {
    if !pinned {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program);
    command
}

fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound socket has an address")
}

/// The process behind [`Server::bare`]; ends when it is killed.
pub fn serve_bare(address: &str, path: &str, file: &str) {
    let body = bytes::Bytes::from(std::fs::read(file).expect("the body"));
    let endpoint = poem::endpoint::make_sync(move |_| {
        Response::builder().header(header::CONTENT_TYPE, "application/json").body(body.clone()).into_response()
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(run(address, Route::new().at(path, endpoint)));
}

async fn run(address: &str, route: impl Endpoint + 'static) {
    let server = poem::Server::new(TcpListener::bind(address.to_owned()));
    server.run(route).await.expect("it can listen");
}
