use super::*;

#[test]
fn the_bounds_of_a_location_hold_every_sku() {
    let location = Name::new("store-1").unwrap();
    let (first, last) = (first_of(&location).unwrap(), last_of(&location).unwrap());
    for sku in ["!", "0", "~", "\u{e9}", "\u{1f34f}", &"\u{10ffff}".repeat(16)] {
        let key = (location.clone(), Sku::new(sku).unwrap());
        assert!(first <= key && key <= last, "{sku}");
    }
    assert!(last < (Name::new("store-10").unwrap(), Sku::new("!").unwrap()));
}
