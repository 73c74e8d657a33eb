//! The wire of one sign, without its glass and its disk: connect, subscribe, say so, hear the board.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use platform::authority::Authority;
use rcgen::{CertificateParams, KeyPair};
use sync::link::{Link, LinkEvent, MqttConfig, TlsFiles};
use sync::{Board, DeviceId, Packet, Presence, PresenceState, Tenant, Topic, Unknown};
use tokio::sync::mpsc;

/// First and longest wait after a failure; the true wait is anything up to it.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(4), Duration::from_mins(1));

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
        Ok(Sign { number, id, tenant: authority.tenant().clone(), link: Link::mqtt(config) })
    };
    (0..count).map(one).collect()
}

impl Sign {
    pub(super) async fn run(mut self, start_within: Duration, tell: mpsc::Sender<Right>) {
        let mut wait_max = start_within;
        let mut session = 0;
        loop {
            wait_up_to(wait_max).await;
            session += 1;
            self.link.connect(Some(self.presence(PresenceState::Offline, session)));
            let was_up = self.listen(session, &tell).await;
            wait_max = if was_up { BACKOFF.0 } else { (wait_max * 2).min(BACKOFF.1) };
        }
    }

    /// Until the link is down; whether it ever was up.
    async fn listen(&mut self, session: u64, tell: &mpsc::Sender<Right>) -> bool {
        let mut was_up = false;
        loop {
            match self.link.next().await {
                LinkEvent::Up { .. } => {
                    was_up = true;
                    let board = Topic::Board(super::center::stop(self.number)).format(&self.tenant);
                    let alerts = Topic::Alerts("350102".into()).format(&self.tenant);
                    let own = Topic::downlink_filter(&self.tenant, &self.id);
                    self.link.subscribe(0, vec![own, board, alerts]).await.ok();
                    self.link.send(1, self.presence(PresenceState::Online, session)).await.ok();
                }
                LinkEvent::Packet(packet) => {
                    let board: Board =
                        serde_json::from_slice(&packet.payload).expect("only boards are sent");
                    let right = Right { sign: self.number, made_at: board.made_at };
                    tell.send(right).await.ok();
                }
                LinkEvent::Settled { .. } => {}
                LinkEvent::Down { .. } => return was_up,
            }
        }
    }

    fn presence(&self, state: PresenceState, session: u64) -> Packet {
        let presence = Presence {
            state,
            session,
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
async fn wait_up_to(longest: Duration) {
    tokio::time::sleep(longest.mul_f64(fastrand::f64())).await;
}
