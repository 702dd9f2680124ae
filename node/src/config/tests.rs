use std::path::PathBuf;

use super::*;

fn load(file: &str, flags: &Overrides, environment: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.toml");
    std::fs::write(&path, file).unwrap();
    Settings::load_with(Some(&path), flags, |name| {
        environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    })
}

fn named() -> Overrides {
    Overrides { node: Some("till-1".to_owned()), ..Overrides::default() }
}

fn error(file: &str) -> String {
    load(file, &named(), &[]).unwrap_err().to_string()
}

#[test]
fn a_name_is_all_that_a_node_needs() {
    let settings = load("", &named(), &[]).unwrap();
    assert_eq!(settings.location, settings.node);
    assert_eq!(settings.listen.to_string(), "127.0.0.1:7210");
    assert_eq!(settings.data, PathBuf::from("tillmesh-data/till-1"));
    assert!(settings.broker.is_none());
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = "[node]\nname = \"a\"\nfleet = \"a\"\nregion = \"a\"";
    let environment = [("TILLMESH_NODE_NAME", "b"), ("TILLMESH_NODE_FLEET", "b")];
    let settings = load(file, &named(), &environment).unwrap();
    assert_eq!((settings.node.as_str(), settings.fleet.as_str(), settings.region.as_str()), ("till-1", "b", "a"));
}

#[test]
fn a_node_is_a_keeper_only_where_a_setting_says_so() {
    assert!(!load("", &named(), &[]).unwrap().keeper);
    assert!(load("[node]\nkeeper = true", &named(), &[]).unwrap().keeper);
    assert!(load("", &named(), &[("TILLMESH_NODE_KEEPER", "true")]).unwrap().keeper);
    let error = load("", &named(), &[("TILLMESH_NODE_KEEPER", "yes")]).unwrap_err().to_string();
    assert!(error.contains("node.keeper"), "{error}");
}

#[test]
fn words_come_from_the_environment_too_and_are_checked() {
    let settings = load("", &named(), &[("TILLMESH_PRICING_ON_FAILURE", "closed")]).unwrap();
    assert_eq!(settings.pricing_on_failure, OnFailure::Closed);
    let error = load("", &named(), &[("TILLMESH_PRICING_ON_FAILURE", "ajar")]).unwrap_err().to_string();
    assert!(error.contains("pricing.on_failure") && error.contains("ajar"), "{error}");
}

#[test]
fn a_wrong_setting_is_named_with_its_line() {
    let text = error("[node]\nfleet = \"a\"\nregoin = \"b\"");
    assert!(text.contains("line 3") && text.contains("regoin"), "{text}");
    assert!(error("[node]\ntime_zone = \"Mars\"").contains("node.time_zone"));
    assert!(error("[http]\nlisten = \"here\"").contains("http.listen"));
    assert!(error("[pricing]\nplugin = \"p\"").contains("pricing.plugin"));
}

#[test]
fn an_address_that_others_can_reach_needs_the_risk_named() {
    let file = "[http]\nlisten = \"0.0.0.0:7210\"";
    assert!(error(file).contains("--allow-network-access-without-authentication"));
    let flags = Overrides { allow_network_access_without_authentication: true, ..named() };
    assert!(load(file, &flags, &[]).is_ok());
}

#[test]
fn secrets_come_from_a_file_the_environment_or_the_settings_and_are_never_printed() {
    let file = "[plugins.p]\ncomponent = \"p.wasm\"\n[channels.shop]\nplugin = \"p\"\nsignature = \"shopify\"\n";
    assert!(error(file).contains("channels.shop.secret"));
    let settings = load(&format!("{file}secret_env = \"S\""), &named(), &[("S", "hush")]).unwrap();
    let channel = &settings.channels[&Name::new("shop").unwrap()];
    assert_eq!(channel.signature, Signature::Shopify(Secret::new(b"hush".to_vec())));
    assert!(!format!("{settings:?}").contains("hush"));
}
