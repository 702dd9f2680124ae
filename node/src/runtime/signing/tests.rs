use super::*;

/// Made with minisign 0.11 (`-G -W`, `-S`); nobody has the secret key any more.
const KEY: &str = "RWTLcjS2iZjaKFaT5e8f4J8WhYowM1kNCbOsEZJJkOYafNBIomAxuMHo";
const OTHER: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const COMPONENT: &[u8] = b"a component";
const SIGNATURE: &str = "untrusted comment: signature from minisign secret key\n\
    RUTLcjS2iZjaKKPEG5rT0KDDgHErx5lWfATlJHvZFMUPaeW30tuyZdGTiqN7pKe9Ovg92pv0rG9+v5OEK4MDpEah/ICSBQwk+gs=\n\
    trusted comment: a test\n\
    uhQvdsTpcf0Kgqa0qQ/QN/exMDBJPfMBpwacihVwhib+qlPtSv6l2AXptn6igVTmWmESJvbzFGny7KZPH7lTBA==\n";

fn checked(component: &[u8], signature: Option<&str>, keys: &[&str], deny_unsigned: bool) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wasm");
    if let Some(signature) = signature {
        std::fs::write(folder.path().join("a.wasm.minisig"), signature).unwrap();
    }
    let settings = ComponentSettings { file: path, sha256: None };
    let signing = SigningSettings { keys: keys.iter().map(ToString::to_string).collect(), deny_unsigned };
    let why = |error: UntrustedComponent| error.to_string().replace(&folder.path().display().to_string(), "");
    check(component, &settings, &signing).map_err(why)
}

#[test]
fn a_component_that_one_of_the_keys_signed_is_taken() {
    for deny_unsigned in [true, false] {
        assert_eq!(checked(COMPONENT, Some(SIGNATURE), &[OTHER, KEY], deny_unsigned), Ok(()));
    }
}

#[test]
fn another_component_or_another_key_is_refused() {
    let refused = Err("/a.wasm.minisig is of none of the keys in signing.keys, or of another component".to_owned());
    assert_eq!(checked(b"another component", Some(SIGNATURE), &[KEY], false), refused);
    assert_eq!(checked(COMPONENT, Some(SIGNATURE), &[OTHER], false), refused);
    assert_eq!(checked(COMPONENT, Some(SIGNATURE), &[], true), refused);
    let forged = SIGNATURE.replace("a test", "a tess");
    assert_eq!(checked(COMPONENT, Some(&forged), &[KEY], false), refused, "the comment is signed too");
}

#[test]
fn what_is_not_signed_is_taken_unless_that_is_denied() {
    assert_eq!(checked(COMPONENT, None, &[KEY], false), Ok(()));
    let refused = checked(COMPONENT, None, &[KEY], true).unwrap_err();
    assert!(refused.starts_with("it is not signed (there is no /a.wasm.minisig)"), "{refused}");
}

#[test]
fn a_broken_signature_or_key_is_named() {
    let broken = checked(COMPONENT, Some("no signature"), &[KEY], false).unwrap_err();
    assert!(broken.starts_with("/a.wasm.minisig is no signature of minisign"), "{broken}");
    let broken = checked(COMPONENT, Some(SIGNATURE), &["no key"], false).unwrap_err();
    assert!(broken.starts_with("signing.keys: \"no key\" is no public key of minisign"), "{broken}");
    assert_eq!(checked(COMPONENT, Some("no signature"), &[], false), Ok(()), "without keys nobody looks");
}

#[test]
fn another_hash_than_the_settings_say_is_refused_with_both() {
    let settings = ComponentSettings { file: "a.wasm".into(), sha256: Some("00".repeat(32)) };
    let error = check(COMPONENT, &settings, &SigningSettings::default()).unwrap_err().to_string();
    let found = data_encoding::HEXLOWER.encode(&Sha256::digest(COMPONENT));
    assert_eq!(error, format!("its SHA-256 is {found}, and the settings say {}", "00".repeat(32)));
}
