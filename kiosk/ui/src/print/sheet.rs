//! A leaf as the sheet that a template sets.

use jiff::Timestamp;
use kiosk::leaf::Leaf;
use paper::{Language, Row, Sheet, Table};
use service::definition::Form;

/// What the leaf says, as of now.
pub(super) fn of(leaf: Leaf, now: Timestamp) -> Sheet {
    let rows = leaf.sections.iter().flat_map(|section| &section.rows);
    let rows = rows.map(|row| Row { name: row.name.clone(), value: row.value.clone() }).collect();
    let tables = leaf.sections.into_iter().filter(|section| !section.columns.is_empty());
    let tables = tables.map(|section| Table {
        name: section.heading,
        columns: section.columns,
        cells: section.table,
    });
    // Where no number stands on a ticket there is nothing to check in with.
    let on_phone = matches!(leaf.template.as_str(), "ticket" | "pass");
    let qr = if on_phone { leaf.number.clone() } else { String::new() };
    Sheet {
        template: template(leaf.form, leaf.template),
        language: match leaf.language {
            service::text::Language::Chinese => Language::Zh,
            service::text::Language::English => Language::En,
        },
        title: leaf.title,
        subtitle: leaf.subtitle,
        seal: if leaf.form == Form::A4 && leaf.verified {
            leaf.department.clone()
        } else {
            String::new()
        },
        department: leaf.department,
        paragraphs: leaf.paragraphs,
        rows,
        tables: tables.collect(),
        number: leaf.number,
        issued: leaf.issued,
        issued_at: now,
        qr,
        note: String::new(),
        code: None,
    }
}

/// What has no template of its own, because it is meant for the screen, is a record.
fn template(form: Form, name: String) -> String {
    match form {
        Form::Screen => "record".to_owned(),
        _ => name,
    }
}
