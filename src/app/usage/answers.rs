//! Usage as clients read it back.

use crate::app::figures;
use crate::app::outlook::Outlook;
use crate::domain::advice::UserProfile;
use crate::domain::usage::profile::Profile;
use crate::domain::usage::readings::{MonthReading, ReadingSet};
use crate::store::usage_history::{MonthRow, quality_name};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

/// Stated months are held.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "UsageUploadAnswer")]
pub struct UploadAnswer {
    pub message: String,
    pub success: bool,
    pub data: Uploaded,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "UploadedUsage")]
pub struct Uploaded {
    pub months_uploaded: u32,
    pub first_month: Option<Date>,
    pub last_month: Option<Date>,
    pub kwh_total: f64,
}

impl UploadAnswer {
    /// `months` in order of time.
    pub fn new(months: &[MonthReading]) -> Self {
        let count = months.len() as u32;
        let day = |month: Option<&MonthReading>| month.map(|month| month.month.first_day());
        UploadAnswer {
            message: if count == 1 { "One month is held.".to_owned() } else { format!("{count} months are held.") },
            success: true,
            data: Uploaded {
                months_uploaded: count,
                first_month: day(months.first()),
                last_month: day(months.last()),
                kwh_total: figures::kwh(months.iter().map(|month| month.energy).sum()),
            },
        }
    }
}

/// One month of the history.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "UsageMonth")]
pub struct HistoryMonth {
    /// Its first day.
    pub month: Date,
    pub kwh: f64,
    /// `upload`, or `import:` and the format of the file.
    pub source: String,
    /// `actual`, `estimated` or `filled`.
    pub quality: String,
}

impl HistoryMonth {
    pub fn of(row: &MonthRow) -> Self {
        HistoryMonth {
            month: row.month.first_day(),
            kwh: figures::kwh(row.energy),
            source: row.source.clone(),
            quality: quality_name(row.quality).to_owned(),
        }
    }
}

/// What the held usage says about the household.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct UsageAnalysis {
    pub first_date: Option<Date>,
    pub last_date: Option<Date>,
    pub kwh_total: f64,
    pub analysis: Profile,
    /// The coming year.
    pub outlook: UserProfile,
}

impl UsageAnalysis {
    pub fn new(usage: &ReadingSet, outlook: Outlook) -> Self {
        let span = usage.span();
        UsageAnalysis {
            first_date: span.map(|span| span.start),
            last_date: span.map(|span| span.close()),
            kwh_total: figures::kwh(usage.total()),
            outlook: outlook.user_profile(),
            analysis: outlook.analysis,
        }
    }
}

/// Held usage is gone.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ErasedUsage")]
pub struct Erased {
    pub message: String,
    pub success: bool,
    pub data: ErasedRows,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ErasedUsageRows")]
pub struct ErasedRows {
    pub months: u64,
    pub days: u64,
}

impl Erased {
    pub fn new(months: u64, days: u64) -> Self {
        Erased {
            message: "The account holds no usage any more.".to_owned(),
            success: true,
            data: ErasedRows { months, days },
        }
    }
}
