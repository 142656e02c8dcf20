//! Alerts for those without Prometheus: the service reads its own metrics page now and then, and one table of rules
//! says what is worth telling somebody. Time is an argument.

mod reading;
mod rules;
mod watch;

pub use reading::Reading;
pub use rules::{Limit, RULES, Rule, Severity, Unit};
pub use watch::{Change, Standing, State, Watch};
