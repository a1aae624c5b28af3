//! Goal: no transition of a hold exists by accident. Method: every event in every state, written down.

use jifen_tests::scenario::{Play, small_rules};

/// How a hold of 50 points comes into each state, of its own and of its member. The member has 100 points, which lapse at
/// midnight, not two hours from the beginning.
const STATES: [(&str, &str); 14] = [
    ("open", "wait 0"),
    ("open, 10 captured", "capture H 10 more"),
    ("open and overdue", "wait 901"),
    ("captured", "capture H"),
    ("released", "release H"),
    ("expired", "wait 901\nsweep"),
    ("expired, 30 left", "wait 901\nsweep\nredeem A M 70"),
    ("expired after 10", "capture H 10 more\nwait 901\nsweep"),
    ("open, frozen", "freeze A"),
    ("overdue, lapsed", "wait 86400"),
    ("expired, frozen", "wait 901\nsweep\nfreeze A"),
    ("expired, closed", "wait 901\nsweep\nclose A"),
    ("captured, closed", "capture H\nclose A"),
    ("released, frozen", "release H\nfreeze A"),
];

const EVENTS: [&str; 11] = [
    "capture H",
    "capture H 20",
    "capture H 20 more",
    "capture H 60",
    "release H",
    "sweep",
    "hold A M 10",
    "reverse H",
    "freeze A",
    "unfreeze A",
    "close A",
];

const MATRIX: &str = "
open               | capture H          | accepted: captured 50, released 0      | captured: 50 of 50 captured, 0 released
open               | capture H 20       | accepted: captured 20, released 30     | captured: 20 of 50 captured, 30 released
open               | capture H 20 more  | accepted: captured 20, released 0      | open: 20 of 50 captured, 0 released
open               | capture H 60       | refused: exceeds_hold 60 of 50         | open: 0 of 50 captured, 0 released
open               | release H          | accepted: released 50                  | released: 0 of 50 captured, 50 released
open               | sweep              | 0                                      | open: 0 of 50 captured, 0 released
open               | hold A M 10        | accepted: until 900.000                | open: 0 of 50 captured, 0 released
open               | reverse H          | refused: not_reversible                | open: 0 of 50 captured, 0 released
open               | freeze A           | accepted                               | open: 0 of 50 captured, 0 released
open               | unfreeze A         | accepted                               | open: 0 of 50 captured, 0 released
open               | close A            | refused: member_has_holds 1 of 0       | open: 0 of 50 captured, 0 released
open, 10 captured  | capture H          | accepted: captured 40, released 0      | captured: 50 of 50 captured, 0 released
open, 10 captured  | capture H 20       | accepted: captured 20, released 20     | captured: 30 of 50 captured, 20 released
open, 10 captured  | capture H 20 more  | accepted: captured 20, released 0      | open: 30 of 50 captured, 0 released
open, 10 captured  | capture H 60       | refused: exceeds_hold 60 of 40         | open: 10 of 50 captured, 0 released
open, 10 captured  | release H          | accepted: released 40                  | captured: 10 of 50 captured, 40 released
open, 10 captured  | sweep              | 0                                      | open: 10 of 50 captured, 0 released
open, 10 captured  | hold A M 10        | accepted: until 900.000                | open: 10 of 50 captured, 0 released
open, 10 captured  | reverse H          | refused: not_reversible                | open: 10 of 50 captured, 0 released
open, 10 captured  | freeze A           | accepted                               | open: 10 of 50 captured, 0 released
open, 10 captured  | unfreeze A         | accepted                               | open: 10 of 50 captured, 0 released
open, 10 captured  | close A            | refused: member_has_holds 1 of 0       | open: 10 of 50 captured, 0 released
open and overdue   | capture H          | accepted: captured 50, released 0      | captured: 50 of 50 captured, 0 released
open and overdue   | capture H 20       | accepted: captured 20, released 30     | captured: 20 of 50 captured, 30 released
open and overdue   | capture H 20 more  | accepted: captured 20, released 0      | open: 20 of 50 captured, 0 released
open and overdue   | capture H 60       | refused: exceeds_hold 60 of 50         | open: 0 of 50 captured, 0 released
open and overdue   | release H          | accepted: released 50                  | released: 0 of 50 captured, 50 released
open and overdue   | sweep              | 1                                      | expired: 0 of 50 captured, 50 released
open and overdue   | hold A M 10        | accepted: until 1801.000               | open: 0 of 50 captured, 0 released
open and overdue   | reverse H          | refused: not_reversible                | open: 0 of 50 captured, 0 released
open and overdue   | freeze A           | accepted                               | open: 0 of 50 captured, 0 released
open and overdue   | unfreeze A         | accepted                               | open: 0 of 50 captured, 0 released
open and overdue   | close A            | refused: member_has_holds 1 of 0       | open: 0 of 50 captured, 0 released
captured           | capture H          | refused: hold_captured                 | captured: 50 of 50 captured, 0 released
captured           | capture H 20       | refused: hold_captured                 | captured: 50 of 50 captured, 0 released
captured           | capture H 20 more  | refused: hold_captured                 | captured: 50 of 50 captured, 0 released
captured           | capture H 60       | refused: hold_captured                 | captured: 50 of 50 captured, 0 released
captured           | release H          | refused: hold_captured                 | captured: 50 of 50 captured, 0 released
captured           | sweep              | 0                                      | captured: 50 of 50 captured, 0 released
captured           | hold A M 10        | accepted: until 900.000                | captured: 50 of 50 captured, 0 released
captured           | reverse H          | refused: not_reversible                | captured: 50 of 50 captured, 0 released
captured           | freeze A           | accepted                               | captured: 50 of 50 captured, 0 released
captured           | unfreeze A         | accepted                               | captured: 50 of 50 captured, 0 released
captured           | close A            | accepted: forfeited 50                 | captured: 50 of 50 captured, 0 released
released           | capture H          | refused: hold_released                 | released: 0 of 50 captured, 50 released
released           | capture H 20       | refused: hold_released                 | released: 0 of 50 captured, 50 released
released           | capture H 20 more  | refused: hold_released                 | released: 0 of 50 captured, 50 released
released           | capture H 60       | refused: hold_released                 | released: 0 of 50 captured, 50 released
released           | release H          | refused: hold_released                 | released: 0 of 50 captured, 50 released
released           | sweep              | 0                                      | released: 0 of 50 captured, 50 released
released           | hold A M 10        | accepted: until 900.000                | released: 0 of 50 captured, 50 released
released           | reverse H          | refused: not_reversible                | released: 0 of 50 captured, 50 released
released           | freeze A           | accepted                               | released: 0 of 50 captured, 50 released
released           | unfreeze A         | accepted                               | released: 0 of 50 captured, 50 released
released           | close A            | accepted: forfeited 100                | released: 0 of 50 captured, 50 released
expired            | capture H          | accepted: captured 50, released 0      | captured: 50 of 50 captured, 0 released
expired            | capture H 20       | accepted: captured 20, released 0      | captured: 20 of 50 captured, 30 released
expired            | capture H 20 more  | accepted: captured 20, released 0      | captured: 20 of 50 captured, 30 released
expired            | capture H 60       | refused: exceeds_hold 60 of 50         | expired: 0 of 50 captured, 50 released
expired            | release H          | refused: hold_expired                  | expired: 0 of 50 captured, 50 released
expired            | sweep              | 0                                      | expired: 0 of 50 captured, 50 released
expired            | hold A M 10        | accepted: until 1801.000               | expired: 0 of 50 captured, 50 released
expired            | reverse H          | refused: not_reversible                | expired: 0 of 50 captured, 50 released
expired            | freeze A           | accepted                               | expired: 0 of 50 captured, 50 released
expired            | unfreeze A         | accepted                               | expired: 0 of 50 captured, 50 released
expired            | close A            | accepted: forfeited 100                | expired: 0 of 50 captured, 50 released
expired, 30 left   | capture H          | refused: hold_expired 50 of 30         | expired: 0 of 50 captured, 50 released
expired, 30 left   | capture H 20       | accepted: captured 20, released 0      | captured: 20 of 50 captured, 30 released
expired, 30 left   | capture H 20 more  | accepted: captured 20, released 0      | captured: 20 of 50 captured, 30 released
expired, 30 left   | capture H 60       | refused: hold_expired 60 of 30, exceeds_hold 60 of 50 | expired: 0 of 50 captured, 50 released
expired, 30 left   | release H          | refused: hold_expired                  | expired: 0 of 50 captured, 50 released
expired, 30 left   | sweep              | 0                                      | expired: 0 of 50 captured, 50 released
expired, 30 left   | hold A M 10        | accepted: until 1801.000               | expired: 0 of 50 captured, 50 released
expired, 30 left   | reverse H          | refused: not_reversible                | expired: 0 of 50 captured, 50 released
expired, 30 left   | freeze A           | accepted                               | expired: 0 of 50 captured, 50 released
expired, 30 left   | unfreeze A         | accepted                               | expired: 0 of 50 captured, 50 released
expired, 30 left   | close A            | accepted: forfeited 30                 | expired: 0 of 50 captured, 50 released
expired after 10   | capture H          | refused: hold_captured                 | captured: 10 of 50 captured, 40 released
expired after 10   | capture H 20       | refused: hold_captured                 | captured: 10 of 50 captured, 40 released
expired after 10   | capture H 20 more  | refused: hold_captured                 | captured: 10 of 50 captured, 40 released
expired after 10   | capture H 60       | refused: hold_captured                 | captured: 10 of 50 captured, 40 released
expired after 10   | release H          | refused: hold_captured                 | captured: 10 of 50 captured, 40 released
expired after 10   | sweep              | 0                                      | captured: 10 of 50 captured, 40 released
expired after 10   | hold A M 10        | accepted: until 1801.000               | captured: 10 of 50 captured, 40 released
expired after 10   | reverse H          | refused: not_reversible                | captured: 10 of 50 captured, 40 released
expired after 10   | freeze A           | accepted                               | captured: 10 of 50 captured, 40 released
expired after 10   | unfreeze A         | accepted                               | captured: 10 of 50 captured, 40 released
expired after 10   | close A            | accepted: forfeited 90                 | captured: 10 of 50 captured, 40 released
open, frozen       | capture H          | accepted: captured 50, released 0      | captured: 50 of 50 captured, 0 released
open, frozen       | capture H 20       | accepted: captured 20, released 30     | captured: 20 of 50 captured, 30 released
open, frozen       | capture H 20 more  | accepted: captured 20, released 0      | open: 20 of 50 captured, 0 released
open, frozen       | capture H 60       | refused: exceeds_hold 60 of 50         | open: 0 of 50 captured, 0 released
open, frozen       | release H          | accepted: released 50                  | released: 0 of 50 captured, 50 released
open, frozen       | sweep              | 0                                      | open: 0 of 50 captured, 0 released
open, frozen       | hold A M 10        | refused: member_frozen                 | open: 0 of 50 captured, 0 released
open, frozen       | reverse H          | refused: not_reversible                | open: 0 of 50 captured, 0 released
open, frozen       | freeze A           | accepted                               | open: 0 of 50 captured, 0 released
open, frozen       | unfreeze A         | accepted                               | open: 0 of 50 captured, 0 released
open, frozen       | close A            | refused: member_has_holds 1 of 0       | open: 0 of 50 captured, 0 released
overdue, lapsed    | capture H          | accepted: captured 50, released 0      | captured: 50 of 50 captured, 0 released
overdue, lapsed    | capture H 20       | accepted: captured 20, released 30, forfeited 30 | captured: 20 of 50 captured, 30 released
overdue, lapsed    | capture H 20 more  | accepted: captured 20, released 0      | open: 20 of 50 captured, 0 released
overdue, lapsed    | capture H 60       | refused: exceeds_hold 60 of 50         | open: 0 of 50 captured, 0 released
overdue, lapsed    | release H          | accepted: released 50, forfeited 50    | released: 0 of 50 captured, 50 released
overdue, lapsed    | sweep              | 2                                      | expired: 0 of 50 captured, 50 released
overdue, lapsed    | hold A M 10        | refused: insufficient_points 10 of 0   | open: 0 of 50 captured, 0 released
overdue, lapsed    | reverse H          | refused: not_reversible                | open: 0 of 50 captured, 0 released
overdue, lapsed    | freeze A           | accepted                               | open: 0 of 50 captured, 0 released
overdue, lapsed    | unfreeze A         | accepted                               | open: 0 of 50 captured, 0 released
overdue, lapsed    | close A            | refused: member_has_holds 1 of 0       | open: 0 of 50 captured, 0 released
expired, frozen    | capture H          | refused: hold_expired, member_frozen   | expired: 0 of 50 captured, 50 released
expired, frozen    | capture H 20       | refused: hold_expired, member_frozen   | expired: 0 of 50 captured, 50 released
expired, frozen    | capture H 20 more  | refused: hold_expired, member_frozen   | expired: 0 of 50 captured, 50 released
expired, frozen    | capture H 60       | refused: hold_expired, member_frozen, exceeds_hold 60 of 50 | expired: 0 of 50 captured, 50 released
expired, frozen    | release H          | refused: hold_expired                  | expired: 0 of 50 captured, 50 released
expired, frozen    | sweep              | 0                                      | expired: 0 of 50 captured, 50 released
expired, frozen    | hold A M 10        | refused: member_frozen                 | expired: 0 of 50 captured, 50 released
expired, frozen    | reverse H          | refused: not_reversible                | expired: 0 of 50 captured, 50 released
expired, frozen    | freeze A           | accepted                               | expired: 0 of 50 captured, 50 released
expired, frozen    | unfreeze A         | accepted                               | expired: 0 of 50 captured, 50 released
expired, frozen    | close A            | accepted: forfeited 100                | expired: 0 of 50 captured, 50 released
expired, closed    | capture H          | refused: hold_expired 50 of 0, member_closed | expired: 0 of 50 captured, 50 released
expired, closed    | capture H 20       | refused: hold_expired 20 of 0, member_closed | expired: 0 of 50 captured, 50 released
expired, closed    | capture H 20 more  | refused: hold_expired 20 of 0, member_closed | expired: 0 of 50 captured, 50 released
expired, closed    | capture H 60       | refused: hold_expired 60 of 0, member_closed, exceeds_hold 60 of 50 | expired: 0 of 50 captured, 50 released
expired, closed    | release H          | refused: hold_expired                  | expired: 0 of 50 captured, 50 released
expired, closed    | sweep              | 0                                      | expired: 0 of 50 captured, 50 released
expired, closed    | hold A M 10        | refused: member_closed, insufficient_points 10 of 0 | expired: 0 of 50 captured, 50 released
expired, closed    | reverse H          | refused: not_reversible                | expired: 0 of 50 captured, 50 released
expired, closed    | freeze A           | refused: member_closed                 | expired: 0 of 50 captured, 50 released
expired, closed    | unfreeze A         | refused: member_closed                 | expired: 0 of 50 captured, 50 released
expired, closed    | close A            | refused: member_closed                 | expired: 0 of 50 captured, 50 released
captured, closed   | capture H          | refused: hold_captured                 | captured: 50 of 50 captured, 0 released
captured, closed   | capture H 20       | refused: hold_captured                 | captured: 50 of 50 captured, 0 released
captured, closed   | capture H 20 more  | refused: hold_captured                 | captured: 50 of 50 captured, 0 released
captured, closed   | capture H 60       | refused: hold_captured                 | captured: 50 of 50 captured, 0 released
captured, closed   | release H          | refused: hold_captured                 | captured: 50 of 50 captured, 0 released
captured, closed   | sweep              | 0                                      | captured: 50 of 50 captured, 0 released
captured, closed   | hold A M 10        | refused: member_closed, insufficient_points 10 of 0 | captured: 50 of 50 captured, 0 released
captured, closed   | reverse H          | refused: not_reversible                | captured: 50 of 50 captured, 0 released
captured, closed   | freeze A           | refused: member_closed                 | captured: 50 of 50 captured, 0 released
captured, closed   | unfreeze A         | refused: member_closed                 | captured: 50 of 50 captured, 0 released
captured, closed   | close A            | refused: member_closed                 | captured: 50 of 50 captured, 0 released
released, frozen   | capture H          | refused: hold_released                 | released: 0 of 50 captured, 50 released
released, frozen   | capture H 20       | refused: hold_released                 | released: 0 of 50 captured, 50 released
released, frozen   | capture H 20 more  | refused: hold_released                 | released: 0 of 50 captured, 50 released
released, frozen   | capture H 60       | refused: hold_released                 | released: 0 of 50 captured, 50 released
released, frozen   | release H          | refused: hold_released                 | released: 0 of 50 captured, 50 released
released, frozen   | sweep              | 0                                      | released: 0 of 50 captured, 50 released
released, frozen   | hold A M 10        | refused: member_frozen                 | released: 0 of 50 captured, 50 released
released, frozen   | reverse H          | refused: not_reversible                | released: 0 of 50 captured, 50 released
released, frozen   | freeze A           | accepted                               | released: 0 of 50 captured, 50 released
released, frozen   | unfreeze A         | accepted                               | released: 0 of 50 captured, 50 released
released, frozen   | close A            | accepted: forfeited 100                | released: 0 of 50 captured, 50 released
";

/// Plays every event in every state and writes down what is heard and how the hold stands afterwards.
fn played() -> String {
    let mut written = "\n".to_owned();
    for (state, script) in STATES {
        for event in EVENTS {
            let mut play = Play::new(small_rules());
            for line in "merchant M\nenrol A\nearn A M 100 day=2026-09-21\nhold A M 50 as=H"
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
