//! `treebeard openapi`: the API document, without starting anything.

use crate::cli::{Failure, output};
use clap::Args;

#[derive(Debug, Args)]
#[command(before_help = "Example:\n  treebeard openapi > openapi.json")]
pub struct Arguments {}

pub fn run(_arguments: &Arguments) -> Result<(), Failure> {
    output::print(&crate::http::openapi_document())
}
