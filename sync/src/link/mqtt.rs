//! MQTT 5 over TLS. The only file that knows the client library.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use rumqttc::{
    AsyncClient, ClientError, ConnAck, ConnectProperties, Event, EventLoop, Incoming, LastWill,
    LastWillProperties, MqttOptions, NetworkOptions, PubAckReason, Publish, PublishNoticeError,
    PublishOptions, PublishProperties, QoS, SubAck, SubscribeFilterInput, SubscribeNoticeError,
    SubscribeReasonCode, Transport,
};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::{LinkError, LinkEvent, PIPELINE_MAX, Refusal, UNHEARD_MAX};
use crate::packet::{PAYLOAD_MAX, Packet};

/// Packets heard and not read yet; beyond it the socket is not read either.
const HEARD_MAX: usize = 1024;

/// Room for topic and properties of a packet, in bytes; a topic alone may take 64 KiB (MQTT 5, §1.5.4).
const HEADER_MAX: usize = 96 * 1024;

/// A dead peer is noticed after at most twice this, in seconds.
const KEEP_ALIVE_S: u16 = 20;

/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Packets written before the socket is flushed.
const BATCH: usize = 64;

/// Where the broker is, and who we are to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MqttConfig {
    /// `mqtts://host:port`, or `mqtt://host:port` for a broker on the same machine.
    pub url: String,
    /// Client identifier: the device's name.
    pub client_id: String,
    /// Files for `mqtts`, read at every attempt so that a renewed certificate counts at once.
    pub tls: Option<TlsFiles>,
}

/// PEM files of a mutual TLS connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates of the authority that signed the broker's.
    pub authority: PathBuf,
    /// Our certificate, with its chain.
    pub certificate: PathBuf,
    /// Our private key.
    pub key: PathBuf,
}

/// A link to an MQTT 5 broker.
#[derive(Debug)]
pub struct Mqtt {
    config: MqttConfig,
    open: Option<Open>,
    /// Sends whose outcome is open, at most [`PIPELINE_MAX`].
    unsettled: FuturesUnordered<BoxFuture<'static, (u64, Option<Refusal>)>>,
    /// Events that were met while sending, at most [`UNHEARD_MAX`].
    met: VecDeque<LinkEvent>,
}

/// One connection, or the attempt at one.
#[derive(Debug)]
struct Open {
    client: AsyncClient,
    heard: mpsc::Receiver<Heard>,
    /// Largest packet the broker takes; `None` before it said so.
    packet_max: Option<u32>,
    task: AbortHandle,
}

/// What the task of a connection hears.
#[derive(Debug)]
enum Heard {
    Up { session_present: bool, packet_max: u32 },
    Packet(Packet),
    Down(String),
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Mqtt {
    pub(super) fn new(config: MqttConfig) -> Self {
        Self { config, open: None, unsettled: FuturesUnordered::new(), met: VecDeque::new() }
    }

    pub(super) fn connect(&mut self, will: Option<Packet>) {
        self.drop_connection();
        let options = match options(&self.config, will) {
            Ok(options) => options,
            Err(reason) => return self.met.push_back(LinkEvent::Down { reason }),
        };
        let (client, events) = AsyncClient::builder(options).capacity(PIPELINE_MAX + BATCH).build();
        let (tell, heard) = mpsc::channel(HEARD_MAX);
        let task = tokio::spawn(run(events, tell)).abort_handle();
        self.open = Some(Open { client, heard, packet_max: None, task });
    }

    pub(super) async fn disconnect(&mut self) {
        let Some(open) = &mut self.open else { return };
        if open.client.disconnect_with_timeout(CONNECT_TIMEOUT).await.is_ok() {
            while let Some(heard) = open.heard.recv().await {
                if matches!(heard, Heard::Down(_)) {
                    break;
                }
            }
        }
        self.drop_connection();
        self.met.push_back(LinkEvent::Down { reason: "disconnected".into() });
    }

    pub(super) async fn next(&mut self) -> LinkEvent {
        match self.met.pop_front() {
            Some(event) => event,
            None => self.meet().await,
        }
    }

    pub(super) fn try_next(&mut self) -> Option<LinkEvent> {
        if let Some(event) = self.met.pop_front() {
            return Some(event);
        }
        if let Some(heard) = self.open.as_mut().and_then(|open| open.heard.try_recv().ok()) {
            return Some(self.hear(heard));
        }
        let (token, refused) = self.unsettled.next().now_or_never()??;
        Some(LinkEvent::Settled { token, refused })
    }

    pub(super) async fn send(&mut self, token: u64, packet: Packet) -> Result<(), LinkError> {
        while self.unsettled.len() >= PIPELINE_MAX {
            if self.met.len() >= UNHEARD_MAX {
                return Err(LinkError::Unheard);
            }
            let event = self.meet().await;
            self.met.push_back(event);
        }
        let Some((open, packet_max)) =
            self.open.as_ref().and_then(|open| Some((open, open.packet_max?)))
        else {
            return Err(LinkError::Down);
        };
        let topic = packet.topic.clone();
        if usize::try_from(packet_max).is_ok_and(|max| size(&packet) > max) {
            self.unsettled.push(std::future::ready((token, Some(Refusal::TooLarge))).boxed());
            return Ok(());
        }
        let options = PublishOptions::new(QoS::AtLeastOnce)
            .retain(packet.retain)
            .properties(properties(&packet));
        match open.client.publish_tracked(packet.topic, packet.payload, options).await {
            Ok(notice) => {
                let settled = notice.wait_completion_async();
                let settled = settled.map(move |result| (token, refusal(result.err())));
                self.unsettled.push(settled.boxed());
                Ok(())
            }
            Err(error) => Err(refused(&error, topic)),
        }
    }

    #[expect(
        clippy::needless_pass_by_ref_mut,
        reason = "sharing self across an await would need it to be Sync"
    )]
    pub(super) async fn subscribe(
        &mut self,
        token: u64,
        filters: Vec<String>,
    ) -> Result<(), LinkError> {
        let Some(open) = self.open.as_ref().filter(|open| open.packet_max.is_some()) else {
            return Err(LinkError::Down);
        };
        let named = filters.join(", ");
        let filters =
            filters.into_iter().map(|filter| SubscribeFilterInput::new(filter, QoS::AtLeastOnce));
        let notice = open.client.subscribe_many_tracked(filters).await;
        let notice = notice.map_err(|error| refused(&error, named))?;
        let settled = notice.wait_async().map(move |result| (token, subscription_refusal(result)));
        self.unsettled.push(settled.boxed());
        Ok(())
    }

    /// The next event from the wire. Cancel safe, as both sources are.
    async fn meet(&mut self) -> LinkEvent {
        let Some(open) = &mut self.open else { return std::future::pending().await };
        tokio::select! {
            heard = open.heard.recv() => self.hear(heard.unwrap_or_else(|| Heard::Down("connection task ended".into()))),
            Some((token, refused)) = self.unsettled.next() => LinkEvent::Settled { token, refused },
        }
    }

    fn hear(&mut self, heard: Heard) -> LinkEvent {
        match heard {
            Heard::Packet(packet) => LinkEvent::Packet(packet),
            Heard::Up { session_present, packet_max } => {
                if let Some(open) = &mut self.open {
                    open.packet_max = Some(packet_max);
                }
                LinkEvent::Up { session_present }
            }
            Heard::Down(reason) => {
                self.drop_connection();
                LinkEvent::Down { reason }
            }
        }
    }

    fn drop_connection(&mut self) {
        self.open = None;
        self.unsettled = FuturesUnordered::new();
    }
}

/// Runs one connection until it breaks. It has its own task because the client must be polled to live.
async fn run(mut events: EventLoop, tell: mpsc::Sender<Heard>) {
    loop {
        let heard = match events.poll().await {
            Ok(Event::Incoming(Incoming::ConnAck(ack))) => up(&ack),
            Ok(Event::Incoming(Incoming::Publish(publish))) => match read(publish) {
                Some(packet) => Heard::Packet(packet),
                None => continue,
            },
            Ok(_) => continue,
            Err(error) => Heard::Down(error.to_string()),
        };
        let over = matches!(heard, Heard::Down(_));
        if tell.send(heard).await.is_err() || over {
            return;
        }
    }
}

fn up(ack: &ConnAck) -> Heard {
    let packet_max = ack
        .properties
        .as_ref()
        .and_then(|properties| properties.max_packet_size)
        .unwrap_or(u32::MAX);
    Heard::Up { session_present: ack.session_present, packet_max }
}

fn options(config: &MqttConfig, will: Option<Packet>) -> Result<MqttOptions, String> {
    let (tls, host, port) = split(&config.url)?;
    let mut options = MqttOptions::new(config.client_id.clone(), (host, port));
    options.set_keep_alive(KEEP_ALIVE_S).set_clean_start(true).set_connect_timeout(CONNECT_TIMEOUT);
    let mut properties = ConnectProperties::new();
    properties.max_packet_size = u32::try_from(PAYLOAD_MAX + HEADER_MAX).ok();
    properties.receive_maximum = u16::try_from(HEARD_MAX).ok();
    options.set_connect_properties(properties);
    options.set_max_request_batch(BATCH);
    options.set_outgoing_inflight_upper_limit(u16::try_from(PIPELINE_MAX).unwrap_or(u16::MAX));
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(CONNECT_TIMEOUT.as_secs());
    options.set_network_options(network);
    if let Some(will) = will {
        options.set_last_will(last_will(will));
    }
    match (tls, &config.tls) {
        (false, _) => {}
        (true, None) => return Err(format!("{} needs certificate files", config.url)),
        (true, Some(files)) => {
            let read = |path: &PathBuf| {
                std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
            };
            let own = (read(&files.certificate)?, read(&files.key)?);
            options.set_transport(Transport::tls(read(&files.authority)?, Some(own), None));
        }
    }
    Ok(options)
}

/// Whether TLS is asked for, host and port.
fn split(url: &str) -> Result<(bool, String, u16), String> {
    let complain = || format!("{url:?} is no broker: use mqtts://host:port");
    let (scheme, rest) = url.split_once("://").ok_or_else(complain)?;
    let tls = match scheme {
        "mqtts" => true,
        "mqtt" => false,
        _ => return Err(complain()),
    };
    let (host, port) = rest.trim_end_matches('/').rsplit_once(':').ok_or_else(complain)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = port.parse().map_err(|_| complain())?;
    if host.is_empty() { Err(complain()) } else { Ok((tls, host.to_owned(), port)) }
}

fn last_will(will: Packet) -> LastWill {
    let properties = LastWillProperties {
        delay_interval: None,
        payload_format_indicator: None,
        message_expiry_interval: expiry(&will),
        content_type: will.content_type,
        response_topic: None,
        correlation_data: None,
        user_properties: will.properties,
    };
    LastWill::new(will.topic, will.payload, QoS::AtLeastOnce, will.retain, Some(properties))
}

fn properties(packet: &Packet) -> PublishProperties {
    PublishProperties {
        message_expiry_interval: expiry(packet),
        user_properties: packet.properties.clone(),
        content_type: packet.content_type.clone(),
        ..PublishProperties::default()
    }
}

fn expiry(packet: &Packet) -> Option<u32> {
    packet.expiry.map(|expiry| u32::try_from(expiry.as_secs()).unwrap_or(u32::MAX))
}

/// Upper bound of the packet on the wire, in bytes: no length prefix exceeds 5 bytes.
fn size(packet: &Packet) -> usize {
    let properties: usize =
        packet.properties.iter().map(|(name, value)| name.len() + value.len() + 5).sum();
    let content_type = packet.content_type.as_ref().map_or(0, |text| text.len() + 3);
    packet.payload.len() + packet.topic.len() + properties + content_type + 24
}

/// `None` when the topic is no text; a broker must not deliver such a packet (MQTT 5, §1.5.4).
fn read(publish: Publish) -> Option<Packet> {
    let topic = String::from_utf8(publish.topic.into()).ok()?;
    let properties = publish.properties.unwrap_or_default();
    Some(Packet {
        topic,
        payload: publish.payload,
        properties: properties.user_properties,
        content_type: properties.content_type,
        retain: publish.retain,
        expiry: properties.message_expiry_interval.map(|s| Duration::from_secs(s.into())),
    })
}

/// The client refuses a malformed topic, and everything when its connection is over.
fn refused(error: &ClientError, topic: String) -> LinkError {
    match error {
        ClientError::InvalidRequest(_) => LinkError::Topic(topic),
        _ => LinkError::Down,
    }
}

fn refusal(error: Option<PublishNoticeError>) -> Option<Refusal> {
    Some(match error? {
        PublishNoticeError::V5PubAck(PubAckReason::QuotaExceeded) => Refusal::Quota,
        PublishNoticeError::V5PubAck(PubAckReason::NotAuthorized) => Refusal::NotAuthorised,
        other => Refusal::Other(other.to_string()),
    })
}

fn subscription_refusal(result: Result<SubAck, SubscribeNoticeError>) -> Option<Refusal> {
    let codes = match result {
        Ok(ack) => ack.return_codes,
        Err(error) => return Some(Refusal::Other(error.to_string())),
    };
    codes.into_iter().find_map(|code| match code {
        SubscribeReasonCode::Success(_) => None,
        SubscribeReasonCode::QuotaExceeded => Some(Refusal::Quota),
        SubscribeReasonCode::NotAuthorized => Some(Refusal::NotAuthorised),
        other => Some(Refusal::Other(format!("subscription refused: {other:?}"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_named_by_scheme_host_and_port() {
        assert_eq!(split("mqtts://gulou.example:8883"), Ok((true, "gulou.example".into(), 8883)));
        assert_eq!(split("mqtt://[::1]:1883/"), Ok((false, "::1".into(), 1883)));
        for bad in [
            "gulou.example:8883",
            "http://gulou.example:1",
            "mqtts://gulou.example",
            "mqtts://:1",
            "mqtts://a:x",
        ] {
            assert!(split(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_missing_certificate_file_is_named() {
        let files = TlsFiles {
            authority: "/nowhere/ca".into(),
            certificate: "/nowhere/c".into(),
            key: "/nowhere/k".into(),
        };
        let config = MqttConfig {
            url: "mqtts://127.0.0.1:1".into(),
            client_id: "sign-7".into(),
            tls: Some(files),
        };
        let mut link = Mqtt::new(config);
        link.connect(None);
        let LinkEvent::Down { reason } = link.next().await else {
            panic!("connected without a certificate")
        };
        assert!(reason.starts_with("/nowhere/c: "), "{reason}");
    }

    #[tokio::test]
    async fn a_broker_that_is_not_there_takes_the_link_down_once() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut link = Mqtt::new(MqttConfig {
            url: format!("mqtt://127.0.0.1:{port}"),
            client_id: "a".into(),
            tls: None,
        });
        link.connect(None);
        assert!(matches!(link.next().await, LinkEvent::Down { .. }));
        assert_eq!(link.try_next(), None);
        assert_eq!(link.send(1, Packet::default()).await, Err(LinkError::Down));
    }

    #[test]
    fn a_link_moves_into_a_task_of_its_own() {
        fn movable<T: Send>(_: T) {}
        movable(async {
            let config = MqttConfig { url: String::new(), client_id: String::new(), tls: None };
            let mut link = Mqtt::new(config);
            link.subscribe(1, vec![]).await.ok();
            link.send(2, Packet::default()).await.ok();
            link.next().await
        });
    }
}
