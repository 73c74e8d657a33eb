//! What a citizen takes along on her telephone: a page as readable text.

use crate::page::{Body, Page, Row, Section};

/// A title, a few sentences, and sections of rows and tables, in her language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    pub title: String,
    pub note: String,
    pub sections: Vec<Section>,
}

impl Sheet {
    /// What stands on a page, where it is one that can be taken along.
    pub fn of(page: &Page, materials: &str) -> Option<Sheet> {
        let section = |heading: &str, rows: &[Row]| {
            let heading = heading.to_owned();
            Section { heading, rows: rows.to_vec(), ..Section::default() }
        };
        let mut sections = match &page.body {
            Body::Intro { facts, materials: all } => {
                vec![section("", facts), section(materials, all)]
            }
            Body::Rows(sections) => sections.clone(),
            Body::Done { sections, code, .. } => {
                let number = code.iter().map(|code| Row {
                    name: page.title.clone(),
                    value: code.clone(),
                    source: None,
                    edit: None,
                });
                let number: Vec<Row> = number.collect();
                [section("", &number)].into_iter().chain(sections.iter().cloned()).collect()
            }
            _ => return None,
        };
        sections.retain(|section| !section.rows.is_empty() || !section.table.is_empty());
        Some(Sheet { title: page.title.clone(), note: page.help.clone(), sections })
    }

    /// Line by line, as plain text.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.title.clone()];
        lines.extend(Some(self.note.clone()).filter(|note| !note.is_empty()));
        for section in &self.sections {
            lines.extend(Some(section.heading.clone()).filter(|heading| !heading.is_empty()));
            lines.extend(section.lines());
        }
        lines
    }
}

impl Section {
    /// Its rows and its table, line by line, without the heading.
    pub fn lines(&self) -> Vec<String> {
        let rows = self.rows.iter().map(|row| match &row.source {
            Some(source) if row.value.is_empty() => format!("{}: {source}", row.name),
            _ => format!("{}: {}", row.name, row.value),
        });
        let columns = Some(self.columns.join(" | ")).filter(|columns| !columns.is_empty());
        rows.chain(columns).chain(self.table.iter().map(|cells| cells.join(" | "))).collect()
    }
}
