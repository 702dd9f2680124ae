use proptest::prelude::*;

use super::*;

#[test]
fn names_take_only_what_every_broker_carries() {
    assert!(Name::new("store-406_A").is_ok());
    for bad in ["", "a/b", "a.b", "a b", "ä", "a+", "#"] {
        assert!(Name::new(bad).is_err(), "{bad:?} was taken");
    }
    assert!(Name::new(&"x".repeat(Name::MAX_LEN)).is_ok());
    assert!(Name::new(&"x".repeat(Name::MAX_LEN + 1)).is_err());
}

#[test]
fn skus_keep_case_and_inner_space_but_no_edges_or_control_characters() {
    assert_ne!(Sku::new("85123a").unwrap(), Sku::new("85123A").unwrap());
    assert!(Sku::new("BANK CHARGES").is_ok());
    for bad in [" 1", "1 ", "a\nb", "a\0b", ""] {
        assert!(Sku::new(bad).is_err(), "{bad:?} was taken");
    }
}

#[test]
fn an_id_says_what_it_is_and_which_rule_it_broke() {
    let error = Name::new("till 1").unwrap_err().to_string();
    assert_eq!(error, "\"till 1\" is no name: ' ' is not one of A-Z, a-z, 0-9, _ and -");
}

#[test]
fn ids_of_bytes_read_back_what_they_print() {
    let id = EventId::of_channel_message(&Name::new("shopify").unwrap(), "42", 0);
    assert_eq!(id.to_string().parse::<EventId>().unwrap(), id);
    assert!("zz".parse::<EventId>().is_err());
}

#[test]
fn parts_of_a_hash_do_not_run_together() {
    let name = |text| Name::new(text).unwrap();
    let of_key = |node, key| EventId::under_client_key(&name(node), key);
    assert_ne!(of_key("a", "bc"), of_key("ab", "c"));
    assert_ne!(of_key("a", "x"), EventId::of_channel_message(&name("a"), "x", 0));
}

#[test]
fn a_writer_reads_back_what_it_prints_though_node_names_hold_dashes() {
    let writer = Writer { node: Name::new("store-406-till-1").unwrap(), epoch: Epoch::from_bytes([7; 10]) };
    assert_eq!(writer.to_string().parse::<Writer>().unwrap(), writer);
}

proptest! {
    /// Few letters and lengths on both sides of a head, so that texts often begin alike.
    #[test]
    fn texts_order_as_their_bytes_do(a in "[!aé]{1,12}", b in "[!aé]{1,12}") {
        let (left, right) = (Sku::new(&a).unwrap(), Sku::new(&b).unwrap());
        prop_assert_eq!(left.cmp(&right), a.cmp(&b));
        prop_assert_eq!(left == right, a == b);
    }
}
