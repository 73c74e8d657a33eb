//! Conditions and expressions of services and of the demonstration registry, in CEL.
//!
//! An expression is compiled once. It reads nothing but the environment it is given, so it can
//! be tried with every answer before anybody stands in front of the terminal.

mod lent;
mod reads;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use cel::common::types::CelString;
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, Env, Program, extensions};
use jiff::civil::Date;
use serde_json::Value as Json;

use crate::functions::{self, Counter};

pub(crate) use lent::Shared;
pub use reads::Reads;
pub(crate) use reads::root;

/// Longest expression that is compiled, in bytes; the parser works recursively.
const SOURCE_MAX: usize = 2048;

/// A compiled expression.
#[derive(Debug)]
pub struct Expression {
    source: String,
    program: Program,
    reads: Reads,
}

/// An expression that is true or false.
#[derive(Debug)]
pub struct Condition(Expression);

/// What an expression sees.
#[derive(Clone)]
pub struct Environment {
    /// Day of `today` and of ages.
    today: Date,
    values: BTreeMap<String, Shared>,
    counter: Option<Counter>,
}

/// Why an expression is no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// It is not CEL.
    #[error("`{source_text}` cannot be read: {why}")]
    Syntax {
        /// As it was written.
        source_text: String,
        /// In the words of the parser.
        why: String,
    },
    /// It failed with these values.
    #[error("`{source_text}` fails: {why}")]
    Run {
        /// As it was written.
        source_text: String,
        /// In the words of the interpreter.
        why: String,
    },
    /// It gave something else than was asked of it.
    #[error("`{source_text}` gives {got}, not {wanted}")]
    Kind {
        /// As it was written.
        source_text: String,
        /// What it gave.
        got: String,
        /// What was asked.
        wanted: &'static str,
    },
}

/// The language: CEL's standard library with its strings, lists and numbers.
static LANGUAGE: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    for extension in [extensions::strings, extensions::lists, extensions::math] {
        // The three declare nothing twice; a later version that does loses the later words only.
        let _ = env.add_extension(extension);
    }
    Arc::new(env)
});

impl Expression {
    /// Compiles it.
    pub fn compile(source: &str) -> Result<Expression, ExpressionError> {
        let syntax = |why: String| ExpressionError::Syntax { source_text: source.to_owned(), why };
        if source.len() > SOURCE_MAX {
            return Err(syntax(format!("longer than {SOURCE_MAX} bytes")));
        }
        let program = LANGUAGE.compile(source).map_err(|errors| syntax(first_line(&errors)))?;
        let reads = Reads::of(program.expression());
        Ok(Expression { source: source.to_owned(), program, reads })
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it reads from the environment.
    pub fn reads(&self) -> &Reads {
        &self.reads
    }

    /// Its value.
    pub fn evaluate(&self, environment: &Environment) -> Result<Json, ExpressionError> {
        let run = |why: String| ExpressionError::Run { source_text: self.source.clone(), why };
        let mut context = Context::with_env(Arc::clone(&LANGUAGE));
        functions::add(&mut context, &self.reads, environment.today, environment.counter.as_ref());
        context.set_variable_resolver(environment);
        let value = self.program.execute(&context).map_err(|error| run(error.to_string()))?;
        value.json().map_err(|error| run(error.to_string()))
    }
}

/// Values are lent to an expression: the lists of a registry are long, and most are not read.
impl VariableResolver for Environment {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if variable == "today" {
            return Some(CowVal::owned(CelString::from(self.today.to_string())));
        }
        self.values.get(variable).map(|value| CowVal::Borrowed(value.cel()))
    }
}

impl Condition {
    /// Compiles it.
    pub fn compile(source: &str) -> Result<Condition, ExpressionError> {
        Expression::compile(source).map(Condition)
    }

    /// The expression it is made of.
    pub fn expression(&self) -> &Expression {
        &self.0
    }

    /// Whether it holds.
    pub fn holds(&self, environment: &Environment) -> Result<bool, ExpressionError> {
        match self.0.evaluate(environment)? {
            Json::Bool(holds) => Ok(holds),
            other => Err(ExpressionError::Kind {
                source_text: self.0.source.clone(),
                got: other.to_string(),
                wanted: "true or false",
            }),
        }
    }
}

impl Environment {
    /// One in which only the day is known.
    pub fn new(today: Date) -> Environment {
        Environment { today, values: BTreeMap::new(), counter: None }
    }

    /// Sets a variable.
    pub fn set(&mut self, name: impl Into<String>, value: Json) {
        self.share(name, Shared::from(value));
    }

    /// Sets a variable to a value that others hold too.
    pub(crate) fn share(&mut self, name: impl Into<String>, value: Shared) {
        self.values.insert(name.into(), value);
    }

    /// Gives `number(prefix)` its counter.
    pub fn count_with(&mut self, counter: Counter) {
        self.counter = Some(counter);
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.values.get(name).map(Shared::json)
    }

    /// The value at a path such as `found.bills`.
    pub fn pointer(&self, path: &str) -> Option<&Json> {
        let mut parts = path.split('.');
        let first = self.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    }

    /// The day it stands for.
    pub fn today(&self) -> Date {
        self.today
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("today", &self.today)
            .field("values", &self.values)
            .finish_non_exhaustive()
    }
}

fn first_line(error: &impl ToString) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    fn environment() -> Environment {
        let mut environment = Environment::new(date(2026, 11, 23));
        environment.set("purpose", json!("other"));
        environment.set("card", json!({ "age": 77, "sex": "女" }));
        environment.set("found", json!({ "bills": [{ "month": "2026-09", "amount": 2280 }] }));
        environment
    }

    #[test]
    fn a_condition_reads_answers_the_card_and_what_was_looked_up() {
        for (source, holds) in [
            ("purpose == 'other'", true),
            ("card.age < 18", false),
            ("card.age >= 60 && card.sex == '女'", true),
            ("size(found.bills) == 1 && found.bills[0].amount > 2000", true),
            ("found.bills.exists(b, b.month == '2026-10')", false),
            ("today > '2026-01-01'", true),
        ] {
            let condition = Condition::compile(source).unwrap();
            assert_eq!(condition.holds(&environment()), Ok(holds), "{source}");
        }
    }

    #[test]
    fn what_is_not_cel_is_refused_when_it_is_compiled() {
        let error = Condition::compile("purpose = 'other'").unwrap_err();
        assert!(matches!(error, ExpressionError::Syntax { .. }), "{error}");
    }

    #[test]
    fn a_condition_that_is_a_number_says_so() {
        let error = Condition::compile("card.age").unwrap().holds(&environment()).unwrap_err();
        assert_eq!(error.to_string(), "`card.age` gives 77, not true or false");
    }

    #[test]
    fn an_unknown_variable_is_an_error_and_not_false() {
        let condition = Condition::compile("nobody == 'x'").unwrap();
        assert!(condition.holds(&environment()).is_err());
    }

    #[test]
    fn long_expressions_are_refused_before_they_are_parsed() {
        let source = format!("{}1", "1 + ".repeat(1000));
        assert!(Expression::compile(&source).is_err());
    }
}
