//! What the platform counts, as `/metrics` shows it (text format of Prometheus).

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

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
    /// Unix time of the last commit, in seconds.
    pub last_commit: Gauge<u64, AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("gulou");
        let seconds = || Histogram::new(exponential_buckets(0.001, 2.0, 14));
        let (answered, feed_work) = (seconds(), seconds());
        registry.register_with_unit(
            "answered",
            "From a packet's arrival to its answer",
            Unit::Seconds,
            answered.clone(),
        );
        registry.register_with_unit(
            "feed_work",
            "From a feed's bytes to its boards",
            Unit::Seconds,
            feed_work.clone(),
        );
        let last_commit = Gauge::default();
        registry.register_with_unit(
            "last_commit",
            "When a batch was last committed",
            Unit::Seconds,
            last_commit.clone(),
        );
        let mut counter = |name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let metrics = Self {
            events: counter("events", "Events written"),
            quarantined: counter("events_quarantined", "Events whose payload nobody could read"),
            duplicates: counter("events_duplicate", "Events that were known already"),
            early: counter("events_early", "Events that came before something they follow"),
            forgotten: counter(
                "events_forgotten",
                "Acknowledged events that this database never saw",
            ),
            store_errors: counter("store_errors", "Commits that failed and are tried again"),
            published: counter("published", "Packets published"),
            publish_refused: counter("publish_refused", "Packets that the broker refused"),
            link_lost: counter("link_lost", "Times the link to the broker went down"),
            boards: counter("boards", "Boards made"),
            readers_lagged: counter("readers_lagged", "Times a reader of events was too slow"),
            refused: Family::default(),
            feed_fetches: Family::default(),
            feed_errors: Family::default(),
            kept: Gauge::default(),
            waiting: Gauge::default(),
            link_up: Gauge::default(),
            broker_restarts: Gauge::default(),
            answered,
            feed_work,
            last_commit,
            registry: Registry::default(),
        };
        registry.register(
            "packets_refused",
            "Packets without effect, by reason",
            metrics.refused.clone(),
        );
        registry.register(
            "feed_fetches",
            "Looks at feeds that brought something new",
            metrics.feed_fetches.clone(),
        );
        registry.register("feed_errors", "Looks at feeds that failed", metrics.feed_errors.clone());
        registry.register("shelf_kept", "Messages that stand retained", metrics.kept.clone());
        registry.register(
            "shelf_waiting",
            "Retained messages that wait for the broker",
            metrics.waiting.clone(),
        );
        registry.register(
            "link_up",
            "Whether the link to the broker is up",
            metrics.link_up.clone(),
        );
        registry.register(
            "broker_restarts",
            "Times the broker was started again",
            metrics.broker_restarts.clone(),
        );
        Self { registry, ..metrics }
    }
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
