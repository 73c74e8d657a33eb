use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::moment::Mono;
use crate::telemetry::Gap;

const LIMITS: Limits = Limits { soft_bytes: 20_000, hard_bytes: 30_000 };

fn now() -> Moment {
    let wall = "2026-11-23T08:00:00Z".parse().unwrap();
    Moment { mono: Mono(5), wall, clock_error_ms: Some(20) }
}

async fn open(folder: &Path) -> Outbox {
    Outbox::open(folder, LIMITS, "boot", now()).await.unwrap()
}

fn draft(class: Class, kind: &str, payload: &str) -> Draft {
    Draft { stream: EVENTS.into(), class, kind: kind.into(), payload: payload.into() }
}

/// One line a row: `3 b`, or `1-2 gap 2 normal`.
async fn picture(outbox: &mut Outbox) -> Vec<String> {
    let rows = outbox.read(EVENTS, 0, 10_000, u64::MAX).await.unwrap();
    let line = |row: &Row| match row.gap_from {
        None => format!("{} {}", row.key.seq, String::from_utf8_lossy(&row.payload).trim_end()),
        Some(from) => {
            let gap: Gap = serde_json::from_slice(&row.payload).unwrap();
            assert_eq!((gap.from, gap.upto), (from, row.key.seq));
            format!("{from}-{} gap {} {:?}", row.key.seq, gap.count, gap.class)
        }
    };
    rows.iter().map(line).collect()
}

async fn ack(outbox: &mut Outbox, upto: u64) {
    outbox.ack(&BTreeMap::from([(EVENTS.to_owned(), upto)])).await.unwrap();
}

#[tokio::test]
async fn what_was_posted_is_there_after_a_crash_until_it_is_acked() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(folder.path()).await;
    outbox
        .post(now(), ["a", "b", "c"].map(|text| draft(Class::Normal, "k", text)).into())
        .await
        .unwrap();
    ack(&mut outbox, 1).await;
    drop(outbox);
    let mut outbox = open(folder.path()).await;
    assert_eq!(picture(&mut outbox).await, ["2 b", "3 c"]);
    outbox.post(now(), vec![draft(Class::Normal, "k", "d")]).await.unwrap();
    assert_eq!(picture(&mut outbox).await, ["2 b", "3 c", "4 d"]);
    let state = outbox.streams()[EVENTS];
    assert_eq!((state.last, state.acked), (4, 1));
}

#[tokio::test]
async fn a_row_remembers_when_and_by_which_clock_it_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(folder.path()).await;
    outbox.post(now(), vec![draft(Class::Normal, "k", "a")]).await.unwrap();
    let row = outbox.read(EVENTS, 0, 1, 1).await.unwrap().remove(0);
    let packet = row.packet(&"gulou".parse().unwrap(), &"sign-7".parse().unwrap());
    assert_eq!(packet.topic, "gulou/1/gulou/device/sign-7/up/stream/events");
    let envelope = Envelope::open(&packet).unwrap();
    let origin = envelope.origin.unwrap();
    assert_eq!(envelope.time, now().wall);
    assert_eq!(
        (origin.boot_id.as_str(), origin.mono_ms, origin.clock_error_ms),
        ("boot", 5, Some(20))
    );
}

#[tokio::test]
async fn a_window_is_bounded_by_rows_and_bytes_but_never_empty() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(folder.path()).await;
    let large = "x".repeat(1000);
    outbox.post(now(), vec![draft(Class::Normal, "k", &large); 5]).await.unwrap();
    let mut count = async |rows, bytes| outbox.read(EVENTS, 1, rows, bytes).await.unwrap().len();
    assert_eq!(count(3, u64::MAX).await, 3);
    assert_eq!(count(9, 2500).await, 2);
    assert_eq!(count(9, 1).await, 1);
}

#[tokio::test]
async fn the_oldest_normal_rows_go_first_and_one_gap_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(folder.path()).await;
    let text = |n: u64| format!("{n}{}", " ".repeat(1000));
    for n in 1..=17 {
        outbox.post(now(), vec![draft(Class::Normal, "k", &text(n))]).await.unwrap();
    }
    outbox.post(now(), vec![draft(Class::Critical, "k", &text(18))]).await.unwrap();
    assert_eq!(picture(&mut outbox).await[..2], ["1-3 gap 3 Normal", "4 4"]);
    for n in 19..=21 {
        outbox.post(now(), vec![draft(Class::Normal, "k", &text(n))]).await.unwrap();
    }
    assert_eq!(picture(&mut outbox).await[..2], ["1-6 gap 6 Normal", "7 7"]);
    assert_eq!(outbox.stats().dropped, 6);
}

#[tokio::test]
async fn of_lossy_rows_the_latest_of_each_kind_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(folder.path()).await;
    let text = " ".repeat(1000);
    let light = draft(Class::Lossy, "light", &format!("light{text}"));
    let noise = draft(Class::Lossy, "noise", &format!("noise{text}"));
    outbox.post(now(), vec![noise; 2]).await.unwrap();
    outbox.post(now(), vec![light; 3]).await.unwrap();
    let report = draft(Class::Critical, "report", &text);
    outbox.post(now(), vec![report; 14]).await.unwrap();
    assert_eq!(picture(&mut outbox).await[..3], ["1-1 gap 1 Lossy", "2 noise", "3-4 gap 2 Lossy"]);
    assert_eq!(picture(&mut outbox).await[3], "5 light");
}

#[tokio::test]
async fn what_a_person_gave_us_is_refused_rather_than_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(folder.path()).await;
    let report = draft(Class::Critical, "report", &"x".repeat(1000));
    outbox.post(now(), vec![report.clone(); 26]).await.unwrap();
    let refused = outbox.post(now(), vec![report.clone()]).await.unwrap_err();
    assert_eq!(refused.to_string(), "the outbox is full: 30618 bytes wait, 30000 are allowed");
    assert_eq!(outbox.stats().rows, 26);
    ack(&mut outbox, 1).await;
    outbox.post(now(), vec![report]).await.unwrap();
    assert_eq!(outbox.streams()[EVENTS].last, 27, "the refused draft took no number");
}

#[tokio::test]
async fn a_draft_that_is_too_large_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(folder.path()).await;
    let large = draft(Class::Normal, "k", &"x".repeat(PAYLOAD_MAX + 1));
    let refused = outbox.post(now(), vec![large]).await.unwrap_err();
    assert_eq!(refused.to_string(), "draft refused: payload is larger than PAYLOAD_MAX");
}

#[tokio::test]
async fn an_unreadable_file_is_put_aside_and_never_blocks_the_start() {
    for garbage in
        [&b"not a database, but long enough to look at"[..], &[0; 5000], b"SQLite format 3\0"]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox.db");
        std::fs::write(&path, garbage).unwrap();
        let mut outbox = open(folder.path()).await;
        assert!(outbox.stats().set_aside.unwrap().contains("outbox.unreadable-1.db"));
        assert_eq!(std::fs::read(folder.path().join("outbox.unreadable-1.db")).unwrap(), garbage);
        outbox.post(now(), vec![draft(Class::Critical, "k", "a")]).await.unwrap();
        assert_eq!(picture(&mut outbox).await, ["1 a"]);
    }
}

#[tokio::test]
async fn a_file_with_a_broken_page_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(folder.path()).await;
    outbox.post(now(), vec![draft(Class::Critical, "k", &"x".repeat(900)); 20]).await.unwrap();
    let epoch = outbox.streams()[EVENTS].epoch;
    outbox.close().await;
    let path = folder.path().join("outbox.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let later = Moment { wall: now().wall + Duration::from_secs(1), ..now() };
    let mut outbox = Outbox::open(folder.path(), LIMITS, "boot", later).await.unwrap();
    assert!(outbox.stats().set_aside.is_some());
    outbox.post(later, vec![draft(Class::Critical, "k", "a")]).await.unwrap();
    assert!(outbox.streams()[EVENTS].epoch > epoch);
}

#[tokio::test]
async fn a_file_that_breaks_while_it_is_open_is_replaced_at_the_next_post() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(folder.path()).await;
    outbox.post(now(), vec![draft(Class::Critical, "k", "a")]).await.unwrap();
    let store = outbox.store.as_mut().unwrap();
    let spoil = "PRAGMA ignore_check_constraints = 1; UPDATE event SET kind = CAST(x'FF' AS TEXT)";
    sqlx::raw_sql(spoil).execute(&mut store.connection).await.unwrap();
    assert!(outbox.read(EVENTS, 0, 1, 1).await.is_err());
    assert_eq!(outbox.stats().rows, 0);
    outbox.post(now(), vec![draft(Class::Critical, "k", "b")]).await.unwrap();
    assert_eq!(picture(&mut outbox).await, ["1 b"]);
    assert!(outbox.stats().set_aside.unwrap().contains("outbox.unreadable-1.db"));
    drop(outbox);
    assert_eq!(picture(&mut open(folder.path()).await).await, ["1 b"]);
}

#[tokio::test]
async fn another_programs_database_is_left_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut theirs = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::raw_sql("CREATE TABLE diary (text)").execute(&mut theirs).await.unwrap();
    sqlx::Connection::close(theirs).await.unwrap();
    let outbox = open(folder.path()).await;
    let report = outbox.stats().set_aside.unwrap();
    assert!(report.starts_with("it belongs to another program; kept as "), "{report}");
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_told_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    // A file where the folder should be refuses everything, for root too.
    let path = folder.path().join("state");
    std::fs::write(&path, []).unwrap();
    let mut outbox = open(&path).await;
    assert!(outbox.stats().fault.is_some());
    let report = vec![draft(Class::Critical, "k", "a")];
    let refused = outbox.post(now(), report.clone()).await.unwrap_err();
    assert!(matches!(refused, OutboxError::Disk(_)), "{refused}");
    assert_eq!(outbox.next_session().await, 1, "it connects all the same");
    std::fs::remove_file(&path).unwrap();
    outbox.post(now(), report).await.unwrap();
    assert_eq!(picture(&mut outbox).await, ["1 a"]);
    assert_eq!(outbox.stats().fault, None);
    assert_eq!(outbox.next_session().await, 2);
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_was_taken_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(folder.path()).await;
    let report = || vec![draft(Class::Critical, "k", &format!("a{}", " ".repeat(3000)))];
    outbox.post(now(), report()).await.unwrap();
    // SQLite says SQLITE_FULL at this many pages as it does for a full disk.
    let pages = async |outbox: &mut Outbox, pragma: &'static str| {
        let store = outbox.store.as_mut().unwrap();
        sqlx::query(pragma).execute(&mut store.connection).await.unwrap();
    };
    pages(&mut outbox, "PRAGMA max_page_count = 9").await;
    let refused = outbox.post(now(), [report(), report(), report()].concat()).await.unwrap_err();
    assert!(matches!(refused, OutboxError::Disk(_)), "{refused}");
    assert_eq!(outbox.stats().fault, Some(refused.to_string()));
    assert_eq!(picture(&mut outbox).await, ["1 a"]);
    pages(&mut outbox, "PRAGMA max_page_count = 1000").await;
    outbox.post(now(), report()).await.unwrap();
    assert_eq!(picture(&mut outbox).await, ["1 a", "2 a"]);
    assert_eq!(outbox.stats().fault, None);
}

#[tokio::test]
async fn sessions_count_on_over_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(folder.path()).await;
    assert_eq!((outbox.next_session().await, outbox.next_session().await), (1, 2));
    drop(outbox);
    assert_eq!(open(folder.path()).await.next_session().await, 3);
}

#[tokio::test]
async fn a_higher_epoch_numbers_what_waits_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(folder.path()).await;
    let drafts = ["a", "b", "c", "d"].map(|text| draft(Class::Critical, "k", text));
    outbox.post(now(), drafts.into()).await.unwrap();
    ack(&mut outbox, 1).await;
    outbox.quarantine(EVENTS, 3, "test").await.unwrap();
    let epoch = outbox.streams()[EVENTS].epoch;
    outbox.raise_epoch(epoch + 7).await.unwrap();
    assert_eq!(picture(&mut outbox).await, ["1 b", "2-2 gap 1 Critical", "3 d"]);
    let state = outbox.streams()[EVENTS];
    assert_eq!((state.epoch, state.last, state.acked), (epoch + 8, 3, 0));
    outbox.post(now(), vec![draft(Class::Critical, "k", "e")]).await.unwrap();
    assert_eq!(picture(&mut outbox).await[3], "4 e");
}

/// What can happen to an outbox.
#[derive(Debug, Clone)]
enum Op {
    Post(Vec<(Class, u8, u16)>),
    Ack(u8),
    Quarantine(u8),
    RaiseEpoch,
    /// The process dies and starts again.
    Crash,
    /// The power fails: what is on the disk at this moment is all there is.
    PowerCut,
}

fn op() -> impl Strategy<Value = Op> {
    let class = prop_oneof![Just(Class::Critical), Just(Class::Normal), Just(Class::Lossy)];
    let post = prop::collection::vec((class, 0_u8..3, 0_u16..1500), 1..12);
    prop_oneof![
        8 => post.prop_map(Op::Post),
        3 => any::<u8>().prop_map(Op::Ack),
        1 => any::<u8>().prop_map(Op::Quarantine),
        1 => Just(Op::RaiseEpoch),
        1 => Just(Op::Crash),
        1 => Just(Op::PowerCut),
    ]
}

/// An outbox, and what must still be in it.
struct Subject {
    folder: TempDir,
    outbox: Outbox,
    /// Critical payloads that were taken, oldest first, by name.
    owed: Vec<String>,
    posted: u64,
}

impl Subject {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let outbox = open(folder.path()).await;
        Self { folder, outbox, owed: Vec::new(), posted: 0 }
    }

    async fn apply(mut self, op: Op) -> Self {
        match op {
            Op::Post(rows) => self.post(rows).await,
            Op::Ack(share) => {
                let rows = self.rows().await;
                if let Some(row) = rows.get(usize::from(share) * rows.len() / 256) {
                    ack(&mut self.outbox, row.key.seq).await;
                    let acked: Vec<String> = rows
                        .iter()
                        .filter(|other| other.key.seq <= row.key.seq)
                        .map(name)
                        .collect();
                    self.owed.retain(|owed| !acked.contains(owed));
                }
            }
            Op::Quarantine(share) => {
                let rows = self.rows().await;
                if let Some(row) = rows.get(usize::from(share) * rows.len() / 256) {
                    self.outbox.quarantine(EVENTS, row.key.seq, "test").await.unwrap();
                    self.owed.retain(|owed| *owed != name(row));
                }
            }
            Op::RaiseEpoch => self.outbox.raise_epoch(0).await.unwrap(),
            Op::Crash => {
                drop(self.outbox);
                self.outbox = open(self.folder.path()).await;
            }
            Op::PowerCut => {
                let image = tempfile::tempdir().unwrap();
                for file in std::fs::read_dir(self.folder.path()).unwrap() {
                    let file = file.unwrap();
                    std::fs::copy(file.path(), image.path().join(file.file_name())).unwrap();
                }
                self.outbox = open(image.path()).await;
                self.folder = image;
            }
        }
        self
    }

    async fn post(&mut self, rows: Vec<(Class, u8, u16)>) {
        let mut drafts = Vec::new();
        for (class, kind, size) in &rows {
            self.posted += 1;
            let payload = format!("{} {}", self.posted, "x".repeat(usize::from(*size)));
            drafts.push(draft(*class, &format!("kind{kind}"), &payload));
        }
        let first = self.posted + 1 - rows.len() as u64;
        match self.outbox.post(now(), drafts).await {
            Ok(()) => {
                let numbers = (first..).zip(&rows).filter(|(_, row)| row.0 == Class::Critical);
                self.owed.extend(numbers.map(|(n, _)| n.to_string()));
            }
            Err(OutboxError::Full { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    async fn rows(&mut self) -> Vec<Row> {
        self.outbox.read(EVENTS, 0, 100_000, u64::MAX).await.unwrap()
    }

    async fn check_invariants(&mut self) {
        let rows = self.rows().await;
        let state = self.outbox.streams().get(EVENTS).copied();
        let (last, acked) = state.map_or((0, 0), |state| (state.last, state.acked));
        let mut before = acked;
        for row in &rows {
            let from = row.gap_from.unwrap_or(row.key.seq);
            // A gap may reach back over acked numbers, and over nothing else.
            assert!(from == before + 1 || (before == acked && from <= acked + 1), "hole: {row:?}");
            before = row.key.seq;
        }
        assert_eq!(before, last, "the numbers end where they were given out");

        let names: Vec<String> = rows.iter().map(name).collect();
        let missing: Vec<&String> =
            self.owed.iter().filter(|&owed| !names.contains(owed)).collect();
        assert!(missing.is_empty(), "critical rows were dropped: {missing:?}");

        let stats = self.outbox.stats();
        assert_eq!(stats.rows, rows.len() as u64);
        assert_eq!(stats.bytes, rows.iter().map(Row::bytes).sum::<u64>());
    }
}

/// The first word of a payload.
fn name(row: &Row) -> String {
    String::from_utf8_lossy(&row.payload).split(' ').next().unwrap_or_default().to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn numbers_have_no_hole_and_critical_rows_stay(ops in prop::collection::vec(op(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut subject = Subject::new().await;
            for op in ops {
                subject = subject.apply(op).await;
                subject.check_invariants().await;
            }
        });
    }
}
