//! The files of the registry.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{Person, Registry, Rule, value};
use crate::certificate::Kinds;
use crate::condition::{Condition, Expression, Shared};
use crate::text::Text;

/// Largest file that is read, in bytes.
const FILE_MAX: usize = 1024 * 1024;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("registry/{file}: {says}")]
pub struct RegistryError {
    /// Name of the file.
    pub file: String,
    /// What is wrong, and what to do.
    pub says: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PeopleFile {
    people: Vec<toml::Table>,
}

/// One file per category.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CategoryFile {
    #[serde(default)]
    people: BTreeMap<String, toml::Table>,
    #[serde(default)]
    certificates: BTreeMap<String, BTreeMap<String, toml::Table>>,
    #[serde(default)]
    all: toml::Table,
    #[serde(default)]
    operations: BTreeMap<String, RuleFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    #[serde(default)]
    refuse: Vec<RefuseFile>,
    #[serde(default)]
    returns: BTreeMap<String, String>,
    #[serde(default)]
    sets: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefuseFile {
    when: String,
    why: Text,
}

/// What is read so far, and what is wrong with it.
struct Reader {
    registry: Registry,
    all: Map<String, Json>,
    errors: Vec<RegistryError>,
    file: String,
}

pub(super) fn read<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Registry, Vec<RegistryError>> {
    let mut files: Vec<(&str, &str)> = files.into_iter().collect();
    // What the others name stands first: people and certificates.
    files.sort_by_key(|(name, _)| (!matches!(*name, "people.toml" | "certificates.toml"), *name));
    let registry = Registry {
        kinds: Kinds::default(),
        people: BTreeMap::new(),
        all: Shared::from(Json::Null),
        categories: Vec::new(),
        rules: BTreeMap::new(),
    };
    let mut reader = Reader { registry, all: Map::new(), errors: Vec::new(), file: String::new() };
    for (name, text) in files {
        name.clone_into(&mut reader.file);
        if text.len() > FILE_MAX {
            reader.say("is larger than 1 MiB: shorten it");
            continue;
        }
        match name {
            "people.toml" => reader.people(text),
            "certificates.toml" => match Kinds::parse(text) {
                Ok(kinds) => reader.registry.kinds = kinds,
                Err(why) => reader.say(why),
            },
            _ => reader.category(name, text),
        }
    }
    reader.registry.all = Shared::from(Json::Object(reader.all));
    if reader.errors.is_empty() { Ok(reader.registry) } else { Err(reader.errors) }
}

impl Reader {
    fn say(&mut self, says: impl Into<String>) {
        self.errors.push(RegistryError { file: self.file.clone(), says: says.into() });
    }

    fn people(&mut self, text: &str) {
        let file: PeopleFile = match toml::from_str(text) {
            Ok(file) => file,
            Err(why) => return self.say(why.to_string()),
        };
        for person in file.people {
            let card = value::record(person);
            let Some(id) = card.get("id").and_then(Json::as_str).map(str::to_owned) else {
                self.say("a citizen has no id: give her one");
                continue;
            };
            let person = Person { card, known: BTreeMap::new(), certificates: BTreeMap::new() };
            if self.registry.people.insert(id.clone(), person).is_some() {
                self.say(format!("`{id}` stands twice: rename one"));
            }
        }
    }

    fn category(&mut self, name: &str, text: &str) {
        let file: CategoryFile = match toml::from_str(text) {
            Ok(file) => file,
            Err(why) => return self.say(why.to_string()),
        };
        let category = name.trim_end_matches(".toml").replace('-', "_");
        for (id, known) in file.people {
            match self.registry.people.get_mut(&id) {
                Some(person) => _ = person.known.insert(category.clone(), value::record(known)),
                None => self.say(format!("there is no citizen `{id}` in people.toml")),
            }
        }
        for (id, certificates) in file.certificates {
            for (kind, fields) in certificates {
                self.certificate(&id, kind, value::record(fields));
            }
        }
        for (list, items) in file.all {
            if self.all.insert(list.clone(), value::json(items)).is_some() {
                self.say(format!("the list `all.{list}` stands in two files: rename one"));
            }
        }
        for (name, rule) in file.operations {
            let rule = self.rule(&name, rule);
            if self.registry.rules.insert(name.clone(), rule).is_some() {
                self.say(format!("`{name}` is answered in two files: drop one"));
            }
        }
        self.registry.categories.push(category);
    }

    fn certificate(&mut self, id: &str, kind: String, fields: Map<String, Json>) {
        let unknown: Vec<String> =
            fields.keys().filter(|field| !self.registry.kinds.has(&kind, field)).cloned().collect();
        for field in unknown {
            self.say(format!("`{kind}.{field}` of {id} is not in certificates.toml: name what is"));
        }
        match self.registry.people.get_mut(id) {
            Some(person) => _ = person.certificates.insert(kind, fields),
            None => self.say(format!("there is no citizen `{id}` in people.toml")),
        }
    }

    fn rule(&mut self, name: &str, file: RuleFile) -> Rule {
        let mut rule = Rule { refuse: Vec::new(), returns: BTreeMap::new(), sets: BTreeMap::new() };
        for RefuseFile { when, why } in file.refuse {
            match Condition::compile(&when) {
                Ok(condition) => rule.refuse.push((condition, why)),
                Err(error) => self.say(format!("`{name}` refuse: {error}")),
            }
        }
        for (field, source) in file.returns {
            if let Some(expression) = self.expression(name, &field, &source) {
                rule.returns.insert(field, expression);
            }
        }
        for (target, source) in file.sets {
            let Some((category, field)) = target.split_once('.') else {
                self.say(format!("`{name}` sets `{target}`: write category.field"));
                continue;
            };
            let target = (category.replace('-', "_"), field.to_owned());
            if let Some(expression) = self.expression(name, field, &source) {
                rule.sets.insert(target, expression);
            }
        }
        rule
    }

    fn expression(&mut self, name: &str, field: &str, source: &str) -> Option<Expression> {
        let compiled = Expression::compile(source);
        let roots = ["me", "all", "ask", "today", "now"];
        match compiled {
            Ok(expression) => {
                let unknown =
                    expression.reads().roots().into_iter().find(|root| !roots.contains(root));
                if let Some(root) = unknown {
                    self.say(format!("`{name}` {field}: there is no `{root}`, only {roots:?}"));
                }
                Some(expression)
            }
            Err(error) => {
                self.say(format!("`{name}` {field}: {error}"));
                None
            }
        }
    }
}
