//! What ships can be done: the checker over `content/`. This is the gate of the catalogue.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the content has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::date;
use service::catalogue::Catalogue;
use service::certificate::Kinds;
use service::prove;
use service::registry::Registry;

fn content() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../content")
}

/// Names and texts of the `.toml` files of a folder.
fn texts(folder: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(content().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let files =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

fn catalogue() -> Catalogue {
    let files = texts("services");
    let (catalogue, errors) = Catalogue::read(files.iter().map(|(name, text)| (&**name, &**text)));
    assert_eq!(errors, []);
    catalogue
}

#[test]
fn every_item_is_there_and_can_be_done_by_everybody_who_starts_it() {
    let catalogue = catalogue();
    let text = fs::read_to_string(content().join("registry/certificates.toml")).unwrap();
    let kinds = Kinds::parse(&text).unwrap();
    let today = date(2026, 11, 23);
    let mut problems: Vec<String> = catalogue
        .iter()
        .flat_map(|service| prove::service(service, &kinds, today))
        .chain(prove::whole(&catalogue))
        .map(|problem| problem.to_string())
        .collect();
    problems.sort();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_registry_answers_every_operation_for_every_citizen() {
    let files = texts("registry");
    let registry = Registry::read(files.iter().map(|(name, text)| (&**name, &**text)));
    let registry = match registry {
        Ok(registry) => registry,
        Err(errors) => {
            panic!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        }
    };
    assert_eq!(registry.people().count(), 12);
    let proof = service::registry::prove(&catalogue(), &registry, date(2026, 11, 23));
    let problems: Vec<String> = proof.problems.iter().map(ToString::to_string).collect();
    let at_terminal = || proof.records.iter().filter(|record| record.code.starts_with('T'));
    let table: Vec<String> = at_terminal().map(ToString::to_string).collect();
    let told = format!("{}\n{}", table.join("\n"), problems.join("\n"));
    assert!(problems.is_empty(), "{told}");
    assert_eq!(at_terminal().count(), prove::AT_TERMINAL, "{told}");
    assert!(at_terminal().all(|record| !record.citizens.is_empty()), "{told}");
}

/// Run `gulou-services schema > content/service.schema.json` when it differs.
#[test]
fn the_checked_in_schema_is_that_of_the_types() {
    let on_disk = fs::read_to_string(content().join("service.schema.json")).unwrap();
    assert_eq!(on_disk, service::schema());
}
