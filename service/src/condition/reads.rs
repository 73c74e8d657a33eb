//! What an expression reads, and what it compares that with.

use std::collections::BTreeSet;

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, LiteralValue};
use serde_json::Value as Json;

/// Calls that compare; what stands in them together is tried together.
const COMPARISONS: [&str; 11] = [
    "_==_",
    "_!=_",
    "_<_",
    "_<=_",
    "_>_",
    "_>=_",
    "@in",
    "startsWith",
    "endsWith",
    "contains",
    "matches",
];

/// What an expression reads.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Reads {
    paths: BTreeSet<String>,
    functions: BTreeSet<String>,
    compared: Vec<(String, Json)>,
}

/// Variables of comprehensions, with the path of what they run over.
type Scope = Vec<(String, Option<String>)>;

impl Reads {
    pub(super) fn of(expression: &IdedExpr) -> Reads {
        let mut reads = Reads::default();
        reads.walk(expression, &mut Scope::new());
        reads
    }

    /// Paths such as `card.age` or `found.bills.[].month`, where `[]` is any row.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// First parts of the paths: the variables.
    pub fn roots(&self) -> BTreeSet<&str> {
        self.paths().map(root).collect()
    }

    /// Whether it calls this function.
    pub fn calls(&self, function: &str) -> bool {
        self.functions.contains(function)
    }

    /// Paths with the literals they are compared with.
    pub fn compared(&self) -> &[(String, Json)] {
        &self.compared
    }

    fn walk(&mut self, expression: &IdedExpr, scope: &mut Scope) {
        if let Expr::Ident(_) | Expr::Select(_) = &expression.expr
            && let Some(path) = path_of(expression, scope)
        {
            self.paths.insert(path);
        }
        match &expression.expr {
            Expr::Call(call) => {
                self.functions.insert(call.func_name.clone());
                if COMPARISONS.contains(&call.func_name.as_str()) {
                    self.pair(expression, scope);
                }
                call.target.iter().for_each(|target| self.walk(target, scope));
                call.args.iter().for_each(|arg| self.walk(arg, scope));
                if let Some(path) = path_of(expression, scope) {
                    self.paths.insert(path);
                }
            }
            Expr::Select(select) => self.walk(&select.operand, scope),
            Expr::Comprehension(comprehension) => {
                self.walk(&comprehension.iter_range, scope);
                let row = path_of(&comprehension.iter_range, scope).map(|path| path + ".[]");
                let depth = scope.len();
                scope.push((comprehension.iter_var.clone(), row));
                scope.extend(comprehension.iter_var2.clone().map(|name| (name, None)));
                scope.push((comprehension.accu_var.clone(), None));
                self.walk(&comprehension.accu_init, scope);
                self.walk(&comprehension.loop_cond, scope);
                self.walk(&comprehension.loop_step, scope);
                self.walk(&comprehension.result, scope);
                scope.truncate(depth);
            }
            Expr::List(list) => list.elements.iter().for_each(|item| self.walk(item, scope)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.walk(&entry.key, scope);
                        self.walk(&entry.value, scope);
                    }
                }
            }
            Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => {}
        }
    }

    /// Every path under a comparison is tried with every literal under it.
    fn pair(&mut self, comparison: &IdedExpr, scope: &Scope) {
        let (mut paths, mut literals) = (Vec::new(), Vec::new());
        gather(comparison, scope, &mut paths, &mut literals);
        for path in paths {
            self.compared.extend(literals.iter().map(|literal| (path.clone(), literal.clone())));
        }
    }
}

/// First part of a path.
pub(crate) fn root(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

fn gather(expression: &IdedExpr, scope: &Scope, paths: &mut Vec<String>, found: &mut Vec<Json>) {
    if let Some(path) = path_of(expression, scope) {
        paths.push(path);
        return;
    }
    match &expression.expr {
        Expr::Literal(value) => found.extend(literal(value)),
        Expr::Call(call) => {
            let parts = call.target.iter().map(|target| &**target).chain(&call.args);
            parts.for_each(|part| gather(part, scope, paths, found));
        }
        Expr::List(list) => {
            list.elements.iter().for_each(|item| gather(item, scope, paths, found));
        }
        Expr::Comprehension(comprehension) => {
            gather(&comprehension.iter_range, scope, paths, found);
        }
        _ => {}
    }
}

/// `a.b`, `a[0].b` and `a.filter(..)[0].b` as paths.
fn path_of(expression: &IdedExpr, scope: &Scope) -> Option<String> {
    match &expression.expr {
        Expr::Ident(name) => match scope.iter().rev().find(|(bound, _)| bound == name) {
            Some((_, path)) => path.clone(),
            None => (!name.starts_with('@')).then(|| name.clone()),
        },
        Expr::Select(select) => {
            Some(format!("{}.{}", path_of(&select.operand, scope)?, select.field))
        }
        Expr::Call(call) if call.func_name == "_[_]" => {
            let (list, index) = (call.args.first()?, call.args.get(1)?);
            let base = match &list.expr {
                Expr::Comprehension(comprehension) => path_of(&comprehension.iter_range, scope)?,
                _ => path_of(list, scope)?,
            };
            match &index.expr {
                Expr::Literal(LiteralValue::String(key)) => Some(format!("{base}.{}", key.inner())),
                _ => Some(base + ".[]"),
            }
        }
        _ => None,
    }
}

fn literal(value: &LiteralValue) -> Option<Json> {
    match value {
        LiteralValue::Boolean(truth) => Some(Json::from(*truth.inner())),
        LiteralValue::Int(number) => Some(Json::from(*number.inner())),
        LiteralValue::Double(number) => Some(Json::from(*number.inner())),
        LiteralValue::String(text) => Some(Json::from(text.inner())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::condition::Expression;

    fn paths(source: &str) -> Vec<String> {
        let expression = Expression::compile(source).unwrap();
        expression.reads().paths().map(str::to_owned).collect()
    }

    #[test]
    fn rows_of_a_table_have_one_path() {
        assert_eq!(
            paths("found.bills.exists(b, b.month == today) && found.bills[0].amount > 1"),
            [
                "found",
                "found.bills",
                "found.bills.[]",
                "found.bills.[].amount",
                "found.bills.[].month",
                "today"
            ],
        );
    }

    #[test]
    fn variables_of_a_comprehension_are_not_read() {
        assert_eq!(paths("[1, 2].map(x, x * 2)"), Vec::<String>::new());
    }

    #[test]
    fn literals_stand_with_what_they_are_compared_with() {
        let expression = Expression::compile("card.age < 18 || scope in ['all', 'one']").unwrap();
        assert_eq!(
            expression.reads().compared(),
            [
                ("card.age".to_owned(), json!(18)),
                ("scope".to_owned(), json!("all")),
                ("scope".to_owned(), json!("one")),
            ]
        );
    }

    #[test]
    fn functions_are_known_by_name() {
        let expression = Expression::compile("days_between(a, today) > 90").unwrap();
        assert!(expression.reads().calls("days_between"));
        assert!(!expression.reads().calls("sum"));
    }
}
