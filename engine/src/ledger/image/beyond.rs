//! The part of an image's head that has to do with other shards and with sales.

use super::{ImageError, head::Head, records, restore::all};
use crate::{
    ledger::{
        command::Seq,
        contract::Contracts,
        errands::Underway,
        message::Message,
        slots::Slots,
        sold::{Sale, Sold},
        state::Ledger,
        stocks::{self, Stock, Stocks},
        symbol::Symbol,
    },
    link::Links,
    pool::Units,
};

/// Stocks as versions 2 to 4 had them: with what members have, which follows from the rest, and with all sales.
type Stocks4 = (Vec<(Symbol, Stock)>, Vec<(Symbol, u32, Units)>, Vec<Sale>);

pub(super) fn write(part: &mut Vec<u8>, ledger: &Ledger) {
    let errands: Vec<(Seq, &Underway)> = ledger.errands.iter().collect();
    records::write(part, &ledger.links);
    records::write(part, &errands);
    let stocks: Vec<(Symbol, &Stock)> = ledger.stocks.iter().collect();
    records::write(part, &(stocks, ledger.stocks.sold.len() as u64));
    records::write(part, &ledger.transit);
    let contracts: Vec<(u32, &Contracts)> = ledger
        .merchants
        .iter_numbered()
        .filter(|(_, merchant)| !merchant.contracts.is_empty())
        .map(|(number, merchant)| (number, &merchant.contracts))
        .collect();
    records::write(part, &contracts);
    let book = &ledger.clearing;
    records::write(part, &(&book.settlements, &book.corrections));
    records::write(part, &book.packs);
}

/// The sales that stand behind a head of version 2 to 4, by slot.
pub(super) fn sales_4(mut content: &[u8]) -> Result<Slots<Option<Sale>>, ImageError> {
    let _: (Links<Message<Symbol>>, Vec<(Seq, Underway)>) = records::read(&mut content)?;
    let (_, _, sales): Stocks4 = records::read(&mut content)?;
    Ok(sales.into_iter().map(Some).collect())
}

/// Puts what stands behind a head in place, and the sales that were found in it or in parts of their own.
pub(super) fn restore(
    ledger: &mut Ledger,
    head: &Head<'_>,
    mut content: &[u8],
    sales: Slots<Option<Sale>>,
) -> Result<(), ImageError> {
    ledger.links = records::read(&mut content)?;
    let errands: Vec<(Seq, Underway)> = records::read(&mut content)?;
    for (ticket, underway) in errands {
        ledger.errands.begin(ticket, underway);
    }
    let (stocks, count) = if head.has_sales_apart() {
        records::read(&mut content)?
    } else {
        let (stocks, _, sales): Stocks4 = records::read(&mut content)?;
        (stocks, sales.len() as u64)
    };
    let sales = all(sales, count, "a sale is missing")?;
    ledger.stocks = stocks_of(ledger, stocks, sales)
        .ok_or(ImageError::Incomplete("its sales contradict each other"))?;
    ledger.transit = records::read(&mut content)?;
    if head.has_clearing() {
        let contracts: Vec<(u32, Contracts)> = records::read(&mut content)?;
        for (number, contracts) in contracts {
            let merchant = ledger.merchants.numbered_mut(number);
            merchant
                .ok_or(ImageError::Incomplete("a contract is of no merchant"))?
                .contracts = contracts;
        }
        let book = &mut ledger.clearing;
        (book.settlements, book.corrections) = records::read(&mut content)?;
        if head.has_packs() {
            book.packs = records::read(&mut content)?;
        }
    }
    if content.is_empty() {
        Ok(())
    } else {
        Err(ImageError::Incomplete("something stands behind its head"))
    }
}

fn stocks_of(ledger: &Ledger, stocks: Vec<(Symbol, Stock)>, sales: Slots<Sale>) -> Option<Stocks> {
    let sold = Sold::restored(sales, ledger.members.len())?;
    let bought = stocks::bought(&ledger.holds, &sold)?;
    Stocks::restored(stocks, (sold, bought), ledger.symbols.len())
}
