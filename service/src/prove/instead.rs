//! What is asked instead of the operation: its condition, and that nobody misses what it does not return.

use super::{Findings, scope, template};
use crate::condition::Condition;

const PLACE: &str = "instead";

pub(super) fn check(findings: &mut Findings<'_>) {
    let service = findings.service;
    let Some(instead) = &service.instead else { return };
    let (usual, other) = (&service.operation, &instead.operation);
    if usual.id != other.id {
        findings.say(PLACE, format!("goes by the id `{}`: give it `{}`", other.id, usual.id));
    }
    for field in &other.returns {
        if !usual.returns.contains(field) {
            let says = format!("returns `{}`, which the operation does not: drop it", field.id);
            findings.say(PLACE, says);
        }
    }
    let prefix = format!("{}.", usual.id);
    for text in service.outputs.iter().flat_map(|output| output.body.iter().chain([&output.title]))
    {
        let keys = template::keys(&text.zh);
        for field in keys.iter().filter_map(|key| key.strip_prefix(&prefix)) {
            if !other.returns.iter().any(|known| known.id == field) {
                let says = format!("does not return `{{{prefix}{field}}}`: move that to rows");
                findings.say(PLACE, says);
            }
        }
    }
}

/// The condition, where it reads what is there.
pub(super) fn compile(findings: &mut Findings<'_>) -> Option<Condition> {
    let service = findings.service;
    let when = &service.instead.as_ref()?.when;
    match Condition::compile(when) {
        Err(error) => {
            findings.say(PLACE, format!("{error}: mend the expression"));
            None
        }
        Ok(when) => {
            for path in when.expression().reads().paths() {
                if let Err(why) = scope::find(service, service.steps.len(), path) {
                    findings.say(PLACE, format!("`{path}`: {why}"));
                }
            }
            Some(when)
        }
    }
}

/// Both are asked on some way.
pub(super) fn check_ways(findings: &mut Findings<'_>, held: &[bool]) {
    for (truth, says) in [(true, "is never asked"), (false, "is always asked")] {
        if !held.contains(&truth) {
            findings.say(PLACE, format!("{says}: mend its condition"));
        }
    }
}
