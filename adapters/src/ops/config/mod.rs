//! Settings: the command line before the environment, the environment before a file, a file before the defaults.
//!
//! There is one list of settings, the options of `jifen serve`. `--body-deadline 10`, `JIFEN_BODY_DEADLINE=10` and
//! `body-deadline = 10` in a file say the same and are judged by the same words; an error tells where it was said.
//!
//! | where | what |
//! |---|---|
//! | `file` | settings from TOML, with their lines |
//! | `given` | what the environment and the file say, judged option by option |
//! | `settings` | every setting, its value, and where that came from |
//! | `show` | `jifen config show` |

mod file;
mod given;
mod settings;
mod show;

use std::{env, ffi::OsString, path::PathBuf};

use clap::{ArgMatches, Args, Command, FromArgMatches, Parser};

use super::ServeArgs;
use given::Given;

pub use settings::{Origin, Setting, Settings};
pub use show::{ConfigArgs, run};

/// Where on the command line settings can be said.
const PLACES: [&[&str]; 2] = [&["serve"], &["config", "show"]];
/// The option that names the file. It cannot be said in a file.
const CONFIG: &str = "config";

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line is wrong, or asks for help.
    #[error(transparent)]
    Line(#[from] clap::Error),
    /// The environment or a file is wrong. Tells which, and where.
    #[error("{0}")]
    Given(String),
}

/// Reads a command line, with what the environment and a file say of settings.
pub fn parse<P: Parser>(line: &[OsString]) -> Result<(P, Settings), ConfigError> {
    let (matches, settings) = read(&P::command(), line)?;
    Ok((P::from_arg_matches(&matches)?, settings))
}

/// Reads the settings of `jifen serve` once more from the command line of this command, with what the environment and the
/// file say now.
pub fn again(command: &Command, line: &[OsString]) -> Result<(ServeArgs, Settings), ConfigError> {
    let (matches, settings) = read(command, line)?;
    let matches = within(&matches, PLACES[0]).ok_or_else(|| {
        ConfigError::Given("the command line is not that of `jifen serve`".to_owned())
    })?;
    Ok((ServeArgs::from_arg_matches(matches)?, settings))
}

/// What can be set.
fn options() -> Command {
    ServeArgs::augment_args(Command::new("serve")).no_binary_name(true)
}

fn read(command: &Command, line: &[OsString]) -> Result<(ArgMatches, Settings), ConfigError> {
    let matches = command.clone().try_get_matches_from(line)?;
    let place = PLACES
        .into_iter()
        .find_map(|path| Some((path, within(&matches, path)?)));
    let Some((path, place)) = place else {
        return Ok((matches, Settings::default()));
    };
    let options = options();
    let given = given(&options, place)?;
    let command = at(command.clone(), path, &|place| {
        given.iter().fold(place, |place, given| given.put(place))
    });
    let matches = command.try_get_matches_from(line)?;
    let settings = within(&matches, path)
        .map(|place| Settings::read(&options, place, &given))
        .unwrap_or_default();
    Ok((matches, settings))
}

/// What the environment and the file say that the command line or the environment names.
fn given(options: &Command, place: &ArgMatches) -> Result<Vec<Given>, ConfigError> {
    let mut given = given::environment(options, |name| env::var_os(name));
    let named = place.get_one::<PathBuf>(CONFIG).cloned();
    let by_environment = given.iter().position(|given| given.key == CONFIG);
    let by_environment = by_environment.map(|found| given.remove(found));
    let path = named.or_else(|| by_environment?.values.pop().map(PathBuf::from));
    if let Some(path) = path {
        for one in file::read(&path).map_err(ConfigError::Given)? {
            // The environment goes before.
            if given.iter().all(|other| other.key != one.key) {
                given.push(one);
            }
        }
    }
    for one in &given {
        one.check(options).map_err(ConfigError::Given)?;
    }
    Ok(given)
}

/// The part of a command line that a command of a command read.
fn within<'m>(matches: &'m ArgMatches, path: &[&str]) -> Option<&'m ArgMatches> {
    path.iter()
        .try_fold(matches, |matches, name| matches.subcommand_matches(name))
}

/// The command, with a command of a command of it changed.
fn at(command: Command, path: &[&str], change: &dyn Fn(Command) -> Command) -> Command {
    match path.split_first() {
        Some((first, rest)) => command.mut_subcommand(first, |inner| at(inner, rest, change)),
        None => change(command),
    }
}

#[cfg(test)]
mod tests;
