//! A shard's dealings with others: what it has to send, what came, and who waits for errands to end.

use std::collections::{BTreeMap, VecDeque};

use super::{Declined, Reply, core::ShardCore};
use crate::ledger::{
    Answer, Code, CommandKind, Details, Entry, Incoming, Ledger, Parcel, RequestId, Seq,
    ShardIndex, Taken, UnixMillis, Verdict,
};

/// What a shard keeps of its dealings beside the ledger; nothing of it survives a crash, or has to.
pub(super) struct Exchange<T> {
    /// To whom the answers to errands go; `None` to whoever asks for them.
    expected: BTreeMap<Seq, Option<T>>,
    /// Answers that wait until other shards have a document.
    carried: VecDeque<Carried<T>>,
    answered: Vec<(Seq, Option<T>, Reply)>,
    /// The errand that is about to end, and what its sender called it.
    ending: Option<(Seq, RequestId, CommandKind)>,
    /// Per shard: up to which message everything was sent, and up to which it was told what came from it.
    posted: Vec<(u64, u64)>,
    /// Whether there may be something to send.
    moved: bool,
}

struct Carried<T> {
    errand: Seq,
    ticket: Option<T>,
    reply: Reply,
    /// Up to which message each shard has to acknowledge first.
    until: Vec<(ShardIndex, u64)>,
}

impl<T> Exchange<T> {
    pub(super) fn new(ledger: &Ledger) -> Self {
        Self {
            expected: BTreeMap::new(),
            carried: VecDeque::new(),
            answered: Vec::new(),
            ending: None,
            posted: vec![(0, 0); usize::from(ledger.rules().router.shards())],
            moved: true,
        }
    }

    pub(super) fn expect(&mut self, errand: Seq, ticket: Option<T>) {
        self.expected.insert(errand, ticket);
    }

    pub(super) fn waiting(&self) -> usize {
        self.expected.len() + self.carried.len() + self.answered.len()
    }

    pub(super) fn forget(&mut self) {
        self.expected.clear();
        self.carried.clear();
        self.answered.clear();
    }

    /// The answer to an errand that nobody else waits for.
    pub(super) fn answer_to(&mut self, errand: Seq) -> Option<Reply> {
        let at = self.answered.iter().position(|(seq, ..)| *seq == errand)?;
        Some(self.answered.swap_remove(at).2)
    }

    /// An entry is about to be applied.
    pub(super) fn note(&mut self, entry: &Entry, ledger: &Ledger) {
        self.moved |= entry.course.is_some();
        self.ending = None;
        let Some(ticket) = entry
            .ends()
            .filter(|ticket| self.expected.contains_key(ticket))
        else {
            return;
        };
        self.ending = ledger
            .errand(ticket)
            .map(|errand| (ticket, errand.origin.id.clone(), errand.kind()));
    }

    /// It was applied; whoever waited for it has an answer.
    pub(super) fn end(&mut self, entry: &Entry, ledger: &Ledger) {
        let Some((errand, id, kind)) = self.ending.take() else {
            return;
        };
        let ticket = self.expected.remove(&errand).flatten();
        let answer = Answer::recorded(entry, ledger.shard(), ledger.symbols());
        let reply = answer.ok_or_else(|| Declined {
            id,
            kind,
            refusal: match kind {
                CommandKind::Earn => Code::PackExhausted.into(),
                CommandKind::PutStock => Code::RequestInFlight.into(),
                _ => Code::SoldOut.into(),
            },
        });
        self.answer(errand, ticket, reply, ledger);
    }

    /// Has an answer given, when everybody has the document that it is about.
    fn answer(&mut self, errand: Seq, ticket: Option<T>, reply: Reply, ledger: &Ledger) {
        if !is_of_document(&reply) {
            self.answered.push((errand, ticket, reply));
            return;
        }
        let links = ledger.links();
        let until = links
            .counts()
            .map(|(shard, sent, _)| (shard, sent))
            .filter(|(shard, sent)| *shard != ledger.shard() && *sent > links.acknowledged(*shard));
        self.carried.push_back(Carried {
            errand,
            ticket,
            reply,
            until: until.collect(),
        });
        self.settle_carried(ledger);
    }

    /// Gives answers whose documents have arrived everywhere.
    fn settle_carried(&mut self, ledger: &Ledger) {
        let links = ledger.links();
        while let Some(first) = self.carried.front()
            && first
                .until
                .iter()
                .all(|(shard, number)| links.acknowledged(*shard) >= *number)
        {
            if let Some(first) = self.carried.pop_front() {
                self.answered
                    .push((first.errand, first.ticket, first.reply));
            }
        }
    }
}

/// Whether an answer has to wait until every shard has a document.
pub(super) fn is_of_document(reply: &Reply) -> bool {
    let answer = reply.as_ref().ok();
    answer
        .is_some_and(|answer| matches!(answer.verdict, Verdict::Accepted(Details::Document { .. })))
}

impl<H, T> ShardCore<H, T> {
    /// Keeps the answer to a command about a document until every shard has it.
    pub fn answer_when_carried(&mut self, reply: Reply, ticket: T) {
        let nothing = Seq(0);
        self.exchange
            .answer(nothing, Some(ticket), reply, &self.ledger);
    }

    /// Whether the answer has to wait until every shard has what it is about.
    #[must_use]
    pub fn is_carried(&self, reply: &Reply) -> bool {
        is_of_document(reply)
    }

    /// Takes what another shard sent, in order; what came before is known, what is too early comes again.
    pub fn receive(&mut self, now: UnixMillis, parcel: &Parcel) {
        let from = parcel.from;
        self.ledger.acknowledged(from, parcel.acknowledged);
        self.exchange.settle_carried(&self.ledger);
        for (number, (at, message)) in (parcel.first..).zip(&parcel.messages) {
            let incoming = Incoming {
                from,
                number,
                at: *at,
                message,
            };
            self.end_day(now.max(*at));
            loop {
                match self.ledger.decide_received(now, incoming) {
                    Taken::First(entry) => self.record(&entry),
                    Taken::Record(entry) => {
                        self.record(&entry);
                        break;
                    }
                    Taken::Known => {
                        // The sender does not know that it was applied.
                        self.exchange.tell_again(from);
                        break;
                    }
                    Taken::TooEarly => return,
                }
            }
        }
    }

    /// Does what pools at home here have to do by themselves. To be called when mail was looked at.
    pub fn settle(&mut self, now: UnixMillis) {
        while self.settle_one(now) {}
    }

    /// The first step of that; tells whether there was one.
    pub fn settle_one(&mut self, now: UnixMillis) -> bool {
        if !self.ledger.serves() {
            return false;
        }
        self.end_day(now);
        let step = self.ledger.decide_served(now);
        step.map(|entry| self.record(&entry)).is_some()
    }

    /// Looks again at what waits for time to pass, when it is [settled](ShardCore::settle) next; tells whether there is
    /// anything.
    pub fn wake(&mut self) -> bool {
        self.ledger.wake_pools()
    }

    /// Answers to errands that have ended; they must be held back.
    pub fn take_answered(&mut self) -> Vec<(T, Reply)> {
        let answered = std::mem::take(&mut self.exchange.answered);
        let answered = answered.into_iter();
        answered
            .filter_map(|(_, ticket, reply)| Some((ticket?, reply)))
            .collect()
    }

    /// What is to be sent to other shards when everything decided so far is durable.
    pub fn take_parcels(&mut self) -> Vec<Parcel> {
        if !std::mem::take(&mut self.exchange.moved) {
            return Vec::new();
        }
        let ledger = &self.ledger;
        let mut parcels = Vec::new();
        for (to, sent, received) in ledger.links().counts() {
            let at = usize::from(to.0);
            let Some(posted) = self.exchange.posted.get_mut(at) else {
                continue;
            };
            if *posted != (sent, received) {
                parcels.push(ledger.parcel(to, posted.0));
                *posted = (sent, received);
            }
        }
        parcels
    }

    /// Has everything sent again that was not acknowledged.
    pub fn send_again(&mut self) {
        self.exchange.posted.fill((0, 0));
        self.exchange.moved = true;
    }

    /// The errands that somebody waits for here.
    #[must_use]
    pub fn expected(&self) -> usize {
        self.exchange.waiting()
    }

    pub(super) fn parcel_to_itself(&self) -> Option<Parcel> {
        let to = self.ledger.shard();
        let parcel = self.ledger.parcel(to, self.ledger.links().received(to));
        (!parcel.messages.is_empty()).then_some(parcel)
    }
}

impl<T> Exchange<T> {
    fn tell_again(&mut self, from: ShardIndex) {
        if let Some((_, told)) = self.posted.get_mut(usize::from(from.0)) {
            *told = 0;
            self.moved = true;
        }
    }
}
