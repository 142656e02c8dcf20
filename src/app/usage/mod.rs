//! A caller's usage: stated by month or imported from a meter file, read back, analysed, erased.

mod answers;
mod held;
mod intervals;
mod report;

pub use answers::{Erased, HistoryMonth, UploadAnswer, UsageAnalysis};
pub use held::held_usage;
pub use intervals::{IntervalsAnswer, Step};
pub use report::{ImportReport, Stored};

use crate::app::error::{Error, FieldFault};
use crate::app::once::Once;
use crate::app::outlook::{self, Home};
use crate::app::{App, json};
use crate::domain::calendar::Window;
use crate::domain::catalog::PropertyType;
use crate::domain::usage::normalise::{NormaliseError, normalise};
use crate::domain::usage::readings::{MonthReading, ReadingSet};
use crate::domain::usage::report::NormaliseReport;
use crate::formats::error::{FormatError, brief};
use crate::formats::usage::{UsageFormat, UsageOptions, read};
use crate::store::db::Tx;
use crate::store::error::StoreError;
use crate::store::usage_history::MonthRow;
use crate::store::{usage_days, usage_history, users};
use bytes::Bytes;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use report::FileFacts;
use uuid::Uuid;

/// How a meter file is to be read.
#[derive(Debug, Clone, Default)]
pub struct UsageFileOptions {
    pub format: Option<UsageFormat>,
    pub partial: bool,
    pub meter: Option<String>,
    pub start: Option<Date>,
}

impl App {
    /// Holds stated months; those already held are replaced.
    pub async fn upload_usage(&self, user: Uuid, months: Vec<MonthReading>, once: Once) -> Result<Vec<u8>, Error> {
        let now = self.now();
        let answer = json(&UploadAnswer::new(&months))?;
        let rows: Vec<MonthRow> = months
            .into_iter()
            .map(|MonthReading { month, energy, quality }| MonthRow {
                month,
                energy,
                quality,
                source: "upload".to_owned(),
            })
            .collect();
        let saved = move |tx: &mut Tx<'_>| -> Result<_, StoreError> {
            usage_history::save(tx, user, &rows, now)?;
            once.keep(tx, &answer)?;
            Ok(answer)
        };
        Ok(self.store.write(saved).await?)
    }

    /// Reads a meter file and holds it: all of it or nothing, unless a partial import is asked for.
    pub async fn import_usage(
        &self,
        user: Uuid,
        file: Bytes,
        options: UsageFileOptions,
        once: Once,
    ) -> Result<Vec<u8>, Error> {
        let home = self.home_of(user).await?;
        let zone = home.zone;
        let read = self.workbench.run(move || read_file(&file, options, &zone)).await?;
        let ReadFile { set, facts, found } = read;
        let months = held::months_of(&set, &facts.format);
        let stored = Stored { days: held::days_kept(&set), months: months.len() as u32 };
        let now = self.now();
        let report = json(&ImportReport::new(facts, found, stored))?;
        let saved = move |tx: &mut Tx<'_>| -> Result<_, StoreError> {
            held::save_days(tx, user, &set)?;
            usage_history::save(tx, user, &months, now)?;
            once.keep(tx, &report)?;
            Ok(report)
        };
        Ok(self.store.write(saved).await?)
    }

    /// The newest months first.
    pub async fn usage_history(&self, user: Uuid, limit: u32) -> Result<Vec<u8>, Error> {
        let months = self.store.read(move |conn| usage_history::newest(conn, user, limit)).await?;
        json(&months.iter().map(HistoryMonth::of).collect::<Vec<_>>())
    }

    /// Readings of the days `from..=to`, summed to `step`.
    pub async fn usage_intervals(
        &self,
        user: Uuid,
        from: Option<Date>,
        to: Option<Date>,
        step: Step,
    ) -> Result<Vec<u8>, Error> {
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            return Err(Error::field("to", "must not lie before from", "range"));
        }
        let zone = self.home_of(user).await?.zone;
        let window = window(from, to);
        let kept_in = zone.clone();
        let held = self.store.read(move |conn| usage_days::load(conn, user, held::METER, &kept_in, window)).await?;
        self.workbench.run(move || json(&intervals::answer(&held, &zone, from, to, step)?)).await
    }

    /// The analysis of what is held.
    pub async fn usage_profile(&self, user: Uuid) -> Result<Vec<u8>, Error> {
        let (home, property) = self.home_and_property_of(user).await?;
        let zone = home.zone.clone();
        let held = self.store.read(move |conn| held_usage(conn, user, &zone)).await?;
        let Some(usage) = held else {
            let message = "The account holds no usage. Upload months or import a meter file first.";
            return Err(Error::NotFound(message.to_owned()));
        };
        let now = self.now();
        self.workbench
            .run(move || {
                let outlook = outlook::of(&home, property, &usage, now)?;
                json(&UsageAnalysis::new(&usage, outlook))
            })
            .await
    }

    /// Forgets months and readings.
    pub async fn erase_usage(&self, user: Uuid) -> Result<Vec<u8>, Error> {
        let erase = move |tx: &mut Tx<'_>| -> Result<_, StoreError> {
            Ok((usage_history::delete(tx, user)?, usage_days::delete(tx, user)?))
        };
        let (months, days) = self.store.write(erase).await?;
        json(&Erased::new(months, days))
    }

    async fn home_of(&self, user: Uuid) -> Result<Home, Error> {
        Ok(self.home_and_property_of(user).await?.0)
    }

    async fn home_and_property_of(&self, user: Uuid) -> Result<(Home, PropertyType), Error> {
        let found = self.store.read(move |conn| users::by_id(conn, user)).await?;
        let user =
            found.ok_or_else(|| Error::Unauthenticated("The account no longer exists. Sign in again.".to_owned()))?;
        Ok((Home::at(&self.catalog.snapshot(), Some(&user.zip_code)), user.property_type))
    }
}

/// The days `from..=to`, open where one is not given.
fn window(from: Option<Date>, to: Option<Date>) -> Option<Window> {
    let end = to.map_or(Date::MAX, |to| to.tomorrow().unwrap_or(Date::MAX));
    (from.is_some() || to.is_some()).then_some(Window { start: from.unwrap_or(Date::MIN), end })
}

/// A file read and normalised.
struct ReadFile {
    set: ReadingSet,
    facts: FileFacts,
    found: NormaliseReport,
}

fn read_file(file: &[u8], options: UsageFileOptions, zone: &TimeZone) -> Result<ReadFile, Error> {
    let UsageFileOptions { format, partial, meter, start } = options;
    let options = UsageOptions { format, zone: zone.clone(), meter, start, partial };
    let file = read(file, &options).map_err(|error| refused_file(&error))?;
    let facts = FileFacts::of(&file);
    let (set, found) = normalise(file.readings, zone).map_err(|error| refused_readings(&error))?;
    Ok(ReadFile { set, facts, found })
}

/// Every refused row by its place; the remedy stands with the first.
pub(in crate::app) fn refused_file(error: &FormatError) -> Error {
    let place = |place: &crate::formats::error::Place| match place.to_string() {
        text if text.is_empty() => "file".to_owned(),
        text => brief(&text),
    };
    let reason = brief(&error.reason);
    let message = if error.remedy.is_empty() { reason } else { format!("{reason}. {}", error.remedy) };
    let first = FieldFault::new(place(&error.place), message, "file");
    let others = error.rejected.iter().skip(1).map(|row| FieldFault::new(place(&row.place), brief(&row.reason), "row"));
    Error::Invalid([first].into_iter().chain(others).collect())
}

fn refused_readings(error: &NormaliseError) -> Error {
    let place = error.line().map_or_else(|| "file".to_owned(), |line| format!("line {line}"));
    Error::field(place, error.to_string(), "readings")
}
