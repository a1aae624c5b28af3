//! The table as text or protobuf for Prometheus.

use std::{fmt, sync::Arc};

use jifen_engine::{
    Engine,
    meters::{Distribution, Gauges, SCHEMA, Scale},
};
use prometheus_client::{
    collector::Collector,
    encoding::{
        DescriptorEncoder, EncodeLabelSet, MetricEncoder, NativeHistogram, NativeHistogramBuckets,
        NoLabelSet, prometheus_protobuf, text,
    },
    metrics::MetricType,
    registry::{Registry, Unit},
};

use crate::http::{Edge, StreamFigures};

use super::{
    catalogue::{Kind, METRICS, Metric},
    door::DoorMeters,
    process::Process,
};
use crate::mq::{Counts, PublishCounts, Publishing, Standing};

/// How metrics are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics as text: histograms have classic buckets.
    Text,
    /// Prometheus' own messages: histograms have classic and native buckets.
    Protobuf,
}

impl Format {
    /// What a client would rather have, by its `Accept` header: Prometheus names protobuf first if it takes native
    /// histograms. Text, if nothing is said.
    #[must_use]
    pub fn accepted(header: &str) -> Self {
        let quality = |range: &str| -> f32 {
            let quality = range.split(';').find_map(|part| {
                let quality = part.trim().strip_prefix("q=")?;
                quality.parse().ok()
            });
            quality.unwrap_or(1.0)
        };
        let mut best = (Self::Text, 0.0);
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let format = match parts.next() {
                Some("application/vnd.google.protobuf")
                    if parts.any(|part| part == "proto=io.prometheus.client.MetricFamily") =>
                {
                    Self::Protobuf
                }
                Some("application/openmetrics-text" | "text/plain" | "text/*" | "*/*") => {
                    Self::Text
                }
                _ => continue,
            };
            if quality(range) > best.1 {
                best = (format, quality(range));
            }
        }
        best.0
    }

    /// What the answer is called.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

/// Everything that metrics are read from, at one moment.
pub struct Scene {
    pub(super) engine: Engine,
    pub(super) door: Arc<DoorMeters>,
    pub(super) connections: u64,
    pub(super) streams: StreamFigures,
    pub(super) gauges: Gauges,
    /// What is known of the message queue; nothing of it if there is none.
    pub(super) queue: Counts,
    /// The same of the events that go there.
    pub(super) publishing: PublishCounts,
    pub(super) process: Process,
}

impl Scene {
    /// As it is now. Asks no shard and waits for nobody, so that it is told under any load.
    #[must_use]
    pub fn now(engine: &Engine, door: &Arc<DoorMeters>, edge: &Edge) -> Self {
        Self {
            engine: engine.clone(),
            door: Arc::clone(door),
            connections: edge.connections() as u64,
            streams: edge.streams(),
            gauges: engine.gauges(),
            queue: Counts::default(),
            publishing: PublishCounts::default(),
            process: Process::now(),
        }
    }

    /// With how far events are published there.
    #[must_use]
    pub fn with_publishing(self, publishing: Option<&Publishing>) -> Self {
        Self {
            publishing: publishing
                .map(|publishing| publishing.counts(self.engine.feed()))
                .unwrap_or_default(),
            ..self
        }
    }

    /// With how the message queue stands, if there is one.
    #[must_use]
    pub fn with_queue(self, queue: Option<&Standing>) -> Self {
        Self {
            queue: queue.map(Standing::counts).unwrap_or_default(),
            ..self
        }
    }

    /// Writes everything down.
    pub fn encode(self, format: Format) -> Result<Vec<u8>, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        match format {
            Format::Text => {
                let mut out = String::with_capacity(64 << 10);
                text::encode(&mut out, &registry)?;
                Ok(out.into_bytes())
            }
            Format::Protobuf => {
                prometheus_protobuf::encode_to_vec(&registry).map_err(|_| fmt::Error)
            }
        }
    }
}

impl fmt::Debug for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scene").field(&self.gauges).finish()
    }
}

impl Collector for Scene {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for metric in METRICS {
            let unit = metric.unit.map(unit);
            let family = encoder.encode_descriptor(
                metric.family,
                metric.meaning,
                unit.as_ref(),
                metric.kind.into(),
            )?;
            (metric.read)(self, &mut Samples { metric, family })?;
        }
        Ok(())
    }
}

fn unit(name: &'static str) -> Unit {
    match name {
        "seconds" => Unit::Seconds,
        "bytes" => Unit::Bytes,
        other => Unit::Other(other.to_owned()),
    }
}

impl From<Kind> for MetricType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Self::Counter,
            Kind::Gauge => Self::Gauge,
            Kind::Histogram => Self::Histogram,
        }
    }
}

/// Where the values of a metric are written.
pub(super) struct Samples<'a> {
    metric: &'static Metric,
    family: MetricEncoder<'a>,
}

impl Samples<'_> {
    /// The only value of a metric without labels.
    pub(super) fn one(&mut self, value: impl Into<Value>) -> fmt::Result {
        let value = value.into();
        let kind = self.metric.kind;
        value.encode(kind, &mut self.family)
    }

    /// A value for these labels, in the order in which the table names them.
    pub(super) fn of<const N: usize>(
        &mut self,
        labels: [&str; N],
        value: impl Into<Value>,
    ) -> fmt::Result {
        let named = Labels(self.metric.labels, &labels);
        let mut family = self.family.encode_family(&named)?;
        value.into().encode(self.metric.kind, &mut family)
    }

    /// A distribution without labels.
    pub(super) fn distribution(&mut self, distribution: &Distribution) -> fmt::Result {
        encode_histogram(distribution, &mut self.family)
    }

    /// A distribution for these labels.
    pub(super) fn distribution_of<const N: usize>(
        &mut self,
        labels: [&str; N],
        distribution: &Distribution,
    ) -> fmt::Result {
        let named = Labels(self.metric.labels, &labels);
        let mut family = self.family.encode_family(&named)?;
        encode_histogram(distribution, &mut family)
    }
}

/// Names of labels and their values.
struct Labels<'a>(&'static [&'static str], &'a [&'a str]);

impl EncodeLabelSet for Labels<'_> {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelSetEncoder<'_>,
    ) -> fmt::Result {
        let pairs = self.0.iter().copied().zip(self.1.iter().copied());
        let pairs: Vec<(&str, &str)> = pairs.collect();
        pairs.encode(encoder)
    }
}

/// A counter's or gauge's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Whole(u64),
    Real(f64),
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl Value {
    fn encode(self, kind: Kind, family: &mut MetricEncoder<'_>) -> fmt::Result {
        match (kind, self) {
            (Kind::Counter, Self::Whole(value)) => {
                family.encode_counter::<NoLabelSet, _, u64>(&value, None)
            }
            (Kind::Counter, Self::Real(value)) => {
                family.encode_counter::<NoLabelSet, _, f64>(&value, None)
            }
            (_, Self::Whole(value)) => family.encode_gauge(&(value as f64)),
            (_, Self::Real(value)) => family.encode_gauge(&value),
        }
    }
}

/// The classic bounds of a scale, as powers of two: fewer than the native ones, of which each is one.
fn classic(scale: Scale) -> Vec<i32> {
    match scale {
        // From 15 microseconds to 8 seconds.
        Scale::Seconds => (-16..=3).collect(),
        // From 1 to 16 million.
        Scale::Whole => (0..=24).step_by(2).collect(),
    }
}

fn encode_histogram(distribution: &Distribution, family: &mut MetricEncoder<'_>) -> fmt::Result {
    let mut below = 0;
    let mut buckets = Vec::new();
    for power in classic(distribution.scale()) {
        let at_most = distribution.at_most(power);
        buckets.push((2_f64.powi(power), at_most - below));
        below = at_most;
    }
    let count = distribution.count();
    buckets.push((f64::INFINITY, count - below));
    let (spans, deltas) = spans(distribution.native());
    let none = NativeHistogramBuckets {
        spans: &[],
        deltas: &[],
    };
    let native = NativeHistogram {
        schema: SCHEMA,
        zero_threshold: 2_f64.powi(distribution.scale().lowest()),
        zero_count: distribution.lowest(),
        negative: none,
        positive: NativeHistogramBuckets {
            spans: &spans,
            deltas: &deltas,
        },
        created: None,
    };
    family.encode_histogram_with_native::<NoLabelSet>(
        distribution.sum(),
        count,
        &buckets,
        None,
        native,
    )
}

/// Runs of buckets that are not empty, each told by how many are skipped before it and how many it has; and how much
/// more each of these buckets has than the one before.
fn spans(buckets: impl Iterator<Item = (i32, u64)>) -> (Vec<(i32, u32)>, Vec<i64>) {
    let (mut spans, mut deltas): (Vec<(i32, u32)>, Vec<i64>) = Default::default();
    let (mut next, mut before) = (0, 0_i64);
    for (index, count) in buckets.filter(|(_, count)| *count > 0) {
        match spans.last_mut() {
            Some((_, length)) if index == next => *length += 1,
            _ => spans.push((index - next, 1)),
        }
        next = index + 1;
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        deltas.push(count - before);
        before = count;
    }
    (spans, deltas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_buckets_are_told_by_gaps_and_differences() {
        let buckets = [(-3, 2), (-2, 5), (-1, 0), (0, 0), (4, 1), (5, 1), (6, 0)];
        let (spans, deltas) = spans(buckets.into_iter());
        assert_eq!(spans, [(-3, 2), (5, 2)]);
        assert_eq!(deltas, [2, 3, -4, 0]);
    }

    #[test]
    fn a_client_gets_the_format_that_it_likes_best() {
        let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        let text = "application/openmetrics-text;version=1.0.0";
        for (header, format) in [
            (String::new(), Format::Text),
            ("*/*".to_owned(), Format::Text),
            ("image/png".to_owned(), Format::Text),
            ("application/vnd.google.protobuf".to_owned(), Format::Text),
            (protobuf.to_owned(), Format::Protobuf),
            (
                format!("{protobuf};q=0.6,{text};q=0.5,*/*;q=0.1"),
                Format::Protobuf,
            ),
            (format!("{protobuf};q=0.4, {text};q=0.5"), Format::Text),
        ] {
            assert_eq!(Format::accepted(&header), format, "{header}");
        }
    }
}
