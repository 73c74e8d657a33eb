//! `stop_times.txt`: rows in any order become the calls of each trip.

use super::table::Table;
use super::words::{Field, Words};
use super::{GtfsError, Issue};
use crate::network::{CALLS_MAX, Call, CallTime, Draft, DraftCall, StopIx, TextIx, TripIx};

/// Most stop times of a feed; a row costs 32 bytes while it is read.
const STOP_TIMES_MAX: usize = 16_000_000;

/// One row. The times are as given: either or both may be missing.
#[derive(Debug, Clone, Copy)]
struct Row {
    trip: TripIx,
    sequence: u32,
    stop: StopIx,
    arrival_s: Option<u32>,
    departure_s: Option<u32>,
    headsign: Option<TextIx>,
    boarding: bool,
}

/// Reads the table and gives every trip its calls.
pub(super) fn read(
    table: &mut Table<'_>,
    draft: &mut Draft,
    words: &Words,
) -> Result<(), GtfsError> {
    let mut rows = rows(table, draft, words)?;
    if !rows.is_sorted_by_key(|row| (row.trip, row.sequence)) {
        rows.sort_by_key(|row| (row.trip, row.sequence));
    }
    let trip_column = table.need("trip_id")?;
    let sequence_column = table.need("stop_sequence")?;
    let mut calls = Vec::new();
    for rows in rows.chunk_by(|a, b| a.trip == b.trip) {
        calls.clear();
        for (number, row) in rows.iter().enumerate() {
            if number > 0 && rows[number - 1].sequence == row.sequence {
                table.count(Issue::Duplicate, sequence_column);
            } else {
                calls.push(*row);
            }
        }
        match timed(&calls) {
            Some((timed, backwards)) => {
                if backwards {
                    table.count(Issue::Backwards, trip_column);
                }
                draft.calls(rows[0].trip, &timed);
            }
            None => table.count(Issue::Unusable, trip_column),
        }
    }
    Ok(())
}

fn rows(table: &mut Table<'_>, draft: &mut Draft, words: &Words) -> Result<Vec<Row>, GtfsError> {
    let (trip, stop, sequence) =
        (table.need("trip_id")?, table.need("stop_id")?, table.need("stop_sequence")?);
    let (arrival, departure) = (table.column("arrival_time"), table.column("departure_time"));
    let (headsign, pickup) = (table.column("stop_headsign"), table.column("pickup_type"));
    let mut rows: Vec<Row> = Vec::new();
    while table.next(STOP_TIMES_MAX)? {
        // Rows of one trip mostly stand together.
        let same = rows
            .last()
            .map(|row| row.trip)
            .filter(|last| draft.trip_id(*last).as_bytes() == table.bytes(trip));
        let known = match same {
            Some(trip) => Some(trip),
            None => draft.trip_by_id(&table.text(trip)?),
        };
        let Some(of) = known else {
            table.count(Issue::UnknownReference, trip);
            continue;
        };
        let Some(at) = table.id(stop)?.and_then(|id| draft.stop_by_id(&id)) else {
            table.count(Issue::UnknownReference, stop);
            continue;
        };
        let Some(sequence) = table.number(sequence) else { continue };
        let shown = table.name(headsign)?;
        let headsign =
            (!shown.is_empty()).then(|| draft.text(words.text(Field::StopHeadsign, "", shown)));
        let (arrival_s, departure_s) = (table.time(arrival), table.time(departure));
        let boarding = table.bytes(pickup) != b"1";
        rows.push(Row { trip: of, sequence, stop: at, arrival_s, departure_s, headsign, boarding });
    }
    Ok(rows)
}

/// Fills in the times that `stop_times.txt` leaves out, evenly between those it gives ("`arrival_time`"
/// in the GTFS reference asks for an interpolation). `None` for a trip that can't be used; the flag
/// says that a time had to be moved so that none is before the one in front of it.
fn timed(rows: &[Row]) -> Option<(Vec<DraftCall>, bool)> {
    let given = |row: &Row| row.arrival_s.or(row.departure_s);
    if rows.len() < 2
        || rows.len() > CALLS_MAX
        || given(&rows[0]).is_none()
        || given(&rows[rows.len() - 1]).is_none()
    {
        return None;
    }
    let mut calls = Vec::with_capacity(rows.len());
    let (mut backwards, mut last_s) = (false, 0);
    // The last call with a time of its own, when it is left, and the next call with one.
    let (mut from, mut left_s, mut to) = (0, 0, 0);
    for (number, row) in rows.iter().enumerate() {
        let arrival_s = if let Some(time_s) = given(row) {
            (from, left_s) = (number, row.departure_s.unwrap_or(time_s).max(last_s));
            time_s
        } else {
            if to < number {
                to = (number..rows.len()).find(|later| given(&rows[*later]).is_some())?;
            }
            let ride_s = u64::from(given(&rows[to])?.saturating_sub(left_s));
            left_s + u32::try_from(ride_s * (number - from) as u64 / (to - from) as u64).ok()?
        };
        backwards |= arrival_s < last_s;
        let arrival_s = arrival_s.max(last_s);
        let departure_s = row.departure_s.unwrap_or(arrival_s).max(arrival_s);
        last_s = departure_s;
        // Nobody boards where the trip ends, and most feeds leave it to the reader to know.
        let boarding = row.boarding && number + 1 < rows.len();
        let call =
            Call { stop: row.stop, sequence: row.sequence, headsign: row.headsign, boarding };
        calls.push(DraftCall { call, time: CallTime { arrival_s, departure_s } });
    }
    Some((calls, backwards))
}
