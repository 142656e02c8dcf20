//! Real files with totals computed independently.

use super::support::{options, shared};
use treebeard::domain::usage::readings::RawReadings;
use treebeard::formats::usage::read;

#[test]
fn every_real_file_is_read() {
    for (path, zone) in [
        ("smt/IntervalData_2022-03_2022-05.csv", "America/Chicago"),
        ("smt/ev_household_4h.csv", "America/Chicago"),
        ("smt/synthetic_smt_20250501.csv", "America/Chicago"),
        ("greenbutton/abridged_electric_containerized.xml", "America/Los_Angeles"),
        ("greenbutton/coastal_single_partial.xml", "America/Los_Angeles"),
        ("greenbutton/nist_Coastal_Multi_Family_2011.xml", "America/Los_Angeles"),
        ("greenbutton/test_hourly_nine_days.xml", "America/New_York"),
        ("au/nem12/Example_NEM12_actual_interval.csv", "Australia/Sydney"),
        ("au/nem12/Example_NEM12_different_interval_length.csv", "Australia/Sydney"),
        ("au/nem12/Example_NEM12_multiple_meters.csv", "Australia/Sydney"),
        ("au/nem12/Example_NEM12_multiple_quality.csv", "Australia/Sydney"),
        ("au/nem12/Example_NEM12_no_scheduled_read.csv", "Australia/Sydney"),
        ("au/nem12/Example_NEM12_partialchannel.csv", "Australia/Sydney"),
        ("au/nem12/Example_NEM12_substituted_interval.csv", "Australia/Sydney"),
        ("au/nem12/Example_NEM12_upper_case_units.csv", "Australia/Sydney"),
        ("au/nem12/Example_NEM13_consumption_data.csv", "Australia/Sydney"),
        ("au/nem12/Example_NEM13_forward_estimate.csv", "Australia/Sydney"),
        ("au/nem12/Example_WesternPower.csv", "Australia/Perth"),
        ("au/interval/wide_5min_anonymised.csv", "Australia/Sydney"),
        ("uk/octopus_consumption_elec.json", "Europe/London"),
        ("loads/ssc_residential_8760.csv", "America/Chicago"),
        ("loads/pysam_sample_load.csv", "America/Chicago"),
        ("loads/reopt_norm_Houston_MidriseApartment.dat", "America/Chicago"),
    ] {
        let Some(bytes) = shared("every_real_file_is_read", path) else { return };
        match read(&bytes[..], &options(zone)) {
            Ok(file) => {
                let (n, what) = match &file.readings {
                    RawReadings::Intervals(r) => (
                        r.len(),
                        format!(
                            "I {:?} first {:?}",
                            [0usize, 1, 2].map(|k| r
                                .iter()
                                .filter(|x| x.register as usize == k)
                                .map(|x| x.energy.kwh())
                                .sum::<f64>()),
                            r[0]
                        ),
                    ),
                    RawReadings::Days(r) => (r.len(), format!("D {:?}", r[0])),
                    RawReadings::Months(r) => (r.len(), format!("M {:?}", r[0])),
                    RawReadings::Periods(r) => (r.len(), format!("P {r:?}")),
                };
                println!("{path}: {} {n} rows {} {what} {:?}", file.format, file.rows_read, file.notes);
            }
            Err(e) => println!("{path}: ERR {e}"),
        }
    }
}
