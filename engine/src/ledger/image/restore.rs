//! From an image and its increments back to a ledger.

use super::{
    DAYBOOK, HEAD, HOLDS, HOLDS_1, ImageError, MEMBERS, SALES, beyond,
    daybook::Gathering,
    head::Head,
    records::{Held1, read},
};
use crate::ledger::{
    command::{Seq, ShardIndex},
    due::DueIndex,
    holds::{Held, Holds},
    invariants::check_shard,
    members::{Member, Members},
    records::ChunkNumber,
    rules::Rules,
    slots::Slots,
    sold::Sale,
    state::Ledger,
};

/// A ledger that is being put together: the parts of a whole image, then those of its increments, each in their order.
pub struct Restoring {
    shard: ShardIndex,
    rules: Rules,
    /// The newest head, and behind which entry it stands.
    head: Option<(Seq, Vec<u8>)>,
    members: Slots<Option<Member>>,
    holds: Slots<Option<Held>>,
    sales: Slots<Option<Sale>>,
    daybook: Gathering,
}

impl Restoring {
    /// Nothing was read yet.
    #[must_use]
    pub fn new(shard: ShardIndex, rules: Rules) -> Self {
        Self {
            shard,
            rules,
            head: None,
            members: Slots::default(),
            holds: Slots::default(),
            sales: Slots::default(),
            daybook: Gathering::default(),
        }
    }

    /// Takes the next part.
    pub fn take(&mut self, part: &[u8]) -> Result<(), ImageError> {
        match part.split_first() {
            Some((&HEAD, content)) => self.take_head(content),
            Some((&MEMBERS, content)) => {
                take_slots(content, &mut self.members, |member: Member| member)
            }
            Some((&HOLDS, content)) => take_slots(content, &mut self.holds, |held: Held| held),
            Some((&HOLDS_1, content)) => take_slots(content, &mut self.holds, |Held1(held)| held),
            Some((&SALES, content)) => take_slots(content, &mut self.sales, |sale: Sale| sale),
            Some((&DAYBOOK, content)) => self.daybook.take(content),
            _ => Err(ImageError::Incomplete("a part is of no known kind")),
        }
    }

    /// The ledger, when all parts were taken. `chunk` gives the chunks that the image names.
    pub fn finish(
        self,
        mut chunk: impl FnMut(ChunkNumber) -> Result<Vec<u8>, String>,
    ) -> Result<Ledger, ImageError> {
        let (_, head) = self.head.ok_or(ImageError::Incomplete("it has no head"))?;
        let mut behind = &head[..];
        let head: Head<'_> = read(&mut behind)?;
        let mut ledger = Ledger::new(self.shard, self.rules);
        head.restore(&mut ledger)?;
        let members = all(self.members, head.members, "a member is missing")?;
        let holds = all(self.holds, head.holds, "a hold is missing")?;
        ledger.due = due(&members);
        let count = members.len();
        ledger.members =
            Members::restored(members).ok_or(ImageError::Incomplete("a member is there twice"))?;
        ledger.holds = Holds::restored(holds, count)
            .ok_or(ImageError::Incomplete("its holds contradict each other"))?;
        if head.has_beyond() {
            beyond::restore(&mut ledger, &head, behind, self.sales)?;
        }
        if head.has_clearing() && !self.daybook.has_begun() {
            return Err(ImageError::Incomplete("its daybook is missing"));
        }
        ledger.daybook = self.daybook.finish(head.seq, ledger.symbols.len())?;
        ledger.stand_at(head.seq, head.at);
        let chunk_bytes = ledger.rules.record_chunk_bytes;
        ledger
            .requests
            .restore(&head.records, chunk_bytes, |number| {
                chunk(number).map_err(|what| ImageError::Chunk {
                    number: number.0,
                    what,
                })
            })?;
        check_shard(&ledger)?;
        Ok(ledger)
    }

    fn take_head(&mut self, content: &[u8]) -> Result<(), ImageError> {
        let mut behind = content;
        let head: Head<'_> = read(&mut behind)?;
        head.check(self.shard, &self.rules)?;
        let before = self.head.as_ref().map(|(seq, _)| *seq);
        if head.since != before {
            return Err(ImageError::Incomplete("an increment follows another image"));
        }
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let (members, holds) = (count(head.members), count(head.holds));
        if members < self.members.len() || holds < self.holds.len() {
            return Err(ImageError::Incomplete("an increment has fewer slots"));
        }
        if head.has_beyond() && !head.has_sales_apart() {
            self.sales = beyond::sales_4(behind)?;
        }
        self.head = Some((head.seq, content.to_vec()));
        // Memory is asked for only as slots come, so a wrong number asks for none.
        Ok(())
    }
}

fn take_slots<'a, R: bincode::BorrowDecode<'a, ()>, T>(
    mut content: &'a [u8],
    slots: &mut Slots<Option<T>>,
    of: fn(R) -> T,
) -> Result<(), ImageError> {
    while !content.is_empty() {
        let slot: u32 = read(&mut content)?;
        let found = of(read(&mut content)?);
        let slot = slot as usize;
        if slot >= slots.len() {
            // Slots come in order; one far behind the others would ask for memory without end.
            if slot > slots.len() {
                return Err(ImageError::Incomplete("a slot is missing"));
            }
            slots.push(None);
        }
        slots[slot] = Some(found);
    }
    Ok(())
}

pub(super) fn all<T>(
    slots: Slots<Option<T>>,
    count: u64,
    missing: &'static str,
) -> Result<Slots<T>, ImageError> {
    let all = slots.all();
    all.filter(|all| all.len() as u64 == count)
        .ok_or(ImageError::Incomplete(missing))
}

/// Where to look for what is due follows from what the members have.
fn due(members: &Slots<Member>) -> DueIndex {
    let mut due = DueIndex::default();
    let places = (0..).map(crate::ledger::members::MemberIndex);
    for (at, member) in places.zip(members.iter()) {
        due.meets(at, member);
    }
    due
}
