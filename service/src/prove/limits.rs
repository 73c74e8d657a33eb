//! Bounds of answers: something is left between them.

use jiff::civil::Date;

use super::{Findings, place};
use crate::check::day;
use crate::step::Ask;

pub(super) fn check(findings: &mut Findings<'_>, today: Date) {
    for step in &findings.service.steps {
        if let Some(says) = mistake(&step.ask, today) {
            findings.say(place(step), says);
        }
    }
}

fn mistake(ask: &Ask, today: Date) -> Option<String> {
    let order = |is_right: bool| {
        (!is_right).then(|| "its first bound is after its last: turn them round".to_owned())
    };
    let some = |most: u64| (most == 0).then(|| "its limit is 0: nobody could answer".to_owned());
    match ask {
        Ask::Date { from, to } | Ask::Month { from, to } => {
            match (day::bound(from, today), day::bound(to, today)) {
                (Some(first), Some(last)) => order(first <= last),
                _ => Some(format!(
                    "`{from}` and `{to}` are no bounds: write today, today-30d, today+6m, today+2y or a date"
                )),
            }
        }
        Ask::Number { min, max, .. } => order(min <= max),
        Ask::Money { min_fen, max_fen } => order(min_fen <= max_fen),
        Ask::Code { min, max, .. } => order(min <= max).or_else(|| some(u64::from(*max))),
        Ask::Choice { years: Some(years), .. } => order(years.from <= years.to),
        Ask::Choices { options, min } => (usize::from(*min) > options.len())
            .then(|| format!("wants {min} of {} options: ask for fewer", options.len())),
        Ask::Text { max, .. } => some(u64::from(*max)),
        Ask::Photo { max } => some(u64::from(*max)),
        Ask::Scan { pages } => some(u64::from(*pages)),
        Ask::Slot { days, .. } => some(u64::from(*days)),
        _ => None,
    }
}
