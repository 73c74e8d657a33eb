//! After a citizen nothing of her is left: not in the memory of the process, not in its folders, not in
//! its logs, however she went.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use nix::unistd::Pid;
use serde_json::json;

use crate::citizen::card;
use crate::hall::{Hall, until};

/// Largest piece of memory that is read at once.
const PIECE_MAX: usize = 64 << 20;
/// Stands in the picture that the camera takes.
const PHOTO: &[u8] = b"canary-photo-7f3a9c51";

/// What must not be found: her name, number and address, and her picture.
struct Traces(Vec<(String, Vec<u8>)>);

impl Traces {
    fn of(citizen: &str) -> Traces {
        let card = card(citizen);
        let text = |name: &str| card[name].as_str().unwrap().to_owned();
        let words = [text("name"), text("number"), text("address")];
        let mut traces: Vec<(String, Vec<u8>)> = Vec::new();
        for word in words {
            let wide: Vec<u8> = word.encode_utf16().flat_map(u16::to_le_bytes).collect();
            traces.push((word.clone(), word.clone().into_bytes()));
            traces.push((format!("{word} as the card has it"), wide));
        }
        traces.push(("her picture".to_owned(), PHOTO.to_vec()));
        Traces(traces)
    }

    fn names_in(&self, bytes: &[u8]) -> Vec<&str> {
        let found = self.0.iter().filter(|(_, trace)| holds(bytes, trace));
        found.map(|(name, _)| name.as_str()).collect()
    }

    /// In everything that the process may read of itself.
    fn in_memory(&self, process: Pid) -> Vec<String> {
        let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
        let mut memory = fs::File::open(format!("/proc/{process}/mem")).unwrap();
        let mut found = Vec::new();
        for line in maps.lines().filter(|line| line.contains(" rw")) {
            let range = line.split_whitespace().next().unwrap();
            let (from, to) = range.split_once('-').unwrap();
            let number = |text| u64::from_str_radix(text, 16).unwrap();
            let size = usize::try_from(number(to) - number(from)).unwrap().min(PIECE_MAX);
            let mut bytes = vec![0; size];
            // Some pieces belong to the kernel and can't be read.
            if memory.seek(SeekFrom::Start(number(from))).is_err()
                || memory.read(&mut bytes).is_err()
            {
                continue;
            }
            found.extend(self.names_in(&bytes).iter().map(|name| format!("{name} in {line}")));
        }
        found
    }

    /// In every file below, but for those that belong to others: the platform and the peers.
    fn in_files(&self, folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() {
                found.extend(self.in_files(&path));
            } else if kind.is_file() {
                let bytes = fs::read(&path).unwrap_or_default();
                let names = self.names_in(&bytes);
                found.extend(names.iter().map(|name| format!("{name} in {}", path.display())));
            }
        }
        found
    }
}

fn holds(bytes: &[u8], trace: &[u8]) -> bool {
    memchr::memmem::find(bytes, trace).is_some()
}

impl Hall {
    /// Everything of hers that can still be found.
    fn left_of(&self, citizen: &str) -> Vec<String> {
        let traces = Traces::of(citizen);
        let mut found = traces.in_memory(self.terminal());
        found.extend(traces.in_files(&self.path("state")));
        for file in ["terminal.log", "outline"] {
            let bytes = fs::read(self.path(file)).unwrap_or_default();
            let names = traces.names_in(&bytes);
            found.extend(names.iter().map(|name| format!("{name} in {file}")));
        }
        found
    }

    /// Waits until nothing of hers is left; what other threads free a moment later is gone by then.
    async fn forgets(&self, citizen: &str) {
        let gone = async || self.left_of(citizen).is_empty();
        let forgotten = until("the terminal forgets", gone).await.is_ok();
        assert!(forgotten, "left of {citizen}: {:#?}", self.left_of(citizen));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_who_finishes_nothing_is_left() {
    let mut hall = Hall::open().await;
    hall.asks_for_no_property_certificate("zhang-y").await;
    hall.sees("办其他事").await;
    hall.files_in("pages", 1).await;
    assert!(!hall.left_of("zhang-y").is_empty(), "the search finds what stands on the glass");
    hall.tap("结束并清除").await;
    hall.sees("轻触屏幕开始").await;
    hall.forgets("zhang-y").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_who_goes_away_in_the_middle_nothing_is_left() {
    let mut hall = Hall::open().await;
    hall.tap("轻触屏幕开始").await;
    hall.tap("打印证明").await;
    hall.opens("无房证明").await;
    hall.tap("开始办理").await;
    hall.sees("请放上身份证").await;
    hall.happens("reader", json!({ "do": "insert", "card": card("zhang-y") })).await;
    hall.sees("请看镜头").await;
    hall.tap("拍照").await;
    hall.sees("证明用来做什么？").await;
    hall.happens("reader", json!({ "do": "remove" })).await;
    hall.sees("您还在吗？").await;
    hall.sees("轻触屏幕开始").await;
    hall.forgets("zhang-y").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_who_is_there_when_the_power_fails_nothing_is_left() {
    let mut hall = Hall::open().await;
    hall.asks_for_no_property_certificate("zhang-y").await;
    hall.sees("办其他事").await;
    hall.cut_power().await;
    hall.forgets("zhang-y").await;
}
