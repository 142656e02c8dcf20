//! Every operation of the published document meets every kind of bad request: the faults are made from the schemas the
//! document itself gives, so that a new route or field is tested as soon as it is published.

use crate::people::{ADMIN, People};
use crate::support::{Reply, Server};
use serde_json::{Map, Value, json};
use treebeard::http::permissions::{self, Access};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const UNKNOWN_FIELD: &str = "no_such_field";
const BAD_TOKENS: [&str; 6] =
    ["Bearer", "Bearer ", "Bearer x.y.z", "Basic dTpw", "Bearer eyJhbGciOiJub25lIn0.e30.", "bearer \u{fffd}"];

#[test]
fn without_a_good_token_nobody_gets_in() {
    for_each_operation(|server, operation| {
        if !operation.takes_token {
            return;
        }
        if operation.needs_token {
            let reply = operation.send(server, None, &[], "");
            operation.expect(&reply, &[401], "no token");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{}", operation.id);
        }
        for token in BAD_TOKENS {
            let reply = operation.send(server, Some(token), &[], "");
            operation.expect(&reply, &[401], token);
        }
    });
}

#[test]
fn every_field_of_every_body_is_checked_by_its_path() {
    for_each_operation(|server, operation| {
        let Some(schema) = operation.body_schema(JSON) else { return };
        let bearer = operation.bearer(server);
        for fault in operation.document.faults_of(schema, "") {
            let reply = operation.send(server, bearer.as_deref(), &[("content-type", JSON)], &fault.value.to_string());
            let case = format!("{} as {}", fault.path, shortened(&fault.value));
            operation.expect(&reply, &[422], &case);
            let named = reply.faults();
            assert!(
                named.iter().any(|(field, _)| *field == fault.path),
                "{}: {case} is not named: {named:?}",
                operation.id
            );
        }
    });
}

#[test]
fn every_parameter_is_checked_by_its_name() {
    for_each_operation(|server, operation| {
        let bearer = operation.bearer(server);
        for (name, text) in operation.faulty_queries() {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair(&name, &text).finish();
            let path = format!("{}?{query}", operation.path);
            let reply = operation.send_to(server, &path, bearer.as_deref(), &[], "");
            operation.expect(&reply, &[422], &query);
            let named = reply.faults();
            assert!(named.iter().any(|(field, _)| *field == name), "{}: {query}: {named:?}", operation.id);
        }
        if operation.path.starts_with("/api/") {
            let path = format!("{}?{UNKNOWN_FIELD}=1", operation.path);
            let reply = operation.send_to(server, &path, bearer.as_deref(), &[], "");
            operation.expect(&reply, &[422], "an unknown parameter");
            assert_eq!(reply.faults(), [(UNKNOWN_FIELD.to_owned(), "unknown_field".to_owned())], "{}", operation.id);
        }
        for segment in operation.faulty_segments() {
            let reply = operation.send_to(server, &segment, bearer.as_deref(), &[], "");
            operation.expect(&reply, &[404, 422], &segment);
        }
    });
}

#[test]
fn a_body_that_cannot_be_read_is_refused_as_what_it_is() {
    for_each_operation(|server, operation| {
        let bearer = operation.bearer(server);
        let send = |kind: &str, body: &str| operation.send(server, bearer.as_deref(), &[("content-type", kind)], body);
        if operation.reads_json() {
            for body in ["{", "{\"a\":1,}", "nonsense", "\u{0}", "{}{}", "[[[["] {
                operation.expect(&send(JSON, body), &[400], body);
            }
            for body in ["[]", "7", "null", "\"text\""] {
                operation.expect(&send(JSON, body), &[422], body);
            }
            operation.expect(&send(JSON, ""), &[400], "an empty body");
        }
        if operation.body_schema(FORM).is_some() {
            operation.expect(&send(FORM, &format!("{UNKNOWN_FIELD}=1")), &[422], "an unknown field of a form");
            operation.expect(&send(FORM, "%ff=%zz&&=&"), &[422], "a broken form");
        }
        if operation.has_body() {
            operation.expect(&send("image/png", "{}"), &[415], "another media type");
            operation.expect(&send("\u{e9}/\u{e9}", "{}"), &[415], "a media type that is none");
        }
    });
}

#[test]
fn a_body_over_the_limit_is_refused_everywhere() {
    let large = "a".repeat(2 << 20);
    for_each_operation(|server, operation| {
        let bearer = operation.bearer(server);
        let kind = operation.media_types().first().cloned().unwrap_or_else(|| JSON.to_owned());
        let reply = operation.send(server, bearer.as_deref(), &[("content-type", &kind)], &large);
        if operation.has_body() {
            operation.expect(&reply, &[413], "2 MiB");
        } else {
            reply.problem(413);
        }
        if operation.reads_json() {
            let text = format!("\"{}\"", "a".repeat(200_000));
            let reply = operation.send(server, bearer.as_deref(), &[("content-type", JSON)], &text);
            operation.expect(&reply, &[413], "200 kB of JSON");
        }
    });
}

/// Runs `test` for each operation against one service, whose limits are low enough to be met.
#[track_caller]
fn for_each_operation(test: impl Fn(&Server, &Operation<'_>)) {
    let people = People::with(&[("TREEBEARD_SERVER__JSON_KILOBYTES_MAX", "128"), ("MAX_UPLOAD_SIZE_MB", "1")]);
    let server = &people.server;
    let document = Document(server.get("/openapi.json", &[]).value(), people.bearer(ADMIN));
    let operations = document.operations();
    assert!(operations.len() >= 30, "the document lists its routes");
    for operation in &operations {
        test(server, operation);
    }
}

/// The API document, and the header of an administrator.
struct Document(Value, String);

struct Operation<'a> {
    document: &'a Document,
    id: String,
    method: String,
    template: String,
    /// With well-formed path parameters that name nothing.
    path: String,
    takes_token: bool,
    needs_token: bool,
    meta: &'a Value,
}

/// A value that breaks one rule of a schema, and where a refusal must name it.
struct Fault {
    path: String,
    value: Value,
}

impl Document {
    fn operations(&self) -> Vec<Operation<'_>> {
        let paths = self.0["paths"].as_object().expect("paths");
        let every = paths.iter().flat_map(|(path, methods)| {
            methods.as_object().expect("methods").iter().map(move |(method, meta)| (path, method, meta))
        });
        every.map(|(path, method, meta)| Operation::new(self, path, method, meta)).collect()
    }

    /// The schema itself, behind references and wrappers of one.
    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        if let Some(target) = schema["$ref"].as_str() {
            let found = self.0.pointer(target.trim_start_matches('#')).expect("a reference to something");
            return self.resolved(found);
        }
        match schema["allOf"].as_array().map(Vec::as_slice) {
            Some([only]) => self.resolved(only),
            _ => schema,
        }
    }

    /// Wrong types, values outside of every stated bound, and unknown fields, at every depth.
    fn faults_of(&self, schema: &Value, path: &str) -> Vec<Fault> {
        let schema = self.resolved(schema);
        let own = wrong_type(schema).into_iter().chain(out_of_range(schema));
        let mut faults: Vec<Fault> = own.map(|value| Fault { path: path.to_owned(), value }).collect();
        if let Some(properties) = schema["properties"].as_object() {
            let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            for (name, property) in properties {
                let inner = self.faults_of(property, &join(name));
                faults.extend(inner.into_iter().map(|fault| fault.inside(|value| json!({ name.as_str(): value }))));
            }
            faults.push(Fault { path: join(UNKNOWN_FIELD), value: json!({ UNKNOWN_FIELD: 44 }) });
        }
        if schema["items"].is_object() {
            let inner = self.faults_of(&schema["items"], &format!("{path}[0]"));
            faults.extend(inner.into_iter().map(|fault| fault.inside(|value| json!([value]))));
        }
        faults
    }
}

impl Fault {
    fn inside(self, wrap: impl FnOnce(Value) -> Value) -> Self {
        Fault { path: self.path, value: wrap(self.value) }
    }
}

impl<'a> Operation<'a> {
    fn new(document: &'a Document, template: &str, method: &str, meta: &'a Value) -> Self {
        let security = meta["security"].as_array().cloned().unwrap_or_default();
        let optional = security.iter().any(|scheme| scheme.as_object().is_some_and(Map::is_empty));
        let mut operation = Operation {
            document,
            id: meta["operationId"].as_str().expect("an operationId").to_owned(),
            method: method.to_uppercase(),
            template: template.to_owned(),
            path: template.to_owned(),
            takes_token: security.iter().any(|scheme| scheme.get("bearer").is_some()),
            needs_token: !security.is_empty() && !optional,
            meta,
        };
        for (name, schema) in operation.parameters("path") {
            let value = if schema["format"] == "uuid" { "019b0000-0000-7000-8000-00000000dead" } else { "78701" };
            operation.path = operation.path.replace(&format!("{{{name}}}"), value);
        }
        operation
    }

    fn parameters(&self, place: &str) -> Vec<(String, &'a Value)> {
        let all = self.meta["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let placed = all.iter().filter(|parameter| parameter["in"] == place);
        placed.map(|parameter| (parameter["name"].as_str().expect("a name").to_owned(), &parameter["schema"])).collect()
    }

    fn media_types(&self) -> Vec<String> {
        let content = self.meta["requestBody"]["content"].as_object();
        content.map_or_else(Vec::new, |content| content.keys().cloned().collect())
    }

    fn has_body(&self) -> bool {
        !self.media_types().is_empty()
    }

    /// A file may come under the name of JSON, too; that is not what is meant here.
    fn reads_json(&self) -> bool {
        self.body_schema(JSON).is_some_and(|schema| self.document.resolved(schema)["format"] != "binary")
    }

    fn body_schema(&self, media_type: &str) -> Option<&'a Value> {
        let schema = &self.meta["requestBody"]["content"].get(media_type)?["schema"];
        (self.document.resolved(schema)["format"] != "binary").then_some(schema)
    }

    /// Names and texts that break what the document says of a query parameter.
    fn faulty_queries(&self) -> Vec<(String, String)> {
        let faults = self.parameters("query").into_iter().flat_map(|(name, schema)| {
            let schema = self.document.resolved(schema);
            let typed = wrong_type(schema).filter(|_| schema["type"] != "string");
            let values: Vec<Value> = typed.into_iter().chain(out_of_range(schema)).collect();
            values.into_iter().map(move |value| (name.clone(), text_of(&value)))
        });
        faults.collect()
    }

    /// Paths with segments that cannot be what they stand for.
    fn faulty_segments(&self) -> Vec<String> {
        let names = self.parameters("path").into_iter().map(|(name, _)| format!("{{{name}}}"));
        let bad = ["7", "%ff", "%00", "..%2f..", "%3Cscript%3E", "0000000000000000000000000000000000000000"];
        names.flat_map(|name| bad.map(|segment| self.template.replace(&name, segment))).collect()
    }

    /// A fresh account for each operation: some end their caller's sessions. Administration takes an administrator.
    fn bearer(&self, server: &Server) -> Option<String> {
        if permissions::of(&self.id).is_some_and(Access::is_for_staff) {
            return Some(self.document.1.clone());
        }
        let unique = uuid::Uuid::now_v7();
        self.takes_token.then(|| server.signed_in(&format!("{}.{unique}@example.com", self.id)))
    }

    fn send(&self, server: &Server, bearer: Option<&str>, headers: &[(&str, &str)], body: &str) -> Reply {
        self.send_to(server, &self.path, bearer, headers, body)
    }

    fn send_to(
        &self,
        server: &Server,
        path: &str,
        bearer: Option<&str>,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let credential = bearer.map(|bearer| ("authorization", bearer));
        let headers: Vec<_> = headers.iter().copied().chain(credential).collect();
        server.request(&self.method, path, &headers, body)
    }

    /// One of `statuses`, as a problem document with a request id, and declared for this operation.
    #[track_caller]
    fn expect(&self, reply: &Reply, statuses: &[u16], case: &str) {
        let what = format!("{} ({} {}): {case}: {} {}", self.id, self.method, self.template, reply.status, reply.body);
        assert!(statuses.contains(&reply.status), "{what}");
        reply.problem(reply.status);
        assert!(reply.header("x-request-id").is_some_and(|id| !id.is_empty()), "{what}");
        assert!(self.meta["responses"].get(reply.status.to_string()).is_some(), "not declared: {what}");
    }
}

/// A value of another type than the schema's, if it has one.
fn wrong_type(schema: &Value) -> Option<Value> {
    match schema["type"].as_str()? {
        "string" => Some(json!(7)),
        "integer" | "number" => Some(json!("seven")),
        "boolean" => Some(json!("maybe")),
        "array" => Some(json!({})),
        "object" => Some(json!([])),
        _ => None,
    }
}

/// Values just outside of each bound the schema states.
fn out_of_range(schema: &Value) -> Vec<Value> {
    let size = |key: &str| schema[key].as_u64().map(|size| size as usize);
    let mut values = Vec::new();
    if let Some(most) = schema["maximum"].as_f64() {
        values.extend([json!((most + 1.0) as i64), json!(1e300)]);
    }
    if let Some(least) = schema["minimum"].as_f64() {
        values.extend([json!((least - 1.0) as i64), json!(-1e300)]);
    }
    if schema["type"] == "integer" {
        values.extend([json!(0.5), json!(u64::MAX)]);
    }
    if let Some(most) = size("maxLength") {
        values.push(json!("x".repeat(most + 1)));
    }
    if size("minLength").is_some_and(|least| least > 0) {
        values.push(json!(""));
    }
    let checked = ["uuid", "date", "month", "email", "date-time"];
    let has_form = schema["format"].as_str().is_some_and(|format| checked.contains(&format));
    if has_form || schema["pattern"].is_string() || schema["enum"].is_array() {
        values.push(json!("?"));
    }
    if let Some(most) = size("maxItems") {
        values.push(Value::Array(vec![Value::Null; most + 1]));
    }
    if size("minItems").is_some_and(|least| least > 0) {
        values.push(json!([]));
    }
    values
}

/// As a query carries it.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn shortened(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}
