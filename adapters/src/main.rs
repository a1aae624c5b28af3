//! The `jifen` binary: how the rooms are put together.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use jifen_adapters::{
    file,
    http::{self, State},
    ops::{self, Failure, ServeArgs, ServedKeys, Signals, control::Control},
};
use jifen_engine::{DataDirectory, Engine, Options};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Jifen, a clearing engine for loyalty points.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Jifen {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(ServeArgs),
    Import(file::ImportArgs),
    Keys(ops::keys::KeysArgs),
    Journal(ops::journal::JournalArgs),
    Backup(ops::backup::BackupArgs),
    Restore(ops::backup::RestoreArgs),
    Doctor(ops::DoctorArgs),
}

fn main() -> ExitCode {
    let jifen = Jifen::parse();
    ops::log_to_stderr();
    match jifen.command {
        Command::Serve(args) => match actix_rt::System::new().block_on(serve(args)) {
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
    }
}

async fn serve(args: ServeArgs) -> Result<(), Failure> {
    let settings = args.settings()?;
    let (rules, point_type) = args.rules.rules()?;
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
    let state = State {
        engine: engine.clone(),
        keys: keys.ring(),
        point_type,
    };
    let bound = http::bind(settings, state);
    let (server, address) = bound.map_err(|error| Failure::Listen(settings.listen, error))?;
    let door = server.handle();
    let mut serving = actix_rt::spawn(server);
    keys.tell(address);
    let _watch = keys.watch();
    let _control = Control::listen(&args.data, &engine, &rules);
    ready(address);
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
    tokio::select! {
        () = door.stop(true) => {}
        signal = signals.next() => tracing::warn!(signal, "not waiting for clients any longer"),
    }
    end?;
    stop(engine).await;
    Ok(())
}

/// Tells whoever started the process that it serves. Nobody may be listening.
fn ready(address: std::net::SocketAddr) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "ready http://{address}").and_then(|()| out.flush());
}

async fn stop(engine: Engine) {
    if let Some(figures) = engine.shut_down().await {
        ops::log_turns(&figures);
    }
    tracing::info!("stopped");
}
