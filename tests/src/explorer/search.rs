//! Breadth first, with the shortest way to what is wrong.

use std::{
    any::Any,
    collections::{BTreeMap, HashMap, VecDeque},
    fmt,
    hash::{BuildHasherDefault, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{
    action::Action,
    audit::{self, Violation},
    model::Model,
    progress::Edges,
    protocol::Event,
    world::{Spelling, World},
};

/// What was found to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explored {
    /// How many states there are.
    pub states: usize,
    /// How many ways from one to another.
    pub transitions: usize,
    /// How many states of rest.
    pub at_rest: usize,
    /// How far the furthest is from the beginning.
    pub depth: usize,
    /// What was met, and how often.
    pub met: BTreeMap<Event, usize>,
}

/// What was found to be wrong, with a shortest way there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// What does not hold.
    pub what: String,
    /// Everything that happened, in order.
    pub steps: Vec<String>,
    /// How many states were met before.
    pub states: usize,
}

/// All states of a model, each checked. Stops with an error at the first that does not hold, or when there are more than `most`.
///
/// # Errors
///
/// What does not hold, with a shortest way there.
pub fn explore(model: &Model, most: usize) -> Result<Explored, Counterexample> {
    let mut search = Search::new(model);
    let mut depth = 0;
    while !search.frontier.is_empty() {
        search.expand_frontier()?;
        depth += 1;
        if search.states.len() > most {
            return Err(search.stuck(format!("there are more than {most} states")));
        }
    }
    if let Some(circle) = search.edges.circle() {
        let what = "the protocol goes round in a circle from here";
        return Err(search.counterexample(circle, None, &Violation(what.to_owned())));
    }
    Ok(Explored {
        states: search.states.len(),
        transitions: search.edges.len(),
        at_rest: search.at_rest,
        depth,
        met: search.met,
    })
}

/// A state that was met, and the one that it was met from.
struct Met {
    print: u64,
    from: u32,
}

struct Search<'a> {
    model: &'a Model,
    numbers: HashMap<u64, u32, BuildHasherDefault<Printed>>,
    states: Vec<Met>,
    edges: Edges,
    /// The states that were met last, in order, with the number of the first.
    frontier: VecDeque<World>,
    at_rest: usize,
    met: BTreeMap<Event, usize>,
    room: Spelling,
}

impl<'a> Search<'a> {
    fn new(model: &'a Model) -> Self {
        let mut search = Self {
            model,
            numbers: HashMap::default(),
            states: Vec::new(),
            edges: Edges::default(),
            frontier: VecDeque::new(),
            at_rest: 0,
            met: BTreeMap::new(),
            room: Spelling::default(),
        };
        let first = search.meet(World::new(model), 0);
        first.expect("nothing is wrong with what has not begun");
        search
    }

    /// The number of a state, which is checked and waits to be expanded if it is new.
    fn meet(&mut self, world: World, from: u32) -> Result<u32, Violation> {
        let print = world.print(&mut self.room);
        let next = u32::try_from(self.states.len()).expect("memory holds fewer");
        let number = *self.numbers.entry(print).or_insert(next);
        if number == next {
            audit::check(self.model, &world)?;
            self.states.push(Met { print, from });
            self.frontier.push_back(world);
        }
        Ok(number)
    }

    fn expand_frontier(&mut self) -> Result<(), Counterexample> {
        for _ in 0..self.frontier.len() {
            let number = u32::try_from(self.states.len() - self.frontier.len());
            let number = number.expect("memory holds fewer");
            if let Some(world) = self.frontier.pop_front() {
                self.expand(number, &world)?;
            }
        }
        Ok(())
    }

    fn expand(&mut self, number: u32, world: &World) -> Result<(), Counterexample> {
        let actions = guarded(|| Ok(Action::all(self.model, world)));
        let actions = actions.map_err(|what| self.counterexample(number, None, &what))?;
        if !actions.iter().any(Action::is_protocol) {
            self.at_rest += 1;
            audit::check_rest(self.model, world)
                .map_err(|what| self.counterexample(number, None, &what))?;
        }
        self.edges.begin(number);
        for action in &actions {
            let (event, next) = after(self.model, world, action)
                .map_err(|what| self.counterexample(number, Some(action), &what))?;
            *self.met.entry(event).or_default() += 1;
            let next = self
                .meet(next, number)
                .map_err(|what| self.counterexample(number, Some(action), &what))?;
            self.edges.add(next);
        }
        Ok(())
    }

    fn stuck(&self, what: String) -> Counterexample {
        Counterexample {
            what,
            steps: Vec::new(),
            states: self.states.len(),
        }
    }

    /// The way to a state, and the action there after which something does not hold.
    fn counterexample(
        &self,
        number: u32,
        last: Option<&Action>,
        what: &Violation,
    ) -> Counterexample {
        let mut way = vec![number];
        while let Some(&at) = way.last()
            && at != 0
        {
            way.push(self.states[at as usize].from);
        }
        let mut world = World::new(self.model);
        let mut steps = Vec::new();
        for number in way.iter().rev().skip(1) {
            let wanted = self.states[*number as usize].print;
            let (action, next) = towards(self.model, &world, wanted);
            steps.push(action.to_string());
            world = next;
        }
        steps.extend(last.map(Action::to_string));
        Counterexample {
            what: what.to_string(),
            steps,
            states: self.states.len(),
        }
    }
}

/// The action that leads to a state.
fn towards(model: &Model, world: &World, wanted: u64) -> (Action, World) {
    let mut room = Spelling::default();
    let found = Action::all(model, world).into_iter().find_map(|action| {
        let (_, next) = after(model, world, &action).ok()?;
        (next.print(&mut room) == wanted).then_some((action, next))
    });
    found.expect("it was met this way before")
}

/// What an action makes of a state.
fn after(model: &Model, world: &World, action: &Action) -> Result<(Event, World), Violation> {
    guarded(|| {
        let mut next = world.clone();
        let event = action.perform(model, &mut next)?;
        audit::note_witness(model, &mut next);
        Ok((event, next))
    })
}

/// What the engine itself finds wrong, it tells by a panic.
fn guarded<T>(what: impl FnOnce() -> Result<T, Violation>) -> Result<T, Violation> {
    catch_unwind(AssertUnwindSafe(what)).unwrap_or_else(|panic| Err(Violation(said(&*panic))))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
    text.unwrap_or_else(|| "a panic without words".to_owned())
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} states, {} transitions, {} states of rest, {} deep",
            self.states, self.transitions, self.at_rest, self.depth
        )?;
        self.met
            .iter()
            .try_for_each(|(event, count)| writeln!(f, "{count:>12}  {event}"))
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in (1..).zip(&self.steps) {
            writeln!(f, "{number:>4}  {step}")?;
        }
        write!(f, "{} (after {} states)", self.what, self.states)
    }
}

/// Fingerprints are their own hashes.
#[derive(Default)]
struct Printed(u64);

impl Hasher for Printed {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only fingerprints are looked up");
    }

    fn write_u64(&mut self, print: u64) {
        self.0 = print;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
