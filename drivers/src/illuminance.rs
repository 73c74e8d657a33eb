//! Illuminance transmitter on a serial line (Renke RS-FSXCS and its rebadges), Modbus RTU.
//!
//! Frames follow "Modbus over serial line" V1.02, section 2.5.1: address, function, data, CRC.
//! Vendors move the register between firmware versions, so it belongs to the [`Profile`].

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_serial::{SerialPortBuilderExt, SerialStream};

/// Function "read holding registers".
const READ: u8 = 0x03;
/// Set in the function of an answer that refuses.
const REFUSED: u8 = 0x80;
/// Address, function, count, two registers, CRC.
const ANSWER_LEN: usize = 9;
/// Address, function, code, CRC.
const REFUSAL_LEN: usize = 5;

/// Silence that separates frames: 3.5 characters at 4,800 baud.
const GAP: Duration = Duration::from_millis(8);
/// A transmitter that has not answered by then never will.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);
/// Requests before a transmitter counts as silent.
const TRIES: usize = 3;
/// Most stray bytes that are skipped before a request.
const STRAY_MAX: usize = 256;

/// Brightest reading that can be true, in lux; direct sun is 130,000.
const LUX_MAX: u32 = 200_000;

/// How one transmitter is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// Its address on the bus.
    pub address: u8,
    /// Its speed, 8N1.
    pub baud: u32,
    /// The first of two registers that hold lux, high word first.
    pub register: u16,
}

/// Why there is no reading.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The line itself failed.
    #[error("serial line: {0}")]
    Line(#[from] io::Error),
    /// Nobody answered.
    #[error("no answer: check wiring, address and baud rate")]
    Silent,
    /// The line carries something, but never pauses.
    #[error("the line never falls silent: check baud rate and termination")]
    Noise,
    /// The frame was damaged.
    #[error("checksum {got:#06x}, expected {want:#06x}: check shielding and termination")]
    Checksum {
        /// What the frame says.
        got: u16,
        /// What its bytes give.
        want: u16,
    },
    /// Another device or another question was answered.
    #[error("the answer is to another question")]
    Foreign,
    /// The transmitter refused: 2 means that it has no such register.
    #[error("refused with code {0}: check the register")]
    Refused(u8),
    /// No light on earth is as bright.
    #[error("{0} lux is out of range: check the register")]
    Range(u32),
}

/// An illuminance transmitter.
#[derive(Debug)]
pub struct Illuminance<P> {
    port: P,
    profile: Profile,
}

/// A transmitter on a serial line of this machine.
pub type SerialIlluminance = Illuminance<SerialStream>;

impl Default for Profile {
    fn default() -> Self {
        Self { address: 1, baud: 4800, register: 0x01FE }
    }
}

impl SerialIlluminance {
    /// Opens the serial line at `path`.
    pub fn open(path: &str, profile: Profile) -> Result<Self, Error> {
        let port =
            tokio_serial::new(path, profile.baud).open_native_async().map_err(io::Error::from)?;
        Ok(Self { port, profile })
    }
}

impl<P: AsyncRead + AsyncWrite + Unpin> Illuminance<P> {
    /// A transmitter on a line that is already open.
    pub fn new(port: P, profile: Profile) -> Self {
        Self { port, profile }
    }

    /// Ambient light in lux. Not cancel safe: the rest of an answer would stay on the line.
    pub async fn measure(&mut self) -> Result<u32, Error> {
        let request = request(self.profile);
        let mut last = Error::Silent;
        for _ in 0..TRIES {
            match self.ask(&request).await {
                Err(again @ (Error::Silent | Error::Checksum { .. } | Error::Foreign)) => {
                    last = again;
                }
                settled => return settled,
            }
        }
        Err(last)
    }

    /// Gives the line back.
    pub fn release(self) -> P {
        self.port
    }

    async fn ask(&mut self, request: &[u8]) -> Result<u32, Error> {
        self.fall_silent().await?;
        self.port.write_all(request).await?;
        self.port.flush().await?;
        let answer =
            timeout(ANSWER_TIMEOUT, self.answer(request)).await.map_err(|_| Error::Silent)??;
        convert(parse(self.profile.address, &answer)?)
    }

    /// Waits for the gap between frames and throws away what came late.
    async fn fall_silent(&mut self) -> Result<(), Error> {
        let mut stray = [0; STRAY_MAX];
        let mut skipped = 0;
        while let Ok(read) = timeout(GAP, self.port.read(&mut stray)).await {
            skipped += read?.max(1);
            if skipped > STRAY_MAX {
                return Err(Error::Noise);
            }
        }
        Ok(())
    }

    /// One frame. Adapters that switch direction by themselves echo the request; the echo is skipped.
    async fn answer(&mut self, request: &[u8]) -> Result<Vec<u8>, Error> {
        let mut frame = Vec::with_capacity(request.len() + ANSWER_LEN);
        loop {
            if self.port.read_buf(&mut frame).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            if frame.starts_with(request) {
                frame.drain(..request.len());
            }
            let refused = frame.get(1).is_some_and(|function| function & REFUSED != 0);
            let wanted = if refused { REFUSAL_LEN } else { ANSWER_LEN };
            if frame.len() >= wanted {
                frame.truncate(wanted);
                return Ok(frame);
            }
        }
    }
}

fn request(profile: Profile) -> Vec<u8> {
    let [high, low] = profile.register.to_be_bytes();
    let mut frame = vec![profile.address, READ, high, low, 0, 2];
    frame.extend(crc(&frame).to_le_bytes());
    frame
}

/// The one parser of answers: the two registers, high word first.
pub fn parse(address: u8, frame: &[u8]) -> Result<[u16; 2], Error> {
    let Some((body, sum)) = frame.split_last_chunk::<2>() else { return Err(Error::Foreign) };
    let (got, want) = (u16::from_le_bytes(*sum), crc(body));
    if got != want {
        return Err(Error::Checksum { got, want });
    }
    match *body {
        [from, READ, 4, a, b, c, d] if from == address => {
            Ok([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])])
        }
        [from, function, code] if from == address && function == READ | REFUSED => {
            Err(Error::Refused(code))
        }
        _ => Err(Error::Foreign),
    }
}

/// Registers to lux: high · 65,536 + low (RS-FSXCS manual, registers 01FE and 01FF).
fn convert([high, low]: [u16; 2]) -> Result<u32, Error> {
    let lux = u32::from(high) << 16 | u32::from(low);
    if lux <= LUX_MAX { Ok(lux) } else { Err(Error::Range(lux)) }
}

/// CRC-16 with polynomial A001, reflected, start FFFF ("Modbus over serial line", section 6.2.2).
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |sum, byte| {
        (0..8).fold(
            sum ^ u16::from(*byte),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xA001 } else { sum >> 1 },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{DuplexStream, duplex};

    const ASK: &[u8] = &[0x01, 0x03, 0x01, 0xFE, 0x00, 0x02, 0xA4, 0x07];
    const SUN: &[u8] = &[0x01, 0x03, 0x04, 0x00, 0x01, 0x86, 0xA0, 0xC9, 0xEB];
    const NO_REGISTER: &[u8] = &[0x01, 0x83, 0x02, 0xC0, 0xF1];
    const NEIGHBOUR: &[u8] = &[0x02, 0x03, 0x04, 0x00, 0x00, 0x00, 0x01, 0x08, 0xF3];

    /// Plays the transmitter: for each request that comes, the bytes that go back.
    async fn transcript(replies: &[&[&[u8]]]) -> Result<u32, Error> {
        let (line, mut far) = duplex(64);
        let play = async {
            for reply in replies {
                expect(&mut far, ASK).await;
                for piece in *reply {
                    far.write_all(piece).await.unwrap();
                }
            }
            std::future::pending::<()>().await;
        };
        let mut transmitter = Illuminance::new(line, Profile::default());
        tokio::select! {
            lux = transmitter.measure() => lux,
            () = play => unreachable!("the player waits for ever"),
        }
    }

    async fn expect(far: &mut DuplexStream, request: &[u8]) {
        let mut bytes = vec![0; request.len()];
        far.read_exact(&mut bytes).await.unwrap();
        assert_eq!(bytes, request);
    }

    #[tokio::test(start_paused = true)]
    async fn sunlight_is_read() {
        assert_eq!(transcript(&[&[SUN]]).await.unwrap(), 100_000);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_in_pieces_and_an_echo_are_understood() {
        assert_eq!(transcript(&[&[ASK, &SUN[..1], &SUN[1..]]]).await.unwrap(), 100_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_damaged_answer_is_asked_for_again() {
        let mut damaged = SUN.to_vec();
        damaged[4] ^= 1;
        assert_eq!(transcript(&[&[&damaged], &[NEIGHBOUR], &[SUN]]).await.unwrap(), 100_000);
        let failed = transcript(&[&[&damaged], &[&damaged], &[&damaged]]).await;
        assert!(matches!(failed, Err(Error::Checksum { got: 0xEBC9, .. })), "{failed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_and_refusal_are_told_apart() {
        assert!(matches!(transcript(&[]).await, Err(Error::Silent)));
        assert!(matches!(transcript(&[&[NO_REGISTER]]).await, Err(Error::Refused(2))));
    }

    #[test]
    fn no_answer_panics_the_parser() {
        for len in 0..=SUN.len() {
            assert_eq!(parse(1, &SUN[..len]).is_ok(), len == SUN.len());
        }
        assert!(matches!(convert([4, 0]), Err(Error::Range(262_144))));
    }

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc(&[0x01, 0x03, 0x00, 0x00, 0x00, 0x01]).to_le_bytes(), [0x84, 0x0A]);
    }

    #[tokio::test]
    async fn a_pseudo_terminal_serves_as_line() {
        let pty = nix::pty::openpty(None, None).unwrap();
        let path = nix::unistd::ttyname(&pty.slave).unwrap();
        let mut far = std::fs::File::from(pty.master);
        let player = tokio::task::spawn_blocking(move || {
            use std::io::{Read as _, Write as _};
            let mut request = [0; 8];
            far.read_exact(&mut request).unwrap();
            far.write_all(SUN).unwrap();
            (request, far)
        });
        let mut transmitter =
            Illuminance::open(path.to_str().unwrap(), Profile::default()).unwrap();
        assert_eq!(transmitter.measure().await.unwrap(), 100_000);
        assert_eq!(player.await.unwrap().0, ASK);
    }
}
