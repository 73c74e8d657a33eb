//! `gulou-street`: see the library.

fn main() {}
