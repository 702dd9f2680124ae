use proptest::prelude::*;

use super::*;

fn topic(text: &str) -> Topic {
    text.parse().unwrap()
}

#[test]
fn a_topic_is_written_as_documented() {
    let topic = topic("tm/1/acme/stock-leeds_2/changes/till-1");
    assert_eq!((topic.fleet.as_str(), topic.scope.to_string()), ("acme", "stock-leeds_2".to_owned()));
    assert_eq!((topic.kind, topic.node.as_str()), (Kind::Changes, "till-1"));
}

#[test]
fn the_longest_topic_fits() {
    let name = "n".repeat(Name::MAX_LEN);
    let longest = format!("tm/1/{name}/carts-{name}/response/{name}");
    assert!(longest.len() <= MAX_TOPIC);
    assert_eq!(longest.matches('/').count(), 5);
    assert_eq!(topic(&longest).to_string(), longest);
}

#[test]
fn everything_else_is_refused() {
    let long = "n".repeat(Name::MAX_LEN + 1);
    let texts = [
        String::new(),
        "tm".into(),
        "tm/1".into(),
        "tm/1/acme/catalog/changes".into(),
        "tm/1/acme/catalog/changes/till/".into(),
        "tm/1/acme/catalog/changes/till/more".into(),
        "/tm/1/acme/catalog/changes/till".into(),
        "tm/2/acme/catalog/changes/till".into(),
        "tm/10/acme/catalog/changes/till".into(),
        "tm/1/acme/catalog/Changes/till".into(),
        "tm/1/acme/catalog/sales/till".into(),
        "tm/1//catalog/changes/till".into(),
        "tm/1/acme//changes/till".into(),
        "tm/1/acme/catalog//till".into(),
        "tm/1/acme/catalog/changes/".into(),
        "tm/1/+/catalog/changes/till".into(),
        "tm/1/acme/#/changes/till".into(),
        "tm/1/acme/cata.log/changes/till".into(),
        "tm/1/acme/cata log/changes/till".into(),
        "tm/1/acme/catalog/changes/t\u{ef}ll".into(),
        "tm/1/acme/catalog/changes/till\0".into(),
        format!("tm/1/{long}/catalog/changes/till"),
        format!("tm/1/acme/catalog/changes/{long}"),
        format!("tm/1/acme/stock-{long}/changes/till"),
        "tm/1/acme/shelf-leeds/changes/till".into(),
    ];
    for text in texts {
        assert!(text.parse::<Topic>().is_err(), "{text:?} was taken");
    }
}

#[test]
fn an_error_carries_an_excerpt_only() {
    let error = "x".repeat(60_000).parse::<Topic>().unwrap_err();
    assert!(error.to_string().len() < 300);
}

/// Whether an MQTT filter of whole-level wildcards takes a topic.
fn matches(filter: &str, topic: &str) -> bool {
    let (filter, topic): (Vec<_>, Vec<_>) = (filter.split('/').collect(), topic.split('/').collect());
    filter.len() == topic.len() && filter.iter().zip(&topic).all(|(filter, level)| *filter == "+" || filter == level)
}

#[test]
fn a_node_subscribes_to_what_is_for_all_and_to_what_is_for_itself() {
    let (fleet, node) = (Name::new("acme").unwrap(), Name::new("till").unwrap());
    let filters = subscriptions(&fleet, &node, None);
    assert!(filters.len() <= crate::mqtt::MAX_SUBSCRIPTIONS);
    let hears = |topic: &str| filters.iter().filter(|filter| matches(filter, topic)).count();
    for heard in ["catalog/changes/web", "stock-a/digest/web", "fleet/presence/web", "catalog/request/till"] {
        assert_eq!(hears(&format!("tm/1/acme/{heard}")), 1, "{heard}");
    }
    for unheard in ["catalog/request/web", "catalog/response/web"] {
        assert_eq!(hears(&format!("tm/1/acme/{unheard}")), 0, "{unheard}");
    }
    assert_eq!(hears("tm/1/other/catalog/changes/web"), 0);
}

#[test]
fn a_node_of_few_scopes_subscribes_to_those_and_one_of_many_to_all() {
    let (fleet, node) = (Name::new("acme").unwrap(), Name::new("till").unwrap());
    let scopes = |count| (0..count).map(|n| format!("stock-{n}").parse().unwrap()).collect::<Vec<Scope>>();
    for (count, hears_others) in [(2, false), (MAX_LISTED_SCOPES, false), (MAX_LISTED_SCOPES + 1, true)] {
        let filters = subscriptions(&fleet, &node, Some(&scopes(count)));
        assert!(filters.len() <= MAX_SUBSCRIPTIONS, "{count}: {}", filters.len());
        let hears = |topic: &str| filters.iter().filter(|filter| matches(filter, topic)).count();
        for heard in ["stock-1/changes/web", "stock-0/digest/web", "fleet/presence/web", "stock-9/request/till"] {
            assert_eq!(hears(&format!("tm/1/acme/{heard}")), 1, "{count}: {heard}");
        }
        assert_eq!(hears("tm/1/acme/catalog/changes/web") > 0, hears_others, "{count}");
    }
}

proptest! {
    #[test]
    fn a_topic_survives_writing_and_reading(
        fleet in "[A-Za-z0-9_-]{1,48}",
        location in "[A-Za-z0-9_-]{1,48}",
        kind in prop::sample::select(Kind::ALL.to_vec()),
        node in "[A-Za-z0-9_-]{1,48}",
    ) {
        let written = Topic {
            fleet: Name::new(&fleet).unwrap(),
            scope: Scope::Stock(Name::new(&location).unwrap()),
            kind,
            node: Name::new(&node).unwrap(),
        };
        prop_assert!(written.to_string().len() <= MAX_TOPIC);
        prop_assert_eq!(topic(&written.to_string()), written);
    }

    #[test]
    fn whatever_is_taken_is_written_back_to_the_letter(text in "tm/1/[a-z/+#. \u{ef}-]{0,30}|.{0,60}") {
        if let Ok(read) = text.parse::<Topic>() {
            prop_assert_eq!(read.to_string(), text);
        }
    }
}
