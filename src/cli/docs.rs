//! `treebeard docs`: the pages of the guide in the terminal.

use crate::cli::{Failure, output};
use crate::http::guide;
use clap::Args;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  treebeard docs\n  treebeard docs runbooks")]
pub struct Arguments {
    /// Name of a page; without it all are listed
    #[arg(value_name = "PAGE")]
    page: Option<String>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Some(name) = &arguments.page else {
        let mut table = output::table(&["page", "about"]);
        for page in guide::parts().into_iter().flat_map(|(_, pages)| pages) {
            table.add_row([page.name.as_str(), page.title()]);
        }
        return output::print(&output::lines(&table));
    };
    match guide::page(name) {
        Some(page) => output::print(&page.markdown),
        None => Err(Failure::usage(format!("there is no page {name}: treebeard docs lists them"))),
    }
}
