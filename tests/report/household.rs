//! Reports of households that differ in what they have: made by the command, from files.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use tempfile::TempDir;

/// One report as it was written.
pub struct Case {
    pub name: &'static str,
    pub page: String,
    pub csv: String,
    pub file: PathBuf,
    pub says: Vec<&'static str>,
    pub leaves_out: Vec<&'static str>,
}

/// A name that would be markup, and longer than any line.
const HOSTILE: &str = "<script>alert(1)</script>\\\"'&<img src=x onerror=y> \
    Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaftstarif";

static CASES: LazyLock<(TempDir, Vec<Case>)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cases = vec![everything(&folder), hostile_names(&folder), no_plans(&folder), no_gain(&folder), ten(&folder)];
    (folder, cases)
});

pub fn cases() -> &'static [Case] {
    &CASES.1
}

/// The demo's household: hours of use, a current plan, five plans, risks.
fn everything(folder: &TempDir) -> Case {
    let says = vec![
        "What each month would cost",
        "break-even after",
        "Usage by hour of the week",
        "The current plan is expected to cost",
        "Where the money goes",
        "What could go wrong",
        "What this rests on",
        "not an offer",
        "Ranked by cost 40%",
    ];
    run(folder, "everything", &["demo", "--once", "--as-of", "2026-06-15"], says, vec!["nothing to compare"])
}

/// One plan whose names are markup, in pounds, without a current plan or hours.
fn hostile_names(folder: &TempDir) -> Case {
    let plan = format!(
        r#"{{"key": "a", "name": "=1+1 {HOSTILE}", "supplier": "s", "kind": "fixed", "term_months": 12,
        "rate": {{"type": "fixed", "rate_per_kwh": 24.5}}}}"#
    );
    let arguments = files(folder, "hostile", "GBP", HOSTILE, &plan);
    let says = vec!["&lt;script&gt;alert(1)", "£", "p/kWh", "nothing to compare with", "the market's standard day"];
    let leaves_out = vec!["<script>", "<img", "Usage by hour of the week", "break-even after", "$"];
    run(folder, "hostile", &strs(&arguments), says, leaves_out)
}

fn no_plans(folder: &TempDir) -> Case {
    let plan = r#"{"key": "a", "name": "Grey 12", "supplier": "s", "kind": "fixed", "term_months": 12,
        "rate": {"type": "fixed", "rate_per_kwh": 10}}"#;
    let arguments = files(folder, "no-plans", "USD", "Ash Power", plan);
    let arguments = [strs(&arguments), vec!["--min-renewable", "100"]].concat();
    let says = vec!["No plan to recommend", "Usage by month", "not an offer"];
    run(folder, "no-plans", &arguments, says, vec!["The plans", "What each month would cost", "Grey 12"])
}

/// The only plan costs what the household pays already.
fn no_gain(folder: &TempDir) -> Case {
    let plan = r#"{"key": "a", "name": "Same 12", "supplier": "s", "kind": "fixed", "term_months": 12,
        "rate": {"type": "fixed", "rate_per_kwh": 10}}"#;
    let arguments = files(folder, "no-gain", "USD", "Ash Power", plan);
    let arguments = [strs(&arguments), vec!["--current-rate", "10"]].concat();
    let says = vec!["Stay on your current plan", "saves nothing against the current plan", "never"];
    run(folder, "no-gain", &arguments, says, vec!["break-even after"])
}

/// Ten plans in francs, of which some cost more than today, and a switch that takes long to pay.
fn ten(folder: &TempDir) -> Case {
    let plan = |n: u32| {
        format!(
            r#"{{"key": "p{n}", "name": "Tarif {n}", "supplier": "s", "kind": "variable", "term_months": {}, "monthly_fee": {n},
            "rate": {{"type": "variable", "base_rate": {}}}, "exit": {{"kind": "flat", "fee": {}}}}}"#,
            n * 3,
            14.0 + f64::from(n),
            n * 60
        )
    };
    let plans: Vec<String> = (0..10).map(plan).collect();
    let arguments = files(folder, "ten", "CHF", "Acorn Power", &plans.join(","));
    let more = ["--top", "10", "--current-rate", "17", "--exit-fee", "700", "--contract-end", "2027-11-30"];
    let arguments = [strs(&arguments), more.to_vec()].concat();
    let says = vec!["CHF", "Tarif 9", "Price may change", "Cost of switching"];
    run(folder, "ten", &arguments, says, vec!["$"])
}

/// The arguments of `recommend` over a catalog of `plans` and twelve months of use.
fn files(folder: &TempDir, name: &str, currency: &str, supplier: &str, plans: &str) -> Vec<String> {
    let catalog = format!(
        r#"{{"market": {{"id": "test", "name": "Testland", "currency": "{currency}", "time_zone": "America/Chicago"}},
        "utilities": [{{"id": "north", "name": "Northern Wires", "zips": ["750"]}}],
        "suppliers": [{{"key": "s", "name": "{supplier}", "rating": 4.0, "review_count": 200}}], "plans": [{plans}]}}"#
    );
    let usage = (1..=12).fold("month,kwh\n".to_owned(), |text, m| format!("{text}2025-{m:02},{}\n", 700 + m * 40));
    let write = |ending: &str, text: &str| {
        let path = folder.path().join(format!("{name}-{ending}"));
        fs::write(&path, text).expect("the temporary folder can be written");
        path.display().to_string()
    };
    let (catalog, usage) = (write("plans.json", &catalog), write("usage.csv", &usage));
    ["recommend", "--catalog", &catalog, "--usage", &usage, "--zip", "75001", "--as-of", "2026-01-15"]
        .map(str::to_owned)
        .to_vec()
}

fn strs(of: &[String]) -> Vec<&str> {
    of.iter().map(String::as_str).collect()
}

fn run(
    folder: &TempDir,
    name: &'static str,
    arguments: &[&str],
    says: Vec<&'static str>,
    leaves_out: Vec<&'static str>,
) -> Case {
    let (file, table) = (folder.path().join(format!("{name}.html")), folder.path().join(format!("{name}.csv")));
    let output = Command::new(env!("CARGO_BIN_EXE_treebeard"))
        .args(arguments)
        .arg("--report")
        .arg(&file)
        .arg("--csv")
        .arg(&table)
        .current_dir(folder.path())
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let read = |path: &PathBuf| fs::read_to_string(path).expect("it is written, in UTF-8");
    Case { name, page: read(&file), csv: read(&table), file, says, leaves_out }
}
