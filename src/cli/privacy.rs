//! `treebeard privacy`: what is held on people, as a page.

use crate::app::privacy::map;
use crate::cli::{Failure, output};
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(before_help = "Examples:\n  treebeard privacy map > docs/privacy.md")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what is held on people, why, and what they may ask for, as Markdown
    Map,
}

pub fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Map => output::print(&map::page()),
    }
}
