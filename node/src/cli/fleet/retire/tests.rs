use tillmesh_core::id::{ChangeHash, DocumentHash};

use super::*;

fn counted_of(document: u8, changes: u16) -> Counted {
    let hash = |number: u16| ChangeHash::hash_of("test", &[&[document], &number.to_be_bytes()]);
    Counted { document: DocumentHash::from_bytes([document; 16]), changes: (0..changes).map(hash).collect() }
}

#[test]
fn what_counts_is_cut_into_statements_that_each_have_room_for_their_part() {
    let all: Vec<_> = [(1, 600), (2, 99), (3, 2), (4, 1_500)].map(|(of, changes)| counted_of(of, changes)).into();
    let parts = parts(all.clone());
    let size = |part: &Vec<Counted>| part.iter().map(|counted| counted.changes.len()).sum::<usize>();
    assert!(parts.iter().all(|part| (1..=MAX_COUNTED).contains(&size(part))), "{:?}", parts.iter().map(size));
    let of = |whole: &[Counted], document| -> Vec<_> {
        whole
            .iter()
            .filter(|counted| counted.document == document)
            .flat_map(|counted| counted.changes.clone())
            .collect()
    };
    let joined = parts.concat();
    assert!(all.iter().all(|counted| of(&joined, counted.document) == counted.changes));
}

#[test]
fn a_retirement_that_names_nothing_is_one_statement() {
    assert_eq!(parts(Vec::new()), [Vec::new()]);
}

fn node(key: &str, role: Option<&str>, retired_at: Option<&str>) -> serde_json::Value {
    json!({ "node": "till", "key": key, "role": role, "retired_at": retired_at })
}

#[test]
fn a_name_means_the_node_that_is_not_retired_yet_and_one_that_is_only_where_that_can_change_something() {
    let (new, old) = (node("new", Some("store"), None), node("old", Some("store"), Some("2026-01-01")));
    let both = [old.clone(), new.clone()];
    assert_eq!(member(&both, "till", false).unwrap(), Some(&new));
    assert_eq!(member(&both, "old", true).unwrap(), Some(&old));
    let refused = member(&both, "old", false).unwrap_err().to_string();
    assert!(refused.contains("retired 2026-01-01 already"), "{refused}");
    assert!(member(&[new.clone(), new], "till", false).is_err());
    let stranger = [node("key", None, Some("2026-01-01"))];
    assert_eq!(member(&stranger, "till", false).unwrap(), Some(&stranger[0]));
    assert_eq!(member(&stranger, "other", false).unwrap(), None);
}
