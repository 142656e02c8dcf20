//! What people may ask about what is held on them: documents and consents, a copy of everything, erasure.

use crate::app::App;
use crate::app::error::Error;
use crate::app::privacy::consents::{Consent, Standing};
use crate::app::privacy::documents::Document;
use crate::app::privacy::erasure::Effect;
use crate::app::privacy::export::Export;
use crate::http::body::{Answer, StrictJson};
use crate::http::caller::SignedIn;
use crate::http::problem::Result;
use crate::http::ready::text_header;
use crate::http::values::TimeValue;
use crate::http::{Tag, docs};
use poem::http::{HeaderMap, header};
use poem::web::Data;
use poem::{IntoResponse, Request, Response};
use poem_openapi::param::Query;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde_json::{Map, Value};
use std::sync::Arc;
use uuid::Uuid;

const JSON: &str = "application/json";
const ZIP: &str = "application/zip";

pub struct OwnData;

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::Users")]
impl OwnData {
    /// List the legal documents
    ///
    /// Terms, privacy policy, disclaimer and what else is in force, each with its version and where it is read.
    #[oai(path = "/legal", method = "get", operation_id = "list_legal_documents")]
    async fn documents(&self, app: Data<&Arc<App>>) -> Result<Answer<Vec<LegalDocument>>> {
        Ok(Answer(app.documents.all().iter().map(LegalDocument::from).collect()))
    }

    /// Read the consents
    ///
    /// How the caller stands to each document, and everything they said, oldest first.
    #[oai(path = "/users/consents", method = "get", operation_id = "get_consents")]
    async fn consents(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Result<Answer<Consents>> {
        let (standings, said) = app.consents(caller.0.user_id).await?;
        let documents = standings.into_iter().map(ConsentStanding::from).collect();
        Ok(Answer(Consents { documents, history: said.into_iter().map(ConsentSaid::from).collect() }))
    }

    /// Give or withdraw a consent
    ///
    /// Adds a row about the version in force; nothing said before is changed. Saying the same again adds nothing.
    #[oai(path = "/users/consents", method = "post", operation_id = "save_consent")]
    async fn consent(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        body: StrictJson<ConsentRequest>,
    ) -> Result<Answer<ConsentSaid>> {
        let ConsentRequest { document, version, granted } = body.0;
        Ok(Answer(app.consent(caller.0.user_id, &document, version.as_deref(), granted).await?.into()))
    }

    /// Export everything held
    ///
    /// All that is held on the caller: one JSON document, or with `Accept: application/zip` an archive with a file for
    /// each part.
    #[oai(path = "/users/me/export", method = "get", operation_id = "export_my_data")]
    async fn export(&self, app: Data<&Arc<App>>, caller: SignedIn, request: &Request) -> Result<Exported> {
        let export = app.export(caller.0.user_id).await?;
        Ok(if wants_zip(request.headers()) { Exported::Zip(export.zip()?) } else { Exported::Json(written(export)?) })
    }

    /// Delete the account
    ///
    /// Asks for the password. Erases what is held on the caller and revokes every token; it cannot be undone. With
    /// `dry_run` it says what would be erased and changes nothing.
    #[oai(path = "/users/me", method = "delete", operation_id = "delete_my_account")]
    async fn erase(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        /// Only say what would be erased.
        dry_run: Query<Option<bool>>,
        body: StrictJson<EraseRequest>,
    ) -> Result<Erased> {
        if dry_run.0 == Some(true) {
            let effects = app.erasure_preview(caller.0.user_id, &body.0.password).await?;
            return Ok(Erased::Preview(Answer(effects.into())));
        }
        app.erase(caller.0.user_id, &body.0.password).await?;
        Ok(Erased::NoContent)
    }
}

/// Whether the client wants an archive more than JSON: one that names both alike reads what it is used to.
fn wants_zip(headers: &HeaderMap) -> bool {
    weight(headers, &[ZIP]) > weight(headers, &[JSON, "application/*", "*/*"])
}

/// The greatest weight that `Accept` gives one of the names, in thousandths.
fn weight(headers: &HeaderMap, names: &[&str]) -> u32 {
    let listed = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let weights = listed.flat_map(|list| list.split(',')).filter_map(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let name = parts.next()?;
        let stated = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        let is_named = names.iter().any(|known| known.eq_ignore_ascii_case(name));
        is_named.then(|| (stated.unwrap_or(1.0).clamp(0.0, 1.0) * 1e3) as u32)
    });
    weights.max().unwrap_or_default()
}

fn written(export: Export) -> Result<Vec<u8>> {
    let head = [("made_at", Value::String(export.made_at.to_string()))];
    let document: Map<String, Value> =
        head.into_iter().chain(export.parts).map(|(name, part)| (name.to_owned(), part)).collect();
    let text = serde_json::to_vec(&document);
    Ok(text.map_err(|error| Error::Internal(format!("an export cannot be written: {error}")))?)
}

/// A legal document.
#[derive(Object)]
struct LegalDocument {
    /// `terms`, `privacy`, `marketing`, `disclaimer`.
    #[oai(validator(max_length = 64))]
    document: String,
    #[oai(validator(max_length = 64))]
    title: String,
    #[oai(validator(max_length = 64))]
    version: String,
    /// Where it is read.
    #[oai(validator(max_length = 100))]
    url: String,
    /// Whether users say yes or no to it.
    takes_consent: bool,
}

/// What a user says to a document.
#[derive(Object)]
struct ConsentRequest {
    /// `terms`, `privacy`, `marketing`.
    #[oai(validator(min_length = 1, max_length = 64))]
    document: String,
    /// The version in force, which is meant when this is left out.
    #[oai(validator(min_length = 1, max_length = 64))]
    version: Option<String>,
    /// `false` withdraws.
    granted: bool,
}

/// What a user said to a version of a document.
#[derive(Object)]
#[oai(rename = "Consent")]
struct ConsentSaid {
    id: Uuid,
    #[oai(validator(max_length = 64))]
    document: String,
    #[oai(validator(max_length = 64))]
    version: String,
    granted: bool,
    given_at: TimeValue,
}

/// How a user stands to a document.
#[derive(Object)]
struct ConsentStanding {
    #[oai(validator(max_length = 64))]
    document: String,
    #[oai(validator(max_length = 64))]
    title: String,
    /// The version in force.
    #[oai(validator(max_length = 64))]
    version: String,
    /// Whether that version is agreed to.
    agreed: bool,
    /// What was said last, whichever version it was about; `null`: nothing yet.
    #[oai(nullable)]
    last: Option<ConsentSaid>,
}

/// The consents of a user.
#[derive(Object)]
struct Consents {
    #[oai(validator(max_items = 16))]
    documents: Vec<ConsentStanding>,
    /// Oldest first.
    #[oai(validator(max_items = 100_000))]
    history: Vec<ConsentSaid>,
}

/// The password, once more.
#[derive(Object)]
struct EraseRequest {
    #[oai(validator(min_length = 1, max_length = 1024))]
    password: String,
}

#[derive(ApiResponse)]
enum Erased {
    /// What would be erased; nothing was
    #[oai(status = 200)]
    Preview(Answer<ErasurePreview>),
    /// The account is gone
    #[oai(status = 204)]
    NoContent,
}

/// What an erasure would do.
#[derive(Object)]
struct ErasurePreview {
    /// Rows that would be removed, by table.
    #[oai(validator(max_items = 100))]
    erased: Vec<TableRows>,
    /// Rows that would stay without what ties them to anybody.
    #[oai(validator(max_items = 100))]
    anonymised: Vec<TableRows>,
}

/// Rows of one table.
#[derive(Object)]
struct TableRows {
    #[oai(validator(max_length = 64))]
    table: String,
    rows: u64,
}

impl From<Vec<Effect>> for ErasurePreview {
    fn from(effects: Vec<Effect>) -> Self {
        let (anonymised, erased): (Vec<_>, Vec<_>) = effects.into_iter().partition(|effect| effect.anonymised);
        let rows = |effects: Vec<Effect>| {
            effects.into_iter().map(|one| TableRows { table: one.table.to_owned(), rows: one.rows }).collect()
        };
        ErasurePreview { erased: rows(erased), anonymised: rows(anonymised) }
    }
}

impl From<&Document> for LegalDocument {
    fn from(document: &Document) -> Self {
        LegalDocument {
            document: document.name.to_owned(),
            title: document.title.clone(),
            version: document.version.clone(),
            url: docs::address_of(document),
            takes_consent: document.takes_consent,
        }
    }
}

impl From<Consent> for ConsentSaid {
    fn from(said: Consent) -> Self {
        let Consent { id, document, version, granted, given_at } = said;
        ConsentSaid { id, document, version, granted, given_at: TimeValue(given_at) }
    }
}

impl From<Standing> for ConsentStanding {
    fn from(standing: Standing) -> Self {
        ConsentStanding {
            agreed: standing.agreed(),
            document: standing.document.to_owned(),
            title: standing.title,
            version: standing.version,
            last: standing.last.map(ConsentSaid::from),
        }
    }
}

/// A copy of everything, for its owner alone. One status in two forms, which the framework's own way of describing
/// answers cannot say.
enum Exported {
    Json(Vec<u8>),
    Zip(Vec<u8>),
}

impl IntoResponse for Exported {
    fn into_response(self) -> Response {
        let (kind, name, body) = match self {
            Exported::Json(body) => (JSON, "treebeard-export.json", body),
            Exported::Zip(body) => (ZIP, "treebeard-export.zip", body),
        };
        let disposition = format!("attachment; filename=\"{name}\"");
        Response::builder().content_type(kind).header(header::CONTENT_DISPOSITION, disposition).body(body)
    }
}

impl ApiResponse for Exported {
    fn meta() -> MetaResponses {
        let zip = MetaSchema { format: Some("binary"), ..MetaSchema::new("string") };
        let answer = MetaResponse {
            description: "Everything held on the caller",
            status: Some(200),
            status_range: None,
            content: vec![
                MetaMediaType { content_type: JSON, schema: ExportDocument::schema_ref() },
                MetaMediaType { content_type: ZIP, schema: MetaSchemaRef::Inline(Box::new(zip)) },
            ],
            headers: vec![text_header("Content-Disposition", "A name for the file")],
        };
        MetaResponses { responses: vec![answer] }
    }
    fn register(registry: &mut Registry) {
        ExportDocument::register(registry);
    }
}

/// Everything held on somebody; times are UTC, energy is in kWh.
#[derive(Object)]
#[oai(rename = "Export")]
struct ExportDocument {
    made_at: TimeValue,
    account: Value,
    consents: Value,
    sessions: Value,
    password_reset: Value,
    preferences: Value,
    current_plan: Value,
    usage_months: Value,
    usage_days: Value,
    recommendations: Value,
    feedback: Value,
    retried_requests: Value,
    activity: Value,
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::HeaderValue;

    #[test]
    fn an_archive_is_for_those_who_ask_for_one() {
        let cases = [
            ("application/zip", true),
            ("text/html, Application/ZIP;q=0.5", true),
            ("application/zip;q=0", false),
            ("application/json, application/zip, application/problem+json", false),
            ("application/zip, */*;q=0.8", true),
            ("*/*", false),
            ("application/json", false),
        ];
        for (accept, expected) in cases {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(wants_zip(&headers), expected, "{accept}");
        }
        assert!(!wants_zip(&HeaderMap::new()));
    }
}
