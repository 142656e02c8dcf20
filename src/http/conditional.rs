//! Conditional writes: an answer that carries its ETag, and `If-Match`, with which a client changes only what it saw.

use crate::app::version::{Expected, Version};
use crate::http::body::Answer;
use crate::http::lane::Lasting;
use crate::http::ready::text_header;
use poem::http::{HeaderMap, HeaderValue, header};
use poem::{IntoResponse, Request, RequestBody, Response};
use poem_openapi::registry::{MetaParamIn, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::ToJSON;
use poem_openapi::{ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions};

/// The answer in JSON, with the name of the state it tells.
pub struct Versioned<T>(pub T, pub Version);

/// The same, good for as long as it says.
pub struct Kept<T>(pub Versioned<T>, pub Lasting);

/// `If-Match` of a request.
pub struct IfMatch(pub Expected);

impl<'a> ApiExtractor<'a> for IfMatch {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(MetaSchema { max_length: Some(1_024), ..MetaSchema::new("string") })))
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        Ok(IfMatch(expected(request.headers())))
    }
}

/// Tags are compared strongly (RFC 9110 13.1.1): a weak one, or one that cannot be read, is nobody's.
fn expected(headers: &HeaderMap) -> Expected {
    if !headers.contains_key(header::IF_MATCH) {
        return Expected::Any;
    }
    let values = headers.get_all(header::IF_MATCH).iter().filter_map(|value| value.to_str().ok());
    let tags: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    if tags == ["*"] {
        return Expected::Existing;
    }
    let quoted = tags.into_iter().filter_map(|tag| tag.strip_prefix('"')?.strip_suffix('"'));
    Expected::OneOf(quoted.map(str::to_owned).collect())
}

impl<T: ToJSON> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = Answer(self.0).into_response();
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", self.1)) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

impl<T: ToJSON> IntoResponse for Kept<T> {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        response.set_data(self.1);
        response
    }
}

impl<T: ToJSON> ApiResponse for Kept<T> {
    fn meta() -> MetaResponses {
        Versioned::<T>::meta()
    }
    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ToJSON> ApiResponse for Versioned<T> {
    fn meta() -> MetaResponses {
        let mut meta = Answer::<T>::meta();
        for answer in &mut meta.responses {
            answer
                .headers
                .push(text_header("ETag", "Names this state; send it as If-Match with a change made from it"));
        }
        meta
    }
    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_is_read_as_written() {
        let one_of = |tags: &[&str]| Expected::OneOf(tags.iter().map(ToString::to_string).collect());
        let cases: [(&[&'static str], Expected); 7] = [
            (&[], Expected::Any),
            (&["*"], Expected::Existing),
            (&["\"a\""], one_of(&["a"])),
            (&["\"a\", \"b\""], one_of(&["a", "b"])),
            (&["\"a\"", "\"b\""], one_of(&["a", "b"])),
            (&["W/\"a\""], one_of(&[])),
            (&["a"], one_of(&[])),
        ];
        for (sent, read) in cases {
            let mut headers = HeaderMap::new();
            for value in sent {
                headers.append(header::IF_MATCH, HeaderValue::from_static(value));
            }
            assert_eq!(expected(&headers), read, "{sent:?}");
        }
    }
}
