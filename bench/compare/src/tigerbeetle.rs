//! TigerBeetle's own benchmark, if somebody has the binary: transfers between accounts, nothing else.

use std::{path::Path, process::Command};

use crate::{results::Transfers, trouble::Trouble};

const NAME: &str = "TigerBeetle";

/// How it is loaded: clients, transfers in a batch, and about how many of them it makes in a second, which sets how many are asked.
const SHAPES: [(u32, u32, f64); 2] = [(32, 1, 600.0), (1, 8_189, 200_000.0)];

/// Runs its benchmark in a directory in all shapes, each for about so many seconds.
///
/// # Errors
///
/// It cannot be run, or does not say how many transfers it made.
pub fn transfers(
    binary: &Path,
    scratch: &Path,
    seconds: f64,
    round: usize,
) -> Result<Vec<Transfers>, Trouble> {
    let home =
        tempfile::tempdir_in(scratch).map_err(Trouble::io("making a directory to work in"))?;
    let run = |arguments: &[String]| {
        let mut command = Command::new(binary);
        let output = command.args(arguments).current_dir(home.path()).output();
        let output = output.map_err(Trouble::io("running TigerBeetle"))?;
        Ok::<_, Trouble>(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let version = run(&["version".into()])?.trim().to_owned();
    let mut all = Vec::new();
    for (clients, batch, expected) in SHAPES {
        let count = (expected * seconds).max(1.0) as u64;
        let said = run(&[
            "benchmark".into(),
            format!("--clients={clients}"),
            format!("--transfer-batch-count={batch}"),
            format!("--transfer-count={count}"),
            "--query-count=0".into(),
        ])?;
        all.push(Transfers {
            version: version.clone(),
            clients,
            batch,
            round,
            per_second: accepted(&said).ok_or_else(|| Trouble::answer(NAME, said.as_bytes()))?,
        });
    }
    Ok(all)
}

fn accepted(said: &str) -> Option<f64> {
    let line = said
        .lines()
        .find_map(|line| line.strip_prefix("load accepted = "))?;
    line.strip_suffix(" tx/s")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_figure_is_found() {
        assert_eq!(accepted("x\nload accepted = 87704 tx/s\ny"), Some(87_704.0));
        assert_eq!(accepted("load accepted = none"), None);
    }
}
