//! Request bodies: a bounded read, and JSON that is exactly what the API document says or is refused with every fault.

use crate::app::error::FieldFault;
use crate::domain::from_json::{Misfit, Unrepeated};
use crate::http::Limits;
use crate::http::problem::{self, Problem};
use crate::http::schema;
use bytes::Bytes;
use poem::error::ReadBodyError;
use poem::http::{StatusCode, header};
use poem::{Body, IntoResponse, Request, RequestBody, Response};
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaResponse, MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::{ParseFromJSON, ToJSON, Type};
use poem_openapi::{ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions};
use serde_json::Value;
use std::any::TypeId;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// A JSON body of the published schema of `T`, and the bytes it was read from; unknown and repeated fields are refused.
pub struct StrictJson<T>(pub T, pub Bytes);

impl<T: Type + ParseFromJSON + 'static> StrictJson<T> {
    /// Parses what was read already.
    pub fn parse(bytes: &[u8]) -> Result<T, Problem> {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let value = match serde_path_to_error::deserialize::<_, Unrepeated>(&mut json) {
            Ok(value) => value.0,
            Err(error) if error.inner().is_data() => {
                return Err(repeated(&error));
            }
            Err(error) => return Err(malformed(error.inner())),
        };
        json.end().map_err(|error| malformed(&error))?;
        Self::of_value(value)
    }

    /// Checks what was parsed already.
    pub fn of_value(value: Value) -> Result<T, Problem> {
        let described = described::<T>();
        let faults = schema::faults(&described.schema, &described.registry, &value);
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        T::parse_from_json(Some(value)).map_err(|error| {
            let misfit = Misfit::carried(&error.into_message()).unwrap_or_default();
            Problem::invalid(vec![misplaced(misfit)])
        })
    }
}

/// An answer in JSON, under its plain media type.
pub struct Answer<T>(pub T);

/// 204: done, and nothing to say about it.
#[derive(ApiResponse)]
pub enum Done {
    /// Done
    #[oai(status = 204)]
    NoContent,
}

/// The whole body, or 413.
pub async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    body.into_bytes_limit(bytes_max).await.map_err(|error| match error {
        ReadBodyError::PayloadTooLarge => too_large(bytes_max),
        ReadBodyError::Io(error) if is_over_limit(&error) => too_large(bytes_max),
        _ => Problem::new(StatusCode::BAD_REQUEST, "The request body broke off before its end. Send it again."),
    })
}

/// Whether reading ended at the cap that `layers::bounds` puts on every body.
pub fn is_over_limit(error: &io::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.get_ref().map(|inner| inner as _);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}

/// 413 that names the limit.
pub fn too_large(bytes_max: usize) -> Problem {
    let message = format!("The request body is larger than {bytes_max} bytes. Send less at a time.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, message)
}

/// The media type of a request without its parameters, lower case; empty when there is none, and `?` when the header
/// cannot be read.
pub fn media_type(request: &Request) -> String {
    let value = request.headers().get(header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

impl<T: Type> Payload for StrictJson<T> {
    const CONTENT_TYPE: &'static str = "application/json";
    fn check_content_type(content_type: &str) -> bool {
        is_json(content_type)
    }
    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }
    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<'a, T: Type + ParseFromJSON + 'static> ApiExtractor<'a> for StrictJson<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        <Self as Payload>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let schema = <Self as Payload>::schema_ref();
        let content = vec![MetaMediaType { content_type: <Self as Payload>::CONTENT_TYPE, schema }];
        Some(MetaRequest { description: None, required: true, content })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        if !is_json(&media_type(request)) {
            return Err(problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE).into());
        }
        let limits = Limits::of(request);
        let bytes = read(body.take()?, limits.json_bytes_max).await?;
        Ok(StrictJson(Self::parse(&bytes)?, bytes))
    }
}

impl<T: Type> Payload for Answer<T> {
    const CONTENT_TYPE: &'static str = "application/json";
    fn check_content_type(content_type: &str) -> bool {
        is_json(content_type)
    }
    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }
    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ToJSON> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        Response::builder().content_type("application/json").body(self.0.to_json_string())
    }
}

impl<T: ToJSON> ApiResponse for Answer<T> {
    fn meta() -> MetaResponses {
        let content = vec![MetaMediaType { content_type: "application/json", schema: T::schema_ref() }];
        let answer =
            MetaResponse { description: "The answer", status: Some(200), status_range: None, content, headers: vec![] };
        MetaResponses { responses: vec![answer] }
    }
    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// No media type at all counts as JSON: simple clients leave it out.
fn is_json(media_type: &str) -> bool {
    media_type.is_empty() || media_type == "application/json" || media_type.ends_with("+json")
}

fn malformed(error: &serde_json::Error) -> Problem {
    let message =
        format!("The body is not valid JSON (line {}, column {}). Correct it there.", error.line(), error.column());
    Problem::new(StatusCode::BAD_REQUEST, message)
}

/// What no schema says of a value: that a number has too many decimals, say. The words are ours or else left out, as
/// those of others may quote what was sent.
pub fn misplaced(misfit: Misfit) -> FieldFault {
    let starts = |words: &[&str]| words.iter().any(|start| misfit.message.starts_with(start));
    match () {
        () if starts(&["has more than ", "is outside the range "]) => {
            FieldFault::new(misfit.path, misfit.message, "number")
        }
        () if starts(&["is ", "has "]) => FieldFault::new(misfit.path, misfit.message, "invalid"),
        () => FieldFault::new(misfit.path, "does not have the form the API document gives for it", "invalid"),
    }
}

/// [`Unrepeated`] says the field's name between backticks.
fn repeated(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let text = error.inner().to_string();
    let name = text.split_once('`').and_then(|(_, name)| name.rsplit_once('`')).map_or("", |(name, _)| name);
    let parent = error.path().to_string();
    let field = if parent == "." { name.to_owned() } else { format!("{parent}.{name}") };
    let field = field.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
    Problem::invalid(vec![FieldFault::new(field, "is given more than once: keep one", "repeated_field")])
}

/// A type's schema and all it refers to.
struct Described {
    schema: MetaSchemaRef,
    registry: Registry,
}

/// The schema of `T`, made once per type: making it takes longer than checking a body against it.
fn described<T: Type + 'static>() -> Arc<Described> {
    static KNOWN: LazyLock<RwLock<HashMap<TypeId, Arc<Described>>>> = LazyLock::new(RwLock::default);
    let id = TypeId::of::<T>();
    if let Some(known) = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
        return known.clone();
    }
    let mut registry = Registry::new();
    T::register(&mut registry);
    let made = Arc::new(Described { schema: T::schema_ref(), registry });
    KNOWN.write().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert(made).clone()
}
