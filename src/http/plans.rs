//! Plans and suppliers: the catalog, public and cached.

use crate::app::App;
use crate::app::catalog::{Page, PageRequest, PlanItem, PlanQuery, Question, SupplierItem};
use crate::app::pricing::PlanBills;
use crate::domain::advice::PlanComparison;
use crate::domain::catalog::PlanKind;
use crate::domain::market::Sort;
use crate::http::Tag;
use crate::http::body::StrictJson;
use crate::http::caller::MaybeSignedIn;
use crate::http::compare_request::CompareRequest;
use crate::http::price_request::PriceRequest;
use crate::http::problem::Result;
use crate::http::ready::{self, CacheStatus, Private, Public};
use crate::http::values::ZipCode;
use poem::Request;
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::{Enum, OpenApi};
use std::sync::Arc;
use uuid::Uuid;

pub struct Plans;

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::Plans")]
impl Plans {
    /// List plans
    ///
    /// The active plans that pass every filter given, in a stable order. With a ZIP, prices are those under its
    /// utility; a ZIP without retail choice has no plans.
    #[oai(path = "/plans/catalog", method = "get", operation_id = "list_plans")]
    #[allow(clippy::too_many_arguments)]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        /// Five digits, or ZIP+4.
        zip_code: Query<Option<ZipCode>>,
        plan_type: Query<Option<PlanType>>,
        supplier_id: Query<Option<Uuid>>,
        /// Least renewable share, percent.
        #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
        min_renewable: Query<Option<f64>>,
        /// Longest contract, months.
        #[oai(validator(maximum(value = "600")))]
        max_contract_length: Query<Option<u32>>,
        /// Words of the plan's name, the supplier's name or the description; all must occur.
        #[oai(validator(max_length = 200))]
        q: Query<Option<String>>,
        /// Cheapest, greenest or shortest first; by name when absent.
        sort: Query<Option<PlanOrder>>,
        #[oai(validator(minimum(value = "1")))] page: Query<Option<u32>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] page_size: Query<Option<u32>>,
    ) -> Result<Public<Page<PlanItem<'static>>>> {
        let query = PlanQuery {
            zip_code: zip_code.0.map(|zip| zip.0),
            kind: plan_type.0.map(PlanKind::from),
            supplier: supplier_id.0,
            min_renewable_thousandths: min_renewable.0.map(|percent| (percent * 1e3).round() as u32),
            max_contract_length: max_contract_length.0,
            text: q.0.filter(|text| !text.trim().is_empty()),
            sort: sort.0.map_or_else(Sort::default, Sort::from),
            page: page_request(page.0, page_size.0),
        };
        list_answer(&app, request, Question::Plans(query))
    }

    /// Read one plan
    ///
    /// Plans that are no longer offered too.
    #[oai(path = "/plans/:plan_id", method = "get", operation_id = "get_plan")]
    async fn plan(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        plan_id: Path<Uuid>,
    ) -> Result<Public<PlanItem<'static>>> {
        single_answer(&app, request, Question::Plan(plan_id.0))
    }

    /// Price one plan
    ///
    /// What the coming twelve months would cost under it, every charge of every bill a line: on the usage in the
    /// body, or else on the usage the caller's account holds.
    #[oai(path = "/plans/:plan_id/price", method = "post", operation_id = "price_plan")]
    async fn price(
        &self,
        app: Data<&Arc<App>>,
        caller: MaybeSignedIn,
        plan_id: Path<Uuid>,
        body: StrictJson<PriceRequest>,
    ) -> Result<Private<PlanBills>> {
        let asked = body.0.checked(app.now())?;
        let user = caller.0.map(|caller| caller.user_id);
        Ok(Private::new(app.price_plan(plan_id.0, user, asked).await?))
    }

    /// Compare plans
    ///
    /// Two to five plans side by side for the coming twelve months: costs by month, the best and the worst of each
    /// measure, and what choosing each of them gains and gives up.
    #[oai(path = "/plans/compare", method = "post", operation_id = "compare_plans")]
    async fn compare(
        &self,
        app: Data<&Arc<App>>,
        caller: MaybeSignedIn,
        body: StrictJson<CompareRequest>,
    ) -> Result<Private<PlanComparison>> {
        let (plans, asked) = body.0.checked(app.now())?;
        let user = caller.0.map(|caller| caller.user_id);
        Ok(Private::new(app.compare(plans, user, asked).await?))
    }

    /// List suppliers
    ///
    /// The active suppliers by name, with rating and plan counts.
    #[oai(path = "/suppliers", method = "get", operation_id = "list_suppliers")]
    async fn suppliers(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        #[oai(validator(minimum(value = "1")))] page: Query<Option<u32>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] page_size: Query<Option<u32>>,
    ) -> Result<Public<Page<SupplierItem<'static>>>> {
        list_answer(&app, request, Question::Suppliers(page_request(page.0, page_size.0)))
    }

    /// Read one supplier
    ///
    /// With its rating and how many plans it has.
    #[oai(path = "/suppliers/:supplier_id", method = "get", operation_id = "get_supplier")]
    async fn supplier(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        supplier_id: Path<Uuid>,
    ) -> Result<Public<SupplierItem<'static>>> {
        single_answer(&app, request, Question::Supplier(supplier_id.0))
    }
}

/// A page as the query asks for it.
pub fn page_request(page: Option<u32>, page_size: Option<u32>) -> PageRequest {
    let defaults = PageRequest::default();
    PageRequest { page: page.unwrap_or(defaults.page), page_size: page_size.unwrap_or(defaults.page_size) }
}

/// The finished answer about one thing.
pub fn single_answer<T>(app: &App, request: &Request, question: Question) -> Result<Public<T>> {
    let (fresh, edition) = (ready::wants_fresh(request.headers()), app.catalog.edition());
    let (answer, held) = app.catalog.answer(question, fresh)?;
    Ok(Public::new(request, answer, CacheStatus::of(fresh, held), edition))
}

fn list_answer<T>(app: &App, request: &Request, question: Question) -> Result<Public<T>> {
    let page = match &question {
        Question::Plans(query) => query.page.page,
        Question::Suppliers(page) => page.page,
        _ => 1,
    };
    let (fresh, edition) = (ready::wants_fresh(request.headers()), app.catalog.edition());
    let (answer, held) = app.catalog.answer(question, fresh)?;
    let link = ready::links(request, page, answer.total_pages);
    Ok(Public::new(request, answer, CacheStatus::of(fresh, held), edition).linked(link))
}

/// What kind of plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum PlanType {
    Fixed,
    Variable,
    Indexed,
    Tiered,
    TimeOfUse,
    Prepaid,
}

impl From<PlanType> for PlanKind {
    fn from(kind: PlanType) -> Self {
        match kind {
            PlanType::Fixed => PlanKind::Fixed,
            PlanType::Variable => PlanKind::Variable,
            PlanType::Indexed => PlanKind::Indexed,
            PlanType::Tiered => PlanKind::Tiered,
            PlanType::TimeOfUse => PlanKind::TimeOfUse,
            PlanType::Prepaid => PlanKind::Prepaid,
        }
    }
}

/// The order of a list of plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
enum PlanOrder {
    Name,
    #[oai(rename = "price_500")]
    Price500,
    #[oai(rename = "price_1000")]
    Price1000,
    #[oai(rename = "price_2000")]
    Price2000,
    Renewable,
    Contract,
}

impl From<PlanOrder> for Sort {
    fn from(order: PlanOrder) -> Self {
        match order {
            PlanOrder::Name => Sort::Name,
            PlanOrder::Price500 => Sort::Price500,
            PlanOrder::Price1000 => Sort::Price1000,
            PlanOrder::Price2000 => Sort::Price2000,
            PlanOrder::Renewable => Sort::Renewable,
            PlanOrder::Contract => Sort::Contract,
        }
    }
}
