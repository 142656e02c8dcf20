//! Which plan this household should be on: eligible plans priced, scored, compared with the current one, judged.
//!
//! [`recommend`] reads top to bottom as the method does (method.md 2 to 7). Everything is a function of the catalog
//! snapshot and the request; the same input gives the same answer to the last digit.

mod answer;
mod breakdown;
mod cliffs;
mod compare;
#[cfg(test)]
mod compare_tests;
mod contrast;
mod current;
mod eligibility;
#[cfg(test)]
mod fixture;
mod household;
mod present;
mod ranking;
mod rate_changes;
mod request;
mod risks;
mod savings;
mod scores;
mod stay;
mod term;
#[cfg(test)]
mod tests;
mod timing;
mod what_if;
#[cfg(test)]
mod what_if_tests;
pub mod wording;
mod year;

pub use answer::*;
pub use compare::*;
pub use rate_changes::{AffectedPlans, RateChange};
pub use request::*;
pub use savings::break_even_months;
pub use scores::flexibility;
pub use what_if::*;

use crate::domain::market::{Place, Snapshot, UtilityRef};
use crate::domain::units::Money;
use current::Current;
use present::Presenter;
use ranking::Shown;
use savings::Comparison;
use timing::NewPlan;
use year::{MONTHS, Year, YearLoad};

/// Changes with every constant or rule of the method.
pub const ALGORITHM_VERSION: &str = "1.0.0";

/// What the answer is, legally.
pub const DISCLAIMER: &str =
    "These are estimates from the usage and prices given, not an offer. The supplier's own terms decide.";

/// Why no advice can be given at all. Having no eligible plan, or no retail choice, is an answer, not an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdviceError {
    #[error("no utility of the catalog is called {name}: choose one of {known}")]
    UnknownUtility { name: String, known: String },
    #[error("the projected usage has {months} months: give all twelve")]
    Projection { months: usize },
}

/// Ranks the plans on sale for the household of `request`.
pub fn recommend(snapshot: &Snapshot, request: &Request) -> Result<Recommendation, AdviceError> {
    if request.projection.months.len() != MONTHS {
        return Err(AdviceError::Projection { months: request.projection.months.len() });
    }
    let (place, mut warnings) = match locate(snapshot, &request.place)? {
        Located::Served { place, warning } => (place, warning.into_iter().collect::<Vec<_>>()),
        Located::Nowhere { market, warning } => return Ok(present::without_plans(snapshot, request, market, warning)),
    };
    let load = YearLoad::new(&request.projection);
    let mut year = Year::new(&load, &request.projection);
    let mut eligible = eligibility::eligible(snapshot, request, place);
    let ranked = ranking::rank(snapshot, eligible.candidates, &mut year, request.priorities, &mut eligible.excluded);
    let most = usize::from(request.options.top_n.clamp(1, 10));
    let shown: Vec<Shown<'_>> = ranked.iter().take(most).filter_map(|plan| plan.shown(&mut year)).collect();
    let plan = request.current_plan.as_ref();
    let current = plan.map(|plan| Current::of(snapshot, plan, place, &mut year, request.as_of));
    warnings.extend(current.as_ref().and_then(|current| current_warning(snapshot, current)));

    let presenter = Presenter::new(snapshot, request, place, &ranked, current.as_ref());
    let top_plans: Vec<RankedPlan> =
        shown.iter().enumerate().map(|(n, plan)| presenter.plan(n, plan, &mut year)).collect();
    warnings.extend(presenter.warnings(&shown, &eligible.excluded));
    let verdict = Verdict::of(request, shown.first(), current.as_ref(), presenter.currency());
    let mut answer = presenter.answer(&ranked, top_plans, &eligible.excluded, warnings);
    answer.should_stay = verdict.stay.as_ref().is_some_and(|stay| stay.should_stay);
    answer.stay_recommendation = verdict.stay;
    answer.switch_timing = verdict.timing;
    Ok(answer)
}

/// What to do about the best plan.
struct Verdict {
    stay: Option<Stay>,
    timing: Option<SwitchTiming>,
}

impl Verdict {
    fn of(request: &Request, best: Option<&Shown<'_>>, current: Option<&Current<'_>>, currency: &str) -> Verdict {
        let Some(best) = best else { return Verdict { stay: None, timing: None } };
        let new = NewPlan { months: &best.cost.months, one_time: best.one_time };
        let timing = timing::switch_timing(request.as_of, current, new);
        let stay = current.and_then(|current| {
            let comparison = against_current(request, best, Some(current))?;
            Some(stay::stay(best, &comparison, current.cost.as_ref()?, &timing, currency))
        });
        Verdict { stay, timing: Some(timing) }
    }
}

/// A plan against the current one; `None` without a current cost. Staying on one's own plan costs no switch.
fn against_current(request: &Request, plan: &Shown<'_>, current: Option<&Current<'_>>) -> Option<Comparison> {
    let current = current?;
    let cost = current.cost.as_ref()?;
    let is_own = current.listing.is_some_and(|listing| listing.id == plan.id());
    let switching_cost = if is_own { Money::ZERO } else { current.exit_fee(request.as_of) + plan.one_time };
    Some(Comparison { current: cost.annual, new: plan.cost.annual, switching_cost })
}

enum Located {
    Served { place: UtilityRef, warning: Option<String> },
    Nowhere { market: Option<usize>, warning: String },
}

fn locate(snapshot: &Snapshot, location: &Location) -> Result<Located, AdviceError> {
    let zip = match location {
        Location::Utility(name) => {
            let place = snapshot.utility_named(name).ok_or_else(|| unknown_utility(snapshot, name))?;
            return Ok(Located::Served { place, warning: None });
        }
        Location::Zip(zip) => zip,
    };
    Ok(match snapshot.place(zip) {
        Place::Served { utility, others } => {
            let warning = (!others.is_empty()).then(|| {
                let names: Vec<&str> = others.iter().map(|&other| snapshot.utility(other).name.as_str()).collect();
                let assumed = &snapshot.utility(utility).name;
                format!("{zip} is also served by {}: this advice is for {assumed}.", names.join(" and "))
            });
            Located::Served { place: utility, warning }
        }
        Place::NoChoice { market } => Located::Nowhere {
            market: Some(market),
            warning: format!("{zip} has no retail choice: the local utility is the only supplier there."),
        },
        Place::Unknown => Located::Nowhere {
            market: None,
            warning: format!(
                "{zip} is in no territory of the catalog: check the ZIP code, or import a catalog for it."
            ),
        },
    })
}

fn unknown_utility(snapshot: &Snapshot, name: &str) -> AdviceError {
    let known: Vec<&str> =
        snapshot.markets().iter().flat_map(|entry| &entry.utilities).map(|utility| utility.id.as_str()).collect();
    let known = if known.is_empty() { "none: import a catalog first".to_owned() } else { known.join(", ") };
    AdviceError::UnknownUtility { name: name.to_owned(), known }
}

/// What of the current plan could not be used.
fn current_warning(snapshot: &Snapshot, current: &Current<'_>) -> Option<String> {
    match (current.plan.plan_id, &current.cost) {
        (Some(id), _) if snapshot.plan(id).is_none() => {
            Some(format!("The current plan {id} is not in the catalog: its other details are used instead."))
        }
        (_, None) => Some(
            "What the current plan costs is not known, so no savings are shown: give its rate or its yearly cost."
                .into(),
        ),
        _ => None,
    }
}
