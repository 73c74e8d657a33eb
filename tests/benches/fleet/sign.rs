//! The wire of one sign, without its glass and its disk: connect, subscribe, say so, hear the board.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use platform::authority::Authority;
use rcgen::{CertificateParams, KeyPair};
use sync::link::{Link, LinkEvent, MqttConfig, TlsFiles};
use sync::session::{Effect, Event, Session};
use sync::{Board, Clock, DeviceId, Packet, Presence, PresenceState, Tenant, Topic, Unknown};
use tokio::sync::mpsc;

/// Longest sleep, whatever the session's deadline.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// Holds a board made at that time.
pub(super) struct Right {
    pub(super) sign: usize,
    pub(super) made_at: Timestamp,
}

pub(super) struct Sign {
    number: usize,
    id: DeviceId,
    tenant: Tenant,
    link: Link,
    session: u64,
}

/// Signs with a certificate each, issued as at enrolment.
pub(super) fn make(
    count: usize,
    folder: &Path,
    authority: &Authority,
    url: &str,
) -> anyhow::Result<Vec<Sign>> {
    let folder = folder.join("signs");
    std::fs::create_dir_all(&folder)?;
    let one = |number: usize| {
        let id: DeviceId = format!("sign-{number}").parse()?;
        let pair = KeyPair::generate()?;
        let request = CertificateParams::default().serialize_request(&pair)?.pem()?;
        let files = TlsFiles {
            authority: authority.root_path(),
            certificate: folder.join(format!("{id}.pem")),
            key: folder.join(format!("{id}.key")),
        };
        std::fs::write(&files.certificate, authority.issue_device(&request, &id, super::wall())?)?;
        std::fs::write(&files.key, pair.serialize_pem())?;
        let config =
            MqttConfig { url: url.to_owned(), client_id: id.to_string(), tls: Some(files) };
        Ok(Sign {
            number,
            id,
            tenant: authority.tenant().clone(),
            link: Link::mqtt(config),
            session: 0,
        })
    };
    (0..count).map(one).collect()
}

impl Sign {
    pub(super) async fn run(mut self, start_within: Duration, tell: mpsc::Sender<Right>) {
        wait(start_within.mul_f64(fastrand::f64())).await;
        let clock = Clock::new(Timestamp::UNIX_EPOCH);
        let mut session = Session::new(fastrand::u64(..), clock.now().mono);
        loop {
            let until = session.next_deadline().since(clock.now().mono).min(LOOK_EVERY);
            let event = tokio::select! {
                event = self.link.next() => match event {
                    LinkEvent::Up { .. } => Event::Up,
                    LinkEvent::Down { .. } => Event::Down,
                    LinkEvent::Settled { .. } => continue,
                    LinkEvent::Packet(packet) => {
                        let board: Board = serde_json::from_slice(&packet.payload).expect("only boards are sent");
                        tell.send(Right { sign: self.number, made_at: board.made_at }).await.ok();
                        continue;
                    }
                },
                () = wait(until) => Event::Tick,
            };
            for effect in session.handle(clock.now().mono, event) {
                self.perform(effect).await;
            }
        }
    }

    async fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Connect => {
                self.session += 1;
                self.link.connect(Some(self.presence(PresenceState::Offline)));
            }
            Effect::Disconnect => self.link.disconnect().await,
            Effect::Greet => {
                let board = Topic::Board(super::center::stop(self.number)).format(&self.tenant);
                let alerts = Topic::Alerts("350102".into()).format(&self.tenant);
                let own = Topic::downlink_filter(&self.tenant, &self.id);
                self.link.subscribe(0, vec![own, board, alerts]).await.ok();
                self.link.send(1, self.presence(PresenceState::Online)).await.ok();
            }
            // It has no outbox: there is nothing to send, to free or to tell.
            _ => {}
        }
    }

    fn presence(&self, state: PresenceState) -> Packet {
        let presence = Presence {
            state,
            session: self.session,
            boot_id: "bench".into(),
            role: "sign".into(),
            software: "0.0.0".into(),
            stop: Some(super::center::stop(self.number)),
            capabilities: vec![],
            unknown: Unknown::new(),
        };
        Packet {
            topic: Topic::Presence(self.id.clone()).format(&self.tenant),
            payload: serde_json::to_vec(&presence).expect("presence is JSON").into(),
            retain: true,
            ..Packet::default()
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench is a shell")]
async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}
