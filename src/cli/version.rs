//! `treebeard version`: which build this is, and what it was built from.

use crate::cli::{Failure, output};
use auditable_info::Limits;
use auditable_serde::{DependencyKind, Package, VersionInfo};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  treebeard version\n  treebeard version --json\n  treebeard version --sbom > sbom.cdx.json"
)]
pub struct Arguments {
    /// With build, target and every crate inside
    #[arg(long)]
    json: bool,
    /// The crates inside as a CycloneDX document
    #[arg(long, conflicts_with = "json")]
    sbom: bool,
}

const NAME: &str = env!("CARGO_PKG_NAME");
const VERSION: &str = env!("CARGO_PKG_VERSION");
const REVISION: &str = env!("TREEBEARD_BUILT_FROM");

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.sbom {
        let parts = parts()?.ok_or_else(|| {
            Failure::failed("this build carries no list of its crates: `cargo auditable build` makes one that does")
        })?;
        return output::print_json(&sbom(&parts));
    }
    if arguments.json {
        return output::print_json(&described(parts()?.as_ref()));
    }
    output::print(&format!("{NAME} {VERSION} ({REVISION})"))
}

/// What cargo-auditable put into this file; `None` if it was built without.
fn parts() -> Result<Option<VersionInfo>, Failure> {
    let file = std::env::current_exe()?;
    match auditable_info::audit_info_from_file(&file, Limits::default()) {
        Ok(info) => Ok(Some(info)),
        Err(auditable_info::Error::NoAuditData) => Ok(None),
        Err(error) => Err(Failure::failed(format!("{} cannot be read: {error}", file.display()))),
    }
}

fn built_at() -> Option<String> {
    let at = env!("TREEBEARD_BUILT_AT").parse().ok().and_then(|at| Timestamp::from_second(at).ok());
    at.map(|at| at.to_string())
}

fn described(parts: Option<&VersionInfo>) -> Value {
    let crates = parts.map(|info| {
        let inside = info.packages.iter().filter(|package| !package.root && is_inside(package));
        inside.map(|package| json!({"name": package.name, "version": package.version.to_string()})).collect::<Vec<_>>()
    });
    json!({
        "name": NAME,
        "version": VERSION,
        "git_revision": REVISION,
        "build_time": built_at(),
        "target": env!("TREEBEARD_TARGET"),
        "profile": env!("TREEBEARD_PROFILE"),
        "crates": crates,
    })
}

/// Not only used while building.
fn is_inside(package: &Package) -> bool {
    package.kind == DependencyKind::Runtime
}

/// CycloneDX 1.5: this program, the crates in it, and which needs which.
fn sbom(info: &VersionInfo) -> Value {
    let of = |package: &Package| format!("pkg:cargo/{}@{}", package.name, package.version);
    let component = |package: &Package| {
        json!({
            "type": if package.root { "application" } else { "library" },
            "bom-ref": of(package),
            "name": package.name,
            "version": package.version.to_string(),
            "purl": of(package),
        })
    };
    let root = info.packages.iter().find(|package| package.root).map(component);
    let libraries = info.packages.iter().filter(|package| !package.root && is_inside(package));
    let needs = info.packages.iter().filter(|package| is_inside(package)).map(|package| {
        let needed =
            package.dependencies.iter().filter_map(|at| info.packages.get(*at)).filter(|other| is_inside(other));
        json!({"ref": of(package), "dependsOn": needed.map(of).collect::<Vec<_>>()})
    });
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"timestamp": built_at(), "component": root},
        "components": libraries.map(component).collect::<Vec<_>>(),
        "dependencies": needs.collect::<Vec<_>>(),
    })
}
