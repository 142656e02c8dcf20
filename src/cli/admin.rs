//! `treebeard admin`: the first administrator, a link for a forgotten password, and the accounts.
//!
//! On SQLite one process owns the file, so these commands are run while the service is stopped; on PostgreSQL they
//! take effect on a running service within 5 seconds.

mod users;

use crate::app::App;
use crate::app::administration::NewAdmin;
use crate::cli::{Failure, SettingFlags, database, output};
use crate::store::Migrations;
use clap::{Args, Subcommand};
use std::future::Future;
use std::io::{BufRead, IsTerminal};
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(before_help = "Examples:\n  \
    treebeard admin create ada@example.org\n  \
    treebeard admin create ada@example.org < password-file\n  \
    treebeard admin user list --role admin\n  \
    treebeard admin user role ben@example.org support")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Open an administrator's account; the password is asked for, or read as the first line of standard input
    Create(Create),
    /// Print a link with which a user sets a new password; it is good for 30 minutes and one use
    ResetLink(ResetLink),
    /// Look at accounts and change them
    #[command(subcommand)]
    User(users::Command),
}

#[derive(Debug, Args)]
struct Create {
    /// E-mail address to sign in with
    email: String,
    #[arg(long, default_value = NewAdmin::NAME)]
    name: String,
    /// ZIP code of the account
    #[arg(long, value_name = "ZIP", default_value = NewAdmin::ZIP_CODE)]
    zip: String,
}

#[derive(Debug, Args)]
struct ResetLink {
    /// E-mail address of the account
    email: String,
}

pub fn run(arguments: Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    match arguments.command {
        Command::Create(create) => create_admin(create, settings),
        Command::ResetLink(wanted) => {
            let app = open(settings)?;
            output::print(&(block_on(app.reset_link(&wanted.email))? + "\n"))
        }
        Command::User(command) => users::run(command, settings),
    }
}

fn create_admin(create: Create, settings: &SettingFlags) -> Result<(), Failure> {
    if !create.email.contains('@') || create.email.len() > 254 {
        return Err(Failure::usage(format!("\"{}\" is not an e-mail address", create.email)));
    }
    let app = open(settings)?;
    let password = new_password()?;
    let new = NewAdmin { email: create.email, password, name: create.name, zip_code: create.zip };
    let user = block_on(app.create_admin(new))?;
    output::print(&format!("{} is an administrator now, with the id {}.\n", user.email, user.id))
}

/// Typed twice without being shown, or the first line of what is piped in.
fn new_password() -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\n', '\r']).to_owned());
    }
    let first = rpassword::prompt_password("New password: ")?;
    let second = rpassword::prompt_password("Once more: ")?;
    if first == second { Ok(first) } else { Err(Failure::failed("the two passwords differ; nothing was changed")) }
}

/// The application on the configured database, without its service.
fn open(settings: &SettingFlags) -> Result<Arc<App>, Failure> {
    let config = settings.load(&[])?;
    let store = database::open(&config, Migrations::Apply)?;
    App::new(config, store).map_err(Failure::failed)
}

/// Runs a use case to its end. Its runtime ends before the database closes.
fn block_on<T>(work: impl Future<Output = crate::app::Result<T>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(work).map_err(Failure::failed)
}
