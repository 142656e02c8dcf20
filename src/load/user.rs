//! One user: opens an account, makes the calls of the mix with pauses between them, and erases the account again.

use crate::load::Run;
use crate::load::client::{Answer, Call, Client};
use crate::load::mix;
use crate::load::tally::Tally;
use http::Method;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::time;

pub struct User {
    run: Arc<Run>,
    client: Client,
    /// Every run makes the same choices.
    random: Pcg64,
    email: String,
    password: String,
    tally: Tally,
}

impl User {
    pub fn new(number: usize, run: Arc<Run>) -> Self {
        User {
            client: Client::new(run.plan.target.clone()),
            random: Pcg64::seed_from_u64(number as u64),
            email: format!("load-{}-{number}@example.com", run.id.simple()),
            // No list of common passwords has it.
            password: format!("{}-{number}", run.id),
            tally: Tally::default(),
            run,
        }
    }

    /// Until the run's time is up.
    pub async fn live(mut self) -> Tally {
        // Without an account the public calls are still made, and the others show what is wrong.
        let bearer = self.register().await.unwrap_or_default();
        let mut plans = Vec::new();
        loop {
            let pause = self.run.plan.pause.mul_f64(self.random.random_range(0.5..1.5));
            let next = Instant::now() + pause;
            if next >= self.run.until {
                break;
            }
            time::sleep_until(next.into()).await;
            let mut operation = mix::pick(&self.run.plan.mix, &mut self.random);
            if operation == "get_plan" && plans.is_empty() {
                operation = "list_plans";
            }
            let call = mix::call(operation, &plans, &mut self.random).signed(&bearer);
            let answer = self.ask(operation, call).await;
            if operation == "list_plans" && plans.is_empty() {
                plans = answer.map(|answer| listed(&answer)).unwrap_or_default();
            }
        }
        if !bearer.is_empty() {
            self.erase(&bearer).await;
        }
        self.tally
    }

    /// The `Authorization` of a new account.
    async fn register(&mut self) -> Option<String> {
        let account = json!({ "email": self.email, "password": self.password, "name": "Load driver",
            "zip_code": mix::ZIPS[0] });
        let run = self.run.clone();
        let _turn = run.hashing.acquire().await.ok()?;
        let answer = self.ask("register_user", Call::json(Method::POST, "/api/v1/auth/register", &account)).await?;
        let tokens: Value = serde_json::from_slice(&answer.body).ok()?;
        Some(format!("Bearer {}", tokens["access_token"].as_str()?))
    }

    /// Nothing of the run stays behind.
    async fn erase(&mut self, bearer: &str) {
        let run = self.run.clone();
        let Ok(_turn) = run.hashing.acquire().await else { return };
        let asked = Call::json(Method::DELETE, "/api/v1/users/me", &json!({ "password": self.password }));
        self.ask("delete_my_account", asked.signed(bearer)).await;
    }

    async fn ask(&mut self, operation: &'static str, call: Call) -> Option<Answer> {
        let started = Instant::now();
        let answer = self.client.send(call).await;
        self.run.requests.fetch_add(1, Ordering::Relaxed);
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        let took = answer.as_ref().map_or_else(|| started.elapsed(), |answer| answer.took);
        let cache = answer.as_ref().and_then(|answer| answer.headers.get("x-cache-status")?.to_str().ok());
        self.tally.record(operation, status, took, cache);
        // One that cannot connect does not try again at once.
        if status == 0 {
            time::sleep(Duration::from_millis(100)).await;
        }
        answer
    }
}

/// Identifiers of a list's items.
fn listed(answer: &Answer) -> Vec<String> {
    let page: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item["id"].as_str()).map(str::to_owned).collect()
}
