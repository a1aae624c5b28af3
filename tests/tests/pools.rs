//! Goal: no unit of a pool is sold twice or lost, nobody hears that units are sold out while as many as they asked for are on
//! sale, and nobody waits for ever: in whatever order messages come, whichever shards fall back, and whatever is refused or comes back.
//!
//! Method: all that can happen in small models, on the engine's own homes and shares, see `jifen_tests::explorer`. What must be
//! met is named, so that no model loses what it is there for; and mistakes that were made on purpose must be found.

use jifen_tests::explorer::{Counterexample, Explored, Grain, Model, explore, flawed, small};

/// Small models have fewer states by far.
const STATES_MAX: usize = 500_000;

#[track_caller]
fn explored(model: &Model) -> Explored {
    explore(model, STATES_MAX).unwrap_or_else(|wrong| panic!("{}:\n{wrong}", model.name))
}

#[test]
fn whatever_happens_in_a_small_pool_what_was_promised_holds() {
    let mut met = std::collections::BTreeMap::new();
    for model in small() {
        let explored = explored(&model);
        println!("{}: {explored}", model.name);
        for (event, count) in explored.met {
            *met.entry(event).or_insert(0) += count;
        }
    }
    for event in [
        "all fell back",
        "failure heard",
        "granted at home",
        "granted with extra",
        "not withdrawn",
        "one fell back",
        "opened",
        "recalled",
        "refused and marked",
        "refused at once",
        "released",
        "reopening",
        "restock answered",
        "said no",
        "said no at home",
        "said no, for all",
        "second look at home failed",
        "second look failed",
        "second look passed",
        "sent unasked",
        "served at once",
        "units came back",
        "use heard",
    ] {
        assert!(met.contains_key(event), "never met: {event}");
    }
}

#[test]
fn mistakes_are_found() {
    for model in flawed() {
        let flaw = model.flaw.expect("each has one");
        let Counterexample {
            what,
            steps,
            states,
        } = explore(&model, STATES_MAX).expect_err(&format!("{flaw:?} is not found"));
        println!("{flaw:?}: {} steps, {states} states: {what}", steps.len());
        assert!(!steps.is_empty(), "{flaw:?}: {what}");
        let right = Model {
            flaw: None,
            beliefs: true,
            ..model
        };
        explored(&right);
    }
}

#[test]
fn what_home_believes_shows_mistakes_sooner() {
    for model in flawed() {
        let promised = explore(&model, STATES_MAX).expect_err("it has a flaw");
        let beliefs = true;
        let believed = explore(&Model { beliefs, ..model }, STATES_MAX).expect_err("it has a flaw");
        assert!(believed.steps.len() <= promised.steps.len());
    }
}

#[test]
fn finer_instants_have_the_coarser_ones_in_them() {
    let coarse = Model::of("2: 0:1 1:2 2:1").with((1, 0, 0));
    let fine = Model {
        grain: Grain::Entry,
        ..coarse.clone()
    };
    let (coarse, fine) = (explored(&coarse), explored(&fine));
    assert!(fine.states > coarse.states);
    let more =
        |(event, count): (&&str, &usize)| fine.met.get(event).is_some_and(|fine| fine >= count);
    assert!(coarse.met.iter().all(more), "{coarse}{fine}");
}

#[test]
fn a_model_that_is_too_large_is_not_taken_for_right() {
    let large = Model::of("2: 1:1 2:1").with((1, 1, 1)).crashing((1, 1));
    let stopped = explore(&large, 100).expect_err("it has more");
    assert!(stopped.what.contains("more than 100"), "{stopped}");
}
