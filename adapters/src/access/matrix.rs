//! The one table of what each role may do.

use jifen_engine::ledger::CommandKind;

use super::role::RoleName;

/// Something that a principal may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To have a command decided.
    Command(CommandKind),
    /// To look at something.
    Read(Read),
}

/// Something that can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// A member and what they have.
    Member,
    /// What changed a member's points.
    Statement,
    /// What was answered to a request of the principal itself; nobody can name another's.
    Request,
    /// A hold.
    Hold,
    /// A merchant's document.
    Merchant,
    /// What passed between a merchant and members.
    Movements,
    /// A transaction.
    Transaction,
    /// A sale and its units.
    Stock,
    /// A reservation.
    Reservation,
    /// The code of a sold unit.
    Code,
    /// What was decided, as it is decided.
    Events,
    /// The same of one sale.
    StockEvents,
    /// How the server is.
    Metrics,
    /// All settlements, with the hashes under which they were published.
    Settlements,
    /// One of them; what the operator keeps is not told to merchants.
    Settlement,
    /// What a settlement says to a merchant.
    SettlementStatement,
    /// Who is paid what.
    SettlementPayments,
    /// Whose points were accepted by whom.
    SettlementMatrix,
    /// What was put right by hand.
    Corrections,
    /// One thing of it.
    Correction,
    /// Who has taken whose points since the last settlement.
    Positions,
    /// What is outstanding.
    Liability,
}

/// How far a role may go with an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Not at all.
    Never,
    /// Where it concerns the principal's own merchant. Everything else is as if it did not exist.
    Own,
    /// Whatever it concerns.
    Any,
}

impl Action {
    /// Who may do it: operator, merchant, storefront, auditor, in the order of [`RoleName::ALL`].
    const fn row(self) -> [Right; 4] {
        use CommandKind as C;
        use Right::{Any, Never, Own};
        match self {
            // Members.
            Self::Command(C::Enrol | C::Freeze | C::Unfreeze | C::Close | C::Erase) => {
                [Any, Never, Any, Never]
            }
            // Points that a merchant gives and takes.
            Self::Command(C::Earn | C::Redeem | C::Reverse) => [Any, Own, Never, Never],
            // Points set aside.
            Self::Command(C::Hold | C::Capture | C::Release) => [Any, Own, Any, Never],
            // The programme's own affairs. A merchant does not write its own contract.
            Self::Command(
                C::Adjust
                | C::PutMerchant
                | C::BuyPack
                | C::PutStock
                | C::ChangeUnits
                | C::Settle
                | C::DecideCorrection,
            ) => [Any, Never, Never, Never],
            // A merchant disputes what concerns itself; the operator decides.
            Self::Command(C::PutCorrection) => [Any, Own, Never, Never],
            // Sales, and points between members.
            Self::Command(C::Reserve | C::Confirm | C::Cancel | C::Transfer) => {
                [Any, Never, Any, Never]
            }
            // Whoever hands the goods over looks at the code and uses it up.
            Self::Command(C::UseCode) => [Any, Own, Any, Never],
            Self::Read(Read::Code) => [Any, Own, Any, Any],
            Self::Read(Read::Reservation | Read::Stock | Read::StockEvents) => [Any, Own, Any, Any],
            // A member's lots tell at which other merchants they were earned; so merchants do not see them.
            Self::Read(Read::Member | Read::Statement) => [Any, Never, Any, Any],
            // Whoever may ask may hear again what was answered.
            Self::Read(Read::Request) => [Any, Any, Any, Any],
            Self::Read(Read::Hold) => [Any, Own, Any, Any],
            Self::Read(Read::Merchant | Read::Movements | Read::Transaction | Read::Events) => {
                [Any, Own, Never, Any]
            }
            // They tell how all merchants together do.
            Self::Read(Read::Metrics) => [Any, Never, Never, Any],
            // What is published is for everybody who has a statement.
            Self::Read(Read::Settlements | Read::Settlement) => [Any, Any, Never, Any],
            Self::Read(Read::SettlementStatement | Read::Correction) => [Any, Own, Never, Any],
            // Only its own are listed for a merchant.
            Self::Read(Read::Corrections) => [Any, Any, Never, Any],
            Self::Read(
                Read::SettlementPayments
                | Read::SettlementMatrix
                | Read::Positions
                | Read::Liability,
            ) => [Any, Never, Never, Any],
        }
    }

    /// How far a role may go with it.
    #[must_use]
    pub const fn right(self, role: RoleName) -> Right {
        self.row()[role as usize]
    }

    /// Every action, in the order in which they are shown.
    pub fn all() -> impl Iterator<Item = Self> {
        let commands = CommandKind::ALL.into_iter().map(Self::Command);
        commands.chain(Read::ALL.into_iter().map(Self::Read))
    }

    /// Whether a role may have any command decided at all.
    #[must_use]
    pub fn may_command(role: RoleName) -> bool {
        let mut commands = CommandKind::ALL.into_iter().map(Self::Command);
        commands.any(|command| command.right(role) != Right::Never)
    }

    /// The word for it: a command's type, or what is looked at.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command(kind) => kind.name(),
            Self::Read(read) => read.name(),
        }
    }

    /// Whether it is a `command` or a `read`.
    #[must_use]
    pub const fn sort(self) -> &'static str {
        match self {
            Self::Command(_) => "command",
            Self::Read(_) => "read",
        }
    }
}

impl Read {
    /// Everything that can be looked at.
    pub const ALL: [Self; 22] = [
        Self::Member,
        Self::Statement,
        Self::Request,
        Self::Hold,
        Self::Merchant,
        Self::Movements,
        Self::Transaction,
        Self::Stock,
        Self::Reservation,
        Self::Code,
        Self::Events,
        Self::StockEvents,
        Self::Metrics,
        Self::Settlements,
        Self::Settlement,
        Self::SettlementStatement,
        Self::SettlementPayments,
        Self::SettlementMatrix,
        Self::Corrections,
        Self::Correction,
        Self::Positions,
        Self::Liability,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Statement => "statement",
            Self::Request => "request",
            Self::Hold => "hold",
            Self::Merchant => "merchant",
            Self::Movements => "movements",
            Self::Transaction => "transaction",
            Self::Metrics => "metrics",
            Self::Settlements => "settlements",
            Self::Settlement => "settlement",
            Self::SettlementStatement => "settlement_statement",
            Self::SettlementPayments => "settlement_payments",
            Self::SettlementMatrix => "settlement_matrix",
            Self::Corrections => "corrections",
            Self::Correction => "correction",
            Self::Positions => "positions",
            Self::Liability => "liability",
            Self::Stock => "stock",
            Self::Reservation => "reservation",
            Self::Code => "code",
            Self::Events => "events",
            Self::StockEvents => "stock_events",
        }
    }
}

impl Right {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Never => "no",
            Self::Own => "own",
            Self::Any => "yes",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_the_roles_in_their_order() {
        for (place, role) in RoleName::ALL.into_iter().enumerate() {
            assert_eq!(role as usize, place);
        }
    }

    /// What the contract says in so many words.
    #[test]
    fn operators_may_everything_and_auditors_only_look() {
        for action in Action::all() {
            assert_eq!(action.right(RoleName::Operator), Right::Any, "{action:?}");
            let audit = match action {
                Action::Command(_) => Right::Never,
                Action::Read(_) => Right::Any,
            };
            assert_eq!(action.right(RoleName::Auditor), audit, "{action:?}");
        }
        let adjust = Action::Command(CommandKind::Adjust);
        for role in [RoleName::Merchant, RoleName::Storefront, RoleName::Auditor] {
            assert_eq!(adjust.right(role), Right::Never);
        }
        let commanding = RoleName::ALL.map(Action::may_command);
        assert_eq!(commanding, [true, true, true, false]);
    }

    /// Only a merchant has something of its own, and nothing that it may do reaches further.
    #[test]
    fn merchants_stay_with_their_own() {
        for action in Action::all() {
            let merchant = action.right(RoleName::Merchant);
            // What is published is for all; of corrections only its own are listed.
            let shared = matches!(
                action,
                Action::Read(
                    Read::Request | Read::Settlements | Read::Settlement | Read::Corrections
                )
            );
            assert!(merchant != Right::Any || shared, "{action:?}");
            for role in [RoleName::Operator, RoleName::Storefront, RoleName::Auditor] {
                assert_ne!(action.right(role), Right::Own, "{action:?}");
            }
        }
    }
}
