//! Lines about sales, transfers and documents of the programme.
//!
//! ```text
//! contract M1 2026-09-21 prepaid late=3            # valid from that day
//! pack     M1 100                                  # points bought ahead
//! stock    cup 5 price=30 limit=2 opens=+10 closes=+100 ttl=60
//! units    cup -1
//! reserve  A1 cup 2 as=R1                          => accepted: 60 held until 60.000
//! confirm  R1                                      => accepted: 2 codes
//! cancel   R1                                      => refused: reservation_confirmed
//! use      R1 0
//! code     R1 0                                    => used
//! reverse  R1 units
//! on-sale  cup                                     => 3
//! transfer A1 A2 30
//! settle   2026-09-21 2026-09-21
//! publish  2026-09-21 2026-09-21
//! correct  C1 M1 -500
//! decide   C1 yes by=boss
//! ```

use jifen_engine::{
    ledger::{
        Answer, Billing, Boundary, BuyPack, Cancel, ChangeUnits, Command, Confirm, Contract,
        CorrectionId, Day, DecideCorrection, Details, Direction, Fen, MemberId, MerchantId, Period,
        PointType, Points, Principal, PutCorrection, PutMerchant, PutStock, Request, RequestId,
        ReservationId, Reserve, Reverse, Root, Settle, SkuId, SoldCode, Text, TransactionId,
        Transfer, UnixMillis, UseCode, Verdict, invariants::on_sale,
    },
    pool::Units,
};

use super::{
    Line, Play,
    line::{moment, parsed},
};
use crate::{
    heard::{Heard, heard, reasons, words},
    specimens::plain,
};

impl Play {
    /// The codes of what was sold under a name.
    ///
    /// # Panics
    ///
    /// If nothing was.
    #[must_use]
    pub fn codes(&self, name: &str) -> Vec<String> {
        let answer = self.named(name).unwrap();
        let Verdict::Accepted(Details::Confirmed { codes }) = &answer.verdict else {
            panic!("{name} is {answer:?}");
        };
        codes.iter().map(ToString::to_string).collect()
    }

    /// Plays a line about the programme; `None` if it is not about that.
    pub(super) fn of_programme(&mut self, line: &Line<'_>) -> Result<Option<String>, String> {
        match line.word(0)?.as_str() {
            "on-sale" => {
                let left = on_sale(&[self.core.ledger()], &line.word(1)?);
                return Ok(Some(
                    left.map_or_else(|| "no sale".to_owned(), |left| left.to_string()),
                ));
            }
            "publish" => {
                let (first, last) = (day(&line.word(1)?)?, day(&line.word(2)?)?);
                let period = Period { first, last };
                let now = UnixMillis(self.now);
                self.core.publish(now, period, Root([7; 32]));
                self.gather()?;
                return Ok(Some(String::new()));
            }
            "code" => return self.code(line).map(Some),
            _ => (),
        }
        let Some(command) = self.programme_command(line)? else {
            return Ok(None);
        };
        self.asks += 1;
        let fresh = format!("line-{}", self.asks);
        let id = line.option("id").unwrap_or(fresh);
        let principal = line.option("by").unwrap_or_else(|| "app".to_owned());
        let request = Request::new(
            Principal::new(&principal).unwrap(),
            RequestId::new(&id).unwrap(),
            command,
            line.option("ref").as_deref().and_then(Text::new),
            None,
        );
        let reply = self.core.submit(UnixMillis(self.now), &request);
        self.gather()?;
        let found = heard(&reply);
        Ok(Some(match (&reply, found) {
            (Ok(answer), Heard::Recorded { answer: told, .. }) => {
                let before = self.answers.entry((principal, id));
                let before = before.or_insert_with(|| told.clone());
                if *before != told {
                    return Err(format!("said again: {told:?}\n  said before: {before:?}"));
                }
                if let Some(name) = line.option("as") {
                    self.sales.insert(name.clone(), answer.clone());
                    self.name(name, &told);
                }
                let said = self.words_of(answer, || words(&told, self.base));
                if answer.replayed {
                    said.replacen("accepted", "replayed", 1)
                } else {
                    said
                }
            }
            (_, Heard::Declined(whys)) => format!("declined: {}", reasons(&whys, self.base)),
            (Err(_), Heard::Recorded { .. }) => unreachable!("heard from an error"),
        }))
    }

    fn words_of(&self, answer: &Answer, otherwise: impl FnOnce() -> String) -> String {
        let Verdict::Accepted(details) = &answer.verdict else {
            return otherwise();
        };
        match details {
            Details::Reserved {
                expires_at,
                points_held,
                ..
            } => {
                let millis = expires_at.0 - self.base;
                let (whole, rest) = (millis / 1_000, millis % 1_000);
                let held = points_held.get();
                format!("accepted: {held} held until {whole}.{rest:03}")
            }
            Details::Confirmed { codes } => format!("accepted: {} codes", codes.len()),
            Details::Cancelled { released } => format!("accepted: released {}", released.get()),
            Details::Settlement { changed, .. } => {
                let kind = if *changed { "new" } else { "known" };
                format!("accepted: {kind}")
            }
            Details::Transferred
            | Details::UnitsChanged
            | Details::PackBought
            | Details::CodeUsed => "accepted".to_owned(),
            _ => otherwise(),
        }
    }

    fn programme_command(&self, line: &Line<'_>) -> Result<Option<Command>, String> {
        let verb = line.word(0)?;
        let point_type = line.option("type").unwrap_or_else(|| "points".to_owned());
        let point_type = PointType::new(&point_type).unwrap();
        let merchant = |at| line.word(at).map(|name| MerchantId::new(&name).unwrap());
        let member = |at| line.word(at).map(|name| MemberId::new(&name).unwrap());
        let sku = |at| line.word(at).map(|name| SkuId::new(&name).unwrap());
        Ok(Some(match verb.as_str() {
            "contract" => Command::PutMerchant(PutMerchant {
                merchant: merchant(1)?,
                name: Text::new("A shop").unwrap(),
                contract: Some((day(&line.word(2)?)?, contract(line)?)),
            }),
            "pack" => Command::BuyPack(BuyPack {
                merchant: merchant(1)?,
                points: units(&line.word(2)?)?,
                point_type,
                price: Fen::new(100).unwrap(),
            }),
            "stock" => Command::PutStock(PutStock {
                sku: sku(1)?,
                units: units(&line.word(2)?)?,
                price: points(&line.option("price").unwrap_or_else(|| "10".to_owned()))?,
                point_type,
                merchant: MerchantId::new("M1").unwrap(),
                per_member_limit: line.option("limit").map(|text| units(&text)).transpose()?,
                opens_at: moment(self.now, line, "opens")?,
                closes_at: moment(self.now, line, "closes")?,
                ttl_seconds: line.option("ttl").map_or(Ok(900), |text| parsed(&text))?,
            }),
            "units" => {
                let change: i64 = line.number(2)?;
                Command::ChangeUnits(ChangeUnits {
                    sku: sku(1)?,
                    direction: if change > 0 {
                        Direction::Up
                    } else {
                        Direction::Down
                    },
                    units: Units::new(change.unsigned_abs()).ok_or("too many")?,
                })
            }
            "reserve" => Command::Reserve(Reserve {
                member: member(1)?,
                sku: sku(2)?,
                quantity: units(&line.word(3)?)?,
            }),
            "confirm" => Command::Confirm(Confirm {
                reservation: self.reservation(line)?,
            }),
            "cancel" => Command::Cancel(Cancel {
                reservation: self.reservation(line)?,
            }),
            "use" => Command::UseCode(UseCode {
                code: self.sold_code(line)?,
            }),
            "reverse" if line.words.last() == Some(&"units") => Command::Reverse(Reverse {
                transaction: self.transaction_of(&line.word(1)?)?,
                points: (line.words.len() > 3)
                    .then(|| points(line.words[2]))
                    .transpose()?,
                reason: None,
                return_units: true,
            }),
            "transfer" => Command::Transfer(Transfer {
                member: member(1)?,
                to: member(2)?,
                points: points(&line.word(3)?)?,
                point_type,
            }),
            "settle" => Command::Settle(Settle {
                start: Boundary::Day(day(&line.word(1)?)?),
                end: Boundary::Day(day(&line.word(2)?)?),
            }),
            "correct" => Command::PutCorrection(PutCorrection {
                correction: CorrectionId::new(&line.word(1)?).unwrap(),
                merchant: merchant(2)?,
                fen: line.number(3)?,
                reason: Text::new(&line.option("reason").unwrap_or_else(|| "asked".to_owned()))
                    .unwrap(),
            }),
            "decide" => Command::DecideCorrection(DecideCorrection {
                correction: CorrectionId::new(&line.word(1)?).unwrap(),
                approve: line.word(2)? == "yes",
            }),
            _ => return Ok(None),
        }))
    }

    fn named(&self, name: &str) -> Result<&Answer, String> {
        let answer = self.sales.get(name);
        answer.ok_or_else(|| format!("nothing is called {name}"))
    }

    fn reservation(&self, line: &Line<'_>) -> Result<ReservationId, String> {
        let name = line.word(1)?;
        if let Some(known) = ReservationId::parse(&name) {
            return Ok(known);
        }
        let TransactionId { shard, seq } = self.transaction_of(&name)?;
        Ok(ReservationId { shard, seq })
    }

    fn transaction_of(&self, name: &str) -> Result<TransactionId, String> {
        let known = TransactionId::parse(&self.transaction(name));
        known.ok_or_else(|| format!("nothing is called {name}"))
    }

    fn sold_code(&self, line: &Line<'_>) -> Result<SoldCode, String> {
        let text = line.word(1)?;
        if let Some(code) = SoldCode::parse(&text) {
            return Ok(code);
        }
        let answer = self.named(&text)?;
        match &answer.verdict {
            Verdict::Accepted(Details::Confirmed { codes }) => {
                let unit: usize = line.number(2)?;
                codes
                    .get(unit)
                    .copied()
                    .ok_or_else(|| "there is no such unit".to_owned())
            }
            other => Err(format!("{other:?} has no codes")),
        }
    }

    /// What a code is worth now.
    fn code(&self, line: &Line<'_>) -> Result<String, String> {
        let code = self.sold_code(line)?;
        let sale = self.core.ledger().code(&code);
        Ok(match sale {
            None => "unknown",
            Some(sale) if sale.revoked => "revoked",
            Some(sale) if sale.is_used(code.unit) => "used",
            Some(_) => "good",
        }
        .to_owned())
    }
}

fn day(text: &str) -> Result<Day, String> {
    Day::new(parsed(text)?).ok_or_else(|| format!("{text} is no day"))
}

fn points(text: &str) -> Result<Points, String> {
    Points::new(parsed(text)?).ok_or_else(|| format!("{text} are too many points"))
}

fn units(text: &str) -> Result<Units, String> {
    Units::new(parsed(text)?).ok_or_else(|| format!("{text} are too many units"))
}

fn contract(line: &Line<'_>) -> Result<Contract, String> {
    let billing = if line.words.get(3) == Some(&"prepaid") {
        Billing::Prepaid
    } else {
        Billing::Issued
    };
    Ok(Contract {
        billing,
        late_days_max: line.option("late").map(|text| parsed(&text)).transpose()?,
        ..plain()
    })
}
