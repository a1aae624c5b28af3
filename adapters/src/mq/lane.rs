//! A lane: one sender's commands on their way from the queue to their answers, in four stages that work at the same time.
//!
//! | stage | takes | waits for |
//! |---|---|---|
//! | take | messages, as many as the hand has room for | the server |
//! | decide | chunks: decoded, judged, posted to the shards | shards that are full |
//! | tell | posted chunks: answers and dead letters published | durability |
//! | settle | published chunks: acknowledged | the server's word that it has what was published |
//!
//! Each stage works in order, so that commands get their first look in the order of the stream, and answers come in that
//! order. A lane that fails begins anew: its consumer is made again, and delivers, in order, all that was not acknowledged.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Client,
    jetstream::{
        AckKind,
        consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull},
        stream::Stream,
    },
};
use jifen_engine::{Engine, ledger::PointType};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{
    connect::whole,
    decide::{Decided, Decider},
    hand::{ACK_PENDING, Chunk, Hand},
    names,
    standing::Standing,
    take::Taker,
    tell::{Published, Teller},
};
use crate::{access::Keyring, metrics::DoorMeters};

/// How long the server keeps the consumer of a lane that is gone.
const CONSUMER_KEPT: Duration = Duration::from_secs(24 * 3_600);

/// What all lanes work with.
pub struct Desk {
    /// Decides and remembers.
    pub engine: Engine,
    /// Who goes by which name.
    pub keys: Arc<Keyring>,
    /// The kind of points that commands mean if they name none.
    pub point_type: PointType,
    /// What is counted of commands.
    pub meters: Arc<DoorMeters>,
    /// How the queue stands.
    pub standing: Arc<Standing>,
    /// How many times what may succeed later is tried again.
    pub retries: u32,
    /// How long the server waits for a word about a message before it delivers it again.
    pub ack_wait: Duration,
}

/// Why a lane ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum LaneError {
    /// The server, or the way to it.
    #[error("{0}")]
    Server(String),
    /// The engine tells nobody any more what becomes of commands.
    #[error("the engine is stopping")]
    Engine,
}

impl LaneError {
    pub(super) fn server(error: &dyn std::error::Error) -> Self {
        Self::Server(whole(error))
    }
}

/// One sender's commands.
pub(super) struct Lane {
    pub(super) desk: Arc<Desk>,
    pub(super) client: Client,
    pub(super) commands: Stream,
    /// Tells one making of the stream from another, whose sequences begin at 1 again.
    pub(super) stream_made: i64,
    /// As the subject says it.
    pub(super) sender: String,
    pub(super) stop: watch::Receiver<bool>,
}

impl Lane {
    /// Works until told to stop; then what is in hand is finished.
    pub(super) async fn run(self) -> Result<(), LaneError> {
        let consumer = self.consumer().await?;
        let hand = Hand::new(Arc::clone(&self.desk.standing));
        let (took, to_decide) = mpsc::unbounded_channel();
        let (decided, to_tell) = mpsc::unbounded_channel();
        let (told, to_settle) = mpsc::unbounded_channel();
        let taker = Taker::new(consumer, &self.client, Arc::clone(&hand), self.stop.clone());
        let decider = Decider::new(Arc::clone(&self.desk), &self.sender);
        let teller = Teller::new(
            Arc::clone(&self.desk),
            self.client.clone(),
            self.stream_made,
            &self.sender,
        );
        // Dropped with this future, they end at once.
        let mut stages = JoinSet::new();
        let taker = taker.await?;
        stages.spawn(async move { taker.run(took).await });
        stages.spawn(decide(decider, to_decide, decided));
        stages.spawn(tell(teller, to_tell, told));
        stages.spawn(settle(self.client.clone(), to_settle));
        let mut stages_left = stages.len();
        let speaking = hand.speak_for_all(self.client.clone(), self.desk.ack_wait);
        stages.spawn(async move {
            let spoken = speaking.await;
            spoken.map_err(|error| LaneError::server(&error))
        });
        while let Some(ended) = stages.join_next().await {
            ended.map_err(|error| LaneError::server(&error))??;
            stages_left -= 1;
            if stages_left == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Makes the consumer, anew if there is one: so whatever was not acknowledged is delivered at once and in order.
    async fn consumer(&self) -> Result<PullConsumer, LaneError> {
        let name = names::consumer(&self.sender);
        // There may be none.
        let _ = self.commands.delete_consumer(&name).await;
        let wanted = pull::Config {
            durable_name: Some(name),
            description: Some(format!("Jifen takes the commands of {}", self.sender)),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.desk.ack_wait,
            max_ack_pending: ACK_PENDING,
            filter_subject: format!("{}{}", names::COMMANDS_SUBJECT, self.sender),
            inactive_threshold: CONSUMER_KEPT,
            ..pull::Config::default()
        };
        let made = self.commands.create_consumer(wanted).await;
        made.map_err(|error| LaneError::server(&error))
    }
}

async fn decide(
    mut decider: Decider,
    mut chunks: mpsc::UnboundedReceiver<Arc<Chunk>>,
    to: mpsc::UnboundedSender<Decided>,
) -> Result<(), LaneError> {
    while let Some(chunk) = chunks.recv().await {
        let decided = decider.decide(chunk).await?;
        // Whoever listens has failed, and says why.
        let _ = to.send(decided);
    }
    Ok(())
}

async fn tell(
    teller: Teller,
    mut decided: mpsc::UnboundedReceiver<Decided>,
    to: mpsc::UnboundedSender<Published>,
) -> Result<(), LaneError> {
    while let Some(decided) = decided.recv().await {
        let _ = to.send(teller.tell(decided).await?);
    }
    Ok(())
}

/// Acknowledges what is done, once the server has all that was to be told of it.
async fn settle(
    client: Client,
    mut published: mpsc::UnboundedReceiver<Published>,
) -> Result<(), LaneError> {
    while let Some(Published { chunk, words, done }) = published.recv().await {
        for word in words {
            word.await.map_err(|error| LaneError::server(&error))?;
        }
        for place in done {
            let acknowledged = chunk.messages[place].tell(&client, AckKind::Ack).await;
            acknowledged.map_err(|error| LaneError::server(&error))?;
        }
    }
    Ok(())
}
