//! What was issued and revoked: one JSON line each, synced before the certificate leaves the house.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sync::file;
use sync::name::DeviceId;

/// One certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) device: DeviceId,
    /// Serial number in hex.
    pub(super) serial: String,
    pub(super) until: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Issued(Entry),
    Revoked { device: DeviceId, at: Timestamp },
}

#[derive(Debug)]
struct Certificate {
    serial: String,
    until: Timestamp,
    revoked: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct Ledger {
    log: File,
    /// Certificates that had not run out when the ledger was opened, oldest first.
    devices: HashMap<DeviceId, Vec<Certificate>>,
}

impl Ledger {
    /// Reads the file and leaves out what has run out by `now`. A line that a power cut tore is dropped:
    /// its certificate was never handed out.
    pub(super) fn open(path: &Path, now: Timestamp) -> io::Result<Self> {
        let bytes = file::read_if_there(path)?.unwrap_or_default();
        let mut devices = HashMap::new();
        let mut kept = Vec::with_capacity(bytes.len());
        for text in
            bytes.split_inclusive(|&byte| byte == b'\n').filter(|text| text.ends_with(b"\n"))
        {
            let line: Line = serde_json::from_slice(text)?;
            if !matches!(&line, Line::Issued(entry) if entry.until <= now) {
                apply(&mut devices, line);
                kept.extend_from_slice(text);
            }
        }
        if kept != bytes || bytes.is_empty() {
            file::replace(path, &kept, file::SECRET)?;
        }
        Ok(Self { log: OpenOptions::new().append(true).open(path)?, devices })
    }

    /// Writes down a certificate; durable on return.
    pub(super) fn issued(&mut self, entry: Entry) -> io::Result<()> {
        self.write(Line::Issued(entry))
    }

    /// Marks all certificates of a device; returns how many were in force.
    pub(super) fn revoke(&mut self, device: &DeviceId, now: Timestamp) -> io::Result<usize> {
        let count = self.in_force(device, now);
        if count > 0 {
            self.write(Line::Revoked { device: device.clone(), at: now })?;
        }
        Ok(count)
    }

    /// How many certificates of a device neither ran out nor were revoked.
    pub(super) fn in_force(&self, device: &DeviceId, now: Timestamp) -> usize {
        let certificates = self.devices.get(device).into_iter().flatten();
        certificates.filter(|certificate| certificate.in_force(now)).count()
    }

    /// Whether this certificate neither ran out nor was revoked.
    pub(super) fn admits(&self, device: &DeviceId, serial: &str, now: Timestamp) -> bool {
        let mut certificates = self.devices.get(device).into_iter().flatten();
        certificates.any(|certificate| certificate.serial == serial && certificate.in_force(now))
    }

    /// Serial number and time of each revocation.
    pub(super) fn revoked(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        let certificates = self.devices.values().flatten();
        certificates
            .filter_map(|certificate| Some((certificate.serial.as_str(), certificate.revoked?)))
    }

    fn write(&mut self, line: Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        self.log.write_all(&text)?;
        self.log.sync_data()?;
        apply(&mut self.devices, line);
        Ok(())
    }
}

impl Certificate {
    fn in_force(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.until
    }
}

fn apply(devices: &mut HashMap<DeviceId, Vec<Certificate>>, line: Line) {
    match line {
        Line::Issued(Entry { device, serial, until }) => {
            devices.entry(device).or_default().push(Certificate { serial, until, revoked: None });
        }
        Line::Revoked { device, at } => {
            for certificate in devices.get_mut(&device).into_iter().flatten() {
                certificate.revoked.get_or_insert(at);
            }
        }
    }
}
