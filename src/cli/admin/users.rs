//! `treebeard admin user`: list, show, role, deactivate, reactivate, delete.

use crate::app::administration::{Role, Status, User, UserFilter};
use crate::cli::admin::{block_on, open};
use crate::cli::{Failure, SettingFlags, output};
use crate::store::db::filter::Page;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

/// Accounts one list prints; the rest are reached with --search.
const LISTED_MAX: u32 = 1_000;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List accounts, the newest first
    List(List),
    /// Show one account
    Show(Show),
    /// Give an account another role; its access tokens end
    Role(SetRole),
    /// Sign an account out everywhere and keep it from signing in
    Deactivate(Who),
    /// Let a deactivated account sign in again
    Reactivate(Who),
    /// Erase an account and what belongs to it; it cannot be undone
    Delete(Delete),
}

#[derive(Debug, Args)]
pub struct List {
    #[arg(long)]
    role: Option<RoleName>,
    #[arg(long)]
    status: Option<StatusName>,
    /// A part of the e-mail address or name
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    who: Who,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct SetRole {
    #[command(flatten)]
    who: Who,
    role: RoleName,
}

#[derive(Debug, Args)]
pub struct Delete {
    #[command(flatten)]
    who: Who,
    /// Do it; without this the account is only named
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub struct Who {
    /// E-mail address or id
    #[arg(value_name = "USER")]
    user: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleName {
    User,
    Support,
    Admin,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StatusName {
    Active,
    Deactivated,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::User => Role::User,
            RoleName::Support => Role::Support,
            RoleName::Admin => Role::Admin,
        }
    }
}

impl From<StatusName> for Status {
    fn from(name: StatusName) -> Self {
        match name {
            StatusName::Active => Status::Active,
            StatusName::Deactivated => Status::Deactivated,
        }
    }
}

pub fn run(command: Command, settings: &SettingFlags) -> Result<(), Failure> {
    let app = open(settings)?;
    let find = |who: &Who| block_on(app.find_user(&who.user));
    match command {
        Command::List(list) => {
            let status = list.status.map(Status::from);
            let filter = UserFilter { role: list.role.map(Role::from), status, text: list.search };
            print_list(&block_on(app.users(None, filter, Page { limit: LISTED_MAX, offset: 0 }))?.items, list.json)
        }
        Command::Show(show) => print_one(&block_on(app.read_user(None, find(&show.who)?.id))?.0, show.json),
        Command::Role(change) => {
            let user = block_on(app.set_role(None, find(&change.who)?.id, change.role.into()))?;
            output::print(&format!("{} has the role {} now.\n", user.email, user.role.as_str()))
        }
        Command::Deactivate(who) => {
            let user = block_on(app.set_status(None, find(&who)?.id, Status::Deactivated))?;
            output::print(&format!("{} is signed out everywhere and cannot sign in.\n", user.email))
        }
        Command::Reactivate(who) => {
            let user = block_on(app.set_status(None, find(&who)?.id, Status::Active))?;
            output::print(&format!("{} can sign in again.\n", user.email))
        }
        Command::Delete(delete) => {
            let user = find(&delete.who)?;
            if !delete.yes {
                return Err(Failure::usage(format!(
                    "this erases {} ({}) and all that belongs to it; add --yes to do it",
                    user.email, user.id
                )));
            }
            block_on(app.delete_user(None, user.id))?;
            output::print(&format!("{} is erased.\n", user.id))
        }
    }
}

fn print_list(users: &[User], as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::print_json(&users.iter().map(facts).collect::<Vec<_>>());
    }
    let mut table = output::table(&["id", "e-mail", "name", "role", "status", "created"]);
    for user in users {
        let created = user.created_at.strftime("%Y-%m-%d").to_string();
        let id = user.id.to_string();
        table.add_row([&id, &user.email, &user.name, user.role.as_str(), user.status.as_str(), &created]);
    }
    output::print(&output::lines(&table))
}

fn print_one(user: &User, as_json: bool) -> Result<(), Failure> {
    let facts = facts(user);
    if as_json {
        return output::print_json(&facts);
    }
    let Value::Object(members) = &facts else { return Ok(()) };
    let lines = members.iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name:<14} {text}\n")
    });
    output::print(&lines.collect::<String>())
}

/// Everything but the password's hash.
fn facts(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "zip_code": user.zip_code,
        "property_type": user.property_type.as_str(),
        "role": user.role.as_str(),
        "status": user.status.as_str(),
        "created_at": user.created_at.to_string(),
        "last_login_at": user.last_login_at.map(|at| at.to_string()),
    })
}
