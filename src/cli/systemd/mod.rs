//! `treebeard service`: this program as a service of systemd, from the units it carries.

mod steps;

use crate::cli::{Failure, output};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use steps::{Done, Step};

const SERVICE: &str = include_str!("../../../packaging/systemd/treebeard.service");
const SOCKET: &str = include_str!("../../../packaging/systemd/treebeard.socket");
const SETTINGS: &str = include_str!("../../../packaging/systemd/treebeard.toml");
/// Where the Debian package has the program, and so the unit as it is written.
const PACKAGED: &str = "/usr/bin/treebeard";
const PROGRAM: &str = "/usr/local/bin/treebeard";
const UNITS: &str = "/etc/systemd/system";
const PACKAGED_UNITS: [&str; 2] = ["/usr/lib/systemd/system", "/lib/systemd/system"];

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    treebeard service install --dry-run\n  \
    treebeard service install\n  \
    treebeard service status\n  \
    treebeard service uninstall")]
pub struct Arguments {
    #[command(subcommand)]
    command: ServiceCommand,
}

#[derive(Debug, Subcommand)]
enum ServiceCommand {
    /// Install this program as a service and start it; again with a newer one, and it is upgraded
    Install(Place),
    /// Stop the service and remove it; settings and data stay
    Uninstall {
        #[command(flatten)]
        place: Place,
        /// Remove settings, keys and data as well
        #[arg(long)]
        purge: bool,
    },
    /// Say what is installed and whether it runs
    Status {
        #[command(flatten)]
        root: Root,
        #[arg(long)]
        json: bool,
    },
    /// Print a unit as it would be installed
    Print {
        #[arg(value_enum, default_value_t = Unit::Service)]
        unit: Unit,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Unit {
    Service,
    Socket,
}

#[derive(Debug, Args)]
struct Root {
    /// Another machine's file system, such as an image being made; nothing is started there
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Place {
    #[command(flatten)]
    root: Root,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        ServiceCommand::Install(place) => {
            place.root.refuse_packaged()?;
            let from = std::env::current_exe()?;
            carry_out(&place.root.install(from), place.dry_run)?;
            if place.root.root.is_none() && !place.dry_run {
                output::note(
                    "it answers on 127.0.0.1:8000; treebeard admin create EMAIL makes the first administrator",
                );
            }
            Ok(())
        }
        ServiceCommand::Uninstall { place, purge } => {
            place.root.refuse_packaged()?;
            carry_out(&place.root.uninstall(*purge), place.dry_run)?;
            if !purge {
                output::note("settings (/etc/treebeard) and data (/var/lib/treebeard) stay; --purge removes them");
            }
            Ok(())
        }
        ServiceCommand::Status { root, json } => status(root, *json),
        ServiceCommand::Print { unit } => output::print(&match unit {
            Unit::Service => service_unit(),
            Unit::Socket => SOCKET.to_owned(),
        }),
    }
}

fn carry_out(steps: &[Step], only_say: bool) -> Result<(), Failure> {
    for step in steps {
        if only_say {
            output::print(&format!("would {step}"))?;
            continue;
        }
        match step.apply() {
            Ok(Done::Changed) => output::print(&format!("done: {step}"))?,
            Ok(Done::AsItWas) => output::print(&format!("as it was: {step}"))?,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(Failure::failed(format!("cannot {step}: {error}; run it as root")));
            }
            Err(error) => return Err(Failure::failed(format!("cannot {step}: {error}"))),
        }
    }
    Ok(())
}

pub(super) fn service_unit() -> String {
    SERVICE.replace(&format!("={PACKAGED} "), &format!("={PROGRAM} "))
}

/// The unit installed in the file system at `root`, and whether it is as this program has it.
pub(super) fn installed_unit(root: &Path) -> Option<(PathBuf, bool)> {
    let root = Root { root: Some(root.to_owned()) };
    let folders = std::iter::once(&UNITS).chain(&PACKAGED_UNITS);
    let path = folders.map(|folder| root.path(folder).join("treebeard.service")).find(|path| path.exists())?;
    let text = fs::read_to_string(&path).ok()?;
    Some((path, text == SERVICE || text == service_unit()))
}

impl Root {
    fn path(&self, path: &str) -> PathBuf {
        match &self.root {
            Some(root) => root.join(path.trim_start_matches('/')),
            None => PathBuf::from(path),
        }
    }

    fn unit(&self, name: &str) -> PathBuf {
        self.path(UNITS).join(name)
    }

    /// Two installations of one service would undo each other.
    fn refuse_packaged(&self) -> Result<(), Failure> {
        match PACKAGED_UNITS.iter().map(|folder| self.path(folder).join("treebeard.service")).find(|path| path.exists())
        {
            None => Ok(()),
            Some(path) => Err(Failure::failed(format!(
                "the package treebeard has installed the service ({}): use apt and systemctl instead",
                path.display()
            ))),
        }
    }

    fn install(&self, from: PathBuf) -> Vec<Step> {
        let mut steps = Vec::new();
        let to = self.path(PROGRAM);
        if from != to {
            steps.push(Step::Program { from, to });
        }
        steps.extend([
            Step::Ours { path: self.unit("treebeard.service"), text: service_unit() },
            Step::Ours { path: self.unit("treebeard.socket"), text: SOCKET.to_owned() },
            Step::Theirs { path: self.path("/etc/treebeard/treebeard.toml"), text: SETTINGS.to_owned() },
            Step::Key { path: self.path("/etc/treebeard/secret_key") },
        ]);
        if self.root.is_none() {
            steps.extend([
                Step::run("systemctl", &["daemon-reload"]),
                Step::run("systemctl", &["enable", "--quiet", "treebeard.socket", "treebeard.service"]),
                // The socket first, and it is never restarted: who connects meanwhile waits in its queue.
                Step::run("systemctl", &["start", "treebeard.socket"]),
                Step::run("systemctl", &["restart", "treebeard.service"]),
            ]);
        }
        steps
    }

    fn uninstall(&self, purge: bool) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.root.is_none() && self.unit("treebeard.service").exists() {
            let units = ["disable", "--now", "--quiet", "treebeard.service", "treebeard.socket"];
            steps.push(Step::run("systemctl", &units));
        }
        steps.extend(["treebeard.service", "treebeard.socket"].map(|name| Step::RemoveFile { path: self.unit(name) }));
        steps.push(Step::RemoveFile { path: self.path(PROGRAM) });
        if self.root.is_none() {
            steps.push(Step::run("systemctl", &["daemon-reload"]));
        }
        if purge {
            let folders = ["/etc/treebeard", "/var/lib/treebeard", "/var/lib/private/treebeard"];
            steps.extend(folders.map(|folder| Step::RemoveFolder { path: self.path(folder) }));
        }
        steps
    }
}

/// How a file stands to what this program would install.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    Same,
    Differs,
    Absent,
}

impl Standing {
    fn of(path: &Path, text: &str) -> Self {
        match fs::read_to_string(path) {
            Ok(present) if present == text => Standing::Same,
            Ok(_) => Standing::Differs,
            Err(_) => Standing::Absent,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Standing::Same => "as this program installs it",
            Standing::Differs => "differs from what this program installs",
            Standing::Absent => "not installed",
        }
    }
}

fn status(root: &Root, as_json: bool) -> Result<(), Failure> {
    let packaged = PACKAGED_UNITS
        .map(|folder| root.path(folder))
        .into_iter()
        .find(|folder| folder.join("treebeard.service").exists());
    let is_packaged = packaged.is_some();
    let folder = packaged.unwrap_or_else(|| root.path(UNITS));
    let service = if is_packaged { SERVICE.to_owned() } else { service_unit() };
    let units = [("treebeard.service", service), ("treebeard.socket", SOCKET.to_owned())];
    let units = units.map(|(name, text)| {
        let path = folder.join(name);
        let standing = Standing::of(&path, &text);
        (path, standing)
    });
    let drop_ins = drop_ins(root);
    let state = if root.root.is_none() { state("treebeard.service") } else { None };
    if as_json {
        let units = units.iter().map(|(path, standing)| json!({"path": path, "standing": standing}));
        output::print_json(&json!({
            "units": units.collect::<Vec<_>>(),
            "drop_ins": drop_ins,
            "active": state.as_ref().map(|state| &state.active),
            "status": state.as_ref().map(|state| &state.text),
        }))?;
    } else {
        for (path, standing) in &units {
            output::print(&format!("{}: {}", path.display(), standing.word()))?;
        }
        for path in &drop_ins {
            output::print(&format!("{}: changes it", path.display()))?;
        }
        if let Some(state) = &state {
            output::print(&format!("{}: {}", state.active, state.text))?;
        }
    }
    let installed = units.iter().all(|(_, standing)| *standing != Standing::Absent);
    let runs = root.root.is_some() || state.is_some_and(|state| state.active == "active");
    if installed && runs { Ok(()) } else { Err(Failure::ChecksFailed) }
}

/// The operator's own changes of the units.
fn drop_ins(root: &Root) -> Vec<PathBuf> {
    let folders = ["treebeard.service.d", "treebeard.socket.d"].map(|name| root.unit(name));
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "conf"));
    paths.sort();
    paths
}

/// What systemd knows of a unit.
struct State {
    active: String,
    /// What the service last said of itself.
    text: String,
}

/// `None` where systemd does not run.
fn state(unit: &str) -> Option<State> {
    let shown = Command::new("systemctl").args(["show", "--property=ActiveState,StatusText", unit]).output().ok()?;
    let shown = shown.status.success().then(|| String::from_utf8_lossy(&shown.stdout).into_owned())?;
    let value = |name: &str| {
        let line = shown.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_default().to_owned()
    };
    Some(State { active: value("ActiveState"), text: value("StatusText") })
}
