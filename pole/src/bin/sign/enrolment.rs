//! From a provision string to an identity: tried until it works, while the glass already shows what it knows.

use std::path::PathBuf;
use std::time::Duration;

use sync::identity::{self, Identity, Provision};
use sync::{Clock, DeviceId};
use tokio::sync::mpsc;

/// Between the first two tries; twice as long each time after, up to [`WAIT_MAX`].
const WAIT_MIN: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_mins(1);

/// Enrols in the background; every failure is told, the identity comes last.
pub(crate) fn start(
    state: PathBuf,
    device: DeviceId,
    provision: Option<Provision>,
    clock: Clock,
) -> mpsc::Receiver<Result<Identity, String>> {
    let (tell, news) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut wait = WAIT_MIN;
        loop {
            let result = enrol(&state, &device, provision.as_ref(), &clock).await;
            let done = result.is_ok();
            if tell.send(result).await.is_err() || done {
                return;
            }
            #[expect(clippy::disallowed_methods, reason = "a shell waits before it tries again")]
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(WAIT_MAX);
        }
    });
    news
}

/// Even a refusal is tried again: the technician may give the device a second chance on the platform.
async fn enrol(
    state: &std::path::Path,
    device: &DeviceId,
    provision: Option<&Provision>,
    clock: &Clock,
) -> Result<Identity, String> {
    if let Some(identity) = Identity::load(state, device).map_err(|error| error.to_string())? {
        return Ok(identity);
    }
    let provision =
        provision.ok_or("not enrolled, and the configuration has no provision string")?;
    identity::enrol(state, device, provision, clock.now()).await.map_err(|error| error.to_string())
}
