//! Goal: no transition of a hold exists by accident. Method: every event in every state, written down.

use jifen_tests::scenario::{Play, small_rules};

/// How a hold of 50 points comes into each state; the member has 100 points.
const STATES: [(&str, &str); 8] = [
    ("open", "wait 0"),
    ("open, 10 captured", "capture H 10 more"),
    ("open and overdue", "wait 901"),
    ("captured", "capture H"),
    ("released", "release H"),
    ("expired", "wait 901\nexpire"),
    ("expired, 30 left", "wait 901\nexpire\nredeem A M 70"),
    ("expired after 10", "capture H 10 more\nwait 901\nexpire"),
];

const EVENTS: [&str; 6] = [
    "capture H",
    "capture H 20",
    "capture H 20 more",
    "capture H 60",
    "release H",
    "expire",
];

const MATRIX: &str = "
open               | capture H          | accepted: captured 50, released 0      | captured: 50 of 50 captured, 0 released
open               | capture H 20       | accepted: captured 20, released 30     | captured: 20 of 50 captured, 30 released
open               | capture H 20 more  | accepted: captured 20, released 0      | open: 20 of 50 captured, 0 released
open               | capture H 60       | refused: exceeds_hold 60 of 50         | open: 0 of 50 captured, 0 released
open               | release H          | accepted: released 50                  | released: 0 of 50 captured, 50 released
open               | expire             | 0                                      | open: 0 of 50 captured, 0 released
open, 10 captured  | capture H          | accepted: captured 40, released 0      | captured: 50 of 50 captured, 0 released
open, 10 captured  | capture H 20       | accepted: captured 20, released 20     | captured: 30 of 50 captured, 20 released
open, 10 captured  | capture H 20 more  | accepted: captured 20, released 0      | open: 30 of 50 captured, 0 released
open, 10 captured  | capture H 60       | refused: exceeds_hold 60 of 40         | open: 10 of 50 captured, 0 released
open, 10 captured  | release H          | accepted: released 40                  | captured: 10 of 50 captured, 40 released
open, 10 captured  | expire             | 0                                      | open: 10 of 50 captured, 0 released
open and overdue   | capture H          | accepted: captured 50, released 0      | captured: 50 of 50 captured, 0 released
open and overdue   | capture H 20       | accepted: captured 20, released 30     | captured: 20 of 50 captured, 30 released
open and overdue   | capture H 20 more  | accepted: captured 20, released 0      | open: 20 of 50 captured, 0 released
open and overdue   | capture H 60       | refused: exceeds_hold 60 of 50         | open: 0 of 50 captured, 0 released
open and overdue   | release H          | accepted: released 50                  | released: 0 of 50 captured, 50 released
open and overdue   | expire             | 1                                      | expired: 0 of 50 captured, 50 released
captured           | capture H          | refused: hold_captured                 | captured: 50 of 50 captured, 0 released
captured           | capture H 20       | refused: hold_captured                 | captured: 50 of 50 captured, 0 released
captured           | capture H 20 more  | refused: hold_captured                 | captured: 50 of 50 captured, 0 released
captured           | capture H 60       | refused: hold_captured                 | captured: 50 of 50 captured, 0 released
captured           | release H          | refused: hold_captured                 | captured: 50 of 50 captured, 0 released
captured           | expire             | 0                                      | captured: 50 of 50 captured, 0 released
released           | capture H          | refused: hold_released                 | released: 0 of 50 captured, 50 released
released           | capture H 20       | refused: hold_released                 | released: 0 of 50 captured, 50 released
released           | capture H 20 more  | refused: hold_released                 | released: 0 of 50 captured, 50 released
released           | capture H 60       | refused: hold_released                 | released: 0 of 50 captured, 50 released
released           | release H          | refused: hold_released                 | released: 0 of 50 captured, 50 released
released           | expire             | 0                                      | released: 0 of 50 captured, 50 released
expired            | capture H          | accepted: captured 50, released 0      | captured: 50 of 50 captured, 0 released
expired            | capture H 20       | accepted: captured 20, released 0      | captured: 20 of 50 captured, 30 released
expired            | capture H 20 more  | accepted: captured 20, released 0      | captured: 20 of 50 captured, 30 released
expired            | capture H 60       | refused: exceeds_hold 60 of 50         | expired: 0 of 50 captured, 50 released
expired            | release H          | refused: hold_expired                  | expired: 0 of 50 captured, 50 released
expired            | expire             | 0                                      | expired: 0 of 50 captured, 50 released
expired, 30 left   | capture H          | refused: hold_expired 50 of 30         | expired: 0 of 50 captured, 50 released
expired, 30 left   | capture H 20       | accepted: captured 20, released 0      | captured: 20 of 50 captured, 30 released
expired, 30 left   | capture H 20 more  | accepted: captured 20, released 0      | captured: 20 of 50 captured, 30 released
expired, 30 left   | capture H 60       | refused: hold_expired 60 of 30, exceeds_hold 60 of 50 | expired: 0 of 50 captured, 50 released
expired, 30 left   | release H          | refused: hold_expired                  | expired: 0 of 50 captured, 50 released
expired, 30 left   | expire             | 0                                      | expired: 0 of 50 captured, 50 released
expired after 10   | capture H          | refused: hold_captured                 | captured: 10 of 50 captured, 40 released
expired after 10   | capture H 20       | refused: hold_captured                 | captured: 10 of 50 captured, 40 released
expired after 10   | capture H 20 more  | refused: hold_captured                 | captured: 10 of 50 captured, 40 released
expired after 10   | capture H 60       | refused: hold_captured                 | captured: 10 of 50 captured, 40 released
expired after 10   | release H          | refused: hold_captured                 | captured: 10 of 50 captured, 40 released
expired after 10   | expire             | 0                                      | captured: 10 of 50 captured, 40 released
";

/// Plays every event in every state and writes down what is heard and how the hold stands afterwards.
fn played() -> String {
    let mut written = "\n".to_owned();
    for (state, script) in STATES {
        for event in EVENTS {
            let mut play = Play::new(small_rules());
            for line in "merchant M\nenrol A\nearn A M 100\nhold A M 50 as=H"
                .lines()
                .chain(script.lines())
            {
                let said = play.say(line).unwrap();
                assert!(
                    !said.contains("refused") && !said.contains("declined"),
                    "{line}: {said}"
                );
            }
            let heard = play.say(event).unwrap();
            let stands = play.say("state H").unwrap();
            written += &format!("{state:<18} | {event:<18} | {heard:<38} | {stands}\n");
        }
    }
    written
}

#[test]
fn every_event_in_every_state_of_a_hold() {
    let played = played();
    assert!(played == MATRIX, "the matrix is now:\n{played}");
}
