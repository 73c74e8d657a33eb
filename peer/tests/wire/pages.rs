//! The page printer, against Debian's `ippeveprinter`.

use std::time::Duration;

use drivers::a4::attributes::{Job, JobState, Printer, Trouble};
use drivers::a4::{A4Printer, Error};
use drivers::health::Health;

use crate::bench::{Peer, soon};

const PDF: &[u8] = b"%PDF-1.4\n1 0 obj<</Type /Pages /Kids [2 0 R 3 0 R] /Count 2>>endobj\n\
    2 0 obj<</Type /Page>>endobj\n3 0 obj<</Type /Page>>endobj\n%%EOF\n";

struct Bench {
    peer: Peer,
    printer: A4Printer,
}

impl Bench {
    fn new() -> Option<Self> {
        let installed = ["ippeveprinter", "dbus-daemon", "setpriv"].iter().all(|program| {
            ["/usr/sbin", "/usr/bin"]
                .iter()
                .any(|at| std::path::Path::new(at).join(program).exists())
        });
        if !installed {
            println!("skipped: ippeveprinter (cups-ipp-utils), dbus-daemon or setpriv is missing");
            return None;
        }
        rustls::crypto::ring::default_provider().install_default().ok();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let peer = Peer::spawn(|folder| {
            let spool = folder.join("spool").display().to_string();
            ["a4", "--port", &port.to_string(), "--spool", &spool].map(str::to_owned).to_vec()
        });
        peer.tell(r#"{"do":"state"}"#);
        let uri = format!("ipp://localhost:{port}/ipp/print");
        Some(Self { peer, printer: A4Printer::new(&uri).unwrap() })
    }

    async fn status(&mut self) -> Printer {
        soon(self.printer.status()).await.unwrap()
    }

    async fn print(&mut self) -> i32 {
        soon(self.printer.print(PDF.to_vec(), "A certificate")).await.unwrap().id
    }

    /// Asks again and again until the job is as wanted.
    async fn job(&mut self, id: i32, wanted: impl Fn(&Job) -> bool) -> Job {
        soon(async {
            loop {
                let job = self.printer.job(id).await.unwrap();
                if wanted(&job) {
                    return job;
                }
                pause().await;
            }
        })
        .await
    }

    /// Documents that wait, each in a process of its own.
    fn waiting(&self) -> usize {
        let folder = self.peer.path("spool").display().to_string();
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let lines = processes
            .filter_map(|process| std::fs::read_to_string(process.path().join("cmdline")).ok());
        lines.filter(|line| line.contains("a4-page") && line.contains(&folder)).count()
    }

    async fn trouble(&mut self, wanted: Option<Trouble>) {
        soon(async {
            while self.printer.status().await.unwrap().trouble != wanted {
                pause().await;
            }
        })
        .await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a real printer is asked again after a while")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

#[tokio::test]
async fn a_document_is_printed_page_by_page() {
    let Some(mut bench) = Bench::new() else { return };
    assert!(bench.status().await.can_print());
    let id = bench.print().await;
    let job = bench.job(id, Job::is_over).await;
    assert_eq!(job, Job { id, state: JobState::Completed, impressions: Some(2) });
    assert!(matches!(bench.printer.print(b"text".to_vec(), "").await, Err(Error::Document)));
}

#[tokio::test]
async fn paper_and_toner_are_told() {
    let Some(mut bench) = Bench::new() else { return };
    bench.peer.tell(r#"{"do":"near-end"}"#);
    assert!(bench.status().await.media_low && bench.printer.health() == Health::Ok);
    bench.peer.tell(r#"{"do":"paper-out"}"#);
    assert_eq!(bench.status().await.trouble, Some(Trouble::MediaEmpty));
    assert_eq!(bench.printer.health(), Health::Degraded);
    bench.peer.tell(r#"{"do":"load-paper"}"#);
    bench.peer.tell(r#"{"do":"toner","level":5}"#);
    assert!(bench.status().await.toner_low);
    bench.peer.tell(r#"{"do":"toner","level":0}"#);
    assert_eq!(bench.status().await.trouble, Some(Trouble::TonerEmpty));
}

#[tokio::test]
async fn a_jam_and_an_open_cover_hold_a_document_until_they_are_gone() {
    let Some(mut bench) = Bench::new() else { return };
    bench.peer.tell(r#"{"do":"jam"}"#);
    bench.peer.tell(r#"{"do":"open-cover"}"#);
    let id = bench.print().await;
    bench.trouble(Some(Trouble::Jam)).await;
    bench.peer.tell(r#"{"do":"clear-jam"}"#);
    bench.trouble(Some(Trouble::CoverOpen)).await;
    assert!(!bench.printer.job(id).await.unwrap().is_over());
    bench.peer.tell(r#"{"do":"close-cover"}"#);
    assert_eq!(bench.job(id, Job::is_over).await.state, JobState::Completed);
    bench.trouble(None).await;
}

#[tokio::test]
async fn a_job_is_taken_back_and_a_pulled_plug_is_offline() {
    let Some(mut bench) = Bench::new() else { return };
    bench.peer.tell(r#"{"do":"jam"}"#);
    let id = bench.print().await;
    bench.trouble(Some(Trouble::Jam)).await;
    soon(bench.printer.cancel(id)).await.unwrap();
    bench.peer.tell(r#"{"do":"clear-jam"}"#);
    assert_eq!(bench.job(id, Job::is_over).await.state, JobState::Canceled);
    bench.peer.tell(r#"{"do":"unplug"}"#);
    assert!(matches!(soon(bench.printer.status()).await, Err(Error::Offline)));
    assert_eq!(bench.printer.health(), Health::Lost);
    bench.peer.tell(r#"{"do":"plug"}"#);
    assert!(bench.status().await.can_print());
}

#[tokio::test]
async fn a_document_that_waits_ends_with_its_printer() {
    let Some(mut bench) = Bench::new() else { return };
    bench.peer.tell(r#"{"do":"jam"}"#);
    bench.print().await;
    bench.trouble(Some(Trouble::Jam)).await;
    assert_eq!(bench.waiting(), 1);
    bench.peer.tell(r#"{"do":"unplug"}"#);
    soon(async {
        while bench.waiting() > 0 {
            pause().await;
        }
    })
    .await;
}

#[test]
fn only_plain_printer_addresses_are_taken() {
    for wrong in ["ipps://h/ipp/print", "10.0.0.9", "ipp:", "file:///dev/lp0"] {
        assert!(A4Printer::new(wrong).is_err(), "{wrong}");
    }
}
