//! What can be said on the command line of `jifen keys`.

use std::{num::NonZeroU32, path::PathBuf};

use clap::{Args, Subcommand};
use jifen_engine::ledger::{MerchantId, Principal};

use super::{Failure, Wanted};
use crate::access::{KeyFile, KeyId, Limit, Rate, Role, RoleName};

/// Says who may come in, and what they may do.
///
/// A key belongs to a principal, which has one role for ever; several keys may belong to it. Keys are shown once and kept
/// as digests in the data directory's keys.json. All of this works while a server runs, which follows within a second.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  jifen keys create --principal till-7 --role merchant --merchant harbour-market --rate 200/s
      Makes a key for a merchant's tills, and prints it on standard output.
  jifen keys create --principal till-7
      Makes another key for the same principal: to rotate a key, make a new one, hand it out, and revoke the old one.
  jifen keys revoke k-1b5c0a9f3e77
      Takes a key back. `jifen keys list` shows what each is called.

Exit codes: 0 done, 1 failed, 2 wrong usage, or a key file that is none.")]
pub struct KeysArgs {
    #[command(subcommand)]
    pub(super) command: KeysCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Makes a key and prints it, this once, on standard output.
    Create(CreateArgs),
    /// Shows principals and what their keys are called.
    List(ListArgs),
    /// Takes a key back; open connections are shut out too.
    Revoke(RevokeArgs),
    /// Says how much a principal may ask for; without --rate, as much as it likes.
    Limit(LimitArgs),
    /// Shows which role may do what.
    Roles(RolesArgs),
}

/// Where the keys are.
#[derive(Clone, Debug, Args)]
pub(super) struct Place {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./jifen-data")]
    data: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub(super) struct CreateArgs {
    #[command(flatten)]
    pub(super) place: Place,
    /// Whose key it is.
    #[arg(long, value_name = "NAME", value_parser = principal)]
    principal: Principal,
    /// What the principal may do; one that has a key already keeps its role.
    #[arg(long, value_enum)]
    role: Option<RoleName>,
    /// Whose commands and objects a merchant's principal is about.
    #[arg(long, value_name = "ID", value_parser = merchant, requires = "role")]
    merchant: Option<MerchantId>,
    #[command(flatten)]
    limit: RateArgs,
}

/// How much may be asked for.
#[derive(Clone, Debug, Args)]
pub(super) struct RateArgs {
    /// How many commands and reads the principal may ask for, such as 200/s, 600/m or 20/h [default: as many as it likes].
    #[arg(long, value_name = "N/s")]
    rate: Option<Rate>,
    /// How many of them at once, which also bounds its batches [default: the N of the rate].
    #[arg(long, value_name = "N", requires = "rate")]
    burst: Option<NonZeroU32>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    pub(super) place: Place,
    /// Prints JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Debug, Args)]
pub(super) struct RevokeArgs {
    #[command(flatten)]
    pub(super) place: Place,
    /// What the key is called, such as k-1b5c0a9f3e77; not the key itself.
    #[arg(value_name = "KEY-ID")]
    key: String,
}

#[derive(Clone, Debug, Args)]
pub(super) struct LimitArgs {
    #[command(flatten)]
    pub(super) place: Place,
    /// Whose limit it is.
    #[arg(long, value_name = "NAME", value_parser = principal)]
    pub(super) principal: Principal,
    #[command(flatten)]
    pub(super) limit: RateArgs,
}

#[derive(Clone, Debug, Args)]
pub(super) struct RolesArgs {
    /// Prints JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl Place {
    /// The file with the keys. The directory must be there: a slip of the pen is not made into one.
    pub(super) fn file(&self) -> Result<KeyFile, Failure> {
        if !self.data.is_dir() {
            return Err(Failure::Usage(format!(
                "--data {}: there is no such directory; name the one that the server is started with, or make it",
                self.data.display()
            )));
        }
        Ok(KeyFile::of(&self.data))
    }
}

impl RateArgs {
    pub(super) fn limit(&self) -> Result<Option<Limit>, Failure> {
        let Some(rate) = self.rate else {
            return Ok(None);
        };
        let limit = Limit::new(rate, self.burst).ok_or_else(|| {
            Failure::Usage(
                "--burst: at this rate it would take more than a month to come by so many"
                    .to_owned(),
            )
        })?;
        Ok(Some(limit))
    }
}

impl RevokeArgs {
    /// What was given is not repeated if it is wrong: it may be a key.
    pub(super) fn key(&self) -> Result<KeyId, Failure> {
        KeyId::parse(&self.key).ok_or_else(|| {
            Failure::Usage(
                "KEY-ID: must be what a key is called, such as k-1b5c0a9f3e77, as `jifen keys list` shows it"
                    .to_owned(),
            )
        })
    }
}

impl CreateArgs {
    pub(super) fn wanted(&self) -> Result<Wanted, Failure> {
        let role = self.role.map(|name| {
            Role::of(name, self.merchant.clone()).ok_or_else(|| {
                Failure::Usage(
                    "--merchant: the role merchant needs it, and no other role has it".to_owned(),
                )
            })
        });
        Ok(Wanted {
            principal: self.principal.clone(),
            role: role.transpose()?,
            limit: self.limit.limit()?,
        })
    }
}

fn principal(text: &str) -> Result<Principal, String> {
    Principal::new(text).map_err(|error| error.to_string())
}

fn merchant(text: &str) -> Result<MerchantId, String> {
    MerchantId::new(text).map_err(|error| error.to_string())
}
