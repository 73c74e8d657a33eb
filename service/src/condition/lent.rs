//! A value as JSON and as CEL sees it.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString,
};
use cel::common::value::Val;
use serde_json::Value as Json;

/// A value that is held in many environments and made into CEL at most once.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<Both>);

#[derive(Debug)]
struct Both {
    json: Json,
    cel: OnceLock<Box<dyn Val>>,
}

impl From<Json> for Shared {
    fn from(json: Json) -> Shared {
        Shared(Arc::new(Both { json, cel: OnceLock::new() }))
    }
}

impl Shared {
    pub(crate) fn json(&self) -> &Json {
        &self.0.json
    }

    pub(super) fn cel(&self) -> &dyn Val {
        &**self.0.cel.get_or_init(|| to_cel(&self.0.json))
    }
}

/// Whole numbers are signed, so that they compare with literals.
fn to_cel(json: &Json) -> Box<dyn Val> {
    match json {
        Json::Null => Box::new(CelNull),
        Json::Bool(truth) => Box::new(CelBool::from(*truth)),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Box::new(CelInt::from(whole)),
            None => Box::new(CelDouble::from(number.as_f64().unwrap_or_default())),
        },
        Json::String(text) => Box::new(CelString::from(text.clone())),
        Json::Array(items) => {
            let items: Vec<Box<dyn Val>> = items.iter().map(to_cel).collect();
            Box::new(CelList::from(items))
        }
        Json::Object(fields) => {
            let key = |name: &String| CelMapKey::from(name.clone());
            let fields: HashMap<CelMapKey<'static>, Box<dyn Val>> =
                fields.iter().map(|(name, value)| (key(name), to_cel(value))).collect();
            Box::new(CelMap::from(fields))
        }
    }
}
