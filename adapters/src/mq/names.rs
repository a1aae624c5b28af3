//! What subjects, streams, consumers and headers are called.

use jifen_engine::ledger::Principal;
use xxhash_rust::xxh3::xxh3_64;

/// The stream of commands.
pub const COMMANDS: &str = "JIFEN_COMMANDS";
/// The stream of answers.
pub const RESULTS: &str = "JIFEN_RESULTS";
/// The stream of what could not be processed.
pub const DEAD: &str = "JIFEN_DEAD";

/// What precedes the principal in subjects of commands.
pub(super) const COMMANDS_SUBJECT: &str = "jifen.commands.";
/// What precedes the principal in subjects of answers.
pub(super) const RESULTS_SUBJECT: &str = "jifen.results.";
/// What precedes the principal in subjects of dead letters.
pub(super) const DEAD_SUBJECT: &str = "jifen.dead.";

/// In an answer or dead letter: the stream sequence of the message that it is about.
pub const SEQUENCE_HEADER: &str = "Jifen-Sequence";
/// In an answer that is too long for one message: which part it is, and of how many, such as `2/3`.
pub const PART_HEADER: &str = "Jifen-Part";
/// In a dead letter: the problem document.
pub const REASON_HEADER: &str = "Jifen-Reason";

/// What precedes the names of consumers of commands.
const CONSUMER: &str = "jifen-";

/// All subjects that begin so.
pub(super) fn all(subject: &str) -> String {
    format!("{subject}>")
}

/// The consumer for the commands of somebody. A consumer's name holds no dots, a principal's no equals signs. Subjects may
/// hold what neither does.
pub(super) fn consumer(sender: &str) -> String {
    match principal(sender) {
        Some(principal) => format!("{CONSUMER}{}", principal.as_str().replace('.', "=")),
        None => format!("{CONSUMER}={:016x}", xxh3_64(sender.as_bytes())),
    }
}

/// Whether a consumer is one that Jifen made.
pub(super) fn is_own_consumer(name: &str) -> bool {
    name.starts_with(CONSUMER)
}

/// Who sends commands under a subject, as it stands there.
pub(super) fn sender(subject: &str) -> Option<&str> {
    subject.strip_prefix(COMMANDS_SUBJECT)
}

/// The principal that goes by this name, if anybody can.
pub(super) fn principal(sender: &str) -> Option<Principal> {
    Principal::new(sender).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_principal_stands_in_the_subject() {
        for name in ["pos-1", "shop.till-4", "a:b@c_d"] {
            let subject = format!("jifen.commands.{name}");
            assert_eq!(sender(&subject), Some(name));
            assert!(principal(name).is_some());
            let consumer = consumer(name);
            assert!(is_own_consumer(&consumer));
            assert!(!consumer.contains('.'), "{consumer}");
        }
        let strange = consumer("a/b c>");
        assert!(is_own_consumer(&strange) && !strange.contains(['/', ' ', '>']));
        assert_eq!(sender("jifen.results.pos-1"), None);
        assert!(principal("käse").is_none());
    }
}
