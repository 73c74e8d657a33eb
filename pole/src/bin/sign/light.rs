//! The light sensor on its own task: a serial line must never hold up the glass.

use std::time::Duration;

use drivers::illuminance::{Illuminance, Profile, SerialIlluminance};
use tokio::sync::mpsc;

/// Between two readings.
const READ_EVERY: Duration = Duration::from_secs(10);
/// Readings that wait for the loop; an older one is worth nothing.
const READINGS_MAX: usize = 1;

/// Readings in lux, or why there are none.
pub(crate) fn watch(serial: String, profile: Profile) -> mpsc::Receiver<Result<f64, String>> {
    let (tell, readings) = mpsc::channel(READINGS_MAX);
    tokio::spawn(async move {
        let mut every = tokio::time::interval(READ_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut line = None;
        while !tell.is_closed() {
            every.tick().await;
            let reading = read(&mut line, &serial, profile).await;
            if reading.is_err() {
                // An adapter that was unplugged gets another file when it comes back.
                line = None;
            }
            if tell.send(reading).await.is_err() {
                return;
            }
        }
    });
    readings
}

async fn read(
    line: &mut Option<SerialIlluminance>,
    serial: &str,
    profile: Profile,
) -> Result<f64, String> {
    let describe = |error: drivers::illuminance::Error| format!("{serial}: {error}");
    let transmitter = match line {
        Some(transmitter) => transmitter,
        None => line.insert(Illuminance::open(serial, profile).map_err(describe)?),
    };
    transmitter.measure().await.map(f64::from).map_err(describe)
}
