//! What stands on the glass, as words and rows: the only thing a screen, a voice or a test needs.
//!
//! About twenty kinds of body render every service; none of them knows which one it shows.

use jiff::civil::Date;

/// One whole page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The question or statement.
    pub title: String,
    /// One or two sentences under it.
    pub help: String,
    /// What is said instead of title and help, where the written words do not do.
    pub speech: Option<String>,
    pub body: Body,
    /// What is wrong with the answer, beside the field.
    pub error: Option<String>,
    /// Steps done and steps there are, as far as is known.
    pub progress: Option<(u16, u16)>,
    /// Whether there is a page before this one.
    pub back: bool,
    /// The main action, at the right of the bottom band.
    pub main: Option<Button>,
    /// Whether "finish and clear" is at hand: always, once anything is known of the citizen.
    pub finish: bool,
    /// What else can be done here, beside the main action: at most [`ALSO_MAX`].
    pub also: Vec<Offer>,
}

/// Most offers beside the main action.
pub const ALSO_MAX: usize = 2;

/// Something else that can be done.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    pub label: String,
    /// What pressing it is.
    pub act: Act,
}

/// Something to press.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    pub label: String,
    pub enabled: bool,
}

/// The middle of a page.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Nobody is here.
    Attract,
    /// Six intents, and the ways to everything else; one quiet line leads to the notices.
    Home { intents: Vec<Entry>, notice: Option<Entry> },
    /// Items of a category, or what was found for `query`.
    List { query: Option<String>, entries: Vec<Entry> },
    /// What an item needs, costs and gives, before the first question.
    Intro { facts: Vec<Row>, materials: Vec<Row> },
    /// A device waits for the citizen: a card to lay down, a face, a finger, a code.
    Device(Prompt),
    /// A statement to agree to.
    Consent { statement: String, agreed: bool },
    /// One of a few, or several.
    Choice { options: Vec<Choice>, many: bool },
    /// One line or several, typed.
    Entry(Field),
    /// Day, month and year, each from a list.
    Date(DateField),
    /// Sub-district, community, then the house in words.
    Address(AddressField),
    /// A point on the map of the community.
    Place { at: Option<(f64, f64)>, label: String },
    /// Photographs or scanned pages taken so far.
    Shots { what: Shot, taken: Vec<ShotId>, max: u8, live: bool },
    /// A name, drawn with the finger.
    Signature { strokes: Vec<Vec<(f32, f32)>> },
    /// Days, and the times that are free on the chosen one.
    Slots { days: Vec<Choice>, times: Vec<Choice> },
    /// A code to pay by telephone.
    Pay { amount: String, code: String, paid: bool },
    /// Facts in rows and tables: what was looked up, what is to be checked, what came back.
    Rows(Vec<Section>),
    /// Something is being done; says what and since how many seconds.
    Working { what: String, seconds: u64 },
    /// It is done: what was printed, what to keep, and a code for the telephone.
    Done { outputs: Vec<Row>, code: Option<String>, sections: Vec<Section> },
    /// A code for the telephone: an address that can be opened once.
    Code { code: String },
    /// It can't go on, and where to go instead.
    Stop { call: String },
    /// Staff at work.
    Staff(Vec<Section>),
}

/// Something that opens: an item, a category, an intent, a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is handed back in `Act::Open`.
    pub id: String,
    pub label: String,
    pub hint: String,
    /// Why it can't be opened now; it stays readable and says so.
    pub unavailable: Option<String>,
}

/// A name and a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub value: String,
    /// Where the value comes from, such as 来自身份证.
    pub source: Option<String>,
    /// The step to which it leads back, on the page that checks the answers.
    pub edit: Option<String>,
}

/// Rows and a table under a heading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    pub heading: String,
    pub rows: Vec<Row>,
    pub columns: Vec<String>,
    pub table: Vec<Vec<String>>,
    /// Whether a row of the table can be chosen, and which one is.
    pub pick: Option<Option<usize>>,
}

/// What a device waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    pub device: Waiting,
    pub state: PromptState,
    /// Another way, such as asking staff.
    pub other_way: Option<String>,
}

/// The device that waits; the screen draws it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    IdCard,
    SocialCard,
    TransitCard,
    Face,
    Finger,
    Code,
}

/// How far the device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptState {
    Waiting,
    Reading,
    /// It was read and lies there still.
    TakeBack,
    Failed,
}

/// One of a few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub label: String,
    pub hint: String,
    pub chosen: bool,
    /// Why it can't be chosen.
    pub unavailable: Option<String>,
}

/// A line to type on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub label: String,
    pub value: String,
    pub keyboard: Keyboard,
    pub max: u16,
    pub long: bool,
    pub unit: String,
    /// Where a value that stands there already comes from.
    pub source: Option<String>,
    /// Whether the scanner may fill it.
    pub scan: bool,
}

/// The keys a field needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyboard {
    Digits,
    /// Digits and X.
    IdNumber,
    /// Digits and capital letters.
    Capitals,
    /// Pinyin, Latin and digits.
    Full,
}

/// Year, month, day; 0 where nothing is chosen. `day` is absent for a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateField {
    pub year: i16,
    pub month: i8,
    pub day: Option<i8>,
    pub first_year: i16,
    pub last_year: i16,
}

impl DateField {
    /// With a part turned on: 0 the year, 1 the month, 2 the day. An untouched part starts at today's.
    pub fn turned(&self, part: i32, by: i32, today: Date) -> (i16, i8, i8) {
        let (mut year, mut month, mut day) = (self.year, self.month, self.day.unwrap_or(1));
        let by8 = i8::try_from(by).unwrap_or(0);
        match part {
            0 if year == 0 => year = today.year(),
            0 => year = year.saturating_add(i16::from(by8)),
            1 if month == 0 => month = today.month(),
            1 => month = (month - 1 + by8).rem_euclid(12) + 1,
            _ if day == 0 => day = today.day(),
            _ => day = (day - 1 + by8).rem_euclid(last_day(year, month)) + 1,
        }
        if year != 0 {
            year = year.clamp(self.first_year, self.last_year.max(self.first_year));
        }
        day = day.min(last_day(year, month));
        (year, month, day)
    }
}

/// Last day of a month; 31 while it is not known which.
fn last_day(year: i16, month: i8) -> i8 {
    Date::new(year, month, 1).ok().filter(|_| year != 0).map_or(31, Date::days_in_month)
}

/// Where somebody lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressField {
    pub streets: Vec<Choice>,
    pub communities: Vec<Choice>,
    pub detail: String,
    pub source: Option<String>,
}

/// What a picture is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shot {
    Photo,
    Scan,
}

/// A picture taken in this session, known to the shell by this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShotId(pub u32);

/// What a citizen can do to a page.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// She is here: touched the attract page.
    Wake,
    /// Opens an entry: an item's code, `category:housing`, `intent:…`, `notice:…`, `staff:…`.
    Open(String),
    /// Looks for words.
    Search(String),
    /// The main action.
    Next,
    Back,
    /// Ends the session and clears it.
    Finish,
    /// Chooses or unchooses the option in this place; days, times, streets and rows count too.
    Choose(usize),
    /// Chooses in the second list of a page: times, communities.
    ChooseSecond(usize),
    /// The line reads so now.
    Input(String),
    /// Year, month and day as chosen.
    SetDate(i16, i8, i8),
    /// A point on the map.
    SetPlace(f64, f64),
    /// The signature as drawn.
    SetStrokes(Vec<Vec<(f32, f32)>>),
    /// Takes a photograph or scans a page.
    Shoot,
    /// Throws a picture away.
    Discard(ShotId),
    /// The other way: staff, or by hand.
    OtherWay,
    /// Back from the checking page to this step.
    Edit(String),
    /// Prints what stands here.
    Print,
    /// Takes what stands here along on the telephone.
    HandOff,
    /// Touched the drum tower of the attract page; five times lets staff sign on.
    Emblem,
    /// Needs more time.
    MoreTime,
    Language(service::text::Language),
    Mode(Mode),
}

/// How the page is shown. Each can be switched on and off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Larger words, fewer at once.
    Large,
    HighContrast,
    /// Controls in the lower third.
    Reach,
    /// What is focused is spoken.
    Voice,
}
