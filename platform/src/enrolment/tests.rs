use super::*;
use std::path::Path;
use sync::identity::{EnrolError, Identity, IdentityError, client_config, enrol};
use sync::moment::{Moment, Mono};

/// A platform's device-facing port on a real socket, and a disk for a device.
struct Street {
    enrolment: Arc<Enrolment>,
    authority: Arc<Authority>,
    device_disk: tempfile::TempDir,
    handle: axum_server::Handle<SocketAddr>,
    _platform_disk: tempfile::TempDir,
}

impl Drop for Street {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

impl Street {
    fn state(&self) -> &Path {
        self.device_disk.path()
    }

    async fn provision(&self, device: &str) -> Provision {
        let stop = StopId::from("S1");
        self.enrolment.provision(&name(device), "sign", Some(&stop), real_now().wall).await.unwrap()
    }
}

fn name(device: &str) -> DeviceId {
    device.parse().unwrap()
}

/// The router reads the real clock, so its tests do too.
fn real_now() -> Moment {
    sync::Clock::new(Timestamp::UNIX_EPOCH).now()
}

pub(crate) async fn migrated(folder: &Path) -> AnyPool {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite:{}?mode=rwc", folder.join("platform.db").display());
    let pool = sqlx::any::AnyPoolOptions::new().max_connections(1).connect(&url).await.unwrap();
    sqlx::raw_sql(include_str!("../../migrations/0002_enrolment.sql"))
        .execute(&pool)
        .await
        .unwrap();
    pool
}

async fn street() -> Street {
    street_dated(real_now().wall).await
}

/// As [`street`], with root and server certificate made at `now`.
async fn street_dated(now: Timestamp) -> Street {
    rustls::crypto::ring::default_provider().install_default().ok();
    let platform_disk = tempfile::tempdir().unwrap();
    let authority =
        Authority::open(&platform_disk.path().join("ca"), &"gulou".parse().unwrap(), now).unwrap();
    let authority = Arc::new(authority);
    let server = authority.issue_server(&["127.0.0.1", "localhost"], now).unwrap();
    let (chain, key) = (server.certificate.into_bytes(), server.key.into_bytes());
    let tls = axum_server::tls_rustls::RustlsConfig::from_pem(chain, key).await.unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let places = Places {
        https: format!("https://127.0.0.1:{port}"),
        broker: "mqtts://127.0.0.1:8883".to_owned(),
    };
    let content_key = ContentKey { id: "k1".into(), key: "00".repeat(32) };
    let pool = migrated(platform_disk.path()).await;
    let enrolment = Arc::new(Enrolment::new(pool, Arc::clone(&authority), places, content_key));
    let service =
        Arc::clone(&enrolment).router().into_make_service_with_connect_info::<SocketAddr>();
    let handle = axum_server::Handle::new();
    let server =
        axum_server::from_tcp_rustls(listener, tls).unwrap().handle(handle.clone()).serve(service);
    tokio::spawn(server);
    let device_disk = tempfile::tempdir().unwrap();
    Street { enrolment, authority, device_disk, handle, _platform_disk: platform_disk }
}

fn reason(error: &EnrolError) -> Reason {
    match error {
        EnrolError::Refused(refusal) => refusal.error,
        other => panic!("not refused: {other}"),
    }
}

#[tokio::test]
async fn a_device_enrols_once_and_is_known_after_a_reboot() {
    let street = street().await;
    let provision = street.provision("sign-7").await;
    assert!(Identity::load(street.state(), &name("sign-7")).unwrap().is_none());
    let identity = enrol(street.state(), &name("sign-7"), &provision, real_now()).await.unwrap();
    assert_eq!(identity.tenant.as_str(), "gulou");
    assert_eq!(identity.broker, "mqtts://127.0.0.1:8883");
    assert_eq!((identity.role.as_str(), identity.stop.clone()), ("sign", Some("S1".into())));
    assert_eq!(identity.pin, provision.pin());

    let again = Identity::load(street.state(), &name("sign-7")).unwrap().unwrap();
    assert_eq!(format!("{again:?}"), format!("{identity:?}"));
    for file in std::fs::read_dir(street.state().join("identity")).unwrap() {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let error = Identity::load(street.state(), &name("sign-8")).unwrap_err();
    assert!(matches!(error, IdentityError::Device { .. }), "{error}");
}

#[tokio::test]
async fn another_device_can_not_use_a_token_again() {
    let street = street().await;
    let provision = street.provision("sign-7").await;
    enrol(street.state(), &name("sign-7"), &provision, real_now()).await.unwrap();
    let thief = tempfile::tempdir().unwrap();
    let error = enrol(thief.path(), &name("sign-7"), &provision, real_now()).await.unwrap_err();
    assert_eq!(reason(&error), Reason::UsedToken);
    assert!(!error.is_passing());
    let text =
        "platform refused to enrol: another key was enrolled with this token; make a new one";
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn a_device_whose_answer_got_lost_asks_again_with_the_same_key() {
    let street = street().await;
    let provision = street.provision("sign-7").await;
    let lost = tempfile::tempdir().unwrap();
    enrol(street.state(), &name("sign-7"), &provision, real_now()).await.unwrap();
    // As if power had failed before the answer came: only the key is on disk.
    std::fs::create_dir(lost.path().join("identity")).unwrap();
    let own = std::fs::read_to_string(street.state().join("identity/device.pem")).unwrap();
    std::fs::write(
        lost.path().join("identity/next-key.pem"),
        &own[..own.find("-----BEGIN CERT").unwrap()],
    )
    .unwrap();
    enrol(lost.path(), &name("sign-7"), &provision, real_now()).await.unwrap();
}

#[tokio::test]
async fn a_token_of_another_device_is_refused() {
    let street = street().await;
    let provision = street.provision("sign-7").await;
    let error = enrol(street.state(), &name("sign-8"), &provision, real_now()).await.unwrap_err();
    assert_eq!(reason(&error), Reason::WrongDevice);
}

#[tokio::test]
async fn a_token_older_than_a_day_or_replaced_is_refused() {
    let street = street().await;
    let day_ago = real_now().wall - jiff::SignedDuration::from_hours(24);
    let old = street.enrolment.provision(&name("sign-7"), "sign", None, day_ago).await.unwrap();
    let error = enrol(street.state(), &name("sign-7"), &old, real_now()).await.unwrap_err();
    assert_eq!(reason(&error), Reason::ExpiredToken);

    street.provision("sign-7").await;
    let error = enrol(street.state(), &name("sign-7"), &old, real_now()).await.unwrap_err();
    assert_eq!(reason(&error), Reason::UnknownToken);
}

#[tokio::test]
async fn a_hash_of_another_root_is_told_before_the_token_leaves_the_device() {
    let street = street().await;
    let right = street.provision("sign-7").await;
    let wrong = right.to_string().replace(&right.pin().to_string(), &"ab".repeat(32));
    let error = enrol(street.state(), &name("sign-7"), &wrong.parse().unwrap(), real_now())
        .await
        .unwrap_err();
    assert!(matches!(error, EnrolError::Stranger { .. }), "{error}");
    assert!(
        error.to_string().contains("does not belong to the authority with hash abab"),
        "{error}"
    );
    enrol(street.state(), &name("sign-7"), &right, real_now()).await.unwrap();
}

#[tokio::test]
async fn a_server_that_only_shows_the_pinned_root_is_a_stranger_to_it() {
    // Someone in between sends the real root along, but holds no certificate that it signed.
    let street = street().await;
    let right = street.provision("sign-7").await;
    let other = tempfile::tempdir().unwrap();
    let mallory =
        Authority::open(other.path(), &"gulou".parse().unwrap(), real_now().wall).unwrap();
    let forged = mallory.issue_server(&["127.0.0.1"], real_now().wall).unwrap();
    let leaf_end = forged.certificate.find("-----END CERTIFICATE-----\n").unwrap() + 26;
    let chain = format!("{}{}", &forged.certificate[..leaf_end], street.authority.root_pem());
    let tls = axum_server::tls_rustls::RustlsConfig::from_pem(
        chain.into_bytes(),
        forged.key.into_bytes(),
    );
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let base = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let server = axum_server::from_tcp_rustls(listener, tls.await.unwrap()).unwrap();
    let server = tokio::spawn(server.serve(Router::new().into_make_service()));
    let provision = Provision::new(&base, right.token(), right.pin()).unwrap();
    let error = enrol(street.state(), &name("sign-7"), &provision, real_now()).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    server.abort();
}

#[tokio::test]
async fn a_device_whose_clock_nobody_vouches_for_enrols_all_the_same() {
    // To a certificate of 2075 the real clock is as wrong as one before 2000 is to today's.
    let street = street_dated("2075-01-01T00:00:00Z".parse().unwrap()).await;
    let provision = street.provision("sign-7").await;
    let sure = real_now();
    let error = enrol(street.state(), &name("sign-7"), &provision, sure).await.unwrap_err();
    assert!(error.to_string().contains("not valid yet"), "{error}");
    let unsure = Moment {
        mono: Mono(0),
        wall: "1999-12-31T23:59:59Z".parse().unwrap(),
        clock_error_ms: None,
    };
    enrol(street.state(), &name("sign-7"), &provision, unsure).await.unwrap();
}

#[tokio::test]
async fn nobody_there_is_a_passing_trouble() {
    let street = street().await;
    let provision = street.provision("sign-7").await;
    street.handle.shutdown();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone =
        Provision::new(&format!("https://{closed}"), provision.token(), provision.pin()).unwrap();
    let error = enrol(street.state(), &name("sign-7"), &gone, real_now()).await.unwrap_err();
    assert!(matches!(error, EnrolError::Unreachable { .. }) && error.is_passing(), "{error}");
}

/// The public key that a certificate request asks for.
fn public_key(request: &[u8]) -> Vec<u8> {
    let request: CertificateRequest = serde_json::from_slice(request).unwrap();
    let csr = rcgen::CertificateSigningRequestParams::from_pem(&request.csr).unwrap();
    rcgen::PublicKeyData::der_bytes(&csr.public_key).to_vec()
}

#[tokio::test]
async fn a_certificate_is_renewed_over_the_link_with_a_new_key() {
    let street = street().await;
    let provision = street.provision("sign-7").await;
    let identity = enrol(street.state(), &name("sign-7"), &provision, real_now()).await.unwrap();
    let before = std::fs::read(identity.key_path()).unwrap();
    let later = real_now().wall + jiff::SignedDuration::from_hours(31 * 24);

    let request = identity.request().unwrap();
    let again = identity.request().unwrap();
    assert_eq!(public_key(&again), public_key(&request), "the same key until an answer comes");
    let answer = street.enrolment.renew(&name("sign-7"), &request, later).await;
    let answer = serde_json::to_vec(&answer).unwrap();
    let renewed = identity.accept(&answer).unwrap();
    assert!(renewed.validity.until > identity.validity.until);
    assert_ne!(std::fs::read(renewed.key_path()).unwrap(), before);
    let loaded = Identity::load(street.state(), &name("sign-7")).unwrap().unwrap();
    assert_eq!(loaded.validity, renewed.validity);
    // The broker may deliver an answer twice.
    let twice = renewed.accept(&answer).unwrap_err();
    assert!(matches!(twice, IdentityError::Certificate(_)), "{twice}");

    // A certificate for someone else, or of another root, changes nothing.
    let request = renewed.request().unwrap();
    street.provision("sign-8").await;
    let csr: CertificateRequest = serde_json::from_slice(&request).unwrap();
    let foreign = street.authority.issue_device(&csr.csr, &name("sign-8"), later).unwrap();
    let foreign = serde_json::to_vec(&CertificateAnswer::Certificate(foreign)).unwrap();
    assert!(renewed.accept(&foreign).unwrap_err().to_string().contains("made out to \"sign-8\""));
    let elsewhere = tempfile::tempdir().unwrap();
    let mallory = Authority::open(elsewhere.path(), &"gulou".parse().unwrap(), later).unwrap();
    let forged = mallory.issue_device(&csr.csr, &name("sign-7"), later).unwrap();
    let forged = serde_json::to_vec(&CertificateAnswer::Certificate(forged)).unwrap();
    assert!(renewed.accept(&forged).unwrap_err().to_string().contains("root did not sign it"));
    assert_eq!(
        Identity::load(street.state(), &name("sign-7")).unwrap().unwrap().validity,
        renewed.validity
    );
}

#[tokio::test]
async fn a_revoked_device_is_told_so_and_its_token_is_dead() {
    let street = street().await;
    let provision = street.provision("sign-7").await;
    let identity = enrol(street.state(), &name("sign-7"), &provision, real_now()).await.unwrap();
    assert_eq!(street.enrolment.revoke(&name("sign-7"), real_now().wall).await.unwrap(), 1);
    let answer = street
        .enrolment
        .renew(&name("sign-7"), &identity.request().unwrap(), real_now().wall)
        .await;
    let error = identity.accept(&serde_json::to_vec(&answer).unwrap()).unwrap_err();
    assert!(
        matches!(&error, IdentityError::Refused(refusal) if refusal.error == Reason::NotInForce),
        "{error}"
    );
    let error = enrol(street.state(), &name("sign-7"), &provision, real_now()).await.unwrap_err();
    assert_eq!(reason(&error), Reason::UnknownToken);
}

#[tokio::test]
async fn garbage_floods_and_guesses_get_clear_answers() {
    let street = street().await;
    let provision = street.provision("sign-7").await;
    let tls = client_config(provision.pin(), real_now());
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).build().unwrap();
    let send = async |body: Vec<u8>| {
        let response = client.post(provision.enrol_url()).body(body).send().await.unwrap();
        (response.status().as_u16(), response.json::<Refusal>().await.unwrap().error)
    };
    assert_eq!(send(b"{".to_vec()).await, (400, Reason::Malformed));
    assert_eq!(send(vec![b' '; 1 << 20]).await, (400, Reason::Malformed));
    let key = rcgen::KeyPair::generate().unwrap();
    let csr = rcgen::CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    let guess = EnrolRequest { device: name("sign-7"), token: "0".repeat(32), csr };
    for _ in 2..attempts::WRONG_MAX {
        assert_eq!(send(serde_json::to_vec(&guess).unwrap()).await, (401, Reason::UnknownToken));
    }
    assert_eq!(send(serde_json::to_vec(&guess).unwrap()).await, (429, Reason::TooMany));
    let honest = enrol(street.state(), &name("sign-7"), &provision, real_now()).await.unwrap_err();
    assert!(honest.is_passing(), "{honest}");
}
