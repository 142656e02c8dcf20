//! Suppliers of the catalog: list, read, add, replace, delete and restore, by version.

use super::{listed, versioned};
use crate::app::App;
use crate::app::catalog::{Kept, Page, SupplierFilter};
use crate::app::version::Version;
use crate::domain::catalog::Supplier;
use crate::http::Tag;
use crate::http::body::StrictJson;
use crate::http::caller::SignedIn;
use crate::http::conditional::IfMatch;
use crate::http::described::described;
use crate::http::once::IdempotencyKey;
use crate::http::plans::page_request;
use crate::http::problem::Result;
use crate::http::ready::{Created, Private};
use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use std::sync::Arc;
use uuid::Uuid;

pub struct AdminSuppliers;

described!(Supplier);

#[OpenApi(prefix_path = "/api/v1/admin", tag = "Tag::Admin")]
impl AdminSuppliers {
    /// List suppliers
    ///
    /// By name, inactive ones too; deleted ones where asked for.
    #[oai(path = "/suppliers", method = "get", operation_id = "admin_list_suppliers")]
    #[allow(clippy::too_many_arguments)]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        _caller: SignedIn,
        /// Id of a market.
        #[oai(validator(max_length = 100))]
        market: Query<Option<String>>,
        active: Query<Option<bool>>,
        /// Deleted ones too.
        deleted: Query<Option<bool>>,
        /// A part of the name.
        #[oai(validator(max_length = 200))]
        q: Query<Option<String>>,
        #[oai(validator(minimum(value = "1")))] page: Query<Option<u32>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] page_size: Query<Option<u32>>,
    ) -> Result<Private<Page<Kept<Supplier>>>> {
        let wanted =
            SupplierFilter { market_id: market.0, active: active.0, deleted: deleted.0.unwrap_or_default(), text: q.0 };
        listed(request, &app.kept_suppliers(wanted, page_request(page.0, page_size.0)).await?)
    }

    /// Add a supplier
    ///
    /// At the end of its market's list, checked as an import is. Its key must be new in the market: 409.
    #[oai(path = "/suppliers", method = "post", operation_id = "admin_create_supplier")]
    async fn create(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        caller: SignedIn,
        /// Makes a retry safe: for 24 hours the same request under the same key takes no second effect but gets the
        /// first answer. The key with another request is refused with 422, and with 409 while the first is under way.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: IdempotencyKey,
        /// Id of its market, where there are several.
        #[oai(validator(max_length = 100))]
        market: Query<Option<String>>,
        body: StrictJson<Supplier>,
    ) -> Result<Created<Kept<Supplier>>> {
        let actor = caller.0.user_id;
        let keyed = idempotency_key.of(&caller, request, &body.1);
        let made = app.once(keyed, |once| app.create_item(actor, market.0, body.0, once)).await?;
        Ok(Created(Private::new(made).versioned(&Version::numbered(1))))
    }

    /// Read one supplier
    ///
    /// Also one that is inactive or deleted.
    #[oai(path = "/suppliers/:supplier_id", method = "get", operation_id = "admin_get_supplier")]
    async fn read(
        &self,
        app: Data<&Arc<App>>,
        _caller: SignedIn,
        supplier_id: Path<Uuid>,
    ) -> Result<Private<Kept<Supplier>>> {
        versioned(app.kept_item(supplier_id.0).await?)
    }

    /// Replace a supplier
    ///
    /// By a whole document. Its key stays as it is.
    #[oai(path = "/suppliers/:supplier_id", method = "put", operation_id = "admin_replace_supplier")]
    async fn replace(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        supplier_id: Path<Uuid>,
        /// The `ETag` of what the change was made from: where that is not what is held any more, 409.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        body: StrictJson<Supplier>,
    ) -> Result<Private<Kept<Supplier>>> {
        versioned(app.replace_item(caller.0.user_id, supplier_id.0, body.0, if_match.0).await?)
    }

    /// Delete a supplier
    ///
    /// Its plans go off sale with it. It is kept and can be restored; imports leave it deleted.
    #[oai(path = "/suppliers/:supplier_id", method = "delete", operation_id = "admin_delete_supplier")]
    async fn delete(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        supplier_id: Path<Uuid>,
        /// The `ETag` of what the change was made from: where that is not what is held any more, 409.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> Result<Private<Kept<Supplier>>> {
        versioned(app.set_item_deleted(caller.0.user_id, supplier_id.0, true, if_match.0).await?)
    }

    /// Restore a supplier
    ///
    /// As it was when it was deleted.
    #[oai(path = "/suppliers/:supplier_id/restore", method = "post", operation_id = "admin_restore_supplier")]
    async fn restore(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        supplier_id: Path<Uuid>,
        /// The `ETag` of what the change was made from: where that is not what is held any more, 409.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> Result<Private<Kept<Supplier>>> {
        versioned(app.set_item_deleted(caller.0.user_id, supplier_id.0, false, if_match.0).await?)
    }
}
