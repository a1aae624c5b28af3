//! The models that are explored.

use super::model::{Flaw, Grain, Model};

/// Models of some thousand states, for every run of the tests.
#[must_use]
pub fn small() -> Vec<Model> {
    vec![
        Model::of("1: 0:1 1:1 2:1")
            .with((1, 0, 1))
            .named("the last unit"),
        Model::of("2: 1:1 2:2")
            .with((1, 1, 1))
            .crashing((1, 0))
            .named("one shard falls back"),
        Model::of("2: 0:1 1:2 2:1")
            .with((1, 0, 0))
            .crashing((0, 1))
            .named("all fall back"),
        Model::of("1: 1:1 2:1")
            .with((1, 1, 0))
            .retrying(1)
            .named("asking again"),
        Model {
            late_reopening: true,
            ..Model::of("1: 1:1 2:1")
                .with((1, 1, 0))
                .retrying(1)
                .named("late reopening")
        },
        Model {
            opening: true,
            prefetch: true,
            ..Model::of("2: 0:1 0:1w 2:2")
                .with((1, 0, 0))
                .named("first units and withdrawal")
        },
        Model {
            grain: Grain::Entry,
            counted: true,
            opening: true,
            ..Model::of("2: 0:1 1:2 2:1")
                .with((1, 0, 1))
                .named("entry by entry")
        },
        // Here home gives extra units of its own accord.
        Model {
            grain: Grain::Entry,
            ..Model::of("8: 1:1 2:1").named("plenty")
        },
    ]
}

/// The models of the protocol's description, and some in finer grain: up to 100 million transitions each.
#[must_use]
pub fn campaign() -> Vec<Model> {
    let all = (1, 1, 1);
    let mut models = vec![
        Model::of("2: 0:1 1:1 1:2 2:1")
            .with(all)
            .crashing((1, 0))
            .named("1"),
        Model::of("2: 1:1 1:2 2:1 2:2")
            .with(all)
            .crashing((0, 1))
            .named("2"),
        Model::of("2: 1:1 1:2 2:1 2:2")
            .with(all)
            .crashing((1, 1))
            .named("3"),
        Model::of("1: 1:1 1:1 2:1 2:1")
            .with(all)
            .crashing((1, 0))
            .retrying(1)
            .named("4"),
        Model::of("1: 1:1 2:1 1:1")
            .with((2, 1, 1))
            .crashing((2, 1))
            .retrying(2)
            .named("5"),
        unasked(
            Model::of("2: 0:1 0:2w 1:1 2:2")
                .with(all)
                .crashing((1, 0))
                .named("6"),
        ),
        unasked(
            Model::of("2: 0:1 1:1 1:2 2:1")
                .with(all)
                .crashing((1, 0))
                .named("7"),
        ),
        unasked(
            Model::of("3: 0:1 1:2 1:1 2:2")
                .with(all)
                .crashing((1, 0))
                .named("8"),
        ),
        Model::of("2: 0:1 1:1 1:2 2:1 2:2")
            .with(all)
            .crashing((1, 0))
            .named("9"),
        Model::of("2: 1:1 1:2 2:1")
            .with((2, 1, 1))
            .crashing((2, 1))
            .retrying(1)
            .named("10"),
    ];
    let late = [0, 3].map(|at| Model {
        late_reopening: true,
        name: format!("{}-late", models[at].name),
        ..models[at].clone()
    });
    let fine = [0, 4, 5, 9].map(|at| Model {
        grain: Grain::Entry,
        name: format!("{}-fine", models[at].name),
        ..models[at].clone()
    });
    models.extend(late);
    models.extend(fine);
    models
}

/// The shortest models in which each mistake shows, with what was promised alone.
#[must_use]
pub fn flawed() -> Vec<Model> {
    let model = |text, budget| Model::of(text).with(budget);
    vec![
        model("1: 1:1 0:1", (1, 0, 0)).flawed(Flaw::ClosedShardKeeps),
        model("1: 1:1", (0, 0, 0))
            .crashing((1, 0))
            .flawed(Flaw::AcknowledgedEarly),
        model("1: 1:1", (0, 0, 0))
            .crashing((1, 0))
            .flawed(Flaw::SentEarly),
        model("1: 1:1 2:1", (0, 0, 1)).flawed(Flaw::GrantedIsSold),
        model("1: 0:1 1:1 1:1", (1, 0, 0))
            .retrying(1)
            .flawed(Flaw::MarkGoneAtOnce),
        model("1: 1:1 2:1", (0, 0, 1)).flawed(Flaw::FailureKeeps),
        model("1: 1:1 1:1", (0, 0, 0)).flawed(Flaw::MarkBeforeId),
    ]
}

fn unasked(model: Model) -> Model {
    Model {
        prefetch: true,
        ..model
    }
}
