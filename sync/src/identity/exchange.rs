//! What device and platform say to each other about certificates.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Unknown;
use crate::name::{DeviceId, StopId, Tenant};
use crate::seal::PublicKey;

/// Body of `POST /enrol`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnrolRequest {
    /// Who asks.
    pub device: DeviceId,
    /// The one-time token of its provision string.
    pub token: String,
    /// Certificate request, PEM, with a P-256 key made on the device.
    pub csr: String,
}

impl std::fmt::Debug for EnrolRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnrolRequest").field("device", &self.device).finish_non_exhaustive()
    }
}

/// What an enrolled device gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnrolAnswer {
    /// Its client certificate, PEM.
    pub certificate: String,
    /// The root that signed it and every server, PEM.
    pub chain: String,
    /// Whose street it is.
    pub tenant: Tenant,
    /// The broker, `mqtts://HOST:PORT`.
    pub broker: String,
    /// Where blobs are, `https://HOST:PORT`.
    pub content: String,
    /// Who signs content manifests.
    pub content_key: ContentKey,
    /// For whom a terminal seals what citizens answer; absent from platforms that take no asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal_key: Option<PublicKey>,
    /// What the platform takes it for, such as `sign`.
    pub role: String,
    /// The stop it stands at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopId>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// An Ed25519 key that signs content manifests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContentKey {
    /// Name of the key, as manifests call it.
    pub id: String,
    /// The public key, 32 bytes in hex.
    pub key: String,
}

/// Why the platform gave no certificate; the body of every answer of `/enrol` that is not 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    /// For programs.
    pub error: Reason,
    /// For people.
    pub detail: String,
}

/// The kinds of [`Refusal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nobody made such a token, or a newer one took its place.
    UnknownToken,
    /// Another key was enrolled with it.
    UsedToken,
    /// It is older than a day.
    ExpiredToken,
    /// It was made for another device.
    WrongDevice,
    /// The request can't be read, or its certificate request proves nothing.
    Malformed,
    /// Too many wrong tokens came from this address.
    TooMany,
    /// The certificate in use was revoked or has run out.
    NotInForce,
    /// The platform can't answer now.
    Unavailable,
    /// A reason of a newer version.
    #[serde(other)]
    Other,
}

/// On [`Topic::Csr`](crate::Topic::Csr): a request for the next certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateRequest {
    /// Certificate request, PEM.
    pub csr: String,
}

/// On [`Topic::Certificate`](crate::Topic::Certificate): the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CertificateAnswer {
    /// The next certificate, PEM.
    Certificate(String),
    /// There is none.
    Refused(Refusal),
}
