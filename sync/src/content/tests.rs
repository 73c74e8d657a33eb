use super::*;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use ed25519_dalek::SigningKey;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::Unknown;
use crate::identity::{ContentKey, Pin};

/// An HTTP server on loopback that can be told to hang up, and remembers where each request began.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<ShelfState>>);

#[derive(Default)]
struct ShelfState {
    blobs: HashMap<String, Vec<u8>>,
    /// Hangs up after so many bytes of a body.
    cut_after: Option<usize>,
    knows_ranges: bool,
    asked_from: Vec<usize>,
}

impl Shelf {
    async fn open() -> (Self, SocketAddr) {
        let shelf = Self::default();
        shelf.0.lock().unwrap().knows_ranges = true;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = shelf.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(server.clone().serve(socket));
            }
        });
        (shelf, address)
    }

    fn put(&self, bytes: &[u8]) {
        self.0.lock().unwrap().blobs.insert(BlobId::of(bytes).to_string(), bytes.to_vec());
    }

    fn set(&self, edit: impl FnOnce(&mut ShelfState)) {
        edit(&mut self.0.lock().unwrap());
    }

    fn asked_from(&self) -> Vec<usize> {
        self.0.lock().unwrap().asked_from.clone()
    }

    async fn serve(self, socket: TcpStream) {
        let mut socket = BufReader::new(socket);
        let (mut path, mut from) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if socket.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(rest) = line.strip_prefix("get /blobs/") {
                path = rest.split(' ').next().unwrap().to_owned();
            } else if let Some(rest) = line.strip_prefix("range: bytes=") {
                from = rest.trim_end_matches('-').parse().unwrap();
            } else if line.is_empty() {
                break;
            }
        }
        let (head, body) = {
            let mut state = self.0.lock().unwrap();
            state.asked_from.push(from);
            match state.blobs.get(&path) {
                None => ("404 Not Found\r\ncontent-length: 0\r\n".to_owned(), vec![]),
                Some(blob) => {
                    let from = if state.knows_ranges { from } else { 0 };
                    let (body, size) = (blob[from.min(blob.len())..].to_vec(), blob.len());
                    let length = body.len();
                    let head = if state.knows_ranges {
                        let last = size.saturating_sub(1);
                        format!(
                            "206 Partial Content\r\ncontent-length: {length}\r\ncontent-range: bytes {from}-{last}/{size}\r\n"
                        )
                    } else {
                        format!("200 OK\r\ncontent-length: {length}\r\n")
                    };
                    let sent = state.cut_after.unwrap_or(length).min(length);
                    (head, body[..sent].to_vec())
                }
            }
        };
        let head = format!("HTTP/1.1 {head}connection: close\r\n\r\n");
        let _ = socket.write_all(head.as_bytes()).await;
        let _ = socket.write_all(&body).await;
        let _ = socket.shutdown().await;
        let _ = socket.read(&mut [0; 1]).await;
    }
}

/// A sign with a disk, and the key its platform signs with.
struct Sign {
    disk: tempfile::TempDir,
    key: SigningKey,
    base: String,
    content: Content,
    now: Moment,
}

const QUOTA: u64 = 8 << 20;

impl Sign {
    fn new(server: SocketAddr) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let (disk, key) = (tempfile::tempdir().unwrap(), SigningKey::from_bytes(&[7; 32]));
        let base = format!("http://{server}");
        let content = open(disk.path(), &key, &base);
        let wall = "2026-11-23T08:00:00Z".parse().unwrap();
        Self {
            disk,
            key,
            base,
            content,
            now: Moment { mono: Mono(0), wall, clock_error_ms: Some(500) },
        }
    }

    /// As if power came back.
    fn reboot(&mut self) {
        self.content = open(self.disk.path(), &self.key, &self.base);
        self.content.tick(self.now).unwrap();
    }

    fn manifest(&self, version: u64, items: &[(&str, &[u8])]) -> Manifest {
        let item = |bytes: &[u8]| Item { sha256: BlobId::of(bytes), size: bytes.len() as u64 };
        Manifest {
            channel: "sign-7".parse().unwrap(),
            version,
            made_at: self.now.wall,
            expires: self.now.wall + jiff::SignedDuration::from_hours(24),
            items: items
                .iter()
                .map(|&(path, bytes)| (path.to_owned(), item(bytes)))
                .collect::<BTreeMap<_, _>>(),
            unknown: Unknown::new(),
        }
    }

    fn offer(&mut self, manifest: &Manifest) -> Result<Option<News>, ContentError> {
        let payload = serde_json::to_vec(&manifest.sign(&self.key, "k1")).unwrap();
        self.content.offer(self.now, &payload)
    }

    /// Lets one download end; waits pass in no time.
    async fn step(&mut self) -> Option<News> {
        let fetched = self.content.next().await;
        let news = self.content.handle(self.now, fetched).unwrap();
        let deadline = self.content.next_deadline();
        if deadline != Mono::NEVER {
            self.now.mono = self.now.mono.max(deadline);
            return news
                .filter(|news| matches!(news, News::Trouble(_)))
                .or(self.content.tick(self.now).unwrap());
        }
        news
    }

    async fn until_switched(&mut self) -> u64 {
        loop {
            if let Some(News::Switched { version }) = self.step().await {
                return version;
            }
        }
    }

    fn read(&mut self, path: &str) -> Option<Vec<u8>> {
        self.content.read(self.now, path).unwrap()
    }

    fn files(&self, sub: &str) -> usize {
        std::fs::read_dir(self.disk.path().join("content").join(sub)).unwrap().count()
    }

    fn part(&self, bytes: &[u8]) -> std::path::PathBuf {
        self.disk.path().join("content/parts").join(BlobId::of(bytes).to_string())
    }
}

fn open(state: &Path, key: &SigningKey, base: &str) -> Content {
    let device = "sign-7".parse().unwrap();
    let key = ContentKey { id: "k1".into(), key: hex::encode(key.verifying_key().as_bytes()) };
    let store = Store::open(&state.join("content"), &device, &key, QUOTA).unwrap();
    let fetcher = Fetcher::new(base, Pin::of(b""), store.folder());
    Content::over(store, fetcher, &device)
}

fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.u8(..)).take(length).collect()
}

#[tokio::test]
async fn content_comes_into_force_when_all_of_it_is_there() {
    let (shelf, address) = Shelf::open().await;
    let mut sign = Sign::new(address);
    shelf.put(b"one");
    shelf.put(b"");
    let first =
        sign.manifest(1, &[("timetable/S1.json", b"one"), ("empty", b""), ("again", b"one")]);
    assert_eq!(sign.offer(&first).unwrap(), None);
    assert_eq!(sign.read("timetable/S1.json"), None, "nothing is in force yet");
    assert_eq!(sign.until_switched().await, 1);
    assert_eq!(sign.read("timetable/S1.json").unwrap(), b"one");
    assert_eq!(sign.read("empty").unwrap(), b"");
    assert_eq!(sign.read("nothing"), None);
    assert_eq!(sign.content.next_deadline(), Mono::NEVER);

    // What is on disk already is not fetched again, and a reboot changes nothing.
    let before = shelf.asked_from().len();
    let second = sign.manifest(2, &[("renamed", b"one")]);
    assert_eq!(sign.offer(&second).unwrap(), Some(News::Switched { version: 2 }));
    sign.reboot();
    assert_eq!(sign.read("renamed").unwrap(), b"one");
    assert_eq!(shelf.asked_from().len(), before);
}

#[tokio::test]
async fn a_download_goes_on_where_it_was_cut_even_after_a_reboot() {
    let (shelf, address) = Shelf::open().await;
    let mut sign = Sign::new(address);
    let song = noise(1_000_000, 1);
    shelf.put(&song);
    shelf.set(|shelf| shelf.cut_after = Some(300_000));
    let manifest = sign.manifest(1, &[("song", &song)]);
    sign.offer(&manifest).unwrap();
    let cut = News::Trouble(Failure::Cut { progressed: true });
    assert_eq!(sign.step().await, Some(cut.clone()));
    assert_eq!(sign.step().await, Some(cut));
    sign.reboot();
    assert_eq!(sign.until_switched().await, 1);
    assert_eq!(sign.read("song").unwrap(), song);
    let asked = shelf.asked_from();
    assert!(asked.is_sorted(), "{asked:?}");
    assert!(
        asked.contains(&300_000) && asked.contains(&600_000) && asked.contains(&900_000),
        "{asked:?}"
    );
    assert_eq!((sign.files("parts"), sign.files("blobs")), (0, 1));
}

#[tokio::test]
async fn a_server_without_ranges_serves_too() {
    let (shelf, address) = Shelf::open().await;
    let mut sign = Sign::new(address);
    let song = noise(50_000, 2);
    shelf.put(&song);
    shelf.set(|shelf| (shelf.knows_ranges, shelf.cut_after) = (false, Some(20_000)));
    let manifest = sign.manifest(1, &[("song", &song)]);
    sign.offer(&manifest).unwrap();
    sign.step().await;
    shelf.set(|shelf| shelf.cut_after = None);
    assert_eq!(sign.until_switched().await, 1);
    assert_eq!(sign.read("song").unwrap(), song);
}

#[tokio::test]
async fn bytes_that_are_not_what_they_should_be_are_thrown_away() {
    let (shelf, address) = Shelf::open().await;
    let song = noise(40_000, 3);
    for wrong in [noise(40_000, 4), noise(50_000, 5)] {
        let mut sign = Sign::new(address);
        shelf.set(|shelf| drop(shelf.blobs.insert(BlobId::of(&song).to_string(), wrong)));
        let manifest = sign.manifest(1, &[("song", &song)]);
        sign.offer(&manifest).unwrap();
        let fetched = sign.content.next().await;
        let news = sign.content.handle(sign.now, fetched).unwrap();
        assert_eq!(news, Some(News::Trouble(Failure::Corrupt)));
        assert_eq!((sign.files("parts"), sign.files("blobs")), (0, 0));
        shelf.put(&song);
        sign.now.mono = sign.content.next_deadline();
        sign.content.tick(sign.now).unwrap();
        assert_eq!(sign.until_switched().await, 1);
        assert_eq!(sign.read("song").unwrap(), song);
    }
}

#[tokio::test]
async fn a_part_that_rotted_is_found_out_at_the_end_and_fetched_again() {
    let (shelf, address) = Shelf::open().await;
    let mut sign = Sign::new(address);
    let song = noise(40_000, 3);
    shelf.put(&song);
    std::fs::write(sign.part(&song), noise(30_000, 4)).unwrap();
    let manifest = sign.manifest(1, &[("song", &song)]);
    sign.offer(&manifest).unwrap();
    assert_eq!(sign.step().await, Some(News::Trouble(Failure::Corrupt)));
    assert_eq!(sign.until_switched().await, 1);
    assert_eq!(shelf.asked_from(), [30_000, 0]);
}

#[tokio::test]
async fn what_rots_on_disk_is_fetched_again() {
    let (shelf, address) = Shelf::open().await;
    let mut sign = Sign::new(address);
    shelf.put(b"one");
    let manifest = sign.manifest(1, &[("a", b"one")]);
    sign.offer(&manifest).unwrap();
    sign.until_switched().await;
    let blob = sign.disk.path().join("content/blobs").join(BlobId::of(b"one").to_string());
    std::fs::write(blob, b"0ne").unwrap();
    let rotten = sign.content.read(sign.now, "a").unwrap_err();
    assert_eq!(rotten.to_string(), "a rotted on disk");
    sign.step().await;
    assert_eq!(sign.read("a").unwrap(), b"one");
}

#[tokio::test]
async fn a_lower_version_a_foreign_key_and_a_foreign_channel_are_refused() {
    let (_, address) = Shelf::open().await;
    let mut sign = Sign::new(address);
    let new = sign.manifest(5, &[]);
    assert_eq!(sign.offer(&new).unwrap(), Some(News::Switched { version: 5 }));
    assert_eq!(sign.offer(&new).unwrap(), None, "the broker repeats retained messages");
    for version in [4, 5] {
        let old = sign.manifest(version, &[("a", b"")]);
        let refused = sign.offer(&old).unwrap_err().to_string();
        assert_eq!(refused, format!("manifest has version {version}, but 5 was seen before"));
    }
    sign.reboot();
    let old = sign.manifest(4, &[]);
    assert!(sign.offer(&old).is_err(), "a reboot forgets no version");

    let other = Manifest { channel: "sign-8".parse().unwrap(), ..sign.manifest(6, &[]) };
    assert_eq!(sign.offer(&other).unwrap_err().to_string(), "manifest is for sign-8");
    let forged = sign.manifest(6, &[]).sign(&SigningKey::from_bytes(&[9; 32]), "k1");
    let forged = serde_json::to_vec(&forged).unwrap();
    let refused = sign.content.offer(sign.now, &forged).unwrap_err();
    assert_eq!(refused.to_string(), "manifest's signature is wrong");
    assert_eq!(sign.content.active().unwrap().version, 5);
}

#[tokio::test]
async fn an_expired_manifest_is_refused_by_a_clock_that_knows() {
    let (_, address) = Shelf::open().await;
    let mut sign = Sign::new(address);
    let manifest = sign.manifest(1, &[]);
    sign.now.wall = manifest.expires;
    assert!(
        sign.offer(&manifest)
            .unwrap_err()
            .to_string()
            .starts_with("manifest expired at 2026-11-24")
    );
    // Before 2000 or after 2100: a clock that nobody vouches for judges nothing.
    sign.now.clock_error_ms = None;
    assert_eq!(sign.offer(&manifest).unwrap(), Some(News::Switched { version: 1 }));
}

#[tokio::test]
async fn the_previous_content_is_kept_and_what_nobody_needs_goes() {
    let (shelf, address) = Shelf::open().await;
    let mut sign = Sign::new(address);
    for (version, bytes) in [(1, b"one"), (2, b"two"), (3, b"six")] {
        shelf.put(bytes);
        let manifest = sign.manifest(version, &[("a", bytes)]);
        sign.offer(&manifest).unwrap();
        assert_eq!(sign.until_switched().await, version);
    }
    assert_eq!(sign.files("blobs"), 2);
    assert_eq!(sign.content.roll_back().unwrap(), Some(2));
    assert_eq!(sign.read("a").unwrap(), b"two");
    assert_eq!(sign.content.roll_back().unwrap(), None);
    sign.reboot();
    assert_eq!(sign.read("a").unwrap(), b"two");
    let again = sign.manifest(3, &[("a", b"six")]);
    assert!(
        sign.offer(&again).is_err(),
        "a manifest that was given up does not come back by itself"
    );
}

#[tokio::test]
async fn a_full_disk_costs_the_previous_content_and_nothing_else() {
    let (shelf, address) = Shelf::open().await;
    let mut sign = Sign::new(address);
    for (version, bytes) in [(1, b"one"), (2, b"two")] {
        shelf.put(bytes);
        let manifest = sign.manifest(version, &[("a", bytes)]);
        sign.offer(&manifest).unwrap();
        sign.until_switched().await;
    }
    // Every write to this part ends in "no space left on device".
    std::os::unix::fs::symlink("/dev/full", sign.part(b"six")).unwrap();
    shelf.put(b"six");
    let manifest = sign.manifest(3, &[("a", b"six")]);
    sign.offer(&manifest).unwrap();
    assert_eq!(sign.step().await, Some(News::Trouble(Failure::Full)));
    assert_eq!(sign.files("blobs"), 1);
    assert_eq!(sign.read("a").unwrap(), b"two");
    assert_eq!(sign.until_switched().await, 3);
    assert_eq!(sign.read("a").unwrap(), b"six");
}

#[tokio::test]
async fn a_manifest_beyond_the_quota_is_refused() {
    let (_, address) = Shelf::open().await;
    let mut sign = Sign::new(address);
    let mut manifest = sign.manifest(1, &[("a", b"")]);
    manifest.items.get_mut("a").unwrap().size = QUOTA + 1;
    assert!(matches!(sign.offer(&manifest), Err(ContentError::Quota { .. })));
    assert!(sign.content.active().is_none());
}

#[tokio::test]
async fn a_damaged_store_starts_empty_and_fills_again() {
    let (shelf, address) = Shelf::open().await;
    let mut sign = Sign::new(address);
    shelf.put(b"one");
    let manifest = sign.manifest(1, &[("a", b"one")]);
    sign.offer(&manifest).unwrap();
    sign.until_switched().await;
    std::fs::write(sign.disk.path().join("content/manifests.json"), b"{\"highest\":").unwrap();
    sign.reboot();
    assert_eq!(sign.read("a"), None);
    assert_eq!(sign.offer(&manifest).unwrap(), Some(News::Switched { version: 1 }));
}

#[tokio::test]
async fn a_newer_manifest_overtakes_a_download_under_way() {
    let (shelf, address) = Shelf::open().await;
    let mut sign = Sign::new(address);
    let (song, jingle) = (noise(2_000_000, 6), noise(10, 7));
    shelf.put(&song);
    shelf.put(&jingle);
    let old = sign.manifest(1, &[("song", &song)]);
    sign.offer(&old).unwrap();
    let new = sign.manifest(2, &[("song", &jingle)]);
    sign.offer(&new).unwrap();
    assert_eq!(sign.until_switched().await, 2);
    assert_eq!(sign.read("song").unwrap(), jingle);
}
