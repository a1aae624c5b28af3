//! What to do when an import cannot begin, or did not come to its end.

use std::path::Path;

use super::{args::Format, name::ImportName};

/// The data directory is in use: how to send the file to whoever uses it.
pub(super) fn directory_in_use(
    data: &Path,
    file: &Path,
    format: Format,
    name: &ImportName,
) -> String {
    let csv = match format {
        Format::Ndjson => "",
        Format::Csv => " The server reads no CSV, so the rows have to become JSON objects first.",
    };
    format!(
        "{} is in use, probably by a running server. Stop the server and import again, or send it the lines:\n\
         \n    \
         curl --data-binary @{} -H 'content-type: application/x-ndjson' \\\n         \
         -H \"authorization: Bearer $KEY\" http://127.0.0.1:7600/v1/commands\n\
         \n\
         Over HTTP every line needs its own `id` and `type`.{csv} Do not do both: request ids are remembered for each\n\
         principal. Over HTTP that is the key's, here it is {}, so a line that was applied one way is not recognised\n\
         the other way and would be applied twice.",
        data.display(),
        quoted(file),
        name.principal(),
    )
}

/// The import was stopped: how to go on.
pub(super) const INTERRUPTED: &str = "stopped; every line that is counted above is durable. Run the same command again to go on: \
    what is applied already is recognised and not applied twice.";

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let path = path.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    if path.chars().all(plain) {
        path.into_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_finds_the_directory_in_use_can_copy_a_command() {
        let name = ImportName::new("day").unwrap();
        let advice = directory_in_use(
            Path::new("./jifen-data"),
            Path::new("my day.ndjson"),
            Format::Ndjson,
            &name,
        );
        for expected in [
            "./jifen-data is in use",
            "curl --data-binary @'my day.ndjson' -H 'content-type: application/x-ndjson'",
            "/v1/commands",
            "import:day",
            "applied twice",
        ] {
            assert!(advice.contains(expected), "{expected}: {advice}");
        }
        assert!(!advice.contains("CSV"), "{advice}");
    }

    #[test]
    fn paths_are_quoted_where_a_shell_needs_it() {
        assert_eq!(
            quoted(Path::new("examples/day.ndjson")),
            "examples/day.ndjson"
        );
        assert_eq!(quoted(Path::new("it's.ndjson")), r"'it'\''s.ndjson'");
        assert_eq!(quoted(Path::new("$(x).ndjson")), "'$(x).ndjson'");
    }
}
