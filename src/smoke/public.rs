//! What needs no account: probes, versions, pages, headers, the shape of errors, metrics.

use crate::smoke::client::{Answer, Call};
use crate::smoke::{Found, Not, Visit, failed, skipped};
use serde_json::Value;

pub fn alive(visit: &mut Visit<'_>) -> Found {
    state(visit, "/health/live", "alive")
}

pub fn ready(visit: &mut Visit<'_>) -> Found {
    state(visit, "/health/ready", "ready")
}

fn state(visit: &mut Visit<'_>, path: &str, word: &str) -> Found {
    let answer = visit.client.get(path)?.expect(200)?;
    match answer.json()["status"].as_str() {
        Some(found) if found == word => Ok(word.to_owned()),
        _ => failed(format!("{path} is no answer of TreeBeard: {}", answer.start())),
    }
}

pub fn health(visit: &mut Visit<'_>) -> Found {
    let answer = visit.client.get("/health")?.expect(200)?.json();
    let checks = answer["checks"].as_object().into_iter().flatten();
    let ill: Vec<&str> =
        checks.filter(|(_, check)| check["status"] != "healthy").map(|(name, _)| name.as_str()).collect();
    match answer["status"].as_str() {
        Some("healthy") => Ok("healthy".to_owned()),
        Some("degraded") => Ok(format!("degraded, look at: {}", ill.join(", "))),
        _ => failed("/health names no status TreeBeard has"),
    }
}

pub fn version(visit: &mut Visit<'_>) -> Found {
    let answer = visit.client.get("/version")?.expect(200)?.json();
    let (Some("treebeard"), Some(version)) = (answer["name"].as_str(), answer["version"].as_str()) else {
        return failed("/version is not that of TreeBeard");
    };
    visit.version = Some(version.to_owned());
    match &answer["schema_version"] {
        Value::Number(schema) => Ok(format!("{version}, schema {schema}")),
        _ => failed(format!("{version}, but the database does not tell its schema")),
    }
}

/// `None` where the documentation is switched off.
fn documentation(visit: &mut Visit<'_>, path: &str) -> Result<Answer, Not> {
    let answer = visit.client.get(path)?;
    let off = answer.status == 404 && answer.header("content-type") == Some("application/problem+json");
    if off { skipped("the documentation is switched off (features.docs)") } else { answer.expect(200) }
}

pub fn document(visit: &mut Visit<'_>) -> Found {
    let document = documentation(visit, "/openapi.json")?.json();
    let Some(paths) = document["paths"].as_object().filter(|paths| !paths.is_empty()) else {
        return failed("/openapi.json is no API document");
    };
    if document["info"]["version"].as_str() != visit.version.as_deref() {
        return failed(format!("/openapi.json is of version {}, not of the running one", document["info"]["version"]));
    }
    Ok(format!("{} paths", paths.len()))
}

pub fn pages(visit: &mut Visit<'_>) -> Found {
    for path in ["/docs", "/redoc"] {
        let page = documentation(visit, path)?;
        let policy = page.header("content-security-policy").unwrap_or_default();
        if !page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            return failed(format!("{path} is no page: {}", page.start()));
        }
        if !policy.contains("default-src 'none'") || policy.contains("http:") || policy.contains("https:") {
            return failed(format!("{path} may fetch from elsewhere: its content security policy is \"{policy}\""));
        }
    }
    Ok("/docs and /redoc, from this host alone".to_owned())
}

pub fn security_headers(visit: &mut Visit<'_>) -> Found {
    let answer = visit.client.get("/api/v1/plans/catalog?page_size=1")?.expect(200)?;
    let is = |name: &str, part: &str| answer.header(name).is_some_and(|value| value.contains(part));
    let wanted = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("cache-control", ""),
        ("x-request-id", ""),
    ];
    let absent: Vec<&str> = wanted.iter().filter(|(name, part)| !is(name, part)).map(|(name, _)| *name).collect();
    if !absent.is_empty() {
        return failed(format!("missing or changed on the way: {}", absent.join(", ")));
    }
    match (visit.client.is_https(), answer.header("strict-transport-security")) {
        (true, None) => {
            Ok("all but Strict-Transport-Security: see tls.hsts_seconds, or set it in the proxy".to_owned())
        }
        (true, Some(_)) => Ok("all, Strict-Transport-Security too".to_owned()),
        (false, _) => Ok("all; this is plain HTTP".to_owned()),
    }
}

pub fn error_shape(visit: &mut Visit<'_>) -> Found {
    let answer = visit.client.get("/api/v1/smoke-finds-nothing-here")?.expect(404)?;
    let problem = answer.json();
    let is_problem = answer.header("content-type") == Some("application/problem+json")
        && problem["status"] == 404
        && problem["message"].is_string();
    if !is_problem {
        return failed(format!("a 404 is no problem document: {}", answer.start()));
    }
    if problem["request_id"].as_str().is_none_or(|id| Some(id) != answer.header("x-request-id")) {
        return failed("a problem does not name the request of its X-Request-ID header");
    }
    Ok("problem documents with the request's id".to_owned())
}

pub fn token_asked_for(visit: &mut Visit<'_>) -> Found {
    let paths = ["/api/v1/users/profile", "/api/v1/usage/history", "/api/v1/recommendations"];
    for path in paths {
        for token in [None, Some("not-a-token")] {
            let answer = visit.client.send("GET", path, Call { token, body: None })?;
            if answer.status != 401 || answer.header("www-authenticate").is_none() {
                return failed(format!("{path} answers {} to somebody unknown", answer.status));
            }
        }
    }
    Ok(format!("401 on {} routes, without a token and with a wrong one", paths.len()))
}

pub fn plans_on_sale(visit: &mut Visit<'_>) -> Found {
    let path = format!("/api/v1/plans/catalog?zip_code={}&page_size=1", visit.plan.zip);
    let answer = visit.client.get(&path)?.expect(200)?;
    match answer.json()["total"].as_u64() {
        Some(0) => failed(format!(
            "none in {}: import a catalog (treebeard catalog import), or choose another place with --zip",
            visit.plan.zip
        )),
        Some(total) => Ok(format!("{total} in {}", visit.plan.zip)),
        None => failed(format!("no list of plans: {}", answer.start())),
    }
}

pub fn metrics(visit: &mut Visit<'_>) -> Found {
    let token = visit.plan.metrics_token.clone();
    let answer = visit.client.send("GET", "/metrics", Call { token: token.as_deref(), body: None })?;
    if answer.status == 401 && token.is_none() {
        return skipped("they ask for a token: set TREEBEARD_METRICS__TOKEN as it is there");
    }
    let answer = answer.expect(200)?;
    let samples = answer.text.lines().filter(|line| line.starts_with("treebeard_")).count();
    let counts_us = answer
        .text
        .lines()
        .any(|line| line.starts_with("treebeard_http_requests_total{") && line.contains("route=\"/health/live\""));
    if !counts_us {
        return failed("/metrics does not count the requests just made");
    }
    let open = if token.is_none() { "; anybody may read them (metrics.token)" } else { "" };
    Ok(format!("{samples} series{open}"))
}

pub fn answer_times(visit: &mut Visit<'_>) -> Found {
    match visit.client.slowest() {
        Some((took, what)) if *took <= visit.plan.within => {
            Ok(format!("the slowest answer took {:.0} ms: {what}", took.as_secs_f64() * 1e3))
        }
        Some((took, what)) => failed(format!(
            "{what} took {:.0} ms, more than {} ms",
            took.as_secs_f64() * 1e3,
            visit.plan.within.as_millis()
        )),
        None => skipped("nothing was answered"),
    }
}
