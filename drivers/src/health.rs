//! What is known of a device that can be pulled out.

/// Whether a device can be counted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// Nothing was heard yet.
    #[default]
    Unknown,
    /// It answers.
    Ok,
    /// It is plugged in, but silent or unwell.
    Degraded,
    /// It is not there.
    Lost,
}
