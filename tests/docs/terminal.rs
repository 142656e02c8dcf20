//! A terminal in which the commands of a page are run, one block after the other, with the real binary.

use crate::page::top;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The most one block may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Where the pages say the service is; it is on a free port.
const STATED: [&str; 2] = ["127.0.0.1:8000", "localhost:8000"];

/// A shell in a folder of its own, with the program in its path, and the service it has started.
pub struct Terminal {
    folder: TempDir,
    shell: Child,
    service: Option<Child>,
    address: String,
    blocks: usize,
}

/// What a block printed, or why it failed.
pub type Outcome = Result<String, String>;

impl Terminal {
    pub fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let programs = folder.path().join("programs");
        fs::create_dir(&programs).expect("the temporary folder can be written");
        let link = |from: &Path, to: PathBuf| std::os::unix::fs::symlink(from, to).expect("a link can be made");
        link(Path::new(env!("CARGO_BIN_EXE_treebeard")), programs.join("treebeard"));
        for part in ["assets", "packaging", "tests"] {
            link(&top().join(part), folder.path().join(part));
        }
        let shell = clean("bash", folder.path())
            .args(["--noprofile", "--norc", "-euo", "pipefail"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("bash starts");
        Terminal { folder, shell, service: None, address: String::new(), blocks: 0 }
    }

    /// Runs a block to its end. What it sets is there for the next one.
    pub fn run(&mut self, commands: &str) -> Outcome {
        self.blocks += 1;
        let file = |kind: &str| self.folder.path().join(format!("block-{}.{kind}", self.blocks));
        let (printed, said, done) = (file("out"), file("err"), file("done"));
        let commands = self.readdressed(commands);
        let script = format!(
            "{{\n{commands}\n}} >'{}' 2>'{}' </dev/null\ntouch '{}'\n",
            printed.display(),
            said.display(),
            done.display()
        );
        let input = self.shell.stdin.as_mut().expect("a pipe");
        input.write_all(script.as_bytes()).map_err(|error| error.to_string())?;
        let end = Instant::now() + PATIENCE;
        let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        loop {
            if done.exists() {
                return Ok(read(&printed));
            }
            let ended = self.shell.try_wait().expect("it can be asked");
            if let Some(status) = ended {
                return Err(format!("{status}\n{}{}", read(&printed), read(&said)));
            }
            if Instant::now() > end {
                return Err(format!("it does not end\n{}{}", read(&printed), read(&said)));
            }
            sleep(Duration::from_millis(10));
        }
    }

    /// Starts what keeps running, and waits until it serves.
    pub fn serve(&mut self, command: &str) -> Outcome {
        self.stop();
        let log = self.folder.path().join("service.log");
        let service = clean("bash", self.folder.path())
            .args(["--noprofile", "--norc", "-c", &format!("exec env {}", command.trim())])
            .env("TREEBEARD_SERVER__LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).expect("the temporary folder can be written"))
            .spawn()
            .expect("bash starts");
        let service = self.service.insert(service);
        let end = Instant::now() + PATIENCE;
        loop {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let listening = said.lines().find_map(|line| {
                let line: Value = serde_json::from_str(line).ok()?;
                Some(line["address"].as_str()?.to_owned())
            });
            if let Some(address) = listening {
                self.address = address;
                // What asks for the service by its settings finds it, too.
                return self.run(&format!("export TREEBEARD_SERVER__LISTEN={}", self.address));
            }
            if service.try_wait().expect("it can be asked").is_some() || Instant::now() > end {
                return Err(format!("it does not serve\n{said}"));
            }
            sleep(Duration::from_millis(10));
        }
    }

    /// Ends the service as Ctrl-C does.
    pub fn stop(&mut self) {
        if let Some(mut service) = self.service.take() {
            let process = rustix::process::Pid::from_child(&service);
            // It may have ended already.
            let _ended = rustix::process::kill_process(process, rustix::process::Signal::INT);
            service.wait().expect("it ends");
        }
    }

    fn readdressed(&self, commands: &str) -> String {
        if self.address.is_empty() {
            return commands.to_owned();
        }
        STATED.iter().fold(commands.to_owned(), |text, stated| text.replace(stated, &self.address))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Both may have ended already.
        for child in [self.service.as_mut(), Some(&mut self.shell)].into_iter().flatten() {
            let _ended = child.kill();
            let _ended = child.wait();
        }
    }
}

/// A program with nothing of this machine's environment.
fn clean(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", folder.join("programs").display());
    command.current_dir(folder).env_clear().env("PATH", path).env("HOME", folder);
    command
}
