//! Markets: who delivers electricity to a ZIP, and whether its customers choose their supplier.

use crate::app::App;
use crate::app::catalog::{Question, ZipAnswer};
use crate::http::Tag;
use crate::http::plans::single_answer;
use crate::http::problem::Result;
use crate::http::ready::Public;
use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use std::sync::Arc;

pub struct Markets;

#[OpenApi(prefix_path = "/api/v1/markets", tag = "Tag::Markets")]
impl Markets {
    /// What is known of a ZIP
    ///
    /// Answers for every ZIP: with retail choice, without it, and in no market this service knows.
    #[oai(path = "/:zip_code", method = "get", operation_id = "get_zip_market")]
    async fn zip(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        /// Five digits, or ZIP+4.
        #[oai(validator(pattern = r"^\d{5}(-\d{4})?$", max_length = 10))]
        zip_code: Path<String>,
    ) -> Result<Public<ZipAnswer<'static>>> {
        single_answer(&app, request, Question::Zip(zip_code.0))
    }
}
