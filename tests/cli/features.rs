//! Feature flags: each on and off, said by the environment and by the file, seen in what the service answers and in
//! what `config show` lists.

use crate::claude::Claude;
use crate::run::Place;
use crate::serve::Service;
use serde_json::{Value, json};
use treebeard::config::settings::SETTINGS;

const GENERATE: &str = "/api/v1/recommendations/generate";

/// Every flag but `features.ai`, what shows it, and the status while it is on and off.
const FLAGS: [(&str, &str, &str, u16, u16); 8] = [
    ("features.admin", "GET", "/api/v1/admin/stats", 401, 404),
    ("features.admin", "GET", "/status", 200, 404),
    ("features.registration", "POST", "/api/v1/auth/register", 201, 404),
    ("features.anonymous", "POST", GENERATE, 200, 401),
    ("features.feedback", "GET", "/api/v1/feedback/stats", 401, 404),
    ("features.docs", "GET", "/docs", 200, 404),
    ("features.docs", "GET", "/redoc", 200, 404),
    ("features.docs", "GET", "/openapi.json", 200, 404),
];

#[derive(Debug, Clone, Copy)]
enum Source {
    Environment,
    File,
}

fn flags() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|setting| setting.key).filter(|key| key.starts_with("features."))
}

/// A folder in which every flag says `on`, and a key for the model is set.
fn place(source: Source, on: bool, model: &Claude) -> Place {
    let place = Place::new()
        .with("ENVIRONMENT", "test")
        .with("CLAUDE_API_KEY", "sk-ant-nobody")
        .with("TREEBEARD_EXPLANATIONS__BASE_URL", &model.url)
        .with("TREEBEARD_EXPLANATIONS__DEADLINE_MILLISECONDS", "25000");
    match source {
        Source::Environment => flags().fold(place, |place, key| {
            place.with(&format!("TREEBEARD_{}", key.replace('.', "__").to_uppercase()), &on.to_string())
        }),
        Source::File => {
            let lines: Vec<String> = flags().map(|key| format!("{} = {on}\n", &key["features.".len()..])).collect();
            place.file("treebeard.toml", &format!("[features]\n{}", lines.concat()));
            place
        }
    }
}

fn ask(service: &Service, method: &str, path: &str) -> (u16, Value) {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
    let (agent, url) = (ureq::Agent::from(config), format!("http://{}{path}", service.address));
    let account = json!({ "email": "new@example.org", "password": "a long walk to the mill", "name": "New",
        "zip_code": "78701" });
    let answer = match (method, path) {
        ("POST", GENERATE) => agent
            .post(&url)
            .header("content-type", "application/json")
            .send(include_str!("../../assets/examples/test_request.json")),
        ("POST", _) => agent.post(&url).header("content-type", "application/json").send(&account.to_string()),
        _ => agent.get(&url).call(),
    };
    let mut answer = answer.expect("it answers");
    let text = answer.body_mut().read_to_string().expect("a text");
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
}

#[test]
fn every_flag_has_its_effect_from_the_environment_and_from_the_file() {
    for key in flags() {
        assert!(key == "features.ai" || FLAGS.iter().any(|flag| flag.0 == key), "nothing shows {key}");
    }
    for source in [Source::Environment, Source::File] {
        for on in [true, false] {
            let model = Claude::good();
            let place = place(source, on, &model);
            let service = Service::start(&place, &["demo", "--json", "--listen", "127.0.0.1:0"]);
            for (key, method, path, status_on, status_off) in FLAGS {
                let expected = if on { status_on } else { status_off };
                assert_eq!(ask(&service, method, path).0, expected, "{key} {on} by {source:?}: {path}");
            }
            let health = ask(&service, "GET", "/health").1;
            let source_of_words = if on { "ai" } else { "template" };
            assert_eq!(health["checks"]["explanations"]["source"], source_of_words, "{source:?}: {health}");
            assert_eq!(
                model.asked().is_empty(),
                !on,
                "features.ai {on} by {source:?}: the model is asked or left alone"
            );
            let shown = place.run(&["config", "show", "--json"]).json();
            assert!(flags().all(|key| shown[key] == json!(on)), "{shown}");
        }
    }
}

/// With a key and an account, so that the flag alone decides.
#[test]
fn without_ai_the_words_are_templates_though_there_is_a_key() {
    let model = Claude::good();
    let place = Place::new()
        .with("CLAUDE_API_KEY", "sk-ant-nobody")
        .with("TREEBEARD_EXPLANATIONS__BASE_URL", &model.url)
        .with("TREEBEARD_FEATURES__ANONYMOUS", "true")
        .with("TREEBEARD_FEATURES__AI", "false");
    let service = Service::start(&place, &["demo", "--json", "--listen", "127.0.0.1:0"]);
    let (status, answer) = ask(&service, "POST", GENERATE);
    assert_eq!((status, &answer["top_plans"][0]["explanation_source"]), (200, &json!("template")), "{answer}");
    assert!(model.asked().is_empty(), "the model is left alone");
    let told = place.run(&["doctor", "--ai"]);
    assert!(told.code == 0 && told.stdout.contains("features.ai"), "{}{}", told.stdout, told.stderr);
}

#[test]
fn who_finds_registration_closed_is_told_what_to_do() {
    let place = Place::new().with("TREEBEARD_FEATURES__REGISTRATION", "false");
    let service = Service::start(&place, &["demo", "--json", "--listen", "127.0.0.1:0"]);
    let (status, problem) = ask(&service, "POST", "/api/v1/auth/register");
    let message = problem["message"].as_str().unwrap_or_default();
    assert!(status == 404 && message.contains("Registration is closed"), "{problem}");
}
