//! The library that is preloaded, compiled once, and the page through which a test tells it what is to happen.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub const EIO: u32 = 5;
pub const ENOSPC: u32 = 28;

/// What is to happen to a call.
#[derive(Clone, Copy)]
pub enum What {
    Fail(u32),
    Kill,
}

/// One program's disk.
pub struct Shim {
    control: File,
    folder: PathBuf,
}

/// The compiled library. The README asks for a C compiler: SQLite is built with it.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults-shim.so");
        let compiled = Command::new("cc")
            .args(["-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o"])
            .arg(&path)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/shim.c"))
            .output()
            .expect("cc is there: it has compiled SQLite");
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        path
    })
}

impl Shim {
    /// For a program that keeps its data in `folder`/data.
    pub fn new(folder: &Path) -> Self {
        let path = folder.join("control");
        std::fs::write(&path, [0; 4096]).expect("written");
        let control = OpenOptions::new().read(true).write(true).open(&path).expect("it opens");
        Shim { control, folder: folder.canonicalize().expect("a folder") }
    }

    /// What a program is started with; with a log, what it writes is noted.
    pub fn environment(&self, log: Option<&Path>) -> Vec<(String, String)> {
        let text = |path: &Path| path.to_str().expect("a temporary path is UTF-8").to_owned();
        let mut environment = vec![
            ("LD_PRELOAD".to_owned(), text(library())),
            ("FAULT_FOLDER".to_owned(), text(&self.folder.join("data"))),
            ("FAULT_CONTROL".to_owned(), text(&self.folder.join("control"))),
        ];
        environment.extend(log.map(|log| ("FAULT_LOG".to_owned(), text(log))));
        environment
    }

    fn number(&self, offset: u64) -> u64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, offset).expect("the page is there");
        u64::from_le_bytes(bytes)
    }

    fn set(&self, offset: u64, bytes: &[u8]) {
        self.control.write_all_at(bytes, offset).expect("the page is there");
    }

    /// Calls on the data until now.
    pub fn calls(&self) -> u64 {
        self.number(0)
    }

    /// From now on counted, this happens to the call of that number, the first being 1.
    pub fn arm(&self, call: u64, what: What) {
        self.disarm();
        let (kind, error) = match what {
            What::Fail(error) => (1_u32, error),
            What::Kill => (2, 0),
        };
        self.set(24, &0_u64.to_le_bytes());
        self.set(8, &(self.calls() + call).to_le_bytes());
        self.set(20, &error.to_le_bytes());
        self.set(16, &kind.to_le_bytes());
    }

    pub fn disarm(&self) {
        self.set(16, &0_u32.to_le_bytes());
    }

    /// The kind of the call it happened to: R, W, S, T, U or N, as in `shim.c`.
    pub fn happened(&self) -> Option<char> {
        char::from_u32(self.number(24) as u32).filter(|kind| *kind != '\0')
    }

    /// Whether there is room on the disk.
    pub fn set_full(&self, full: bool) {
        self.set(32, &u64::from(full).to_le_bytes());
    }
}
