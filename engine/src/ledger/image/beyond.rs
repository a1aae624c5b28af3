//! The part of an image's head that has to do with other shards and with sales.

use super::{ImageError, records};
use crate::ledger::{
    command::Seq, contract::Contracts, errands::Underway, state::Ledger, stocks::Stocks,
};

pub(super) fn write(part: &mut Vec<u8>, ledger: &Ledger) {
    let errands: Vec<(Seq, &Underway)> = ledger.errands.iter().collect();
    records::write(part, &ledger.links);
    records::write(part, &errands);
    records::write(part, &ledger.stocks.image());
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

pub(super) fn restore(
    ledger: &mut Ledger,
    mut content: &[u8],
    (has_clearing, has_packs): (bool, bool),
) -> Result<(), ImageError> {
    ledger.links = records::read(&mut content)?;
    let errands: Vec<(Seq, Underway)> = records::read(&mut content)?;
    for (ticket, underway) in errands {
        ledger.errands.begin(ticket, underway);
    }
    let names = ledger.symbols.len();
    ledger.stocks = Stocks::restored(records::read(&mut content)?, names)
        .ok_or(ImageError::Incomplete("a sale has no name"))?;
    ledger.transit = records::read(&mut content)?;
    if has_clearing {
        let contracts: Vec<(u32, Contracts)> = records::read(&mut content)?;
        for (number, contracts) in contracts {
            let merchant = ledger.merchants.numbered_mut(number);
            merchant
                .ok_or(ImageError::Incomplete("a contract is of no merchant"))?
                .contracts = contracts;
        }
        let book = &mut ledger.clearing;
        (book.settlements, book.corrections) = records::read(&mut content)?;
        if has_packs {
            book.packs = records::read(&mut content)?;
        }
    }
    if content.is_empty() {
        Ok(())
    } else {
        Err(ImageError::Incomplete("something stands behind its head"))
    }
}
