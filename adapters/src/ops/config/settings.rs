//! Every setting, its value, and where that came from.

use std::{fmt, path::PathBuf};

use clap::{Arg, ArgMatches, Command, parser::ValueSource};

use super::{
    CONFIG,
    given::{Given, is_flag, may_be_repeated},
};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// The command line.
    CommandLine,
    /// The variable with this name.
    Environment(String),
    /// The file, and the number of the line in it.
    File(PathBuf, usize),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::CommandLine => f.write_str("command line"),
            Self::Environment(name) => f.write_str(name),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
        }
    }
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// What it is called in a file; on the command line with `--` before it.
    pub key: String,
    /// Its value as in a file; `None` if it has none.
    pub value: Option<String>,
    /// Where that came from.
    pub origin: Origin,
}

/// All settings, in the order of `jifen serve --help`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(Vec<Setting>);

impl Settings {
    /// Each setting.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.0.iter()
    }

    /// The setting with this name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.0.iter().find(|setting| setting.key == key)
    }

    pub(super) fn read(options: &Command, matches: &ArgMatches, given: &[Given]) -> Self {
        let setting = |option: &Arg| {
            let key = option.get_long().filter(|key| *key != CONFIG)?;
            let origin = match matches.value_source(option.get_id().as_str())? {
                ValueSource::CommandLine => Origin::CommandLine,
                _ => given
                    .iter()
                    .find(|given| given.key == key)
                    .map_or(Origin::Default, |given| given.origin.clone()),
            };
            Some(Setting {
                key: key.to_owned(),
                value: value(option, matches),
                origin,
            })
        };
        let unset = |option: &Arg| {
            let key = option.get_long().filter(|key| *key != CONFIG)?;
            Some(Setting {
                key: key.to_owned(),
                value: None,
                origin: Origin::Default,
            })
        };
        let each = options.get_arguments();
        Self(
            each.filter_map(|o| setting(o).or_else(|| unset(o)))
                .collect(),
        )
    }
}

/// The value of an option as in a file.
fn value(option: &Arg, matches: &ArgMatches) -> Option<String> {
    let id = option.get_id().as_str();
    if is_flag(option) {
        return Some(matches.get_flag(id).to_string());
    }
    let mut values = matches
        .get_raw(id)?
        .map(|value| quoted(&value.to_string_lossy()));
    if may_be_repeated(option) {
        let values: Vec<_> = values.collect();
        return Some(format!("[{}]", values.join(", ")));
    }
    values.next()
}

/// Numbers stand for themselves, everything else in quotes. What JSON escapes TOML reads.
fn quoted(text: &str) -> String {
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => text.to_owned(),
        _ => serde_json::Value::from(text).to_string(),
    }
}
