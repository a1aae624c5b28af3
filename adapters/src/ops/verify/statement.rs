//! `jifen verify statement`: whether a statement adds up, and is one of those whose hash was published.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use jifen_engine::clearing::{Digest, StatementFile};
use serde_json::json;

/// Checks a statement: computes every line and every sum again, and follows the proof to the root.
///
/// With --root, the root has to be that one. Without it the root is told, to be compared with what the operator published.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jifen verify statement october.json --root 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      Checks the file against the root that the operator published.
  jifen verify statement october.json --json
      Prints one JSON object.

Exit codes: 0 it fits, 1 it does not, 2 wrong usage, or the file cannot be read.")]
pub struct StatementArgs {
    /// The statement as the server gave it; - is standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The root that the operator published: 64 hex digits.
    #[arg(long, value_name = "HEX", value_parser = root)]
    pub root: Option<Digest>,
    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,
}

fn root(text: &str) -> Result<Digest, String> {
    Digest::parse(text).ok_or_else(|| "must be 64 hex digits".to_owned())
}

/// What was found.
struct Found {
    /// Whose statement, of which settlement, and where its proof leads; nothing if the file is no statement.
    known: Option<(String, String, Digest)>,
    /// What does not fit.
    misfits: Vec<String>,
}

pub(super) fn run(args: &StatementArgs) -> ExitCode {
    let bytes = match read(&args.file) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("{}: {error}", args.file.display());
            return ExitCode::from(2);
        }
    };
    let found = examine(&bytes, args.root);
    let text = if args.json {
        told(&found)
    } else {
        said(&found, args.root.is_some())
    };
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush()) {
        eprintln!("cannot print what was found: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::from(u8::from(!found.misfits.is_empty()))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path != Path::new("-") {
        return fs::read(path);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
}

fn examine(bytes: &[u8], published: Option<Digest>) -> Found {
    match serde_json::from_slice::<StatementFile<'_>>(bytes) {
        Ok(file) => Found {
            known: Some((
                file.statement.merchant.clone().into_owned(),
                file.statement.settlement.clone().into_owned(),
                file.proof.root,
            )),
            misfits: file
                .check(published)
                .iter()
                .map(ToString::to_string)
                .collect(),
        },
        Err(error) => Found {
            known: None,
            misfits: vec![format!("it is no statement with its proof: {error}")],
        },
    }
}

/// For people.
fn said(found: &Found, is_published: bool) -> String {
    let mut lines = Vec::new();
    if let Some((merchant, settlement, root)) = &found.known {
        lines.push(format!(
            "statement of {merchant} in settlement {settlement}"
        ));
        if found.misfits.is_empty() {
            lines.push("it adds up, and the proof leads from it to the root".to_owned());
            lines.push(format!("root {root}"));
            if !is_published {
                let advice = "compare this root with the one that the operator published, or give that with --root";
                lines.push(advice.to_owned());
            }
        }
    }
    for misfit in &found.misfits {
        lines.push(format!("does not fit: {misfit}"));
    }
    lines.join("\n")
}

/// For machines.
fn told(found: &Found) -> String {
    let known = found.known.as_ref();
    json!({
        "fits": found.misfits.is_empty(),
        "merchant": known.map(|(merchant, _, _)| merchant),
        "settlement": known.map(|(_, settlement, _)| settlement),
        "root": known.map(|(_, _, root)| root),
        "misfits": found.misfits,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use jifen_engine::clearing::{ProofDocument, Tree};

    use super::*;
    use crate::statement_pages::tests::FILE;

    /// A statement among others, with the right proof.
    fn published() -> (String, Digest) {
        let mut file: StatementFile<'_> = serde_json::from_str(FILE).unwrap();
        let mut tree = Tree::default();
        tree.push(Digest::of(b"another"));
        tree.push(Digest::of(&file.statement.bytes()));
        tree.push(Digest::of(b"summary"));
        let inclusion = tree.inclusion(1).unwrap();
        file.proof = ProofDocument::new("s-1", tree.root(), inclusion);
        (serde_json::to_string(&file).unwrap(), tree.root())
    }

    #[test]
    fn a_statement_fits_or_tells_why_not() {
        let (text, root) = published();
        for published in [None, Some(root)] {
            assert_eq!(
                examine(text.as_bytes(), published).misfits,
                Vec::<String>::new()
            );
        }
        for (from, to, said) in [
            ("\"fen\":9000,", "\"fen\":9001,", "line 1 says 9001 fen"),
            ("\"total_fen\":8750", "\"total_fen\":9", "total_fen is 9"),
            (
                "\"spent\":1000",
                "\"spent\":1001",
                "the proof does not lead",
            ),
            ("\"index\":1", "\"index\":0", "the proof does not lead"),
            ("\"due_fen\"", "\"dew_fen\"", "no statement"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            let misfits = examine(changed.as_bytes(), Some(root)).misfits.join("\n");
            assert!(misfits.contains(said), "{said}: {misfits}");
        }
        let other = examine(text.as_bytes(), Some(Digest::of(b"other")));
        assert_eq!(other.misfits.len(), 1);
    }

    #[test]
    fn people_and_machines_are_told_the_same() {
        let (text, root) = published();
        let found = examine(text.as_bytes(), None);
        let spoken = said(&found, false);
        assert!(
            spoken.contains(&root.to_string()) && spoken.contains("--root"),
            "{spoken}"
        );
        assert!(!said(&found, true).contains("--root"));
        let machine: serde_json::Value = serde_json::from_str(&told(&found)).unwrap();
        assert_eq!(machine["fits"], true);
        assert_eq!(machine["root"], root.to_string());
        assert_eq!(machine["merchant"], "shop");
    }
}
