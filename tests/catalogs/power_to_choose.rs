//! Power to Choose exports: real offers bill what they publish.

use super::{import, shared};
use jiff::civil::{Date, date};
use treebeard::domain::catalog::{Confidence, Delivery, ExitFee, Plan, PlanKind};
use treebeard::domain::tariff::RateStructure;
use treebeard::domain::units::Price;
use treebeard::formats::catalog::{CatalogFormat, CatalogImport, CatalogOptions, Reproduction, read};

const EXCERPT: &str = "data/powertochoose/ptc_export_2026-09_excerpt.csv";

fn of(bytes: &[u8], retrieved: Date) -> CatalogImport {
    import(bytes, &CatalogOptions { retrieved: Some(retrieved), ..CatalogOptions::default() })
}

fn dollars(value: f64) -> Price {
    Price::from_currency(value).expect("a price")
}

/// `cargo test --test catalogs averages -- --nocapture` prints the shares the README names.
#[test]
fn real_exports_bill_their_published_averages() {
    let test = "real_exports_bill_their_published_averages";
    let cases = [
        ("data/powertochoose/ptc_export_2020-12_oncor_aep.csv", date(2020, 12, 15), 1273, 667, 3),
        (EXCERPT, date(2026, 9, 26), 8, 6, 0),
        ("data/powertochoose/light_plans_2026-01-14.csv", date(2026, 1, 14), 1865, 984, 0),
        ("data/powertochoose/oncor_offers_2026-07.json", date(2026, 7, 15), 297, 160, 0),
    ];
    for (file, retrieved, rows, plans, parsed) in cases {
        let Some(bytes) = shared(file, test) else { return };
        let read = of(&bytes, retrieved);
        assert_eq!((read.format, read.rows_read), (CatalogFormat::PowerToChoose, rows), "{file}");
        assert_eq!(read.rejected, [], "{file}");
        let shares = read.shares.expect("averages are published");
        assert_eq!(shares, Reproduction { published: plans, reproduced: plans, parsed }, "{file}");
        assert_eq!(read.catalog.plans.len(), plans as usize, "{file}");
        println!("{file}: {} of {} plans within 0.1 cent ({:.1} %)", plans, plans, shares.share() * 100.0);
    }
}

#[test]
fn the_excerpt_is_read_field_by_field() {
    let Some(bytes) = shared(EXCERPT, "the_excerpt_is_read_field_by_field") else { return };
    let catalog = of(&bytes, date(2026, 9, 26)).catalog;
    let plan = |key: &str| -> &Plan { catalog.plans.iter().find(|plan| plan.key == key).expect("the plan is there") };

    let spanish_only = plan("ptc-37028");
    assert_eq!((spanish_only.name.as_str(), spanish_only.supplier.as_str()), ("No Gimmicks 12", "budget-power"));
    let flash = plan("ptc-36620");
    assert_eq!(flash.exit, ExitFee::PerMonthLeft { fee: dollars(20.0) });
    assert_eq!((flash.kind, flash.delivery, flash.term_months), (PlanKind::Fixed, Delivery::Bundled, 12));
    assert_eq!(flash.utilities, ["aep-central"]);
    assert_eq!(flash.published.map(|prices| prices.kwh_1000), Some(dollars(0.069)));
    let RateStructure::Tariff(tariff) = &flash.rate else { panic!("a credit needs the full form") };
    let ids: Vec<&str> = tariff.charges.iter().map(|charge| charge.id.as_str()).collect();
    assert_eq!(ids, ["base", "energy", "credit-1"]);
    let prepaid = plan("ptc-36756");
    assert_eq!((prepaid.kind, prepaid.term_months, prepaid.exit), (PlanKind::Prepaid, 0, ExitFee::None));
    assert!(catalog.plans.iter().all(|plan| plan.key != "ptc-37182"), "the Spanish twin gives way");
}

#[test]
fn an_average_no_structure_bills_is_told_and_kept_apart() {
    let header =
        "\"[idKey]\",\"[TduCompanyName]\",\"[RepCompany]\",\"[Product]\",\"[kwh500]\",\"[kwh1000]\",\"[kwh2000]\"";
    // The bill falls from 500 kWh to 1,000 and again to 2,000: no credit at one bound does that.
    let text = format!("{header}\n1,ONCOR,A,Odd,0.5000,0.1000,0.0300\n2,ONCOR,A,Bad,x,0.1,0.1\n\"END OF FILE\"\n");
    let read = read(text.as_bytes(), &CatalogOptions::default()).expect("one row is an offer");
    assert_eq!(read.rows_read, 2);
    let rejected: Vec<String> = read.rejected.iter().map(ToString::to_string).collect();
    assert_eq!(rejected, ["line 3, price_500: the average price \"x\" is not a number"]);
    let confidence = read.catalog.plans.first().map(|plan| plan.provenance.confidence);
    assert!(
        matches!(confidence, Some(Confidence::Unreproduced { residual_cents }) if residual_cents > 0.1),
        "{confidence:?}"
    );
    assert_eq!(read.shares, Some(Reproduction { published: 1, reproduced: 0, parsed: 0 }));
}

#[test]
fn newlines_inside_fields_do_not_split_an_offer() {
    let text = "[idKey],[TduCompanyName],[RepCompany],[Product],[kwh500],[kwh1000],[kwh2000],[Fees/Credits],[Language]\n\
                7,CENTERPOINT ENERGY,Ä Power,Tiers,0.48,0.24,0.12,\"0.0¢ Rate: up to 2,000 kWh\n14.0¢ Rate: above 2,000 kWh $240 base fee\",English\n";
    let read = of(text.as_bytes(), date(2026, 9, 26));
    let [plan] = &read.catalog.plans[..] else { panic!("one offer") };
    assert_eq!((plan.utilities[0].as_str(), plan.supplier.as_str()), ("centerpoint", "a-power"));
    assert_eq!(plan.provenance.confidence, Confidence::Parsed);
}
