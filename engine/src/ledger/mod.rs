//! The pure core: `decide` turns a request into an entry, `apply` turns an entry into state.
//!
//! There is no IO here, no clock, no randomness that shows, no floating point and no order that a hash map chose.
//! Replaying the entries gives the same state, and [`Ledger::state_hash`] proves it.
//!
//! | where | what |
//! |---|---|
//! | `command`, `answer`, `refusal` | what is asked and what is heard |
//! | `decide` and `enrol`, `earn`, `redeem`, `hold`, `reverse`, `adjust`, `lifecycle`, `merchants` | one file per command family |
//! | `deposit`, `due` | what happens to points that come in, and what time does by itself |
//! | `entry` | what is journaled |
//! | `state` | what entries do |
//! | `wallet`, `members`, `holds`, `requests`, `records`, `reversals`, `accounts`, `symbol` | what the state is made of |
//! | `image` | the whole state at one moment, copied while the shard goes on, and back |
//! | `invariants` | what must be true at every moment |

mod accounts;
mod adjust;
mod amount;
mod answer;
mod apply;
mod apply_course;
#[cfg(test)]
mod at_work;
mod command;
mod contract;
mod daybook;
mod decide;
mod deposit;
mod due;
mod earn;
mod enrol;
mod entry;
mod errands;
mod fingerprint;
mod footprint;
mod handle;
mod hold;
mod holds;
mod id;
mod image;
pub mod invariants;
mod lifecycle;
mod look_ahead;
mod members;
mod merchants;
mod message;
mod pool_id;
mod prepaid;
mod receive;
mod recorded;
mod records;
mod redeem;
mod refusal;
mod requests;
mod reversals;
mod reverse;
mod rules;
mod sale;
mod serve;
mod settlements;
mod slots;
mod sold;
mod sold_code;
mod split_table;
mod state;
mod state_hash;
mod stock_document;
mod stocks;
mod symbol;
mod text;
mod time;
mod transfer;
mod transit;
mod use_code;
mod wallet;

pub(crate) use recorded::{RecordParts, RequestParts};

pub use accounts::{Accounts, SystemStripe};
pub use amount::{Fen, Points};
pub use answer::{Answer, Details, LotShare, TypedBalance, Verdict};
pub use command::{
    Adjust, Boundary, BuyPack, Cancel, Capture, ChangeUnits, Command, CommandKind, Confirm,
    DecideCorrection, Direction, Earn, Enrol, Erase, Hold, Lifecycle, PutCorrection, PutMerchant,
    PutStock, Redeem, Release, Request, Reserve, Reverse, Seq, Settle, ShardIndex, Transfer,
    UseCode,
};
pub use contract::{
    BasisPoints, Billing, Commission, Contract, Contracts, Cycle, Fees, Payout, Price, STARS_MAX,
    Star, Till,
};
pub use daybook::{
    DayOver, DaySums, Daybook, DaybookImage, IssueFlows, IssueRow, PositionRow, TradeRow,
    TradeSums, Undone,
};
pub use decide::Decision;
pub use entry::{Account, After, Deed, Entry, Move, Moves, Origin, Posting, Subject};
pub use errands::{Errand, Pursuit};
pub use footprint::Footprint;
pub use handle::{HoldId, Offset, ReservationId, TransactionId};
pub use holds::{Held, HoldState};
pub use id::{
    Class, CorrectionId, ID_BYTES_MAX, IdError, MemberId, MerchantId, PointType, Principal,
    RequestId, SkuId, Use,
};
pub use image::{Extent, ImageBegun, ImageError, Restoring, Unsettled, chunks_named};
pub use members::{Member, MemberState};
pub use merchants::{Document, Merchant, Stripe};
pub use message::{Carried, Course, Message, Parcel, Receipt, Sent, SentLot, Spelled, Terms};
pub use pool_id::{PoolId, PrepaidId};
pub use prepaid::{Drawn, PackBought};
pub use receive::{Incoming, Taken};
pub use records::{Aged, ChunkNumber, Facts, Need, Wanted};
pub use refusal::{Code, Reason, Refusal};
pub use rules::{PointKind, Rules, Uses};
pub use settlements::{
    ClearingBook, CorrectionRecord, CorrectionState, Period, Root, SettlementRecord,
};
pub use sold::Sale;
pub use sold_code::{SaleSecret, SoldCode};
pub use state::{Ledger, ReplayError};
pub use state_hash::StateHash;
pub use stocks::{Stock, StockDocument};
pub use symbol::{Symbol, Symbols};
pub use text::{Labels, Text};
pub use time::{Day, UnixMillis};
pub use transit::TransitStripe;
pub use wallet::{Balance, Lot, LotKey, LotRef, Pending, Share, Shares, Wallet};
