//! A file in a request: a multipart form with one file, or the bytes themselves as the body.

use crate::app::error::FieldFault;
use crate::http::Limits;
use crate::http::body::{self, is_over_limit, too_large};
use crate::http::problem::{self, Problem};
use bytes::Bytes;
use poem::error::ParseMultipartError;
use poem::http::StatusCode;
use poem::web::Multipart;
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use std::error::Error as _;
use std::io;

const MULTIPART: &str = "multipart/form-data";
/// What a raw body may be called, if it is called anything. Which of them is not believed: the content decides.
const RAW: [&str; 4] = ["text/csv", "application/json", "text/plain", "application/octet-stream"];
/// The same for meter files.
const RAW_OR_XML: [&str; 7] = [
    "text/csv",
    "application/xml",
    "application/atom+xml",
    "text/xml",
    "application/json",
    "text/plain",
    "application/octet-stream",
];

/// The bytes of the file.
pub struct Upload<const MAY_BE_XML: bool>(pub Bytes);

pub type MeterFile = Upload<true>;
pub type PlanFile = Upload<false>;

impl<const MAY_BE_XML: bool> Upload<MAY_BE_XML> {
    const RAW: &'static [&'static str] = if MAY_BE_XML { &RAW_OR_XML } else { &RAW };
}

impl<'a, const MAY_BE_XML: bool> ApiExtractor<'a> for Upload<MAY_BE_XML> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn request_meta() -> Option<MetaRequest> {
        let file = || MetaSchema::new_with_format("string", "binary");
        let form = MetaSchema {
            required: vec!["file"],
            properties: vec![("file", MetaSchemaRef::Inline(Box::new(file())))],
            ..MetaSchema::new("object")
        };
        let as_media =
            |content_type, schema| MetaMediaType { content_type, schema: MetaSchemaRef::Inline(Box::new(schema)) };
        let raw = Self::RAW.iter().map(|content_type| as_media(content_type, file()));
        let content = [as_media(MULTIPART, form)].into_iter().chain(raw).collect();
        Some(MetaRequest { description: Some("The file, up to 32 MiB"), required: true, content })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let bytes_max = Limits::of(request).upload_bytes_max;
        let bytes = match body::media_type(request).as_str() {
            MULTIPART => form_file(<Multipart as FromRequest>::from_request(request, body).await?, bytes_max).await?,
            kind if kind.is_empty() || Self::RAW.contains(&kind) => body::read(body.take()?, bytes_max).await?,
            _ => return Err(other_media_type(Self::RAW).into()),
        };
        if bytes.is_empty() {
            return Err(Problem::invalid(vec![FieldFault::new("file", "is empty: send a file", "required")]).into());
        }
        Ok(Upload(bytes))
    }
}

/// The first part that is a file or is called one.
async fn form_file(mut form: Multipart, bytes_max: usize) -> Result<Bytes, Problem> {
    while let Some(part) = form.next_field().await.map_err(|error| problem_of(&error, bytes_max))? {
        if part.file_name().is_some() || part.name() == Some("file") {
            return part.bytes().await.map(Bytes::from).map_err(|error| problem_of(&error, bytes_max));
        }
    }
    let message = "is missing: send the file as the form's part named file";
    Err(Problem::invalid(vec![FieldFault::new("file", message, "required")]))
}

fn other_media_type(raw: &[&str]) -> Problem {
    let message = format!("Send the file as {MULTIPART}, or by itself as one of {}.", raw.join(", "));
    Problem { message, ..problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE) }
}

fn problem_of(error: &ParseMultipartError, bytes_max: usize) -> Problem {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.downcast_ref::<io::Error>().is_some_and(is_over_limit) {
            return too_large(bytes_max);
        }
        cause = inner.source();
    }
    Problem::new(
        StatusCode::BAD_REQUEST,
        "The form is not valid multipart/form-data. Send the file as the part named file.",
    )
}
