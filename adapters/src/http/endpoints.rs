//! Every endpoint, once: the routes are made from this table, and so is the OpenAPI document.

use actix_web::http::Method;
use jifen_engine::ledger::CommandKind;

use crate::access::{Action, Read};

/// A method at a path.
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    /// As the contract writes it. The object that it is about is the first name in braces.
    pub(crate) path: &'static str,
    pub(crate) does: Does,
    /// What it does, in a few words.
    pub(crate) summary: &'static str,
}

/// What an endpoint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// Has one command decided.
    Command(CommandKind),
    /// Has many commands decided.
    Commands,
    /// Lets something be looked at.
    Read(Read),
    /// Tells whether the process answers.
    Live,
    /// Tells whether commands are taken.
    Ready,
    /// Shows the OpenAPI document.
    Document,
    /// Shows the AsyncAPI document.
    Feed,
    /// Shows the same for people.
    Page,
}

impl Does {
    /// What of the matrix it needs; `None` where no key is asked for, and for batches, whose commands are looked at one by one.
    pub(crate) const fn action(self) -> Option<Action> {
        match self {
            Self::Command(kind) => Some(Action::Command(kind)),
            Self::Read(read) => Some(Action::Read(read)),
            Self::Commands
            | Self::Live
            | Self::Ready
            | Self::Document
            | Self::Feed
            | Self::Page => None,
        }
    }

    /// Whether it asks for a key.
    pub(crate) const fn asks_for_key(self) -> bool {
        matches!(self, Self::Command(_) | Self::Commands | Self::Read(_))
    }
}

const fn get(path: &'static str, does: Does, summary: &'static str) -> Endpoint {
    endpoint(Method::GET, path, does, summary)
}

const fn command(
    method: Method,
    path: &'static str,
    kind: CommandKind,
    summary: &'static str,
) -> Endpoint {
    endpoint(method, path, Does::Command(kind), summary)
}

const fn endpoint(
    method: Method,
    path: &'static str,
    does: Does,
    summary: &'static str,
) -> Endpoint {
    Endpoint {
        method,
        path,
        does,
        summary,
    }
}

const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

/// Every endpoint. Those that are asked most come first, since they are looked for in this order; those of one path stand
/// together.
#[rustfmt::skip]
pub(crate) static ENDPOINTS: &[Endpoint] = &[
    endpoint(POST, "/v1/commands", Does::Commands, "Have many commands decided"),
    command(POST, "/v1/earns", CommandKind::Earn, "Give a member points"),
    command(POST, "/v1/redemptions", CommandKind::Redeem, "Spend a member's points"),
    command(POST, "/v1/holds", CommandKind::Hold, "Set points aside"),
    command(POST, "/v1/holds/{hold}/capture", CommandKind::Capture, "Spend what was set aside"),
    command(POST, "/v1/holds/{hold}/release", CommandKind::Release, "Give back what was set aside"),
    get("/v1/holds/{hold}", Does::Read(Read::Hold), "Look at a hold"),
    command(POST, "/v1/reservations", CommandKind::Reserve, "Reserve units of a sale"),
    command(POST, "/v1/reservations/{reservation}/confirm", CommandKind::Confirm, "Pay for what is reserved"),
    command(POST, "/v1/reservations/{reservation}/cancel", CommandKind::Cancel, "Give back what is reserved"),
    get("/v1/reservations/{reservation}", Does::Read(Read::Reservation), "Look at a reservation"),
    get("/v1/stock/{sku}", Does::Read(Read::Stock), "Look at a sale and its units"),
    command(PUT, "/v1/stock/{sku}", CommandKind::PutStock, "Put a sale's document"),
    get("/v1/stock/{sku}/events", Does::Read(Read::StockEvents), "Follow what is decided about a sale"),
    command(POST, "/v1/stock/{sku}/units", CommandKind::ChangeUnits, "Add units to a sale, or withdraw some"),
    command(POST, "/v1/codes/{code}/use", CommandKind::UseCode, "Use the code of a sold unit"),
    get("/v1/codes/{code}", Does::Read(Read::Code), "Look at the code of a sold unit"),
    command(POST, "/v1/transfers", CommandKind::Transfer, "Send points to another member"),
    get("/v1/members/{member}", Does::Read(Read::Member), "Look at a member and what they have"),
    command(PUT, "/v1/members/{member}", CommandKind::Enrol, "Enrol a member"),
    get("/v1/merchants/{merchant}", Does::Read(Read::Merchant), "Look at a merchant's document"),
    command(PUT, "/v1/merchants/{merchant}", CommandKind::PutMerchant, "Put a merchant's document"),
    command(POST, "/v1/merchants/{merchant}/packs", CommandKind::BuyPack, "Buy points for a merchant to give out"),
    command(POST, "/v1/reversals", CommandKind::Reverse, "Take a transaction back, whole or in part"),
    command(POST, "/v1/adjustments", CommandKind::Adjust, "Put a balance right"),
    get("/v1/transactions/{transaction}", Does::Read(Read::Transaction), "Look at a transaction"),
    get("/v1/members/{member}/requests/{id}", Does::Read(Read::Request), "Hear again what was answered to a request"),
    get("/v1/members/{member}/statement", Does::Read(Read::Statement), "Look at what changed a member's points"),
    get("/v1/merchants/{merchant}/transactions", Does::Read(Read::Movements), "Look at what passed between a merchant and members"),
    command(POST, "/v1/members/{member}/freeze", CommandKind::Freeze, "Freeze a member, who then earns but does not spend"),
    command(POST, "/v1/members/{member}/unfreeze", CommandKind::Unfreeze, "Let a frozen member spend again"),
    command(POST, "/v1/members/{member}/close", CommandKind::Close, "Close a member for ever"),
    command(DELETE, "/v1/members/{member}/attributes", CommandKind::Erase, "Erase a member's personal data"),
    get("/v1/events", Does::Read(Read::Events), "Follow what is decided"),
    get("/v1/settlements", Does::Read(Read::Settlements), "List the settlements"),
    command(POST, "/v1/settlements", CommandKind::Settle, "Close a period"),
    get("/v1/settlements/{settlement}", Does::Read(Read::Settlement), "Look at a settlement"),
    get("/v1/settlements/{settlement}/merchants/{merchant}", Does::Read(Read::SettlementStatement), "Look at a merchant's statement of a settlement"),
    get("/v1/settlements/{settlement}/payments", Does::Read(Read::SettlementPayments), "Look at the payments of a settlement"),
    get("/v1/settlements/{settlement}/matrix", Does::Read(Read::SettlementMatrix), "Look at whose points were accepted by whom"),
    get("/v1/corrections", Does::Read(Read::Corrections), "List the corrections"),
    get("/v1/corrections/{correction}", Does::Read(Read::Correction), "Look at a correction"),
    command(PUT, "/v1/corrections/{correction}", CommandKind::PutCorrection, "Propose a correction"),
    command(POST, "/v1/corrections/{correction}/decision", CommandKind::DecideCorrection, "Approve a correction, or reject it"),
    get("/v1/reports/positions", Does::Read(Read::Positions), "Look at who has taken whose points since the last settlement"),
    get("/v1/reports/liability", Does::Read(Read::Liability), "Look at what is outstanding"),
    get("/metrics", Does::Read(Read::Metrics), "How the server is, for Prometheus"),
    get("/health/live", Does::Live, "Whether the process answers"),
    get("/health/ready", Does::Ready, "Whether commands are taken"),
    get("/openapi.json", Does::Document, "This document"),
    get("/asyncapi.json", Does::Feed, "The feed of events, as an AsyncAPI document"),
    get("/docs", Does::Page, "This document, for people"),
];
