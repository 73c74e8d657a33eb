//! What an item puts on paper: every word in its place, nothing left to compute.

use jiff::civil::Date;
use service::definition::{Form, Output};
use service::text::{Language, Text};

use crate::flow::{Around, Flow};
use crate::page::{Row, Section};
use crate::words;
use crate::write;

/// One paper, as a template sets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    pub form: Form,
    /// A file of `content/templates`, without its ending.
    pub template: String,
    pub language: Language,
    pub title: String,
    /// What it belongs to, where the title does not say it.
    pub subtitle: String,
    /// Who answers for it.
    pub department: String,
    pub paragraphs: Vec<String>,
    pub sections: Vec<Section>,
    /// Of the record or the booking, if it has one.
    pub number: String,
    /// The day, as people write it.
    pub issued: String,
    /// Whether it carries a verification code.
    pub verified: bool,
}

impl Flow {
    /// The papers of an item that has come to its end; none before.
    pub fn leaves(&self, around: Around, language: Language) -> Vec<Leaf> {
        if let Some(number) = self.kept() {
            return vec![self.slip(number, around.today, language)];
        }
        if !self.is_done() {
            return vec![];
        }
        self.prints().map(|output| self.leaf(output, around.today, language)).collect()
    }

    /// An output as a leaf; what is only shown or scanned becomes one for an electronic copy.
    fn leaf(&self, output: &Output, today: Date, language: Language) -> Leaf {
        let service = self.service();
        let say = |text: &Text| self.known().fill(service, text.get(language), today, language);
        let number = format!("{}.number", service.operation.id);
        let rows: Vec<String> = output.rows.iter().filter(|row| **row != number).cloned().collect();
        let ticket = output.template == "ticket";
        Leaf {
            form: output.form,
            template: output.template.clone(),
            language,
            title: output.title.get(language).to_owned(),
            subtitle: if ticket { service.name.get(language).to_owned() } else { String::new() },
            department: service.department.get(language).to_owned(),
            paragraphs: output.body.iter().map(say).collect(),
            sections: self.known().sections(service, &rows, today, language),
            number: self.known().written(service, &number, today, language).unwrap_or_default(),
            issued: write::date(&today.to_string(), language),
            verified: output.verified,
        }
    }

    /// What a citizen holds in hand while her application waits for the network.
    fn slip(&self, number: &str, today: Date, language: Language) -> Leaf {
        let service = self.service();
        let name = words::item().get(language).to_owned();
        let value = service.name.get(language).to_owned();
        let row = Row { name, value, source: None, edit: None };
        Leaf {
            form: Form::Receipt,
            template: "receipt".to_owned(),
            language,
            title: words::kept_title().get(language).to_owned(),
            subtitle: String::new(),
            department: service.department.get(language).to_owned(),
            paragraphs: vec![words::kept_help().get(language).to_owned()],
            sections: vec![Section { rows: vec![row], ..Section::default() }],
            number: number.to_owned(),
            issued: write::date(&today.to_string(), language),
            verified: true,
        }
    }
}
