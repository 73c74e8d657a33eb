//! What a sign is told about itself: a TOML file, checked before anything starts.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use drivers::illuminance::Profile;
use jiff::tz::TimeZone;
use pole::font::list::SYSTEM_FOLDER;
use pole::panel::Panel;
use serde::Deserialize;
use sync::identity::Provision;
use sync::{DeviceId, Lang, StopId};

/// Where signs stand unless told otherwise.
const TIMEZONE: &str = "Asia/Shanghai";
/// A file longer than this is no configuration.
const FILE_MAX: u64 = 64 * 1024;

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    device: String,
    state: PathBuf,
    provision: Option<String>,
    sign: RawSign,
    surface: RawSurface,
    light: Option<RawLight>,
    fonts: Option<RawFonts>,
    #[serde(default)]
    link: Addresses,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSign {
    stop: String,
    area: String,
    languages: Option<Vec<String>>,
    panel: String,
    timezone: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSurface {
    memory: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLight {
    serial: String,
    address: Option<u8>,
    baud: Option<u32>,
    register: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFonts {
    folder: PathBuf,
}

/// Addresses to use instead of those the enrolment gave, for a device behind a relay.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Addresses {
    /// Broker, `mqtts://host:port`.
    pub(crate) broker: Option<String>,
    /// Content, `https://host:port`.
    pub(crate) content: Option<String>,
}

/// The file, checked.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) device: DeviceId,
    pub(crate) state: PathBuf,
    pub(crate) provision: Option<Provision>,
    pub(crate) stop: StopId,
    pub(crate) area: String,
    pub(crate) languages: Vec<Lang>,
    pub(crate) panel: Panel,
    pub(crate) zone: TimeZone,
    pub(crate) surface: PathBuf,
    pub(crate) light: Option<(String, Profile)>,
    pub(crate) fonts: PathBuf,
    pub(crate) link: Addresses,
}

impl Config {
    /// Reads and checks the file at `path`.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let name = || format!("configuration {}", path.display());
        if std::fs::metadata(path).with_context(name)?.len() > FILE_MAX {
            bail!("{} is larger than {FILE_MAX} bytes", name());
        }
        let text = std::fs::read_to_string(path).with_context(name)?;
        Self::parse(&text).with_context(name)
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let raw: Raw = toml::from_str(text)?;
        let languages =
            raw.sign.languages.unwrap_or_else(|| vec!["zh".to_owned(), "en".to_owned()]);
        let languages = languages.iter().map(|text| lang(text)).collect::<Result<Vec<_>, _>>();
        let languages = languages.map_err(anyhow::Error::msg).context("sign.languages")?;
        let twice = languages.iter().enumerate().any(|(at, lang)| languages[..at].contains(lang));
        if languages.is_empty() || twice {
            bail!("sign.languages: name zh, en or both, each once");
        }
        if raw.sign.stop.is_empty() {
            bail!("sign.stop: name the stop as the feed does");
        }
        let timezone = raw.sign.timezone.as_deref().unwrap_or(TIMEZONE);
        let provision = raw.provision.map(|text| text.parse()).transpose();
        let profile = |light: &RawLight| {
            let usual = Profile::default();
            Profile {
                address: light.address.unwrap_or(usual.address),
                baud: light.baud.unwrap_or(usual.baud),
                register: light.register.unwrap_or(usual.register),
            }
        };
        Ok(Self {
            device: raw.device.parse().context("device")?,
            state: raw.state,
            provision: provision.context("provision")?,
            stop: StopId(raw.sign.stop),
            area: raw.sign.area,
            languages,
            panel: raw.sign.panel.parse().context("sign.panel")?,
            zone: TimeZone::get(timezone).context("sign.timezone")?,
            surface: raw.surface.memory,
            light: raw.light.map(|light| (light.serial.clone(), profile(&light))),
            fonts: raw.fonts.map_or_else(|| PathBuf::from(SYSTEM_FOLDER), |fonts| fonts.folder),
            link: raw.link,
        })
    }
}

/// What the sign understood, for `--check`.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let enrolment = match &self.provision {
            Some(provision) => format!("at {}, unless it was done before", provision.place()),
            None => "must have been done before: no provision string".to_owned(),
        };
        let light = match &self.light {
            Some((serial, Profile { address, baud, register })) => {
                format!(
                    "sensor on {serial}, address {address}, {baud} baud, register {register:#06x}"
                )
            }
            None => "no sensor: brightness by the time of day".to_owned(),
        };
        writeln!(f, "device     {}", self.device)?;
        writeln!(f, "stop       {} in area {}", self.stop, self.area)?;
        writeln!(f, "panel      {} on {}", self.panel, self.surface.display())?;
        writeln!(f, "languages  {:?}", self.languages)?;
        writeln!(f, "light      {light}")?;
        writeln!(f, "fonts      {}", self.fonts.display())?;
        writeln!(f, "state      {}", self.state.display())?;
        write!(f, "enrolment  {enrolment}")
    }
}

/// A language as configurations name it.
pub(crate) fn lang(text: &str) -> Result<Lang, String> {
    match text {
        "zh" => Ok(Lang::Zh),
        "en" => Ok(Lang::En),
        _ => Err(format!("language {text:?} is unknown: use zh or en")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        device = "sign-7"
        state = "/var/lib/gulou"
        [sign]
        stop = "S1"
        area = "350102"
        panel = "led-128x32"
        [surface]
        memory = "/run/gulou/panel"
        [light]
        serial = "/dev/ttyUSB0"
    "#;

    fn refused(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        format!("{:#}", Config::parse(&GOOD.replace(from, to)).unwrap_err())
    }

    #[test]
    fn a_short_file_is_enough() {
        let config = Config::parse(GOOD).unwrap();
        assert_eq!(config.languages, [Lang::Zh, Lang::En]);
        assert_eq!(config.light, Some(("/dev/ttyUSB0".into(), Profile::default())));
        assert!(
            config.to_string().starts_with("device     sign-7\nstop       S1 in area 350102\n")
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(refused("sign-7", "Sign 7").starts_with("device: \"Sign 7\" is no name"));
        assert_eq!(
            refused("led-128x32", "led"),
            "sign.panel: panel \"led\" is unknown: use led-128x32, led-192x64 or lcd-1920x360"
        );
        assert!(
            refused("area =", "language = \"zh\"\narea =").contains("unknown field `language`")
        );
        assert!(
            refused("area =", "languages = [\"fr\"]\narea =")
                .contains("language \"fr\" is unknown")
        );
        assert!(refused("area =", "languages = []\narea =").contains("name zh, en or both"));
        assert!(refused("area =", "timezone = \"Mars\"\narea =").starts_with("sign.timezone"));
    }
}
