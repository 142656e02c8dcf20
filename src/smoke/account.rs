//! A user's way through the service: an account, a meter file, a recommendation, and everything erased again.

use crate::smoke::client::{Answer, Call};
use crate::smoke::{Found, Not, Visit, failed, skipped};
use serde_json::{Value, json};
use uuid::Uuid;

const JSON: &str = "application/json";
/// Months the meter file of the trial covers.
const MONTHS: usize = 12;

/// Who is signed in for the trial.
pub struct Account {
    email: String,
    password: String,
    token: String,
    refresh_token: String,
    /// What the answer said of limits when it was opened.
    limits: [Option<u64>; 3],
}

impl Visit<'_> {
    fn account(&self) -> Result<&Account, Not> {
        self.account.as_ref().map_or_else(|| skipped("there is no account to try it with"), Ok)
    }

    /// Asks as the user of the trial.
    fn ask(&mut self, method: &str, path: &str, body: Option<(&'static str, &[u8])>) -> Result<Answer, Not> {
        let token = self.account()?.token.clone();
        self.client.send(method, path, Call { token: Some(&token), body })
    }

    fn post(&mut self, path: &str, body: &Value) -> Result<Answer, Not> {
        let text = body.to_string();
        self.client.send("POST", path, Call { token: None, body: Some((JSON, text.as_bytes())) })
    }

    fn log_in(&mut self, password: &str) -> Result<Answer, Not> {
        let body = json!({ "username": self.account()?.email, "password": password });
        self.post("/api/v1/auth/login", &body)
    }
}

/// The two tokens of an answer.
fn tokens(answer: &Answer) -> Result<(String, String), Not> {
    let answer = answer.json();
    match (answer["access_token"].as_str(), answer["refresh_token"].as_str()) {
        (Some(access), Some(refresh)) => Ok((access.to_owned(), refresh.to_owned())),
        _ => failed("the answer has no tokens"),
    }
}

pub fn open(visit: &mut Visit<'_>) -> Found {
    let id = Uuid::now_v7();
    let (email, password) = (format!("smoke-{}@example.com", id.simple()), format!("{}-smoke", Uuid::new_v4()));
    let body = json!({ "email": email, "password": password, "name": "Smoke test", "zip_code": visit.plan.zip });
    let answer = visit.post("/api/v1/auth/register", &body)?;
    let is_off = answer.status == 404 && answer.json()["message"].as_str().is_some_and(|said| said.contains("closed"));
    if is_off {
        return skipped("registration is closed (features.registration)");
    }
    let answer = answer.expect(201)?;
    let (token, refresh_token) = tokens(&answer)?;
    let limits = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]
        .map(|name| answer.header(name).and_then(|value| value.parse().ok()));
    visit.account = Some(Account { email, password, token, refresh_token, limits });
    Ok("opened, and signed in".to_owned())
}

pub fn limit_headers(visit: &mut Visit<'_>) -> Found {
    match visit.account()?.limits {
        [Some(limit), Some(remaining), Some(_)] if remaining < limit => Ok(format!("{remaining} of {limit} left")),
        [None, None, None] if visit.plan.exempt => skipped("this address is said to be exempt"),
        [None, None, None] => {
            failed("no X-RateLimit headers: a proxy took them away, or this address is exempt (then say --exempt)")
        }
        limits => failed(format!("the X-RateLimit headers make no sense: {limits:?}")),
    }
}

pub fn sign_in(visit: &mut Visit<'_>) -> Found {
    let password = visit.account()?.password.clone();
    visit.log_in("not the password")?.expect(401)?;
    let answer = visit.log_in(&password)?.expect(200)?;
    let (token, refresh_token) = tokens(&answer)?;
    if let Some(account) = &mut visit.account {
        (account.token, account.refresh_token) = (token, refresh_token);
    }
    Ok("with the password, and not with another".to_owned())
}

pub fn renew(visit: &mut Visit<'_>) -> Found {
    let body = json!({ "refresh_token": visit.account()?.refresh_token });
    let answer = visit.post("/api/v1/auth/refresh", &body)?.expect(200)?;
    let (token, refresh_token) = tokens(&answer)?;
    if let Some(account) = &mut visit.account {
        if account.refresh_token == refresh_token {
            return failed("the refresh token stayed the same");
        }
        (account.token, account.refresh_token) = (token, refresh_token);
    }
    Ok("a new pair".to_owned())
}

pub fn profile(visit: &mut Visit<'_>) -> Found {
    let profile = visit.ask("GET", "/api/v1/users/profile", None)?.expect(200)?.json();
    if profile["email"] == json!(visit.account()?.email) {
        Ok("that of the account".to_owned())
    } else {
        failed("it is somebody else's")
    }
}

pub fn import(visit: &mut Visit<'_>) -> Found {
    let file = visit.plan.meter_file;
    let report = visit.ask("POST", "/api/v1/usage/import", Some(("text/csv", file)))?.expect(200)?.json();
    match (report["rows_accepted"].as_u64(), report["rows_rejected"].as_u64(), report["kwh_total"].as_f64()) {
        (Some(rows @ 1..), Some(0), Some(kwh)) if kwh > 0.0 => Ok(format!("{rows} rows, {kwh:.0} kWh")),
        _ => failed("the report does not say that every row was taken"),
    }
}

pub fn history(visit: &mut Visit<'_>) -> Found {
    let answer = visit.ask("GET", "/api/v1/usage/history", None)?.expect(200)?;
    let months = answer.json();
    let months = months.as_array().map(Vec::as_slice).unwrap_or_default();
    let kwh: f64 = months.iter().filter_map(|month| month["kwh"].as_f64()).sum();
    if months.len() >= MONTHS && kwh > 0.0 {
        Ok(format!("{} months, {kwh:.0} kWh", months.len()))
    } else {
        failed(format!("{} months of the year just imported", months.len()))
    }
}

pub fn recommend(visit: &mut Visit<'_>) -> Found {
    let asked = json!({ "user_data": { "zip_code": visit.plan.zip } }).to_string();
    let answer =
        visit.ask("POST", "/api/v1/recommendations/generate", Some((JSON, asked.as_bytes())))?.expect(200)?.json();
    let plans = answer["top_plans"].as_array().map(Vec::as_slice).unwrap_or_default();
    let (Some(id), Some(first)) = (answer["recommendation_id"].as_str(), plans.first()) else {
        return failed("the answer recommends nothing");
    };
    let cost = first["projected_annual_cost"].as_f64().filter(|cost| *cost > 0.0);
    let Some((name, cost)) = first["plan_name"].as_str().zip(cost) else {
        return failed("the first plan has no name or no cost");
    };
    visit.recommendation = Some(id.to_owned());
    Ok(format!("{} plans; first {name}, {cost:.2} a year", plans.len()))
}

pub fn read_again(visit: &mut Visit<'_>) -> Found {
    let Some(id) = visit.recommendation.clone() else { return skipped("there is no recommendation") };
    let path = format!("/api/v1/recommendations/{id}");
    let answer = visit.ask("GET", &path, None)?.expect(200)?.json();
    if answer["recommendation_id"].as_str() != Some(id.as_str()) {
        return failed("another recommendation came back");
    }
    let stranger = visit.client.get(&path)?.status;
    if ![401, 404].contains(&stranger) {
        return failed(format!("somebody unknown gets {stranger}"));
    }
    visit.ask("DELETE", &path, None)?.expect(200)?;
    visit.ask("GET", &path, None)?.expect(404)?;
    Ok("by its owner alone, and erased by them".to_owned())
}

pub fn staff_only(visit: &mut Visit<'_>) -> Found {
    match visit.ask("GET", "/api/v1/admin/stats", None)?.status {
        403 => Ok("an account of everyday gets 403 from administration".to_owned()),
        404 => Ok("administration is switched off (features.admin)".to_owned()),
        status => failed(format!("an account of everyday gets {status} from administration")),
    }
}

pub fn erase(visit: &mut Visit<'_>) -> Found {
    let password = visit.account()?.password.clone();
    let body = json!({ "password": password }).to_string();
    visit.ask("DELETE", "/api/v1/users/me", Some((JSON, body.as_bytes())))?.expect(204)?;
    // Its tokens may live on for some seconds on another node; its password does not.
    visit.log_in(&password)?.expect(401)?;
    Ok("and nobody can sign in to it".to_owned())
}
