//! The bus-stop sign.
fn main() {}
