use std::sync::Arc;

use jiff::civil::date;

use super::*;
use crate::catalogue::{Catalogue, tests::SMALL};

const PEOPLE: &str = r#"
[[people]]
id = "lin-xiuying"
name = "林秀英"
sex = "女"
nation = "汉"
birth = "1949-03-12"
number = "350102194903122129"
address = "福州市鼓楼区安泰街道吉庇社区吉庇路18号2座301"
issuer = "福州市公安局鼓楼分局"
valid_from = "2019-06-01"
valid_to = "长期"
mobile = "13805010001"
"#;

const COMMUNITY: &str = r#"
[people.lin-xiuying]
proofs = 0
[operations."community.residence.certify"]
refuse = [{ when = "has(me.community.proofs) && me.community.proofs > 2", why = { zh = "今年已经开过三次。", en = "Three were issued this year." } }]
returns.number = "number('JZ')"
sets."community.proofs" = "me.community.proofs + 1"
"#;

fn registry(community: &str) -> Registry {
    Registry::read([("people.toml", PEOPLE), ("community.toml", community)]).unwrap()
}

fn question(ask: Json) -> Question<'static> {
    Question {
        operation: "community.residence.certify",
        number: Some("350102194903122129"),
        ask,
        now: date(2026, 11, 23).at(8, 15, 0, 0),
        counter: Arc::new(|prefix| format!("{prefix}0001")),
    }
}

fn said(community: &str) -> Vec<String> {
    let (catalogue, errors) = Catalogue::read([("T001.toml", SMALL)]);
    assert_eq!(errors, []);
    let proof = prove(&catalogue, &registry(community), date(2026, 11, 23));
    proof.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_rule_answers_and_what_it_changes_is_seen_by_the_next_question() {
    let mut registry = registry(COMMUNITY);
    for _ in 0..3 {
        let Outcome::Done { returns, changes } = registry.answer(&question(json!({}))).unwrap()
        else {
            panic!("nothing refuses it yet");
        };
        assert_eq!(returns["number"], json!("JZ0001"));
        registry.apply("350102194903122129", changes);
    }
    let Outcome::Refused(why) = registry.answer(&question(json!({}))).unwrap() else {
        panic!("three are enough");
    };
    assert_eq!(why.zh, "今年已经开过三次。");
}

#[test]
fn a_registry_that_answers_everything_is_right() {
    assert_eq!(said(COMMUNITY), Vec::<String>::new());
}

#[test]
fn an_operation_without_a_rule_is_said() {
    assert_eq!(
        said(""),
        [
            "T001 operation `community.residence.certify`: nobody answers it: write its rule in content/registry"
        ]
    );
}

#[test]
fn fields_are_exactly_those_that_are_promised() {
    assert_eq!(
        said(&COMMUNITY.replace("returns.number", "returns.code")),
        [
            "T001 operation `community.residence.certify`: returns {\"number\"}, but the registry gives {\"code\"}: make them the same"
        ]
    );
}

#[test]
fn values_are_of_the_kind_that_is_promised() {
    assert_eq!(
        said(&COMMUNITY.replace("number('JZ')", "7")),
        [
            "T001 operation `community.residence.certify`: `number` is 7: it must be Code, for 林秀英: mend the rule"
        ]
    );
}

#[test]
fn an_expression_that_fails_names_the_citizen() {
    let said = said(&COMMUNITY.replace("proofs = 0", ""));
    assert!(said[0].contains("No such key: proofs for 林秀英"), "{said:?}");
}

#[test]
fn a_rule_that_refuses_everybody_is_said() {
    assert_eq!(
        said(&COMMUNITY.replace("proofs = 0", "proofs = 3")),
        [
            "T001 operation `community.residence.certify`: none of the citizens gets an answer (今年已经开过三次。): let one through"
        ]
    );
}

#[test]
fn an_empty_table_is_no_record() {
    let small = SMALL.replace(
        "kind = \"code\" }]",
        "kind = \"code\" }, { id = \"rows\", name = { zh = \"记录\", en = \"Rows\" }, kind = \"table\" }]",
    );
    let (catalogue, errors) = Catalogue::read([("T001.toml", &*small)]);
    assert_eq!(errors, []);
    let mut told = Vec::new();
    for rows in ["[]", "[{'a': 1}]"] {
        let rule = format!("returns.rows = \"{rows}\"\nreturns.number");
        let registry = registry(&COMMUNITY.replace("returns.number", &rule));
        let proof = prove(&catalogue, &registry, date(2026, 11, 23));
        told.push((proof.problems.len(), proof.records[0].to_string()));
    }
    assert_eq!(
        told,
        [(1, "T001  0 居住证明 ()".to_owned()), (0, "T001  1 居住证明 (lin-xiuying)".to_owned())]
    );
}

#[test]
fn one_service_may_lead_to_another() {
    let later =
        SMALL.replace("T001", "T002").replace("certify\"", "renew\"").replace("居住证明", "续证");
    let (catalogue, errors) = Catalogue::read([("T001.toml", SMALL), ("T002.toml", &*later)]);
    assert_eq!(errors, []);
    let rule = r#"
[operations."community.residence.renew"]
refuse = [{ when = "me.community.proofs == 0", why = { zh = "没有证明可续。", en = "There is nothing to renew." } }]
returns.number = "number('XZ')"
"#;
    let registry = registry(&format!("{COMMUNITY}{rule}"));
    let proof = prove(&catalogue, &registry, date(2026, 11, 23));
    assert_eq!(proof.problems, []);
    assert_eq!(proof.records[1].to_string(), "T002  1 续证 (after another service: lin-xiuying)");
}

#[test]
fn a_rule_that_nobody_asks_is_said() {
    let rule = "[operations.\"a.b\"]\nreturns.c = \"1\"\n";
    assert_eq!(
        said(&format!("{COMMUNITY}{rule}")),
        ["registry: `a.b` is answered, but no service asks it: drop it"]
    );
}

#[test]
fn mistakes_in_files_are_said_all_at_once() {
    let wrong = COMMUNITY.replace("lin-xiuying", "nobody").replace("number('JZ')", "you.name");
    let errors =
        Registry::read([("people.toml", PEOPLE), ("community.toml", &*wrong)]).unwrap_err();
    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "registry/community.toml: there is no citizen `nobody` in people.toml",
            "registry/community.toml: `community.residence.certify` number: there is no `you`, only [\"me\", \"all\", \"ask\", \"today\", \"now\"]",
        ]
    );
}
