//! What stands on papers, proven from their words, their pages and their dots.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use ed25519_dalek::SigningKey;
use paper::code::{Certificate, CodeError, Keys, verify};
use paper::{Dots, Language, Paper, PaperError, ROLL_58_DOTS, ROLL_80_DOTS, Row, Sheet, Table};

static PAPER: LazyLock<Paper> =
    LazyLock::new(|| Paper::load(&templates(), Path::new("/usr/share/fonts")).unwrap());

const ROLL: [&str; 3] = ["receipt", "ticket", "pass"];

fn templates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../content/templates")
}

fn sample(name: &str) -> Sheet {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/{name}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn keys() -> (SigningKey, Certificate, Keys) {
    let (platform, key) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
    let until = "2027-12-31T00:00:00Z".parse().unwrap();
    let certificate = Certificate::new(&platform, "terminal-1", key.verifying_key(), until);
    (key, certificate, Keys { platform: platform.verifying_key(), withdrawn: [].into() })
}

fn signed(sheet: Sheet) -> Sheet {
    let (key, certificate, _) = keys();
    sheet.signed(&key, &certificate, "gulou.example/verify").unwrap()
}

/// All words without the white space that breaks lines.
fn words(sheet: &Sheet) -> String {
    let pages = PAPER.text(sheet).unwrap().concat();
    pages.chars().filter(|sign| !sign.is_whitespace() && *sign != '\u{200b}').collect()
}

fn packed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// What a scanner reads from dots.
fn scan(dots: &Dots) -> Vec<String> {
    let height = dots.rows.len();
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(dots.width as usize, height, |x, y| {
            if dots.black(u32::try_from(x).unwrap(), u32::try_from(y).unwrap()) { 0 } else { 255 }
        });
    image
        .detect_grids()
        .iter()
        .filter_map(|grid| grid.decode().ok())
        .map(|(_, text)| text)
        .collect()
}

#[test]
fn all_that_a_sheet_says_stands_on_its_paper() {
    for template in ["certificate", "record", "receipt", "ticket", "pass"] {
        for language in ["zh", "en"] {
            let sheet = signed(sample(&format!("{template}-{language}")));
            let printed = words(&sheet);
            let code = sheet.code.as_ref().unwrap();
            let mut wanted = vec![&sheet.title, &sheet.number, &sheet.issued, &sheet.department];
            wanted.extend([&sheet.subtitle, &sheet.note, &code.short, &code.place]);
            wanted.extend(&sheet.paragraphs);
            wanted.extend(sheet.rows.iter().flat_map(|row| [&row.name, &row.value]));
            wanted.extend(sheet.tables.iter().flat_map(|table| table.cells.iter().flatten()));
            for text in wanted {
                assert!(
                    printed.contains(&packed(text)),
                    "{template}-{language}: {text}\n{printed}"
                );
            }
            let honest = if language == "zh" { "不具法律效力" } else { "withoutlegaleffect" };
            assert!(printed.contains(honest), "{template}-{language}");
        }
    }
}

#[test]
fn every_seal_says_that_it_is_none() {
    for name in ["certificate-zh", "record-en"] {
        let printed = words(&sample(name));
        assert!(printed.contains("演示") && printed.contains("DEMONSTRATION"), "{name}");
    }
    let bare = Sheet { seal: String::new(), ..sample("certificate-zh") };
    assert!(!words(&bare).contains("DEMONSTRATION"));
}

#[test]
fn pdfs_are_archival_and_the_same_each_time() {
    for name in ["certificate-zh", "record-en", "ticket-zh"] {
        let sheet = signed(sample(name));
        let pdf = PAPER.pdf(&sheet).unwrap();
        assert!(pdf.starts_with(b"%PDF-1.7"));
        let text = String::from_utf8_lossy(&pdf);
        assert!(text.contains("<pdfaid:part>2</pdfaid:part>"), "{name}");
        assert!(text.contains("<pdfaid:conformance>B</pdfaid:conformance>"), "{name}");
        assert!(text.contains("2026-11-23T02:15:00"), "{name} is dated by its sheet");
        assert_eq!(pdf, PAPER.pdf(&sheet).unwrap(), "{name}");
    }
}

#[test]
fn a_record_of_120_rows_breaks_over_pages_and_repeats_its_head() {
    let mut sheet = sample("record-zh");
    let cells = |at: usize| vec![format!("第{at}行"), "福州市".to_owned(), format!("{at}.00")];
    let columns = ["月份标题", "单位", "金额"].map(str::to_owned).to_vec();
    sheet.tables =
        vec![Table { name: String::new(), columns, cells: (1..=120).map(cells).collect() }];
    let pages = PAPER.text(&sheet).unwrap();
    assert_eq!(pages.len(), 4);
    let heads = pages.iter().filter(|page| page.contains("月份标题")).count();
    let with_rows = pages.iter().filter(|page| page.contains("行 福州市")).count();
    assert_eq!(heads, with_rows);
    for (at, page) in pages.iter().enumerate() {
        assert!(packed(page).contains(&format!("第{}页共4页", at + 1)), "{page}");
    }
    let all: String = pages.concat();
    assert!((1..=120).all(|at| all.contains(&format!("第{at}行 福州市 {at}.00"))));
    assert_eq!(PAPER.pages(&sheet, 40).unwrap().len(), 4);
}

#[test]
fn a_certificate_that_says_much_stays_on_one_page() {
    let mut sheet = signed(sample("certificate-zh"));
    let row =
        |at: usize| Row { name: format!("事项{at}"), value: "福州市鼓楼区".repeat(5) };
    sheet.rows = (1..=7).map(row).collect();
    assert_eq!(PAPER.text(&sheet).unwrap().len(), 1);
    sheet.rows = (1..=40).map(row).collect();
    let pages = PAPER.text(&sheet).unwrap();
    assert!(pages.len() > 1);
    // Who signed it and its code are never apart.
    let last = pages.last().unwrap();
    assert!(last.contains("演示") && last.contains(&sheet.code.unwrap().short));
    assert!(packed(last).starts_with(&format!("{}编号{}", sheet.title, sheet.number)), "{last}");
}

#[test]
fn rare_characters_of_names_are_printed() {
    for template in ["certificate", "record", "receipt", "ticket", "pass"] {
        let mut sheet = sample(&format!("{template}-zh"));
        let value = "䶮㛃𡋾𬸚·买买提".to_owned();
        sheet.rows = vec![Row { name: "姓名".to_owned(), value: value.clone() }];
        assert!(words(&sheet).contains(&value), "{template}");
        PAPER.pdf(&sheet).unwrap();
    }
}

#[test]
fn a_name_that_no_font_has_is_refused_and_not_printed_with_a_hole() {
    // The last plane for private use holds no character at all.
    let sheet =
        Sheet { paragraphs: vec!["陈\u{10fffd}证".to_owned()], ..sample("certificate-zh") };
    for result in [PAPER.pdf(&sheet).map(drop), PAPER.pages(&sheet, 40).map(drop)] {
        let Err(PaperError::Glyphs(missing)) = result else { panic!("{result:?}") };
        assert_eq!(missing, "\u{10fffd}");
    }
}

#[test]
fn nothing_that_a_person_typed_is_markup() {
    let typed = "#panic() *bold* $x$ \\ @ref <a> = \"q\" //c `raw` ~";
    for template in ["certificate", "record", "receipt", "ticket", "pass"] {
        let mut sheet = sample(&format!("{template}-en"));
        sheet.rows = vec![Row { name: typed.to_owned(), value: typed.to_owned() }];
        sheet.paragraphs = vec![typed.to_owned()];
        assert_eq!(words(&sheet).matches(&packed(typed)).count(), 3, "{template}");
    }
}

#[test]
fn long_names_wrap_and_stay_on_the_paper() {
    let long = "阿卜杜热西提·买买提依明·艾合买提江".repeat(4);
    for template in ROLL {
        let mut sheet = sample(&format!("{template}-zh"));
        sheet.title = long.clone();
        sheet.number = "2026112310150008823120261123101500088231".to_owned();
        sheet.rows.push(Row { name: long.clone(), value: "W".repeat(80) });
        assert!(words(&sheet).contains(&"W".repeat(80)));
        for width in [ROLL_80_DOTS, ROLL_58_DOTS] {
            let slip = PAPER.slip(&sheet, width).unwrap();
            let edge = |y: u32| slip.black(0, y) || slip.black(width - 1, y);
            assert!(!(0..u32::try_from(slip.rows.len()).unwrap()).any(edge), "{template} {width}");
        }
    }
}

#[test]
fn a_slip_is_as_wide_as_the_roll_and_has_ink() {
    for template in ROLL {
        for width in [ROLL_80_DOTS, ROLL_58_DOTS] {
            let slip = PAPER.slip(&signed(sample(&format!("{template}-zh"))), width).unwrap();
            assert_eq!(slip.width, width);
            assert!(slip.rows.iter().all(|row| row.len() == width as usize / 8));
            let black: usize =
                slip.rows.iter().flatten().map(|byte| byte.count_ones() as usize).sum();
            let percent = 100 * black / (width as usize * slip.rows.len());
            assert!((5..30).contains(&percent), "{template} {width}: {percent} %");
        }
    }
}

#[test]
fn a_scanner_verifies_the_dots_of_a_slip() {
    let (_, _, keys) = keys();
    for width in [ROLL_80_DOTS, ROLL_58_DOTS] {
        let sheet = signed(sample("receipt-zh"));
        let read = scan(&PAPER.slip(&sheet, width).unwrap());
        assert_eq!(read, [sheet.code.clone().unwrap().payload]);
        assert_eq!(
            verify(&read[0], &sheet.hash(), &keys).map(|stamp| stamp.title),
            Ok(sheet.title.clone())
        );
        let forged = Sheet { number: "1".to_owned(), ..sheet };
        assert_eq!(verify(&read[0], &forged.hash(), &keys), Err(CodeError::Content));
    }
    let pass = sample("pass-zh");
    assert_eq!(scan(&PAPER.slip(&pass, ROLL_58_DOTS).unwrap()), [pass.qr]);
}

#[test]
fn a4_is_no_slip_and_unknown_templates_are_named() {
    let result = PAPER.slip(&sample("certificate-zh"), ROLL_80_DOTS);
    assert!(matches!(result, Err(PaperError::NotASlip { width_mm, .. }) if width_mm > 200.0));
    let sheet = Sheet { template: "../sheet".to_owned(), ..sample("certificate-zh") };
    assert!(matches!(PAPER.pdf(&sheet), Err(PaperError::Template(name)) if name == "../sheet"));
}

#[test]
fn a_sheet_with_nothing_but_a_title_is_still_a_paper() {
    for template in ["certificate", "record", "receipt", "ticket", "pass"] {
        for language in [Language::Zh, Language::En] {
            let text = format!(
                r#"{{"template":"{template}","language":"zh","title":"空","department":"","issued":"","issued_at":"2026-11-23T00:00:00Z"}}"#
            );
            let sheet = Sheet { language, ..serde_json::from_str(&text).unwrap() };
            assert_eq!(PAPER.text(&sheet).unwrap().len(), 1, "{template}");
        }
    }
}

#[test]
fn a_template_reads_the_keys_that_its_head_names_and_a_sheet_has() {
    let sheet = serde_json::to_value(sample("certificate-zh")).unwrap();
    let known: BTreeSet<&str> = sheet.as_object().unwrap().keys().map(String::as_str).collect();
    let mut count = 0;
    for entry in std::fs::read_dir(templates()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "typ") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let head = text.lines().find_map(|line| line.strip_prefix("// Keys: ")).unwrap();
        let named: BTreeSet<&str> = head.split(", ").collect();
        let is_key = |sign: char| sign.is_ascii_lowercase() || sign == '_';
        let read = text.split("sheet.").skip(1);
        let read: BTreeSet<&str> = read
            .map(|rest| rest.split(|sign| !is_key(sign)).next().unwrap())
            .filter(|key| *key != "json")
            .collect();
        assert_eq!(read, named, "{}", path.display());
        assert!(read.is_subset(&known), "{}", path.display());
        count += 1;
    }
    assert_eq!(count, 6);
}
