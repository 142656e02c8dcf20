//! Administration: one file per resource. Administrators change, support reads; where `features.admin` is off, nothing
//! of it is there.

mod audit_logs;
mod backups;
mod catalog;
mod diagnostics;
mod plans;
mod recommendations;
mod service;
mod suppliers;
mod users;

use crate::app::catalog::{Kept, Page};
use crate::app::error::Error;
use crate::app::version::Version;
use crate::http::problem::Result;
use crate::http::ready::{self, Private};
use poem::Request;
use poem_openapi::OpenApi;
use serde::Serialize;

/// Every operation under `/api/v1/admin`.
#[rustfmt::skip]
pub fn operations() -> impl OpenApi + 'static {
    (
        users::AdminUsers,         // GET /users, /users/{id}; PUT /users/{id}/role; POST /users/{id}/deactivate, /reactivate;
                                   //   DELETE /users/{id}
        suppliers::AdminSuppliers, // GET POST /suppliers; GET PUT DELETE /suppliers/{id}; POST /suppliers/{id}/restore
        backups::AdminBackups,     // GET POST /backups
        plans::AdminPlans,         // GET POST /plans; GET PUT DELETE /plans/{id}; POST /plans/{id}/restore
        catalog::AdminCatalog,     // POST /catalog/import
        recommendations::AdminRecommendations, // GET /recommendations
        service::AdminService,     // GET /stats, /jobs; POST /cache/clear
        diagnostics::AdminDiagnostics, // GET /diagnostics
        audit_logs::AdminAuditLogs, // GET /audit-logs, /audit-logs/stats, /audit-logs/export, /audit-logs/verify
    )
}

fn answer<T: Serialize>(value: &T) -> Result<Private<T>> {
    Ok(Private::new(written(value)?))
}

/// With its version for `If-Match`.
fn versioned<T: Serialize>(kept: Kept<T>) -> Result<Private<Kept<T>>> {
    let version = Version::numbered(kept.version);
    Ok(answer(&kept)?.versioned(&version))
}

/// One page of a list, with links to the others.
fn listed<T: Serialize>(request: &Request, page: &Page<T>) -> Result<Private<Page<T>>> {
    Ok(Private::new(written(page)?).linked(ready::links(request, page.page, page.total_pages)))
}

fn written<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(value).map_err(|error| Error::Internal(format!("an answer cannot be written: {error}")))?)
}
