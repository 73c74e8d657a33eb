//! The card reader.

use drivers::health::Health;
use drivers::identity_card::record::{Kind, Until};
use drivers::identity_card::{CardReader, Event, Failure};

use crate::bench::{Peer, soon};

const INSERT: &str = r#"{"do":"insert"}"#;
const REMOVE: &str = r#"{"do":"remove"}"#;

struct Bench {
    peer: Peer,
    reader: CardReader,
}

impl Bench {
    /// A reader that works, with somebody waiting for a card.
    async fn new() -> Self {
        let peer = Peer::start("reader");
        let mut reader = CardReader::new(peer.address());
        reader.want(true);
        let mut bench = Self { peer, reader };
        assert_eq!(bench.next().await, Event::Health(Health::Ok));
        bench
    }

    async fn next(&mut self) -> Event {
        soon(self.reader.next()).await
    }

    async fn reads(&mut self, name: &str) {
        assert_eq!(self.next().await, Event::Present);
        let Event::Read(record) = self.next().await else { panic!("no record") };
        assert_eq!(record.name, name);
    }
}

#[tokio::test]
async fn cards_come_and_go() {
    let mut bench = Bench::new().await;
    bench.peer.tell(INSERT);
    bench.reads("林一鸣").await;
    bench.peer.tell(REMOVE);
    assert_eq!(bench.next().await, Event::Lifted);
    bench.peer.tell(
        r#"{"do":"insert","card":{"name":"阿卜杜热西提·买买提艾力江","nation":"05","until":"20350101"}}"#,
    );
    assert_eq!(bench.next().await, Event::Present);
    let Event::Read(record) = bench.next().await else { panic!("no record") };
    assert_eq!(
        (record.name.as_str(), record.nation.as_str()),
        ("阿卜杜热西提·买买提艾力江", "维吾尔")
    );
    assert!(matches!(record.until, Some(Until::Day(_))));
}

#[tokio::test]
async fn every_layout_is_read() {
    let mut bench = Bench::new().await;
    for (card, kind, name) in [
        (r#"{"kind":"permit","permit":"H12345678"}"#, Kind::Permit, "林一鸣"),
        (
            r#"{"kind":"foreigner","latin-name":"DOE, JANE","nation":"USA","number":"USA350188010101",
                "name":"","issuer":"1500","until":"20280228"}"#,
            Kind::Foreigner,
            "",
        ),
        (r#"{"kind":"newer"}"#, Kind::Other, ""),
    ] {
        bench.peer.tell(&format!(r#"{{"do":"insert","card":{}}}"#, card.replace('\n', " ")));
        assert_eq!(bench.next().await, Event::Present);
        let Event::Read(record) = bench.next().await else { panic!("no record") };
        assert_eq!((record.kind, record.name.as_str()), (kind, name));
        bench.peer.tell(REMOVE);
        assert_eq!(bench.next().await, Event::Lifted);
    }
}

#[tokio::test]
async fn noise_and_a_damaged_frame_are_survived() {
    let mut bench = Bench::new().await;
    for fault in ["noise", "damaged"] {
        bench.peer.tell(&format!(r#"{{"do":"fail","how":"{fault}"}}"#));
        bench.peer.tell(INSERT);
        bench.reads("林一鸣").await;
        bench.peer.tell(REMOVE);
        assert_eq!(bench.next().await, Event::Lifted);
    }
}

#[tokio::test]
async fn what_cannot_be_survived_is_told_and_the_next_card_is_read() {
    let mut bench = Bench::new().await;
    for (fault, failure) in [
        (r#""how":"truncated""#, Failure::Silent),
        (r#""how":"silent""#, Failure::Silent),
        (r#""how":"damaged","times":3"#, Failure::Damaged),
    ] {
        bench.peer.tell(&format!(r#"{{"do":"fail",{fault}}}"#));
        bench.peer.tell(INSERT);
        assert_eq!(bench.next().await, Event::Present);
        if failure == Failure::Damaged {
            assert_eq!(bench.next().await, Event::Health(Health::Degraded));
        }
        assert_eq!(bench.next().await, Event::Failed(failure));
        bench.peer.tell(REMOVE);
        if failure == Failure::Damaged {
            assert_eq!(bench.next().await, Event::Health(Health::Ok));
        }
    }
    bench.peer.tell(INSERT);
    bench.reads("林一鸣").await;
}

#[tokio::test]
async fn a_card_lifted_early_fails_and_the_next_is_read() {
    let mut bench = Bench::new().await;
    bench.peer.tell(r#"{"do":"fail","how":"lifted"}"#);
    bench.peer.tell(INSERT);
    assert_eq!(bench.next().await, Event::Present);
    assert_eq!(bench.next().await, Event::Failed(Failure::Refused(0x41)));
    assert_eq!(bench.next().await, Event::Lifted);
    bench.peer.tell(INSERT);
    bench.reads("林一鸣").await;
}

#[tokio::test]
async fn a_bank_card_is_refused() {
    let mut bench = Bench::new().await;
    bench.peer.tell(r#"{"do":"insert","card":{"kind":"bank"}}"#);
    assert_eq!(bench.next().await, Event::Failed(Failure::Refused(0x81)));
}

#[tokio::test]
async fn unplugged_in_mid_read_it_comes_back() {
    let mut bench = Bench::new().await;
    bench.peer.tell(r#"{"do":"fail","how":"unplugged"}"#);
    bench.peer.tell(INSERT);
    assert_eq!(bench.next().await, Event::Present);
    assert_eq!(bench.next().await, Event::Failed(Failure::Unplugged));
    assert_eq!(bench.next().await, Event::Health(Health::Lost));
    bench.peer.tell(REMOVE);
    bench.peer.tell(r#"{"do":"plug"}"#);
    assert_eq!(bench.next().await, Event::Health(Health::Ok));
    bench.peer.tell(INSERT);
    bench.reads("林一鸣").await;
}

#[tokio::test]
async fn a_reader_that_is_not_there_is_lost() {
    let peer = Peer::start("reader");
    peer.tell(r#"{"do":"unplug"}"#);
    let mut reader = CardReader::new(peer.address());
    assert_eq!(soon(reader.next()).await, Event::Health(Health::Lost));
    peer.tell(r#"{"do":"plug"}"#);
    assert_eq!(soon(reader.next()).await, Event::Health(Health::Ok));
}
