//! The scanner.

use drivers::health::Health;
use drivers::scanner::{Event, Scanner};

use crate::bench::{Peer, soon};

#[tokio::test]
async fn codes_are_read_and_a_pulled_plug_is_noticed() {
    let peer = Peer::start("scanner");
    let mut scanner = Scanner::new(peer.address());
    assert_eq!(soon(scanner.next()).await, Event::Health(Health::Ok));
    peer.tell(r#"{"do":"scan","text":"鼓楼-350102"}"#);
    assert_eq!(soon(scanner.next()).await, Event::Code("鼓楼-350102".to_owned()));
    peer.tell(r#"{"do":"scan","text":"half","end":"none"}"#);
    peer.tell(r#"{"do":"unplug"}"#);
    assert_eq!(soon(scanner.next()).await, Event::Health(Health::Lost));
    peer.tell(r#"{"do":"plug"}"#);
    assert_eq!(soon(scanner.next()).await, Event::Health(Health::Ok));
    peer.tell(r#"{"do":"scan","text":"whole","end":"cr-lf"}"#);
    assert_eq!(soon(scanner.next()).await, Event::Code("whole".to_owned()));
}
