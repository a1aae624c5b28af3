//! What can be said on the command line of the feed of events.

use jifen_engine::feed::Begin;

/// Which events go to the message queue.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Message queue")]
pub struct FeedArgs {
    /// Which events are published on jifen.events.<kind>, with --mq, where none were before; else it goes on where it was.
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = MqEvents::Start)]
    pub mq_events: MqEvents,
}

/// Which events are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum MqEvents {
    /// All that there are.
    Start,
    /// Those that come from now on.
    Now,
    /// None.
    Off,
}

impl MqEvents {
    /// Where to begin; `None` if nothing is to be published.
    #[must_use]
    pub const fn begin(self) -> Option<Begin> {
        match self {
            Self::Start => Some(Begin::Start),
            Self::Now => Some(Begin::Now),
            Self::Off => None,
        }
    }
}
