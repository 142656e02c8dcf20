//! Checks of where the data lie: folder, owner, kind of disk, room.

use super::{Finding, mode, private, sqlite_file};
use crate::config::Config;
use crate::store::backup::files::{beside, create_folder, folder_of, free_bytes};
use crate::store::db::guard;
use rustix::process::geteuid;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Less free than this, or than a tenth, is worth a warning.
const FREE_BYTES_MIN: u64 = 200 << 20;
const FREE_FILES_MIN: u64 = 1_000;
/// In the names of what only a killed command leaves.
const LEFT_OVER: [&str; 2] = [".rehearsal-", ".staged-"];

pub fn check(config: &Config) -> Vec<Finding> {
    let folder = sqlite_file(config).map_or(config.data_dir.as_path(), folder_of);
    let mut findings = vec![account()];
    if !folder.is_dir() {
        let made = folder.to_owned();
        let missing = Finding::warning(
            "data_folder",
            format!("there is no {} yet; the service makes it", folder.display()),
            format!("mkdir -m 700 {}", folder.display()),
        );
        findings.push(missing.mended_by(move || create_folder(&made).map_err(|error| error.to_string())));
        let names = ["data_folder_mode", "data_owner", "file_system", "free_space", "free_files", "left_over"];
        findings.extend(names.map(|name| Finding::skipped(name, "there is no data folder yet")));
        return findings;
    }
    findings.push(writable(folder));
    findings.push(private("data_folder_mode", "the data folder", vec![folder.to_owned()]));
    findings.push(owner(config, folder));
    findings.push(file_system(config, folder));
    findings.push(space(config, folder));
    findings.push(files(folder));
    findings.push(left_over(config, folder));
    findings
}

fn account() -> Finding {
    let name = "account";
    if geteuid().is_root() {
        let remedy = "Run it as an account of its own; `treebeard service install` sets that up.";
        return Finding::warning(name, "this runs as root, which the service does not need", remedy);
    }
    Finding::ok(name, "this does not run as root")
}

fn writable(folder: &Path) -> Finding {
    let name = "data_folder";
    match tempfile::Builder::new().prefix(".doctor-").tempfile_in(folder) {
        Ok(_) => Finding::ok(name, format!("{} can be written", folder.display())),
        Err(error) => Finding::problem(
            name,
            format!("{} cannot be written: {error}", folder.display()),
            "Give it to the account the service runs as, on a disk mounted for writing and with room.",
        ),
    }
}

fn owner(config: &Config, folder: &Path) -> Finding {
    let name = "data_owner";
    let database = sqlite_file(config).map(Path::to_owned);
    let mut all: Vec<PathBuf> = vec![folder.to_owned()];
    all.extend(database.iter().flat_map(|path| ["", "-wal", "-shm", ".lock"].map(|part| beside(path, part))));
    let me = geteuid().as_raw();
    let other = all.iter().find_map(|path| {
        let owner = std::fs::metadata(path).ok()?.uid();
        (owner != me && me != 0).then_some((path, owner))
    });
    let mixed = all.iter().filter_map(|path| Some(std::fs::metadata(path).ok()?.uid())).collect::<Vec<_>>();
    match other {
        Some((path, owner)) => Finding::problem(
            name,
            format!("{} belongs to user {owner}, and this runs as user {me}", path.display()),
            format!("chown -R {me} {}", folder.display()),
        ),
        None if mixed.windows(2).any(|pair| pair[0] != pair[1]) => Finding::problem(
            name,
            format!("the files in {} belong to different users", folder.display()),
            format!("chown -R USER {}, with the account the service runs as", folder.display()),
        ),
        None => Finding::ok(name, "all files have one owner"),
    }
}

fn file_system(config: &Config, folder: &Path) -> Finding {
    let name = "file_system";
    if sqlite_file(config).is_none() {
        return Finding::skipped(name, "the database is on PostgreSQL");
    }
    match guard::network_file_system(folder) {
        Ok(None) => Finding::ok(name, "it is a local one"),
        Ok(Some(kind)) => Finding::problem(
            name,
            format!("{} is on a network ({kind}), where SQLite can lose data", folder.display()),
            "Put it on a local disk or use PostgreSQL.",
        ),
        Err(error) => Finding::problem(name, error.to_string(), "See that the folder can be read."),
    }
}

fn space(config: &Config, folder: &Path) -> Finding {
    let name = "free_space";
    let Ok(status) = rustix::fs::statvfs(folder) else {
        return Finding::skipped(name, "the system does not tell");
    };
    let all = status.f_blocks * status.f_frsize;
    let free = free_bytes(folder).unwrap_or_default();
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |data| data.len());
    let database = sqlite_file(config).map_or(0, |path| size(path) + size(&beside(path, "-wal")));
    let told = format!("{} MiB free, the database has {} MiB", free >> 20, database >> 20);
    if free < 2 * database {
        return Finding::problem(
            name,
            format!("{told}: a backup or a migration wants twice that"),
            "Make room, or move the data to a larger disk.",
        );
    }
    if free < FREE_BYTES_MIN || free < all / 10 {
        return Finding::warning(name, format!("{told}: the disk is nearly full"), "Make room.");
    }
    Finding::ok(name, told)
}

fn files(folder: &Path) -> Finding {
    let name = "free_files";
    match rustix::fs::statvfs(folder) {
        Ok(status) if status.f_files > 0 && status.f_favail < FREE_FILES_MIN => {
            Finding::warning(name, format!("the disk takes {} more files", status.f_favail), "Remove small files.")
        }
        _ => Finding::ok(name, "the disk takes more files"),
    }
}

fn left_over(config: &Config, folder: &Path) -> Finding {
    let name = "left_over";
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let left: Vec<PathBuf> = entries
        .filter(|entry| LEFT_OVER.iter().any(|part| entry.file_name().to_string_lossy().contains(part)))
        .map(|entry| entry.path())
        .collect();
    let Some(first) = left.first() else { return Finding::ok(name, "no command was killed half way") };
    let told = format!("a command was killed and left {}", first.display());
    let remedy = format!("rm -r {}, when no command runs", first.display());
    let database = sqlite_file(config).map(Path::to_owned);
    Finding::warning(name, told, remedy).mended_by(move || {
        // Whose it is may still be at work.
        let _alone = database.map(|path| guard::lock(&path)).transpose().map_err(|error| error.to_string())?;
        left.iter()
            .filter(|path| mode(path).is_some())
            .try_for_each(|path| std::fs::remove_dir_all(path).map_err(|error| format!("{}: {error}", path.display())))
    })
}
