//! Every metric, once: what it is called, what it means, what to do when it looks bad, and where it is read.

use std::fmt;

use jifen_engine::meters::{ShardGauges, Stage};

use super::exposition::{Samples, Scene};
use Kind::{Counter, Gauge, Histogram};

/// What sort of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from 0 at the start of the process.
    Counter,
    /// How something stands.
    Gauge,
    /// How something is distributed.
    Histogram,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Reads a metric.
pub(super) type Read = fn(&Scene, &mut Samples<'_>) -> fmt::Result;

/// A metric.
pub struct Metric {
    /// Its name without its unit and without what counters end in.
    pub(super) family: &'static str,
    /// What sort of number it is.
    pub kind: Kind,
    /// What it is counted in, if not in things.
    pub unit: Option<&'static str>,
    /// What tells its values apart.
    pub labels: &'static [&'static str],
    /// What it means.
    pub meaning: &'static str,
    /// What to do when it looks bad.
    pub advice: &'static str,
    pub(super) read: Read,
}

impl Metric {
    /// As it is called in queries; a histogram's parts end in `_bucket`, `_sum` and `_count` in addition.
    #[must_use]
    pub fn name(&self) -> String {
        let unit = self.unit.map(|unit| format!("_{unit}")).unwrap_or_default();
        let total = match self.kind {
            Counter => "_total",
            Gauge | Histogram => "",
        };
        format!("{}{unit}{total}", self.family)
    }
}

const NO_LABELS: &[&str] = &[];

const fn metric(
    kind: Kind,
    family: &'static str,
    unit: Option<&'static str>,
    labels: &'static [&'static str],
    [meaning, advice]: [&'static str; 2],
    read: Read,
) -> Metric {
    Metric {
        family,
        kind,
        unit,
        labels,
        meaning,
        advice,
        read,
    }
}

const SECONDS: Option<&str> = Some("seconds");
const BYTES: Option<&str> = Some("bytes");

/// Every metric, in the order in which they are shown.
#[rustfmt::skip]
pub static METRICS: &[Metric] = &[
    // Commands and requests.
    metric(Counter, "jifen_commands", None, &["door", "type", "code"], [
        "Commands that were answered, by the door they came in by (single, array, lines, queue), their type, and the code of the answer; accepted if there is none",
        "A rise of one code tells what is wrong: overloaded and unavailable are the server's, most others the client's. Compare with the principal's own log.",
    ], |scene, to| scene.door.each_command().try_for_each(|(labels, count)| to.of(labels, count))),
    metric(Counter, "jifen_replays", None, &["door", "type"], [
        "Commands among them that had been answered before and heard the same again",
        "Clients that retry much have timeouts that are too short, or lose answers on the way.",
    ], |scene, to| scene.door.each_replay().try_for_each(|(labels, count)| to.of(labels, count))),
    metric(Counter, "jifen_http_requests", None, &["status"], [
        "HTTP requests that were answered, by status; a stream counts when its answer begins",
        "500 must not occur: report it with the log around it. 401 in numbers is a revoked key or somebody trying.",
    ], |scene, to| scene.door.each_status().try_for_each(|(status, count)| to.of([&status.to_string()], count))),
    metric(Histogram, "jifen_http_request", SECONDS, NO_LABELS, [
        "Time from the head of a request until its answer begins",
        "Look which of the stages of jifen_stage_seconds has grown. If none has, it is the clients' bodies or the threads of the door: see --workers.",
    ], |scene, to| to.distribution(&scene.door.requests())),
    metric(Counter, "jifen_rate_limited", None, &["door"], [
        "Refused since the principal asks for more than its rate allows: whole requests, and lines of streams",
        "`jifen keys list` shows who has which limit; raise it with `jifen keys limit`, or talk to the principal.",
    ], |scene, to| {
        to.of(["request"], scene.door.status(429))?;
        to.of(["lines"], scene.door.limited_lines())
    }),
    metric(Gauge, "jifen_connections", None, NO_LABELS, [
        "Connections that are open",
        "Near the cap new ones are refused: look for clients that open one for each request.",
    ], |scene, to| to.one(scene.connections)),
    // The feed of events.
    metric(Gauge, "jifen_event_streams", None, NO_LABELS, [
        "Streams of events that are open over HTTP",
        "Each principal may have 32: clients that open one for each question should ask for what they want in one.",
    ], |scene, to| to.one(scene.streams.open)),
    metric(Counter, "jifen_event_streams_cut", None, NO_LABELS, [
        "Streams that were ended by the server: it stops, the key was revoked, or what comes next was deleted",
        "Clients go on with the last id they have. A client that does not read is cut off without being counted here.",
    ], |scene, to| to.one(scene.streams.cut)),
    metric(Counter, "jifen_events_streamed", None, NO_LABELS, [
        "Events that were sent over HTTP, over all streams",
        "Much more than what is decided times the streams: clients begin again and again instead of going on.",
    ], |scene, to| to.one(scene.streams.sent)),
    // The message queue.
    metric(Gauge, "jifen_queue_connected", None, NO_LABELS, [
        "1 while commands are taken out of the message queue; 0 if it is away, or if there is none",
        "The log and /health/ready tell why. Nothing is lost: what is in the queue waits there.",
    ], |scene, to| to.one(u64::from(scene.queue.connected))),
    metric(Gauge, "jifen_queue_pending", None, NO_LABELS, [
        "Messages in the queue that wait to be taken",
        "It grows when more comes in than is decided: look whether jifen_gate_inside is near jifen_gate_limit, and at the disk.",
    ], |scene, to| to.one(scene.queue.pending)),
    metric(Gauge, "jifen_queue_in_flight", None, NO_LABELS, [
        "Messages that were taken and are not acknowledged",
        "At most 2048 for each principal. If it stays there, the shards are full, or the server is slow to store answers.",
    ], |scene, to| to.one(scene.queue.in_flight)),
    metric(Gauge, "jifen_queue_lag_messages", None, NO_LABELS, [
        "Messages in the queue that are not done, taken or not",
        "The same as jifen_queue_pending, with what is in hand and what waits to be tried again.",
    ], |scene, to| to.one(scene.queue.lag_messages)),
    metric(Gauge, "jifen_queue_lag", SECONDS, NO_LABELS, [
        "How long ago the oldest message was published that is not done; 0 if all is done",
        "If jifen_queue_pending is small, it is one that is tried again and again: see jifen_queue_retries_total.",
    ], |scene, to| to.one(scene.queue.lag_seconds)),
    metric(Counter, "jifen_queue_messages", None, NO_LABELS, [
        "Messages that were taken out of the queue, each delivery counted",
        "If it stands still while jifen_queue_pending is above 0, the log tells why.",
    ], |scene, to| to.one(scene.queue.taken)),
    metric(Counter, "jifen_queue_redelivered", None, NO_LABELS, [
        "Messages among them that had been delivered before",
        "Apart from jifen_queue_retries_total it rises only when a connection broke; their commands are recognised and not done twice.",
    ], |scene, to| to.one(scene.queue.redelivered)),
    metric(Counter, "jifen_queue_retries", None, NO_LABELS, [
        "Messages that were put back to be tried again later: a member is not enrolled yet, or something was busy",
        "Merchants that earn before they enrol; after --mq-retries the message is dead.",
    ], |scene, to| to.one(scene.queue.retried)),
    metric(Gauge, "jifen_queue_waiting", None, NO_LABELS, [
        "Messages that were put back and wait to be tried again, of all senders",
        "They come again by themselves, after 250 ms at first and 30 s at last: jifen_queue_lag_seconds is of them while they wait.",
    ], |scene, to| to.one(scene.queue.waiting)),
    metric(Gauge, "jifen_queue_waiting_most", None, NO_LABELS, [
        "The same of the sender of whom most wait",
        "At 4096 the broker delivers nothing new of that sender until they were tried: the log tells who it is, and jifen_commands_total why by code. Enrol the members, or lower --mq-retries.",
    ], |scene, to| to.one(scene.queue.waiting_most)),
    metric(Counter, "jifen_queue_dead", None, NO_LABELS, [
        "Messages that could not be processed and went to jifen.dead",
        "Look at them with `nats stream view JIFEN_DEAD`: the header Jifen-Reason tells why, and Jifen-Sequence which it was.",
    ], |scene, to| to.one(scene.queue.dead)),
    metric(Gauge, "jifen_publishing", None, NO_LABELS, [
        "1 while events are published to the message queue; 0 if it is away, or if there is none",
        "The log tells why. Nothing is lost: what is decided meanwhile is published later.",
    ], |scene, to| to.one(u64::from(scene.publishing.connected))),
    metric(Counter, "jifen_events_published", None, NO_LABELS, [
        "Events that are in the stream of the message queue",
        "Compare with jifen_publishing_lag_entries.",
    ], |scene, to| to.one(scene.publishing.published)),
    metric(Gauge, "jifen_publishing_lag_entries", None, NO_LABELS, [
        "Entries that are durable and were not looked at for events yet",
        "It grows at peak and falls afterwards. If it only grows, the message queue is too slow.",
    ], |scene, to| to.one(scene.publishing.lag_entries)),
    metric(Gauge, "jifen_publishing_lag", SECONDS, NO_LABELS, [
        "How long ago the last entry was decided that was looked at for events; 0 if none is behind it",
        "The same as jifen_publishing_lag_entries, as whoever follows the events sees it.",
    ], |scene, to| to.one(scene.publishing.lag_seconds)),
    // The way of a command.
    metric(Histogram, "jifen_stage", SECONDS, &["stage"], [
        "Time that commands spend in each stage: queued until their shard looks at them, decided, durable, replied when the door has the answer; each command of a batch counts",
        "queued: the shards are busy, see jifen_gate_inside. decided: old records are read, see jifen_parked_commands. durable: the disk, see jifen_sync_seconds. replied: the threads of the door are busy.",
    ], |scene, to| Stage::ALL.into_iter().try_for_each(|stage| {
        to.distribution_of([stage.name()], &scene.engine.meters().stage(stage))
    })),
    metric(Gauge, "jifen_gate_inside", None, &["shard"], [
        "Commands and reads on their way through a shard",
        "One shard far above the others has a member at peak. All near jifen_gate_limit: the server is at its limit.",
    ], |scene, to| each_shard(scene, to, |shard| shard.gate.inside)),
    metric(Gauge, "jifen_gate_limit", None, NO_LABELS, [
        "How many may be on their way through a shard; more are refused with overloaded",
        "It is set by the process, and does not change.",
    ], |scene, to| to.one(scene.gauges.shards.first().map_or(0, |shard| shard.gate.most))),
    metric(Counter, "jifen_gate_passes", None, &["shard"], [
        "Commands and reads that a shard's gate let in",
        "Shards that differ much have members that differ much; it does not even out by itself.",
    ], |scene, to| each_shard(scene, to, |shard| shard.gate.entered)),
    metric(Counter, "jifen_gate_refusals", None, &["shard"], [
        "Commands and reads that a shard's gate did not let in, since too many were inside",
        "Clients hear overloaded and try again. If it lasts, spread the load over time, or use batches.",
    ], |scene, to| each_shard(scene, to, |shard| shard.gate.refused)),
    metric(Counter, "jifen_admission_refusals", None, &["reason"], [
        "Commands that were let in nowhere: disk (nearly full), old_records (too many wait to be written)",
        "disk: free some space, see jifen_disk_free_bytes. old_records: the disk is too slow for the load, see jifen_past_unwritten_bytes.",
    ], |scene, to| {
        let meters = scene.engine.meters();
        to.of(["disk"], meters.refused_for_disk.get())?;
        to.of(["old_records"], meters.refused_for_old_records.get())
    }),
    metric(Gauge, "jifen_parked_commands", None, NO_LABELS, [
        "Commands that wait for an old record to be read, or behind one that does",
        "Many retries of old requests or reversals of old spends; if it does not fall, the disk is slow to read.",
    ], |scene, to| to.one(sum(scene, |shard| shard.parked))),
    // Turns.
    metric(Counter, "jifen_turns", None, NO_LABELS, [
        "Turns of the committer: each makes everything durable that has gathered",
        "If it stands still while commands come in, the disk hangs.",
    ], |scene, to| to.one(scene.engine.meters().turns.durable.read().count())),
    metric(Histogram, "jifen_turn_entries", None, NO_LABELS, [
        "Entries per turn",
        "Large turns are the sign of a busy server, and how it keeps up.",
    ], |scene, to| to.distribution(&scene.engine.meters().turns.entries.read())),
    metric(Histogram, "jifen_turn", BYTES, NO_LABELS, [
        "Bytes per turn, as they are journaled",
        "At most 768 KiB: at that size the disk is the bottleneck.",
    ], |scene, to| to.distribution(&scene.engine.meters().turns.bytes.read())),
    metric(Histogram, "jifen_turn", SECONDS, NO_LABELS, [
        "Time from handing a turn to the journal until it is durable",
        "Every answer waits for it. Compare with jifen_sync_seconds: what is beyond that is the journal's own work.",
    ], |scene, to| to.distribution(&scene.engine.meters().turns.durable.read())),
    metric(Histogram, "jifen_sync", SECONDS, NO_LABELS, [
        "Time that the device took for its sync, once per turn",
        "A slow or shared disk, or one without a cache that survives a power failure. `jifen doctor` measures it.",
    ], |scene, to| to.distribution(&scene.engine.meters().turns.syncs.read())),
    metric(Gauge, "jifen_journal_turn", None, NO_LABELS, [
        "The number of the last durable turn, since the directory was made",
        "It never goes back; after a restart it goes on where it was.",
    ], |scene, to| to.one(scene.gauges.durable_turn)),
    metric(Gauge, "jifen_journal_epoch", BYTES, NO_LABELS, [
        "Bytes of the epoch that is written: about what a start would have to replay",
        "Far above the length of an epoch: no checkpoint is completed, see jifen_checkpoint_failures_total.",
    ], |scene, to| to.one(scene.gauges.epoch_bytes)),
    // Checkpoints and the view.
    metric(Histogram, "jifen_checkpoint", SECONDS, NO_LABELS, [
        "Time that checkpoints took which were completed",
        "Longer than the time between two of them: the disk or the processors have no time left.",
    ], |scene, to| to.distribution(&scene.engine.meters().checkpoints.took.read())),
    metric(Gauge, "jifen_checkpoint_timestamp", SECONDS, NO_LABELS, [
        "When the newest checkpoint was completed, in seconds since 1970; 0 if there is none. Its age is time() less this",
        "An old one is no harm while jifen_journal_epoch_bytes is small: it only makes the next start longer.",
    ], |scene, to| {
        let at = scene.engine.meters().checkpoints.completed_at();
        to.one(at.map_or(0.0, |at| at.0 as f64 / 1_000.0))
    }),
    metric(Counter, "jifen_checkpoint_failures", None, NO_LABELS, [
        "Checkpoints that could not be completed",
        "The log tells why, mostly a full disk. Nothing is lost, the journal has everything; it is tried again.",
    ], |scene, to| to.one(scene.engine.meters().checkpoints.failed.get())),
    metric(Gauge, "jifen_view_lag_turns", None, NO_LABELS, [
        "Turns that are durable and that statements do not show yet",
        "It grows at peak and falls afterwards. If it only grows, the log tells why the view does not go on.",
    ], |scene, to| to.one(scene.gauges.view.map_or(0, |view| view.lag_turns))),
    metric(Gauge, "jifen_view_lag", SECONDS, NO_LABELS, [
        "How old the last entry is that statements show; 0 if they show everything",
        "The same as jifen_view_lag_turns, as a client sees it.",
    ], |scene, to| to.one(scene.gauges.view.map_or(0.0, |view| view.lag_millis as f64 / 1_000.0))),
    metric(Gauge, "jifen_view_entries", None, NO_LABELS, [
        "Entries that statements are made from",
        "It falls to 0 when the view is built again, and grows until it has caught up.",
    ], |scene, to| to.one(scene.gauges.view.map_or(0, |view| view.entries))),
    metric(Counter, "jifen_view_rebuilds", None, NO_LABELS, [
        "How often the view was removed and built again",
        "The log tells why. More than once: check the disk, with `jifen doctor`.",
    ], |scene, to| to.one(scene.gauges.view.map_or(0, |view| view.rebuilt))),
    // Disk and memory.
    metric(Gauge, "jifen_disk_free", BYTES, NO_LABELS, [
        "Room on the data directory's disk; NaN if the system does not tell",
        "Below jifen_disk_reserve_bytes commands are refused: free some space, or enlarge the disk.",
    ], |scene, to| to.one(scene.gauges.disk.free_bytes.map_or(f64::NAN, |bytes| bytes as f64))),
    metric(Gauge, "jifen_disk_reserve", BYTES, NO_LABELS, [
        "Room that must stay free; see --disk-reserve",
        "Lower it only to win time.",
    ], |scene, to| to.one(scene.gauges.disk.reserve_bytes)),
    metric(Gauge, "jifen_disk_short", None, NO_LABELS, [
        "1 while commands are refused since the disk is nearly full, otherwise 0",
        "Free some space, or enlarge the disk; commands are taken again by themselves.",
    ], |scene, to| to.one(u64::from(scene.gauges.disk.is_short))),
    metric(Gauge, "jifen_past_unwritten", BYTES, NO_LABELS, [
        "Old records that left memory and wait to be written to disk",
        "If it stays high, the disk does not keep up, and commands will be refused with overloaded.",
    ], |scene, to| to.one(scene.gauges.past_unwritten_bytes)),
    metric(Gauge, "jifen_members", None, NO_LABELS, [
        "Members in memory",
        "Each takes some hundred bytes: reckon with it before the machine is full.",
    ], |scene, to| to.one(sum(scene, |shard| shard.footprint.members))),
    metric(Gauge, "jifen_holds", None, NO_LABELS, [
        "Holds in memory: those that are open, and those that ended and are remembered",
        "If it only grows, a client makes holds and leaves them to expire.",
    ], |scene, to| to.one(sum(scene, |shard| shard.footprint.holds))),
    metric(Gauge, "jifen_requests_remembered", None, NO_LABELS, [
        "Requests whose answers are remembered, in memory and on disk",
        "It levels off when the oldest are older than they are kept.",
    ], |scene, to| to.one(sum(scene, |shard| shard.footprint.requests))),
    metric(Gauge, "jifen_request_memory", BYTES, NO_LABELS, [
        "Answers that are remembered in memory",
        "It is bounded; older ones are on disk.",
    ], |scene, to| to.one(sum(scene, |shard| shard.footprint.request_bytes))),
    metric(Gauge, "process_resident_memory", BYTES, NO_LABELS, [
        "Memory that the process takes, with what its allocator holds ready; NaN where the system does not tell",
        "Compare with jifen_members and jifen_request_memory_bytes; if those do not grow and this does, report it.",
    ], |scene, to| to.one(scene.process.resident_bytes.map_or(f64::NAN, |bytes| bytes as f64))),
    metric(Counter, "process_cpu", SECONDS, NO_LABELS, [
        "Time on all processors since the process started",
        "Its rate near the number of cores: the server has no more to give.",
    ], |scene, to| to.one(scene.process.cpu_seconds.unwrap_or_default())),
    metric(Gauge, "process_open_fds", None, NO_LABELS, [
        "Files and connections that are open; NaN where the system does not tell",
        "Near the system's limit for a process: raise it, see `ulimit -n`.",
    ], |scene, to| to.one(scene.process.open_files.map_or(f64::NAN, |count| count as f64))),
    metric(Gauge, "jifen_build_info", None, &["version"], [
        "Always 1; which version runs",
        "Nodes that differ are in the middle of an update.",
    ], |_, to| to.of([env!("CARGO_PKG_VERSION")], 1)),
];

fn each_shard(
    scene: &Scene,
    to: &mut Samples<'_>,
    value: impl Fn(&ShardGauges) -> u64,
) -> fmt::Result {
    let shards = scene.gauges.shards.iter().enumerate();
    shards
        .map(|(shard, gauges)| (shard.to_string(), value(gauges)))
        .try_for_each(|(shard, value)| to.of([&shard], value))
}

fn sum(scene: &Scene, value: impl Fn(&ShardGauges) -> u64) -> u64 {
    scene.gauges.shards.iter().map(value).sum()
}
