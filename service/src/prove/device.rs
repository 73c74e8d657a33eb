//! Devices: what a service needs is what its steps and papers use.

use std::collections::BTreeSet;

use super::Findings;
use crate::definition::{Device, Form, Service};
use crate::step::{Ask, Card};

pub(super) fn check(findings: &mut Findings<'_>) {
    let service = findings.service;
    let used = used(service);
    for device in used.difference(&service.needs) {
        findings.say("needs", format!("{} is used: add it", name(*device)));
    }
    let may_use = |device: Device| {
        service.steps.iter().any(|step| match step.ask {
            Ask::Code { scan: true, .. } => device == Device::Scanner,
            // Without a camera a page of photographs that may stay empty is left out.
            Ask::Photo { .. } => device == Device::Camera,
            _ => false,
        })
    };
    for device in service.needs.difference(&used) {
        if !may_use(*device) {
            findings.say(
                "needs",
                format!("{} is used by no step and no output: drop it", name(*device)),
            );
        }
    }
}

fn used(service: &Service) -> BTreeSet<Device> {
    let steps = service.steps.iter().filter_map(|step| match &step.ask {
        Ask::IdCard => Some(Device::IdCard),
        Ask::Photo { .. } if step.optional => None,
        Ask::Face | Ask::Photo { .. } => Some(Device::Camera),
        Ask::Fingerprint => Some(Device::Fingerprint),
        Ask::TapCard { card: Card::Social } => Some(Device::SocialCard),
        Ask::TapCard { card: Card::Transit } => Some(Device::TransitCard),
        Ask::Scan { .. } => Some(Device::Scanner),
        Ask::Signature => Some(Device::Signature),
        Ask::Pay { .. } => Some(Device::Pay),
        _ => None,
    });
    let papers = service.outputs.iter().filter_map(|output| match output.form {
        Form::A4 => Some(Device::Printer),
        Form::Receipt => Some(Device::Receipt),
        Form::Screen | Form::Qr => None,
    });
    steps.chain(papers).collect()
}

/// As it is written in the files.
fn name(device: Device) -> String {
    serde_json::to_string(&device).unwrap_or_default()
}
