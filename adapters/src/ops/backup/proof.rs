//! Whether what was restored is what was backed up: every shard is brought to where its hash was taken, and compared.

use jifen_engine::ledger::{Rules, Seq};

use super::{
    super::journal::{Replay, ShardState, Source, ToolError},
    record::Record,
};

/// Replays, from the first entry on or, if that is quick enough or all that is left, from the images; fails if a shard's
/// state is another one. Tells from what.
pub(super) fn prove(
    source: &mut Source,
    record: &Record,
    quick: bool,
) -> Result<&'static str, ToolError> {
    let mut rules = Rules::default();
    record.keeping.rule(&mut rules);
    let (mut replay, from) = Replay::begin(source, &rules, quick)?;
    replay.note_at(record.states.iter().map(|state| Seq(state.seq)).collect());
    replay.all(source, from)?;
    compare(&record.states, &replay.noted())?;
    Ok(match quick || !source.is_complete() {
        true => "from its images",
        false => "from the first entry on",
    })
}

fn compare(expected: &[ShardState], found: &[ShardState]) -> Result<(), ToolError> {
    for state in expected {
        let of_shard = found.iter().find(|found| found.shard == state.shard);
        let what = match of_shard {
            Some(found) if found == state => continue,
            Some(found) => format!("has the state hash {}", found.state_hash),
            None => "does not come to stand there".to_owned(),
        };
        return Err(ToolError::Damaged(format!(
            "shard {}: behind entry {} its state hash was {}, but what was restored {what}; use another backup",
            state.shard, state.seq, state.state_hash
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_state_and_a_missing_one_are_told() {
        let state = |shard: u16, hash: &str| ShardState {
            shard,
            seq: 7,
            state_hash: hash.to_owned(),
        };
        let expected = [state(0, "a"), state(1, "b")];
        assert!(compare(&expected, &expected).is_ok());
        for (found, said) in [
            (vec![state(0, "a"), state(1, "c")], "has the state hash c"),
            (vec![state(0, "a")], "does not come to stand there"),
        ] {
            let error = compare(&expected, &found).unwrap_err().to_string();
            assert!(
                error.starts_with("shard 1:") && error.contains(said),
                "{error}"
            );
        }
    }
}
