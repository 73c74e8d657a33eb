//! The demonstration registry: what departments would answer, for a street without departments.
//!
//! `content/registry` holds twelve synthetic citizens, what is known about them, and for every
//! operation a few expressions. A department's adapter takes their place by configuration.

mod file;
mod trial;
mod value;

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};
use serde_json::{Map, Value as Json, json};

use crate::certificate::Kinds;
use crate::condition::{Condition, Environment, Expression, ExpressionError, Shared};
use crate::functions::{self, Counter};
use crate::text::Text;

pub use file::RegistryError;
pub use trial::{Proof, Record, prove};

/// Everything that the files say.
#[derive(Debug)]
pub struct Registry {
    kinds: Kinds,
    people: BTreeMap<String, Person>,
    /// What is not about one citizen, by list.
    all: Shared,
    /// Categories with a file, with `-` written as `_`.
    categories: Vec<String>,
    rules: BTreeMap<String, Rule>,
}

/// One synthetic citizen.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// What stands on the card, and the telephone number.
    pub card: Map<String, Json>,
    /// What the departments of each category know.
    pub known: BTreeMap<String, Map<String, Json>>,
    /// Electronic certificates by kind.
    pub certificates: BTreeMap<String, Map<String, Json>>,
}

/// How one operation is answered.
#[derive(Debug)]
pub struct Rule {
    refuse: Vec<(Condition, Text)>,
    returns: BTreeMap<String, Expression>,
    /// By category and field.
    sets: BTreeMap<(String, String), Expression>,
}

/// One question to a department.
#[derive(Clone)]
pub struct Question<'a> {
    /// Name of the operation.
    pub operation: &'a str,
    /// Number of the identity card that was read, if one was.
    pub number: Option<&'a str>,
    /// Answers that are sent, by step.
    pub ask: Json,
    pub now: DateTime,
    pub counter: Counter,
}

/// What a department says.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The citizen is told why.
    Refused(Text),
    /// The fields that the operation returns, and what is known afterwards.
    Done { returns: Map<String, Json>, changes: Vec<Change> },
}

/// One thing that is known about a citizen afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub category: String,
    pub field: String,
    pub value: Json,
}

/// Why there is no answer; a mistake in the files or the caller, not of the citizen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Nobody answers it.
    #[error("nobody answers `{0}`")]
    Unknown(String),
    /// An expression failed.
    #[error(transparent)]
    Expression(#[from] ExpressionError),
}

impl Registry {
    /// Reads the files of the folder, given as name and text.
    pub fn read<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Registry, Vec<RegistryError>> {
        file::read(files)
    }

    /// Kinds of electronic certificates.
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// The citizens by their short names.
    pub fn people(&self) -> impl Iterator<Item = (&str, &Person)> {
        self.people.iter().map(|(id, person)| (id.as_str(), person))
    }

    /// The citizen with this identity number.
    pub fn person(&self, number: &str) -> Option<&Person> {
        self.people.values().find(|person| person.text("number") == number)
    }

    /// What the department says.
    pub fn answer(&self, question: &Question<'_>) -> Result<Outcome, AnswerError> {
        let rule = self.rules.get(question.operation);
        let rule = rule.ok_or_else(|| AnswerError::Unknown(question.operation.to_owned()))?;
        let mut environment = self.environment(question.number, question.now);
        environment.count_with(question.counter.clone());
        environment.set("ask", question.ask.clone());
        Ok(rule.decide(&environment)?)
    }

    /// Lets a later query show what was changed about a citizen.
    pub fn apply(&mut self, number: &str, changes: Vec<Change>) {
        let person = self.people.values_mut().find(|person| person.text("number") == number);
        let Some(person) = person else { return };
        for Change { category, field, value } in changes {
            person.known.entry(category).or_default().insert(field, value);
        }
    }

    /// All that a rule sees but the answers that are sent.
    fn environment(&self, number: Option<&str>, now: DateTime) -> Environment {
        let mut environment = Environment::new(now.date());
        environment.set("now", json!(now.strftime("%Y-%m-%dT%H:%M").to_string()));
        environment.share("all", self.all.clone());
        if let Some(number) = number {
            environment.set("me", self.me(number, now.date()));
        }
        environment
    }

    /// A citizen as expressions see her; a stranger's card has its number and nothing else.
    fn me(&self, number: &str, today: Date) -> Json {
        let mut me: Map<String, Json> =
            self.categories.iter().map(|category| (category.clone(), json!({}))).collect();
        let Some(person) = self.person(number) else {
            me.insert("number".to_owned(), json!(number));
            return Json::Object(me);
        };
        me.extend(person.card.clone());
        if let Ok(birth) = person.text("birth").parse() {
            me.insert("age".to_owned(), json!(functions::age(birth, today)));
        }
        for (category, known) in &person.known {
            me.insert(category.clone(), Json::Object(known.clone()));
        }
        Json::Object(me)
    }
}

impl Rule {
    /// Lists that its expressions read.
    fn lists(&self) -> impl Iterator<Item = &str> {
        let refuse = self.refuse.iter().map(|(condition, _)| condition.expression());
        let expressions = refuse.chain(self.returns.values()).chain(self.sets.values());
        let paths = expressions.flat_map(|expression| expression.reads().paths());
        paths.filter_map(|path| path.strip_prefix("all.")).filter(|list| !list.contains('.'))
    }

    fn decide(&self, environment: &Environment) -> Result<Outcome, ExpressionError> {
        for (condition, why) in &self.refuse {
            if condition.holds(environment)? {
                return Ok(Outcome::Refused(why.clone()));
            }
        }
        let mut returns = Map::new();
        for (field, expression) in &self.returns {
            returns.insert(field.clone(), expression.evaluate(environment)?);
        }
        let mut changes = Vec::new();
        for ((category, field), expression) in &self.sets {
            let value = expression.evaluate(environment)?;
            changes.push(Change { category: category.clone(), field: field.clone(), value });
        }
        Ok(Outcome::Done { returns, changes })
    }
}

impl Person {
    /// A text of the card.
    pub fn text(&self, field: &str) -> &str {
        self.card.get(field).and_then(Json::as_str).unwrap_or_default()
    }
}

impl std::fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question").field("operation", &self.operation).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
