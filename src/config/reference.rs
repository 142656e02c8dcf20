//! The configuration reference, `docs/configuration.md`: every setting in a table, made from the table of settings.

use crate::config::settings::{SETTINGS, Setting};

const HEAD: &str = "\
# Configuration

Every setting with its names, its default and what it does. Nothing has to be set to start; in production a signing key
has. The page is made from the table in `src/config/settings.rs`: `treebeard config reference > docs/configuration.md`.

## How settings are given

The later one wins:

1. the defaults below;
2. `treebeard.toml` in the folder the program is started in, or the file of `--config`: `[section]`, then `key = value`;
3. the environment: `TREEBEARD_<SECTION>__<KEY>`, or the older name that stands beside it;
4. a flag, on any command: `--set section.key=value`.

A secret is never taken from a flag; `<NAME>_FILE` names a file that holds it. Where nothing gives it, a
file with its older name in the folder of `--config` does: `/etc/treebeard/secret_key`, which systemd hands the service,
is known to the commands of root, too. An unknown key, a wrong type or a value out of bounds is refused, all of them in
one message, with exit code 2.

```sh
treebeard config example > treebeard.toml   # every setting with its default and a comment
treebeard config check                      # every mistake at once, without starting anything
treebeard config show --origin              # what is in force and where it came from; secrets are masked
```

*Reload*: `SIGHUP` (`systemctl reload treebeard`) puts a new value in force without a restart. *Secret*: never shown.
";

/// The page as Markdown.
pub fn page() -> String {
    let mut text = HEAD.to_owned();
    let mut section = None;
    for setting in SETTINGS {
        if section != Some(setting.section()) {
            section = Some(setting.section());
            let title = if setting.section().is_empty() { "general" } else { setting.section() };
            text += &["\n## ", title, "\n\n| setting | default | environment | what |\n|---|---|---|---|\n"].concat();
        }
        text += &row(setting);
    }
    text
}

fn row(setting: &Setting) -> String {
    let classic = setting.classic.map_or(String::new(), |name| format!("`{name}`, "));
    let mark = match (setting.reloadable, setting.secret) {
        (false, false) => "",
        (true, false) => " *Reload.*",
        (false, true) => " *Secret.*",
        (true, true) => " *Reload. Secret.*",
    };
    let Setting { key, default, .. } = setting;
    // A bar ends a cell, and an address between angles would be a link.
    let comment = setting.comment.replace('|', "\\|").replace('<', "\\<");
    format!("| `{key}` | `{default}` | {classic}`{}` | {comment}{mark} |\n", setting.variable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_row_with_its_names_default_and_marks() {
        let page = page();
        let rows = page.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, SETTINGS.len());
        for row in [
            "| `server.listen` | `\"127.0.0.1:8000\"` | `TREEBEARD_SERVER__LISTEN` | Address and port",
            "| `limits.per_ip_per_hour` | `1000` | `RATE_LIMIT_PER_IP`, `TREEBEARD_LIMITS__PER_IP_PER_HOUR` | Requests",
            "| `auth.secret_key` | `\"\"` | `SECRET_KEY`, `TREEBEARD_AUTH__SECRET_KEY` | Signs access tokens;",
        ] {
            assert!(page.contains(row), "{row}");
        }
        assert!(page.contains(
            "Bearer token that GET /metrics asks for. Empty: anybody may read the metrics. *Reload. Secret.* |"
        ));
    }
}
