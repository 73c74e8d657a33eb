//! Topics arrive from anyone who may publish; what parses must format back to what it means.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sync::{Tenant, Topic};

fuzz_target!(|text: &str| {
    let tenant: Tenant = "gulou".parse().expect("a plain name");
    if let Ok(topic) = Topic::parse(text, &tenant) {
        let canonical = topic.format(&tenant);
        assert_eq!(Topic::parse(&canonical, &tenant).as_ref(), Ok(&topic));
        assert!(!canonical.contains(['+', '#']), "a filter character got through: {canonical}");
    }
});
