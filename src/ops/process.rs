//! What this process takes of the machine, as Linux tells it under `/proc/self`.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::thread;

/// Clock ticks a second in `/proc`: 100 for every program on the architectures Linux runs servers on.
const TICKS_PER_SECOND: f64 = 100.0;

/// A figure is `None` where the system does not tell it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Process {
    pub resident_bytes: Option<u64>,
    pub open_files: Option<u64>,
    pub cpu_seconds: Option<f64>,
    /// What its control group may have (a unit of systemd, a container), else what the machine has.
    pub memory_limit_bytes: Option<u64>,
    /// Processors it may run on.
    pub processors: Option<u64>,
}

/// The figures at this moment.
pub fn read() -> Process {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    Process {
        resident_bytes: resident_bytes(&status),
        // The listing itself has one open.
        open_files: fs::read_dir("/proc/self/fd").ok().map(|files| (files.count() as u64).saturating_sub(1)),
        cpu_seconds: cpu_seconds(&stat),
        memory_limit_bytes: *MEMORY_LIMIT,
        processors: thread::available_parallelism().ok().map(|count| count.get() as u64),
    }
}

/// Lets this process open as many files as its limits allow at most; how many that is, where there is a limit.
pub fn raise_open_files() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if setrlimit(Resource::Nofile, raised).is_err() {
            return limit.current;
        }
    }
    limit.maximum
}

/// How many files this process may be allowed to open; `None`: any number.
pub fn open_files_max() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

/// Memory that can be had without pushing anybody out, from `/proc/meminfo`.
pub fn available_kib(meminfo: &str) -> Option<u64> {
    kibibytes(meminfo, "MemAvailable:").map(|bytes| bytes / 1_024)
}

/// Looked up once: a limit that changes while we run is seen after a restart.
static MEMORY_LIMIT: LazyLock<Option<u64>> = LazyLock::new(|| {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| kibibytes(&text, "MemTotal:"));
    let group = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let groups = group_folders(&group);
    let limits =
        groups.iter().filter_map(|folder| fs::read_to_string(folder.join("memory.max")).ok()?.trim().parse().ok());
    limits.chain(machine).min()
});

/// The folders of the process's control group (version 2) and of those around it: each may have a limit.
fn group_folders(cgroup: &str) -> Vec<PathBuf> {
    let own = cgroup.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let folder = Path::new("/sys/fs/cgroup").join(own);
    folder.ancestors().take_while(|folder| folder.starts_with("/sys/fs/cgroup")).map(Path::to_owned).collect()
}

fn resident_bytes(status: &str) -> Option<u64> {
    kibibytes(status, "VmRSS:")
}

/// The figure of a line such as `VmRSS:  20480 kB`, in bytes.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

/// User and system time: the fields 14 and 15. The name, field 2, may hold blanks and brackets.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) as f64 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_proc_are_read() {
        assert_eq!(resident_bytes("Name:\ttree\nVmRSS:\t   20480 kB\nThreads:\t9\n"), Some(20 << 20));
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 100";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!((resident_bytes(""), cpu_seconds("")), (None, None));
        assert_eq!(available_kib("MemTotal: 9 kB\nMemAvailable:   4096 kB\n"), Some(4096));
        assert_eq!(kibibytes("MemTotal:       7 kB\n", "MemTotal:"), Some(7_168));
        let folders = group_folders("1:name=x:/y\n0::/system.slice/treebeard.service\n");
        let expected =
            ["/sys/fs/cgroup/system.slice/treebeard.service", "/sys/fs/cgroup/system.slice", "/sys/fs/cgroup"];
        assert_eq!(folders, expected.map(PathBuf::from));
    }
}
