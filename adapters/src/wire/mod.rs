//! The wire form of commands and answers: one decoding and one encoding for HTTP, files and queues.
//!
//! | where | what |
//! |---|---|
//! | `fields` | which fields there are, and which command takes which |
//! | `values` | what a field's value must look like |
//! | `decode`, `draft`, `read` | the fast path: straight from the text to a [`Request`](jifen_engine::ledger::Request) |
//! | `diagnose`, `tree` | the slow path behind it, which names every offending field |
//! | `invalid` | what it found |
//! | `encode`, `json`, `instants` | answers |
//! | `event` | the feed: events and queries |
//! | `contract` | contracts of merchants |
//! | `statement` | statements and movements: queries and pages |
//! | `wording` | every code of the contract: status, title, advice, retryable |

mod contract;
mod decode;
mod diagnose;
mod draft;
mod encode;
mod event;
mod fields;
mod instants;
mod invalid;
pub(crate) mod json;
mod level;
mod read;
mod statement;
mod tree;
pub(crate) mod values;
pub mod wording;

pub(crate) use contract::contracts_text;
pub use decode::{
    BATCH_COMMANDS_MAX, Context, Endpoint, decode_batch, decode_command, decode_endpoint,
};
pub use encode::{encode_denial, encode_outcome};
pub(crate) use encode::{encode_reason, encode_refusal, encode_transaction};
pub(crate) use event::{
    Audience, EVENTS_FIELDS, EventsQuery, SOURCE, STOCK_EVENTS_FIELDS, TYPE_PREFIX,
    decode_events_query, encode_event,
};
pub(crate) use fields::{Field, Shape, object_field};
pub use instants::{day_text, instant_text};
pub use invalid::{FieldError, Invalid, InvalidCode};
pub(crate) use level::{LEVEL, encode_level};
pub(crate) use statement::{
    LIMIT_DEFAULT, MOVEMENTS_FIELDS, STATEMENT_FIELDS, decode_movements_query,
    decode_statement_query, encode_movements, encode_statement,
};
