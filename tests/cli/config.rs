//! Settings: their order, their checks, their secrets, and the file that shows them all.

use crate::run::Place;
use serde_json::{Value, json};
use treebeard::config::settings::{SETTINGS, example_file};
use treebeard::config::{Config, Sources};

const GOOD_KEY: &str = "5b1c1f0e9d7a48b6a2c3e4f5061728394a5b6c7d8e9f0a1b2c3d4e5f60718293";

fn shown(place: &Place, arguments: &[&str]) -> Value {
    place.run(&[&["config", "show", "--json", "--origin"], arguments].concat()).json()
}

#[test]
fn the_later_layer_wins_and_is_named() {
    let place = Place::new().with("JWT_EXPIRATION_MINUTES", "30").with("TREEBEARD_SERVER__DRAIN_SECONDS", "5");
    place.file(
        "treebeard.toml",
        "[server]\nlisten = \"127.0.0.1:1\"\ndrain_seconds = 4\nconnections_max = 9\n[auth]\njwt_expiration_minutes = 20\n",
    );
    let all = shown(&place, &["--set", "server.listen=127.0.0.1:2"]);
    assert_eq!(all["server.listen"], json!({"value": "127.0.0.1:2", "origin": "flag"}));
    assert_eq!(
        all["server.drain_seconds"],
        json!({"value": 5, "origin": "environment TREEBEARD_SERVER__DRAIN_SECONDS"})
    );
    assert_eq!(all["server.connections_max"], json!({"value": 9, "origin": "file treebeard.toml"}));
    assert_eq!(
        all["auth.jwt_expiration_minutes"],
        json!({"value": 30, "origin": "environment JWT_EXPIRATION_MINUTES"})
    );
    assert_eq!(all["auth.refresh_days"], json!({"value": 7, "origin": "default"}));
}

#[test]
fn every_classic_name_works_as_it_is() {
    let cases = [
        ("DATABASE_URL", "sqlite:///old.db", "database.url", json!("sqlite:old.db")),
        ("DATABASE_URL", "postgresql+asyncpg://tree:ent@db/x", "database.url", json!("postgres://tree:***@db/x")),
        ("DATABASE_POOL_SIZE", "12", "database.pool_size", json!(12)),
        ("SECRET_KEY", GOOD_KEY, "auth.secret_key", json!("***")),
        ("CLAUDE_API_KEY", "k", "explanations.api_key", json!("***")),
        ("WORKER_THREADS", "3", "server.worker_threads", json!(3)),
        ("ENVIRONMENT", "staging", "environment", json!("staging")),
        ("LOG_LEVEL", "WARNING", "logging.level", json!("warn")),
        ("DEBUG", "True", "debug", json!(true)),
        ("CORS_ORIGINS", "[\"https://a.example\"]", "server.cors_origins", json!(["https://a.example"])),
        (
            "CORS_ORIGINS",
            "https://a.example, https://b.example",
            "server.cors_origins",
            json!(["https://a.example", "https://b.example"]),
        ),
        ("JWT_EXPIRATION_MINUTES", "60", "auth.jwt_expiration_minutes", json!(60)),
        ("RATE_LIMIT_PER_USER", "50/minute", "limits.per_user_per_minute", json!(50)),
        ("RATE_LIMIT_PER_IP", "500", "limits.per_ip_per_hour", json!(500)),
        ("RECOMMENDATION_RATE_LIMIT_PER_MINUTE", "3", "limits.generate_per_minute", json!(3)),
        ("ADMIN_API_ENABLED", "false", "features.admin", json!(false)),
        ("MAX_UPLOAD_SIZE_MB", "8", "server.upload_megabytes_max", json!(8)),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318", "traces.endpoint", json!("http://127.0.0.1:4318")),
    ];
    for (name, value, key, expected) in &cases {
        let all = shown(&Place::new().with(name, value), &[]);
        assert_eq!(&all[*key]["value"], expected, "{name}");
    }
    let names: Vec<&str> = SETTINGS.iter().filter_map(|setting| setting.classic).collect();
    assert!(names.iter().all(|name| cases.iter().any(|case| case.0 == *name)), "a classic name has no case: {names:?}");
}

#[test]
fn three_slashes_are_a_relative_path_unless_only_the_absolute_folder_exists() {
    let place = Place::new();
    let absolute = place.path().join("x.db");
    let cases = [
        ("sqlite:///old.db", "sqlite:old.db".to_owned()),
        ("sqlite:///./data/old.db", "sqlite:./data/old.db".to_owned()),
        ("sqlite:////srv/old.db", "sqlite:/srv/old.db".to_owned()),
        (&format!("sqlite://{}", absolute.display()), format!("sqlite:{}", absolute.display())),
    ];
    for (url, expected) in cases {
        assert_eq!(shown(&Place::new().with("DATABASE_URL", url), &[])["database.url"]["value"], expected, "{url}");
    }
}

#[test]
fn redis_is_accepted_with_one_notice() {
    let outcome = Place::new().with("REDIS_URL", "redis://cache:6379/0").run(&["config", "check"]);
    assert_eq!((outcome.code, outcome.stderr.lines().count()), (0, 1), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("REDIS_URL is set and not needed"));
}

#[test]
fn all_mistakes_are_told_at_once_with_their_place() {
    let place = Place::new()
        .with("TREEBEARD_SERVER__LISTN", "x")
        .with("DATABASE_URL", "mysql://tree:ent-password@db/x")
        .with("RATE_LIMIT_PER_IP", "5/day");
    place
        .file("treebeard.toml", "debug = 3\n[server]\nlisten = \"here\"\ndrain_second = 1\n[auht]\nrefresh_days = 1\n");
    let outcome = place.run(&["config", "show"]);
    outcome.refused(
        2,
        &[
            "has 7 problems",
            "TREEBEARD_SERVER__LISTN is no setting; did you mean TREEBEARD_SERVER__LISTEN?",
            "database.url (environment DATABASE_URL) must be sqlite:PATH or postgres://",
            "limits.per_ip_per_hour (environment RATE_LIMIT_PER_IP) is a limit per hour",
            "debug (file treebeard.toml) must be true or false",
            "server.listen (file treebeard.toml) must be an address and a port",
            "there is no setting server.drain_second; did you mean server.drain_seconds?",
            "there is no section auht",
        ],
    );
    assert!(!outcome.stderr.contains("ent-password"));
    place.run(&["config", "check"]).refused(4, &["has 7 problems"]);
}

#[test]
fn a_broken_file_is_named_with_its_line_and_not_its_content() {
    let place = Place::new();
    place.file("treebeard.toml", "[auth]\nrefresh_days = 7\nsecret_key = \"hidden-key\n");
    let outcome = place.run(&["config", "show"]);
    outcome.refused(2, &["treebeard.toml, line 3: not valid TOML"]);
    assert!(!outcome.stderr.contains("hidden-key"));
    place.run(&["config", "show", "--config", "absent.toml"]).refused(2, &["absent.toml cannot be read"]);
}

#[test]
fn production_refuses_everything_unsafe_in_one_message() {
    let place = Place::new()
        .with("ENVIRONMENT", "production")
        .with("DEBUG", "true")
        .with("CORS_ORIGINS", "*,http://localhost:3000,https://app.example.org");
    let outcome = place.run(&["config", "check", "--set", "auth.password_policy=strict"]);
    outcome.refused(
        4,
        &["4 problems", "auth.secret_key must be given in production", "debug", "\"*\"", "\"http://localhost:3000\""],
    );
    for key in ["short", "your-secret-key-change-in-production", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        let outcome = Place::new().with("ENVIRONMENT", "production").with("SECRET_KEY", key).run(&["config", "show"]);
        outcome.refused(2, &["a problem", "auth.secret_key (environment SECRET_KEY)"]);
        assert!(!outcome.stderr.contains(key));
    }
    let good = Place::new().with("ENVIRONMENT", "production").with("SECRET_KEY", GOOD_KEY);
    let all = shown(&good, &[]);
    assert_eq!(all["auth.password_policy"]["value"], "strict");
}

#[test]
fn waiting_for_the_model_must_end_before_the_request_does() {
    let place = Place::new().with("CLAUDE_API_KEY", "any-key");
    let slow = ["config", "show", "--set", "explanations.deadline_milliseconds=30000"];
    place
        .run(&slow)
        .refused(2, &["explanations.deadline_milliseconds", "must be shorter than server.request_timeout_seconds"]);
    assert_eq!(shown(&Place::new(), &slow[2..])["explanations.deadline_milliseconds"]["value"], 30_000);
}

#[test]
fn a_secret_may_come_from_a_file_and_never_from_a_flag() {
    let place = Place::new();
    let path = place.file("key", &format!("{GOOD_KEY}\n"));
    for name in ["SECRET_KEY_FILE", "TREEBEARD_AUTH__SECRET_KEY_FILE"] {
        let all = shown(&Place::new().with(name, &path), &[]);
        assert_eq!(all["auth.secret_key"], json!({"value": "***", "origin": format!("file named by {name}")}));
    }
    Place::new()
        .with("SECRET_KEY_FILE", "/absent/key")
        .run(&["config", "show"])
        .refused(2, &["SECRET_KEY_FILE", "cannot be read"]);
    let twice = Place::new().with("SECRET_KEY", "another").with("SECRET_KEY_FILE", &path);
    twice.run(&["config", "show"]).refused(2, &["given twice with different values"]);
    place.run(&["config", "show", "--set", "auth.secret_key=x"]).refused(2, &["secret", "SECRET_KEY_FILE"]);
}

#[test]
fn secrets_beside_the_named_settings_are_known_where_nothing_else_gives_them() {
    let place = Place::new();
    let settings = place.file("named.toml", "debug = false\n");
    let path = place.file("secret_key", &format!("{GOOD_KEY}\n"));
    place.file("metrics_token", "");
    let all = shown(&place, &["--config", &settings]);
    assert_eq!(all["auth.secret_key"], json!({"value": "***", "origin": format!("file {path}")}));
    assert_eq!(all["metrics.token"]["origin"], "default", "an empty file gives nothing");
    assert_eq!(shown(&place, &[])["auth.secret_key"]["origin"], "default", "no settings were named");
    let given = place.with("SECRET_KEY", "another-key-of-32-bytes-or-more-0123456789");
    assert_eq!(shown(&given, &["--config", &settings])["auth.secret_key"]["origin"], "environment SECRET_KEY");
}

#[test]
fn no_secret_is_in_any_output_of_config() {
    let place = Place::new()
        .with("SECRET_KEY", "planted-secret-key-0123456789-abcdef")
        .with("CLAUDE_API_KEY", "planted-api-key")
        .with("DATABASE_URL", "postgres://tree:planted-password@db/treebeard");
    for arguments in [
        &["config", "show"][..],
        &["config", "show", "--origin"],
        &["config", "show", "--json"],
        &["config", "check"],
        &["config", "check", "--json"],
    ] {
        let outcome = place.run(arguments);
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        assert!(!outcome.stdout.contains("planted") && !outcome.stderr.contains("planted"), "{arguments:?}");
    }
}

#[test]
fn treebeard_toml_names_every_setting_and_holds_the_defaults() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/treebeard.toml");
    let text = std::fs::read_to_string(path).expect("treebeard.toml is at the top");
    assert_eq!(text, example_file(), "write it with: cargo run -- config example > treebeard.toml");
    let file = Config::load(&Sources { file: Some(path.into()), ..Sources::default() }).expect("the file is valid");
    let defaults = Place::new();
    let empty = defaults.file("empty.toml", "");
    let defaults =
        Config::load(&Sources { file: Some(empty.into()), ..Sources::default() }).expect("defaults are valid");
    assert_eq!(file.config.shown(), defaults.config.shown());
    let shown: Vec<&str> = defaults.config.shown().into_iter().map(|(key, _)| key).collect();
    let all: Vec<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
    assert_eq!(shown, all, "what config show prints is the table of settings");
}
