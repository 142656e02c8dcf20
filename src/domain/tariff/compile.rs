//! A valid tariff as dense tables.

use crate::domain::tariff::model::{DeliveryTariff, Tariff};
use crate::domain::tariff::validate::Fault;
use jiff::civil::Date;

/// A tariff (with the delivery tariff passed through, if any) ready to be priced. Cheap to share, no reference back.
#[derive(Debug, Clone)]
pub struct Compiled {}

/// Compiles a tariff. `contract_start` is day one of contract month 1 (promotions, contract-month conditions); when
/// absent the first priced window's start is used. Faults name what is wrong or cannot be priced, all of them.
pub fn compile(
    _tariff: &Tariff,
    _delivery: Option<&DeliveryTariff>,
    _contract_start: Option<Date>,
) -> Result<Compiled, Vec<Fault>> {
    todo!("core")
}
