use super::*;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use proptest::prelude::*;
use sync::content::{Content, Failure, News};
use sync::identity::{Identity, Provision, enrol};
use sync::moment::{Moment, Mono};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use crate::authority::Authority;
use crate::enrolment::{Enrolment, Places, tests::migrated};

const DAY: Duration = Duration::from_hours(24);

fn now() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn sign() -> DeviceId {
    "sign-7".parse().unwrap()
}

fn open(folder: &Path) -> Library {
    Library::open(&folder.join("library"), &folder.join("signing"), &"gulou".parse().unwrap())
        .unwrap()
}

fn content(items: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
    items.iter().map(|&(path, bytes)| (path.to_owned(), bytes.to_vec())).collect()
}

fn read(library: &Library, packet: &Packet) -> Manifest {
    Signed::parse(&packet.payload).unwrap().open(library.key()).unwrap()
}

#[test]
fn versions_grow_with_changes_only_and_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let library = open(folder.path());
    let first = library.publish(&sign(), &content(&[("a", b"1")]), now()).unwrap();
    assert_eq!(first.topic, "gulou/1/gulou/device/sign-7/down/content");
    assert!(first.retain);
    assert_eq!(Envelope::open(&first).unwrap().kind, "gulou.content.v1");

    let library = open(folder.path());
    assert_eq!(library.publish(&sign(), &content(&[("a", b"1")]), now() + DAY).unwrap(), first);
    assert_eq!(library.packets().unwrap(), std::slice::from_ref(&first));
    // Even when the clock went back in between.
    let second = library.publish(&sign(), &content(&[("a", b"2")]), now() - DAY).unwrap();
    assert_eq!(read(&library, &second).version, read(&library, &first).version + 1);
}

#[test]
fn the_same_content_is_signed_anew_before_it_expires() {
    let folder = tempfile::tempdir().unwrap();
    let library = open(folder.path());
    let first = library.publish(&sign(), &[], now()).unwrap();
    let later = library.publish(&sign(), &[], now() + 31 * DAY).unwrap();
    assert!(read(&library, &later).version > read(&library, &first).version);
    assert_eq!(read(&library, &later).expires, now() + 121 * DAY);
}

#[test]
fn a_platform_that_lost_its_manifests_goes_on_above_them() {
    let folder = tempfile::tempdir().unwrap();
    let library = open(folder.path());
    let before = read(&library, &library.publish(&sign(), &[], now()).unwrap()).version;
    std::fs::remove_dir_all(folder.path().join("library")).unwrap();
    let library = open(folder.path());
    assert!(read(&library, &library.publish(&sign(), &[], now() + DAY).unwrap()).version > before);
}

#[test]
fn what_no_device_would_take_is_not_published() {
    let folder = tempfile::tempdir().unwrap();
    let library = open(folder.path());
    let refused = library.publish(&sign(), &content(&[("../a", b"1")]), now()).unwrap_err();
    assert_eq!(refused.to_string(), "manifest's path \"../a\" is not plain");
    let many: Vec<_> = (0..=ITEMS_MAX).map(|n| (n.to_string(), vec![])).collect();
    assert!(library.publish(&sign(), &many, now()).is_err());
    assert!(library.packets().unwrap().is_empty());
}

#[test]
fn the_signing_key_is_private_and_a_damaged_one_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let key = open(folder.path()).key().clone();
    assert_eq!(open(folder.path()).key(), &key);
    let path = folder.path().join("signing/key.pem");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::write(&path, "-----BEGIN").unwrap();
    let error =
        Library::open(folder.path(), &folder.path().join("signing"), &"gulou".parse().unwrap());
    assert!(error.unwrap_err().to_string().contains("restore it from a backup"));
}

#[test]
fn blobs_that_nobody_names_go_after_a_week() {
    let folder = tempfile::tempdir().unwrap();
    let library = open(folder.path());
    library.publish(&sign(), &content(&[("a", b"old"), ("b", b"kept")]), now()).unwrap();
    library.publish(&sign(), &content(&[("b", b"kept")]), now() + DAY).unwrap();
    let made = folder.path().join("library/blobs").join(BlobId::of(b"old").to_string());
    let made = std::fs::metadata(made).unwrap().modified().unwrap();
    assert_eq!(library.collect(made + 6 * DAY).unwrap(), 0);
    assert_eq!(library.collect(made + 8 * DAY).unwrap(), 1);
    assert_eq!(std::fs::read_dir(folder.path().join("library/blobs")).unwrap().count(), 1);
}

async fn get(
    library: &Library,
    uri: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = Request::get(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = library.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status, parts.headers, to_bytes(body, 1 << 20).await.unwrap().to_vec())
}

#[tokio::test]
async fn blobs_come_whole_in_part_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let library = open(folder.path());
    library.publish(&sign(), &content(&[("a", b"0123456789")]), now()).unwrap();
    let id = BlobId::of(b"0123456789").to_string();
    let (uri, tag) = (format!("/blobs/{id}"), format!("\"{id}\""));

    let (status, headers, body) = get(&library, &uri, &[]).await;
    assert_eq!((status, body.as_slice()), (StatusCode::OK, b"0123456789".as_slice()));
    assert_eq!(headers["etag"], tag.as_str());
    assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
    let (status, headers, body) = get(&library, &uri, &[("range", "bytes=7-")]).await;
    assert_eq!((status, body.as_slice()), (StatusCode::PARTIAL_CONTENT, b"789".as_slice()));
    assert_eq!(headers["content-range"], "bytes 7-9/10");
    let (status, headers, _) = get(&library, &uri, &[("range", "bytes=10-")]).await;
    assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(headers["content-range"], "bytes */10");
    assert_eq!(get(&library, &uri, &[("if-none-match", &tag)]).await.0, StatusCode::NOT_MODIFIED);
    let resumed = [("range", "bytes=7-"), ("if-range", tag.as_str())];
    assert_eq!(get(&library, &uri, &resumed).await.0, StatusCode::PARTIAL_CONTENT);
    let stale = [("range", "bytes=7-"), ("if-range", "\"other\"")];
    assert_eq!(get(&library, &uri, &stale).await.0, StatusCode::OK);

    for nothing in
        [BlobId::of(b"").to_string(), "..%2Fkey.pem".to_owned(), "x".repeat(64), id.to_uppercase()]
    {
        assert_eq!(
            get(&library, &format!("/blobs/{nothing}"), &[]).await.0,
            StatusCode::NOT_FOUND,
            "{nothing}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_range_gives_those_bytes_or_an_error(text in "bytes=([0-9]{0,3})-([0-9]{0,3})|\\PC{0,12}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let library = open(folder.path());
        let bytes: Vec<u8> = (0..200).collect();
        library.publish(&sign(), &[("a".to_owned(), bytes.clone())], now()).unwrap();
        let Ok(value) = axum::http::HeaderValue::from_str(&text) else { return Ok(()) };
        let uri = format!("/blobs/{}", BlobId::of(&bytes));
        let (status, headers, body) = runtime.block_on(get(&library, &uri, &[("range", value.to_str().unwrap_or("x"))]));
        match status {
            StatusCode::OK => prop_assert_eq!(body, bytes),
            StatusCode::PARTIAL_CONTENT => {
                let range = headers["content-range"].to_str().unwrap().strip_prefix("bytes ").unwrap().to_owned();
                let (first, last) = range.strip_suffix("/200").unwrap().split_once('-').unwrap();
                let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
                prop_assert_eq!(&body, &bytes[first..=last]);
            }
            status => prop_assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE),
        }
    }
}

/// The real clock, as TLS and the router read it.
fn real_now() -> Moment {
    sync::Clock::new(Timestamp::UNIX_EPOCH).now()
}

/// Passes bytes on, and hangs up on a connection after `allowed` of the answer.
async fn leaky_wire(server: SocketAddr, allowed: Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let allowed = allowed.load(Ordering::Relaxed);
            tokio::spawn(async move {
                let far = TcpStream::connect(server).await.unwrap();
                let (mut from_near, mut to_near) = near.into_split();
                let (mut from_far, mut to_far) = far.into_split();
                let up =
                    tokio::spawn(async move { tokio::io::copy(&mut from_near, &mut to_far).await });
                let (mut passed, mut buffer) = (0, vec![0; 4096]);
                while let Ok(length) = from_far.read(&mut buffer).await {
                    let rest = allowed - passed;
                    if length == 0
                        || to_near.write_all(&buffer[..length.min(rest)]).await.is_err()
                        || length >= rest
                    {
                        break;
                    }
                    passed += length;
                }
                up.abort();
            });
        }
    });
    address
}

/// A device enrolled over a wire that lets through what `allowed` says, with its disk.
async fn enrolled(
    library: &Library,
    folder: &Path,
    allowed: &Arc<AtomicUsize>,
) -> (tempfile::TempDir, Identity) {
    rustls::crypto::ring::default_provider().install_default().ok();
    let wall = real_now().wall;
    let authority = Authority::open(&folder.join("ca"), &"gulou".parse().unwrap(), wall).unwrap();
    let server = authority.issue_server(&["127.0.0.1"], wall).unwrap();
    let (chain, key) = (server.certificate.into_bytes(), server.key.into_bytes());
    let tls = axum_server::tls_rustls::RustlsConfig::from_pem(chain, key).await.unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let wire = leaky_wire(listener.local_addr().unwrap(), Arc::clone(allowed)).await;
    let places =
        Places { https: format!("https://{wire}"), broker: "mqtts://127.0.0.1:8883".to_owned() };
    let pool = migrated(folder).await;
    let enrolment =
        Arc::new(Enrolment::new(pool, Arc::new(authority), places, library.key().clone()));
    let provision: Provision = enrolment.provision(&sign(), "sign", None, wall).await.unwrap();
    let router = enrolment.router().merge(library.router());
    let server = axum_server::from_tcp_rustls(listener, tls).unwrap();
    tokio::spawn(server.serve(router.into_make_service_with_connect_info::<SocketAddr>()));
    let disk = tempfile::tempdir().unwrap();
    let identity = enrol(disk.path(), &sign(), &provision, real_now()).await.unwrap();
    (disk, identity)
}

#[tokio::test]
async fn content_reaches_a_device_over_tls_that_is_cut_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let library = open(folder.path());
    let allowed = Arc::new(AtomicUsize::new(usize::MAX));
    let (disk, identity) = enrolled(&library, folder.path(), &allowed).await;
    let mut random = fastrand::Rng::with_seed(1);
    let song: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(600_000).collect();
    let packet = library.publish(
        &sign(),
        &content(&[("song", &song), ("timetable/S1.json", b"{}")]),
        real_now().wall,
    );

    allowed.store(200_000, Ordering::Relaxed);
    let mut device = Content::open(disk.path(), &identity, 8 << 20).unwrap();
    let mut at = Moment { mono: Mono(0), ..real_now() };
    device.offer(at, &packet.unwrap().payload).unwrap();
    let mut cuts = 0;
    let version = loop {
        let fetched = device.next().await;
        match device.handle(at, fetched).unwrap() {
            Some(News::Switched { version }) => break version,
            Some(News::Trouble(failure)) => {
                assert_eq!(failure, Failure::Cut { progressed: true });
                cuts += 1;
                at.mono = device.next_deadline();
                device.tick(at).unwrap();
            }
            None => {}
        }
    };
    assert!(cuts >= 2, "{cuts} cuts");
    assert_eq!(device.active().unwrap().version, version);
    assert_eq!(device.read(at, "song").unwrap().unwrap(), song);
    assert_eq!(device.read(at, "timetable/S1.json").unwrap().unwrap(), b"{}");
}
