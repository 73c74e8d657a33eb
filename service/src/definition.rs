//! What one service is, as its file in `content/services` says it.
//!
//! One file, one item: a citizen's question from the first page to the paper in her hand.
//! The JSON Schema of these types is `content/service.schema.json`.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::step::Step;
use crate::text::Text;

/// One item of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// `T001` to `T104` at the terminal, `C001` to `C042` to book in the community, `R001` and on
    /// for what belongs to the terminal itself: reports and what was booked.
    pub code: String,
    /// What people call it.
    pub name: Text,
    /// What it gives, in one sentence.
    pub summary: Text,
    /// Other words people look for, Chinese or Latin; pinyin is derived and not listed.
    #[serde(default)]
    pub keywords: Vec<String>,
    pub kind: Kind,
    pub category: Category,
    /// Who answers for it.
    pub department: Text,
    /// Who may use it, in one sentence.
    pub audience: Text,
    /// The law it rests on.
    pub basis: Vec<Basis>,
    pub fee: Fee,
    pub promise: Promise,
    /// What the citizen must have; at a booking, what she must bring.
    #[serde(default)]
    pub materials: Vec<Material>,
    /// Devices without which it cannot be done.
    #[serde(default)]
    pub needs: BTreeSet<Device>,
    pub offline: Offline,
    /// One question per page, in order.
    pub steps: Vec<Step>,
    /// What is asked of the platform on the way, by steps that name it.
    #[serde(default)]
    pub lookups: Vec<Operation>,
    /// What the platform is asked to do at the end.
    pub operation: Operation,
    /// What it is asked instead, where an answer says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<Instead>,
    /// What she leaves with, in order.
    pub outputs: Vec<Output>,
}

impl Service {
    /// Everything that is asked of the platform: lookups, the operation, and what is asked instead.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> + Clone {
        let instead = self.instead.iter().map(|instead| &instead.operation);
        self.lookups.iter().chain([&self.operation]).chain(instead)
    }
}

/// Another operation for the same questions, such as to cancel instead of to move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instead {
    /// CEL over the answers.
    pub when: String,
    /// Goes by the same id, and returns no more than the operation it stands for.
    pub operation: Operation,
}

/// The kind of thing an item is; pages and words depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Shown on the screen.
    Query,
    /// A record, printed.
    Print,
    /// A certificate with a verification code, printed.
    Certificate,
    /// An application.
    Form,
    /// Money is paid.
    Payment,
    /// A time with a person.
    Booking,
}

/// The shelf it stands on.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    Housing,
    SocialInsurance,
    Employment,
    Medical,
    HousingFund,
    PublicSecurity,
    Transport,
    CivilAffairs,
    Tax,
    Health,
    Education,
    Business,
    Justice,
    Utilities,
    Elder,
    Relief,
    Disability,
    Children,
    Family,
    Veterans,
    Community,
}

/// A law, regulation or notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    pub name: Text,
    /// Such as 第七十四条; left out when the whole text is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
}

/// What it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fee {
    Free,
    /// The same for everyone.
    Fixed {
        amount_fen: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Text>,
    },
    /// What is owed, found on the way.
    Owed(Text),
}

/// When it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Promise {
    Immediate,
    WorkingDays(u16),
}

/// A paper or record the service rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Material {
    pub name: Text,
    pub from: MaterialSource,
    /// How many, for papers to bring.
    #[serde(default = "one")]
    pub copies: u8,
    /// Who needs it, when not everyone does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Text>,
}

fn one() -> u8 {
    1
}

/// Where a material comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MaterialSource {
    /// Read from the identity card at the terminal.
    IdCard,
    /// Taken from the store of electronic certificates; the kind is one of `content/registry/certificates.toml`.
    Certificate(String),
    /// Scanned or photographed in this step.
    Step(String),
    /// The department has it already; nothing to bring.
    Department,
    /// The citizen brings the original.
    Original,
    /// The citizen brings a copy.
    Copy,
    /// A form that is filled in at the counter.
    Counter,
}

/// A device of the terminal.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    IdCard,
    Camera,
    Printer,
    Receipt,
    Scanner,
    Pay,
    Signature,
    SocialCard,
    TransitCard,
    Fingerprint,
}

impl Device {
    /// All of them, in their order.
    pub const ALL: [Device; 10] = [
        Device::IdCard,
        Device::Camera,
        Device::Printer,
        Device::Receipt,
        Device::Scanner,
        Device::Pay,
        Device::Signature,
        Device::SocialCard,
        Device::TransitCard,
        Device::Fingerprint,
    ];
}

/// What happens without a link to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Offline {
    /// Accepted now, sent later, exactly once. Only where no answer of a department is needed on the way.
    Queue,
    /// Refused before the first question.
    Refuse,
}

/// One thing the platform is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Name in the contract with departments: `department.thing.verb`, such as `water.bill.list`.
    pub name: String,
    /// By this id steps, conditions and outputs name what it returned; `result` for the last.
    #[serde(default = "result")]
    pub id: String,
    /// Steps whose answers go with it; `card` stands for the identity card's name and number.
    /// A lookup of which none was asked does not run, and its fields are empty.
    #[serde(default)]
    pub sends: Vec<String>,
    /// What comes back.
    #[serde(default)]
    pub returns: Vec<Field>,
}

fn result() -> String {
    "result".to_owned()
}

/// One named value that comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    pub id: String,
    pub name: Text,
    pub kind: FieldKind,
    /// Columns, for a table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Field>,
}

/// What a value is, and so how it is written and spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FieldKind {
    /// A string.
    Text,
    /// A string read out sign by sign: numbers of cases, accounts, invoices.
    Code,
    /// A whole or decimal number.
    Number,
    /// Whole fen; written as yuan.
    Money,
    /// `2026-11-23`.
    Date,
    /// `2026-11`.
    Month,
    /// A string in both languages: `{ zh, en }`.
    Words,
    /// A list of rows.
    Table,
}

/// What the citizen leaves with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Output {
    pub form: Form,
    /// Template in `content/templates`.
    pub template: String,
    pub title: Text,
    /// Sentences of the document. `{card.name}`, `{some_step}`, `{result.field}`, `{today}` and `{number}` are filled in.
    #[serde(default)]
    pub body: Vec<Text>,
    /// Returned fields and answers that stand as rows or tables: `result.months`, `purpose`.
    #[serde(default)]
    pub rows: Vec<String>,
    /// Whether a verification code stands on it.
    #[serde(default)]
    pub verified: bool,
}

/// On what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// On the screen only.
    Screen,
    /// A code on the screen, for the citizen's own telephone.
    Qr,
    /// A4 paper.
    A4,
    /// A slip of the receipt printer.
    Receipt,
}
