//! What the platform counts, as `/metrics` shows it (text format of Prometheus).

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry, Unit};

/// Service and outcome.
pub type AskLabels = [(&'static str, String); 2];

/// One label.
pub type Label = [(&'static str, &'static str); 1];

/// Every figure there is; cheap to count from anywhere.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Events written.
    pub events: Counter,
    /// Events put into quarantine.
    pub quarantined: Counter,
    /// Events that were known already.
    pub duplicates: Counter,
    /// Events that came before something they follow.
    pub early: Counter,
    /// Events that devices hold acks for and this database never saw.
    pub forgotten: Counter,
    /// Packets without effect, by reason.
    pub refused: Family<Label, Counter>,
    /// Seconds from a packet's arrival to its answer.
    pub answered: Histogram,
    /// Failed commits; the batch is tried again.
    pub store_errors: Counter,
    /// Packets published.
    pub published: Counter,
    /// Packets that the broker refused.
    pub publish_refused: Counter,
    /// Messages that stand retained.
    pub kept: Gauge,
    /// Retained messages that wait for the broker.
    pub waiting: Gauge,
    /// Whether the link to the broker is up.
    pub link_up: Gauge,
    /// Times the link went down.
    pub link_lost: Counter,
    /// Times the supervised broker was started again.
    pub broker_restarts: Gauge,
    /// Looks at feeds that brought something new, by feed.
    pub feed_fetches: Family<Label, Counter>,
    /// Looks at feeds that failed, by feed.
    pub feed_errors: Family<Label, Counter>,
    /// Boards made.
    pub boards: Counter,
    /// Seconds from a feed's bytes to its last board.
    pub feed_work: Histogram,
    /// Times an event reader was too slow and was told to read everything again.
    pub readers_lagged: Counter,
    /// Asks of terminals, by service and outcome.
    pub asks: Family<AskLabels, Counter>,
    /// Unix time of the last commit, in seconds.
    pub last_commit: Gauge<u64, AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut all = Registry::with_prefix("gulou");
        let seconds = || Histogram::new(exponential_buckets(0.001, 2.0, 14));
        let (answered, feed_work) = (seconds(), seconds());
        let mut timed = |name, help, histogram: &Histogram| {
            all.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        };
        timed("answered", "From a packet's arrival to its answer", &answered);
        timed("feed_work", "From a feed's bytes to its boards", &feed_work);
        Self {
            events: new(&mut all, "events", "Events written"),
            quarantined: new(&mut all, "events_quarantined", "Events that nobody could read"),
            duplicates: new(&mut all, "events_duplicate", "Events that were known already"),
            early: new(&mut all, "events_early", "Events that came before what they follow"),
            forgotten: new(&mut all, "events_forgotten", "Acked events that are not here"),
            refused: new(&mut all, "packets_refused", "Packets without effect, by reason"),
            store_errors: new(&mut all, "store_errors", "Commits that failed"),
            published: new(&mut all, "published", "Packets published"),
            publish_refused: new(&mut all, "publish_refused", "Packets that the broker refused"),
            kept: new(&mut all, "shelf_kept", "Messages that stand retained"),
            waiting: new(&mut all, "shelf_waiting", "Retained messages that wait"),
            link_up: new(&mut all, "link_up", "Whether the link to the broker is up"),
            link_lost: new(&mut all, "link_lost", "Times the link went down"),
            broker_restarts: new(&mut all, "broker_restarts", "Times the broker was restarted"),
            feed_fetches: new(&mut all, "feed_fetches", "Looks at feeds that brought news"),
            feed_errors: new(&mut all, "feed_errors", "Looks at feeds that failed"),
            boards: new(&mut all, "boards", "Boards made"),
            readers_lagged: new(&mut all, "readers_lagged", "Times a reader was too slow"),
            asks: new(&mut all, "asks", "Asks of terminals, by service and outcome"),
            last_commit: new(&mut all, "last_commit_time", "Unix time of the last commit, s"),
            answered,
            feed_work,
            registry: all,
        }
    }
}

/// A figure that is shown under `name`.
fn new<M: Metric + Clone + Default>(all: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    all.register(name, help, metric.clone());
    metric
}

impl Metrics {
    /// All figures as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string does not fail");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_prometheus_expects() {
        let metrics = Metrics::default();
        metrics.refused.get_or_create(&[("reason", "foreign_topic")]).inc();
        let text = metrics.text();
        assert!(text.contains("gulou_packets_refused_total{reason=\"foreign_topic\"} 1"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
