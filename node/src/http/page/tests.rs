use axum::http::Uri;
use tillmesh_core::id::{Name, Sku};

use super::*;

fn params(query: &str) -> Params {
    Params::read(&format!("/v1/things?{query}").parse::<Uri>().unwrap()).unwrap()
}

fn ask(list: &str, query: &str) -> Result<Ask, Problem> {
    Ask::of(&mut params(query), list)
}

fn kind(result: Result<impl std::fmt::Debug, Problem>) -> String {
    result.unwrap_err().to_string().split(':').next().unwrap().to_owned()
}

#[test]
fn pages_follow_each_other_without_gap_or_overlap() {
    let all: Vec<String> = (0..25).map(|number| format!("{number:02}")).collect();
    let mut seen = Vec::new();
    let mut query = "limit=10".to_owned();
    loop {
        let ask = ask("things", &query).unwrap();
        let after = ask.after_id::<Sku>().unwrap().map(|sku| sku.to_string());
        let rest = all.iter().filter(|item| after.as_ref().is_none_or(|after| *item > after)).cloned();
        let page = ask.page(rest, Clone::clone);
        assert!(page.items.len() <= 10);
        seen.extend(page.items);
        match page.next_cursor {
            Some(cursor) => query = format!("limit=10&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, all);
}

#[test]
fn a_page_that_is_just_full_is_the_last() {
    let page = ask("things", "limit=3").unwrap().page(["a", "b", "c"].into_iter(), |item| (*item).to_owned());
    assert_eq!((page.items.len(), page.next_cursor), (3, None));
}

#[test]
fn a_cursor_of_another_list_or_filter_is_refused() {
    let cursor = ask("stock a", "").unwrap().cursor("a/1");
    assert!(ask("stock a", &format!("cursor={cursor}")).is_ok());
    assert_eq!(kind(ask("stock b", &format!("cursor={cursor}"))), "invalid-cursor");
    for broken in ["", "x", "%21%21", &cursor[1..]] {
        assert_eq!(kind(ask("stock a", &format!("cursor={broken}"))), "invalid-cursor", "{broken:?}");
    }
}

#[test]
fn a_cursor_whose_key_is_none_is_refused() {
    let cursor = ask("stock", "").unwrap().cursor("no pair");
    let ask = ask("stock", &format!("cursor={cursor}")).unwrap();
    assert_eq!(kind(ask.after_pair::<Name, Sku>()), "invalid-cursor");
    assert_eq!(kind(ask.after_id::<Name>()), "invalid-cursor");
}

#[test]
fn a_limit_has_a_range() {
    for limit in ["0", "1001", "-1", "x", "1.5", "99999999999999999999"] {
        assert_eq!(kind(ask("things", &format!("limit={limit}"))), "invalid-parameter", "{limit}");
    }
    assert_eq!(ask("things", "limit=1000").unwrap().limit, 1_000);
    assert_eq!(ask("things", "").unwrap().limit, 100);
}
