//! What stands on a page before it is an answer.

use std::collections::BTreeSet;

use service::answer::{Answer, Slot};
use service::check;
use service::definition::Device;
use service::step::{self, Ask, Card, Step};
use service::text::Text;

use super::Around;
use super::slots::Offered;
use crate::district::District;
use crate::item::rows;
use crate::known::Known;
use crate::page::{Act, PromptState, ShotId};
use crate::words;

/// A line of a signature, in parts of the box.
type Stroke = Vec<(f32, f32)>;

/// The fewest points that a signature has; fewer are a slip of the finger.
const SIGNATURE_MIN: usize = 8;

/// The state of one page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Draft {
    /// The page has nothing to fill in.
    Nothing,
    Prompt(PromptState),
    Line(String),
    Chosen(BTreeSet<usize>),
    Day {
        year: i16,
        month: i8,
        day: i8,
    },
    Address {
        street: Option<usize>,
        community: Option<usize>,
        detail: String,
    },
    Place(Option<(f64, f64)>),
    Shots(Vec<ShotId>),
    Strokes(Vec<Stroke>),
    Slot {
        day: Option<usize>,
        time: Option<usize>,
    },
    Payment,
}

/// What a page rests on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) step: &'a Step,
    pub(crate) known: &'a Known,
    pub(crate) district: &'a District,
    pub(crate) around: Around,
}

impl Draft {
    /// What stands on the page when it opens: the answer before, or what is known.
    pub(crate) fn begin(ground: Ground<'_>) -> Draft {
        let answer = ground.known.answer(&ground.step.id).map(|known| &known.answer);
        match (&ground.step.ask, answer) {
            (Ask::TapCard { card }, _) if !ground.around.devices.works(reader(*card)) => {
                Draft::Line(String::new())
            }
            (Ask::IdCard | Ask::TapCard { .. } | Ask::Face | Ask::Fingerprint, _) => {
                Draft::Prompt(PromptState::Waiting)
            }
            (Ask::Stop | Ask::Show { .. }, _) => Draft::Nothing,
            (Ask::Pay { .. }, _) => Draft::Payment,
            (Ask::Slot { .. }, _) => Draft::Slot { day: None, time: None },
            (Ask::Place, _) => Draft::Place(None),
            (Ask::Photo { .. } | Ask::Scan { .. }, _) => {
                Draft::Shots(ground.known.shots(&ground.step.id).to_vec())
            }
            (Ask::Signature, _) => Draft::Strokes(Vec::new()),
            (Ask::YesNo, Some(Answer::Truth(truth))) => {
                Draft::Chosen(BTreeSet::from([usize::from(!truth)]))
            }
            (Ask::Consent { .. }, Some(Answer::Truth(true))) => Draft::Chosen(BTreeSet::from([0])),
            (Ask::Choice { .. }, None) => Draft::Chosen(suggested(ground).into_iter().collect()),
            (ask @ (Ask::Choice { .. } | Ask::Choices { .. }), answer) => {
                let options = ask.options(ground.around.today);
                let is_chosen = |value: &String| match answer {
                    Some(Answer::Text(chosen)) => chosen == value,
                    Some(Answer::List(chosen)) => chosen.contains(value),
                    _ => false,
                };
                let all = options.iter().enumerate();
                let chosen = all.filter(|(_, option)| is_chosen(&option.value));
                Draft::Chosen(chosen.map(|(index, _)| index).collect())
            }
            (Ask::YesNo | Ask::Consent { .. } | Ask::Pick { .. }, _) => {
                Draft::Chosen(BTreeSet::new())
            }
            (Ask::Date { .. }, Some(Answer::Date(Some(at)))) => {
                Draft::Day { year: at.year(), month: at.month(), day: at.day() }
            }
            (Ask::Month { .. }, Some(Answer::Text(at))) => month(at),
            (Ask::Date { .. } | Ask::Month { .. }, _) => Draft::Day { year: 0, month: 0, day: 0 },
            (Ask::Address, Some(Answer::Address(at))) => {
                let whole = format!("{}{}{}", at.street, at.community, at.detail);
                let (street, community, detail) = ground.district.parse(&whole);
                Draft::Address { street, community, detail }
            }
            (Ask::Address, _) => {
                Draft::Address { street: None, community: None, detail: String::new() }
            }
            (Ask::Money { .. }, Some(Answer::Number(fen))) => {
                Draft::Line(format!("{}.{:02}", fen / 100, fen % 100))
            }
            (_, Some(Answer::Number(number))) => Draft::Line(number.to_string()),
            (_, Some(Answer::Text(line))) => Draft::Line(line.clone()),
            (_, _) => Draft::Line(String::new()),
        }
    }

    /// Takes over what the citizen did; what does not fit the page changes nothing.
    pub(crate) fn change(&mut self, ground: Ground<'_>, act: &Act) {
        match (self, act) {
            (Draft::Line(line) | Draft::Address { detail: line, .. }, Act::Input(now)) => {
                line.clone_from(now);
            }
            (Draft::Chosen(chosen), Act::Choose(index)) if *index < options(ground) => {
                let many = matches!(ground.step.ask, Ask::Choices { .. } | Ask::Consent { .. });
                if !many {
                    *chosen = BTreeSet::from([*index]);
                } else if !chosen.remove(index) {
                    chosen.insert(*index);
                }
            }
            (Draft::Day { year, month, day }, Act::SetDate(y, m, d)) => {
                (*year, *month, *day) = (*y, *m, *d);
            }
            (Draft::Address { street, community, .. }, Act::Choose(index)) => {
                *street = Some(*index).filter(|index| *index < ground.district.streets.len());
                *community = None;
            }
            (Draft::Address { street: Some(street), community, .. }, Act::ChooseSecond(index)) => {
                let all = ground.district.streets.get(*street).map_or(0, |it| it.communities.len());
                *community = Some(*index).filter(|index| *index < all);
            }
            (Draft::Place(at), Act::SetPlace(lat, lon)) => *at = Some((*lat, *lon)),
            (Draft::Shots(shots), Act::Discard(shot)) => shots.retain(|it| it != shot),
            (Draft::Strokes(strokes), Act::SetStrokes(now)) => strokes.clone_from(now),
            (Draft::Slot { day, time }, Act::Choose(index)) => {
                *day = Some(*index).filter(|index| Offered::day(ground.known, *index).is_some());
                *time = None;
            }
            (Draft::Slot { day: Some(day), time }, Act::ChooseSecond(index)) => {
                let offered = Offered::day(ground.known, *day);
                let free = offered.and_then(|it| it.times.get(*index).map(|slot| slot.left > 0));
                *time = free.unwrap_or(false).then_some(*index);
            }
            _ => {}
        }
    }

    /// A picture for this page, while there is room.
    pub(crate) fn add_shot(&mut self, ask: &Ask, shot: ShotId) {
        let max = match ask {
            Ask::Photo { max } => *max,
            Ask::Scan { pages } => *pages,
            _ => 0,
        };
        if let Draft::Shots(shots) = self
            && shots.len() < usize::from(max)
        {
            shots.push(shot);
        }
    }

    /// Whether nothing was done to the page.
    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Draft::Nothing => false,
            Draft::Prompt(_) | Draft::Payment => true,
            Draft::Line(line) => line.trim().is_empty(),
            Draft::Chosen(chosen) => chosen.is_empty(),
            Draft::Day { year, month, .. } => *year == 0 || *month == 0,
            Draft::Address { detail, .. } => detail.trim().is_empty(),
            Draft::Place(at) => at.is_none(),
            Draft::Shots(shots) => shots.is_empty(),
            Draft::Strokes(strokes) => strokes.is_empty(),
            Draft::Slot { time, .. } => time.is_none(),
        }
    }

    /// The answer; `None` where the page may be left empty and is; in plain words what is wrong.
    pub(crate) fn finish(&self, ground: Ground<'_>) -> Result<Option<Answer>, Text> {
        let step = ground.step;
        let answer = match (&step.ask, self) {
            (Ask::YesNo, Draft::Chosen(chosen)) => {
                chosen.first().map(|index| Answer::Truth(*index == 0))
            }
            (Ask::Consent { .. }, Draft::Chosen(chosen)) => {
                return if chosen.is_empty() {
                    Err(words::agree_first())
                } else {
                    Ok(Some(Answer::Truth(true)))
                };
            }
            (Ask::Choice { .. }, Draft::Chosen(chosen)) => {
                let options = step.ask.options(ground.around.today);
                let option = chosen.first().and_then(|index| options.get(*index));
                option.map(|option| Answer::Text(option.value.clone()))
            }
            (Ask::Choices { options, min }, Draft::Chosen(chosen)) => {
                if chosen.len() < usize::from(*min) {
                    return Err(words::choose_at_least(*min));
                }
                let values = chosen.iter().filter_map(|index| options.get(*index));
                Some(Answer::List(values.map(|option| option.value.clone()).collect()))
            }
            (Ask::Pick { value, .. }, Draft::Chosen(chosen)) => {
                let row = chosen.first().and_then(|index| picked(ground).get(*index));
                let value = row.and_then(|row| row.get(value));
                value.and_then(|value| Answer::from_json(&step.ask, value).ok())
            }
            (Ask::Signature, Draft::Strokes(strokes)) => {
                let points: usize = strokes.iter().map(Vec::len).sum();
                (points >= SIGNATURE_MIN).then_some(Answer::Count(1))
            }
            (Ask::Photo { .. } | Ask::Scan { .. }, Draft::Shots(shots)) => {
                let count = u32::try_from(shots.len()).unwrap_or(u32::MAX);
                (count > 0).then_some(Answer::Count(count))
            }
            (Ask::Place, Draft::Place(at)) => at.map(|at| ground.district.place(at)),
            (Ask::Address, Draft::Address { street, community, detail }) => {
                ground.district.address(*street, *community, detail)
            }
            (Ask::Slot { .. }, Draft::Slot { day: Some(day), time: Some(time) }) => {
                let offered = Offered::day(ground.known, *day);
                offered.and_then(|it| {
                    let time = it.times.get(*time)?.time.clone();
                    Some(Answer::Slot(Slot { date: it.date, time }))
                })
            }
            (_, Draft::Day { year, month, day }) if *year != 0 && *month != 0 => {
                let line = match step.ask {
                    Ask::Month { .. } => format!("{year:04}-{month:02}"),
                    _ => format!("{year:04}-{month:02}-{day:02}"),
                };
                Some(typed(ground, &line)?)
            }
            (_, Draft::Line(line)) if !line.trim().is_empty() => Some(typed(ground, line)?),
            _ => None,
        };
        match answer {
            None if !step.optional => Err(words::answer_first(&step.ask)),
            answer => Ok(answer),
        }
    }
}

/// What reads a card.
fn reader(card: Card) -> Device {
    match card {
        Card::Social => Device::SocialCard,
        Card::Transit => Device::TransitCard,
    }
}

/// How many options the page has.
fn options(ground: Ground<'_>) -> usize {
    match &ground.step.ask {
        Ask::YesNo => 2,
        Ask::Consent { .. } => 1,
        ask @ (Ask::Choice { .. } | Ask::Choices { .. }) => ask.options(ground.around.today).len(),
        Ask::Pick { .. } => picked(ground).len(),
        _ => 0,
    }
}

/// The option that earlier words suggest.
pub(super) fn suggested(ground: Ground<'_>) -> Option<usize> {
    let Ask::Choice { suggest: Some(from), .. } = &ground.step.ask else { return None };
    let Answer::Text(written) = &ground.known.answer(from)?.answer else { return None };
    step::suggested(&ground.step.ask.options(ground.around.today), written)
}

/// The rows a page picks from.
pub(super) fn picked(ground: Ground<'_>) -> &[serde_json::Value] {
    let Ask::Pick { from, .. } = &ground.step.ask else { return &[] };
    let (lookup, table) = from.split_once('.').unwrap_or((from, ""));
    rows(ground.known.returned(lookup), table)
}

/// What was typed, checked, as the answer it is.
fn typed(ground: Ground<'_>, line: &str) -> Result<Answer, Text> {
    let line = check::typed(&ground.step.ask, line, ground.around.today)?;
    let wrong = |_| words::write_first();
    Ok(match Answer::empty(&ground.step.ask) {
        Answer::Number(_) => Answer::Number(line.parse().map_err(wrong)?),
        Answer::Date(_) => Answer::Date(Some(line.parse().map_err(|_| words::date_first())?)),
        _ => Answer::Text(line),
    })
}

fn month(at: &str) -> Draft {
    let (year, month) = at.split_once('-').unwrap_or(("", ""));
    let (year, month) = (year.parse().unwrap_or(0), month.parse().unwrap_or(0));
    Draft::Day { year, month, day: 0 }
}
