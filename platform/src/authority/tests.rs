use super::*;
use std::os::unix::fs::PermissionsExt as _;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, GeneralName};

const DAY: Duration = Duration::from_hours(24);

fn now() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn open(folder: &Path) -> Authority {
    Authority::open(folder, &"gulou".parse().unwrap(), now()).unwrap()
}

fn sign() -> DeviceId {
    "sign-7".parse().unwrap()
}

fn csr(key: &KeyPair, edit: impl FnOnce(&mut CertificateParams)) -> String {
    let mut params = CertificateParams::default();
    edit(&mut params);
    params.serialize_request(key).unwrap().pem().unwrap()
}

fn p256() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn serials_in_crl(authority: &Authority) -> usize {
    let pem = std::fs::read(authority.revocations_path()).unwrap();
    let (_, pem) = parse_x509_pem(&pem).unwrap();
    let (_, list) = CertificateRevocationList::from_der(&pem.contents).unwrap();
    let (_, root) = parse_x509_pem(authority.root_pem().as_bytes()).unwrap();
    list.verify_signature(root.parse_x509().unwrap().public_key()).unwrap();
    list.iter_revoked_certificates().count()
}

#[test]
fn of_a_request_only_the_key_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let authority = open(folder.path());
    let key = p256();
    let greedy = csr(&key, |params| {
        params.distinguished_name = distinguished("platform");
        params.subject_alt_names = vec![SanType::DnsName("broker".try_into().unwrap())];
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let pem = authority.issue_device(&greedy, &sign(), now()).unwrap();

    let (_, pem) = parse_x509_pem(pem.as_bytes()).unwrap();
    let certificate = pem.parse_x509().unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=sign-7");
    assert_eq!(certificate.issuer().to_string(), "CN=gulou gulou authority");
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    assert_eq!(names.value.general_names, [GeneralName::URI("urn:gulou:gulou:sign-7")]);
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth && !certificate.is_ca());
    assert_eq!(certificate.public_key().subject_public_key.data.as_ref(), key.der_bytes());
    let seconds = |at: Timestamp| at.as_second();
    assert_eq!(certificate.validity().not_before.timestamp(), seconds(now()) - 3600);
    assert_eq!(certificate.validity().not_after.timestamp(), seconds(now()) + 60 * 86_400);
    let (_, root) = parse_x509_pem(authority.root_pem().as_bytes()).unwrap();
    certificate.verify_signature(Some(root.parse_x509().unwrap().public_key())).unwrap();
}

#[test]
fn no_device_is_called_platform() {
    let folder = tempfile::tempdir().unwrap();
    let request = csr(&p256(), |_| ());
    let refused = open(folder.path())
        .issue_device(&request, &"platform".parse().unwrap(), now())
        .unwrap_err();
    assert_eq!(refused.to_string(), "a device may not be called \"platform\"");
}

#[test]
fn a_request_that_proves_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let authority = open(folder.path());
    let refusal = |csr: &str| authority.issue_device(csr, &sign(), now()).unwrap_err().to_string();

    let mut der = parse_x509_pem(csr(&p256(), |_| ()).as_bytes()).unwrap().1.contents;
    *der.last_mut().unwrap() ^= 1;
    let forged =
        format!("-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n", {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.encode(der)
        });
    assert!(refusal(&forged).contains("Invalid CSR signature"), "{}", refusal(&forged));

    let ed25519 = csr(&KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap(), |_| ());
    assert!(refusal(&ed25519).contains("P-256"));
    let p384 = csr(&KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap(), |_| ());
    assert!(refusal(&p384).contains("P-256"));
    assert!(refusal("牌").contains("parse"));
    assert!(refusal(&"x".repeat(1 << 20)).contains("too long"));
}

#[test]
fn the_same_root_is_there_after_a_restart_and_its_key_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let (pem, hash) = (first.root_pem().to_owned(), first.root_hash().to_owned());
    drop(first);
    let again = open(folder.path());
    assert_eq!((again.root_pem(), again.root_hash()), (pem.as_str(), hash.as_str()));
    let mode = std::fs::metadata(folder.path().join("ca.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_folder_of_another_tenant_or_with_another_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let error = Authority::open(folder.path(), &"taijiang".parse().unwrap(), now()).unwrap_err();
    assert!(matches!(error, AuthorityError::Tenant { .. }), "{error}");
    std::fs::write(folder.path().join("ca.key"), p256().serialize_pem()).unwrap();
    let error = Authority::open(folder.path(), &"gulou".parse().unwrap(), now()).unwrap_err();
    assert!(error.to_string().contains("ca.key is not the key of ca.pem"), "{error}");
    std::fs::remove_file(folder.path().join("ca.key")).unwrap();
    let error = Authority::open(folder.path(), &"gulou".parse().unwrap(), now()).unwrap_err();
    assert!(error.to_string().contains("ca.key is missing"), "{error}");
}

#[test]
fn a_clock_before_2000_makes_no_root() {
    let folder = tempfile::tempdir().unwrap();
    let past = "1970-01-01T00:05:00Z".parse().unwrap();
    let error = Authority::open(folder.path(), &"gulou".parse().unwrap(), past).unwrap_err();
    assert!(matches!(error, AuthorityError::Clock(_)), "{error}");
    assert!(!folder.path().join("ca.key").exists());
}

#[test]
fn a_revoked_device_renews_nothing_until_it_is_enrolled_again() {
    let folder = tempfile::tempdir().unwrap();
    let authority = open(folder.path());
    let request = csr(&p256(), |_| ());
    authority.issue_device(&request, &sign(), now()).unwrap();
    authority.renew_device(&request, &sign(), now() + 30 * DAY).unwrap();
    assert_eq!(serials_in_crl(&authority), 0);

    assert_eq!(authority.revoke(&sign(), now() + 31 * DAY).unwrap(), 2);
    assert_eq!(serials_in_crl(&authority), 2);
    let error = authority.renew_device(&request, &sign(), now() + 31 * DAY).unwrap_err();
    assert_eq!(error.to_string(), "sign-7 holds no certificate that is in force; enrol it again");
    drop(authority);

    let again = open(folder.path());
    assert_eq!(serials_in_crl(&again), 2);
    again.issue_device(&request, &sign(), now() + 32 * DAY).unwrap();
    again.renew_device(&request, &sign(), now() + 33 * DAY).unwrap();
}

#[test]
fn a_device_that_asks_without_end_is_stopped_until_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let authority = open(folder.path());
    let request = csr(&p256(), |_| ());
    for _ in 0..IN_FORCE_MAX {
        authority.issue_device(&request, &sign(), now()).unwrap();
    }
    let refused = authority.renew_device(&request, &sign(), now()).unwrap_err();
    assert!(matches!(refused, AuthorityError::TooMany(_)), "{refused}");
    authority.issue_device(&request, &"sign-8".parse().unwrap(), now()).unwrap();
    assert_eq!(authority.revoke(&sign(), now()).unwrap(), IN_FORCE_MAX);
    authority.issue_device(&request, &sign(), now()).unwrap();
}

#[test]
fn a_certificate_that_ran_out_is_forgotten_and_renews_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let authority = open(folder.path());
    let request = csr(&p256(), |_| ());
    authority.issue_device(&request, &sign(), now()).unwrap();
    let late = now() + 61 * DAY;
    assert!(matches!(
        authority.renew_device(&request, &sign(), late),
        Err(AuthorityError::NotInForce(_))
    ));
    drop(authority);
    Authority::open(folder.path(), &"gulou".parse().unwrap(), late).unwrap();
    assert_eq!(std::fs::read(folder.path().join("ledger.jsonl")).unwrap(), b"");
}

#[test]
fn a_line_torn_by_a_power_cut_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let authority = open(folder.path());
    authority.issue_device(&csr(&p256(), |_| ()), &sign(), now()).unwrap();
    drop(authority);
    let path = folder.path().join("ledger.jsonl");
    let mut bytes = std::fs::read(&path).unwrap();
    let whole = bytes.clone();
    bytes.extend_from_slice(b"{\"issued\":{\"dev");
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(open(folder.path()).revoke(&sign(), now()).unwrap(), 1);
    assert!(std::fs::read(&path).unwrap().starts_with(&whole));
}

#[test]
fn servers_and_the_platform_get_certificates_for_their_purpose() {
    let folder = tempfile::tempdir().unwrap();
    let authority = open(folder.path());
    let server = authority.issue_server(&["localhost", "127.0.0.1"], now()).unwrap();
    let (_, pem) = parse_x509_pem(server.certificate.as_bytes()).unwrap();
    let certificate = pem.parse_x509().unwrap();
    assert_eq!(
        certificate.subject_alternative_name().unwrap().unwrap().value.general_names.len(),
        2
    );
    assert!(certificate.extended_key_usage().unwrap().unwrap().value.server_auth);
    let platform = authority.issue_platform(now()).unwrap();
    let (_, pem) = parse_x509_pem(platform.certificate.as_bytes()).unwrap();
    assert_eq!(pem.parse_x509().unwrap().subject().to_string(), "CN=platform");
    assert!(!format!("{platform:?}").contains("PRIVATE"));
}
