//! The supervised broker: who may say and hear what, and that it comes back.

use std::time::Duration;

use jiff::Timestamp;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use platform::authority::Authority;
use platform::broker::{Broker, Settings};
use sync::link::{Link, LinkEvent, MqttConfig, TlsFiles};
use sync::{Clock, Event, Topic};

use crate::district::{District, HEALTH, PATIENCE, event, free_port, has_mosquitto, tenant};

#[tokio::test]
async fn a_device_speaks_and_hears_for_itself_only() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let mut sign = district.device("sign-7").await;
    let mut other = district.device("sign-8").await;
    let forged = event(&other.id, 1, Event::HEALTH, HEALTH);
    // Mosquitto 2.0.11 refuses by name, and now and then ends the connection before the answer is out.
    for _ in 0..20 {
        let refused = sign.publish(forged.clone()).await.expect("a forged event is never taken");
        sign.reconnect().await;
        if refused == "not authorised (0x87)" {
            break;
        }
    }
    // Mosquitto takes any subscription and delivers only what the rights allow, so the proof is silence:
    // the answer to the spy's own event comes, and the other's, given earlier, never did.
    sign.subscribe(vec!["gulou/1/gulou/device/#".to_owned()]).await;
    other.deliver(&[(1, Event::HEALTH, HEALTH)]).await;
    sign.say(1, Event::HEALTH, HEALTH).await;
    let own = Topic::Ack(sign.id.clone()).format(&tenant());
    let heard = loop {
        match sign.next().await {
            LinkEvent::Packet(packet) if packet.topic.contains("/device/") => break packet.topic,
            _ => {}
        }
    };
    assert_eq!(heard, own);
}

#[tokio::test]
async fn nobody_comes_in_without_a_certificate() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let sign = district.device("sign-7").await;
    let stranger = rcgen::generate_simple_self_signed(vec!["sign-7".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    std::fs::write(&certificate, stranger.cert.pem()).unwrap();
    std::fs::write(&key, stranger.signing_key.serialize_pem()).unwrap();
    let tls = TlsFiles { authority: district.folder.join("authority/ca.pem"), certificate, key };
    let url = format!("mqtts://127.0.0.1:{}", district.mqtt_port());
    let mut link = Link::mqtt(MqttConfig { url, client_id: sign.id.to_string(), tls: Some(tls) });
    link.connect(None);
    let event = tokio::time::timeout(PATIENCE, link.next()).await.unwrap();
    assert!(matches!(event, LinkEvent::Down { .. }), "{event:?}");
}

#[tokio::test]
async fn a_killed_broker_comes_back_and_events_flow_again() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let mut sign = district.device("sign-7").await;
    sign.say(1, Event::HEALTH, HEALTH).await;
    sign.acked(1).await;
    let mut life = district.platform.broker.clone().unwrap();
    let pid = life.borrow_and_update().pid.unwrap();
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
    let again = life.wait_for(|life| life.restarts == 1 && life.pid.is_some());
    tokio::time::timeout(Duration::from_secs(30), again).await.unwrap().unwrap();
    sign.reconnect().await;
    district.until("/healthz", |health| health["status"] == "ok").await;
    sign.say(2, Event::HEALTH, HEALTH).await;
    sign.acked(2).await;
}

#[tokio::test]
async fn a_removed_device_is_shut_out_until_it_is_enrolled_again() {
    if !has_mosquitto() {
        return;
    }
    let district = District::start(&[]).await;
    let mut gone = [district.device("sign-7").await, district.device("sign-8").await];
    let mut staying = district.device("sign-9").await;
    gone[0].come_online(1).await;
    district.until("/api/devices/sign-7", |device| device["state"] == "online").await;
    // Both mostly within one second, which is all that the dates of revocation lists tell apart.
    for device in &mut gone {
        let path = format!("/api/devices/{}", device.id);
        assert_eq!(district.delete(&path).await.status(), 204);
        assert_eq!(district.delete(&path).await.status(), 404);
        let reason = device.refused().await;
        assert!(reason.contains("CertificateRevoked"), "{reason}");
    }
    // Its connection stood all the while, and a new one is welcome.
    staying.say(1, Event::HEALTH, HEALTH).await;
    staying.acked(1).await;
    staying.reconnect().await;
    assert_eq!(district.platform.broker.clone().unwrap().borrow().restarts, 0);

    let mut again = district.device("sign-7").await;
    district.until("/api/devices/sign-7", |device| device["state"] == "never").await;
    again.say(1, Event::HEALTH, HEALTH).await;
    again.acked(1).await;

    // A new link hears what is retained before anything else, and the old presence is not.
    let district = district.restart().await;
    staying.reconnect().await;
    district.until("/healthz", |health| health["status"] == "ok").await;
    staying.deliver(&[(2, Event::HEALTH, HEALTH)]).await;
    assert_eq!(district.json("/api/devices/sign-7").await["state"], "never");
}

#[tokio::test]
async fn somebody_elses_broker_serves_as_well() {
    if !has_mosquitto() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let (own, other) = (temporary.path().join("data/authority"), temporary.path().join("other"));
    let now = Clock::new(Timestamp::UNIX_EPOCH).now().wall;
    let authority = Authority::open(&own, &tenant(), now).unwrap();
    let file = |name: &str, text: &str| {
        std::fs::create_dir_all(&other).unwrap();
        std::fs::write(other.join(name), text).unwrap();
        other.join(name)
    };
    let server = authority.issue_server(&["127.0.0.1"], now).unwrap();
    let client = authority.issue_platform(now).unwrap();
    let port = free_port();
    let broker = Broker::start(Settings {
        folder: other.join("broker"),
        tenant: tenant(),
        port,
        ca: authority.root_path(),
        revocations: authority.revocations_path(),
        certificate: file("server.pem", &server.certificate),
        key: file("server.key", &server.key),
    });
    let _broker = broker.await.unwrap();
    let options = [
        format!("--broker=mqtts://127.0.0.1:{port}"),
        format!("--broker-ca={}", authority.root_path().display()),
        format!("--broker-cert={}", file("client.pem", &client.certificate).display()),
        format!("--broker-key={}", file("client.key", &client.key).display()),
    ];
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let district = District::start_in(temporary, port, &options).await;
    assert!(district.platform.broker.is_none());
    let mut sign = district.device("sign-7").await;
    district.until("/healthz", |health| health["status"] == "ok").await;
    sign.say(1, Event::HEALTH, HEALTH).await;
    sign.acked(1).await;
}
