//! `jifen journal dump`: entries as lines of JSON.

use std::{
    io::{self, BufWriter, Write},
    ops::ControlFlow,
    path::PathBuf,
};

use jifen_engine::{
    Router,
    journal::{block::Block, epoch::Epoch, turns::Turn},
    ledger::{Entry, MemberId, Seq, ShardIndex, Subject, UnixMillis},
};
use jiff::Timestamp;

use super::{error::ToolError, line::Line, names::Names, source::Source};

/// Prints entries, one JSON object a line, in the order in which they became durable.
///
/// Symbols are resolved to names, moves are written as postings. The directory may be in use by a server.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jifen journal dump --member m-1 | jq -c '[.at, .type, .balance.available]'
      What happened to one member.
  jifen journal dump --shard 3 --from 17 --limit 1
      One entry by its offset 3:17, or transaction t3-17.
  jifen journal dump --since 2026-11-21T00:00:00+08:00 --until 2026-11-22T00:00:00+08:00
      One day.

Exit codes: 0 done, 1 failed, 2 wrong usage, 4 the data directory is damaged, or in use by a process that does not answer.")]
pub struct DumpArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./jifen-data")]
    pub data: PathBuf,
    /// Only entries of this shard.
    #[arg(long, value_name = "N")]
    pub shard: Option<u16>,
    /// Only entries with this sequence or a later one.
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    pub from: u64,
    /// Only entries with this sequence or an earlier one.
    #[arg(long, value_name = "SEQ", default_value_t = u64::MAX, hide_default_value = true)]
    pub to: u64,
    /// Only entries about this member.
    #[arg(long, value_name = "MEMBER", value_parser = member)]
    pub member: Option<MemberId>,
    /// Only entries stamped at this instant or later, such as 2026-11-21T09:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub since: Option<UnixMillis>,
    /// Only entries stamped before this instant.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub until: Option<UnixMillis>,
    /// At most so many entries.
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    pub limit: u64,
}

fn member(text: &str) -> Result<MemberId, String> {
    MemberId::new(text).map_err(|error| error.to_string())
}

fn instant(text: &str) -> Result<UnixMillis, String> {
    let instant: Timestamp = text
        .parse()
        .map_err(|_| "must be an instant such as 2026-11-21T09:00:00Z".to_owned())?;
    let millis = u64::try_from(instant.as_millisecond()).map_err(|_| "must not be before 1970")?;
    Ok(UnixMillis(millis))
}

/// Prints what is asked for.
pub(super) fn run(args: DumpArgs) -> Result<(), ToolError> {
    let mut source = Source::open(&args.data)?;
    let out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut dump = Dump::new(args, &source, out)?;
    if dump.is_done() {
        return Ok(());
    }
    if !source.is_complete() {
        eprintln!(
            "the oldest archives were deleted by command: names that came up in them are shown as # and a number"
        );
    }
    let end = source.turns(Epoch::FIRST, &mut |_, turn| dump.turn(turn))?;
    dump.out.flush().map_err(ToolError::Output)?;
    if let Some(dropped) = end.and_then(|end| end.dropped) {
        eprintln!(
            "the last turn was being written when the power failed, and is not shown: {dropped}"
        );
    }
    Ok(())
}

struct Dump<W> {
    args: DumpArgs,
    /// Which shard is asked for, if it is one.
    only: Option<ShardIndex>,
    names: Vec<Names>,
    left: u64,
    out: W,
}

impl<W: Write> Dump<W> {
    fn new(args: DumpArgs, source: &Source, out: W) -> Result<Self, ToolError> {
        let shards = source.router.shards();
        if let Some(shard) = args.shard
            && shard >= shards
        {
            return Err(ToolError::usage(format!(
                "--shard {shard}: there are {shards}, 0 to {}",
                shards - 1
            )));
        }
        Ok(Self {
            only: only(&args, source.router),
            names: (0..shards).map(|_| Names::default()).collect(),
            left: args.limit,
            args,
            out,
        })
    }

    /// Whether nothing more is asked for.
    const fn is_done(&self) -> bool {
        self.left == 0
    }

    fn turn(&mut self, turn: &Turn<'_>) -> Result<ControlFlow<()>, ToolError> {
        for block in &turn.blocks {
            if self.only.is_none_or(|only| only == block.shard)
                && self.block(turn.number, block)?.is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn block(&mut self, turn: u64, block: &Block<'_>) -> Result<ControlFlow<()>, ToolError> {
        for (seq, record) in (block.first.0..).zip(block.records()) {
            if self.only.is_some() && seq > self.args.to {
                return Ok(ControlFlow::Break(()));
            }
            let entry = record
                .ok()
                .and_then(|record| Entry::decode(record).ok())
                .filter(|entry| entry.seq == Seq(seq))
                .ok_or_else(|| unreadable(turn, block, seq))?;
            let names = &mut self.names[usize::from(block.shard.0)];
            names.learn(&entry);
            if !is_wanted(&self.args, &entry) {
                continue;
            }
            let line = Line::of(turn, block.shard.0, &entry, names);
            serde_json::to_writer(&mut self.out, &line)
                .map_err(io::Error::from)
                .and_then(|()| self.out.write_all(b"\n"))
                .map_err(ToolError::Output)?;
            self.left -= 1;
            if self.is_done() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// The shard that is asked for; a member lives on one.
fn only(args: &DumpArgs, router: Router) -> Option<ShardIndex> {
    let of_member = args.member.as_ref().map(|member| router.member(member));
    args.shard.map(ShardIndex).or(of_member)
}

fn is_wanted(args: &DumpArgs, entry: &Entry) -> bool {
    let about = |member: &MemberId| matches!(&entry.subject, Subject::Member(id) if id == member);
    (args.from..=args.to).contains(&entry.seq.0)
        && args.since.is_none_or(|since| entry.at >= since)
        && args.until.is_none_or(|until| entry.at < until)
        && args.member.as_ref().is_none_or(about)
}

fn unreadable(turn: u64, block: &Block<'_>, seq: u64) -> ToolError {
    ToolError::Damaged(format!(
        "turn {turn}: entry {}:{seq} is whole, but no entry that this program can read; was it written by a newer one?",
        block.shard.0
    ))
}
