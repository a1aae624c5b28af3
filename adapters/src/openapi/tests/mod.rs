//! The document says what the server does: every endpoint, field and code, and every answer that the tests of the door
//! hear.

pub(crate) mod agreement;
mod coverage;
mod probes;
