//! Pages of a list, with what is around them.

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

impl<T> Page<T> {
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
