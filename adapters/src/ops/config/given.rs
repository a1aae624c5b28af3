//! What the environment and the file say, judged option by option.

use std::{error::Error, ffi::OsString};

use clap::{
    Arg, ArgAction, Command,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{CONFIG, Origin};

/// What begins the names of variables.
const PREFIX: &str = "JIFEN_";

/// A setting that was not said on the command line.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) key: String,
    /// As on the command line; only an option that may be given several times has several.
    pub(super) values: Vec<String>,
    pub(super) origin: Origin,
}

/// What the environment says of options. Several values of one are set apart by spaces.
pub(super) fn environment(
    options: &Command,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Vec<Given> {
    let said = |option: &Arg| {
        let key = option.get_long()?;
        let name = format!("{PREFIX}{}", key.replace('-', "_").to_uppercase());
        let value = variable(&name)?.to_string_lossy().into_owned();
        let values = if may_be_repeated(option) {
            value.split_whitespace().map(str::to_owned).collect()
        } else {
            vec![value]
        };
        Some(Given {
            key: key.to_owned(),
            values,
            origin: Origin::Environment(name),
        })
    };
    options.get_arguments().filter_map(said).collect()
}

impl Given {
    /// Looks whether the command line could say so too; if not, tells what is wrong, and where.
    pub(super) fn check(&self, options: &Command) -> Result<(), String> {
        let Self {
            key,
            values,
            origin,
        } = self;
        let place = match origin {
            // The name of a variable is that of the option.
            Origin::Environment(name) => name.clone(),
            origin => format!("{origin}: {key}"),
        };
        let wrong = |why: String| format!("{place}: {why}");
        let Some(option) = option(options, key) else {
            return Err(wrong(unknown(options, key)));
        };
        if is_flag(option) {
            return match values.as_slice() {
                [said] if said == "true" || said == "false" => Ok(()),
                _ => Err(wrong("must be true or false".to_owned())),
            };
        }
        if values.len() != 1 && !may_be_repeated(option) {
            return Err(wrong("must be one value, not a list".to_owned()));
        }
        let line = values.iter().map(|value| format!("--{key}={value}"));
        let matches = options.clone().try_get_matches_from(line);
        matches.map(drop).map_err(|error| wrong(explain(&error)))
    }

    /// Makes it what the option is if the command line says nothing of it.
    pub(super) fn put(&self, command: Command) -> Command {
        let Some(id) = option(&command, &self.key).map(|option| option.get_id().to_string()) else {
            return command;
        };
        command.mut_arg(id, |option| option.default_values(self.values.clone()))
    }
}

/// The option with this name, if it can be set.
fn option<'c>(options: &'c Command, key: &str) -> Option<&'c Arg> {
    let named = |option: &&Arg| option.get_long() == Some(key);
    options
        .get_arguments()
        .find(named)
        .filter(|_| key != CONFIG)
}

pub(super) fn may_be_repeated(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::Append)
}

pub(super) fn is_flag(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::SetTrue)
}

fn unknown(options: &Command, key: &str) -> String {
    let line = [format!("--{key}=x")];
    let error = options.clone().try_get_matches_from(line).err();
    let similar = error.and_then(|error| match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(similar)) => Some(similar.trim_start_matches('-').to_owned()),
        _ => None,
    });
    match similar {
        Some(similar) => format!("there is no such setting; {similar} is a similar one"),
        None => "there is no such setting; `jifen config show` lists all".to_owned(),
    }
}

/// Why an option cannot be so, in one line.
fn explain(error: &clap::Error) -> String {
    let value = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => value.as_str(),
        _ => "",
    };
    match error.source() {
        Some(source) => format!("{value:?}: {source}"),
        None if error.kind() == ErrorKind::InvalidValue => format!("{value:?} is not a value"),
        None => error.kind().to_string(),
    }
}
