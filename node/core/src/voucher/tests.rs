use proptest::prelude::*;

use super::*;
use crate::tests::name;

fn code(text: &str) -> VoucherCode {
    VoucherCode::new(text).unwrap()
}

fn usd() -> Currency {
    Currency::new("USD").unwrap()
}

#[test]
fn a_gift_card_is_found_however_its_code_is_typed_and_a_coupon_as_promotions_find_it() {
    let gift_card = |text: &str| sku_of(&name("fleet"), VoucherKind::GiftCard(usd()), &code(text));
    let printed = gift_card("K7QM-9X20-1ABC-DEFG-HJKM");
    assert!(printed.is_some());
    assert_eq!(gift_card(" k7qm 9x2o lABCdefghjkm "), printed);
    assert_ne!(gift_card("K7QM-9X20-1ABC-DEFG-HJKN"), printed);
    let coupon = |text: &str| sku_of(&name("fleet"), VoucherKind::Coupon, &code(text));
    assert_eq!(coupon("summer10"), coupon("SUMMER10"));
    assert_ne!(coupon("SUMMER-10"), coupon("SUMMER10"));
    assert_ne!(coupon("SUMMERIO"), coupon("SUMMER10"));
}

#[test]
fn a_sku_says_what_it_is_the_voucher_of_and_hides_the_code() {
    let card = code("1234-5678-9012-3456");
    for kind in [VoucherKind::Coupon, VoucherKind::GiftCard(usd())] {
        let sku = sku_of(&name("fleet"), kind, &card).unwrap();
        assert_eq!(kind_of(&sku), Some(kind));
        assert!(!sku.as_str().contains("3456"), "{sku}");
        assert_ne!(sku_of(&name("other"), kind, &card), Some(sku));
    }
    for other in ["voucher-10", "voucher-0123456789abcdef0123456789abcdef-XYZ", "milk", "voucher-uses"] {
        assert_eq!(kind_of(&Sku::new(other).unwrap()), None, "{other}");
    }
}

#[test]
fn a_code_too_short_to_be_safe_is_no_gift_card() {
    assert_eq!(sku_of(&name("fleet"), VoucherKind::GiftCard(usd()), &code("SUMMER10")), None);
}

#[test]
fn what_is_no_code_is_refused_without_being_repeated() {
    for text in ["", "  ", "a\u{301}b", "a/b", &"x".repeat(65)] {
        let error = VoucherCode::new(text).unwrap_err();
        assert_eq!(error.value, "");
    }
}

#[test]
fn a_code_shows_four_characters_at_most_and_only_those_that_are_on_the_card() {
    let shown = |text: &str| {
        let code = code(text);
        assert_eq!(format!("{code:?}"), code.ending());
        code.ending()
    };
    assert_eq!(shown("K7QM-9X20-1ABC-DEFG-HJKM"), "****HJKM");
    assert_eq!(shown("6035 7101 2345 8010"), "****8010");
    let too_short = ["ONCE", "A", "SUMMER-10", "1234-5678-9012-345"];
    assert!(too_short.iter().all(|text| shown(text) == "****"), "four of these are nearly all of them");
    // On the card it may say 0 or O, 1 or L.
    for text in ["ABCD-EFGH-JKMN-HOLO", "ABCD-EFGH-JKMN-H010", "abcd efgh jkmn pq1s"] {
        assert_eq!(shown(text), "****", "{text}");
    }
    assert_eq!(shown("HOLO-EFGH-JKMN-PQRS"), "****PQRS");
    assert_eq!(code("K7QM-9X20-1ABC-DEFG-HJKM").grouped(), "K7QM-9X20-1ABC-DEFG-HJKM");
}

#[test]
fn what_was_said_last_holds_and_of_the_same_time_what_all_nodes_agree_on() {
    let terms = |millis, until| VoucherTerms {
        issued_at: Timestamp::from_millis(millis),
        valid_until: Some(Timestamp::from_millis(until)),
        promotion: None,
    };
    let id = |number| EventId::from_bytes([number; 16]);
    let row = VoucherRow { issues: [(id(9), terms(1, 5)), (id(1), terms(2, 6)), (id(2), terms(2, 7))].into() };
    assert_eq!(row.terms(), Some(&terms(2, 7)));
}

proptest! {
    #[test]
    fn a_made_code_is_not_mistyped_and_one_with_a_wrong_or_swapped_character_is(
        chance in prop::array::uniform19(any::<u8>()),
        place in 0..CODE_LEN,
        other in 0..CODE_LEN,
        letter in 0..32_usize,
    ) {
        let made = VoucherCode::made_of(&chance);
        prop_assert!(!made.is_mistyped());
        let typed_wrong = made.grouped().replace('0', "o").replace('1', "l");
        let printed = made.grouped()[made.grouped().len() - 4..].to_owned();
        prop_assert_eq!(code(&typed_wrong).ending(), format!("****{printed}"), "nodes print no O and no L");
        prop_assert!(!code(&made.grouped().to_lowercase()).is_mistyped());
        let mut letters: Vec<char> = made.as_gift_card().unwrap().chars().collect();
        let letter = char::from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[letter]);
        let (before, after) = (std::mem::replace(&mut letters[place], letter), letter);
        prop_assert_eq!(code(&letters.iter().collect::<String>()).is_mistyped(), before != after);
        letters[place] = before;
        letters.swap(place, other);
        prop_assert_eq!(code(&letters.iter().collect::<String>()).is_mistyped(), letters[place] != before);
    }
}
