//! `jifen import`: a file of commands, each line exactly once.
//!
//! A thread reads and decodes lines; the engine, in this process, judges a few chunks of them at a time; what is not
//! accepted goes into a report. Nothing is remembered beside the journal: an import that is run again sends every line
//! again, and the engine recognises by the request ids what it has answered.
//!
//! | where | what |
//! |---|---|
//! | `args`, `name` | what can be said on the command line; what an import and its lines are called |
//! | `source`, `ndjson`, `csv_rows`, `chunk` | from bytes to decoded lines |
//! | `flow` | through the engine, in order, with bounded memory |
//! | `tally`, `summary`, `report` | what became of the lines |
//! | `merchants` | `--merchant` |
//! | `progress`, `advice`, `error` | what people see meanwhile, and when it goes wrong |

mod advice;
mod args;
mod chunk;
mod csv_rows;
mod error;
mod flow;
mod merchants;
mod name;
mod ndjson;
mod progress;
mod report;
mod source;
mod summary;
mod tally;

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use jifen_engine::{
    DataDirectory, Engine, OpenError, Options, Stopwatch, journal::JournalError, ledger::Rules,
};
use serde::Serialize;
use tokio::sync::oneshot;

use crate::ops::{self, Failure, Signals};

pub use args::{Format, ImportArgs, MerchantArg};
pub use chunk::Defaults;
pub use error::ImportError;
pub use flow::{End, Finished, Import, Pace};
pub use merchants::put_merchants;
pub use name::ImportName;
pub use progress::Progress;
pub use source::Source;
pub use summary::Summary;
pub(crate) use summary::grouped;

/// Imports a file, and says what became of it. Blocks until that is done; to be called on a thread without a runtime.
#[must_use]
pub fn run(args: ImportArgs) -> ExitCode {
    let prepared = Prepared::new(args);
    let done = prepared.and_then(|prepared| actix_rt::System::new().block_on(prepared.import()));
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        error.exit_code()
    })
}

/// An import whose file is open and whose names are known, before the data directory is touched.
struct Prepared {
    args: ImportArgs,
    name: ImportName,
    source: Source,
    report: PathBuf,
    rules: Rules,
}

impl Prepared {
    fn new(args: ImportArgs) -> Result<Self, ImportError> {
        let name = name(&args)?;
        let (rules, point_type) = args.rules.rules()?;
        let defaults = Defaults {
            name: name.clone(),
            kind: args.kind,
            point_type,
        };
        let source = Source::open(&args.file, args.format, defaults)?;
        let report = report_path(&args, &name);
        if is_same_file(&report, &args.file) {
            return Err(ImportError::usage("--report: is the file to be imported"));
        }
        Ok(Self {
            args,
            name,
            source,
            report,
            rules,
        })
    }

    async fn import(self) -> Result<ExitCode, ImportError> {
        // From the beginning: who stops a long replay does not want the import behind it either.
        let stop = stopped()?;
        let options = Options {
            rules: self.rules.clone(),
            limits: self.args.disk.limits(),
            ..Options::default()
        };
        let pace = Pace::within(&options.limits);
        let engine = open(&self.args, &self.name, self.source.format(), options)?;
        let done = self.import_into(&engine, pace, stop).await;
        if let Some(turns) = engine.shut_down().await {
            tracing::debug!(turns = turns.turns(), "the journal is closed");
        }
        done
    }

    async fn import_into(
        self,
        engine: &Engine,
        pace: Pace,
        stop: impl Future<Output = ()>,
    ) -> Result<ExitCode, ImportError> {
        put_merchants(engine, &self.name, &self.args.merchants).await?;
        let progress = Progress::on_terminal(self.source.bytes());
        let watch = Stopwatch::start();
        let import = Import {
            source: self.source,
            report: self.report,
            pace,
        };
        let finished = import.run(engine, stop, &progress).await?;
        progress.clear();
        say(&finished, &self.args, &self.name, watch)
            .map_err(|error| ImportError::System("print the summary".to_owned(), error))?;
        match finished.end {
            End::Complete if self.args.strict && finished.summary.not_accepted() > 0 => {
                Ok(ExitCode::FAILURE)
            }
            End::Complete => Ok(ExitCode::SUCCESS),
            End::Interrupted => {
                eprintln!("{}", advice::INTERRUPTED);
                Ok(ExitCode::FAILURE)
            }
            End::Failed(error) => Err(error),
        }
    }
}

fn name(args: &ImportArgs) -> Result<ImportName, ImportError> {
    match &args.name {
        Some(name) => Ok(name.clone()),
        None if is_standard_input(&args.file) => Err(ImportError::usage(
            "standard input has no name: say with --name what the import is called",
        )),
        None => ImportName::of_file(&args.file).map_err(|error| {
            ImportError::usage(format!("{}: the name {error}", args.file.display()))
        }),
    }
}

fn report_path(args: &ImportArgs, name: &ImportName) -> PathBuf {
    args.report.clone().unwrap_or_else(|| {
        let mut path = if is_standard_input(&args.file) {
            name.as_str().into()
        } else {
            args.file.clone().into_os_string()
        };
        path.push(".refused.ndjson");
        path.into()
    })
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

fn open(
    args: &ImportArgs,
    name: &ImportName,
    format: Format,
    options: Options,
) -> Result<Engine, ImportError> {
    let directory = DataDirectory::lock(&args.data).map_err(|error| match error {
        OpenError::Journal(JournalError::InUse(data)) => {
            ImportError::InUse(advice::directory_in_use(&data, &args.file, format, name))
        }
        other => Failure::from(other).into(),
    })?;
    let opened = directory.open(options).map_err(Failure::from)?;
    ops::log_recovery(&opened);
    Ok(opened.engine)
}

/// Ready when the process is told to stop. Told again, it stops at once.
fn stopped() -> Result<impl Future<Output = ()>, ImportError> {
    let mut signals = Signals::listen()?;
    let (stop, stopped) = oneshot::channel();
    actix_rt::spawn(async move {
        signals.next().await;
        // Nobody listens when the import is over.
        let _ = stop.send(());
        signals.next().await;
        // What is durable stays so; what is not was not answered.
        std::process::exit(1);
    });
    Ok(async {
        let _ = stopped.await;
    })
}

/// The summary on standard output, for people or for machines. On standard error nothing is left of a bar; without
/// one there is a log line instead.
fn say(
    finished: &Finished,
    args: &ImportArgs,
    name: &ImportName,
    watch: Stopwatch,
) -> io::Result<()> {
    let Finished {
        summary,
        report,
        end,
    } = finished;
    let millis = watch.micros() / 1_000;
    let mut out = io::stdout().lock();
    if args.json {
        let told = Told {
            name: name.as_str(),
            complete: matches!(end, End::Complete),
            summary,
            report: report.as_deref(),
            millis,
        };
        serde_json::to_writer(&mut out, &told)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{}", summary.table())?;
        if let Some(report) = report {
            writeln!(out, "what was not accepted, and why: {}", report.display())?;
        }
    }
    out.flush()?;
    if !io::stderr().is_terminal() {
        let (lines, accepted) = (summary.lines, summary.accepted);
        let (already_applied, not_accepted) = (summary.already_applied, summary.not_accepted());
        let name = name.as_str();
        tracing::info!(
            name,
            lines,
            accepted,
            already_applied,
            not_accepted,
            millis,
            "imported"
        );
    }
    Ok(())
}

/// The summary for machines.
#[derive(Serialize)]
struct Told<'a> {
    name: &'a str,
    /// Whether every line of the file was judged.
    complete: bool,
    #[serde(flatten)]
    summary: &'a Summary,
    report: Option<&'a Path>,
    millis: u64,
}
