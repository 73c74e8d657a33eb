//! Conditions and expressions of services and of the demonstration registry, in CEL.
//!
//! An expression is compiled once. It reads nothing but the environment it is given, so it can
//! be tried with every answer before anybody stands in front of the terminal.

mod reads;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use cel::{Context, Env, Program, Value, extensions};
use jiff::civil::Date;
use serde_json::Value as Json;

use crate::functions::{self, Counter};

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
    values: BTreeMap<String, Json>,
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
        for root in self.reads.roots() {
            if root == "today" {
                context.add_variable_from_value(root, environment.today.to_string());
            } else if let Some(value) = environment.values.get(root) {
                context.add_variable_from_value(root, self.part(root, value));
            }
        }
        let value = self.program.execute(&context).map_err(|error| run(error.to_string()))?;
        value.json().map_err(|error| run(error.to_string()))
    }
}

impl Expression {
    /// Of the lists of a registry only those that are named; they are long, and most are not.
    fn part(&self, root: &str, value: &Json) -> Value {
        let (true, Json::Object(lists)) = (root == "all", value) else {
            return to_cel(value);
        };
        let named: HashMap<String, Value> = lists
            .iter()
            .filter(|(list, _)| {
                self.reads.paths().any(|path| path.strip_prefix("all.") == Some(list))
            })
            .map(|(list, items)| (list.clone(), to_cel(items)))
            .collect();
        Value::from(named)
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
        self.values.insert(name.into(), value);
    }

    /// Gives `number(prefix)` its counter.
    pub fn count_with(&mut self, counter: Counter) {
        self.counter = Some(counter);
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.values.get(name)
    }

    /// The value at a path such as `found.bills`.
    pub fn pointer(&self, path: &str) -> Option<&Json> {
        let mut parts = path.split('.');
        let first = self.values.get(parts.next()?)?;
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

/// JSON as CEL sees it: whole numbers are signed, so that they compare with literals.
pub(crate) fn to_cel(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => number
            .as_i64()
            .map_or_else(|| Value::Float(number.as_f64().unwrap_or_default()), Value::Int),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::List(Arc::new(items.iter().map(to_cel).collect())),
        Json::Object(fields) => {
            let fields: HashMap<String, Value> =
                fields.iter().map(|(key, value)| (key.clone(), to_cel(value))).collect();
            Value::from(fields)
        }
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
