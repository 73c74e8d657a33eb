//! Whatever lies where the outbox should be, the device starts, and takes and gives back an event.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sync::outbox::EVENTS;
use sync::{Class, Draft, Limits, Mono, Moment, Outbox};

fuzz_target!(|data: &[u8]| {
    let folder = tempfile::tempdir().expect("the fuzzer has a disk");
    std::fs::write(folder.path().join("outbox.db"), data).expect("the fuzzer has a disk");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(start(folder.path()));
});

async fn start(folder: &std::path::Path) {
    let wall = "2026-11-23T08:00:00Z".parse().expect("a time");
    let now = Moment { mono: Mono(1), wall, clock_error_ms: None };
    let mut outbox = Outbox::open(folder, Limits::default(), "boot", now).await.expect("it starts");
    // A file can look whole and break at the first touch; then the next post has a new one.
    let mut taken = false;
    for _ in 0..3 {
        let draft = Draft {
            stream: EVENTS.into(),
            class: Class::Critical,
            kind: "gulou.health.v1".into(),
            payload: b"{}".to_vec(),
        };
        let posted = outbox.post(now, vec![draft]).await.is_ok();
        let last = outbox.streams().get(EVENTS).map_or(0, |state| state.last);
        let rows = outbox.read(EVENTS, last.saturating_sub(1), 1, 1).await;
        taken = posted && rows.is_ok_and(|rows| rows.len() == 1 && rows[0].payload == b"{}");
        if taken {
            break;
        }
    }
    assert!(taken, "the outbox takes nothing: {:?}", outbox.stats());
    outbox.close().await;
}
