//! The platform's side of the fleet: hears every sign, and says every board again after each connect.

use std::time::Duration;

use jiff::Timestamp;
use sync::link::{Link, LinkEvent, MqttConfig, TlsFiles};
use sync::{Arrival, Board, Envelope, Line, Packet, Source, StopId, Tenant, Text, Topic, Unknown};
use tokio::sync::watch;

/// A busy stop has this many.
const ARRIVALS: i64 = 8;
const BOARD_LIFE: Duration = Duration::from_mins(20);
const RECONNECT_EVERY: Duration = Duration::from_millis(500);

pub(super) async fn serve(
    url: String,
    files: TlsFiles,
    count: usize,
    mut made_at: watch::Receiver<Timestamp>,
) {
    let tenant: Tenant = "gulou".parse().expect("a plain name");
    let mut link = Link::mqtt(MqttConfig { url, client_id: "platform".into(), tls: Some(files) });
    link.connect(None);
    let mut up = false;
    loop {
        let publish = tokio::select! {
            event = link.next() => match event {
                LinkEvent::Up { .. } => {
                    up = true;
                    link.subscribe(0, vec![Topic::uplink_filter(&tenant)]).await.ok();
                    true
                }
                LinkEvent::Down { .. } => {
                    up = false;
                    pause().await;
                    link.connect(None);
                    false
                }
                LinkEvent::Packet(_) | LinkEvent::Settled { .. } => false,
            },
            changed = made_at.changed() => match changed {
                Ok(()) => up,
                Err(_) => return,
            },
        };
        let now = *made_at.borrow_and_update();
        for stop in (0..count).filter(|_| publish) {
            if link.send(1, board(stop, now, &tenant)).await.is_err() {
                break;
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench is a shell")]
async fn pause() {
    tokio::time::sleep(RECONNECT_EVERY).await;
}

pub(super) fn stop(number: usize) -> StopId {
    StopId(format!("S{number}"))
}

fn board(number: usize, made_at: Timestamp, tenant: &Tenant) -> Packet {
    let arrival = |nth: i64| Arrival {
        line: Line {
            id: format!("R{nth}"),
            name: format!("K{nth}"),
            colour: Some("0072BC".into()),
        },
        destination: Text::new("火车站北广场", "Railway Station North"),
        trip: format!("trip-{number}-{nth}"),
        vehicle: Some(format!("闽A{nth:05}")),
        arrives: Timestamp::from_second(made_at.as_second() + 90 * nth).expect("today"),
        observed_at: made_at,
        source: Source::Vehicle,
        stops_away: u16::try_from(nth).ok(),
        at_stop: false,
        unknown: Unknown::new(),
    };
    let board = Board {
        stop: stop(number),
        name: Text::new("鼓楼", "Gulou"),
        made_at,
        expires: made_at + BOARD_LIFE,
        arrivals: (0..ARRIVALS).map(arrival).collect(),
        unknown: Unknown::new(),
    };
    let envelope = Envelope {
        id: format!("{number}-{made_at}"),
        source: "platform".into(),
        kind: "gulou.board.v1".into(),
        time: made_at,
        origin: None,
    };
    let payload = serde_json::to_vec(&board).expect("a board is JSON");
    let packet = envelope.seal(Topic::Board(stop(number)).format(tenant), payload);
    Packet { retain: true, expiry: Some(BOARD_LIFE), ..packet }
}
