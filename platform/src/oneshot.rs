//! One board from files, for people who debug a feed: no broker, no store, no clock.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;
use sync::StopId;

use crate::boards::{Boards, Event};
use crate::feeds::gtfs;
use crate::feeds::gtfs_rt::{self, FEED_MAX, Feed};

/// Prints the board of one stop as JSON.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The timetable: a GTFS zip
    #[arg(long, value_name = "FILE")]
    pub gtfs: PathBuf,
    /// GTFS-realtime feed with trip updates
    #[arg(long, value_name = "FILE")]
    pub trip_updates: Option<PathBuf>,
    /// GTFS-realtime feed with vehicle positions
    #[arg(long, value_name = "FILE")]
    pub vehicle_positions: Option<PathBuf>,
    /// The time at which to look, such as 2025-06-08T21:08:05Z
    #[arg(long, value_name = "RFC3339")]
    pub at: Timestamp,
    /// The stop, as the feed calls it
    #[arg(long, value_name = "ID")]
    pub stop: String,
}

/// Reads the files, prints the board on standard output and what was odd on standard error.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let network = Arc::new(gtfs::load_path(&args.gtfs)?);
    eprintln!("{}: {}", args.gtfs.display(), network.report());
    let mut boards = Boards::new();
    boards.handle(args.at, Event::Network(network));
    if let Some(path) = &args.vehicle_positions {
        boards.handle(args.at, Event::Vehicles(read(path)?));
    }
    if let Some(path) = &args.trip_updates {
        boards.handle(args.at, Event::Trips(read(path)?));
    }
    eprintln!("{:?}", boards.counts());
    let board = boards.board(&StopId(args.stop.clone()), args.at);
    let board =
        board.with_context(|| format!("{} has no stop {:?}", args.gtfs.display(), args.stop))?;
    let json = serde_json::to_string_pretty(&board)?;
    writeln!(std::io::stdout().lock(), "{json}")?;
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Feed> {
    let name = || path.display().to_string();
    let mut bytes = Vec::new();
    let file = fs::File::open(path).with_context(name)?;
    file.take(FEED_MAX as u64 + 1).read_to_end(&mut bytes).with_context(name)?;
    let feed = gtfs_rt::parse(&bytes).with_context(name)?;
    let (trips, vehicles, refused) = (feed.trips.len(), feed.vehicles.len(), feed.refused);
    eprintln!("{}: {trips} trips, {vehicles} vehicles, refused {refused:?}", path.display());
    Ok(feed)
}
