//! One appliance of the street: where it stands, and the simulated hardware around its real program.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use drivers::surface::{Frame, memory};
use embedded_graphics::geometry::Size;
use reqwest::Url;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sync::moment::Mono;

use crate::bench::{Bench, Peripheral, RECEIPT_DOTS};
use crate::clock::{self, SkewedClock};
use crate::config;
use crate::disk::{self, SmallDisk};
use crate::fingers::Fingers;
use crate::light::LightSensor;
use crate::process::{Ending, Program, Session};
use crate::supervise::Supervision;
use crate::wire::{Condition, Wire};

/// The district's code, to which alerts are addressed.
pub const AREA: &str = "350102";

/// Light of a cloudy day, in lux.
pub const DAYLIGHT_LUX: u32 = 8_000;

/// A place on the street where an appliance stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Post {
    /// Device name.
    pub id: &'static str,
    /// What it is.
    pub role: &'static str,
    /// Its panel, as `gulou-sign` calls it where it is a sign's.
    pub panel: &'static str,
    /// Width of the panel in pixels.
    pub width: u32,
    /// Height of the panel in pixels.
    pub height: u32,
    /// GTFS stop of a sign.
    pub stop: Option<&'static str>,
    /// What people call the spot, in Chinese and English.
    pub place: (&'static str, &'static str),
}

/// Every appliance of the street. The page hangs each where its panel belongs in the drawing.
pub const POSTS: [Post; 5] = [
    sign(
        "sign-1",
        ("led-128x32", 128, 32),
        "nanhou-north-e",
        ("坊巷口候车亭", "Three Lanes shelter"),
    ),
    sign("sign-2", ("led-192x64", 192, 64), "dongjiekou-s", ("鼓楼前候车亭", "Drum Tower shelter")),
    sign("sign-3", ("lcd-1920x360", 1920, 360), "hot-spring-s", ("榕树下候车亭", "Banyan shelter")),
    sign(
        "sign-4",
        ("led-128x32", 128, 32),
        "hot-spring-n",
        ("榕树对面站台", "Platform facing the banyan"),
    ),
    TERMINAL,
];

/// The self-service terminal in the community hall.
pub const TERMINAL: Post = Post {
    id: "terminal-1",
    role: "terminal",
    panel: "glass-1080x1920",
    width: 1080,
    height: 1920,
    stop: None,
    place: ("军门社区便民服务站", "Junmen community hall"),
};

const fn sign(
    id: &'static str,
    (panel, width, height): (&'static str, u32, u32),
    stop: &'static str,
    place: (&'static str, &'static str),
) -> Post {
    Post { id, role: "sign", panel, width, height, stop: Some(stop), place }
}

/// What can be done to an appliance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its cable: cut, slow, or well again.
    Network(Condition),
    /// Its mains.
    Power {
        /// There or not.
        on: bool,
    },
    /// `kill -9`; its machine starts it again.
    Kill,
    /// Its wall clock.
    Clock {
        /// Seconds fast, or slow where negative.
        skew_s: i32,
    },
    /// Its disk.
    Disk {
        /// Filled to the last byte.
        full: bool,
    },
    /// The light that falls on its sensor.
    Light {
        /// In lux; direct sun is 100,000.
        lux: u32,
    },
}

/// What has been done to it and not undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// How its cable is.
    pub network: Condition,
    /// The wall clock is this many seconds fast.
    pub skew_s: i32,
    /// The disk is full.
    pub disk_full: bool,
    /// Light on the sensor, in lux; 0 where there is none.
    pub lux: u32,
}

/// What a terminal has and a sign has not: whoever stands in front of it, and what hangs on its cables.
#[derive(Debug, Clone)]
pub struct Hall {
    /// Its touch panel and keypad.
    pub fingers: Fingers,
    /// Its reader, scanner and printers.
    pub bench: Bench,
}

/// What is around an appliance besides its cables and its mains.
#[derive(Debug)]
enum Around {
    /// The light of the street, on a sign's sensor.
    Street(LightSensor),
    /// A terminal stands indoors, and nothing about it follows the light.
    Hall(Hall),
}

/// Why a fault cannot be simulated on this machine, in Chinese; absent where it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Unavailable {
    /// The clock cannot be skewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skew: Option<&'static str>,
    /// The disk cannot be filled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill: Option<&'static str>,
}

/// What stands on the glass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glass {
    /// SHA-256 of the RGB888 bytes, hexadecimal.
    pub sha256: String,
    /// Counts frames.
    pub sequence: u64,
    /// Brightness of the panel.
    pub brightness_percent: u8,
    /// The picture.
    pub frame: Arc<Frame>,
}

/// One appliance.
#[derive(Debug)]
pub struct Appliance {
    /// Where it stands.
    pub post: Post,
    /// The life of its program.
    pub life: Supervision,
    /// Its processes, while there are some.
    pub session: Option<Session>,
    /// What has been done to it.
    pub faults: Faults,
    /// What stands on its glass; `None` while it is dark.
    pub glass: Option<Glass>,
    /// Its program has all it needs to start.
    pub configured: bool,
    folder: PathBuf,
    broker: Wire,
    https: Wire,
    /// Where people verify papers, as it stands on them.
    verify: String,
    around: Around,
    clock: Option<SkewedClock>,
    disk: Option<SmallDisk>,
    drawn_at: Option<SystemTime>,
}

/// Where the platform listens.
#[derive(Debug, Clone, Copy)]
pub struct PlatformPorts {
    /// Console and API.
    pub http: SocketAddr,
    /// Enrolment and content.
    pub https: SocketAddr,
    /// Broker.
    pub mqtt: SocketAddr,
}

impl Appliance {
    /// Puts up an appliance with its hardware below `folder`. It has no power yet.
    pub async fn put_up(
        post: Post,
        folder: PathBuf,
        ports: PlatformPorts,
        can_mount: bool,
        hall: Option<Hall>,
    ) -> io::Result<Appliance> {
        let state = folder.join("state");
        fs::create_dir_all(&state)?;
        let disk = if can_mount { SmallDisk::mount(&state) } else { None };
        let lux = if hall.is_none() { DAYLIGHT_LUX } else { 0 };
        let around = match hall {
            Some(hall) => Around::Hall(hall),
            None => Around::Street(LightSensor::hang(lux)?),
        };
        Ok(Appliance {
            post,
            life: Supervision::default(),
            session: None,
            faults: Faults { network: Condition::default(), skew_s: 0, disk_full: false, lux },
            glass: None,
            configured: false,
            broker: Wire::lay(ports.mqtt).await?,
            https: Wire::lay(ports.https).await?,
            verify: format!("{}/verify", ports.http),
            around,
            clock: SkewedClock::wind(&folder)?,
            disk,
            drawn_at: None,
            folder,
        })
    }

    /// Writes the configuration of its program; `provision` is what the platform gave for it.
    pub fn configure(&mut self, provision: &str) -> anyhow::Result<()> {
        let mut provision: Url = provision.parse()?;
        let _ = provision.set_port(Some(self.https.port()));
        let config = match &self.around {
            Around::Street(light) => self.sign(light, &provision),
            Around::Hall(hall) => self.terminal(hall, &provision),
        };
        fs::write(self.config_file(), toml::to_string(&config)?)?;
        self.configured = true;
        Ok(())
    }

    fn sign(&self, light: &LightSensor, provision: &Url) -> toml::Table {
        toml::toml! {
            device = (self.post.id)
            state = (self.folder.join("state").display().to_string())
            provision = (provision.to_string())
            [sign]
            stop = (self.post.stop.unwrap_or_default())
            area = (AREA)
            languages = ["zh", "en"]
            panel = (self.post.panel)
            [surface]
            memory = (self.panel_file().display().to_string())
            [light]
            serial = (light.path().display().to_string())
            [link]
            broker = (self.broker_address())
            content = (self.content_address())
        }
    }

    fn terminal(&self, hall: &Hall, provision: &Url) -> toml::Table {
        let text = |path: &Path| path.display().to_string();
        toml::toml! {
            place = (self.post.place.0)
            content = (text(&config::content()))
            [panel]
            memory = (text(&self.panel_file()))
            outline = (text(&hall.bench.outline()))
            [inputs]
            touch = (text(hall.fingers.touch_panel()))
            keypad = (text(hall.fingers.keypad()))
            [devices]
            reader = (text(&hall.bench.cable(Peripheral::Reader)))
            scanner = (text(&hall.bench.cable(Peripheral::Scanner)))
            camera = (text(&hall.bench.camera()))
            receipt = (text(&hall.bench.cable(Peripheral::Receipt)))
            receipt_width = (RECEIPT_DOTS)
            printer = (hall.bench.page_printer())
            [platform]
            device = (self.post.id)
            state = (text(&self.folder.join("state")))
            provision = (provision.to_string())
            broker = (self.broker_address())
            content = (self.content_address())
            verify = (self.verify.as_str())
        }
    }

    fn broker_address(&self) -> String {
        format!("mqtts://127.0.0.1:{}", self.broker.port())
    }

    fn content_address(&self) -> String {
        format!("https://127.0.0.1:{}", self.https.port())
    }

    /// The program that drives it; `path` is the file, `log` gets what it prints.
    pub fn program<'a>(&self, path: &'a Path, log: &'a Path) -> Program<'a> {
        let mut arguments: Vec<OsString> = vec![self.config_file().into()];
        if matches!(self.around, Around::Street(_)) {
            arguments.insert(0, "--config".into());
        }
        let environment = self.clock.as_ref().map(SkewedClock::environment).unwrap_or_default();
        Program { path, arguments, environment, log, ending: Ending::Kill }
    }

    /// Does `fault` to its hardware. What concerns its program is the supervisor's.
    pub fn suffer(&mut self, fault: Fault) -> Result<(), String> {
        match fault {
            Fault::Network(condition) => {
                self.broker.set(condition);
                self.https.set(condition);
                self.faults.network = condition;
            }
            Fault::Clock { skew_s } => {
                let clock = self.clock.as_ref().ok_or(clock::MISSING)?;
                clock.set(skew_s.into()).map_err(|error| error.to_string())?;
                self.faults.skew_s = skew_s;
            }
            Fault::Disk { full } => {
                let disk = self.disk.as_ref().ok_or(disk::FORBIDDEN)?;
                disk.set_full(full).map_err(|error| error.to_string())?;
                self.faults.disk_full = full;
            }
            Fault::Light { lux } => {
                let Around::Street(light) = &self.around else {
                    return Err("这台设备没有光传感器".to_owned());
                };
                light.set(lux);
                self.faults.lux = lux;
            }
            Fault::Power { on: false } => {
                // A panel without power is dark, and does not remember what it showed.
                let _ = fs::remove_file(self.panel_file());
                if let Around::Hall(hall) = &self.around {
                    let _ = fs::remove_file(hall.bench.outline());
                }
                self.drawn_at = None;
                self.glass = None;
            }
            Fault::Power { on: true } | Fault::Kill => {}
        }
        Ok(())
    }

    /// Why faults cannot be simulated here.
    pub fn unavailable(&self) -> Unavailable {
        Unavailable {
            skew: self.clock.is_none().then_some(clock::MISSING),
            fill: self.disk.is_none().then_some(disk::FORBIDDEN),
        }
    }

    /// Looks at the glass; whether something else stands on it.
    pub fn look(&mut self) -> bool {
        let path = self.panel_file();
        let Ok(drawn_at) = fs::metadata(&path).and_then(|metadata| metadata.modified()) else {
            return false;
        };
        if self.drawn_at == Some(drawn_at) {
            return false;
        }
        let Ok(panel) = memory::read(&path) else { return false };
        self.drawn_at = Some(drawn_at);
        let sha256 = hex::encode(Sha256::digest(panel.frame.pixels()));
        self.glass = Some(Glass {
            sha256,
            sequence: panel.sequence,
            brightness_percent: panel.brightness_percent,
            frame: Arc::new(panel.frame),
        });
        true
    }

    /// When its supervisor wants to be called.
    pub fn next_deadline(&self) -> Mono {
        self.life.next_deadline()
    }

    fn config_file(&self) -> PathBuf {
        self.folder.join("config.toml")
    }

    fn panel_file(&self) -> PathBuf {
        self.folder.join("panel")
    }
}

impl Glass {
    /// A panel without power.
    pub fn dark(post: Post) -> Glass {
        let frame = Arc::new(Frame::new(Size::new(post.width, post.height)));
        let sha256 = hex::encode(Sha256::digest(frame.pixels()));
        Glass { sha256, sequence: 0, brightness_percent: 0, frame }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_stands_where_two_lines_call() {
        let network = crate::network::Network::demonstration().unwrap();
        for stop in POSTS.iter().filter_map(|post| post.stop) {
            let platform = network.platforms.iter().position(|platform| platform.id == stop);
            let platform = platform.unwrap_or_else(|| panic!("no stop {stop}"));
            let calling = network
                .patterns
                .iter()
                .filter(|p| p.calls.iter().any(|call| call.platform == platform));
            assert!(calling.count() >= 2, "{stop}");
        }
    }
}
