use std::path::{Path, PathBuf};

use super::*;
use crate::plugin::Limits;

fn load(file: &str, flags: &Overrides, environment: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.toml");
    std::fs::write(&path, file).unwrap();
    Settings::load_with(Some(&path), flags, &|name| {
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
fn the_permission_comes_from_the_environment_too_in_plain_words_only() {
    let variable = "TILLMESH_HTTP_ALLOW_NETWORK_ACCESS_WITHOUT_AUTHENTICATION";
    let listen = "[http]\nlisten = \"0.0.0.0:7210\"\n";
    assert!(load(listen, &named(), &[(variable, "true")]).is_ok());
    // It wins over the file, in both directions.
    let allowed = format!("{listen}allow_network_access_without_authentication = true");
    assert!(load(&allowed, &named(), &[]).is_ok());
    let error = load(&allowed, &named(), &[(variable, "false")]).unwrap_err().to_string();
    assert!(error.contains("http.listen"), "{error}");
    for unclear in ["", "1", "yes", "True", " true"] {
        let error = load(listen, &named(), &[(variable, unclear)]).unwrap_err().to_string();
        assert!(error.contains("http.allow_network_access_without_authentication"), "{error}");
        assert!(error.contains("true or false"), "{error}");
    }
}

#[test]
fn a_list_comes_from_the_environment_too_separated_by_commas() {
    let hosts = |file: &str, text: &str| load(file, &named(), &[("TILLMESH_HTTP_ALLOWED_HOSTS", text)]);
    let file = "[http]\nallowed_hosts = [\"till\"]";
    assert_eq!(load(file, &named(), &[]).unwrap().allowed_hosts, ["till"]);
    assert_eq!(hosts(file, "till.shop, 10.0.0.7").unwrap().allowed_hosts, ["till.shop", "10.0.0.7"]);
    assert!(hosts(file, "").unwrap().allowed_hosts.is_empty());
    for text in ["a,,b", "a,", ","] {
        let error = hosts("", text).unwrap_err().to_string();
        assert!(error.contains("http.allowed_hosts") && error.contains("empty"), "{error}");
    }
}

/// Each setting of the sections that have variables, as the defaults list it.
fn settings_of_the_defaults() -> Vec<String> {
    let (mut section, mut listed) = (Some(""), Vec::new());
    for line in DEFAULT_TOML.lines() {
        let key = line.trim_start_matches('#').split_once(" = ").map(|(key, _)| key).filter(|key| !key.contains(' '));
        if let (Some(section), Some(key)) = (section, key) {
            listed.push(format!("{section}.{key}"));
        }
        // What there may be several of is shown as a comment, up to the next section.
        if line.starts_with("#[") {
            section = None;
        } else if let Some(rest) = line.strip_prefix('[') {
            section = Some(rest.trim_end_matches(']'));
        }
    }
    listed
}

fn variable(key: &str) -> String {
    format!("TILLMESH_{}", key.replace('.', "_").to_uppercase())
}

#[test]
fn a_variable_that_is_no_setting_is_noticed_and_none_that_is() {
    let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let flags = Overrides {
        fleet: Some("x".to_owned()),
        data: Some("x".into()),
        listen: Some("127.0.0.1:0".to_owned()),
        allow_network_access_without_authentication: true,
        ..named()
    };
    Settings::load_with(None, &flags, &|name| {
        asked.borrow_mut().insert(name.to_owned());
        None
    })
    .unwrap();
    let mut names: Vec<String> = settings_of_the_defaults().iter().map(|key| variable(key)).collect();
    assert!(names.len() > 20, "{names:?}");
    names.extend(["TILLMESH_LOG", "TILLMESH_HTTP_LISTN", "HTTP_LISTN"].map(str::to_owned));
    assert_eq!(source::unknown_variables(names.into_iter(), &asked.borrow()), ["TILLMESH_HTTP_LISTN"]);
}

#[test]
fn every_setting_but_plugins_and_channels_has_a_variable() {
    // And a value that it takes.
    let values = [
        ("node.name", "x"),
        ("node.fleet", "x"),
        ("node.location", "x"),
        ("node.region", "x"),
        ("node.time_zone", "Europe/Berlin"),
        ("node.rounding", "down"),
        ("node.keeper", "true"),
        ("node.data", "x"),
        ("http.listen", "127.0.0.1:1"),
        ("http.allowed_hosts", "x"),
        ("mqtt.protocol", "5"),
        ("mqtt.embedded_broker", "127.0.0.1:1"),
        ("bridge.broker", "mqtt://y:1"),
        ("bridge.protocol", "5"),
        ("bridge.scopes", "catalog"),
        ("sync.scopes", "catalog"),
        ("promises.policy", "open"),
        ("promises.buffer", "1"),
        ("promises.floor", "1"),
        ("promises.patience_milliseconds", "1"),
        ("promises.rebalance", "false"),
        ("returns.refund_apart", "true"),
        ("vouchers.location", "x"),
        ("carts.expire_days", "1"),
        ("tax.inclusive", "false"),
        ("tax.cash_rounding", "5"),
        ("pricing.plugin", "p"),
        ("pricing.on_failure", "closed"),
        ("signing.keys", "x"),
        ("signing.deny_unsigned", "true"),
    ];
    // A bridge needs another broker.
    let file = "[node]\nname = \"till\"\n[mqtt]\nembedded_broker = \"127.0.0.1:2\"\n[bridge]\nbroker = \"mqtt://x:2\"\n\
        [plugins.p]\ncomponent = \"p.wasm\"\n[[tax.rates]]\nclass = \"full\"\nrate = \"20\"\nfrom = \"2026-01-01\"";
    let settings = |environment: &[(&str, &str)]| {
        let mut settings = load(file, &Overrides::default(), environment).unwrap();
        // The folder of the file is another each time.
        settings.plugins.clear();
        format!("{settings:?}")
    };
    for (key, value) in values {
        let variable = variable(key);
        assert_ne!(settings(&[(&variable, value)]), settings(&[]), "{variable}");
    }
    let mut listed = settings_of_the_defaults();
    // What the permission does is not kept among the settings, and files of TLS need each other: tests of their own
    // show them. A node has one of its two kinds of brokers.
    let elsewhere = ["http.allow_network_access_without_authentication", "mqtt.broker"];
    listed.retain(|key| !elsewhere.contains(&key.as_str()) && !key.ends_with("_file"));
    assert_eq!(listed, values.map(|(key, _)| key));
    let linked = load("", &named(), &[("TILLMESH_MQTT_BROKER", "mqtt://x")]).unwrap();
    assert_eq!(linked.broker.unwrap().broker.to_string(), "mqtt://x:1883");
}

#[test]
fn files_of_tls_come_from_the_settings_or_the_environment_together_and_for_a_broker_over_tls_only() {
    let file = "[mqtt]\nbroker = \"mqtts://x\"\nca_file = \"/a/ca\"\ncertificate_file = \"/a/c\"\nkey_file = \"/a/k\"";
    let tls = load(file, &named(), &[]).unwrap().broker.unwrap().tls;
    assert_eq!((tls.ca, tls.client), (Some("/a/ca".into()), Some(("/a/c".into(), "/a/k".into()))));
    let [ca, certificate, key] =
        ["CA_FILE", "CERTIFICATE_FILE", "KEY_FILE"].map(|name| format!("TILLMESH_MQTT_{name}"));
    let changed = [(ca.as_str(), "/b/ca"), (certificate.as_str(), "/b/c"), (key.as_str(), "/b/k")];
    let tls = load(file, &named(), &changed).unwrap().broker.unwrap().tls;
    assert_eq!((tls.ca, tls.client), (Some("/b/ca".into()), Some(("/b/c".into(), "/b/k".into()))));
    let relative = load("[mqtt]\nbroker = \"mqtts://x\"\nca_file = \"ca\"", &named(), &[]);
    let relative = relative.unwrap().broker.unwrap().tls.ca.unwrap();
    assert!(relative.is_absolute() && relative.ends_with("ca"), "{}", relative.display());
    let alone = error("[mqtt]\nbroker = \"mqtts://x\"\nkey_file = \"k\"");
    assert!(alone.contains("mqtt.certificate_file") && alone.contains("go together"), "{alone}");
    let plain = error("[mqtt]\nbroker = \"mqtt://x\"\nca_file = \"ca\"");
    assert!(plain.contains("mqtt.ca_file") && plain.contains("mqtts://"), "{plain}");
}

#[test]
fn a_bridge_has_a_broker_files_and_scopes_of_its_own_beside_another_broker() {
    let file = "[mqtt]\nbroker = \"mqtt://lan\"\n[bridge]\nbroker = \"mqtts://hq\"\nca_file = \"/hq/ca\"\n";
    let settings = load(file, &named(), &[]).unwrap();
    let bridge = settings.bridge.unwrap();
    assert_eq!((bridge.link.broker.to_string(), bridge.link.tls.ca), ("mqtts://hq:8883".into(), Some("/hq/ca".into())));
    assert_eq!(bridge.scopes, Interest::all());
    assert_eq!(settings.broker.unwrap().tls, TlsFiles::default());
    let scopes = format!("{file}scopes = [\"stock-<location>\"]");
    let listed = load(&scopes, &named(), &[]).unwrap().bridge.unwrap().scopes.listed().unwrap();
    assert_eq!(listed, ["fleet".parse().unwrap(), "stock-till-1".parse().unwrap()]);

    let alone = error("[bridge]\nbroker = \"mqtt://hq\"");
    assert!(alone.contains("bridge.broker") && alone.contains("mqtt.embedded_broker"), "{alone}");
    let same = error("[mqtt]\nbroker = \"mqtt://hq\"\n[bridge]\nbroker = \"mqtt://u:hunter2@HQ:1883\"");
    assert!(same.contains("bridge.broker") && !same.contains("hunter2"), "{same}");
    let none = error("[bridge]\nscopes = []");
    assert!(none.contains("bridge.scopes") && none.contains("bridge.broker"), "{none}");
    let plain = error("[bridge]\nbroker = \"mqtt://hq\"\nca_file = \"ca\"");
    assert!(plain.contains("bridge.ca_file") && plain.contains("mqtts://"), "{plain}");
}

#[test]
fn scopes_may_name_the_node_s_own_places_and_wrong_ones_are_named() {
    let held = |text: &str| load(&format!("[sync]\nscopes = {text}"), &named(), &[]);
    let scopes = held("[\"catalog\", \"stock-<location>\", \"carts-<region>\"]").unwrap().scopes;
    let listed: Vec<String> = scopes.listed().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(listed, ["catalog", "fleet", "stock-till-1", "carts-main"]);
    let everything = load("", &named(), &[]).unwrap().scopes;
    let admits = |scope: &str| everything.admits(&scope.parse().unwrap());
    assert!(admits("catalog") && admits("stock-elsewhere") && admits("carts-main") && !admits("carts-north"));
    let error = held("[\"shelf-1\"]").unwrap_err().to_string();
    assert!(
        error.contains("sync.scopes") && error.contains("shelf-1") && error.contains("stock-<location>"),
        "{error}"
    );
    let keeper = load("[node]\nkeeper = true\n[sync]\nscopes = [\"catalog\"]", &named(), &[]).unwrap_err().to_string();
    assert!(keeper.contains("node.keeper") && keeper.contains("stock-till-1"), "{keeper}");
}

#[test]
fn a_host_that_no_request_can_name_is_refused() {
    let hosts = |text: &str| load("", &named(), &[("TILLMESH_HTTP_ALLOWED_HOSTS", text)]);
    let good = ["till", "till.shop.example:7210", "10.0.0.7", "10.0.0.7:80", "::1", "[::1]:80"];
    assert_eq!(hosts(&good.join(",")).unwrap().allowed_hosts, good);
    for wrong in ["http://till", "till/", "*.shop", "till:port", "till:70000", "a b", "till..shop", "[::1"] {
        let error = hosts(wrong).unwrap_err().to_string();
        assert!(error.contains("http.allowed_hosts") && error.contains(wrong) && error.contains("port"), "{error}");
    }
}

#[test]
fn a_broker_url_that_is_none_is_refused_without_its_password() {
    let error = error("[mqtt]\nbroker = \"mqtt://till:hunter2@broker:0\"");
    assert!(error.contains("mqtt.broker") && error.contains("port"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn secrets_come_from_a_file_the_environment_or_the_settings_and_are_never_printed() {
    let file = "[plugins.p]\ncomponent = \"p.wasm\"\n[channels.shop]\nplugin = \"p\"\nsignature = \"shopify\"\n";
    assert!(error(file).contains("channels.shop.secret"));
    let settings = load(&format!("{file}secret_env = \"S\""), &named(), &[("S", "hush")]).unwrap();
    let channel = &settings.channels[&Name::new("shop").unwrap()];
    assert_eq!(channel.signature, Signature::Shopify(Secret::new("hush".to_owned())));
    assert!(!format!("{settings:?}").contains("hush"));
}

#[test]
fn no_two_channels_have_names_under_which_one_would_find_what_the_other_calls_an_article() {
    let file = |other: &str| {
        let channel = |name: &str| format!("[channels.{name}]\nplugin = \"p\"\nsignature = \"none\"\n");
        format!("[plugins.p]\ncomponent = \"p.wasm\"\n{}{}", channel("shop"), channel(other))
    };
    let error = error(&file("shop-2"));
    assert!(error.contains("shop-2") && error.contains("without the number"), "{error}");
    assert!(load(&file("shop-b2"), &named(), &[]).is_ok());
}

#[test]
fn a_channel_of_square_needs_the_address_that_its_subscription_names() {
    let file = |more: &str| {
        format!("[plugins.p]\ncomponent = \"p.wasm\"\n[channels.shop]\nplugin = \"p\"\nsecret = \"hush\"\n{more}\n")
    };
    let square = "signature = \"square\"";
    assert!(error(&file(square)).contains("channels.shop.notification_url"));
    let settings =
        load(&file(&format!("{square}\nnotification_url = \"https://a.example/b\"")), &named(), &[]).unwrap();
    let signature = &settings.channels[&Name::new("shop").unwrap()].signature;
    assert_eq!(signature.as_str(), "square");
    assert!(
        matches!(signature, Signature::Square { notification_url, .. } if notification_url == "https://a.example/b")
    );
    let larger = format!("{square}\nnotification_url = \"https://a.example/b\"\nmax_body_megabytes = 2");
    assert!(error(&file(&larger)).contains("max_body_megabytes"));
    let settings = load(&file("signature = \"woocommerce\""), &named(), &[]).unwrap();
    assert_eq!(settings.channels[&Name::new("shop").unwrap()].signature.as_str(), "woocommerce");
    assert_eq!(settings.channels[&Name::new("shop").unwrap()].max_body, 1 << 20);
    for megabytes in [0, 257] {
        let text = file(&format!("signature = \"hex\"\nmax_body_megabytes = {megabytes}"));
        assert!(error(&text).contains("max_body_megabytes") && error(&text).contains("between 1 and 256"));
    }
    assert!(error(&file("signature = \"etsy\"")).contains("it must be shopify, woocommerce, square, hex or none"));
}

fn channel_with(more: &str) -> String {
    format!(
        "[plugins.p]\ncomponent = \"p.wasm\"\n[channels.shop]\nplugin = \"p\"\nsignature = \"none\"\n\
         [channels.shop.deliver]\n{more}\n"
    )
}

#[test]
fn a_channel_is_told_at_addresses_or_in_a_folder() {
    let deliver = |more: &str| {
        let settings = load(&channel_with(more), &named(), &[("T", "hush")]).unwrap();
        settings.channels[&Name::new("shop").unwrap()].deliver.clone().unwrap()
    };
    let plain = deliver("url = \"https://a.example/b\"\ntoken_env = \"T\"\ntoken_header = \"X-Token\"");
    assert_eq!((plain.max_per_second, plain.pace().as_millis()), (20, 50));
    assert_eq!(plain.token, Some(("X-Token".to_owned(), Secret::new("hush".to_owned()))));
    assert!(!format!("{plain:?}").contains("hush"));
    let topics = deliver("urls = { \"a/b\" = \"http://127.0.0.1:80/x\" }");
    assert!(matches!(topics.to, DeliverTo::Addresses { url: None, by_topic } if by_topic.len() == 1));
    assert!(matches!(deliver("folder = \"/spool\"").to, DeliverTo::Folder(folder) if folder == Path::new("/spool")));
}

#[test]
fn an_address_that_leaves_the_machine_in_the_clear_or_is_none_is_refused_by_name() {
    for (more, field, rule) in [
        ("", "url", "give url"),
        ("url = \"https://a\"\nfolder = \"b\"", "url", "and one of them"),
        ("url = \"a.example\"", "url", "it must be an address"),
        ("url = \"http://a.example/b\"", "url", "goes over https"),
        ("url = \"https://user:pass@a.example/b\"", "url", "no user or password"),
        ("urls = { a = \"ftp://a.example\" }", "urls", "https://"),
        ("url = \"https://a\"\nmax_per_second = 0", "max_per_second", "between 1 and 1000"),
        ("url = \"https://a\"\ntoken_env = \"NONE\"", "token_env", "not set"),
        ("url = \"https://a\"\ntoken = \"t\"\ntoken_header = \"a b\"", "token_header", "the name of a header"),
    ] {
        let error = error(&channel_with(more));
        assert!(error.contains(&format!("channels.shop.deliver.{field}")) && error.contains(rule), "{more}: {error}");
    }
}

#[test]
fn a_plugin_has_its_hash_its_imports_and_its_limits() {
    let plugin = |more: &str| load(&format!("[plugins.p]\ncomponent = \"p.wasm\"\n{more}"), &named(), &[]);
    let settings = plugin("").unwrap();
    let own = &settings.plugins[&Name::new("p").unwrap()];
    assert_eq!(
        (own.terms.capabilities.len(), own.terms.limits, own.component.sha256.as_deref()),
        (4, Limits::DEFAULT, None)
    );
    assert!(!own.terms.reuse, "an instance serves one call unless the settings say otherwise");
    let hash = "AB".repeat(32);
    let set = format!(
        "sha256 = \"{hash}\"\ncapabilities = [\"log\"]\nreuse = true\n\
         limits = {{ fuel = 5, fuel_per_input_byte = 7, memory_kilobytes = 64 }}"
    );
    let settings = plugin(&set).unwrap();
    let own = &settings.plugins[&Name::new("p").unwrap()];
    assert_eq!(own.component.sha256.as_deref(), Some(hash.to_lowercase().as_str()));
    assert_eq!((own.terms.capabilities.len(), own.terms.limits.fuel, own.terms.limits.memory_bytes), (1, 5, 65_536));
    assert_eq!((own.terms.reuse, own.terms.limits.fuel_per_input_byte), (true, 7));
    for (more, what) in [
        ("sha256 = \"ab\"", "plugins.p.sha256"),
        ("capabilities = [\"files\"]", "files"),
        ("limits = { fuel = 0 }", "plugins.p.limits.fuel"),
        ("limits = { memory_kilobytes = 65537 }", "between 1 and 65536"),
        ("limits = { milliseconds = 30001 }", "plugins.p.limits.milliseconds"),
        ("limits = { disk = 1 }", "disk"),
    ] {
        let error = plugin(more).unwrap_err().to_string();
        assert!(error.contains(what), "{more}: {error}");
    }
}

#[test]
fn a_newer_component_is_tried_on_a_share_of_messages_or_in_the_shadow() {
    let canary = |more: &str| {
        let text = format!(
            "[pricing]\nplugin = \"q\"\n[plugins.q]\ncomponent = \"q.wasm\"\n\
             [plugins.p]\ncomponent = \"p.wasm\"\n{more}"
        );
        load(&text, &named(), &[]).map(|settings| settings.plugins[&Name::new("p").unwrap()].canary.clone().unwrap())
    };
    let section = "[plugins.p.canary]\ncomponent = \"new.wasm\"\n";
    let shared = canary(&format!("{section}share = 10")).unwrap();
    assert_eq!((shared.mode, shared.max_error_percent), (CanaryMode::Share(10), 5));
    assert!(shared.component.file.ends_with("new.wasm"));
    let shadow = canary(&format!("{section}shadow = true\nmax_error_percent = 0")).unwrap();
    assert_eq!((shadow.mode, shadow.max_error_percent), (CanaryMode::Shadow, 0));
    for (more, what) in [
        (section.to_owned(), "plugins.p.canary.share"),
        (format!("{section}share = 100"), "between 1 and 99"),
        (format!("{section}share = 10\nshadow = true"), "plugins.p.canary.share"),
        (format!("{section}share = 10\nmax_error_percent = 100"), "plugins.p.canary.max_error_percent"),
        (format!("{section}share = 10\nsha256 = \"x\""), "plugins.p.canary.sha256"),
        ("[plugins.q.canary]\ncomponent = \"r.wasm\"\nshadow = true".to_owned(), "a plugin that prices carts"),
    ] {
        let error = canary(&more).unwrap_err().to_string();
        assert!(error.contains(what), "{more}: {error}");
    }
}

#[test]
fn a_channel_hears_topics_and_is_told_over_them_at_the_nodes_broker_or_its_own() {
    let channel = |more: &str| {
        let text = format!(
            "[plugins.p]\ncomponent = \"p.wasm\"\n[channels.shop]\nplugin = \"p\"\nsignature = \"none\"\n{more}"
        );
        load(&text, &named(), &[]).map(|settings| settings.channels[&Name::new("shop").unwrap()].clone())
    };
    let own =
        channel("[channels.shop.subscribe]\ntopics = [\"a/#\"]\n[channels.shop.deliver]\ntopic = \"b/{id}\"").unwrap();
    let heard = own.subscribe.unwrap();
    assert_eq!((heard.topics, heard.topic, heard.link.is_none()), (vec!["a/#".to_owned()], None, true));
    assert!(matches!(own.deliver.unwrap().to, DeliverTo::Topic { link: None, topic } if topic == "b/{id}"));
    let other = "broker = \"mqtts://user:hush@a.example\"\nprotocol = \"5\"";
    let other = channel(&format!("[channels.shop.subscribe]\ntopics = [\"a\"]\ntopic = \"orders\"\n{other}")).unwrap();
    let link = other.subscribe.unwrap().link.unwrap();
    assert_eq!((link.broker.host(), link.protocol), ("a.example", crate::mqtt::Protocol::V5));
    let signed = "[plugins.p]\ncomponent = \"p.wasm\"\n[channels.shop]\nplugin = \"p\"\nsignature = \"hex\"\n\
                  secret = \"s\"\n[channels.shop.subscribe]\ntopics = [\"a\"]";
    assert!(error(signed).contains("carries no signature"), "{}", error(signed));
    for (more, what) in [
        ("[channels.shop.subscribe]\ntopics = []", "channels.shop.subscribe.topics"),
        ("[channels.shop.subscribe]\ntopics = [\"a\"]\nbroker = \"a\"", "channels.shop.subscribe.broker"),
        ("[channels.shop.subscribe]\ntopics = [\"a\"]\nca_file = \"c\"", "files of TLS"),
        ("[channels.shop.deliver]\ntopic = \"a\"\nfolder = \"b\"", "one of them"),
        ("[channels.shop.deliver]\nurl = \"https://a\"\nbroker = \"mqtt://a\"", "channels.shop.deliver.broker"),
        ("[channels.shop.deliver]\nurl = \"https://a\"\nprotocol = \"5\"", "channels.shop.deliver.protocol"),
        ("[channels.shop.deliver]\nfolder = \"b\"\nkey_file = \"k\"", "channels.shop.deliver.key_file"),
        ("[channels.shop.deliver]\ntopic = \"a/+\"", "channels.shop.deliver.topic"),
        ("[channels.shop.deliver]\ntopic = \"a\"\nsecret = \"s\"", "no place for a signature"),
    ] {
        let error = channel(more).unwrap_err().to_string();
        assert!(error.contains(what), "{more}: {error}");
    }
}

#[test]
fn what_is_filled_into_a_topic_is_not_looked_through_again() {
    let fill = |pattern: &str| fill_topic(pattern, "a/{id}", "7f", 12);
    assert_eq!(fill("shop/{topic}/{id}/{number}"), "shop/a/{id}/7f/12");
    assert_eq!(fill("{x}/{number}{id}{"), "{x}/127f{");
    assert_eq!(fill(""), "");
}
