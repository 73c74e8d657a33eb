//! The same store on both databases: one test text, run on SQLite and on PostgreSQL.

use jiff::Timestamp;
use platform::intake::uplink::{self, Uplink};
use platform::store::Store;
use platform::store::batch::{Absorbed, Batch};
use sync::presence::PresenceState;
use sync::stream::StreamState;
use sync::{Command, DeviceId, Event, Presence, SyncVector, Unknown};

use crate::district::{HEALTH, event, tenant};
use crate::postgres::Postgres;

/// Runs a story on each database that is there.
pub(crate) async fn on_both<F: AsyncFn(Store)>(story: F) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", folder.path().join("platform.db").display());
    story(Store::open(&sqlite).await.unwrap()).await;
    if let Some(server) = Postgres::start() {
        server.ready().await;
        story(Store::open(&server.url()).await.unwrap()).await;
    }
}

fn sign() -> DeviceId {
    "sign-7".parse().unwrap()
}

fn now() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn events(packets: impl IntoIterator<Item = (u64, &'static str, &'static str)>) -> Batch {
    let mut batch = Batch::default();
    for (seq, kind, payload) in packets {
        let Ok(Some(Uplink::Reported(reported))) =
            uplink::parse(&event(&sign(), seq, kind, payload), &tenant())
        else {
            panic!("a good packet")
        };
        batch.reported.push(reported);
    }
    batch
}

fn presence(session: u64, state: PresenceState) -> Batch {
    let presence = Presence {
        state,
        session,
        boot_id: "b".into(),
        role: "sign".into(),
        software: "1\0".into(),
        stop: Some("S1\0".into()),
        capabilities: vec![],
        unknown: Unknown::new(),
    };
    Batch { presences: vec![(sign(), presence)], ..Batch::default() }
}

fn answered(absorbed: &Absorbed) -> (u64, bool) {
    let ack = &absorbed.acks[&sign()]["events"];
    (ack.upto, ack.resend)
}

#[tokio::test]
async fn the_same_events_twice_are_stored_once() {
    on_both(async |store| {
        let batch = || events((1..=700).map(|seq| (seq, Event::HEALTH, HEALTH)));
        let first = store.absorb(&batch(), now()).await.unwrap();
        let again = store.absorb(&batch(), now()).await.unwrap();
        assert_eq!((first.applied, again.applied, again.duplicates), (700, 0, 700));
        assert_eq!((answered(&first), answered(&again)), ((700, false), (700, false)));
        let page = store.events(&sign(), "events", (u64::MAX, u64::MAX), 1000).await.unwrap();
        let seqs: Vec<u64> = page.iter().map(|event| event.seq).collect();
        assert_eq!(seqs, (1..=700).rev().collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn poison_and_holes_never_block_a_stream() {
    on_both(async |store| {
        let batch = events([
            (1, Event::HEALTH, "{\"uptime_s\": \0"),
            (2, "gulou.of-a-newer-version.v9", r#"{"any":"\u0000"}"#),
            (4, Event::HEALTH, HEALTH),
        ]);
        let absorbed = store.absorb(&batch, now()).await.unwrap();
        assert_eq!((absorbed.poison, absorbed.applied, absorbed.early), (1, 1, 1));
        assert_eq!(answered(&absorbed), (2, true));
    })
    .await;
}

#[tokio::test]
async fn what_staff_did_is_listed_and_a_record_with_a_persons_name_is_put_aside() {
    on_both(async |store| {
        let good = r#"{"who":"staff-3","what":"item.reprinted","item":"T003"}"#;
        let named = r#"{"who":"林秀英","what":"mode.entered"}"#;
        let mut batch = events([(1, Event::AUDIT, good), (2, Event::AUDIT, named)]);
        for reported in &mut batch.reported {
            reported.key.stream = sync::audit::STREAM.to_owned();
        }
        let absorbed = store.absorb(&batch, now()).await.unwrap();
        assert_eq!((absorbed.applied, absorbed.poison), (1, 1));
        let page = store.events(&sign(), "audit", (u64::MAX, u64::MAX), 10).await.unwrap();
        assert_eq!(page.len(), 1);
        assert_eq!(
            (&page[0].payload["who"], &page[0].payload["item"]),
            (&"staff-3".into(), &"T003".into())
        );
    })
    .await;
}

#[tokio::test]
async fn a_late_will_of_an_old_session_says_nothing_about_the_new_one() {
    on_both(async |store| {
        for (session, state) in
            [(4, PresenceState::Online), (5, PresenceState::Online), (4, PresenceState::Offline)]
        {
            store.absorb(&presence(session, state), now()).await.unwrap();
        }
        let device = store.device(&sign()).await.unwrap().unwrap();
        let (presence, _) = device.presence.unwrap();
        assert_eq!((presence.session, presence.state), (5, PresenceState::Online));
        store.absorb(&self::presence(5, PresenceState::Offline), now()).await.unwrap();
        let device = store.device(&sign()).await.unwrap().unwrap();
        assert_eq!(device.presence.unwrap().0.state, PresenceState::Offline);
    })
    .await;
}

#[tokio::test]
async fn a_sync_vector_is_answered_even_when_the_database_was_set_back() {
    on_both(async |store| {
        store.absorb(&events([(1, Event::HEALTH, HEALTH)]), now()).await.unwrap();
        let state = StreamState { epoch: 1, last: 9, acked: 7 };
        let streams = [("events".to_owned(), state)].into();
        let vector = SyncVector { streams, ..SyncVector::default() };
        let batch = Batch { syncs: vec![(sign(), vector)], ..Batch::default() };
        let absorbed = store.absorb(&batch, now()).await.unwrap();
        assert_eq!((answered(&absorbed), absorbed.forgotten), ((7, false), 6));
        let next = store.absorb(&events([(8, Event::HEALTH, HEALTH)]), now()).await.unwrap();
        assert_eq!(answered(&next), (8, false));
    })
    .await;
}

#[tokio::test]
async fn what_a_device_last_showed_is_at_hand_and_pages_end() {
    on_both(async |store| {
        let shown = |line: &'static str| (line, Event::SHOWN);
        let (first, second) = (
            r#"{"frame_sha256":"0","content_id":"a","rung":"timetable","lines":["K1"]}"#,
            r#"{"frame_sha256":"1","content_id":"b","rung":"prediction","lines":["5"]}"#,
        );
        store.register(&sign(), "sign", Some(&"S1".into()), now()).await.unwrap();
        let batch = [shown(first), shown(second)];
        let batch = (1..).zip(batch).map(|(seq, (payload, kind))| (seq, kind, payload));
        store.absorb(&events(batch), now()).await.unwrap();
        let devices = store.devices("", 10).await.unwrap();
        assert_eq!(devices[0].shown.as_ref().unwrap().0.lines, ["5"]);
        assert_eq!(store.devices("sign-7", 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_command_is_open_until_the_device_answers_or_its_time_is_over() {
    on_both(async |store| {
        let command = |id: &str, life_s: u64| Command {
            id: id.into(),
            kind: "identify".into(),
            args: serde_json::Value::Null,
            issued_at: now(),
            expires: now() + std::time::Duration::from_secs(life_s),
            once: true,
            unknown: Unknown::new(),
        };
        store.register(&sign(), "sign", None, now()).await.unwrap();
        for command in [command("c1", 60), command("c2", 60), command("c3", 1)] {
            assert!(store.order(&sign(), &command).await.unwrap());
            assert!(
                !store.order(&sign(), &command).await.unwrap(),
                "the same command twice is one"
            );
        }
        let status = r#"{"id":"c1","state":"received"}"#;
        store.absorb(&events([(1, Event::COMMAND, status)]), now()).await.unwrap();
        let later = now() + std::time::Duration::from_secs(2);
        let open = store.open_commands(&sign(), later).await.unwrap();
        assert_eq!(open, [command("c2", 60)]);
        let all = store.commands(&sign(), 10).await.unwrap();
        let states: Vec<_> =
            all.iter().map(|one| (one.command.id.as_str(), one.state.as_str())).collect();
        assert_eq!(states, [("c1", "received"), ("c2", "sent"), ("c3", "sent")]);
    })
    .await;
}

#[tokio::test]
async fn a_removed_device_comes_back_as_if_never_seen() {
    on_both(async |store| {
        let register = async || store.register(&sign(), "sign", None, now()).await.unwrap();
        register().await;
        store.absorb(&presence(7, PresenceState::Online), now()).await.unwrap();
        store.remove(&sign(), now()).await.unwrap();
        // Its connection may outlive it; what it says then does not bring it back.
        store.absorb(&presence(7, PresenceState::Offline), now()).await.unwrap();
        assert_eq!(store.device(&sign()).await.unwrap(), None);
        assert_eq!(store.devices("", 10).await.unwrap(), []);
        register().await;
        assert_eq!(store.device(&sign()).await.unwrap().unwrap().presence, None);
        store.absorb(&presence(1, PresenceState::Online), now()).await.unwrap();
        register().await;
        assert!(store.device(&sign()).await.unwrap().unwrap().presence.is_some());
    })
    .await;
}
