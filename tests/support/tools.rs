//! Programs a test needs, which may not be installed.

use std::path::Path;

/// Whether `program` is here; `name`'s test is skipped by name where it is not. On CI nothing may be skipped.
pub fn has_or_skip(name: &str, program: &str) -> bool {
    let folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/lib/systemd"];
    let here = folders.iter().any(|folder| Path::new(folder).join(program).exists());
    if !here {
        skip(name, &format!("{program} is not installed"));
    }
    here
}

/// Says that the test of `name` is skipped; on CI that is a failure.
pub fn skip(name: &str, reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "{name}: {reason}");
    println!("skipped: {name}: {reason}");
}
