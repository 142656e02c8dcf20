//! The body of a sign-in: the OAuth2 password form that older clients send, or the same fields as JSON.

use crate::app::error::FieldFault;
use crate::http::Limits;
use crate::http::body::{self, StrictJson};
use crate::http::problem::{self, Problem};
use poem::http::StatusCode;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, Object};
use serde_json::{Map, Value};

const FORM: &str = "application/x-www-form-urlencoded";

/// Who signs in.
#[derive(Object)]
pub struct LoginRequest {
    /// The e-mail address.
    #[oai(validator(min_length = 1, max_length = 254))]
    pub username: String,
    #[oai(validator(min_length = 1, max_length = 4096))]
    pub password: String,
    /// `password`; part of the OAuth2 form, of no effect.
    #[oai(validator(max_length = 50))]
    pub grant_type: Option<String>,
    /// Part of the OAuth2 form, of no effect.
    #[oai(validator(max_length = 500))]
    pub scope: Option<String>,
    /// Part of the OAuth2 form, of no effect.
    #[oai(validator(max_length = 200))]
    pub client_id: Option<String>,
    /// Part of the OAuth2 form, of no effect.
    #[oai(validator(max_length = 200))]
    pub client_secret: Option<String>,
}

pub struct LoginBody(pub LoginRequest);

impl<'a> ApiExtractor<'a> for LoginBody {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        LoginRequest::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let of = |content_type| MetaMediaType { content_type, schema: LoginRequest::schema_ref() };
        Some(MetaRequest { description: None, required: true, content: vec![of("application/json"), of(FORM)] })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let bytes = body::read(body.take()?, Limits::of(request).json_bytes_max).await?;
        match body::media_type(request).as_str() {
            FORM => Ok(LoginBody(StrictJson::of_value(of_form(&bytes)?)?)),
            "application/json" => Ok(LoginBody(StrictJson::parse(&bytes)?)),
            _ => {
                let problem = problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
                let message = format!("Send the sign-in as {FORM} or application/json.");
                Err(Problem { message, ..problem }.into())
            }
        }
    }
}

/// The form as an object of texts; empty optional fields are as good as left out.
fn of_form(bytes: &[u8]) -> Result<Value, Problem> {
    let mut members = Map::new();
    for (name, value) in form_urlencoded::parse(bytes) {
        if members.contains_key(name.as_ref()) {
            let field: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            return Err(Problem::invalid(vec![FieldFault::new(
                field,
                "is given more than once: keep one",
                "repeated_field",
            )]));
        }
        members.insert(name.into_owned(), Value::String(value.into_owned()));
    }
    Ok(Value::Object(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_the_same_object_json_would_be() {
        let form = of_form(b"grant_type=password&username=a%2Bb%40example.com&password=p+w%26d").expect("a form");
        let expected =
            serde_json::json!({"grant_type": "password", "username": "a+b@example.com", "password": "p w&d"});
        assert_eq!(form, expected);
        let repeated = of_form(b"username=a&username=b").expect_err("refused");
        assert_eq!(repeated.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}
