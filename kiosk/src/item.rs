//! A service made ready to be walked: its conditions compiled once, its lookups known by step.

use serde_json::Value;
use service::condition::{Condition, Environment, Expression, ExpressionError};
use service::definition::{Operation, Service};
use service::step::{Ask, Step};

/// A service, ready.
pub struct Item {
    service: Service,
    steps: Vec<Compiled>,
    /// Lookups that the outputs name.
    last: Vec<usize>,
    /// When another operation is asked.
    instead: Option<Condition>,
}

struct Compiled {
    show_if: Option<Condition>,
    amount_fen: Option<Expression>,
    /// Lookups that must have answered before the step can be shown or left out.
    lookups: Vec<usize>,
}

impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Item").field("code", &self.service.code).finish_non_exhaustive()
    }
}

impl Item {
    /// Compiles a service that the checker has passed; an error names the expression.
    pub fn compile(service: Service) -> Result<Item, ExpressionError> {
        let steps = service.steps.iter().map(|step| compile(&service, step));
        let steps = steps.collect::<Result<Vec<_>, _>>()?;
        let paths = service.outputs.iter().flat_map(|output| {
            let braces =
                output.body.iter().flat_map(|text| braces(&text.zh).chain(braces(&text.en)));
            output.rows.iter().map(String::as_str).chain(braces)
        });
        let roots: Vec<&str> = paths.map(root).collect();
        let last = lookups(&service, &roots);
        let instead =
            service.instead.as_ref().map(|it| Condition::compile(&it.when)).transpose()?;
        Ok(Item { service, steps, last, instead })
    }

    /// The service as its file says it.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Lookups that must have answered before this step; after the last step those of the outputs.
    pub fn lookups_before(&self, step: usize) -> &[usize] {
        self.steps.get(step).map_or(&self.last, |step| &step.lookups)
    }

    /// Whether a step is asked. What the checker has passed does not fail; if it did, the step is asked.
    pub fn is_asked(&self, step: usize, environment: &Environment) -> bool {
        let condition = self.steps.get(step).and_then(|step| step.show_if.as_ref());
        condition.is_none_or(|condition| condition.holds(environment).unwrap_or(true))
    }

    /// What a step asks to be paid, in fen.
    pub fn amount_fen(&self, step: usize, environment: &Environment) -> Option<i64> {
        let amount = self.steps.get(step)?.amount_fen.as_ref()?.evaluate(environment).ok()?;
        amount.as_i64().filter(|fen| *fen > 0)
    }

    /// What the platform is asked at the end.
    pub fn operation(&self, environment: &Environment) -> &Operation {
        let holds = |when: &Condition| when.holds(environment).unwrap_or(false);
        match (&self.service.instead, &self.instead) {
            (Some(instead), Some(when)) if holds(when) => &instead.operation,
            _ => &self.service.operation,
        }
    }
}

fn compile(service: &Service, step: &Step) -> Result<Compiled, ExpressionError> {
    let show_if = step.show_if.as_deref().map(Condition::compile).transpose()?;
    let amount_fen = match &step.ask {
        Ask::Pay { amount_fen } => Some(Expression::compile(amount_fen)?),
        _ => None,
    };
    let mut names: Vec<&str> = Vec::new();
    if let Some(condition) = &show_if {
        names.extend(condition.expression().reads().roots());
    }
    if let Some(amount) = &amount_fen {
        names.extend(amount.reads().roots());
    }
    names.extend(step.bind.iter().map(|bind| root(&bind.from)));
    match &step.ask {
        Ask::Pick { from, .. } => names.push(root(from)),
        Ask::Show { rows } => names.extend(rows.iter().map(|row| root(row))),
        _ => {}
    }
    for text in [Some(&step.title), step.help.as_ref()].into_iter().flatten() {
        names.extend(braces(&text.zh).map(root));
    }
    let lookups = lookups(service, &names);
    Ok(Compiled { show_if, amount_fen, lookups })
}

fn lookups(service: &Service, names: &[&str]) -> Vec<usize> {
    let all = service.lookups.iter().enumerate();
    all.filter(|(_, it)| names.contains(&it.id.as_str())).map(|(index, _)| index).collect()
}

/// The paths in `{…}`.
fn braces(sentence: &str) -> impl Iterator<Item = &str> {
    sentence.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(path, _)| path))
}

fn root(path: &str) -> &str {
    path.split_once('.').map_or(path, |(root, _)| root)
}

/// The value at `lookup.table` among what was returned.
pub fn rows<'a>(returned: Option<&'a Value>, table: &str) -> &'a [Value] {
    let rows = returned.and_then(|returned| returned.get(table)).and_then(Value::as_array);
    rows.map(Vec::as_slice).unwrap_or_default()
}
