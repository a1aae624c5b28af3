//! Random tests for as many seeds as there is time for.

use std::{path::Path, process::ExitCode, thread, time::Duration};

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use jifen_tests::{
    close,
    explorer::{self, explore},
    feed::{self, CatchUp},
    flash::{self, FlashSale},
    fuzz::{self, DECODERS},
    history,
    kills::rounds,
    market,
    overload::{Overload, measure},
    power::{Load, Met, Recording, trial},
    queue::{self, House, Who, Work},
    schemathesis::{self, Wanted},
    sweep::{Run, sweep},
    world,
};

/// Among so many images every kind of loss is met.
const IMAGES_MANY: usize = 1_000;

/// Runs the random tests of Jifen for as long as wanted.
///
/// What the runs met is counted and printed at the end. A run that fails is named by its seed:
/// `--first SEED --seeds 1` runs a history or a world alone. An image that fails is kept.
///
/// Exit codes: 0 all went well, 1 a run failed or a case was never met, 2 wrong usage.
///
/// Examples:
///   cargo run --release -p jifen-tests --bin campaign -- histories --seeds 1000
///   cargo run --release -p jifen-tests --bin campaign -- simulation --seeds 10000
///   cargo run --release -p jifen-tests --bin campaign -- power 2000
///   cargo run --release -p jifen-tests --bin campaign -- kills 200 -- --checkpoint-every 256KiB
///   cargo run --release -p jifen-tests --bin campaign -- requests 10000
///   cargo run --release -p jifen-tests --bin campaign -- decoders --seconds 60
///   cargo run --release -p jifen-tests --bin campaign -- overload --seconds 30
///   cargo run --release -p jifen-tests --bin campaign -- explore 1 5-fine
///   cargo run --release -p jifen-tests --bin campaign -- flash-sale --kills 20
///   cargo run --release -p jifen-tests --bin campaign -- transfers
///   cargo run --release -p jifen-tests --bin campaign -- queue --kills 20
///   cargo run --release -p jifen-tests --bin campaign -- feed --seconds 60
///   cargo run --release -p jifen-tests --bin campaign -- close 100
#[derive(Parser)]
#[command(verbatim_doc_comment)]
struct Arguments {
    #[command(subcommand)]
    test: Test,
}

#[derive(Subcommand)]
enum Test {
    /// The ledger and its naive twin under the same random commands, 2,000 each.
    Histories(Seeds),
    /// Shards, journal, clients, crashes and a jumping clock in one simulated world.
    Simulation(Seeds),
    /// Sales and transfers over links, with crashes and lost messages, in one simulated market.
    Market(Seeds),
    /// The real server's files as a power failure could leave them, so many times.
    Power(Images),
    /// The real server killed with SIGKILL under load, so many times.
    Kills(Rounds),
    /// The real server on a slow device, offered several times what it can make durable.
    Overload(Offer),
    /// The real server under requests made from its own document, valid and not, so many cases.
    Requests(Cases),
    /// Everything that reads bytes from outside, under bent ones, for so long each.
    Decoders(Lasting),
    /// All that can happen in small pools.
    Explore(Pools),
    /// The real server under a crowd that wants one SKU, killed now and then if wanted.
    FlashSale(Crowd),
    /// The real server under members who give each other points, killed now and then.
    Transfers(Gifts),
    /// The real server with a real broker: how fast commands come through, and both killed now and then if wanted.
    Queue(Posted),
    /// The real server with a consumer of events that stays away for a while and comes back under load.
    Feed(Away),
    /// The real server killed while it closes a period, so many times three.
    Close(Closed),
}

#[derive(clap::Args)]
struct Seeds {
    /// How many seeds to run.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
}

#[derive(clap::Args)]
struct Closed {
    /// How often the period is closed, with up to three kills each time.
    #[arg(default_value_t = 100)]
    rounds: u32,
    /// What chance starts from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many merchants issue and accept points.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    merchants: u64,
    /// How many members there are.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    members: u64,
    /// How many times one of them spends.
    #[arg(long, default_value_t = 100_000)]
    redemptions: u64,
    /// Closes it without kills, but under the peak hour of `jifen-load`, and says what that costs.
    #[arg(long, conflicts_with_all = ["rounds", "seed"])]
    beside_peak_hour: bool,
}

#[derive(clap::Args)]
struct Away {
    /// For how many seconds the consumer stays away.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// How many post at the same time, each a batch of 100 commands after the other.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    posters: u16,
    /// How many commands a second all of them post together; as many as they can, if 0.
    #[arg(long, default_value_t = 10_000)]
    rate: u64,
}

#[derive(clap::Args)]
struct Images {
    /// How many images to make and open.
    #[arg(default_value_t = 2_000)]
    images: usize,
    /// What chance starts from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many images are made of one recorded run; then another one is recorded.
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u16).range(1..))]
    per_run: u16,
    /// What else is said on the server's command line while it is recorded.
    #[arg(last = true)]
    arguments: Vec<String>,
}

#[derive(clap::Args)]
struct Rounds {
    /// How many times to kill.
    #[arg(default_value_t = 200)]
    rounds: u32,
    /// What chance starts from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// What else is said on the server's command line.
    #[arg(last = true)]
    arguments: Vec<String>,
}

#[derive(clap::Args)]
struct Offer {
    /// How many times the peak is offered.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    times: u32,
    /// How long, in seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// By how much every sync is slower, in milliseconds.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    slower: u64,
    /// How many commands the server lets in at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    inside: u32,
}

#[derive(clap::Args)]
struct Cases {
    /// How many cases to make.
    #[arg(default_value_t = 10_000)]
    cases: u64,
    /// What chance starts from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[derive(clap::Args)]
struct Lasting {
    /// For how many seconds each.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// What chance starts from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[derive(clap::Args)]
struct Pools {
    /// Which models; all of them if none is named. About 150 bytes of memory a state.
    models: Vec<String>,
    /// How many states a model may have.
    #[arg(long, default_value_t = 30_000_000)]
    most: usize,
}

#[derive(clap::Args)]
struct Crowd {
    /// How many members ask, once each.
    #[arg(default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    requests: u32,
    /// How many units there are.
    #[arg(long, default_value_t = 1_000)]
    units: u64,
    /// How many ask at the same time.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    connections: u16,
    /// How many times to kill.
    #[arg(long, default_value_t = 0)]
    kills: u32,
    /// What chance starts from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[derive(clap::Args)]
struct Gifts {
    /// How many transfers.
    #[arg(default_value_t = 100_000)]
    transfers: u32,
    /// Among how many members.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(2..))]
    members: u32,
    /// How many at the same time.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    connections: u16,
    /// How many times to kill.
    #[arg(long, default_value_t = 50)]
    kills: u32,
    /// What chance starts from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[derive(clap::Args)]
struct Posted {
    /// How many commands are posted one by one; ten times as many in messages of 100.
    #[arg(default_value_t = 300_000, value_parser = clap::value_parser!(u32).range(1..))]
    commands: u32,
    /// How many times to kill the server, the broker, or both, in turns; then nothing is measured.
    #[arg(long, default_value_t = 0)]
    kills: u16,
    /// For how many seconds the broker is away, once more after the kills; then nothing is measured either.
    #[arg(long, default_value_t = 0)]
    away: u64,
    /// What chance starts from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().test {
        Test::Histories(seeds) => random(&seeds, history::play, &history::cases()),
        Test::Simulation(seeds) => random(&seeds, world::live, &world::cases()),
        Test::Market(seeds) => random(&seeds, market::live, &market::cases()),
        Test::Power(images) => power(&images),
        Test::Kills(wanted) => kills(&wanted),
        Test::Requests(wanted) => requests(&wanted),
        Test::Decoders(wanted) => decoders(&wanted),
        Test::Overload(offer) => overload(&offer),
        Test::Explore(pools) => pools_explored(&pools),
        Test::FlashSale(crowd) => flash_sale(&crowd),
        Test::Transfers(gifts) => transfers(&gifts),
        Test::Queue(posted) => message_queue(&posted),
        Test::Feed(away) => catch_up(&away),
        Test::Close(closed) => closings(&closed),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
    }
}

fn closings(wanted: &Closed) -> Result<(), String> {
    let work = tempfile::tempdir().map_err(|error| error.to_string())?;
    let period = close::Period {
        merchants: wanted.merchants,
        members: wanted.members,
        redemptions: wanted.redemptions,
    };
    if wanted.beside_peak_hour {
        println!("{}", close::beside_load(work.path(), &period));
        return Ok(());
    }
    let bar = bar(wanted.rounds.into(), "closings");
    let done = || bar.inc(1);
    let met = close::rounds(work.path(), &period, wanted.rounds, wanted.seed, &done);
    bar.finish();
    print!("{met}");
    if wanted.rounds > 0 && met.killed == 0 {
        return Err("never met: a kill in the middle".to_owned());
    }
    Ok(())
}

fn catch_up(away: &Away) -> Result<(), String> {
    let data = tempfile::tempdir().map_err(|error| error.to_string())?;
    let wanted = CatchUp {
        away: Duration::from_secs(away.seconds),
        posters: usize::from(away.posters),
        rate: away.rate,
    };
    let caught = feed::measure(data.path(), &wanted);
    print!("{caught}");
    if !caught.complete {
        return Err("the consumer missed events".to_owned());
    }
    if caught.slowed_by() > 0.1 {
        return Err("posting was slower by more than a tenth".to_owned());
    }
    Ok(())
}

fn bar(length: u64, of: &str) -> ProgressBar {
    let style = format!(
        "{{elapsed_precise}} {{wide_bar}} {{pos}}/{{len}} {of}, {{per_sec}}, {{eta}} to go"
    );
    ProgressBar::new(length).with_style(
        ProgressStyle::with_template(&style).unwrap_or_else(|_| ProgressStyle::default_bar()),
    )
}

fn random(seeds: &Seeds, run: Run, cases: &[String]) -> Result<(), String> {
    let bar = bar(seeds.seeds, "seeds");
    let range = seeds.first..seeds.first.saturating_add(seeds.seeds);
    let met = sweep(range, run, &|| bar.inc(1));
    bar.finish();
    let met = met?;
    print!("{met}");
    let missing = met.missing(cases.iter().map(String::as_str));
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("never met: {missing:?}"))
    }
}

fn power(wanted: &Images) -> Result<(), String> {
    let bar = bar(wanted.images as u64, "images");
    let mut met = Met::default();
    let (mut left, mut answers) = (wanted.images, 0);
    for run in 0.. {
        let images = left.min(usize::from(wanted.per_run));
        if images == 0 {
            break;
        }
        let recording = Recording::of(&load(run, &wanted.arguments));
        answers += recording.answers();
        met.add(&trial(&recording, images, wanted.seed + run, &|| {
            bar.inc(1);
        })?);
        left -= images;
    }
    bar.finish();
    print!("{answers:>12}  answers recorded\n{met}");
    if wanted.images >= IMAGES_MANY && met.dropped == 0 {
        return Err("never met: a torn tail".to_owned());
    }
    Ok(())
}

/// Runs that differ: many or few clients, thin or fat commands.
fn load(run: u64, arguments: &[String]) -> Load {
    let (shoppers, note_bytes) = [(8, 900), (32, 900), (1, 100), (16, 900)][run as usize % 4];
    Load {
        shoppers,
        answers: vec![1_500, 1_000, 1_500],
        note_bytes,
        arguments: arguments.to_vec(),
    }
}

fn kills(wanted: &Rounds) -> Result<(), String> {
    let bar = bar(wanted.rounds.into(), "kills");
    let arguments: Vec<&str> = wanted.arguments.iter().map(String::as_str).collect();
    let done = || bar.inc(1);
    let run = |data: &Path| rounds(data, &arguments, wanted.rounds, wanted.seed, &done);
    let (server, met) = on_new_data(wanted.seed, run)?;
    bar.finish();
    server.kill();
    println!("{:>12}  epochs of the journal archived", met.archived);
    println!("{:>12}  answers found again after every kill", met.heard);
    println!("{:>12}  requests that a kill came into", met.unknown);
    Ok(())
}

fn overload(offer: &Offer) -> Result<(), String> {
    let data = tempfile::tempdir().map_err(|error| error.to_string())?;
    let overload = Overload {
        times: offer.times,
        lasting: Duration::from_secs(offer.seconds),
        slower: Duration::from_millis(offer.slower),
        inside: offer.inside,
    };
    print!("{}", measure(data.path(), &overload)?);
    Ok(())
}

fn requests(wanted: &Cases) -> Result<(), String> {
    let bar = bar(wanted.cases, "cases");
    let mut met = schemathesis::Met::default();
    for seed in wanted.seed.. {
        if met.cases >= wanted.cases {
            break;
        }
        met.add(&schemathesis::fuzz(Wanted {
            seconds: 300,
            examples: 100,
            seed,
        })?);
        bar.set_position(met.cases);
    }
    bar.finish();
    print!("{met}");
    Ok(())
}

fn decoders(wanted: &Lasting) -> Result<(), String> {
    for decoder in &DECODERS {
        let met = fuzz::fuzz(decoder, wanted.seed, Duration::from_secs(wanted.seconds))?;
        println!("{:>12}  {met}", decoder.name);
    }
    Ok(())
}

fn pools_explored(wanted: &Pools) -> Result<(), String> {
    let models = explorer::campaign();
    let unknown = |name: &&String| !models.iter().any(|model| model.name == **name);
    if let Some(name) = wanted.models.iter().find(unknown) {
        let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
        return Err(format!("{name} is none of {}", names.join(", ")));
    }
    for model in models {
        if wanted.models.is_empty() || wanted.models.contains(&model.name) {
            println!("model {}", model.name);
            let explored = explore(&model, wanted.most);
            print!("{}", explored.map_err(|wrong| wrong.to_string())?);
        }
    }
    Ok(())
}

fn flash_sale(wanted: &Crowd) -> Result<(), String> {
    let sale = FlashSale {
        members: wanted.requests,
        units: wanted.units,
        connections: wanted.connections.into(),
        kills: wanted.kills,
        seed: wanted.seed,
    };
    let (server, sold) = on_new_data(wanted.seed, |data| flash::flash_sale(data, &sale))?;
    server.kill();
    let per_second = f64::from(wanted.requests) / sold.asking.as_secs_f64();
    println!(
        "{:>12}  reserved, each by another member",
        sold.reserved.len()
    );
    println!("{:>12}  told that it is sold out", sold.refused.len());
    println!("{per_second:>12.0}  answers a second");
    println!("{:>12}  kills", sold.kills);
    println!("{:>12}  requests that a kill came into", sold.unknown);
    Ok(())
}

fn transfers(wanted: &Gifts) -> Result<(), String> {
    let bar = bar(wanted.transfers.into(), "transfers");
    let gifts = flash::Transfers {
        transfers: wanted.transfers,
        members: wanted.members,
        connections: wanted.connections.into(),
        kills: wanted.kills,
        seed: wanted.seed,
    };
    let run = |data: &Path| flash::transfers(data, &gifts, &|more| bar.inc(more));
    let (server, moved) = on_new_data(wanted.seed, run)?;
    bar.finish();
    server.kill();
    let per_second = f64::from(wanted.transfers) / moved.sending.as_secs_f64();
    println!("{:>12}  accepted", moved.accepted);
    println!("{:>12}  refused for want of points", moved.refused);
    println!("{per_second:>12.0}  answers a second");
    println!("{:>12}  kills", moved.kills);
    println!("{:>12}  requests that a kill came into", moved.unknown);
    Ok(())
}

fn message_queue(wanted: &Posted) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    if wanted.kills == 0 && wanted.away == 0 {
        for (messages, commands) in [(wanted.commands, 1), (wanted.commands / 10, 100)] {
            let messages = messages as usize;
            let speed = runtime.block_on(queue::measure(Work { messages, commands }));
            print!("{speed}");
        }
        return Ok(());
    }
    let turns = [Who::Server, Who::Broker, Who::Both].into_iter().cycle();
    let mut kills: Vec<Who> = turns.take(wanted.kills.into()).collect();
    if wanted.away > 0 {
        kills.push(Who::BrokerFor(Duration::from_secs(wanted.away)));
    }
    let bar = bar(kills.len() as u64, "kills");
    let mut house = House::open(&[]);
    let done = || bar.inc(1);
    let survived = runtime.block_on(queue::rounds(&mut house, &kills, wanted.seed, &done));
    bar.finish();
    println!("{:>12}  commands, each done once", survived.commands);
    println!("{:>12}  answers given again", survived.replayed);
    println!("{:>12}  messages posted again", survived.reposted);
    Ok(())
}

/// Runs something that panics if it fails, and keeps its files then.
fn on_new_data<T: Send>(seed: u64, run: impl FnOnce(&Path) -> T + Send) -> Result<T, String> {
    let data = tempfile::tempdir().map_err(|error| error.to_string())?;
    // What is lost is told by a panic on another thread than the bar's.
    let path = data.path();
    let done = thread::scope(|scope| scope.spawn(move || run(path)).join());
    done.map_err(|_| {
        let kept = data.keep();
        format!("seed {seed}; the files are kept in {}", kept.display())
    })
}
