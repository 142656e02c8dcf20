//! Where a setting's value comes from: defaults, then the file, the environment and flags; the last one wins.

use crate::config::settings::{SETTINGS, Setting, find};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// What the settings are read from. The process environment is handed in, so that a test can hand in another.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `--config`; without it `treebeard.toml` in the working directory is read if it is there.
    pub file: Option<PathBuf>,
    pub environment: BTreeMap<String, String>,
    /// `section.key` and its value, from `--set` and from flags of their own.
    pub flags: Vec<(String, String)>,
}

impl Sources {
    /// The process's own environment. Names or values that are not UTF-8 are no settings of ours.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<(String, String)>) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Sources { file, environment, flags }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    File(PathBuf),
    /// The variable's name.
    Environment(String),
    /// The file a `_FILE` variable names.
    SecretFile(String),
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => write!(f, "default"),
            Origin::File(path) => write!(f, "file {}", path.display()),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::SecretFile(name) => write!(f, "file named by {name}"),
            Origin::Flag => write!(f, "flag"),
        }
    }
}

/// One value before it is given its type.
#[derive(Debug, Clone)]
pub struct Raw {
    pub value: Value,
    pub origin: Origin,
}

/// The winning value of every setting, and what was wrong or worth saying on the way.
#[derive(Debug, Default)]
pub struct Merged {
    pub values: BTreeMap<&'static str, Raw>,
    pub problems: Vec<String>,
    pub notices: Vec<String>,
}

pub fn merge(sources: &Sources) -> Merged {
    let mut merged = Merged::default();
    for setting in SETTINGS {
        merged.values.insert(setting.key, Raw { value: default_of(setting), origin: Origin::Default });
    }
    merged.read_file(sources);
    merged.read_environment(&sources.environment);
    merged.read_flags(&sources.flags);
    merged
}

fn default_of(setting: &Setting) -> Value {
    let mut table: Table = format!("value = {}", setting.default).parse().expect("a default is written as TOML");
    table.remove("value").expect("the key just written")
}

impl Merged {
    fn read_file(&mut self, sources: &Sources) {
        let named = sources.file.clone().or_else(|| sources.environment.get("TREEBEARD_CONFIG").map(PathBuf::from));
        if let Some(folder) = named.as_deref().and_then(Path::parent) {
            self.read_secrets_in(folder);
        }
        let path = named.clone().unwrap_or_else(|| PathBuf::from("treebeard.toml"));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                return self
                    .problems
                    .push(format!("the configuration file {} cannot be read: {error}", path.display()));
            }
        };
        match text.parse::<Table>() {
            Ok(table) => self.take_table(&path, "", table),
            Err(error) => self.problems.push(not_toml(&path, &text, &error)),
        }
    }

    /// Secrets that lie beside the settings, each in a file with its name: systemd hands the service copies of them, and
    /// root's own commands find them here. Who may not read them does without.
    fn read_secrets_in(&mut self, folder: &Path) {
        for setting in SETTINGS.iter().filter(|setting| setting.secret) {
            let name = setting.classic.map_or_else(|| setting.key.replace('.', "_"), str::to_lowercase);
            let path = folder.join(name);
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let text = text.trim_end_matches(['\n', '\r']);
            if !text.is_empty() {
                let value = Value::String(text.to_owned());
                self.values.insert(setting.key, Raw { value, origin: Origin::File(path) });
            }
        }
    }

    fn take_table(&mut self, path: &Path, prefix: &str, table: Table) {
        for (name, value) in table {
            let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            match (find(&key), value) {
                (Some(setting), value) => {
                    self.values.insert(setting.key, Raw { value, origin: Origin::File(path.to_owned()) });
                }
                (None, Value::Table(inner)) if prefix.is_empty() && is_section(&key) => {
                    self.take_table(path, &key, inner);
                }
                (None, value) => {
                    let what = if value.is_table() { "section" } else { "setting" };
                    self.problems.push(format!("{}: there is no {what} {key}{}", path.display(), did_you_mean(&key)));
                }
            }
        }
    }

    fn read_environment(&mut self, environment: &BTreeMap<String, String>) {
        for setting in SETTINGS {
            let names = setting.classic.map(str::to_owned).into_iter().chain([setting.variable()]);
            let mut found: Vec<Raw> = Vec::new();
            for name in names {
                if let Some(value) = environment.get(&name) {
                    found.push(Raw { value: Value::String(value.clone()), origin: Origin::Environment(name.clone()) });
                }
                let from_file = format!("{name}_FILE");
                if let (true, Some(path)) = (setting.secret, environment.get(&from_file)) {
                    match std::fs::read_to_string(path) {
                        Ok(text) => found.push(Raw {
                            value: Value::String(text.trim_end_matches(['\n', '\r']).to_owned()),
                            origin: Origin::SecretFile(from_file),
                        }),
                        Err(error) => self.problems.push(format!("{from_file}: {path} cannot be read: {error}")),
                    }
                }
            }
            // An empty variable is how compose files say "not set".
            found.retain(|raw| raw.value.as_str() != Some(""));
            if let [first, second, ..] = found.as_slice()
                && first.value != second.value
            {
                self.problems.push(format!(
                    "{} is given twice with different values, by {} and by {}: keep one",
                    setting.key, first.origin, second.origin
                ));
            }
            if let Some(raw) = found.into_iter().next() {
                self.values.insert(setting.key, raw);
            }
        }
        self.report_strangers(environment);
        if environment.contains_key("REDIS_URL") {
            self.notices.push("REDIS_URL is set and not needed: caches and limits are inside this process".to_owned());
        }
    }

    fn report_strangers(&mut self, environment: &BTreeMap<String, String>) {
        for name in environment.keys().filter(|name| name.starts_with("TREEBEARD_") && *name != "TREEBEARD_CONFIG") {
            let secret_file = name.strip_suffix("_FILE").and_then(of_variable).is_some_and(|setting| setting.secret);
            if of_variable(name).is_some() || secret_file {
                continue;
            }
            let known: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
            let hint = nearest(name, known.iter().map(String::as_str))
                .map_or(String::new(), |near| format!("; did you mean {near}?"));
            // Kubernetes sets TREEBEARD_PORT and the like for a service of our name: those are worth a word, no more.
            if name.contains("__") {
                self.problems.push(format!("the environment variable {name} is no setting{hint}"));
            } else {
                self.notices.push(format!("the environment variable {name} is no setting and is ignored{hint}"));
            }
        }
    }

    fn read_flags(&mut self, flags: &[(String, String)]) {
        for (key, value) in flags {
            match find(key) {
                Some(setting) if setting.secret && setting.key != "database.url" => self.problems.push(format!(
                    "{key} is a secret and flags can be read by every user of the machine: give it as {}_FILE",
                    setting.classic.map_or_else(|| setting.variable(), str::to_owned)
                )),
                Some(setting) => {
                    self.values.insert(setting.key, Raw { value: Value::String(value.clone()), origin: Origin::Flag });
                }
                None => self.problems.push(format!("--set: there is no setting {key}{}", did_you_mean(key))),
            }
        }
    }
}

/// Where the file stops being TOML, without the line itself: it may hold a secret.
fn not_toml(path: &Path, text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    format!("{}, line {line}: not valid TOML: {}", path.display(), error.message())
}

fn of_variable(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.variable() == name)
}

fn is_section(name: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.section() == name)
}

fn did_you_mean(key: &str) -> String {
    // A key in the wrong section is as common as a typo.
    let last = key.rsplit('.').next().unwrap_or(key);
    let elsewhere = SETTINGS.iter().find(|setting| setting.name() == last).map(|setting| setting.key);
    elsewhere
        .or_else(|| nearest(key, SETTINGS.iter().map(|setting| setting.key)))
        .map_or(String::new(), |near| format!("; did you mean {near}?"))
}

/// The candidate most like `word`, if any is like it at all.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| candidate)
}
