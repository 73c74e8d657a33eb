//! Each rule broken once, and the sentence that an author reads.

use jiff::civil::date;

use super::*;
use crate::catalogue::{Catalogue, parse, tests::SMALL};

const KINDS: &str = r#"
[kinds.marriage]
name = { zh = "结婚证", en = "Marriage certificate" }
issuer = { zh = "民政局", en = "Civil affairs" }
fields = ["number", "spouse"]
"#;

const CHILD_NAME: &str = "[[steps]]\nid = \"child_name\"\n";

const BILLS: &str = r#"
[[lookups]]
id = "found"
name = "community.bill.list"
sends = ["card"]
returns = [
  { id = "total", name = { zh = "合计", en = "Total" }, kind = "money" },
  { id = "bills", name = { zh = "账单", en = "Bills" }, kind = "table", columns = [
    { id = "amount", name = { zh = "金额", en = "Amount" }, kind = "money" },
    { id = "state", name = { zh = "状态", en = "State" }, kind = "text" },
  ] },
]
[operation]"#;

fn problems(text: &str) -> Vec<String> {
    let parsed = parse("T001.toml", text).unwrap();
    let kinds = Kinds::parse(KINDS).unwrap();
    service(&parsed, &kinds, date(2026, 11, 23)).iter().map(ToString::to_string).collect()
}

/// The small service with one place changed.
fn broken(from: &str, to: &str) -> Vec<String> {
    assert!(SMALL.contains(from), "{from}");
    problems(&SMALL.replacen(from, to, 1))
}

/// The small service with a step before the name of the child.
fn with_step(step: &str) -> Vec<String> {
    broken(CHILD_NAME, &format!("[[steps]]\n{step}\n{CHILD_NAME}"))
}

/// The small service with a lookup, and a step before the name of the child.
fn with_bills(step: &str) -> Vec<String> {
    let text = SMALL.replacen("[operation]", BILLS, 1);
    problems(&text.replacen(CHILD_NAME, &format!("[[steps]]\n{step}\n{CHILD_NAME}"), 1))
}

const TITLED: &str = "title = { zh = \"问题\", en = \"Question\" }";
const ENDED: &str = "title = { zh = \"结束\", en = \"The end\" }\nhelp = { zh = \"请到窗口。\", en = \"Go to the counter.\" }";

#[test]
fn the_small_service_is_right() {
    assert_eq!(problems(SMALL), Vec::<String>::new());
}

#[test]
fn devices_are_those_that_are_used() {
    assert_eq!(
        broken("\"id-card\", \"receipt\"", "\"id-card\""),
        ["T001 needs: \"receipt\" is used: add it"]
    );
    assert_eq!(
        broken("\"id-card\", \"receipt\"", "\"id-card\", \"receipt\", \"pay\""),
        ["T001 needs: \"pay\" is used by no step and no output: drop it"]
    );
}

#[test]
fn words_stand_in_both_languages_and_are_short() {
    assert_eq!(
        broken("\"Is it for a child?\"", "\"Is it for a 孩子?\"")[0],
        "T001 step `child`: `Is it for a 孩子?` has `孩` in it: write en in English, with “…” around what stands on a paper"
    );
    assert_eq!(
        broken("\"为孩子办理吗？\"", "\"For a child?\"")[0],
        "T001 step `child`: `For a child?` has no Chinese character: write zh in Chinese"
    );
    assert_eq!(
        broken("\"Is it for a child?\"", "\" \"")[0],
        "T001 step `child`: a text is empty: write it in both languages"
    );
    assert_eq!(
        broken("为孩子办理吗？", "这一次是不是为还没有满十八周岁的孩子办理？")[0],
        "T001 step `child`: title has 21 characters: shorten it to 20"
    );
}

#[test]
fn what_is_quoted_from_a_paper_may_be_chinese() {
    assert_eq!(broken("\"Is it for a child?\"", "\"Is “孩子” ticked?\""), Vec::<String>::new());
}

#[test]
fn a_step_that_nothing_leads_to_is_said() {
    assert_eq!(
        broken("show_if = \"child\"", "show_if = \"child && !child\""),
        ["T001 step `child_name`: no answers lead here: loosen its show_if, or drop it"]
    );
    assert_eq!(
        broken("show_if = \"child\"", "show_if = \"child && card.age > 200\"")[0],
        "T001 step `child_name`: no answers lead here: loosen its show_if, or drop it"
    );
}

#[test]
fn some_way_leads_to_the_operation() {
    let said = with_step(&format!("id = \"end\"\nask = \"stop\"\n{ENDED}"));
    assert!(
        said.contains(&"T001 operation: every way ends before it: let one through".to_owned()),
        "{said:?}"
    );
}

#[test]
fn a_page_that_ends_the_way_says_where_to_go() {
    let said =
        with_step(&format!("id = \"end\"\nask = \"stop\"\nshow_if = \"card.age < 18\"\n{TITLED}"));
    assert_eq!(
        said,
        ["T001 step `end`: a page that ends the way needs help: why, and where to go instead"]
    );
}

#[test]
fn conditions_read_what_is_known_before() {
    for (condition, says) in [
        ("child_name == ''", "`child_name` is asked later: move that step up"),
        ("nobody", "there is no `nobody`: name an earlier step, card, today or a lookup"),
        (
            "result.number == ''",
            "there is no `result`: name an earlier step, card, today or a lookup",
        ),
    ] {
        let said = broken("show_if = \"child\"", &format!("show_if = \"{condition}\""));
        assert_eq!(said[0], format!("T001 step `child_name`: `{condition}`: {says}"));
    }
    let said = broken("show_if = \"child\"", "show_if = \"card.weight > 3\"");
    assert!(said[0].contains("`card.weight` is not on the card"), "{said:?}");
}

#[test]
fn a_condition_that_is_not_cel_is_said() {
    let said = broken("show_if = \"child\"", "show_if = \"child &\"");
    assert!(said[0].starts_with("T001 step `child_name`: `child &` cannot be read: "), "{said:?}");
}

#[test]
fn a_condition_of_another_type_is_said_with_the_way_there() {
    let said = broken("show_if = \"child\"", "show_if = \"child > 3\"");
    assert!(said[0].contains("fails") && said[0].contains("when child = "), "{said:?}");
}

#[test]
fn a_sentence_names_only_what_is_always_answered() {
    assert_eq!(
        broken("{card.name}居住在", "{card.name}和{child_name}居住在")[0],
        "T001 output `居住证明`: both languages must have the same keys: [\"card.name\", \"child_name\"] and [\"card.name\"]"
    );
    let text = SMALL.replacen("{card.name}居住在", "{card.name}和{child_name}居住在", 1);
    let text = text.replacen("{card.name} lives", "{card.name} and {child_name} live", 1);
    assert_eq!(
        problems(&text),
        [
            "T001 step `child_name`: a sentence of the paper names `{child_name}`, which is empty when child = false: move it to rows"
        ]
    );
}

#[test]
fn rows_exist() {
    assert_eq!(
        broken("\"result.number\", ", "\"result.place\", "),
        [
            "T001 output `居住证明`: row `result.place`: `result` returns no `place`: it returns [\"number\"]"
        ]
    );
}

#[test]
fn what_is_bound_is_there_and_fits() {
    let bound = |from: &str| {
        broken(
            "show_if = \"child\"",
            &format!("show_if = \"child\"\nbind = {{ from = \"{from}\" }}"),
        )
    };
    assert_eq!(bound("certificate.marriage.spouse"), Vec::<String>::new());
    assert_eq!(
        bound("certificate.marriage.child")[0],
        "T001 step `child_name`: bind from `certificate.marriage.child`: there is no such kind and field in registry/certificates.toml: name one"
    );
    assert_eq!(
        bound("child")[0],
        "T001 step `child_name`: bind from `child`: it does not fit into this question; bind another"
    );
}

#[test]
fn ids_are_unique_well_formed_and_free() {
    assert_eq!(
        with_step(&format!("id = \"child\"\nask = \"yes-no\"\n{TITLED}"))[0],
        "T001 step `child`: the id `child` stands twice: rename one"
    );
    let said = with_step(&format!("id = \"Big\"\nask = \"yes-no\"\n{TITLED}"));
    assert_eq!(said[0], "T001 step `Big`: `Big` cannot be an id: lower case, digits, underscores");
    let said = with_step(&format!("id = \"today\"\nask = \"yes-no\"\n{TITLED}"));
    assert_eq!(said[0], "T001 step `today`: `today` means something else already: rename it");
}

#[test]
fn values_of_a_choice_are_unique() {
    let option = "{ value = \"a\", zh = \"甲\", en = \"A\" }";
    let said = with_step(&format!(
        "id = \"pick\"\nask = \"choice\"\noptions = [{option}, {option}]\n{TITLED}"
    ));
    assert_eq!(said[0], "T001 step `pick`: the value `a` must be there once only: rename one");
}

#[test]
fn what_is_sent_is_asked_and_what_is_asked_is_used() {
    assert_eq!(
        broken("sends = [\"card\", \"child\"", "sends = [\"card\", \"parent\"")[0],
        "T001 operation `community.residence.certify`: sends `parent`, which no step asks: add it or drop it"
    );
    assert_eq!(
        with_step(&format!("id = \"why\"\nask = \"yes-no\"\n{TITLED}")),
        ["T001 step `why`: its answer is used nowhere: send it with the operation, or do not ask"]
    );
}

#[test]
fn nothing_is_looked_up_without_a_link() {
    let text = SMALL.replacen("offline = \"refuse\"", "offline = \"queue\"", 1);
    assert_eq!(problems(&text), Vec::<String>::new());
    let said = problems(&text.replacen("[operation]", BILLS, 1));
    assert!(said.contains(&"T001 lookup `found`: cannot run without a link: write offline = \"refuse\", or drop the lookup".to_owned()));
}

#[test]
fn an_empty_list_cannot_be_picked_from() {
    let step = "id = \"bill\"\nask = \"pick\"\nfrom = \"found.bills\"\nvalue = \"state\"\nlabel = { zh = \"金额{amount}\", en = \"{amount}\" }";
    let said = with_bills(&format!("{step}\n{TITLED}"));
    assert!(
        said[1].starts_with("T001 step `bill`: the list can be empty when child = false, found = "),
        "{said:?}"
    );
}

#[test]
fn an_index_into_an_empty_list_is_found() {
    let said = with_bills(&format!(
        "id = \"sure\"\nask = \"yes-no\"\nshow_if = \"found.bills[0].amount > 3\"\n{TITLED}"
    ));
    assert!(said.iter().any(|line| line.contains("Index out of bounds")), "{said:?}");
}

#[test]
fn an_amount_is_whole_fen() {
    let pay = |amount: &str| {
        with_bills(&format!("id = \"payment\"\nask = \"pay\"\namount_fen = \"{amount}\"\n{TITLED}"))
    };
    let said = pay("found.total");
    assert!(!said.iter().any(|line| line.contains("amount")), "{said:?}");
    let said = pay("'all'");
    assert!(
        said.iter()
            .any(|line| line
                .contains("the amount is \"all\" when child = false: it must be whole fen")),
        "{said:?}"
    );
}

#[test]
fn limits_leave_something_to_answer() {
    for (ask, says) in [
        (
            "ask = \"date\"\nfrom = \"today\"\nto = \"soon\"",
            "`today` and `soon` are no bounds: write today, today-30d, today+6m, today+2y or a date",
        ),
        (
            "ask = \"date\"\nfrom = \"today\"\nto = \"today-3d\"",
            "its first bound is after its last: turn them round",
        ),
        (
            "ask = \"number\"\nmin = 9\nmax = 3\nunit = { zh = \"人\", en = \"people\" }",
            "its first bound is after its last: turn them round",
        ),
        ("ask = \"photo\"\nmax = 0", "its limit is 0: nobody could answer"),
    ] {
        let said = with_step(&format!("id = \"asked\"\n{ask}\n{TITLED}"));
        assert!(said.contains(&format!("T001 step `asked`: {says}")), "{said:?}");
    }
}

#[test]
fn words_that_a_condition_compares_are_tried() {
    let step = format!(
        "id = \"open\"\nask = \"stop\"\nshow_if = \"found.bills.exists(b, b.state == 'open')\"\n{ENDED}"
    );
    assert_eq!(with_bills(&step), Vec::<String>::new());
}

#[test]
fn the_catalogue_is_whole_and_has_no_copies() {
    let copy = SMALL.replace("T001", "T002").replace("居住证明", "暂住证明");
    let (catalogue, errors) = Catalogue::read([("T001.toml", SMALL), ("T002.toml", copy.as_str())]);
    assert_eq!(errors, []);
    let said: Vec<String> = whole(&catalogue).iter().map(ToString::to_string).collect();
    assert!(said[0].starts_with("catalogue: 147 items are missing: write T003 T004"), "{said:?}");
    assert_eq!(said[1], "T002: asks exactly what T001 asks: ask what this item is about");
}

#[test]
fn another_operation_is_asked_on_some_ways_and_returns_no_more() {
    let instead = "[instead]\nwhen = \"child\"\n[instead.operation]\nname = \"community.other.do\"\nsends = [\"card\"]\nreturns = [{ id = \"extra\", name = { zh = \"多\", en = \"More\" }, kind = \"text\" }]\n[[outputs]]";
    let said = broken("[[outputs]]", instead);
    assert!(
        said.contains(
            &"T001 instead: returns `extra`, which the operation does not: drop it".to_owned()
        ),
        "{said:?}"
    );
    let never = instead.replace("when = \"child\"", "when = \"child && !child\"");
    let said = broken("[[outputs]]", &never);
    assert!(
        said.contains(&"T001 instead: is never asked: mend its condition".to_owned()),
        "{said:?}"
    );
}

#[test]
fn slots_of_another_service_come_from_a_row_that_was_picked() {
    let said = with_step(&format!(
        "id = \"slot\"\nask = \"slot\"\ndays = 9\nof = \"child.service\"\n{TITLED}"
    ));
    assert_eq!(
        said[0],
        "T001 step `slot`: of `child.service`: name an earlier pick and a column of its rows"
    );
}

#[test]
fn a_suggestion_rests_on_words_that_were_written_before() {
    let options = "options = [{ value = \"a\", zh = \"甲\", en = \"A\" }, { value = \"b\", zh = \"乙\", en = \"B\" }]";
    let said = with_step(&format!(
        "id = \"sort\"\nask = \"choice\"\nsuggest = \"child\"\n{options}\n{TITLED}"
    ));
    assert_eq!(said[0], "T001 step `sort`: suggest `child`: name an earlier step of free words");
    assert_eq!(said[1], "T001 step `sort`: suggests nothing: give its options words");
}

#[test]
fn years_run_forward() {
    let said = with_step(&format!(
        "id = \"year\"\nask = \"choice\"\nyears = {{ from = 0, to = -2 }}\n{TITLED}"
    ));
    assert!(said.iter().any(|it| it.contains("turn them round")), "{said:?}");
}
