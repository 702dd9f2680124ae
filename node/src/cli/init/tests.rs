use super::*;

#[test]
fn the_settings_of_a_new_node_are_read_back_as_they_were_given() {
    let folder = tempfile::tempdir().unwrap();
    let flags = Overrides {
        node: Some("till-7".to_owned()),
        location: Some("store-406".to_owned()),
        fleet: Some("north".to_owned()),
        region: Some("isles".to_owned()),
        time_zone: Some("Europe/Berlin".to_owned()),
        data: Some(folder.path().join("a \"folder\"")),
        ..Overrides::default()
    };
    let given = Settings::load(None, &flags).unwrap();
    let path = folder.path().join(SETTINGS);
    write(&path, &commented(&given)).unwrap();
    let read = Settings::load(Some(&path), &Overrides::default()).unwrap();
    assert_eq!(read.file.as_ref(), Some(&path));
    assert_eq!(format!("{:?}", Settings { file: None, ..read }), format!("{given:?}"));
    assert!(write(&path, "").is_err(), "it is never overwritten");
}
