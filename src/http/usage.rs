//! Usage: months stated, meter files imported, what is held read back, analysed, erased.

use crate::app::App;
use crate::app::usage::{
    Erased, HistoryMonth, ImportReport, IntervalsAnswer, Step, UploadAnswer, UsageAnalysis, UsageFileOptions,
};
use crate::formats::usage::UsageFormat;
use crate::http::Tag;
use crate::http::body::StrictJson;
use crate::http::caller::SignedIn;
use crate::http::described::described;
use crate::http::fields::{Faults, MonthUse};
use crate::http::once::IdempotencyKey;
use crate::http::problem::Result;
use crate::http::ready::Private;
use crate::http::upload::MeterFile;
use crate::http::values::DateValue;
use jiff::tz::TimeZone;
use poem::Request;
use poem::web::Data;
use poem_openapi::param::Query;
use poem_openapi::{Enum, OpenApi};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

pub struct Usage;

#[OpenApi(prefix_path = "/api/v1/usage", tag = "Tag::Usage")]
impl Usage {
    /// State monthly use
    ///
    /// Months already held are replaced.
    #[oai(path = "/upload", method = "post", operation_id = "upload_usage")]
    async fn upload(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        caller: SignedIn,
        /// Makes a retry safe: for 24 hours the same request under the same key takes no second effect but gets the
        /// first answer. The key with another request is refused with 422, and with 409 while the first is under way.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: IdempotencyKey,
        body: StrictJson<UsageUpload>,
    ) -> Result<Private<UploadAnswer>> {
        let mut faults = Faults::default();
        let today = app.now().to_zoned(TimeZone::UTC).date();
        let months = faults.months("usage_data", &body.0.usage_data, today);
        let months = faults.or(months)?;
        let keyed = idempotency_key.of(&caller, request, &body.1);
        let answer = app.once(keyed, |once| app.upload_usage(caller.0.user_id, months, once)).await?;
        Ok(Private::new(answer))
    }

    /// Import a meter file
    ///
    /// Monthly and billing-period CSV, interval CSV, Smart Meter Texas, Green Button, NEM12 and others: found out by
    /// the content unless named. All of it or nothing, unless `partial`.
    #[oai(path = "/import", method = "post", operation_id = "import_usage")]
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
        format: Query<Option<MeterFormat>>,
        /// Keep the good rows of a file that has bad ones.
        partial: Query<Option<bool>>,
        /// Which meter of a file with several: its position from 1, or its identifier.
        #[oai(validator(min_length = 1, max_length = 64))]
        meter: Query<Option<String>>,
        /// The first day of bare hourly values, which carry no dates.
        start: Query<Option<DateValue>>,
        file: MeterFile,
    ) -> Result<Private<ImportReport>> {
        let options = UsageFileOptions {
            format: format.0.map(UsageFormat::from),
            partial: partial.0.unwrap_or_default(),
            meter: meter.0,
            start: start.0.map(|date| date.0),
        };
        let keyed = idempotency_key.of(&caller, request, &file.0);
        let answer = app.once(keyed, |once| app.import_usage(caller.0.user_id, file.0, options, once)).await?;
        Ok(Private::new(answer))
    }

    /// Read the monthly history
    ///
    /// The newest months first.
    #[oai(path = "/history", method = "get", operation_id = "get_usage_history")]
    async fn history(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        /// Months to return; 24 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "60")))]
        limit: Query<Option<u32>>,
    ) -> Result<Private<Vec<HistoryMonth>>> {
        Ok(Private::new(app.usage_history(caller.0.user_id, limit.0.unwrap_or(24)).await?))
    }

    /// Read interval readings
    ///
    /// Summed to the resolution asked for, or to the meter's own where that is coarser. Without dates: the last 31
    /// days held.
    #[oai(path = "/intervals", method = "get", operation_id = "get_usage_intervals")]
    async fn intervals(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        /// The first day.
        from: Query<Option<DateValue>>,
        /// The last day.
        to: Query<Option<DateValue>>,
        resolution: Query<Option<Resolution>>,
    ) -> Result<Private<IntervalsAnswer>> {
        let step = resolution.0.map_or(Step::Hour, Step::from);
        let answer =
            app.usage_intervals(caller.0.user_id, from.0.map(|day| day.0), to.0.map(|day| day.0), step).await?;
        Ok(Private::new(answer))
    }

    /// Analyse what is held
    ///
    /// Statistics, seasons, profile type, data quality, and the coming twelve months.
    #[oai(path = "/profile", method = "get", operation_id = "get_usage_profile")]
    async fn profile(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Result<Private<UsageAnalysis>> {
        Ok(Private::new(app.usage_profile(caller.0.user_id).await?))
    }

    /// Erase held usage
    ///
    /// Months and readings.
    #[oai(path = "/", method = "delete", operation_id = "delete_usage")]
    async fn erase(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Result<Private<Erased>> {
        Ok(Private::new(app.erase_usage(caller.0.user_id).await?))
    }
}

/// Monthly use to be held.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageUpload {
    /// 1 to 60 distinct months.
    #[schemars(length(min = 1, max = 60))]
    pub usage_data: Vec<MonthUse>,
}

described!(UsageUpload);

/// How a meter file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
enum MeterFormat {
    /// `month,kwh`
    Monthly,
    /// `start,end,kwh`
    Periods,
    /// One value a row, with its time.
    Interval,
    /// One day a row, with its values.
    Wide,
    SmartMeterTexas,
    /// ESPI XML.
    GreenButton,
    Nem12,
    Nem13,
    /// A year of bare values, one a line.
    Hourly,
    /// Octopus Energy consumption JSON.
    Octopus,
}

impl From<MeterFormat> for UsageFormat {
    fn from(format: MeterFormat) -> Self {
        match format {
            MeterFormat::Monthly => UsageFormat::Monthly,
            MeterFormat::Periods => UsageFormat::Periods,
            MeterFormat::Interval => UsageFormat::Interval,
            MeterFormat::Wide => UsageFormat::Wide,
            MeterFormat::SmartMeterTexas => UsageFormat::SmartMeterTexas,
            MeterFormat::GreenButton => UsageFormat::GreenButton,
            MeterFormat::Nem12 => UsageFormat::Nem12,
            MeterFormat::Nem13 => UsageFormat::Nem13,
            MeterFormat::Hourly => UsageFormat::Hourly,
            MeterFormat::Octopus => UsageFormat::Octopus,
        }
    }
}

/// The length of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename = "IntervalLength")]
enum Resolution {
    #[oai(rename = "15m")]
    Quarter,
    #[oai(rename = "1h")]
    Hour,
    #[oai(rename = "1d")]
    Day,
}

impl From<Resolution> for Step {
    fn from(resolution: Resolution) -> Self {
        match resolution {
            Resolution::Quarter => Step::Quarter,
            Resolution::Hour => Step::Hour,
            Resolution::Day => Step::Day,
        }
    }
}
