//! The whole journey with the client progenitor generates: `journey ADDRESS EMAIL`.

mod client {
    #![allow(clippy::all, dead_code, unused_imports, mismatched_lifetime_syntaxes)]
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
}

use client::Client;
use client::types::{
    EraseRequest, GenerateRequest, LoginRequest, PreferencesRequest, RecommendationFeedback, RefreshRequest,
    RegisterRequest,
};
use serde_json::{from_value, json};

const PASSWORD: &str = "a long walk to the mill";
const METER_FILE: &str = "month,kwh\n2025-01,1020\n2025-02,880\n2025-03,760\n2025-04,810\n";

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let (address, email) = (arguments.next().ok_or("no address")?, arguments.next().ok_or("no e-mail")?);
    let anyone = Client::new(&address);

    let account: RegisterRequest =
        from_value(json!({ "email": email, "password": PASSWORD, "name": "Rust", "zip_code": "78701" }))?;
    anyone.register_user(&account).await?;
    println!("register");

    let request: LoginRequest = from_value(json!({ "username": email, "password": PASSWORD }))?;
    let tokens = anyone.login_user(&request).await?.into_inner();
    println!("login");

    let user = signed_in(&address, &tokens.access_token)?;
    let report = user.import_usage(None, None, None, None, None, METER_FILE).await?.into_inner();
    assert_eq!(report.rows_accepted, 4);
    println!("import");

    let priorities: PreferencesRequest = from_value(json!({
        "cost_priority": 50, "flexibility_priority": 20, "renewable_priority": 20, "rating_priority": 10
    }))?;
    user.save_preferences(None, &priorities).await?;
    println!("preferences");

    let request: GenerateRequest = from_value(json!({}))?;
    let advice = user.generate_recommendation(Some("first-try"), &request).await?.into_inner();
    assert!(!advice.top_plans.is_empty());
    println!("generate");

    let opinion: RecommendationFeedback =
        from_value(json!({ "recommendation_id": advice.recommendation_id, "rating": 4 }))?;
    user.rate_recommendation(None, None, &opinion).await?;
    println!("feedback");

    let request: RefreshRequest = from_value(json!({ "refresh_token": tokens.refresh_token }))?;
    let tokens = anyone.refresh_tokens(&request).await?.into_inner();
    let user = signed_in(&address, &tokens.access_token)?;
    println!("refresh");

    user.export_my_data().await?;
    println!("export");

    let request: EraseRequest = from_value(json!({ "password": PASSWORD }))?;
    user.delete_my_account(None, &request).await?;
    println!("delete");

    let gone = user.get_me().await.err().ok_or("the account is still there")?;
    assert_eq!(gone.status().map(|status| status.as_u16()), Some(401));
    println!("gone");
    Ok(())
}

/// A client that sends the access token.
fn signed_in(address: &str, token: &str) -> Outcome<Client> {
    let value = format!("Bearer {token}").parse()?;
    let headers = [(reqwest::header::AUTHORIZATION, value)].into_iter().collect();
    let http = reqwest::Client::builder().default_headers(headers).build()?;
    Ok(Client::new_with_client(address, http))
}
