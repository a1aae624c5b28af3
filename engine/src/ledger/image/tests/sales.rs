//! Sales in images.

use super::*;
use crate::ledger::sold::Sale;

/// Members with points, and lamps on sale.
struct Shop {
    work: Work,
    turn: u64,
    sales: Vec<Seq>,
}

const MEMBERS: u64 = 20;

impl Shop {
    fn new() -> Self {
        let mut work = Work::new();
        for member in 0..MEMBERS {
            work.enrol(3 * member + 1);
            work.earn(3 * member + 1, 10_000);
        }
        work.put_on_sale(100_000);
        let sales = Vec::new();
        let mut this = Self {
            work,
            turn: 0,
            sales,
        };
        (0..80).for_each(|_| this.trade());
        this
    }

    /// Whatever can be done to sales, of old ones and of new ones in turns.
    fn trade(&mut self) {
        self.turn += 1;
        let (work, turn) = (&mut self.work, self.turn);
        let member = 3 * (turn * 7 % MEMBERS) + 1;
        let reservation = work.reserve(member, if turn.is_multiple_of(10) { 100 } else { 2 });
        match turn % 8 {
            0 => return,
            1 => return work.cancel(reservation),
            2 => work.expire(),
            _ => {}
        }
        let sale = work.confirm(reservation);
        assert!(work.ledger.stocks.sold.find(sale).is_some(), "late or not");
        self.sales.push(sale);
        let seldom = turn.is_multiple_of(5);
        let at = if seldom { 0 } else { self.sales.len() / 2 };
        let old = self.sales[at];
        match turn % 8 {
            3 => work.use_code(old, 1),
            4 => work.use_code(sale, if seldom { 99 } else { 0 }),
            5 => work.take_back(self.sales.remove(at), true),
            6 => work.take_back(self.sales.remove(at), false),
            _ => {}
        }
    }

    fn sold(&self) -> Vec<Sale> {
        self.work.ledger.stocks.sold.iter().cloned().collect()
    }
}

/// Goal: whatever becomes of sales while an image is under way, they are restored as they were when it began. Method: every way that
/// sales can go, between all parts of a whole image and of increments behind it.
#[test]
fn sales_are_restored_as_they_were_when_the_image_began() {
    let mut shop = Shop::new();
    let (mut parts, mut seq) = (Vec::new(), None);
    for round in 0..4 {
        let (head, at, hash) = shop.work.begin(seq.map_or(Extent::Whole, Extent::Since));
        let sold = shop.sold();
        parts.extend(head);
        let mut turns = 0;
        while let Some(part) = shop.work.ledger.next_image_part(64) {
            parts.push(part);
            turns += 1;
            shop.trade();
        }
        assert!(turns > 20, "{turns} in round {round}");
        let was_there = |sale: &&Sale| sale.seq <= at;
        let now = shop.sold();
        assert!(!now.iter().filter(was_there).eq(&sold), "nothing changed");
        let restored = shop.work.restore(&parts).unwrap();
        assert!(restored.stocks.sold.iter().eq(&sold), "round {round}");
        assert_eq!((restored.last_seq(), restored.state_hash()), (at, hash));
        let has = restored.stocks.all_bought();
        assert!(has.values().all(|units| !units.is_zero()));
        shop.work.check_goes_on(restored);
        seq = Some(at);
    }
    for (what, is_so) in [
        ("used", Sale::was_used as fn(&Sale) -> bool),
        ("used behind the first units", |sale| sale.is_used(99)),
        ("returned", |sale| sale.returned),
        ("revoked", |sale| sale.revoked && !sale.returned),
    ] {
        assert!(shop.sold().iter().any(is_so), "{what}");
    }
}

#[test]
fn an_increment_has_the_sales_that_changed() {
    let mut shop = Shop::new();
    let (head, first, _) = shop.work.begin(Extent::Whole);
    let mut parts = Vec::new();
    let mut bytes = |shop: &mut Shop, head: Vec<Vec<u8>>| {
        let behind = std::iter::from_fn(|| shop.work.ledger.next_image_part(1 << 20));
        let image: Vec<_> = head.into_iter().chain(behind).collect();
        let sales = image.iter().filter(|part| part[0] == SALES);
        let bytes = sales.map(Vec::len).sum::<usize>();
        parts.extend(image);
        bytes
    };
    let whole = bytes(&mut shop, head);
    let (head, second, _) = shop.work.begin(Extent::Since(first));
    assert_eq!((second, bytes(&mut shop, head)), (first, 0));
    shop.work.use_code(shop.sales[3], 0);
    let (head, third, hash) = shop.work.begin(Extent::Since(second));
    let changed = bytes(&mut shop, head);
    assert!(changed > 0 && 20 * changed < whole, "{changed} of {whole}");
    let restored = shop.work.restore(&parts).unwrap();
    assert_eq!((restored.last_seq(), restored.state_hash()), (third, hash));
    assert!(restored.stocks.sold.find(shop.sales[3]).unwrap().is_used(0));
    parts.retain(|part| part[0] != SALES);
    assert!(shop.work.restore(&parts).is_err(), "sales are missing");
}
