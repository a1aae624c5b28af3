//! `jifen keys`: who may come in, and what they may do. Works on the file while a server runs; the server follows.

mod args;
mod show;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use jifen_engine::ledger::Principal;

use super::Failure;
use crate::access::{Key, KeyBook, KeyFile, KeyFileError, KeyRecord, Limit, Role};

pub use args::KeysArgs;
use args::{CreateArgs, KeysCommand, LimitArgs, ListArgs, RevokeArgs};

/// Does what the command line says.
#[must_use]
pub fn run(args: KeysArgs) -> ExitCode {
    let done = match args.command {
        KeysCommand::Create(args) => create_and_show(args),
        KeysCommand::List(args) => list(&args),
        KeysCommand::Revoke(args) => revoke(&args),
        KeysCommand::Limit(args) => limit(&args),
        KeysCommand::Roles(args) => show::roles(args.json).map_err(unprintable),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit_code()
        }
    }
}

/// Whose key is to be made.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    principal: Principal,
    /// `None` is the role that the principal has already.
    role: Option<Role>,
    limit: Option<Limit>,
}

/// The operator, as whoever starts a server for the first time wants it.
pub(super) fn operator() -> Result<Wanted, Failure> {
    let principal = Principal::new("operator");
    Ok(Wanted {
        principal: principal.map_err(|error| Failure::Usage(error.to_string()))?,
        role: Some(Role::Operator),
        limit: None,
    })
}

/// Makes a key and writes down what is kept of it.
pub(super) fn create(file: &KeyFile, wanted: &Wanted) -> Result<Key, Failure> {
    let key = Key::make().map_err(|error| Failure::Keys(file.path().to_owned(), error))?;
    let Wanted {
        principal,
        role,
        limit,
    } = wanted;
    let record = KeyRecord {
        digest: key.digest(),
        made_at: Some(now()),
    };
    let made = file.change(|book| {
        let known = role_of(book, principal);
        let Some(role) = role.as_ref().or(known.as_ref()) else {
            return Ok(false);
        };
        book.add(principal, role, record)?;
        if limit.is_some() {
            book.limit(principal, *limit)?;
        }
        Ok(true)
    });
    if made.map_err(failure)? {
        Ok(key)
    } else {
        Err(Failure::Usage(format!(
            "there is no principal {principal} yet: say with --role what it may do"
        )))
    }
}

fn role_of(book: &KeyBook, principal: &Principal) -> Option<Role> {
    book.holder(principal).map(|holder| holder.role.clone())
}

/// This second, in RFC 3339.
fn now() -> String {
    let now = jiff::Timestamp::now();
    let second = now.round(jiff::Unit::Second);
    second.unwrap_or(now).to_string()
}

fn create_and_show(args: CreateArgs) -> Result<(), Failure> {
    let file = args.place.file()?;
    let wanted = args.wanted()?;
    let key = create(&file, &wanted)?;
    eprintln!(
        "The key {} of {}, shown only this once:",
        key.digest().id(),
        wanted.principal
    );
    let mut out = io::stdout().lock();
    let shown = writeln!(out, "{}", key.as_str()).and_then(|()| out.flush());
    shown.map_err(unprintable)
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let book = args.place.file()?.read().map_err(failure)?;
    show::book(&book, args.json).map_err(unprintable)
}

fn revoke(args: &RevokeArgs) -> Result<(), Failure> {
    let file = args.place.file()?;
    let key = args.key()?;
    let left = file.change(|book| {
        let holder = book.revoke(&key)?;
        Ok((holder.principal.clone(), holder.keys.len()))
    });
    let (principal, left) = left.map_err(failure)?;
    eprintln!(
        "{key} opens nothing any more; a running server knows within a second. Other keys of {principal}: {left}."
    );
    Ok(())
}

fn limit(args: &LimitArgs) -> Result<(), Failure> {
    let file = args.place.file()?;
    let limit = args.limit.limit()?;
    let changed = file.change(|book| book.limit(&args.principal, limit));
    changed.map_err(failure)?;
    match limit {
        Some(limit) => eprintln!("{} may ask for {limit}.", args.principal),
        None => eprintln!("{} may ask for as much as it likes.", args.principal),
    }
    Ok(())
}

/// Why a file cannot be worked on: what the caller can put right is a matter of usage.
pub(super) fn failure(error: KeyFileError) -> Failure {
    match error {
        KeyFileError::Io(path, error) => Failure::Keys(path, error),
        book @ KeyFileError::Book(..) => Failure::Usage(book.to_string()),
    }
}

fn unprintable(error: io::Error) -> Failure {
    Failure::Keys("standard output".into(), error)
}
