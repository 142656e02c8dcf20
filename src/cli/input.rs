//! Opening the files a command is given: `-` is standard input, and a long read shows how far it is.

use crate::cli::Failure;
use crate::cli::progress::Progress;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Files below this are read before anyone could look at a bar.
const BAR_FROM_BYTES: u64 = 4 << 20;

/// A reader over the file.
pub fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let cannot = |error: io::Error| Failure::usage(format!("{} cannot be read: {error}", path.display()));
    let file = File::open(path).map_err(cannot)?;
    let about = file.metadata().map_err(cannot)?;
    if about.is_dir() {
        return Err(Failure::usage(format!("{} is a folder: name a file in it", path.display())));
    }
    if about.len() < BAR_FROM_BYTES {
        return Ok(Box::new(file));
    }
    let progress = Progress::bytes(format!("reading {}", path.display()), about.len());
    Ok(Box::new(Watched { file, progress }))
}

struct Watched {
    file: File,
    progress: Progress,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.progress.advance(count as u64);
        Ok(count)
    }
}

/// The whole of a text file of at most `bytes_max` bytes.
pub fn read_text(path: &Path, bytes_max: u64) -> Result<String, Failure> {
    let mut text = String::new();
    open(path)?.take(bytes_max + 1).read_to_string(&mut text).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => Failure::failed(format!("{}: this is not a text file in UTF-8", path.display())),
        _ => Failure::failed(format!("{} cannot be read: {error}", path.display())),
    })?;
    if text.len() as u64 > bytes_max {
        return Err(Failure::failed(format!("{}: the file is larger than {} MiB", path.display(), bytes_max >> 20)));
    }
    Ok(text)
}

/// The sentence for a file whose content is refused.
pub fn refused(path: &Path, reason: impl std::fmt::Display) -> Failure {
    let name = if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() };
    Failure::failed(format!("{name}: {reason}"))
}
