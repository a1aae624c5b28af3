//! What can be said on the command line of `jifen import`.

use std::{path::PathBuf, str::FromStr};

use jifen_engine::ledger::{CommandKind, MerchantId, Text};

use super::name::ImportName;
use crate::ops::{DiskArgs, RulesArgs};

/// Imports a file of commands, each line exactly once.
///
/// The file is NDJSON of command objects, or CSV whose header names command fields. The commands come from the
/// principal `import:<name>`; a line without `id` gets the request id `<name>:<line>`. Importing the same file again
/// under the same name applies nothing twice: what was applied is counted as such. Two different files must not share
/// a name unless their lines have ids.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jifen import examples/day.ndjson --merchant harbour-market='Harbour Market'
      Makes the merchant known and imports its day into ./jifen-data.
  jifen import earns.csv --type earn --name 2026-11-21
      Imports rows that are all earnings; the rows without `id` are called 2026-11-21:2, 2026-11-21:3 …

Exit codes: 0 every line was judged, 1 failed or stopped (with --strict: or a line was not accepted),
2 wrong usage or header, 3 the journal could not be written, 4 the data directory is damaged or in use.")]
pub struct ImportArgs {
    /// The file; `-` reads standard input and needs --name.
    pub file: PathBuf,
    /// The data directory; made if there is none.
    #[arg(long, value_name = "DIR", default_value = "./jifen-data")]
    pub data: PathBuf,
    /// What the import is called [default: the file's name without its ending].
    #[arg(long, value_parser = ImportName::new)]
    pub name: Option<ImportName>,
    /// The command of lines that do not say theirs, such as `earn`.
    #[arg(long = "type", value_name = "TYPE", value_parser = command_kind)]
    pub kind: Option<CommandKind>,
    /// How the file is written [default: csv if its name ends so, otherwise ndjson].
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Makes a merchant known before the first line; may be given several times.
    #[arg(long = "merchant", value_name = "ID=NAME")]
    pub merchants: Vec<MerchantArg>,
    /// What the ledger judges by.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// What must stay free on the disk.
    #[command(flatten)]
    pub disk: DiskArgs,
    /// Where to tell of refused and malformed lines [default: FILE.refused.ndjson, only if there are any].
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Exits with 1 if any line was refused or malformed.
    #[arg(long)]
    pub strict: bool,
    /// Prints the summary as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// How a file of commands is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object per line.
    Ndjson,
    /// A header and rows; empty cells are absent fields.
    Csv,
}

/// A merchant to be made known: `ID=NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantArg {
    /// Which merchant.
    pub id: MerchantId,
    /// Its name, for people.
    pub name: Text,
}

impl FromStr for MerchantArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (id, name) = text
            .split_once('=')
            .ok_or("must be ID=NAME, such as harbour-market='Harbour Market'")?;
        let name = Text::new(name.trim())
            .filter(|name| !name.as_str().is_empty())
            .ok_or("the name must have 1 to 128 characters")?;
        let id = MerchantId::new(id).map_err(|error| format!("the id {error}"))?;
        Ok(Self { id, name })
    }
}

fn command_kind(word: &str) -> Result<CommandKind, String> {
    let known = CommandKind::ALL
        .into_iter()
        .find(|kind| kind.name() == word);
    known.ok_or_else(|| {
        let words: Vec<_> = CommandKind::ALL.iter().map(|kind| kind.name()).collect();
        format!("must be one of {}", words.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merchant_is_an_id_and_a_name() {
        let merchant: MerchantArg = "harbour-market=Harbour = Market ".parse().unwrap();
        assert_eq!(merchant.id.as_str(), "harbour-market");
        assert_eq!(merchant.name.as_str(), "Harbour = Market");
        for bad in ["harbour-market", "=name", "a b=name", "a=", "a= "] {
            assert!(bad.parse::<MerchantArg>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_type_is_a_word_of_the_contract() {
        assert_eq!(command_kind("earn"), Ok(CommandKind::Earn));
        assert!(command_kind("Earn").unwrap_err().contains("enrol, earn"));
    }
}
