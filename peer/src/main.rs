//! The far side of the terminal's peripherals: card reader, scanner, receipt printer, page printer.
//!
//! Each speaks its device's protocol on a pseudo-terminal or a TCP port, and does what JSON lines on a
//! socket tell it: a card is laid down, paper runs out, a plug is pulled.
//! Nothing here shares code with the drivers, so that each side checks the other.

#![forbid(unsafe_code)]

mod a4;
mod card;
mod command;
mod desk;
mod line;
mod reader;
mod receipt;
mod scanner;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use desk::{Desk, Device};
use line::Place;

#[derive(Debug, Parser)]
#[command(name = "gulou-peer", about = "The far side of the terminal's peripherals")]
struct Arguments {
    #[command(subcommand)]
    peer: Peer,
}

#[derive(Debug, Subcommand)]
enum Peer {
    /// A reader of identity cards (SAM-V)
    Reader {
        #[command(flatten)]
        cable: Cable,
        /// How long each answer takes
        #[arg(long, default_value_t = 0)]
        answer_ms: u64,
    },
    /// A scanner of bar and QR codes
    Scanner {
        #[command(flatten)]
        cable: Cable,
    },
    /// A receipt printer (ESC/POS)
    Receipt {
        #[command(flatten)]
        cable: Cable,
        /// Folder where cut receipts fall, as PNG files
        #[arg(long)]
        tray: PathBuf,
        /// Dots in a row
        #[arg(long, default_value_t = 576)]
        width: usize,
    },
    /// A page printer (IPP): starts Debian's ippeveprinter and plays its paper tray
    A4(a4::Arguments),
    /// What the page printer runs for each document
    #[command(hide = true)]
    A4Page(a4::Page),
    /// Prints a made-up card, to be laid down with {"do":"insert","card":…}
    Card,
    /// Sends one command to a peer and prints its answer
    Tell {
        /// Socket of the peer
        socket: PathBuf,
        /// A command, such as {"do":"state"}
        command: String,
    },
}

#[derive(Debug, Args)]
struct Cable {
    /// Where the device file of the pseudo-terminal is linked
    #[arg(long, conflicts_with = "tcp", required_unless_present = "tcp")]
    at: Option<PathBuf>,
    /// Address to listen at instead
    #[arg(long)]
    tcp: Option<SocketAddr>,
    /// Socket where commands come in
    #[arg(long)]
    control: PathBuf,
}

impl Cable {
    fn place(&self) -> anyhow::Result<Place> {
        match (&self.at, self.tcp) {
            (Some(path), None) => Ok(Place::Pty(path.clone())),
            (None, Some(address)) => Ok(Place::Tcp(address)),
            _ => anyhow::bail!("give either --at or --tcp"),
        }
    }
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().peer {
        Peer::Reader { cable, answer_ms } => {
            let delay = Duration::from_millis(answer_ms);
            serve(&cable, Device::Reader(reader::Reader::default()), delay)
        }
        Peer::Scanner { cable } => {
            serve(&cable, Device::Scanner(scanner::Scanner::default()), Duration::ZERO)
        }
        Peer::Receipt { cable, tray, width } => {
            let printer = receipt::Printer::new(tray, width)?;
            serve(&cable, Device::Receipt(Box::new(printer)), Duration::ZERO)
        }
        Peer::A4(arguments) => a4::serve(&arguments),
        Peer::A4Page(page) => a4::page(&page),
        Peer::Card => {
            println!("{}", serde_json::to_string(&card::Card::default())?);
            Ok(())
        }
        Peer::Tell { socket, command } => {
            let mut stream = UnixStream::connect(&socket)
                .with_context(|| format!("no peer at {}", socket.display()))?;
            writeln!(stream, "{command}")?;
            let mut answer = String::new();
            BufReader::new(stream).read_line(&mut answer)?;
            print!("{answer}");
            Ok(())
        }
    }
}

fn serve(cable: &Cable, device: Device, delay: Duration) -> anyhow::Result<()> {
    let place = cable.place()?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(Desk::new(place, device, delay).serve(&cable.control))
}
