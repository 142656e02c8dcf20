//! Pages of a list, with what is around them.

use crate::store::db::filter;
use schemars::JsonSchema;
use serde::Serialize;

/// Which page, how long. Both are at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageRequest {
    pub page: u32,
    pub page_size: u32,
}

impl Default for PageRequest {
    fn default() -> Self {
        PageRequest { page: 1, page_size: PageRequest::DEFAULT_SIZE }
    }
}

impl PageRequest {
    pub const DEFAULT_SIZE: u32 = 20;
    pub const MAX_SIZE: u32 = 100;

    pub fn skip(self) -> usize {
        (self.page.max(1) as usize - 1).saturating_mul(self.size())
    }
    pub fn size(self) -> usize {
        self.page_size.max(1) as usize
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Of the whole list.
    pub total: u64,
    pub page: u32,
    pub page_size: u32,
    pub total_pages: u32,
    pub has_next: bool,
    pub has_previous: bool,
}

impl From<PageRequest> for filter::Page {
    fn from(request: PageRequest) -> Self {
        let offset = u32::try_from(request.skip()).unwrap_or(u32::MAX);
        filter::Page { limit: u32::try_from(request.size()).unwrap_or(u32::MAX), offset }
    }
}

impl<T> Page<T> {
    /// A page of what the store keeps.
    pub fn kept<K>(request: PageRequest, found: filter::Paged<K>, item: impl FnMut(K) -> T) -> Self {
        Page::of(request, found.total as usize, found.items.into_iter().map(item).collect())
    }

    pub fn of(request: PageRequest, total: usize, items: Vec<T>) -> Self {
        let total_pages = total.div_ceil(request.size()) as u32;
        Page {
            items,
            total: total as u64,
            page: request.page,
            page_size: request.page_size,
            total_pages,
            has_next: request.page < total_pages,
            has_previous: request.page > 1,
        }
    }
}
