//! Whole catalogs: a file taken in, or only compared with what is held.

use crate::app::App;
use crate::app::catalog::{Intake, IntakeReport};
use crate::formats::catalog::CatalogFormat;
use crate::http::Tag;
use crate::http::caller::SignedIn;
use crate::http::once::IdempotencyKey;
use crate::http::problem::Result;
use crate::http::ready::Private;
use crate::http::upload::PlanFile;
use crate::http::values::DateValue;
use poem::Request;
use poem::web::Data;
use poem_openapi::param::Query;
use poem_openapi::{Enum, OpenApi};
use std::sync::Arc;

pub struct AdminCatalog;

#[OpenApi(prefix_path = "/api/v1/admin", tag = "Tag::Admin")]
impl AdminCatalog {
    /// Import a catalog
    ///
    /// Our own CSV and JSON, Power to Choose and others: found out by the content unless named. The market becomes what
    /// the file says, in one transaction, and the next read shows it; plans that are not in the file are retired unless
    /// `merge`. With `dry_run` nothing is changed and the report says what would be.
    #[oai(path = "/catalog/import", method = "post", operation_id = "admin_import_catalog")]
    #[allow(clippy::too_many_arguments)]
    async fn import(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        caller: SignedIn,
        /// Makes a retry safe: for 24 hours the same request under the same key takes no second effect but gets the
        /// first answer. The key with another request is refused with 422, and with 409 while the first is under way.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: IdempotencyKey,
        /// The format, where it is not to be found out.
        format: Query<Option<PlanListFormat>>,
        /// Only say what would change.
        dry_run: Query<Option<bool>>,
        /// Leave plans on sale that are not in the file.
        merge: Query<Option<bool>>,
        /// The day the file was fetched, which decides the delivery charges in force.
        retrieved: Query<Option<DateValue>>,
        /// Id of the utility all plans are sold under, where the file does not say.
        #[oai(validator(max_length = 100))]
        sold_under: Query<Option<String>>,
        file: PlanFile,
    ) -> Result<Private<IntakeReport>> {
        let actor = caller.0.user_id;
        let intake = Intake {
            format: format.0.map(CatalogFormat::from),
            retrieved: retrieved.0.map(|date| date.0),
            sold_under: sold_under.0,
            merge: merge.0.unwrap_or_default(),
            dry_run: dry_run.0.unwrap_or_default(),
        };
        let keyed = idempotency_key.of(&caller, request, &file.0);
        let report = app.once(keyed, |once| app.take_in_catalog(actor, file.0, intake, once)).await?;
        Ok(Private::new(report))
    }
}

/// How a plan list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "kebab-case")]
enum PlanListFormat {
    /// Our own JSON.
    Json,
    /// Our own CSV.
    Csv,
    PowerToChoose,
    Urdb,
    Cdr,
    Ohio,
    Octopus,
}

impl From<PlanListFormat> for CatalogFormat {
    fn from(format: PlanListFormat) -> Self {
        match format {
            PlanListFormat::Json => CatalogFormat::Json,
            PlanListFormat::Csv => CatalogFormat::Csv,
            PlanListFormat::PowerToChoose => CatalogFormat::PowerToChoose,
            PlanListFormat::Urdb => CatalogFormat::Urdb,
            PlanListFormat::Cdr => CatalogFormat::Cdr,
            PlanListFormat::Ohio => CatalogFormat::Ohio,
            PlanListFormat::Octopus => CatalogFormat::Octopus,
        }
    }
}
