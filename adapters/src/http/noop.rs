//! The same work at the door, and none behind it: what it costs to read a request and to write an answer. Only there
//! with `--debug-endpoints`; nothing is decided and nothing recorded.

use actix_web::{HttpRequest, HttpResponse, web};
use jifen_engine::{
    Outcome,
    ledger::{
        Answer, Balance, Command, CommandKind, Day, Details, HoldId, LotShare, Offset, Period,
        Points, Request, ReservationId, Seq, ShardIndex, SoldCode, TypedBalance, UnixMillis,
        Verdict,
    },
};

use super::{Client, Problem, State, batch, single};
use crate::{
    access::{Action, Judged, judge, judge_many},
    wire::Endpoint,
};

/// An answer such as a running programme gives.
const OFFSET: Offset = Offset {
    shard: ShardIndex(11),
    seq: Seq(1_234_567),
};
const AT: UnixMillis = UnixMillis(1_795_251_600_123);

/// Takes the body of an earn.
pub(super) async fn earn(
    request: HttpRequest,
    mut client: Client,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    client.may(Action::Command(CommandKind::Earn))?;
    let id = single::request_id(&request)?;
    let known = Endpoint {
        principal: client.principal(),
        point_type: &state.point_type,
        id,
        kind: CommandKind::Earn,
        object: None,
    };
    let command = single::read(&known, &request, payload).await?;
    client.renew(&state.keys)?;
    judge(client.identity(), &state.engine, command.command()).await?;
    single::respond(&plausible(&command), id, CommandKind::Earn)
}

/// Takes an array of commands.
pub(super) async fn commands(
    request: HttpRequest,
    mut client: Client,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let requests = batch::read(&mut client, &state, &request, payload).await?;
    let names = batch::names(&requests);
    let denied = judge_many(client.identity(), &state.engine, &requests).await;
    let told = (0..).zip(&requests);
    let told = told.filter(|(place, _)| denied.iter().all(|(other, _)| other != place));
    let judged = Judged {
        outcomes: told.map(|(_, request)| plausible(request)).collect(),
        denied,
    };
    Ok(batch::respond(&judged, &names))
}

/// What an engine could say.
fn plausible(request: &Request) -> Outcome {
    let points = Points::new(1_234).unwrap_or_default();
    Ok(Ok(Answer {
        id: request.id().clone(),
        kind: request.command().kind(),
        offset: OFFSET,
        at: AT,
        replayed: false,
        reference: request.reference().cloned(),
        balance: Some(TypedBalance {
            point_type: "points".into(),
            balance: Balance {
                available: points,
                ..Balance::default()
            },
        }),
        forfeited: matches!(request.command(), Command::Close(_)).then_some(points),
        verdict: Verdict::Accepted(details(request.command(), points)),
    }))
}

fn details(command: &Command, points: Points) -> Details {
    match command {
        Command::Enrol(_) => Details::Enrolled,
        Command::Earn(earn) => lots(earn.merchant.as_str(), earn.points),
        Command::Redeem(redeem) => lots(redeem.merchant.as_str(), redeem.points),
        Command::Hold(_) => Details::Held {
            hold: HoldId {
                shard: OFFSET.shard,
                seq: OFFSET.seq,
            },
            expires_at: AT.plus_seconds(900),
        },
        Command::Capture(_) => Details::Captured {
            captured: points,
            released: Points::ZERO,
        },
        Command::Release(_) => Details::Released { released: points },
        Command::PutMerchant(_) => Details::Document {
            version: 1,
            changed: true,
        },
        Command::Reverse(_) => Details::Restored { restored: points },
        Command::Adjust(_) => Details::Adjusted,
        Command::Freeze(_) => Details::Frozen,
        Command::Unfreeze(_) => Details::Unfrozen,
        Command::Close(_) => Details::Closed,
        Command::Erase(_) => Details::Erased,
        Command::Reserve(reserve) => Details::Reserved {
            reservation: ReservationId {
                shard: OFFSET.shard,
                seq: OFFSET.seq,
            },
            expires_at: AT.plus_seconds(600),
            points_held: points,
            quantity: reserve.quantity,
        },
        Command::Confirm(_) => Details::Confirmed {
            codes: vec![SoldCode::new(OFFSET.shard, OFFSET.seq, 0, 0)],
        },
        Command::Cancel(_) => Details::Cancelled { released: points },
        Command::Transfer(_) => Details::Transferred,
        Command::PutStock(_) => Details::Document {
            version: 1,
            changed: true,
        },
        Command::ChangeUnits(_) => Details::UnitsChanged,
        Command::BuyPack(_) => Details::PackBought,
        Command::UseCode(_) => Details::CodeUsed,
        Command::Settle(_) => Details::Settlement {
            period: Period {
                first: Day::MAX,
                last: Day::MAX,
            },
            changed: true,
        },
        Command::PutCorrection(_) | Command::DecideCorrection(_) => Details::Document {
            version: 1,
            changed: true,
        },
    }
}

fn lots(issuer: &str, points: Points) -> Details {
    Details::Lots(
        [LotShare {
            issuer: issuer.into(),
            class: "ordinary".into(),
            last_day: Day::NEVER,
            points,
        }]
        .into_iter()
        .collect(),
    )
}
