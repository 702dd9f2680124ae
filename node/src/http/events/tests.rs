use super::*;

#[test]
fn an_id_is_a_place_and_reads_back() {
    let place = Place { position: 7, slot: 1, index: 12 };
    assert_eq!(place.to_string(), "7.1.12");
    assert_eq!("7.1.12".parse::<Place>(), Ok(place));
}

#[test]
fn what_is_no_place_is_refused() {
    for text in
        ["", "7", "7.1", "7.1.12.0", "7.1.x", "-1.0.0", "+1.0.0", "7.70000.0", " 7.1.1", "99999999999999999999.0.0"]
    {
        assert!(text.parse::<Place>().is_err(), "{text:?}");
    }
}

#[test]
fn places_are_ordered_as_the_log_is() {
    let places = ["1.0.0", "1.0.1", "1.1.0", "2.0.0", "10.0.0"].map(|text| text.parse::<Place>().unwrap());
    assert!(places.is_sorted());
}
