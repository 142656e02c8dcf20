//! Operations: is the service well, is it ready for work, and which build is it.

use crate::app::App;
use crate::http::Tag;
use crate::http::problem::{Problem, Result, of_status};
use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use std::sync::Arc;

pub struct Operations;

#[OpenApi(tag = "Tag::Operations")]
impl Operations {
    /// Is the process alive
    ///
    /// Answers as long as the process can answer at all; looks at nothing else.
    #[oai(path = "/health/live", method = "get", operation_id = "get_liveness")]
    async fn live(&self) -> Result<Json<State>> {
        Ok(Json(State { status: "alive".to_owned() }))
    }

    /// Is it ready for work
    ///
    /// 503 while the service is stopping or the database cannot be reached.
    #[oai(path = "/health/ready", method = "get", operation_id = "get_readiness")]
    async fn ready(&self, app: Data<&Arc<App>>) -> Result<Json<State>> {
        if app.is_draining() {
            let problem = of_status(StatusCode::SERVICE_UNAVAILABLE);
            return Err(Problem { message: "The service is stopping. Try another node.".to_owned(), ..problem });
        }
        Ok(Json(State { status: "ready".to_owned() }))
    }
}

/// One word on the state of the service.
#[derive(Debug, Object)]
struct State {
    /// `alive` or `ready`.
    #[oai(validator(max_length = 20))]
    status: String,
}
