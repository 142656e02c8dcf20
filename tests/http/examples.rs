//! Every example of the API document is true: what it shows as a request is sent to the running service over the
//! invented market, and the answer is one the document describes.
//!
//! The examples stand in `assets/api/examples.json`. To show a new operation, write its parameters and its request
//! there, then `TREEBEARD_RECORD_EXAMPLES=1 cargo test --test http examples` adds the answers that are missing.

use crate::mailbox::Mailbox;
use crate::people::{ADMIN, People};
use crate::support::{Reply, Server};
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use treebeard::http::permissions::{self, Access};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/api/examples.json");
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";
const SUPPLIER: &str = "prairie-sun";
const EMAIL: &str = "sam@example.com";
const SECRET: &str = "SHOWN-ONCE-AT-SIGN-IN";

#[test]
fn every_example_is_answered_as_documented() {
    let mut examples = Examples::read();
    let record = std::env::var_os("TREEBEARD_RECORD_EXAMPLES").is_some();
    let mailbox = Mailbox::open();
    let people = people(&mailbox);
    let document = people.server.get("/openapi.json", &[]).value();
    let everybody = World::new(&people, &mailbox, &examples, "shared");
    let mut missing = Vec::new();
    for operation in operations(&document) {
        for (media, parameters) in operation.calls(&examples) {
            let own = (operation.method != "GET" || is_for_staff(&operation.id))
                .then(|| World::new(&people, &mailbox, &examples, &operation.id));
            let world = own.as_ref().unwrap_or(&everybody);
            let reply = operation.send(world, &examples, media.as_deref(), &parameters);
            let what = format!("{} with {media:?}: {} {}", operation.id, reply.status, reply.body);
            let status = reply.status.to_string();
            let answer = operation.meta["responses"].get(&status).filter(|_| reply.status < 300);
            let answer = answer.unwrap_or_else(|| panic!("no good answer that is documented: {what}"));
            operation.check_headers(&reply, answer);
            let Some(kind) = reply.header("content-type").filter(|_| !reply.body.is_empty()) else {
                assert!(answer.get("content").is_none(), "{what}");
                continue;
            };
            let content = answer["content"].get(kind).unwrap_or_else(|| panic!("{kind} is not declared: {what}"));
            if kind == JSON {
                operation.conforms(&content["schema"], &reply.value(), "answer");
            }
            if record {
                examples.record(&operation.id, &status, &world.anonymous(&reply, kind));
            }
            if content.get("example").is_none() {
                missing.push(format!("{} {status}", operation.id));
            }
        }
    }
    if record {
        return examples.write();
    }
    missing.dedup();
    assert!(missing.is_empty(), "answers without an example, see the head of tests/http/examples.rs: {missing:?}");
}

#[test]
fn every_operation_shows_an_example_of_all_it_takes_and_gives() {
    let document: Value = serde_json::from_str(&treebeard::http::openapi_document()).expect("JSON");
    for operation in operations(&document) {
        for parameter in operation.list("parameters") {
            let has = parameter.get("example").is_some() || parameter["schema"].get("example").is_some();
            assert!(has, "{}: no example of the parameter {}", operation.id, parameter["name"]);
        }
        for (media, content) in operation.meta["requestBody"]["content"].as_object().into_iter().flatten() {
            let example = content.get("example");
            let example = example.unwrap_or_else(|| panic!("{}: no example of a request", operation.id));
            let is_text = content["schema"]["format"] == "binary";
            if !is_text && media != MULTIPART {
                operation.conforms(&content["schema"], example, "request example");
            }
        }
        for (status, answer) in operation.meta["responses"].as_object().expect("answers") {
            let answer = operation.resolved(answer);
            for (media, content) in answer["content"].as_object().into_iter().flatten() {
                if content["schema"]["format"] == "binary" {
                    continue;
                }
                let Some(example) = content.get("example") else {
                    panic!("{} {status}: no example, see the head of tests/http/examples.rs", operation.id)
                };
                if media.ends_with("json") {
                    operation.conforms(&content["schema"], example, status);
                }
            }
            assert!(answer["headers"]["X-Request-ID"].is_object(), "{} {status}: no headers", operation.id);
        }
        assert!(operation.meta["security"].is_array(), "{}: who may call it", operation.id);
    }
}

#[test]
fn every_field_of_the_document_has_bounds() {
    let document: Value = serde_json::from_str(&treebeard::http::openapi_document()).expect("JSON");
    let mut without = Vec::new();
    for part in ["paths", "components"] {
        find_unbounded(&document[part], part, &mut without);
    }
    assert!(without.is_empty(), "{without:#?}");
}

fn find_unbounded(value: &Value, path: &str, found: &mut Vec<String>) {
    let has = |names: &[&str]| names.iter().all(|name| value.get(name).is_some());
    let bounded_format = ["uuid", "date", "date-time", "month", "email", "binary"];
    let is_bounded = match value["type"].as_str() {
        Some("string") => {
            let by_format = value["format"].as_str().is_some_and(|format| bounded_format.contains(&format));
            by_format || has(&["maxLength"]) || has(&["enum"])
        }
        Some("array") => has(&["maxItems", "items"]),
        Some("integer" | "number") => has(&["minimum", "maximum"]),
        _ => true,
    };
    // What is made of others has their bounds.
    if !is_bounded && value.get("allOf").is_none() {
        found.push(path.to_owned());
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(name, _)| *name != "example") {
                find_unbounded(member, &format!("{path}/{name}"), found);
            }
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| {
            find_unbounded(item, &format!("{path}/{n}"), found);
        }),
        _ => {}
    }
}

/// A service over the invented market that writes mails and serves without an account, too.
fn people(mailbox: &Mailbox) -> People {
    let mails = format!("smtp://tree:ent@{}", mailbox.address);
    let settings = [
        ("TREEBEARD_FEATURES__ANONYMOUS", "true"),
        ("TREEBEARD_NOTIFIER__SMTP_URL", mails.as_str()),
        ("TREEBEARD_NOTIFIER__SENDER", "TreeBeard <noreply@example.org>"),
        ("TREEBEARD_SERVER__PUBLIC_URL", "https://trees.example.org/"),
    ];
    People::with(&settings)
}

/// What a mail about a forgotten password says behind the `#` of its link.
fn reset_token(people: &People, mailbox: &Mailbox, email: &str) -> String {
    let body = json!({ "email": email }).to_string();
    assert_eq!(people.server.post("/api/v1/auth/password/forgot", &[], &body).status, 202);
    loop {
        let mail = mailbox.next();
        if mail.contains(email) {
            let rest = mail.split_once("/reset-password#").expect("a link").1;
            return rest.chars().take_while(char::is_ascii_hexdigit).collect();
        }
    }
}

fn is_for_staff(operation: &str) -> bool {
    permissions::of(operation).is_some_and(Access::is_for_staff)
}

/// What the file says, by operation.
struct Examples(Value);

impl Examples {
    fn read() -> Self {
        let text = std::fs::read_to_string(FILE).expect("assets/api/examples.json");
        Examples(serde_json::from_str(&text).expect("assets/api/examples.json is JSON"))
    }

    fn write(&self) {
        let text = serde_json::to_string_pretty(&self.0).expect("a value can be written");
        std::fs::write(FILE, text + "\n").expect("assets/api/examples.json can be written");
    }

    fn request(&self, operation: &str, media: &str) -> &Value {
        let own = &self.0[operation];
        own["requests"].get(media).or_else(|| own.get("request")).unwrap_or(&Value::Null)
    }

    /// Keeps what is there: a new record of the same thing is no news.
    fn record(&mut self, operation: &str, status: &str, answer: &Value) {
        let answers = &mut self.0[operation]["answers"];
        if answers.get(status).is_none() {
            answers[status] = answer.clone();
        }
    }
}

/// An account that holds everything the examples speak of, on a service.
struct World<'a> {
    people: &'a People,
    /// A service that nobody administers, for who becomes the first to.
    alone: Option<Server>,
    bearer: String,
    email: String,
    /// The key of the supplier it administers.
    unique: String,
    /// What stands in for the names and tokens of the examples.
    live: BTreeMap<&'static str, String>,
}

impl<'a> World<'a> {
    fn new(people: &'a People, mailbox: &Mailbox, examples: &Examples, name: &str) -> Self {
        let email = format!("{name}.{}@example.com", uuid::Uuid::now_v7());
        let mut request = examples.request("register_user", JSON).clone();
        request["email"] = json!(email);
        let tokens = people.server.post("/api/v1/auth/register", &[], &request.to_string()).value();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let bearer = format!("Bearer {}", text(&tokens["access_token"]));
        let mut live = BTreeMap::from([
            ("refresh_token", text(&tokens["refresh_token"])),
            ("username", email.clone()),
            // An administrator's would be the same in every world.
            ("Idempotency-Key", email.clone()),
        ]);
        let send = |method: &str, path: &str, kind: &str, body: &Value| {
            let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
            let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
            let reply = people.server.request(method, path, &headers, &body);
            assert!(reply.status < 300, "{method} {path}: {} {}", reply.status, reply.body);
            reply.value()
        };
        let get = |path: &str| people.server.get(path, &[("authorization", &bearer)]).value();
        let me = get("/api/v1/auth/me");
        live.insert("user_id", text(&me["id"]));
        let sessions = get("/api/v1/auth/sessions");
        live.insert("session_id", text(&sessions[0]["id"]));
        send("POST", "/api/v1/usage/import", "text/xml", examples.request("import_usage", "text/xml"));
        let generate = examples.request("generate_recommendation", JSON);
        send("POST", "/api/v1/usage/upload", JSON, &json!({ "usage_data": generate["usage_data"] }));
        send("PUT", "/api/v1/users/current-plan", JSON, examples.request("save_current_plan", JSON));
        send("POST", "/api/v1/users/preferences", JSON, examples.request("save_preferences", JSON));
        let made = send("POST", "/api/v1/recommendations/generate", JSON, generate);
        live.insert("recommendation_id", text(&made["recommendation_id"]));
        let anonymous = people.server.post("/api/v1/recommendations/generate", &[], &generate.to_string()).value();
        live.insert("claimed_recommendation_id", text(&anonymous["recommendation_id"]));
        live.insert("X-Claim-Token", text(&anonymous["claim_token"]));
        if name == "reset_password" {
            live.insert("token", reset_token(people, mailbox, &email));
        }
        let alone = (name == "create_first_admin").then(Server::start);
        if let Some(alone) = &alone {
            live.insert("token", alone.first_admin_token());
        }
        let mut world = World { people, alone, bearer, email, unique: String::new(), live };
        if is_for_staff(name) {
            world.administer(examples, name);
        }
        world
    }

    /// The administrator's view: of an account, a supplier and a plan that nobody else looks at.
    fn administer(&mut self, examples: &Examples, operation: &str) {
        self.bearer = self.people.bearer(ADMIN);
        self.unique = format!("{SUPPLIER}-{}", uuid::Uuid::now_v7());
        self.live.insert("supplier", self.unique.clone());
        let me = self.people.server.get("/api/v1/auth/me", &[("authorization", &self.bearer)]).value();
        self.live.insert("actor_id", me["id"].as_str().expect("an id").to_owned());
        for (kind, key) in [("supplier", self.unique.clone()), ("plan", format!("{}/sunrise-12", self.unique))] {
            self.live.insert("key", key.clone());
            let body = self.alive("", examples.request(&format!("admin_create_{kind}"), JSON));
            let made = self.must("POST", &format!("/api/v1/admin/{kind}s?market=demo"), &body.to_string());
            let id = made["id"].as_str().expect("an id").to_owned();
            self.live.insert(if kind == "plan" { "plan_id" } else { "supplier_id" }, id);
        }
        self.live.insert("subject_id", self.live["plan_id"].clone());
        let (supplier, plan, user) = (&self.live["supplier_id"], &self.live["plan_id"], &self.live["user_id"]);
        match operation {
            "admin_restore_supplier" => drop(self.must("DELETE", &format!("/api/v1/admin/suppliers/{supplier}"), "")),
            "admin_restore_plan" => drop(self.must("DELETE", &format!("/api/v1/admin/plans/{plan}"), "")),
            "admin_reactivate_user" => {
                self.must("POST", &format!("/api/v1/admin/users/{user}/deactivate"), "");
            }
            "get_feedback_stats" | "get_feedback_analytics" | "search_feedback" | "export_feedback" => {
                let given = self.alive("", examples.request("rate_plan", JSON));
                self.must("POST", "/api/v1/feedback/plan", &given.to_string());
            }
            _ => {}
        }
        let own_key = match operation {
            "admin_create_supplier" => format!("{}-2", self.unique),
            "admin_create_plan" => format!("{}/sunrise-24", self.unique),
            "admin_replace_supplier" => self.unique.clone(),
            _ => format!("{}/sunrise-12", self.unique),
        };
        self.live.insert("key", own_key);
        if operation == "admin_list_users" {
            self.live.insert("q", self.email.clone());
        }
    }

    /// What the service answers to a request that prepares another.
    fn must(&self, method: &str, path: &str, body: &str) -> Value {
        let headers = [("authorization", self.bearer.as_str()), ("content-type", JSON), ("if-match", "*")];
        let reply = self.people.server.request(method, path, &headers, body);
        assert!(reply.status < 300, "{method} {path}: {} {}", reply.status, reply.body);
        reply.value()
    }

    /// The example with what it names put in its place.
    fn alive(&self, name: &str, example: &Value) -> Value {
        match example {
            Value::Object(members) => {
                Value::Object(members.iter().map(|(name, member)| (name.clone(), self.alive(name, member))).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(|item| self.alive(name, item)).collect()),
            _ => self.live.get(name).map_or_else(|| example.clone(), |value| json!(value)),
        }
    }

    /// The answer without what is this account's alone.
    fn anonymous(&self, reply: &Reply, kind: &str) -> Value {
        let mut text = reply.body.replace(&self.email, EMAIL);
        if !self.unique.is_empty() {
            text = text.replace(&format!("{}-2", self.unique), SUPPLIER).replace(&self.unique, SUPPLIER);
        }
        if kind != JSON {
            return json!(text);
        }
        let mut value: Value = serde_json::from_str(&text).expect("JSON");
        for name in ["access_token", "refresh_token"] {
            if let Some(token) = value.get_mut(name) {
                *token = json!(SECRET);
            }
        }
        value
    }
}

struct Operation<'a> {
    document: &'a Value,
    id: String,
    method: String,
    path: String,
    meta: &'a Value,
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().expect("paths");
    let every = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().expect("methods").iter().map(move |(method, meta)| (path, method, meta))
    });
    every
        .map(|(path, method, meta)| Operation {
            document,
            id: meta["operationId"].as_str().expect("an operationId").to_owned(),
            method: method.to_uppercase(),
            path: path.clone(),
            meta,
        })
        .collect()
}

impl<'a> Operation<'a> {
    fn list(&self, name: &str) -> &'a [Value] {
        self.meta[name].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// One for each kind of body, a request without one being sent once, too, and those with other parameters.
    fn calls(&self, examples: &Examples) -> Vec<(Option<String>, Value)> {
        let own = &examples.0[&self.id];
        let content = self.meta["requestBody"]["content"].as_object();
        let kinds = content.map_or_else(|| vec![None], |content| content.keys().cloned().map(Some).collect());
        let more = own["more"].as_array().into_iter().flatten();
        let more = more.map(|call| (call["media"].as_str().map(str::to_owned), call["parameters"].clone()));
        kinds.into_iter().map(|kind| (kind, own["parameters"].clone())).chain(more).collect()
    }

    fn resolved(&self, value: &'a Value) -> &'a Value {
        let target = value["$ref"].as_str().map(|target| target.trim_start_matches('#'));
        target.map_or(value, |target| self.document.pointer(target).expect("a reference to something"))
    }

    fn send(&self, world: &World<'_>, examples: &Examples, media: Option<&str>, parameters: &Value) -> Reply {
        let mut path = self.path.clone();
        let mut query = form_urlencoded::Serializer::new(String::new());
        let mut headers = vec![];
        if self.list("security").iter().any(|scheme| scheme.get("bearer").is_some()) {
            headers.push(("authorization".to_owned(), world.bearer.clone()));
        }
        for (name, example) in parameters.as_object().into_iter().flatten() {
            // What has a claim token was made by nobody.
            let claims = name == "recommendation_id" && parameters.get("X-Claim-Token").is_some();
            let value = world.alive(if claims { "claimed_recommendation_id" } else { name }, example);
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let parameter = self.list("parameters").iter().find(|parameter| parameter["name"] == name.as_str());
            match parameter.and_then(|parameter| parameter["in"].as_str()) {
                Some("path") => path = path.replace(&format!("{{{name}}}"), &text),
                Some("query") => drop(query.append_pair(name, &text)),
                Some("header") => headers.push((name.clone(), text)),
                place => panic!("{}: no parameter {name} in {place:?}", self.id),
            }
        }
        let query = query.finish();
        let separator = if query.is_empty() { "" } else { "?" };
        let mut body = String::new();
        if let Some(media) = media {
            let example = examples.request(&self.id, media);
            assert_eq!(self.meta["requestBody"]["content"][media]["example"], *example, "{}: run it again", self.id);
            // A file says itself what it is about.
            let is_file =
                media == MULTIPART || self.meta["requestBody"]["content"][media]["schema"]["format"] == "binary";
            let (kind, text) = encoded(media, &if is_file { example.clone() } else { world.alive("", example) });
            headers.push(("content-type".to_owned(), kind));
            body = text;
        }
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let server = world.alone.as_ref().unwrap_or(&world.people.server);
        server.request(&self.method, &format!("{path}{separator}{query}"), &headers, &body)
    }

    /// What an answer carries is declared, and what is declared as always there is there.
    fn check_headers(&self, reply: &Reply, answer: &Value) {
        let declared = answer["headers"].as_object().cloned().unwrap_or_default();
        for (name, described) in self.document["components"]["headers"].as_object().expect("headers") {
            let is_there = reply.header(&name.to_lowercase()).is_some();
            // Said of every answer that a browser of another origin may read.
            let is_declared = declared.contains_key(name) || name == "Vary";
            assert!(!is_there || is_declared, "{}: {name} is sent and not declared", self.id);
            let must = described["required"] == true && is_declared;
            assert!(is_there || !must, "{}: {name} is declared and not sent", self.id);
        }
    }

    #[track_caller]
    fn conforms(&self, schema: &Value, instance: &Value, what: &str) {
        let errors: Vec<String> = validator(self.document, schema)
            .iter_errors(instance)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{} {what} is not what its schema says: {errors:#?}", self.id);
    }
}

/// A body of a media type, and the content type that names it.
fn encoded(media: &str, example: &Value) -> (String, String) {
    match (media, example) {
        (MULTIPART, Value::Object(members)) => {
            let parts = members.iter().map(|(name, text)| {
                let text = text.as_str().unwrap_or_default();
                format!(
                    "--part\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\r\n{text}\r\n"
                )
            });
            ("multipart/form-data; boundary=part".to_owned(), parts.collect::<String>() + "--part--\r\n")
        }
        (FORM, Value::Object(members)) => {
            let pairs = members.iter().map(|(name, text)| (name, text.as_str().unwrap_or_default()));
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            (FORM.to_owned(), body)
        }
        (_, Value::String(text)) => (media.to_owned(), text.clone()),
        (_, value) => (media.to_owned(), value.to_string()),
    }
}

/// OpenAPI 3.0 has draft 4 of JSON Schema with `nullable` for the type `null`.
pub fn validator(document: &Value, schema: &Value) -> Validator {
    let mut whole = json!({ "allOf": [schema], "components": { "schemas": document["components"]["schemas"] } });
    admit_null(&mut whole);
    jsonschema::options().with_draft(Draft::Draft4).build(&whole).expect("a schema")
}

fn admit_null(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(admit_null);
            if members.get("nullable") == Some(&json!(true)) {
                members.remove("nullable");
                let own = Value::Object(std::mem::replace(members, Map::new()));
                members.insert("anyOf".to_owned(), json!([own, { "enum": [null] }]));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(admit_null),
        _ => {}
    }
}
