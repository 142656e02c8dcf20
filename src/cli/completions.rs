//! `treebeard completions`: completion scripts, made from the commands themselves.

use crate::cli::{Failure, output};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    treebeard completions bash > /etc/bash_completion.d/treebeard\n  \
    treebeard completions zsh > ~/.zfunc/_treebeard\n  \
    treebeard completions fish > ~/.config/fish/completions/treebeard.fish")]
pub struct Arguments {
    /// The shell to complete for
    shell: Shell,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Arguments::command(), "treebeard", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}
