//! What every reader shares: bounds, rejected rows, notes, and which of several meters is wanted.

use super::{MAX_AVERAGE_KW, MAX_PERIOD_KWH, MAX_READINGS, UsageFile, UsageFormat, UsageOptions};
use crate::domain::units::Energy;
use crate::domain::usage::readings::RawReadings;
use crate::formats::error::{FormatError, Place, Rejection};

/// Collects what a reader finds besides the readings.
pub struct Gather<'o> {
    pub options: &'o UsageOptions,
    pub rows_read: u64,
    rejected: Vec<Rejection>,
    rows_rejected: u64,
    notes: Vec<String>,
    meters: Vec<Meter>,
    /// The meter seen last: files are sorted by meter, so it is nearly always the right one.
    last_meter: usize,
}

struct Meter {
    /// Held only while the file is read: an identifier names a home.
    id: Box<[u8]>,
    rows: u64,
}

/// More meters than this in one file is not a household's file.
const MAX_METERS: usize = 100;

impl<'o> Gather<'o> {
    pub fn new(options: &'o UsageOptions) -> Self {
        Gather {
            options,
            rows_read: 0,
            rejected: Vec::new(),
            rows_rejected: 0,
            notes: Vec::new(),
            meters: Vec::new(),
            last_meter: 0,
        }
    }

    /// Notes a bad row; an error when there are so many that reading on is of no use.
    pub fn reject(&mut self, place: Place, reason: impl Into<String>) -> Result<(), FormatError> {
        self.rows_rejected += 1;
        if self.rejected.len() < FormatError::MAX_REJECTIONS {
            self.rejected.push(Rejection { place, reason: reason.into() });
        }
        if !self.options.partial && self.rejected.len() == FormatError::MAX_REJECTIONS {
            return Err(self.refusal());
        }
        Ok(())
    }

    pub fn has_rejections(&self) -> bool {
        self.rows_rejected > 0
    }

    /// A sentence for the import report; the same one is kept once.
    pub fn note(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if !self.notes.contains(&sentence) {
            self.notes.push(sentence);
        }
    }

    /// Whether rows of the meter `id` are wanted. The first meter is, or the one the caller names.
    #[inline]
    pub fn wants_meter(&mut self, id: &[u8]) -> Result<bool, FormatError> {
        self.wants_meter_rows(id, 1)
    }

    /// The same, for `rows` rows at once.
    pub fn wants_meter_rows(&mut self, id: &[u8], rows: u64) -> Result<bool, FormatError> {
        let id = id.strip_prefix(b"'").unwrap_or(id);
        let position = if self.meters.get(self.last_meter).is_some_and(|meter| *meter.id == *id) {
            self.last_meter
        } else if let Some(position) = self.meters.iter().position(|meter| *meter.id == *id) {
            position
        } else {
            if self.meters.len() == MAX_METERS {
                let remedy = "Export one household's meter and try again";
                return Err(FormatError::file(format!("the file holds more than {MAX_METERS} meters"), remedy));
            }
            self.meters.push(Meter { id: id.into(), rows: 0 });
            self.meters.len() - 1
        };
        self.last_meter = position;
        self.meters[position].rows += rows;
        Ok(match &self.options.meter {
            None => position == 0,
            Some(wanted) => is_named(wanted, position, id),
        })
    }

    /// Refuses a file of several meters when none was named, and a name that fits none. By position only.
    fn check_meters(&self) -> Result<(), FormatError> {
        let listed = || {
            let each = self.meters.iter().take(10).enumerate();
            let mut list =
                each.map(|(n, meter)| format!("{} ({} rows)", n + 1, meter.rows)).collect::<Vec<_>>().join(", ");
            if self.meters.len() > 10 {
                list.push_str(", ...");
            }
            list
        };
        match &self.options.meter {
            None if self.meters.len() > 1 => Err(FormatError::file(
                format!("the file holds {} meters: {}", self.meters.len(), listed()),
                "Choose one by its position: meter 1 is the first in the file",
            )),
            Some(wanted) if !self.meters.is_empty() => {
                let mut meters = self.meters.iter().enumerate();
                if meters.any(|(position, meter)| is_named(wanted, position, &meter.id)) {
                    Ok(())
                } else {
                    let reason = format!("the file has no such meter; it holds meter {}", listed());
                    Err(FormatError::file(reason, "Choose one by its position: meter 1 is the first in the file"))
                }
            }
            _ => Ok(()),
        }
    }

    /// The result, or the refusal that the rejected rows are.
    pub fn finish(mut self, format: UsageFormat, readings: RawReadings) -> Result<UsageFile, FormatError> {
        self.check_meters()?;
        if !self.options.partial && self.has_rejections() {
            return Err(self.refusal());
        }
        let empty = match &readings {
            RawReadings::Intervals(all) => all.is_empty(),
            RawReadings::Days(all) => all.is_empty(),
            RawReadings::Months(all) => all.is_empty(),
            RawReadings::Periods(all) => all.is_empty(),
        };
        if empty && self.has_rejections() {
            return Err(self.refusal());
        }
        if empty {
            return Err(FormatError::file(
                "the file holds no electricity readings",
                "Export the file again with data in it",
            ));
        }
        let unlisted = self.rows_rejected - self.rejected.len() as u64;
        if unlisted > 0 {
            self.note(format!("{unlisted} more rows were rejected than are listed."));
        }
        Ok(UsageFile {
            format,
            readings,
            rows_read: self.rows_read,
            rejected: self.rejected,
            rows_rejected: self.rows_rejected,
            notes: self.notes,
        })
    }

    fn refusal(&mut self) -> FormatError {
        let remedy = "Correct the file, or import only its good rows (partial)";
        FormatError::of_rows(std::mem::take(&mut self.rejected), remedy)
            .unwrap_or_else(|| FormatError::file("the file has bad rows", remedy))
    }
}

fn is_named(wanted: &str, position: usize, id: &[u8]) -> bool {
    let wanted = wanted.trim();
    wanted.parse() == Ok(position + 1) || wanted.trim_start_matches('\'').as_bytes() == id
}

/// An error when a file holds more values than we take.
#[inline]
pub fn check_count(held: usize) -> Result<(), FormatError> {
    if held < MAX_READINGS {
        return Ok(());
    }
    let reason = format!("the file holds more than {MAX_READINGS} values");
    Err(FormatError::file(reason, "Split it by year and import the parts"))
}

/// Checks a month's or billing period's energy.
pub fn check_period(energy: Energy) -> Result<Energy, String> {
    if energy.is_negative() {
        return Err(format!("{} kWh is negative", energy.kwh()));
    }
    if energy > Energy::from_whole_kwh(MAX_PERIOD_KWH) {
        return Err(format!("{} kWh is above the bound of {MAX_PERIOD_KWH} kWh for one value", energy.kwh()));
    }
    Ok(energy)
}

/// Checks the energy of an interval of `seconds`.
#[inline]
pub fn check_interval(energy: Energy, seconds: u32) -> Result<Energy, String> {
    const PER_HOUR: u128 = Energy::from_whole_kwh(MAX_AVERAGE_KW).mwh_thousandths() as u128;
    if u128::try_from(energy.mwh_thousandths()).is_ok_and(|energy| energy * 3_600 <= PER_HOUR * u128::from(seconds)) {
        return Ok(energy);
    }
    if energy.is_negative() {
        return Err(format!("{} kWh is negative", energy.kwh()));
    }
    let minutes = f64::from(seconds) / 60.0;
    Err(format!(
        "{} kWh in {minutes} minutes is above the bound of {MAX_AVERAGE_KW} kW on average: is it in Wh, or a meter total?",
        energy.kwh()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_on_values_is_named() {
        assert_eq!(check_count(MAX_READINGS - 1), Ok(()));
        let error = check_count(MAX_READINGS).expect_err("one too many");
        assert_eq!(error.to_string(), "the file holds more than 2000000 values. Split it by year and import the parts");
    }

    #[test]
    fn energy_is_bounded_by_the_length_of_its_interval() {
        let kwh = Energy::from_whole_kwh;
        assert_eq!(check_interval(kwh(250), 900), Ok(kwh(250)));
        assert!(check_interval(kwh(251), 900).is_err_and(|reason| reason.contains("the bound of 1000 kW")));
        assert!(check_interval(-kwh(1), 900).is_err_and(|reason| reason.contains("negative")));
        assert_eq!(check_period(kwh(MAX_PERIOD_KWH)), Ok(kwh(MAX_PERIOD_KWH)));
        assert!(check_period(kwh(MAX_PERIOD_KWH + 1)).is_err());
    }
}
