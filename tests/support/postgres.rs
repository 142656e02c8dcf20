//! A private PostgreSQL cluster for a test: started from the installed programs, stopped and removed at its end.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A running cluster, reachable only through a socket in its own folder. Stops when dropped, also on a panic.
pub struct Cluster {
    programs: PathBuf,
    account: Option<Account>,
    pub folder: TempDir,
}

/// Whom to run the server as: it refuses to run as root.
#[derive(Clone, Copy)]
struct Account {
    user: u32,
    group: u32,
}

impl Cluster {
    /// Starts a cluster, or says by name that the tests of `name` are skipped. On CI nothing may be skipped.
    pub fn start_or_skip(name: &str) -> Option<Cluster> {
        match Cluster::start() {
            Ok(cluster) => Some(cluster),
            Err(reason) => {
                assert!(std::env::var_os("CI").is_none(), "{name}: {reason}");
                println!("skipped: {name}: {reason}");
                None
            }
        }
    }

    fn start() -> Result<Cluster, String> {
        let programs = programs().ok_or("postgres: initdb and pg_ctl are not installed")?;
        let account = if rustix::process::geteuid().is_root() { Some(server_account()?) } else { None };
        let folder = tempfile::Builder::new().prefix("treebeard-pg").tempdir().map_err(|e| e.to_string())?;
        if let Some(account) = account {
            chown(folder.path(), Some(account.user), Some(account.group)).map_err(|e| e.to_string())?;
        }
        let cluster = Cluster { programs, account, folder };
        let data = cluster.data();
        cluster.run("initdb", &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"])?;
        cluster.launch()?;
        Ok(cluster)
    }

    /// Starts the server over the data there are.
    pub fn launch(&self) -> Result<(), String> {
        let socket = self.folder.path().display();
        let options = format!("-c listen_addresses= -c unix_socket_directories={socket} -c max_connections=200 -F");
        let log = format!("{socket}/log");
        self.run("pg_ctl", &["-D", &self.data(), "-w", "-t", "60", "-l", &log, "-o", &options, "start"])
    }

    /// Takes the server down, as a fault would; its data stay.
    pub fn stop(&self) -> Result<(), String> {
        self.run("pg_ctl", &["-D", &self.data(), "-w", "-m", "immediate", "stop"])
    }

    /// The address of a new, empty database. Must not be called on a runtime thread.
    pub fn database(&self, name: &str) -> String {
        let mut client = postgres::Client::connect(&self.url("postgres"), postgres::NoTls).expect("the cluster runs");
        client.batch_execute(&format!("CREATE DATABASE {name}")).expect("a new name");
        self.url(name)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@/{database}?host={}", self.folder.path().display())
    }

    /// The folder of the server's data.
    pub fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// Runs one of the installed programs as whom the server runs as.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let path = self.programs.join(program);
        let mut command = match self.account {
            None => Command::new(path),
            Some(account) => {
                let mut command = Command::new("setpriv");
                let (user, group) = (format!("--reuid={}", account.user), format!("--regid={}", account.group));
                command.args([&user, &group, "--clear-groups"]).arg(path);
                command
            }
        };
        // Into a file and not a pipe: the server inherits it and would keep the pipe open.
        let log = self.folder.path().join(format!("{program}.log"));
        let output = fs::File::create(&log).map_err(|e| e.to_string())?;
        let errors = output.try_clone().map_err(|e| e.to_string())?;
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).stdout(output).stderr(errors);
        let status = command.status().map_err(|e| format!("postgres: {program} cannot be run: {e}"))?;
        if status.success() {
            return Ok(());
        }
        Err(format!("postgres: {program} failed: {}", fs::read_to_string(&log).unwrap_or_default().trim()))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("the test's PostgreSQL was not stopped: {error}");
        }
    }
}

/// The folder with the server's programs: the newest of Debian's, else what the search path has.
fn programs() -> Option<PathBuf> {
    let complete = |folder: &Path| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file();
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = installed
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| complete(folder))
        .collect();
    versions.sort();
    let search = std::env::var_os("PATH").unwrap_or_default();
    versions.pop().map(|(_, folder)| folder).or_else(|| std::env::split_paths(&search).find(|folder| complete(folder)))
}

/// The account named postgres.
fn server_account() -> Result<Account, String> {
    let accounts = fs::read_to_string("/etc/passwd").map_err(|e| e.to_string())?;
    let fields =
        accounts.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == "postgres");
    let number = |n: usize| fields.as_ref()?.get(n)?.parse().ok();
    match (number(2), number(3)) {
        (Some(user), Some(group)) => Ok(Account { user, group }),
        _ => Err("postgres: running as root, and there is no account named postgres to run the server as".to_owned()),
    }
}
