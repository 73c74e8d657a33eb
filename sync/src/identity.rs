//! Who a device is: a key made on the device, a certificate from its tenant's authority.
//!
//! An installer gives a device one line, the provision string. The device makes a key, sends a certificate
//! request with the one-time token over TLS that is pinned to the hash in that line, and keeps the answer.
//! Halfway through the certificate's life it asks for the next one, over the link it already has.
//!
//! ```no_run
//! # async fn sign(state: &std::path::Path, clock: &sync::Clock) -> Result<(), Box<dyn std::error::Error>> {
//! use sync::identity::{self, Identity, Provision, Renewal};
//! let device = "sign-7".parse()?;
//! let identity = match Identity::load(state, &device)? {
//!     Some(identity) => identity,
//!     None => {
//!         let provision: Provision = "https://gulou.example:8443/#TOKEN.HASH".parse()?;
//!         identity::enrol(state, &device, &provision, clock.now()).await?   // try again while `is_passing()`
//!     }
//! };
//! let _ = (&identity.broker, identity.authority_path(), identity.certificate_path(), identity.key_path());
//!
//! // In the shell's loop: a tick at `next_deadline()`, on every change of the link, and with every answer.
//! let mut renewal = Renewal::new(&identity);
//! for effect in renewal.handle(clock.now(), identity::Event::Link { up: true }) {
//!     match effect {
//!         identity::Effect::Ask => {
//!             let _request = identity.request()?;                // JSON for `Topic::Csr`
//!         }
//!         identity::Effect::Expired => { /* tell the technician: a new provision string is needed */ }
//!     }
//! }
//! // On `Topic::Certificate`: the new certificate serves from the next connection on.
//! # let payload = b"";
//! let identity = identity.accept(payload)?;
//! renewal.handle(clock.now(), identity::Event::Renewed(identity.validity));
//! # Ok(()) }
//! ```
//!
//! Files below `state/identity/`, all 0600: `ca.pem` (the root), `device.pem` (key and certificate in one file,
//! so that they change together), `platform.json` (where the platform is), `next-key.pem` (while a request is out).

mod enrol;
mod exchange;
mod provision;
mod renewal;
mod store;
mod trust;

pub use enrol::{EnrolError, enrol};
pub use exchange::{
    CertificateAnswer, CertificateRequest, ContentKey, EnrolAnswer, EnrolRequest, Reason, Refusal,
};
pub use provision::{Provision, ProvisionError};
pub use renewal::{Effect, Event, Renewal, Standing, Validity};
pub use store::{Identity, IdentityError};
pub use trust::{Pin, client_config, identified_config};
