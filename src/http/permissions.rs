//! Who may do what: one table of every operation. A route is held to its entry before its handler runs, and the service
//! does not start while an operation has none.
//!
//! Whose a thing is, is asked where it is loaded: another user's recommendation is answered with 404, as none.

use crate::app::App;
use crate::app::sessions::Role;
use crate::http::caller;
use crate::http::layers::request_id;
use crate::http::problem::{Problem, of_status};
use poem::Request;
use poem::http::{HeaderName, StatusCode};
use std::sync::Arc;

/// The secret that lets somebody without an account read what was made for them.
pub const CLAIM_TOKEN: HeaderName = HeaderName::from_static("x-claim-token");

/// Whom an operation serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, signed in or not.
    Anyone,
    /// Whoever is signed in, and everybody else where `features.anonymous` is on.
    Guest,
    /// Whoever is signed in: the operation touches only what is the caller's own.
    SignedIn,
    /// The owner of the thing named in the path, or an administrator.
    OwnerOrAdmin,
    /// The owner, an administrator, or who holds the claim token of a recommendation made without an account.
    OwnerAdminOrClaim,
    /// Support and administrators; 404 for all while `features.admin` is off.
    StaffReads,
    /// Administrators; 404 for all while `features.admin` is off.
    AdminWrites,
}

impl Access {
    /// Whether only support and administrators, or these alone, are let in.
    pub const fn is_for_staff(self) -> bool {
        matches!(self, Access::StaffReads | Access::AdminWrites)
    }
}

use Access::{AdminWrites, Anyone, Guest, OwnerAdminOrClaim, OwnerOrAdmin, SignedIn, StaffReads};

/// Every operation by its id in the API document.
#[rustfmt::skip]
pub const TABLE: &[(&str, Access)] = &[
    // Accounts and tokens. A refresh token and that of a link are their own credentials.
    ("register_user", Anyone),
    ("login_user", Anyone),
    ("refresh_tokens", Anyone),
    ("logout_user", Anyone),
    ("forgot_password", Anyone),
    ("reset_password", Anyone),
    ("create_first_admin", Anyone),
    ("logout_all_sessions", SignedIn),
    ("list_sessions", SignedIn),
    ("end_session", SignedIn),
    ("change_password", SignedIn),
    ("get_me", SignedIn),
    // The caller's own data.
    ("get_profile", SignedIn),
    ("update_profile", SignedIn),
    ("get_preferences", SignedIn),
    ("save_preferences", SignedIn),
    ("get_current_plan", SignedIn),
    ("save_current_plan", SignedIn),
    ("delete_current_plan", SignedIn),
    ("list_legal_documents", Anyone),
    ("get_consents", SignedIn),
    ("save_consent", SignedIn),
    ("export_my_data", SignedIn),
    ("delete_my_account", SignedIn),
    ("upload_usage", SignedIn),
    ("import_usage", SignedIn),
    ("get_usage_history", SignedIn),
    ("get_usage_intervals", SignedIn),
    ("get_usage_profile", SignedIn),
    ("delete_usage", SignedIn),
    // What is on sale.
    ("list_plans", Anyone),
    ("get_plan", Anyone),
    ("price_plan", Anyone),
    ("compare_plans", Anyone),
    ("list_suppliers", Anyone),
    ("get_supplier", Anyone),
    ("get_zip_market", Anyone),
    // Recommendations.
    ("generate_recommendation", Guest),
    ("list_recommendations", SignedIn),
    ("get_recommendation", OwnerAdminOrClaim),
    ("delete_recommendation", OwnerAdminOrClaim),
    ("list_user_recommendations", OwnerOrAdmin),
    ("get_recommendation_report", OwnerAdminOrClaim),
    ("export_recommendation", OwnerAdminOrClaim),
    ("what_if", OwnerOrAdmin),
    // Administration.
    ("admin_list_users", StaffReads),
    ("admin_get_user", StaffReads),
    ("admin_set_user_role", AdminWrites),
    ("admin_deactivate_user", AdminWrites),
    ("admin_reactivate_user", AdminWrites),
    ("admin_delete_user", AdminWrites),
    ("admin_list_suppliers", StaffReads),
    ("admin_create_supplier", AdminWrites),
    ("admin_get_supplier", StaffReads),
    ("admin_replace_supplier", AdminWrites),
    ("admin_delete_supplier", AdminWrites),
    ("admin_restore_supplier", AdminWrites),
    ("admin_list_plans", StaffReads),
    ("admin_create_plan", AdminWrites),
    ("admin_get_plan", StaffReads),
    ("admin_replace_plan", AdminWrites),
    ("admin_delete_plan", AdminWrites),
    ("admin_restore_plan", AdminWrites),
    ("admin_import_catalog", AdminWrites),
    ("admin_list_recommendations", StaffReads),
    ("admin_get_stats", StaffReads),
    ("admin_clear_caches", AdminWrites),
    ("admin_list_jobs", StaffReads),
    ("admin_get_diagnostics", StaffReads),
    ("admin_list_audit_logs", StaffReads),
    ("admin_get_audit_stats", StaffReads),
    ("admin_export_audit_logs", StaffReads),
    ("admin_verify_audit_logs", StaffReads),
    // Feedback. Whose a recommendation is, is asked when feedback on it is given.
    ("rate_plan", Anyone),
    ("rate_recommendation", Anyone),
    ("get_feedback_stats", StaffReads),
    ("get_feedback_analytics", StaffReads),
    ("search_feedback", StaffReads),
    ("export_feedback", StaffReads),
    ("admin_list_backups", StaffReads),
    ("admin_create_backup", AdminWrites),
    // Operations. Metrics ask for their own token where one is set.
    ("get_health", Anyone),
    ("get_liveness", Anyone),
    ("get_readiness", Anyone),
    ("get_version", Anyone),
    ("get_metrics", Anyone),
];

/// The operations there are only while `features.feedback` is on.
const OF_FEEDBACK: [&str; 6] = [
    "rate_plan",
    "rate_recommendation",
    "get_feedback_stats",
    "get_feedback_analytics",
    "search_feedback",
    "export_feedback",
];

/// The entry of an operation.
pub fn of(operation: &str) -> Option<Access> {
    TABLE.iter().find(|(known, _)| *known == operation).map(|(_, access)| *access)
}

/// Lets a request on to its handler, or says why not.
pub async fn check(operation: &'static str, access: Access, request: &Request) -> Result<(), Problem> {
    let features = request.data::<Arc<App>>().map(|app| app.config.features);
    if OF_FEEDBACK.contains(&operation) && !features.is_some_and(|features| features.feedback) {
        return Err(of_status(StatusCode::NOT_FOUND));
    }
    if operation == "register_user" && !features.is_some_and(|features| features.registration) {
        let message = "Registration is closed here. Ask the operator of the service for an account.";
        return Err(Problem::new(StatusCode::NOT_FOUND, message));
    }
    if access == Access::Anyone {
        return Ok(());
    }
    let caller = caller::caller_of(request).await?;
    let known = Known {
        role: caller.map(|caller| caller.role),
        holds_claim: request.headers().contains_key(CLAIM_TOKEN),
        anonymous: features.is_some_and(|features| features.anonymous),
        admin: features.is_some_and(|features| features.admin),
    };
    known.admitted(access).map_err(|status| {
        if status == StatusCode::FORBIDDEN {
            let user_id = request_id::facts(request).user().map(tracing::field::display);
            tracing::warn!(event = "authz_fail", operation, user_id, "refused: the role does not allow it");
        }
        of_status(status)
    })
}

/// What decides about a request.
#[derive(Debug, Clone, Copy)]
struct Known {
    role: Option<Role>,
    holds_claim: bool,
    /// `features.anonymous`
    anonymous: bool,
    /// `features.admin`
    admin: bool,
}

impl Known {
    fn admitted(self, access: Access) -> Result<(), StatusCode> {
        let least = match access {
            Access::Anyone => return Ok(()),
            Access::Guest if self.anonymous => return Ok(()),
            Access::OwnerAdminOrClaim if self.holds_claim => return Ok(()),
            _ if access.is_for_staff() && !self.admin => return Err(StatusCode::NOT_FOUND),
            Access::Guest | Access::SignedIn | Access::OwnerOrAdmin | Access::OwnerAdminOrClaim => Role::User,
            Access::StaffReads => Role::Support,
            Access::AdminWrites => Role::Admin,
        };
        match self.role {
            None => Err(StatusCode::UNAUTHORIZED),
            Some(role) if role < least => Err(StatusCode::FORBIDDEN),
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::openapi_document;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_and_the_api_document_list_the_same_operations() {
        let document: serde_json::Value = serde_json::from_str(&openapi_document()).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        let operations = paths.values().filter_map(|path| path.as_object()).flat_map(|path| path.values());
        let published: BTreeSet<&str> = operations.filter_map(|one| one["operationId"].as_str()).collect();
        let listed: BTreeSet<&str> = TABLE.iter().map(|(operation, _)| *operation).collect();
        assert_eq!(published, listed);
        assert_eq!(listed.len(), TABLE.len(), "no operation has two entries");
    }

    #[test]
    fn each_access_admits_whom_it_says() {
        const OK: u16 = 200;
        let roles = [None, Some(Role::User), Some(Role::Support), Some(Role::Admin)];
        let cases = [
            (Access::Anyone, [OK, OK, OK, OK]),
            (Access::Guest, [401, OK, OK, OK]),
            (Access::SignedIn, [401, OK, OK, OK]),
            (Access::OwnerOrAdmin, [401, OK, OK, OK]),
            (Access::OwnerAdminOrClaim, [401, OK, OK, OK]),
            (Access::StaffReads, [401, 403, OK, OK]),
            (Access::AdminWrites, [401, 403, 403, OK]),
        ];
        let plain = Known { role: None, holds_claim: false, anonymous: false, admin: true };
        let status = |known: Known, access| known.admitted(access).map_or_else(|status| status.as_u16(), |()| OK);
        for (access, expected) in cases {
            assert_eq!(roles.map(|role| status(Known { role, ..plain }, access)), expected, "{access:?}");
        }
        assert_eq!(status(Known { anonymous: true, ..plain }, Access::Guest), OK);
        assert_eq!(status(Known { holds_claim: true, ..plain }, Access::OwnerAdminOrClaim), OK);
        assert_eq!(status(Known { holds_claim: true, ..plain }, Access::OwnerOrAdmin), 401);
        for access in [Access::StaffReads, Access::AdminWrites] {
            let off = Known { role: Some(Role::Admin), admin: false, ..plain };
            assert_eq!(status(off, access), 404, "{access:?}: the feature is off");
        }
    }
}
