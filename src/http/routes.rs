//! Wraps every operation of the API so that its errors become problem documents and a wrong method is told the right
//! ones, before the framework flattens them to text.

use crate::app::error::FieldFault;
use crate::http::layers::request_id;
use crate::http::permissions::{self, Access};
use crate::http::problem::{self, Problem};
use poem::endpoint::{BoxEndpoint, EndpointExt, make};
use poem::http::{Method, StatusCode};
use poem::{Endpoint, IntoResponse, Request};
use poem_openapi::OpenApi;
use poem_openapi::registry::{MetaApi, MetaParamIn, Registry};
use std::collections::HashMap;
use std::sync::Arc;

/// An API whose operations answer every error as a problem document.
pub struct Guarded<A>(pub A);

const API: &str = "/api/";
/// More of a query than this is not looked at.
const PARAMETERS_MAX: usize = 100;

type Operations = HashMap<Method, BoxEndpoint<'static>>;

/// What an operation is called, and whom it serves.
type Permission = (&'static str, Access);

impl<A: OpenApi> OpenApi for Guarded<A> {
    fn meta() -> Vec<MetaApi> {
        A::meta()
    }
    fn register(registry: &mut Registry) {
        A::register(registry);
    }
    fn add_routes(self, table: &mut HashMap<String, Operations>) {
        let meta = A::meta();
        let (documented, permissions, queries) = (documented(&meta), permissions(&meta), queries(&meta));
        let mut inner = HashMap::new();
        self.0.add_routes(&mut inner);
        for (path, operations) in inner {
            let (allow, template) =
                (allowed(&operations), documented.get(&shape(&path)).cloned().unwrap_or_else(|| shape(&path).into()));
            let guarded = table.entry(path.clone()).or_default();
            for (method, operation) in operations {
                let at = (shape(&path), method.clone());
                let query = queries.get(&at).cloned().unwrap_or_default();
                guarded.insert(method, with_problems(operation, template.clone(), permissions[&at], query).boxed());
            }
            for method in unlisted(guarded) {
                guarded.insert(method, wrong_method(allow.clone(), template.clone()).boxed());
            }
        }
    }
}

/// `endpoint` at `route` for whom its permission admits, with every error answered as a problem document that carries
/// the request's id, and parameters refused that are not in `query`.
fn with_problems<E: Endpoint + 'static>(
    endpoint: E,
    route: Arc<str>,
    (operation, access): Permission,
    query: Arc<[String]>,
) -> impl Endpoint<Output = poem::Response> {
    endpoint.around(move |endpoint, request: Request| {
        let (route, query) = (route.clone(), query.clone());
        async move {
            let is_api = route.starts_with(API);
            request_id::facts(&request).set_route(route);
            let id = request_id::of(&request);
            if let Err(refusal) = permissions::check(operation, access, &request).await {
                return Ok(refusal.into_response(&id));
            }
            let faults = if is_api { faults_of(request.uri().query().unwrap_or_default(), &query) } else { Vec::new() };
            if !faults.is_empty() {
                return Ok(Problem::invalid(faults).into_response(&id));
            }
            Ok(match endpoint.call(request).await {
                Ok(output) => output.into_response(),
                Err(error) if error.is_from_response() => error.into_response(),
                Err(error) => problem::of_error(&error).into_response(&id),
            })
        }
    })
}

/// Parameters that are unknown or given twice. Pages for machines outside the API take any.
fn faults_of(query: &str, known: &[String]) -> Vec<FieldFault> {
    let mut seen = Vec::new();
    let mut faults = Vec::new();
    for (name, _) in form_urlencoded::parse(query.as_bytes()).take(PARAMETERS_MAX) {
        let shown = || name.chars().filter(|c| !c.is_control()).take(64).collect::<String>();
        if !known.iter().any(|known| *known == name) {
            faults.push(FieldFault::new(shown(), "is not a known parameter: remove it", "unknown_field"));
        } else if seen.contains(&name) {
            faults.push(FieldFault::new(shown(), "is given more than once: keep one", "repeated_field"));
        }
        seen.push(name);
    }
    faults
}

/// The names of the query parameters of each operation.
fn queries(apis: &[MetaApi]) -> HashMap<(String, Method), Arc<[String]>> {
    let paths = apis.iter().flat_map(|api| &api.paths);
    let operations = paths.flat_map(|path| path.operations.iter().map(|operation| (shape(&path.path), operation)));
    let names = operations.map(|(shape, operation)| {
        let query = operation.params.iter().filter(|parameter| parameter.in_type == MetaParamIn::Query);
        ((shape, operation.method.clone()), query.map(|parameter| parameter.name.clone()).collect())
    });
    names.collect()
}

/// The paths as the API document writes them, by their shape. The framework gives parameters names of its own.
fn documented(apis: &[MetaApi]) -> HashMap<String, Arc<str>> {
    let paths = apis.iter().flat_map(|api| &api.paths);
    paths.map(|path| (shape(&path.path), path.path.as_str().into())).collect()
}

/// The permission of every operation, by path and method. An operation without one must not be served.
fn permissions(apis: &[MetaApi]) -> HashMap<(String, Method), Permission> {
    let paths = apis.iter().flat_map(|api| &api.paths);
    let operations = paths.flat_map(|path| path.operations.iter().map(|operation| (shape(&path.path), operation)));
    let entries = operations.map(|(path, operation)| {
        let id = operation.operation_id.expect("every operation has an id");
        let access = permissions::of(id).unwrap_or_else(|| panic!("http/permissions.rs has no entry for {id}"));
        ((path, operation.method.clone()), (id, access))
    });
    entries.collect()
}

/// `/plans/{}` for `/plans/:plan_id` and `/plans/{plan_id}`.
fn shape(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with([':', '{']) { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn wrong_method(allow: String, route: Arc<str>) -> impl Endpoint<Output = poem::Response> {
    make(move |request: Request| {
        request_id::facts(&request).set_route(route.clone());
        let problem = Problem { allow: Some(allow.clone()), ..problem::of_status(StatusCode::METHOD_NOT_ALLOWED) };
        async move { Ok::<_, poem::Error>(problem.into_response(&request_id::of(&request))) }
    })
}

/// `GET, HEAD, POST`: HEAD is answered wherever GET is.
fn allowed(operations: &Operations) -> String {
    let mut names: Vec<&str> = operations.keys().map(Method::as_str).collect();
    if operations.contains_key(&Method::GET) {
        names.push("HEAD");
    }
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

/// The standard methods a path has no operation for.
fn unlisted(operations: &Operations) -> Vec<Method> {
    let all = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
        Method::TRACE,
    ];
    let head_is_get = operations.contains_key(&Method::GET);
    // What else has a name today: a connection to elsewhere, and the safe method with a body.
    let more = [Ok(Method::CONNECT), Method::from_bytes(b"QUERY")].into_iter().flatten();
    let missing = all.into_iter().chain(more).filter(|method| !operations.contains_key(method));
    missing.filter(|method| !(*method == Method::HEAD && head_is_get)).collect()
}
