//! All services together, read from the texts of their files.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use toml::{Table, Value};

use crate::definition::Service;
use crate::step::{Ask, Step};

/// Largest file that is read, in bytes.
pub const FILE_MAX: usize = 64 * 1024;

/// Keys of a step that do not depend on what is asked.
const STEP_KEYS: [&str; 8] =
    ["id", "title", "help", "speech", "show_if", "optional", "bind", "ask"];

/// Services by code.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalogue {
    services: BTreeMap<String, Service>,
}

/// Why a file was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {says}", line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct FileError {
    /// Name of the file.
    pub file: String,
    /// Line, where one can be named.
    pub line: Option<usize>,
    /// What is wrong, and what to do.
    pub says: String,
}

impl Catalogue {
    /// Reads files given as name and text; all that is wrong is said at once.
    pub fn read<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> (Catalogue, Vec<FileError>) {
        let mut catalogue = Catalogue::default();
        let mut errors = Vec::new();
        for (file, text) in files {
            match parse(file, text) {
                Ok(service) => {
                    let code = service.code.clone();
                    if catalogue.services.insert(code.clone(), service).is_some() {
                        let says =
                            format!("`{code}` stands in another file already: one of them must go");
                        errors.push(FileError { file: file.to_owned(), line: None, says });
                    }
                }
                Err(error) => errors.push(error),
            }
        }
        (catalogue, errors)
    }

    /// The service with this code.
    pub fn get(&self, code: &str) -> Option<&Service> {
        self.services.get(code)
    }

    /// All of them, by code.
    pub fn iter(&self) -> impl Iterator<Item = &Service> {
        self.services.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.services.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }
}

/// The one parser of a service's file.
pub fn parse(file: &str, text: &str) -> Result<Service, FileError> {
    let error = |line: Option<usize>, says: String| FileError { file: file.to_owned(), line, says };
    if text.len() > FILE_MAX {
        return Err(error(
            None,
            format!("larger than {} KiB: split or shorten it", FILE_MAX / 1024),
        ));
    }
    let table: Table = toml::from_str(text).map_err(|why| {
        error(why.span().map(|span| line_of(text, span.start)), why.message().to_owned())
    })?;
    check_steps(&table).map_err(|(index, says)| error(step_line(text, index), says))?;
    let service: Service = toml::from_str(text).map_err(|why| {
        error(why.span().map(|span| line_of(text, span.start)), why.message().to_owned())
    })?;
    let expected = file.rsplit('/').next().and_then(|name| name.strip_suffix(".toml"));
    if expected != Some(service.code.as_str()) {
        let says = format!("its code is `{}`: the file must be {0}.toml", service.code);
        return Err(error(None, says));
    }
    Ok(service)
}

/// Each step for itself, so that an error names it; keys that nobody reads are errors.
fn check_steps(table: &Table) -> Result<(), (usize, String)> {
    let steps = table.get("steps").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (index, step) in steps.iter().enumerate() {
        let id = step.get("id").and_then(Value::as_str).unwrap_or("?");
        let parsed = Step::from_value(step.clone());
        let parsed = parsed.map_err(|why| (index, format!("step `{id}`: {why}")))?;
        let known = keys_of(&parsed.ask);
        for key in step.as_table().into_iter().flat_map(Table::keys) {
            if !STEP_KEYS.contains(&key.as_str()) && !known.contains(key) {
                let says =
                    format!("step `{id}`: `{key}` means nothing here; its own keys are {known:?}");
                return Err((index, says));
            }
        }
    }
    Ok(())
}

impl Step {
    fn from_value(value: Value) -> Result<Step, String> {
        value.try_into().map_err(|why: toml::de::Error| why.message().to_owned())
    }
}

fn keys_of(ask: &Ask) -> BTreeSet<String> {
    match serde_json::to_value(ask) {
        Ok(Json::Object(fields)) => fields.into_iter().map(|(key, _)| key).collect(),
        _ => BTreeSet::new(),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

fn step_line(text: &str, index: usize) -> Option<usize> {
    let mut steps = text.lines().enumerate().filter(|(_, line)| line.trim() == "[[steps]]");
    steps.nth(index).map(|(line, _)| line + 1)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The smallest service that is right in every way.
    pub(crate) const SMALL: &str = r#"
code = "T001"
name = { zh = "居住证明", en = "Proof of residence" }
summary = { zh = "打印居住证明。", en = "Prints a proof of residence." }
kind = "certificate"
category = "community"
department = { zh = "社区", en = "Community" }
audience = { zh = "居民。", en = "Residents." }
basis = [{ name = { zh = "居住证暂行条例", en = "Interim Regulations on Residence Permits" } }]
fee = "free"
promise = "immediate"
needs = ["id-card", "receipt"]
offline = "refuse"
[[steps]]
id = "card"
ask = "id-card"
title = { zh = "请放上身份证", en = "Please lay down your identity card" }
[[steps]]
id = "child"
ask = "yes-no"
title = { zh = "为孩子办理吗？", en = "Is it for a child?" }
[[steps]]
id = "child_name"
ask = "name"
show_if = "child"
title = { zh = "孩子的姓名", en = "Name of the child" }
[operation]
name = "community.residence.certify"
sends = ["card", "child", "child_name"]
returns = [{ id = "number", name = { zh = "编号", en = "Number" }, kind = "code" }]
[[outputs]]
form = "receipt"
template = "receipt"
title = { zh = "居住证明", en = "Proof of residence" }
body = [{ zh = "{card.name}居住在本社区。", en = "{card.name} lives in this community." }]
rows = ["result.number", "child_name"]
"#;

    fn error(text: &str) -> String {
        parse("T001.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn a_file_is_read_whole() {
        let (catalogue, errors) = Catalogue::read([("T001.toml", SMALL)]);
        assert_eq!(errors, []);
        assert_eq!(catalogue.get("T001").unwrap().steps.len(), 3);
    }

    #[test]
    fn an_error_names_file_and_line() {
        assert_eq!(
            error(&SMALL.replace("fee = \"free\"", "fee = free")).split(": ").next(),
            Some("T001.toml:10")
        );
    }

    #[test]
    fn an_unknown_page_names_its_step() {
        let says = error(&SMALL.replace("ask = \"yes-no\"", "ask = \"yes\""));
        assert!(says.starts_with("T001.toml:18: step `child`: unknown variant `yes`"), "{says}");
    }

    #[test]
    fn a_key_that_nobody_reads_is_not_passed_over() {
        let says = error(&SMALL.replace("show_if =", "show-if ="));
        assert_eq!(
            says,
            "T001.toml:22: step `child_name`: `show-if` means nothing here; its own keys are {\"ask\"}"
        );
    }

    #[test]
    fn the_file_bears_the_code() {
        let says = parse("T002.toml", SMALL).unwrap_err().to_string();
        assert_eq!(says, "T002.toml: its code is `T001`: the file must be T001.toml");
    }

    #[test]
    fn the_same_code_twice_is_said() {
        let (_, errors) = Catalogue::read([("a/T001.toml", SMALL), ("b/T001.toml", SMALL)]);
        assert_eq!(errors.len(), 1);
    }

    #[test]
    fn a_large_file_is_not_parsed() {
        let says = error(&format!("{SMALL}#{}", " ".repeat(FILE_MAX)));
        assert_eq!(says, "T001.toml: larger than 64 KiB: split or shorten it");
    }
}
