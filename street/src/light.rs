//! A light sensor on a serial line: the far end of a pseudo-terminal that speaks Modbus RTU.
//!
//! It answers like a Renke RS-FSXCS at address 1: lux in registers 01FE (high word) and 01FF (low word),
//! function 03. Frames follow "Modbus over serial line" V1.02, section 2.5.1.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::ttyname;

const ADDRESS: u8 = 1;
const READ: u8 = 3;
const REFUSED: u8 = 0x80;
const NO_SUCH_REGISTER: u8 = 2;
/// First register of the reading, high word first.
const LUX: u16 = 0x01FE;
/// Address, function, register, count, CRC.
const REQUEST_LEN: usize = 8;

/// A light sensor.
#[derive(Debug)]
pub struct LightSensor {
    path: PathBuf,
    lux: Arc<AtomicU32>,
    /// Keeps the line up while no device has it open.
    _near: OwnedFd,
}

impl LightSensor {
    /// Hangs a sensor on a line of its own.
    pub fn hang(lux: u32) -> io::Result<LightSensor> {
        let line = openpty(None, None)?;
        let mut settings = tcgetattr(&line.slave)?;
        cfmakeraw(&mut settings);
        tcsetattr(&line.slave, SetArg::TCSANOW, &settings)?;
        let path = ttyname(&line.slave)?;
        let lux = Arc::new(AtomicU32::new(lux));
        let (shown, mut far) = (lux.clone(), File::from(line.master));
        // A thread, because a pseudo-terminal has nothing better than blocking reads. It ends with the street.
        std::thread::Builder::new().name("light".to_owned()).spawn(move || {
            let mut request = [0; REQUEST_LEN];
            while far.read_exact(&mut request).is_ok() {
                let answered = answer(request, shown.load(Ordering::Relaxed))
                    .map(|frame| far.write_all(&frame));
                if let Some(Err(_)) = answered {
                    return;
                }
            }
        })?;
        Ok(LightSensor { path, lux, _near: line.slave })
    }

    /// Device file of the line.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets light fall on it, in lux.
    pub fn set(&self, lux: u32) {
        self.lux.store(lux, Ordering::Relaxed);
    }
}

/// The answer to `request` while `lux` fall on the sensor; none when it is damaged or meant for another.
fn answer(request: [u8; REQUEST_LEN], lux: u32) -> Option<Vec<u8>> {
    let (body, sum) = request.split_at(REQUEST_LEN - 2);
    if crc(body).to_le_bytes() != sum || body[0] != ADDRESS {
        return None;
    }
    let (register, count) =
        (u16::from_be_bytes([body[2], body[3]]), u16::from_be_bytes([body[4], body[5]]));
    let mut frame = if body[1] == READ && register == LUX && count == 2 {
        let mut frame = vec![ADDRESS, READ, 4];
        frame.extend(lux.to_be_bytes());
        frame
    } else {
        vec![ADDRESS, body[1] | REFUSED, NO_SUCH_REGISTER]
    };
    frame.extend(crc(&frame).to_le_bytes());
    Some(frame)
}

/// CRC-16 with polynomial A001, reflected, start FFFF (section 6.2.2).
fn crc(bytes: &[u8]) -> u16 {
    let bit = |sum: u16| if sum & 1 == 1 { (sum >> 1) ^ 0xA001 } else { sum >> 1 };
    bytes.iter().fold(0xFFFF, |sum, byte| (0..8).fold(sum ^ u16::from(*byte), |sum, _| bit(sum)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use drivers::illuminance::{Illuminance, Profile};

    #[tokio::test]
    async fn the_driver_of_the_real_sensor_reads_it() {
        let sensor = LightSensor::hang(40_000).unwrap();
        let path = sensor.path().to_str().unwrap();
        let mut driver = Illuminance::open(path, Profile::default()).unwrap();
        assert_eq!(driver.measure().await.unwrap(), 40_000);
        sensor.set(3);
        assert_eq!(driver.measure().await.unwrap(), 3);
    }

    #[test]
    fn what_is_meant_for_another_or_damaged_stays_unanswered() {
        let request = [0x01, 0x03, 0x01, 0xFE, 0x00, 0x02, 0xA4, 0x07];
        let sun = [0x01, 0x03, 0x04, 0x00, 0x01, 0x86, 0xA0, 0xC9, 0xEB];
        assert_eq!(answer(request, 100_000).unwrap(), sun);
        for index in 0..request.len() {
            let mut damaged = request;
            damaged[index] ^= 0x10;
            assert_eq!(answer(damaged, 1), None);
        }
    }
}
