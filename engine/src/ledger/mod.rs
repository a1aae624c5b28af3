//! The pure core: `decide` turns a request into an entry, `apply` turns an entry into state.
//!
//! There is no IO here, no clock, no randomness that shows, no floating point and no order that a hash map chose.
//! Replaying the entries gives the same state, and [`Ledger::state_hash`] proves it.
//!
//! | where | what |
//! |---|---|
//! | `command`, `answer`, `refusal` | what is asked and what is heard |
//! | `decide` and `enrol`, `earn`, `redeem`, `hold`, `merchants` | one file per command family |
//! | `entry` | what is journaled |
//! | `state` | what entries do |
//! | `wallet`, `members`, `holds`, `requests`, `symbol` | what the state is made of |
//! | `invariants` | what must be true at every moment |

mod amount;
mod answer;
mod command;
mod decide;
mod earn;
mod enrol;
mod entry;
mod fingerprint;
mod hold;
mod holds;
mod id;
pub mod invariants;
mod members;
mod merchants;
mod redeem;
mod refusal;
mod requests;
mod rules;
mod split_table;
mod state;
mod state_hash;
mod symbol;
mod text;
mod time;
mod wallet;

pub use amount::{Fen, Points};
pub use answer::{Answer, Details, LotShare, TypedBalance, Verdict};
pub use command::{
    Capture, Command, CommandKind, Earn, Enrol, Hold, HoldId, Offset, PutMerchant, Redeem, Release,
    Request, Seq, ShardIndex,
};
pub use decide::Decision;
pub use entry::{Account, After, Deed, Entry, Move, Moves, Origin, Posting, Subject};
pub use holds::{Held, HoldState};
pub use id::{
    Class, ID_BYTES_MAX, IdError, MemberId, MerchantId, PointType, Principal, RequestId, Use,
};
pub use members::Member;
pub use merchants::{Document, Merchant, Stripe};
pub use refusal::{Code, Reason, Refusal};
pub use rules::Rules;
pub use state::{Ledger, ReplayError};
pub use state_hash::StateHash;
pub use symbol::{Symbol, Symbols};
pub use text::{Labels, Text};
pub use time::{Day, UnixMillis};
pub use wallet::{Balance, Lot, LotKey, LotRef, Share, Shares, Wallet};
