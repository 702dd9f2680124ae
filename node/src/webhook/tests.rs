use super::*;

#[test]
fn an_answer_says_whether_it_is_worth_another_attempt() {
    let of = |status: u16, after| answer_of(StatusCode::from_u16(status).unwrap(), after);
    assert_eq!(of(200, None), Answer::Taken);
    assert_eq!(of(204, Some(5)), Answer::Taken);
    for refused in [400, 404, 409, 410, 413, 422] {
        assert!(matches!(of(refused, None), Answer::Refused(_)), "{refused}");
    }
    let second = Some(Duration::from_secs(1));
    assert!(matches!(of(429, Some(1)), Answer::Later { failed: false, after, .. } if after == second));
    for closed in [301, 401, 403, 502, 503] {
        assert!(matches!(of(closed, None), Answer::Later { failed: false, after: None, .. }), "{closed}");
    }
    assert!(matches!(of(500, None), Answer::Later { failed: true, after: None, .. }));
    assert!(matches!(of(500, Some(u64::MAX)), Answer::Later { after, .. } if after == Some(LONGEST_WAIT)));
}

#[test]
fn an_address_where_nobody_listens_is_tried_again_later() {
    let endpoint = Endpoint::new(None, &[]).unwrap();
    let post = Post { url: "http://127.0.0.1:1/", headers: &[("x-topic", "a")], body: b"{}" };
    assert!(matches!(endpoint.post(&post), Answer::Later { failed: false, .. }));
}

#[test]
fn a_file_without_certificates_is_refused_by_name() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Endpoint::new(Some(file.path()), &[]).unwrap_err().to_string();
    assert!(error.contains("there is none in it"), "{error}");
    assert!(error.contains(&file.path().display().to_string()), "{error}");
}

#[test]
fn an_address_that_is_none_is_refused_before_anything_is_sent() {
    for bad in ["https://shop example/x", "/hooks", "https://"] {
        let error = Endpoint::new(None, &[bad]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{bad} is no address")), "{error}");
    }
    assert!(Endpoint::new(None, &["https://shop.example/x?y=1", "http://127.0.0.1:1"]).is_ok());
}
