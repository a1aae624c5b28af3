//! What is not archived yet, as archives of its own: whole turns up to the last durable one.

use std::{fs, io, ops::ControlFlow, path::PathBuf};

use jifen_engine::{
    history::{Archive, HistoryError},
    journal::epoch::Epoch,
};

use super::{
    super::journal::{End, Part, Source, ToolError},
    copy::Copier,
};

/// Writes every epoch that is not archived into the backup. An epoch in which nothing is yet is left out.
pub(super) fn write(source: &mut Source, copier: &mut Copier) -> Result<Vec<Archive>, ToolError> {
    let mut tail: Vec<Archive> = Vec::new();
    let mut head = source.live_head();
    let mut before = source.catalogue.last_hash();
    loop {
        let draft = copier.place(&format!("tail/{}.part", head.epoch))?;
        let mut end = Ok(None);
        let written = Archive::write(
            &draft,
            &head,
            before,
            &mut |sink| {
                if head.epoch != Epoch::FIRST {
                    sink(&head.to_value())?;
                }
                end = turns_of(source, head.epoch, sink);
                match &end {
                    Ok(_) => Ok(()),
                    // The error itself is told below.
                    Err(_) => Err(cut_short()),
                }
            },
            &mut || {},
        );
        let end = end?;
        let archive = written?;
        let facts = archive.facts().clone();
        if facts.turns() == 0 && end.is_some() {
            remove(draft)?;
        } else {
            before = Some(facts.hash);
            // Named after its end: the tail of an earlier backup stays as long as that one counts.
            let name = format!("tail/{}-{}.jfa", facts.epoch(), facts.last_turn);
            let place = copier.place(&name)?;
            fs::rename(&draft, &place).map_err(ToolError::file("rename", &draft))?;
            tail.push(Archive::open(&place)?);
        }
        // What was broken off has another epoch behind it.
        if end.is_some() {
            return Ok(tail);
        }
        head = facts.next();
    }
}

/// Hands over the values of an epoch's turns; `None` if there are turns of another one behind them.
fn turns_of(
    source: &mut Source,
    epoch: Epoch,
    sink: &mut jifen_engine::history::Sink<'_>,
) -> Result<Option<End>, ToolError> {
    source.live_turns(&mut |part, turn| {
        let Part::Live(of) = part else {
            return Ok(ControlFlow::Continue(()));
        };
        if of > epoch {
            return Ok(ControlFlow::Break(()));
        }
        if of == epoch {
            for value in turn.values {
                sink(value)?;
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

fn cut_short() -> HistoryError {
    HistoryError::Io {
        what: "read the journal".to_owned(),
        error: io::ErrorKind::Interrupted.into(),
    }
}

fn remove(path: PathBuf) -> Result<(), ToolError> {
    fs::remove_file(&path).map_err(ToolError::file("remove", &path))
}
