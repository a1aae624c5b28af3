//! One of everything that a journal of version 1 holds, made the same way every time: the content of the golden files.
//!
//! Never change what is made here: the golden files were written once, and a change would compare them with something
//! else. What is added to the format gets specimens of its own, in another set.

pub mod archived;
mod clearing;
pub mod imaged;
mod prepaid;
mod sales;
mod whole_ledger;

pub(crate) use clearing::plain;

use std::{fmt::Write, path::PathBuf};

use jifen_engine::{
    journal::{
        block::Chain,
        committer::Committer,
        memory::{Medium, MemoryJournal},
    },
    ledger::{Deed, Ledger, Rules, ShardIndex, UnixMillis},
    shard::{Sealed, ShardCore},
};

use crate::{
    ask::{Ask, What},
    journaled::{entry, records, values},
};

/// When the specimens were made, in milliseconds.
const AT: u64 = 1_790_000_000_123;
/// How many shards the journal of the specimens has.
pub const SHARDS: u16 = 2;

/// Where the golden files of version 1 are.
#[must_use]
pub fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

/// Specimens that came into the format together.
#[derive(Clone, Copy)]
pub struct Set {
    /// What the names of its files end with.
    pub suffix: &'static str,
    /// Makes the specimens with today's code; `None` where that records the same in another form.
    pub make: Option<fn() -> Specimens>,
    /// What the ledgers judge by.
    pub rules: fn() -> Rules,
}

/// Every set, the oldest first.
pub const SETS: [Set; 8] = [
    Set {
        suffix: "",
        make: Some(made),
        rules: Rules::default,
    },
    Set {
        // Reversals did not tell what they undo beside points, and days had no marks.
        suffix: "-2",
        make: None,
        rules: whole_ledger::rules,
    },
    Set {
        suffix: "-3",
        make: None,
        rules: sales::rules,
    },
    Set {
        suffix: "-4",
        make: Some(whole_ledger::made),
        rules: whole_ledger::rules,
    },
    Set {
        suffix: "-5",
        make: Some(sales::made),
        rules: sales::rules,
    },
    Set {
        // From one day to the next a contract no longer begins to be prepaid.
        suffix: "-6",
        make: None,
        rules: sales::rules,
    },
    Set {
        suffix: "-7",
        make: Some(prepaid::made),
        rules: sales::rules,
    },
    Set {
        suffix: "-8",
        make: Some(clearing::made),
        rules: sales::rules,
    },
];

impl Set {
    /// Where the set's entries, turn and states are.
    #[must_use]
    pub fn files(&self) -> [PathBuf; 3] {
        ["entries", "turn", "states"].map(|what| {
            let ending = if what == "turn" { "bin" } else { "txt" };
            directory().join(format!("{what}{}.{ending}", self.suffix))
        })
    }

    /// The ledgers of a journal that holds nothing yet.
    #[must_use]
    pub fn empty_ledgers(&self) -> Vec<Ledger> {
        (0..SHARDS)
            .map(|shard| Ledger::new(ShardIndex(shard), (self.rules)()))
            .collect()
    }
}

/// What the golden files hold.
#[derive(Debug, PartialEq, Eq)]
pub struct Specimens {
    /// A line per entry: shard, what it is, and its recorded form in hexadecimal.
    pub entries: String,
    /// The only value of a journal's first turn, with a block of each shard.
    pub turn: Vec<u8>,
    /// A line per shard: the state's hash behind the turn.
    pub states: String,
}

/// Enrolments, earns, redemptions, holds and documents.
fn made() -> Specimens {
    let mut documents = Shard::new(0);
    for (merchant, name) in [("M1", "茶 & Tea"), ("M1", "茶 & Tea"), ("M2", "Shop")] {
        let what = What::PutMerchant {
            merchant: merchant.to_owned(),
            name: name.to_owned(),
        };
        documents.ask(AT, what);
    }
    let mut members = Shard::new(1);
    for merchant in documents.core.ledger().merchants() {
        members.core.carry(UnixMillis(AT + 1), &merchant.document());
    }
    members.live();
    let sealed = [documents, members].map(|mut shard| shard.core.seal().expect("it has entries"));
    committed(sealed, &Rules::default())
}

struct Shard {
    core: ShardCore<()>,
    asks: u32,
}

impl Shard {
    fn new(index: u16) -> Self {
        let ledger = Ledger::new(ShardIndex(index), Rules::default());
        Self {
            core: ShardCore::new(ledger, UnixMillis(0)),
            asks: 0,
        }
    }

    fn ask(&mut self, at: u64, what: What) {
        self.asks += 1;
        let ask = Ask::new("till-7", &format!("r-{}", self.asks), what);
        let reply = self.core.submit(UnixMillis(at), &ask.request());
        assert!(reply.is_ok(), "{reply:?}");
    }

    /// A member with every kind of entry that a member can have.
    fn live(&mut self) {
        let pairs = [("city", "Zürich"), ("birthday", "1990-02-28")];
        let pairs = pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .to_vec();
        self.ask(
            AT + 2,
            What::Enrol {
                member: "m-0001".to_owned(),
                attributes: Some(pairs),
            },
        );
        let earn = |points, last_day, class: &str, order: Option<&str>, at| What::Earn {
            member: "m-0001".to_owned(),
            merchant: "M1".to_owned(),
            points,
            point_type: "points".to_owned(),
            last_day,
            class: class.to_owned(),
            order: order.map(str::to_owned),
            at,
            releases_at: None,
        };
        self.ask(
            AT + 3,
            earn((1 << 53) - 1_001, None, "ordinary", None, None),
        );
        self.ask(
            AT + 4,
            earn(
                1_000,
                Some(20_999),
                "invitation",
                Some("order 1"),
                Some(AT - 86_400_000),
            ),
        );
        let mut ask = Ask::new(
            "till-7",
            "with.everything:1@x-y_z",
            What::Redeem {
                member: "m-0001".to_owned(),
                merchant: "M2".to_owned(),
                points: 1_400,
                point_type: "points".to_owned(),
                used_for: Some("goods".to_owned()),
                order: Some("order 2".to_owned()),
                cash: Some(1_990),
            },
        );
        ask.reference = Some("basket №7".to_owned());
        ask.metadata = Some(vec![("channel".to_owned(), "web".to_owned())]);
        let reply = self.core.submit(UnixMillis(AT + 300), &ask.request());
        assert!(reply.is_ok(), "{reply:?}");
        let hold = |points, used_for: Option<&str>| What::Hold {
            member: "m-0001".to_owned(),
            merchant: "M2".to_owned(),
            points,
            point_type: "points".to_owned(),
            used_for: used_for.map(str::to_owned),
            order: None,
            ttl_seconds: 900,
        };
        let capture = |hold: &str, points, last| What::Capture {
            hold: hold.to_owned(),
            points,
            last,
        };
        self.ask(AT + 400, hold(60, Some("gift")));
        self.ask(AT + 401, capture("h1-7", Some(20), false));
        self.ask(AT + 402, capture("h1-7", Some(30), true));
        self.ask(AT + 403, hold(70, None));
        self.ask(
            AT + 404,
            What::Release {
                hold: "h1-10".to_owned(),
            },
        );
        self.ask(AT + 405, hold(80, None));
        assert_eq!(self.core.expire_due(UnixMillis(AT + 2_000_000), 2), 1);
        self.ask(AT + 2_000_001, capture("h1-12", None, true));
        // Every refusal that binds with a measure, and one without.
        self.ask(AT + 2_000_002, hold((1 << 53) - 1, None));
        self.ask(AT + 2_000_003, capture("h1-12", None, true));
    }
}

/// Commits the blocks of every shard in one turn.
fn committed(mut sealed: [Sealed<()>; 2], rules: &Rules) -> Specimens {
    let mut entries = String::new();
    let mut ledgers = Vec::new();
    for block in &sealed {
        let mut ledger = Ledger::new(block.shard, rules.clone());
        for record in records(&block.body).expect("just sealed") {
            let what = entry(record)
                .map(|entry| kind(&entry.deed))
                .expect("just made");
            writeln!(entries, "{} {what:<17} {}", block.shard.0, hex(record)).unwrap();
            ledger.replay(record).expect("just decided");
        }
        ledgers.push(ledger);
    }
    let medium = Medium::default();
    let journal = Box::new(MemoryJournal::open(medium.clone()));
    let chains = vec![Chain::default(); usize::from(SHARDS)];
    Committer::new(journal, chains, 0)
        .commit(&mut sealed)
        .expect("no fault is set");
    let mut turn = values(&medium).expect("just written");
    assert_eq!(turn.len(), 1, "the specimens fit one value");
    Specimens {
        entries,
        turn: turn.remove(0).1,
        states: states(&ledgers),
    }
}

/// A line per shard: the hash of its state.
#[must_use]
pub fn states(ledgers: &[Ledger]) -> String {
    ledgers.iter().fold(String::new(), |mut lines, ledger| {
        writeln!(lines, "{} {}", ledger.shard().0, ledger.state_hash()).unwrap();
        lines
    })
}

/// So many of [`KINDS`] have to do with one shard alone, and with no sale.
pub const KINDS_OF_ONE_SHARD: usize = 20;
/// Every kind of entry, as [`kind`] calls them.
pub const KINDS: [&str; 44] = [
    "enrolled",
    "earned",
    "redeemed",
    "held",
    "captured-in-part",
    "captured",
    "released",
    "expired",
    "merchant-put",
    "refused",
    "earned-pending",
    "matured",
    "lapsed",
    "reversed-spend",
    "reversed-earn",
    "adjusted",
    "frozen",
    "unfrozen",
    "closed",
    "erased",
    "begun",
    "given-up",
    "heard",
    "stock-put",
    "reserved",
    "confirmed",
    "cancelled",
    "lost",
    "units-released",
    "units-wanted",
    "units-changed",
    "arrived",
    "transferred",
    "code-used",
    "unsold",
    "day-ended",
    "merchant-contracted",
    "settlement-opened",
    "settlement-published",
    "settled",
    "correction-put",
    "correction-decided",
    "pack-bought",
    "prepaid-added",
];

/// What kind of entry this is. A new kind needs a specimen and a place in [`KINDS`], so there is no `_` arm.
#[must_use]
pub const fn kind(deed: &Deed) -> &'static str {
    match deed {
        Deed::Enrolled { .. } => "enrolled",
        Deed::Earned { .. } => "earned",
        Deed::Redeemed { .. } => "redeemed",
        Deed::Held { .. } => "held",
        Deed::Captured { open: true, .. } => "captured-in-part",
        Deed::Captured { open: false, .. } => "captured",
        Deed::Released { .. } => "released",
        Deed::Expired { .. } => "expired",
        Deed::MerchantPut { .. } => "merchant-put",
        Deed::Refused { .. } => "refused",
        Deed::EarnedPending { .. } => "earned-pending",
        Deed::Matured => "matured",
        Deed::Lapsed => "lapsed",
        Deed::Reversed { spend: true, .. } => "reversed-spend",
        Deed::Reversed { spend: false, .. } => "reversed-earn",
        Deed::Adjusted { .. } => "adjusted",
        Deed::Frozen { .. } => "frozen",
        Deed::Unfrozen { .. } => "unfrozen",
        Deed::Closed { .. } => "closed",
        Deed::Erased => "erased",
        Deed::Begun { .. } => "begun",
        Deed::GivenUp => "given-up",
        Deed::Heard => "heard",
        Deed::StockPut { .. } => "stock-put",
        Deed::Reserved { .. } => "reserved",
        Deed::Confirmed { .. } => "confirmed",
        Deed::Cancelled { .. } => "cancelled",
        Deed::Lost { .. } => "lost",
        Deed::UnitsReleased => "units-released",
        Deed::UnitsWanted { .. } => "units-wanted",
        Deed::UnitsChanged { .. } => "units-changed",
        Deed::Arrived { .. } => "arrived",
        Deed::Transferred { .. } => "transferred",
        Deed::CodeUsed { .. } => "code-used",
        Deed::Unsold { .. } => "unsold",
        Deed::DayEnded { .. } => "day-ended",
        Deed::MerchantContracted { .. } => "merchant-contracted",
        Deed::SettlementOpened { .. } => "settlement-opened",
        Deed::SettlementPublished { .. } => "settlement-published",
        Deed::Settled { .. } => "settled",
        Deed::CorrectionPut { .. } => "correction-put",
        Deed::CorrectionDecided { .. } => "correction-decided",
        Deed::PackBought { .. } => "pack-bought",
        Deed::PrepaidAdded { .. } => "prepaid-added",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The bytes of a hexadecimal text, `None` if it is none.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
