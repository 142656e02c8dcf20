//! `treebeard man`: manual pages, made from the commands themselves.

use crate::cli::{Failure, output};
use clap::{Args, CommandFactory};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  treebeard man | man -l -\n  treebeard man --directory /usr/local/share/man/man1")]
pub struct Arguments {
    /// Write a page for every command into this folder, instead of printing the first one
    #[arg(long, value_name = "FOLDER")]
    directory: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut command = super::Arguments::command();
    command.build();
    match &arguments.directory {
        Some(folder) => clap_mangen::generate_to(command, folder)
            .map_err(|error| Failure::failed(format!("{} cannot be written to: {error}", folder.display()))),
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            output::print(&String::from_utf8_lossy(&page))
        }
    }
}
