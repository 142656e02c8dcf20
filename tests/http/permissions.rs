//! Every operation of the published document meets everybody: anonymous, the owner, another user, support and an
//! administrator. Whom it must admit stands in the one table; a route without an entry, or with another effect, fails.

use crate::people::{ADMIN, People, SUPPORT};
use crate::support::Reply;
use serde_json::Value;
use treebeard::http::permissions::{self, Access};
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Anonymous,
    Owner,
    Other,
    Support,
    Admin,
}

const EVERYBODY: [Who; 5] = [Who::Anonymous, Who::Owner, Who::Other, Who::Support, Who::Admin];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// Let through to the handler; a named thing is found.
    In,
    /// Refused with this status.
    Out(u16),
}

struct Operation<'a> {
    id: &'a str,
    method: String,
    path: &'a str,
    takes_json: bool,
}

#[test]
fn every_operation_admits_whom_the_table_says_and_nobody_else() {
    let people = People::meet();
    let document = people.server.get("/openapi.json", &[]).value();
    let mut findings = Vec::new();
    let operations = operations(&document);
    assert!(operations.len() >= 68, "the document lists its routes");
    for operation in &operations {
        let Some(access) = permissions::of(operation.id) else {
            findings.push(format!("{} has no entry in the table", operation.id));
            continue;
        };
        for who in EVERYBODY {
            let (expected, reply) = (expected(operation, access, who), attempt(&people, operation, who));
            let fits = match expected {
                Expected::Out(status) => reply.status == status,
                Expected::In if names_a_thing(operation) => (200..300).contains(&reply.status) || reply.status == 422,
                Expected::In => ![401, 403, 405].contains(&reply.status) && reply.status < 500,
            };
            if !fits {
                findings.push(format!("{} as {who:?}: {} instead of {expected:?}", operation.id, reply.status));
            }
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn switched_off_no_operation_of_staff_is_there_for_anybody() {
    let people = People::with(&[("ADMIN_API_ENABLED", "false")]);
    let document = people.server.get("/openapi.json", &[]).value();
    let staff = |operation: &Operation<'_>| permissions::of(operation.id).is_some_and(Access::is_for_staff);
    let hidden: Vec<_> = operations(&document).into_iter().filter(staff).collect();
    assert!(hidden.len() >= 30, "{}", hidden.len());
    let found = hidden.iter().flat_map(|operation| {
        let statuses = EVERYBODY.map(|who| (who, attempt(&people, operation, who).status));
        statuses.into_iter().filter(|(_, status)| *status != 404).map(|(who, status)| (operation.id, who, status))
    });
    assert_eq!(found.collect::<Vec<_>>(), []);
}

#[test]
fn a_claim_of_being_an_administrator_in_a_request_changes_nothing() {
    let people = People::meet();
    let bearer = people.server.signed_in("anna@example.org");
    let headers = [("authorization", bearer.as_str())];
    for body in [r#"{"role":"admin"}"#, r#"{"is_admin":true}"#, r#"{"status":"active"}"#, r#"{"id":"x"}"#] {
        people.server.json("PUT", "/api/v1/users/profile", &headers, body).problem(422);
    }
    assert_eq!(people.server.get("/api/v1/auth/me", &headers).value()["role"], "user");
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().expect("paths");
    let every = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().expect("methods").iter().map(move |(method, meta)| Operation {
            id: meta["operationId"].as_str().expect("an operationId"),
            method: method.to_uppercase(),
            path,
            takes_json: meta["requestBody"]["content"].get("application/json").is_some(),
        })
    });
    every.collect()
}

/// Whether the path names something that belongs to one user.
fn names_a_thing(operation: &Operation<'_>) -> bool {
    ["{recommendation_id}", "{user_id}", "{session_id}"].iter().any(|name| operation.path.contains(name))
}

fn expected(operation: &Operation<'_>, access: Access, who: Who) -> Expected {
    use Expected::{In, Out};
    match (access, who) {
        (_, Who::Anonymous) if access != Access::Anyone => Out(401),
        // A thing of one's own: everybody else's is as good as none.
        (Access::SignedIn, Who::Other | Who::Support | Who::Admin) if names_a_thing(operation) => Out(404),
        (Access::OwnerOrAdmin | Access::OwnerAdminOrClaim, Who::Other | Who::Support) => Out(404),
        (Access::StaffReads | Access::AdminWrites, Who::Owner | Who::Other) | (Access::AdminWrites, Who::Support) => {
            Out(403)
        }
        _ => In,
    }
}

/// One request by `who`, about a thing of its owner that no other attempt has touched.
fn attempt(people: &People, operation: &Operation<'_>, who: Who) -> Reply {
    let owner = people.server.signed_in(&fresh_address());
    let bearer = match who {
        Who::Anonymous => None,
        Who::Owner => Some(owner.clone()),
        Who::Other => Some(people.server.signed_in(&fresh_address())),
        Who::Support => Some(people.bearer(SUPPORT)),
        Who::Admin => Some(people.bearer(ADMIN)),
    };
    let mut headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    let body = if operation.takes_json { "{}" } else { "" };
    if operation.takes_json {
        headers.push(("content-type", "application/json"));
    }
    people.server.request(&operation.method, &path_of(people, operation.path, &owner), &headers, body)
}

/// The path with things of the owner in it.
fn path_of(people: &People, template: &str, owner: &str) -> String {
    let get = |path: &str| people.server.get(path, &[("authorization", owner)]).value();
    let mut path = template.to_owned();
    if path.contains("{recommendation_id}") {
        path = path.replace("{recommendation_id}", &people.recommendation(owner));
    }
    if path.contains("{user_id}") {
        path = path.replace("{user_id}", get("/api/v1/auth/me")["id"].as_str().expect("an id"));
    }
    if path.contains("{session_id}") {
        path = path.replace("{session_id}", get("/api/v1/auth/sessions")[0]["id"].as_str().expect("an id"));
    }
    let anything = Uuid::from_u128(7).to_string();
    path.split('/')
        .map(|part| match part {
            "{zip_code}" => "78701",
            _ if part.starts_with('{') => &anything,
            _ => part,
        })
        .collect::<Vec<_>>()
        .join("/")
}

fn fresh_address() -> String {
    format!("{}@example.com", Uuid::now_v7())
}
