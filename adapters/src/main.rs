//! The `jifen` binary: how the rooms are put together.

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
};

use clap::{CommandFactory, Parser, Subcommand};
use jifen_adapters::{
    file,
    http::{self, Edge, State},
    mq::{Publisher, Publishing, Queue, Source},
    openapi,
    ops::{
        self, Failure, Reload, ServeArgs, ServedKeys, Signals,
        config::{self, ConfigError, Settings},
        control::Control,
    },
};
use jifen_engine::{DataDirectory, Engine, Options};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Jifen, a clearing engine for loyalty points.
#[derive(Parser)]
#[command(name = "jifen", version, arg_required_else_help = true)]
struct Jifen {
    #[command(flatten)]
    log: ops::LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(Box<ServeArgs>),
    Import(file::ImportArgs),
    Keys(ops::keys::KeysArgs),
    Journal(ops::journal::JournalArgs),
    Backup(ops::backup::BackupArgs),
    Restore(ops::backup::RestoreArgs),
    Doctor(ops::DoctorArgs),
    Metrics(ops::metrics::MetricsArgs),
    Config(config::ConfigArgs),
    Completions(ops::CompletionsArgs),
    Verify(ops::verify::VerifyArgs),
    Reconcile(ops::reconcile::ReconcileArgs),
    Openapi(OpenapiArgs),
}

/// Prints the OpenAPI 3.1 document of the HTTP server: the same that it serves at /openapi.json.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  jifen openapi > openapi.json
      Writes it to a file, for whoever generates clients from it.")]
struct OpenapiArgs {}

fn main() -> ExitCode {
    let line: Vec<_> = env::args_os().collect();
    let (jifen, settings) = match config::parse::<Jifen>(&line) {
        Ok(parsed) => parsed,
        Err(ConfigError::Line(error)) => error.exit(),
        Err(error) => {
            eprintln!("{error}");
            return Failure::Usage(error.to_string()).exit_code();
        }
    };
    ops::log_to_stderr(&jifen.log);
    match jifen.command {
        Command::Serve(args) => match actix_rt::System::new().block_on(serve(*args, settings)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                tracing::error!("{failure}");
                failure.exit_code()
            }
        },
        Command::Import(args) => file::run(args),
        Command::Keys(args) => ops::keys::run(args),
        Command::Journal(args) => ops::journal::run(args),
        Command::Backup(args) => ops::backup::backup(&args),
        Command::Restore(args) => ops::backup::restore(&args),
        Command::Doctor(args) => ops::doctor(&args),
        Command::Metrics(args) => ops::metrics::run(&args),
        Command::Config(args) => config::run(&args, &settings),
        Command::Completions(args) => ops::completions(&args, Jifen::command()),
        Command::Verify(args) => ops::verify::run(&args),
        Command::Reconcile(args) => ops::reconcile::run(&args),
        Command::Openapi(OpenapiArgs {}) => print_document(),
    }
}

async fn serve(args: ServeArgs, said: Settings) -> Result<(), Failure> {
    let settings = args.settings()?;
    if !args.huge_pages {
        ops::use_small_pages();
    }
    let (rules, point_type) = args.rules.rules()?;
    let tls = args.tls.read()?;
    let mq = args.mq.read()?;
    // 1. The data directory, ours alone, and who may come in.
    let directory = DataDirectory::lock(&args.data)?;
    let keys = ServedKeys::find(&args.data)?;
    // 2. The engine, where the journal left it.
    let opened = directory.open(Options {
        rules: rules.clone(),
        limits: args.disk.limits(),
        ..Options::default()
    })?;
    ops::log_recovery(&opened);
    let engine = opened.engine;
    let keys = keys.complete()?;
    // 3. The door.
    let mut signals = Signals::listen()?;
    ops::open_more_files(args.edge.connections);
    let edge = Edge::new(args.edge.bounds());
    let reload = Reload::listen(Jifen::command(), said, edge.clone(), tls.clone())?;
    let publishing: Arc<Publishing> = Arc::default();
    let state = State {
        engine: engine.clone(),
        keys: keys.ring(),
        point_type,
        edge: edge.clone(),
        meters: Arc::default(),
        tracing: args.trace.tracing(),
        queue: mq.as_ref().map(|_| Arc::default()),
        publishing: Some(Arc::clone(&publishing)),
    };
    let desk = state.desk(mq.as_ref());
    let bound = http::bind(settings, state, tls.clone());
    let (server, address) = bound.map_err(|error| Failure::Listen(settings.listen, error))?;
    let door = server.handle();
    let mut serving = actix_rt::spawn(server);
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{address}");
    keys.tell(&url);
    let _watch = keys.watch();
    let _reload = reload.follow();
    let _control = Control::listen(&args.data, &engine, &rules);
    let publisher = match (&mq, args.feed.mq_events.begin()) {
        (Some(mq), Some(begin)) => {
            let source = Source {
                engine: engine.clone(),
                directory: args.data.clone(),
                begin,
                standing: publishing,
            };
            let started = Publisher::start(mq.clone(), source).await;
            Some(started.map_err(Failure::Queue)?)
        }
        _ => None,
    };
    let queue = match (mq, desk) {
        (Some(mq), Some(desk)) => Some(Queue::start(mq, desk).await.map_err(Failure::Queue)?),
        _ => None,
    };
    ready(&url);
    // 4. Until told to stop, or unable to go on.
    let end = tokio::select! {
        signal = signals.next() => {
            tracing::info!(signal, "stopping");
            Ok(())
        }
        failure = engine.failed() => Err(Failure::Journal(failure)),
        ended = &mut serving => Err(Failure::Server(match ended {
            Ok(Err(error)) => error,
            Ok(Ok(())) => io::Error::other("nobody told it to"),
            Err(panicked) => io::Error::other(panicked),
        })),
    };
    // 5. What was accepted is answered before the engine goes. Told twice, nobody waits for clients.
    edge.end_streams();
    let doors = async {
        let queue = async {
            if let Some(queue) = queue {
                queue.stop().await;
            }
        };
        tokio::join!(queue, door.stop(true));
    };
    tokio::select! {
        () = doors => {}
        signal = signals.next() => tracing::warn!(signal, "not waiting for clients any longer"),
    }
    end?;
    if let Some(publisher) = publisher {
        publisher.stop().await;
    }
    stop(engine).await;
    Ok(())
}

fn print_document() -> ExitCode {
    let mut out = io::stdout().lock();
    let written = out.write_all(&openapi::text());
    match written.and_then(|()| writeln!(out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Tells whoever started the process that it serves. Nobody may be listening.
fn ready(url: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "ready {url}").and_then(|()| out.flush());
}

async fn stop(engine: Engine) {
    if let Some(figures) = engine.shut_down().await {
        ops::log_turns(&figures);
    }
    tracing::info!("stopped");
}
