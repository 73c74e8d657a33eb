//! What a terminal is told about itself: a TOML file, checked before anything starts.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use drivers::a4::A4Printer;
use drivers::input::{Kind, Range, Ranges, Source};
use drivers::surface::kms::Kms;
use drivers::surface::{Memory, Surface};
use embedded_graphics::geometry::Size;
use jiff::tz::TimeZone;
use kiosk::district::District;
use kiosk::notice::{NOTICES_MAX, Notice};
use kiosk::staff::Roster;
use screen::{Mounting, Rotation};
use serde::Deserialize;
use service::catalogue::Catalogue;

use crate::devices::Cables;
use crate::print::Printers;
use crate::wire::Wire;

/// Upright picture of a terminal.
const UPRIGHT: Size = Size::new(1080, 1920);
/// Where terminals stand unless told otherwise.
const TIMEZONE: &str = "Asia/Shanghai";
/// Where people verify a paper unless told otherwise.
const VERIFY: &str = "gulou.example/verify";
/// A file longer than this is no configuration.
const FILE_MAX: u64 = 256 * 1024;

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    /// Name of the hall, as it stands in the top band.
    place: String,
    timezone: Option<String>,
    /// Services, district and templates.
    content: PathBuf,
    panel: RawPanel,
    #[serde(default)]
    inputs: RawInputs,
    #[serde(default)]
    devices: RawDevices,
    /// Left out, the terminal stands alone.
    platform: Option<RawPlatform>,
    /// Who may sign on.
    #[serde(default)]
    staff: Roster,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDevices {
    /// Identity-card reader, such as /dev/ttyUSB0.
    reader: Option<String>,
    /// Scanner on a serial line.
    scanner: Option<String>,
    /// A V4L2 camera, or a folder of JPEG files.
    camera: Option<PathBuf>,
    /// Receipt printer, ESC/POS.
    receipt: Option<String>,
    /// Dots in a row of it: 576 on a roll of 80 mm, 384 on one of 58 mm.
    receipt_width: Option<u16>,
    /// Page printer, such as `ipp://10.0.0.9/ipp/print`.
    printer: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlatform {
    device: String,
    state: PathBuf,
    provision: Option<String>,
    broker: Option<String>,
    content: Option<String>,
    /// Where people verify a paper, as it stands on it; the platform's page /verify.
    verify: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPanel {
    /// A display, such as /dev/dri/card0.
    kms: Option<PathBuf>,
    /// A file that stands for a panel.
    memory: Option<PathBuf>,
    /// Beside a panel that is a file: another one that tells its picture in words.
    outline: Option<PathBuf>,
    /// How far the picture is turned to the right: 0, 90, 180 or 270.
    #[serde(default)]
    rotation: u16,
    dpi: Option<f32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInputs {
    touch: Option<PathBuf>,
    keypad: Option<PathBuf>,
    keyboard: Option<PathBuf>,
    scanner: Option<PathBuf>,
}

/// Where pixels go.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Panel {
    Kms(PathBuf),
    Memory(PathBuf),
}

/// The file, checked.
#[derive(Debug)]
pub struct Config {
    pub place: String,
    pub zone: TimeZone,
    pub mounting: Mounting,
    pub catalogue: Catalogue,
    pub district: District,
    pub cables: Cables,
    pub wire: Option<Wire>,
    /// Who may sign on.
    pub staff: Roster,
    pub notices: Vec<Notice>,
    /// None where there is neither.
    pub printers: Option<Printers>,
    /// Where the glass is told in words.
    pub outline: Option<PathBuf>,
    panel: Panel,
    inputs: RawInputs,
}

impl Config {
    /// Reads and checks the file at `path`, and the content it names.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let name = || format!("configuration {}", path.display());
        Self::parse(&text(path).with_context(name)?).with_context(name)
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let raw: Raw = toml::from_str(text)?;
        let panel = match (raw.panel.kms, raw.panel.memory) {
            (Some(kms), None) => Panel::Kms(kms),
            (None, Some(memory)) => Panel::Memory(memory),
            _ => bail!("panel: name either kms or memory"),
        };
        if raw.panel.outline.is_some() && matches!(panel, Panel::Kms(_)) {
            bail!(
                "panel.outline: only beside a panel that is a file; it would show what a citizen does"
            );
        }
        let rotation = match raw.panel.rotation {
            0 => Rotation::R0,
            90 => Rotation::R90,
            180 => Rotation::R180,
            270 => Rotation::R270,
            other => bail!("panel.rotation is {other}: use 0, 90, 180 or 270"),
        };
        let usual = Mounting::default();
        let mounting = Mounting { rotation, dpi: raw.panel.dpi.unwrap_or(usual.dpi) };
        let timezone = raw.timezone.as_deref().unwrap_or(TIMEZONE);
        let verify = raw.platform.as_ref().and_then(|platform| platform.verify.clone());
        let printers = printers(&raw.devices, &raw.content, verify)?;
        Ok(Self {
            printers,
            outline: raw.panel.outline,
            place: raw.place,
            zone: TimeZone::get(timezone).context("timezone")?,
            mounting,
            catalogue: catalogue(&raw.content)?,
            district: district(&raw.content)?,
            notices: notices(&raw.content)?,
            staff: raw.staff,
            cables: cables(raw.devices)?,
            wire: raw.platform.map(wire).transpose()?,
            panel,
            inputs: raw.inputs,
        })
    }

    /// Opens the panel.
    pub fn surface(&self) -> anyhow::Result<Surface> {
        let size = self.mounting.upright(UPRIGHT);
        Ok(match &self.panel {
            Panel::Kms(card) => Surface::Kms(Kms::open(card, size)?),
            Panel::Memory(file) => Surface::Memory(Memory::open(file, size)),
        })
    }

    /// What fingers and keys come from.
    pub fn sources(&self) -> Vec<Source> {
        let size = self.mounting.upright(UPRIGHT);
        let side = |side: u32| Range { min: 0, max: i32::try_from(side).unwrap_or(i32::MAX) - 1 };
        let ranges = Ranges { x: side(size.width), y: side(size.height) };
        let all = [
            (&self.inputs.touch, Kind::Touch { ranges }),
            (&self.inputs.keypad, Kind::Keypad),
            (&self.inputs.keyboard, Kind::Keyboard),
            (&self.inputs.scanner, Kind::Scanner),
        ];
        let named = all.into_iter().filter_map(|(path, kind)| Some((path.clone()?, kind)));
        named.map(|(path, kind)| Source::new(path, kind)).collect()
    }
}

/// What the terminal understood, for `--check`.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let device = |path: &Option<PathBuf>| match path {
            Some(path) => path.display().to_string(),
            None => "none".to_owned(),
        };
        let panel = match &self.panel {
            Panel::Kms(path) | Panel::Memory(path) => path.display(),
        };
        writeln!(f, "place      {}", self.place)?;
        writeln!(f, "services   {}", self.catalogue.len())?;
        writeln!(f, "notices    {}", self.notices.len())?;
        writeln!(f, "panel      {panel}, {:?}, {} dpi", self.mounting.rotation, self.mounting.dpi)?;
        writeln!(f, "touch      {}", device(&self.inputs.touch))?;
        writeln!(f, "keypad     {}", device(&self.inputs.keypad))?;
        writeln!(f, "keyboard   {}", device(&self.inputs.keyboard))?;
        writeln!(f, "scanner    {}", device(&self.inputs.scanner))?;
        writeln!(f, "camera     {}", device(&self.cables.camera))?;
        let printers = self.printers.as_ref();
        let a4 = printers.and_then(|printers| printers.a4.as_deref()).unwrap_or("none");
        let receipt = printers.and_then(|printers| printers.receipt.as_ref());
        writeln!(f, "printer    {a4}")?;
        match receipt {
            Some(address) => writeln!(f, "receipt    {address:?}")?,
            None => writeln!(f, "receipt    none")?,
        }
        let platform = self.wire.as_ref().map_or("none", |wire| wire.device.as_str());
        write!(f, "platform   {platform}")
    }
}

fn cables(raw: RawDevices) -> anyhow::Result<Cables> {
    let address = |text: Option<String>| text.map(|text| text.parse()).transpose();
    Ok(Cables {
        reader: address(raw.reader).context("devices.reader")?,
        scanner: address(raw.scanner).context("devices.scanner")?,
        camera: raw.camera,
    })
}

fn printers(
    raw: &RawDevices,
    content: &Path,
    verify: Option<String>,
) -> anyhow::Result<Option<Printers>> {
    let width = raw.receipt_width.map_or(paper::ROLL_80_DOTS, u32::from);
    if ![paper::ROLL_80_DOTS, paper::ROLL_58_DOTS].contains(&width) {
        bail!("devices.receipt_width is {width}: use 576 or 384");
    }
    if let Some(uri) = &raw.printer {
        A4Printer::new(uri).context("devices.printer")?;
    }
    if raw.printer.is_none() && raw.receipt.is_none() {
        return Ok(None);
    }
    let receipt = raw.receipt.as_deref().map(str::parse).transpose();
    Ok(Some(Printers {
        a4: raw.printer.clone(),
        receipt: receipt.context("devices.receipt")?,
        width: usize::try_from(width)?,
        templates: content.join("templates"),
        verify: verify.unwrap_or_else(|| VERIFY.to_owned()),
    }))
}

fn wire(raw: RawPlatform) -> anyhow::Result<Wire> {
    let provision = raw.provision.map(|text| text.parse()).transpose();
    Ok(Wire {
        device: raw.device.parse().context("platform.device")?,
        state: raw.state,
        provision: provision.context("platform.provision")?,
        broker: raw.broker,
        content: raw.content,
    })
}

fn catalogue(content: &Path) -> anyhow::Result<Catalogue> {
    let files = folder(&content.join("services"))?;
    let texts = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let (catalogue, errors) = Catalogue::read(texts);
    if let Some(error) = errors.first() {
        bail!("{} of {} services can't be read: {error}", errors.len(), files.len());
    }
    Ok(catalogue)
}

/// Notices of the hall; a hall may have none.
fn notices(content: &Path) -> anyhow::Result<Vec<Notice>> {
    let path = content.join("notices");
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let files = folder(&path)?;
    let notices = files.iter().take(NOTICES_MAX);
    notices.map(|(name, text)| Notice::parse(text).with_context(|| name.clone())).collect()
}

/// Name and text of every TOML file of a folder.
fn folder(path: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let name = || format!("content: {}", path.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).with_context(name)? {
        let path = entry.with_context(name)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, text(&path)?));
        }
    }
    Ok(files)
}

fn district(content: &Path) -> anyhow::Result<District> {
    let path = content.join("district.toml");
    toml::from_str(&text(&path)?).with_context(|| path.display().to_string())
}

/// A file of bounded size.
fn text(path: &Path) -> anyhow::Result<String> {
    let name = || path.display().to_string();
    if std::fs::metadata(path).with_context(name)?.len() > FILE_MAX {
        bail!("{} is larger than {FILE_MAX} bytes", path.display());
    }
    std::fs::read_to_string(path).with_context(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> String {
        let content = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
        format!(
            "place = \"军门社区\"\ncontent = {content:?}\n[panel]\nmemory = \"/run/gulou/panel\"\n"
        )
    }

    fn refused(from: &str, to: &str) -> String {
        assert!(good().contains(from), "{from}");
        format!("{:#}", Config::parse(&good().replace(from, to)).unwrap_err())
    }

    #[test]
    fn a_short_file_is_enough_and_is_explained() {
        let config = Config::parse(&good()).unwrap();
        let says = config.to_string();
        assert!(says.contains("services   149\n"), "{says}");
        assert!(says.contains("panel      /run/gulou/panel, R0, 102.5 dpi\n"), "{says}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(
            refused("memory = \"/run/gulou/panel\"", ""),
            "panel: name either kms or memory"
        );
        assert_eq!(
            refused("[panel]\n", "[panel]\nrotation = 45\n"),
            "panel.rotation is 45: use 0, 90, 180 or 270"
        );
        assert!(refused("place", "hall").contains("unknown field `hall`"));
        assert!(refused("content\"", "nowhere\"").starts_with("content: "));
    }
}
