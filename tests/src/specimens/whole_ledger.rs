//! What the whole ledger added to the format: pending points, debts, lapsing, reversals, adjustments, and what becomes
//! of members.

use jifen_engine::{
    ledger::{Rules, Seq, ShardIndex},
    shard::Sealed,
};

use super::{Specimens, committed};
use crate::scenario::{Play, small_rules};

/// Shard 0: points on every way that they can go.
const ACCOUNTS: &str = "
    clock    2026-09-30 12:00:00
    merchant M1
    merchant M2
    enrol    A1 city=Bern
    earn     A1 M1 100 order=o-1 at=-5 release=+60 ref=r note=n as=E1    # pending
    earn     A1 M1 7 day=2026-09-29                                      # breakage at once
    earn     A1 M1 50 day=2026-10-01 as=E2
    earn     A1 M2 20 day=2026-10-01 as=E3
    earn     A1 M2 5 type=miles release=+9
    reverse  E1 30 reason=sent-back
    wait     60
    redeem   A1 M2 60 as=R                                               # matured first
    reverse  E2                                                          # into other lots
    reverse  E1                                                          # into a debt
    earn     A1 M1 10 day=2026-12-31                                     # pays the debt
    reverse  R                                                           # pays it too, and the rest is available
    enrol    A2
    earn     A2 M1 50 as=F
    earn     A2 M1 10 class=p release=+30
    hold     A2 M1 20 as=H3
    redeem   A2 M1 30
    reverse  F
    adjust   A2 +5                                                       # pays
    release  H3                                                          # pays
    wait     30
    redeem   A2 M1 1                                                     # pending points paid first
    hold     A1 M1 20 as=H1
    hold     A1 M1 1 as=H2
    redeem   A1 M1 300
    adjust   A1 +25 reason=migrated
    adjust   A1 -3 type=miles reason=migrated
    clock    2026-10-02 00:00:00
    sweep                                                                # lapsed, expired to breakage
    freeze   A1 reason=lost
    unfreeze A1 reason=found
    erase    A1
";

/// Shard 1: the refusals that came with them, and what becomes of a closed member's points.
const REFUSALS: &str = "
    clock    2026-09-30 12:00:00
    merchant M1
    enrol    A1 as=N
    earn     A1 M1 40 as=E
    earn     A1 M1 30 type=miles
    earn     A1 M1 60 release=+3600
    redeem   A1 M1 10 as=R
    redeem   A1 M1 80                                                    # until the pending ones are there
    redeem   A1 M1 100 type=miles use=offset
    reverse  N
    reverse  R 11
    reverse  R 4
    freeze   A1 reason=lost
    redeem   A1 M1 1
    hold     A1 M1 1
    unfreeze A1 reason=found
    hold     A1 M1 1 as=H
    close    A1
    capture  H as=C
    close    A1 reason=left                                              # forfeited, and what is left in others
    reverse  R 1                                                         # to breakage
    reverse  C
    reverse  C
    reverse  E
    earn     A1 M1 1
    clock    2027-11-06 12:00:00
    reverse  R
    erase    A1
";

pub(super) fn rules() -> Rules {
    small_rules()
}

pub(super) fn made() -> Specimens {
    let mut shard = 0;
    let sealed = [ACCOUNTS, REFUSALS].map(|table| {
        let mut play = Play::on(ShardIndex(shard), rules());
        shard += 1;
        for line in table.lines() {
            let line = line.split('#').next().unwrap_or_default();
            if !line.trim().is_empty() {
                play.say(line).expect("the line makes sense");
            }
        }
        block(ShardIndex(shard - 1), play.records())
    });
    committed(sealed, &rules())
}

/// Records as a shard seals them.
fn block(shard: ShardIndex, records: &[Vec<u8>]) -> Sealed<()> {
    let mut body = Vec::new();
    for record in records {
        let length = u16::try_from(record.len()).expect("so long is no entry");
        body.extend_from_slice(&length.to_be_bytes());
        body.extend_from_slice(record);
    }
    Sealed {
        shard,
        first: Seq(1),
        count: u32::try_from(records.len()).expect("not so many"),
        body,
        held: Vec::new(),
    }
}
