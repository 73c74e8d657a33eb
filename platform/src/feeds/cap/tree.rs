//! XML as a small tree, with depth, elements and size bounded and no entities but XML's own.

use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030, GBK, UTF_8};
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::{CapError, DEPTH_MAX, ELEMENTS_MAX, MESSAGE_MAX, NAMESPACES};

/// One element; attributes and order among text and children are not kept.
#[derive(Debug, Default)]
pub(super) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Every child called `name`.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child called `name`, unless it is blank.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let child = self.children.iter().find(|child| child.name == name)?;
        Some(child.own_text()).filter(|text| !text.is_empty())
    }

    /// Like [`Element::text`], refused as `what` where there is none.
    pub(super) fn need(&self, name: &str, what: &'static str) -> Result<&str, CapError> {
        self.text(name).ok_or(CapError::Missing(what))
    }

    pub(super) fn own_text(&self) -> &str {
        self.text.trim()
    }
}

/// Reads a message whose root is `alert` of a known version.
pub(super) fn read(bytes: &[u8]) -> Result<Element, CapError> {
    if bytes.len() > MESSAGE_MAX {
        return Err(CapError::Size(bytes.len()));
    }
    let text = decode(bytes)?;
    let mut reader = Reader::from_str(&text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut elements = 0;
    loop {
        let at = reader.buffer_position();
        let event = reader
            .read_event()
            .map_err(|error| CapError::Xml { at, problem: error.to_string() })?;
        match event {
            Event::Start(start) => {
                elements += 1;
                if elements > ELEMENTS_MAX {
                    return Err(CapError::TooMany { what: "elements", limit: ELEMENTS_MAX });
                }
                if open.len() == DEPTH_MAX {
                    return Err(CapError::TooMany { what: "levels", limit: DEPTH_MAX });
                }
                if open.is_empty() {
                    check_root(&start)?;
                }
                let name = start.local_name().into_inner().to_owned();
                open.push(Element { name, ..Element::default() });
            }
            Event::End(_) => {
                let Some(done) = open.pop() else { continue };
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => return Ok(done),
                }
            }
            Event::Text(text) => append(&mut open, &text.xml10_content()),
            Event::CData(text) => append(&mut open, &text.xml10_content()),
            Event::GeneralRef(entity) => {
                append(&mut open, letter(&entity)?.encode_utf8(&mut [0; 4]));
            }
            Event::DocType(_) => return Err(CapError::Doctype),
            Event::Eof => return Err(CapError::Xml { at, problem: "cut off".into() }),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// A character reference, or one of the five entities of XML.
fn letter(entity: &BytesRef<'_>) -> Result<char, CapError> {
    let unknown = || CapError::Entity(entity.chars().take(40).collect());
    match &**entity {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => entity.resolve_char_ref().ok().flatten().ok_or_else(unknown),
    }
}

/// The root must be `alert` in the name space of a version that is read.
fn check_root(start: &BytesStart<'_>) -> Result<(), CapError> {
    let refused = || CapError::NotCap(start.name().into_inner().chars().take(80).collect());
    let declared = match start.name().prefix() {
        Some(prefix) => format!("xmlns:{}", prefix.into_inner()),
        None => "xmlns".to_owned(),
    };
    // Without checks for doubled attributes, which take time by the square of their number.
    let mut attributes = start.attributes();
    attributes.with_checks(false);
    let known = attributes.filter_map(Result::ok).any(|attribute| {
        attribute.key.into_inner() == declared && NAMESPACES.contains(&attribute.value.trim())
    });
    if start.local_name().into_inner() == "alert" && known { Ok(()) } else { Err(refused()) }
}

/// UTF-8, or a Chinese character set where the XML declaration names one.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, CapError> {
    const DECLARATION_MAX: usize = 200;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(DECLARATION_MAX)]);
    let declaration = start
        .split_once("?>")
        .map(|(declaration, _)| declaration)
        .filter(|text| text.starts_with("<?xml"));
    let label = declaration
        .and_then(|text| text.split_once("encoding"))
        .and_then(|(_, after)| after.split(['"', '\'']).nth(1));
    let charset = label
        .map_or(Some(UTF_8), |label| Encoding::for_label(label.as_bytes()))
        .ok_or(CapError::Charset)?;
    let charset = if charset == GBK { GB18030 } else { charset };
    if charset != UTF_8 && charset != GB18030 && !bytes.is_ascii() {
        return Err(CapError::Charset);
    }
    let charset = if charset == GB18030 { GB18030 } else { UTF_8 };
    charset.decode_without_bom_handling_and_without_replacement(bytes).ok_or(CapError::Charset)
}
