//! A copy of everything held on one person, in parts that a person can read and a program can take in.

use crate::app::App;
use crate::app::audit::{Act, note};
use crate::app::error::Error;
use crate::domain::units::{Energy, Price};
use crate::store::audit::Entry;
use crate::store::current_plans::CurrentPlan;
use crate::store::db::filter::Page;
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use crate::store::feedback::Feedback;
use crate::store::recommendations::{Recommendation, RecommendationFilter};
use crate::store::usage_history::{MonthRow, quality_name};
use crate::store::users::User;
use crate::store::{
    audit, consents, current_plans, feedback, idempotency, password_resets, preferences, recommendations, sessions,
    usage_days, usage_history, users,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use uuid::Uuid;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const EVERYTHING: Page = Page { limit: i32::MAX as u32, offset: 0 };
const README: &str = "Everything TreeBeard holds on you, one file for each kind of data. Times are UTC, energy is in kWh.\n\
    usage_months.csv holds the months once more in the form in which they can be imported again.\n\
    Of your password only a hash is kept, of tokens and links only hashes; they are not in here.\n";

/// The parts, by name, in the order in which they are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    pub made_at: Timestamp,
    pub parts: Vec<(&'static str, Value)>,
    months: String,
}

impl App {
    /// Everything held on a user. That it was asked for is noted before it leaves.
    pub async fn export(&self, user_id: Uuid) -> Result<Export, Error> {
        let now = self.now();
        let note =
            move |tx: &mut Tx<'_>| note(tx, "sensitive_read", Act::own(user_id, json!({ "what": "export" })), now);
        self.store.write(note).await?;
        Ok(self.store.read(move |conn| held(conn, user_id, now)).await?)
    }
}

impl Export {
    /// One file for each part.
    pub fn zip(&self) -> Result<Vec<u8>, Error> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let mut add = |name: &str, bytes: &[u8]| {
            archive.start_file(name, SimpleFileOptions::default())?;
            Ok::<_, zip::result::ZipError>(archive.write_all(bytes)?)
        };
        let failed = |error: &dyn std::fmt::Display| Error::Internal(format!("an archive cannot be written: {error}"));
        add("README.txt", README.as_bytes()).map_err(|error| failed(&error))?;
        for (name, part) in &self.parts {
            let text = serde_json::to_vec_pretty(part).map_err(|error| failed(&error))?;
            add(&format!("{name}.json"), &text).map_err(|error| failed(&error))?;
        }
        add("usage_months.csv", self.months.as_bytes()).map_err(|error| failed(&error))?;
        archive.finish().map(Cursor::into_inner).map_err(|error| failed(&error))
    }
}

fn held(conn: &mut Conn<'_>, id: Uuid, now: Timestamp) -> Result<Export, StoreError> {
    let user = users::by_id(conn, id)?.ok_or(StoreError::NotFound)?;
    let mut months = usage_history::newest(conn, id, EVERYTHING.limit)?;
    months.reverse();
    let answers = RecommendationFilter { user_id: Some(id), ..RecommendationFilter::default() };
    let parts = vec![
        ("account", account(&user)),
        (
            "consents",
            list(consents::of_user(conn, id)?, |said| {
                json!({ "id": said.id, "document": said.document, "version": said.version, "granted": said.granted,
                    "given_at": time(said.given_at) })
            }),
        ),
        (
            "sessions",
            list(sessions::all_of_user(conn, id)?, |session| {
                json!({ "id": session.id, "created_at": time(session.created_at), "last_used_at": time(session.last_used_at),
                    "expires_at": time(session.expires_at), "revoked_at": session.revoked_at.map(time),
                    "ip": session.ip, "user_agent": session.user_agent })
            }),
        ),
        ("password_reset", json!({ "asked_at": password_resets::made_at(conn, id)?.map(time) })),
        (
            "preferences",
            preferences::of_user(conn, id)?.map_or(Value::Null, |saved| {
                json!({ "cost_priority": saved.cost, "flexibility_priority": saved.flexibility,
                    "renewable_priority": saved.renewable, "rating_priority": saved.rating,
                    "updated_at": time(saved.updated_at) })
            }),
        ),
        ("current_plan", current_plans::of_user(conn, id)?.map_or(Value::Null, |(plan, at)| current_plan(&plan, at))),
        (
            "usage_months",
            list(&months, |row| {
                json!({ "month": row.month.to_string(), "kwh": row.energy.kwh(), "source": row.source,
                    "quality": quality_name(row.quality) })
            }),
        ),
        ("usage_days", usage_by_day(conn, id)?),
        (
            "recommendations",
            list(recommendations::list(conn, &answers, EVERYTHING)?.items, |kept| recommendation(&kept)),
        ),
        ("feedback", list(feedback::of_user(conn, id)?, |given| opinion(&given))),
        (
            "retried_requests",
            list(idempotency::of_scope(conn, &id.to_string())?, |kept| {
                json!({ "key": kept.key, "created_at": time(kept.created_at), "expires_at": time(kept.expires_at),
                    "answer": kept.answer.as_deref().map(|bytes| json_or_text(&String::from_utf8_lossy(bytes))) })
            }),
        ),
        ("activity", list(audit::about(conn, id)?, |entry| activity(&entry, id))),
    ];
    Ok(Export { made_at: now, parts, months: months_csv(&months) })
}

fn list<T>(items: impl IntoIterator<Item = T>, written: impl Fn(T) -> Value) -> Value {
    items.into_iter().map(written).collect()
}

fn time(at: Timestamp) -> String {
    at.to_string()
}

/// Everything but the password's hash.
fn account(user: &User) -> Value {
    json!({
        "id": user.id, "email": user.email, "name": user.name, "zip_code": user.zip_code,
        "property_type": user.property_type.as_str(), "role": user.role.as_str(), "status": user.status.as_str(),
        "created_at": time(user.created_at), "updated_at": time(user.updated_at),
        "last_login_at": user.last_login_at.map(time),
    })
}

fn current_plan(plan: &CurrentPlan, updated_at: Timestamp) -> Value {
    json!({
        "plan_id": plan.plan_id, "supplier_name": plan.supplier_name, "plan_name": plan.plan_name,
        "current_rate": plan.rate.map(Price::cents), "monthly_fee": plan.monthly_fee.map(Price::currency),
        "rate_structure": plan.rate_structure,
        "contract_start_date": plan.contract_start.map(|date| date.to_string()),
        "contract_end_date": plan.contract_end.map(|date| date.to_string()),
        "early_termination_fee": plan.early_termination_fee.map(Price::currency),
        "annual_cost": plan.annual_cost.map(Price::currency), "updated_at": time(updated_at),
    })
}

fn usage_by_day(conn: &mut Conn<'_>, id: Uuid) -> Result<Value, StoreError> {
    let kwh = |register: &[Energy]| register.iter().map(|energy| json!(energy.kwh())).collect::<Value>();
    Ok(list(usage_days::of_user(conn, id)?, |day| {
        json!({
            "meter": day.meter, "day": day.date.to_string(), "minutes": day.minutes,
            "import_kwh": kwh(&day.values.import), "export_kwh": kwh(&day.values.export),
            "controlled_kwh": kwh(&day.values.controlled),
            "quality": day.values.quality.iter().map(|quality| json!(quality_name(*quality))).collect::<Value>(),
        })
    }))
}

fn recommendation(kept: &Recommendation) -> Value {
    json!({
        "id": kept.id, "created_at": time(kept.created_at), "expires_at": time(kept.expires_at),
        "algorithm_version": kept.algorithm_version, "catalog_revision": kept.catalog_revision,
        "made_from": kept.input.as_deref().map(json_or_text), "answer": json_or_text(&kept.answer),
    })
}

fn opinion(given: &Feedback) -> Value {
    json!({
        "id": given.id, "plan_id": given.plan_id, "recommendation_id": given.recommendation_id,
        "rating": given.rating, "feedback_text": given.text, "feedback_type": given.kind.as_str(),
        "created_at": time(given.created_at),
    })
}

/// Who else acted on the account is theirs to tell: only whether it was the person. What the person did to somebody
/// else has a detail that is about the other one.
fn activity(entry: &Entry, id: Uuid) -> Value {
    let detail = entry.detail.as_ref().filter(|_| entry.subject_id.is_none_or(|subject| subject == id));
    json!({
        "at": time(entry.logged_at), "event": entry.event, "success": entry.success,
        "by_you": entry.actor_id == Some(id), "detail": detail,
    })
}

fn json_or_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

fn months_csv(months: &[MonthRow]) -> String {
    let rows = months.iter().map(|row| format!("{},{}\n", row.month, row.energy.kwh()));
    format!("month,kwh\n{}", rows.collect::<String>())
}
