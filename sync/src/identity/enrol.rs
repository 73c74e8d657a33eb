//! Enrolment: token and certificate request out, certificate in.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;

use super::exchange::{EnrolAnswer, EnrolRequest, Reason, Refusal};
use super::provision::Provision;
use super::store::{Folder, Identity, IdentityError};
use super::trust::{self, Pin, Verifier};
use crate::moment::Moment;
use crate::name::DeviceId;

/// The whole exchange takes this long at most.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer that is read, in bytes.
const ANSWER_MAX: usize = 64 * 1024;

/// Why a device was not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Someone else answered, or the hash was copied wrongly.
    #[error(
        "{place} does not belong to the authority with hash {pin}: check the provision string and the network"
    )]
    Stranger {
        /// Host and port that were asked.
        place: String,
        /// The hash in the provision string.
        pin: Pin,
    },
    /// Nobody answered.
    #[error("{place} can't be reached: {reason}")]
    Unreachable {
        /// Host and port that were asked.
        place: String,
        /// What went wrong.
        reason: String,
    },
    /// The platform said no.
    #[error("platform refused to enrol: {0}")]
    Refused(#[from] Refusal),
    /// The platform's answer is none.
    #[error("platform gave an answer that can't be read: {0}")]
    Answer(String),
    /// The answer could not be kept, or does not fit.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl EnrolError {
    /// Whether the same request may succeed later; otherwise a new provision string is needed.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Answer(_)
            | Self::Identity(IdentityError::Disk { .. }) => true,
            Self::Refused(refusal) => {
                matches!(refusal.error, Reason::TooMany | Reason::Unavailable)
            }
            Self::Stranger { .. } | Self::Identity(_) => false,
        }
    }
}

/// Enrols `device` below `state`. May be repeated: the key is on disk before it is sent, and the platform answers the
/// same key again when its first answer got lost.
pub async fn enrol(
    state: &Path,
    device: &DeviceId,
    provision: &Provision,
    now: Moment,
) -> Result<Identity, EnrolError> {
    let folder = Folder::of(state);
    let csr = folder.request(device)?;
    let request = EnrolRequest { device: device.clone(), token: provision.token().to_owned(), csr };
    let answer = post(provision, &request, now).await?;
    folder.enrolled(device, answer, provision.pin())?;
    let lost = || EnrolError::Answer("the identity just written is gone".to_owned());
    Identity::load(state, device)?.ok_or_else(lost)
}

async fn post(
    provision: &Provision,
    request: &EnrolRequest,
    now: Moment,
) -> Result<EnrolAnswer, EnrolError> {
    let verifier = Arc::new(Verifier::new(provision.pin(), now));
    let failed = |error: reqwest::Error| {
        let place = provision.place().to_owned();
        if verifier.met_a_stranger() {
            return EnrolError::Stranger { place, pin: provision.pin() };
        }
        EnrolError::Unreachable { place, reason: innermost(&error) }
    };
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(trust::config(verifier.clone()))
        .https_only(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .map_err(&failed)?;
    let response =
        client.post(provision.enrol_url()).json(request).send().await.map_err(&failed)?;
    let status = response.status();
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk.map_err(&failed)?);
        if body.len() > ANSWER_MAX {
            return Err(EnrolError::Answer("it is too long".to_owned()));
        }
    }
    let unreadable =
        |error: serde_json::Error| EnrolError::Answer(format!("status {status}: {error}"));
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(unreadable);
    }
    Err(serde_json::from_slice::<Refusal>(&body).map_err(unreadable)?.into())
}

/// The cause that says most: reqwest's own text is only "error sending request".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
