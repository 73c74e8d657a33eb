//! The receipt printer.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use drivers::health::Health;
use drivers::receipt::bitmap::Bitmap;
use drivers::receipt::status::{Paper, Trouble};
use drivers::receipt::{Outcome, ReceiptPrinter};

use crate::bench::{Peer, soon};

const WIDTH: usize = 64;

fn picture(rows: usize) -> Bitmap {
    let mut bitmap = Bitmap::white(WIDTH, rows);
    for y in 0..rows {
        bitmap.blacken(y * y % WIDTH, y);
        bitmap.blacken(3, y);
    }
    bitmap
}

fn start() -> (Peer, ReceiptPrinter) {
    let peer = Peer::start("receipt");
    let printer = ReceiptPrinter::new(peer.address(), WIDTH);
    (peer, printer)
}

/// What lies in the tray, as a picture again.
fn receipt(path: &Path) -> Bitmap {
    let decoder = png::Decoder::new(BufReader::new(File::open(path).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let (width, height) = (info.width as usize, info.height as usize);
    let mut bitmap = Bitmap::white(width, height);
    for y in 0..height {
        for x in 0..width {
            if bytes[y * info.line_size + x / 8] & (0x80 >> (x % 8)) == 0 {
                bitmap.blacken(x, y);
            }
        }
    }
    bitmap
}

#[tokio::test]
async fn what_is_printed_falls_into_the_tray() {
    let (peer, mut printer) = start();
    let bitmap = picture(300);
    assert_eq!(soon(printer.print(&bitmap)).await, Outcome::Done);
    assert_eq!(printer.health(), Health::Ok);
    assert_eq!(receipt(&peer.path("tray/receipt-0001.png")), bitmap);
}

#[tokio::test]
async fn a_device_file_without_line_settings_is_the_same() {
    let peer = Peer::start("receipt");
    let address = format!("file:{}", peer.path("line").display()).parse().unwrap();
    let mut printer = ReceiptPrinter::new(address, WIDTH);
    assert_eq!(soon(printer.print(&picture(2000))).await, Outcome::Done);
    assert_eq!(receipt(&peer.path("tray/receipt-0001.png")), picture(2000));
    peer.tell(r#"{"do":"unplug"}"#);
    assert_eq!(soon(printer.print(&picture(10))).await, Outcome::Refused(Trouble::Lost));
}

#[tokio::test]
async fn every_state_is_told() {
    let (peer, mut printer) = start();
    peer.tell(r#"{"do":"near-end"}"#);
    assert_eq!(soon(printer.status()).await.unwrap().paper, Paper::NearEnd);
    assert_eq!(soon(printer.print(&picture(10))).await, Outcome::Done, "it still prints");
    for (wrong, right, trouble) in [
        ("paper-out", "load-paper", Trouble::PaperEnd),
        ("open-cover", "close-cover", Trouble::CoverOpen),
    ] {
        peer.tell(&format!(r#"{{"do":"{wrong}"}}"#));
        let status = soon(printer.status()).await.unwrap();
        assert_eq!((status.trouble(), status.offline), (Some(trouble), Some(true)));
        assert_eq!(soon(printer.print(&picture(10))).await, Outcome::Refused(trouble));
        peer.tell(&format!(r#"{{"do":"{right}"}}"#));
        assert_eq!(soon(printer.status()).await.unwrap().trouble(), None);
    }
    assert_eq!(peer.tell(r#"{"do":"state"}"#)["receipts"], 1);
}

#[tokio::test]
async fn paper_that_ends_in_mid_job_is_told_and_the_rest_never_comes_out() {
    let (peer, mut printer) = start();
    peer.tell(r#"{"do":"paper-out","after_rows":200}"#);
    let outcome = soon(printer.print(&picture(500))).await;
    let Outcome::Stopped { trouble: Trouble::PaperEnd, rows: Some(rows) } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(rows, 192, "three bands of 64 rows are certain, and a part of the fourth is not");
    assert_eq!(peer.tell(r#"{"do":"state"}"#)["rows"], 200);
    let state = peer.tell(r#"{"do":"load-paper"}"#);
    assert_eq!((&state["rows"], &state["waiting"]), (&200.into(), &0.into()));
    assert_eq!(soon(printer.print(&picture(10))).await, Outcome::Done);
}

#[tokio::test]
async fn a_stuck_cutter_is_no_receipt() {
    let (peer, mut printer) = start();
    peer.tell(r#"{"do":"jam"}"#);
    let outcome = soon(printer.print(&picture(100))).await;
    assert_eq!(outcome, Outcome::Stopped { trouble: Trouble::Cutter, rows: Some(100) });
    assert_eq!(soon(printer.print(&picture(10))).await, Outcome::Refused(Trouble::Cutter));
    assert_eq!(peer.tell(r#"{"do":"clear-jam"}"#)["receipts"], 0);
    assert_eq!(soon(printer.print(&picture(10))).await, Outcome::Done);
}

#[tokio::test]
async fn unplugged_it_is_lost_and_comes_back() {
    let (peer, mut printer) = start();
    assert_eq!(soon(printer.print(&picture(10))).await, Outcome::Done);
    peer.tell(r#"{"do":"unplug"}"#);
    assert_eq!(soon(printer.print(&picture(10))).await, Outcome::Refused(Trouble::Lost));
    assert_eq!(printer.health(), Health::Lost);
    assert_eq!(soon(printer.status()).await, Err(Trouble::Lost));
    peer.tell(r#"{"do":"plug"}"#);
    assert_eq!(soon(printer.print(&picture(10))).await, Outcome::Done);
}

#[tokio::test]
async fn a_silent_printer_is_unknown_and_never_done() {
    let (peer, mut printer) = start();
    peer.tell(r#"{"do":"fail","how":"silent"}"#);
    let status = soon(printer.status()).await.unwrap();
    assert_eq!((status.paper, status.is_known()), (Paper::Unknown, false));
    assert_eq!(printer.health(), Health::Degraded);
    assert_eq!(soon(printer.print(&picture(10))).await, Outcome::Unknown);
}

#[tokio::test]
async fn a_printer_on_the_network_is_the_same() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let peer = Peer::spawn(|folder| {
        let tray = folder.join("tray").display().to_string();
        ["receipt", "--tcp", &format!("127.0.0.1:{port}"), "--tray", &tray, "--width=64"]
            .map(str::to_owned)
            .to_vec()
    });
    peer.tell(r#"{"do":"state"}"#);
    let address = format!("tcp:127.0.0.1:{port}").parse().unwrap();
    let mut printer = ReceiptPrinter::new(address, WIDTH);
    assert_eq!(soon(printer.print(&picture(10))).await, Outcome::Done);
    assert_eq!(
        soon(printer.print(&Bitmap::white(WIDTH + 1, 1))).await,
        Outcome::Refused(Trouble::TooWide)
    );
    peer.tell(r#"{"do":"unplug"}"#);
    assert_eq!(soon(printer.print(&picture(10))).await, Outcome::Refused(Trouble::Lost));
}
