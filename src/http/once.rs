//! `Idempotency-Key`: the header with which a client makes its retry of a POST safe.

use crate::app::error::FieldFault;
use crate::app::once::{HEADER, Keyed};
use crate::http::caller::{Caller, SignedIn};
use crate::http::problem::Problem;
use poem::http::HeaderMap;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchema, MetaSchemaRef};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use sha2::{Digest, Sha256};

const LENGTH_MAX: usize = 255;

/// The key of a request, if it has one.
pub struct IdempotencyKey(Option<String>);

impl IdempotencyKey {
    /// The request under its key: the same one is the same operation, query and body of the same caller.
    pub fn of(self, caller: &SignedIn, request: &Request, body: &[u8]) -> Option<Keyed> {
        let key = self.0?;
        let mut hash = Sha256::new();
        hash.update(request.method().as_str());
        hash.update(" ");
        hash.update(request.original_uri().to_string());
        hash.update("\n");
        hash.update(body);
        Some(Keyed { scope: caller.0.user_id.to_string(), key, request_hash: hash.finalize().into() })
    }

    /// The same where there may be no account: keys of nobody in particular would be everybody's.
    pub fn of_guest(self, caller: Option<Caller>, request: &Request, body: &[u8]) -> Result<Option<Keyed>, Problem> {
        match caller {
            Some(caller) => Ok(self.of(&SignedIn(caller), request, body)),
            None if self.0.is_none() => Ok(None),
            None => {
                let message = "needs an account: sign in, or leave it out";
                Err(Problem::invalid(vec![FieldFault::new(HEADER, message, "needs_account")]))
            }
        }
    }
}

impl<'a> ApiExtractor<'a> for IdempotencyKey {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(MetaSchema {
            min_length: Some(1),
            max_length: Some(LENGTH_MAX),
            example: Some("018f3c7e-upload-2026-01".into()),
            ..MetaSchema::new("string")
        })))
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        key_of(request.headers()).map(IdempotencyKey).map_err(Into::into)
    }
}

/// One visible key, or none at all: a client that sends another relies on what it would not get.
fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let fits =
        |key: &&str| (1..=LENGTH_MAX).contains(&key.len()) && key.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    match value.to_str().ok().filter(fits) {
        Some(key) if values.next().is_none() => Ok(Some(key.to_owned())),
        _ => {
            let message = "must be given once, as 1 to 255 visible ASCII characters";
            Err(Problem::invalid(vec![FieldFault::new(HEADER, message, "invalid")]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::HeaderValue;

    #[test]
    fn a_key_is_visible_and_there_is_one() {
        let long = "k".repeat(LENGTH_MAX);
        let too_long = "k".repeat(LENGTH_MAX + 1);
        let cases: [(&[&str], Option<Option<&str>>); 6] = [
            (&[], Some(None)),
            (&["018f-a b"], Some(Some("018f-a b"))),
            (&[&long], Some(Some(&long))),
            (&[&too_long], None),
            (&[""], None),
            (&["a", "a"], None),
        ];
        for (sent, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in sent {
                headers.append(HEADER, HeaderValue::from_str(value).expect("a header"));
            }
            let found = key_of(&headers).ok();
            assert_eq!(found, expected.map(|key| key.map(str::to_owned)), "{sent:?}");
        }
        let unreadable = HeaderMap::from_iter([(
            HEADER.parse().expect("a name"),
            HeaderValue::from_bytes(b"\xff").expect("a header"),
        )]);
        assert!(key_of(&unreadable).is_err(), "one that cannot be read is not taken for none");
    }
}
