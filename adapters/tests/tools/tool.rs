//! The tools, run to their end.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

/// What a tool said and how it ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn command(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jifen"));
    command
        .args(words.split_ascii_whitespace())
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    command
}

/// Runs `jifen WORDS --data DIR`.
pub(crate) fn run(words: &str, data: &Path) -> Said {
    said(command(words).arg("--data").arg(data))
}

pub(crate) fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Said {
    /// Fails unless it ended well; answers with what it said on standard output.
    #[track_caller]
    pub(crate) fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    /// The same, read as JSON.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.well()).unwrap()
    }

    /// The same, read as a line of JSON each.
    #[track_caller]
    pub(crate) fn lines(self) -> Vec<Value> {
        let out = self.well();
        out.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Fails unless it ended with this code and said all of this on either stream.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, words: &[&str]) {
        let said = format!("{}{}", self.out, self.err);
        assert_eq!(self.code, Some(code), "{said}");
        for word in words {
            assert!(said.contains(word), "{word:?} is not in: {said}");
        }
    }
}
