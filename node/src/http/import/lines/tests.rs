use super::*;

fn lines_of(chunks: &[&[u8]]) -> Lines {
    let chunks: Vec<_> = chunks.iter().map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect();
    Lines::new(Body::from_stream(futures_util::stream::iter(chunks)))
}

async fn read(chunks: &[&[u8]]) -> Vec<Line> {
    let mut lines = lines_of(chunks);
    let mut found = Vec::new();
    while let Some(line) = lines.next().await.unwrap() {
        found.push(line);
    }
    found
}

fn text(number: u64, text: &'static str) -> Line {
    Line::Text(number, Bytes::from_static(text.as_bytes()))
}

#[tokio::test]
async fn lines_are_cut_wherever_chunks_end() {
    let expected = [text(1, "one"), text(2, "two"), text(3, "three")];
    assert_eq!(read(&[b"one\ntwo\nthree\n"]).await, expected);
    assert_eq!(read(&[b"on", b"e\n", b"t", b"wo", b"\nthree"]).await, expected);
    assert_eq!(read(&[b"one\r\ntwo\r\n", b" three "]).await, expected);
}

#[tokio::test]
async fn empty_lines_are_counted_and_not_given() {
    assert_eq!(read(&[b"\n\none\n  \n\ntwo"]).await, [text(3, "one"), text(6, "two")]);
    assert_eq!(read(&[]).await, []);
}

#[tokio::test]
async fn a_line_that_is_too_long_is_left_out_and_the_next_one_read() {
    let long = vec![b'x'; MAX_LINE + 1];
    assert_eq!(read(&[b"a\n", &long, &long, b"\nb"]).await, [text(1, "a"), Line::TooLong(2), text(3, "b")]);
    assert_eq!(read(&[b"a\n", &long]).await, [text(1, "a"), Line::TooLong(2)]);
    let whole = [&long[..], b"\nb\n"].concat();
    assert_eq!(read(&[&whole]).await, [Line::TooLong(1), text(2, "b")]);
}

#[tokio::test]
async fn a_long_line_is_never_held() {
    let chunk = vec![b'x'; 64 * 1024];
    let chunks: Vec<&[u8]> = (0..100).map(|_| chunk.as_slice()).collect();
    let mut lines = lines_of(&chunks);
    assert_eq!(lines.next().await.unwrap(), Some(Line::TooLong(1)));
    assert!(lines.buffer.capacity() <= 4 * MAX_LINE, "{} bytes are held", lines.buffer.capacity());
}

#[tokio::test]
async fn a_body_that_breaks_off_loses_only_its_last_line() {
    let broken = [Ok(b"one\ntw".to_vec()), Err(std::io::Error::other("gone"))];
    let mut lines = Lines::new(Body::from_stream(futures_util::stream::iter(broken)));
    assert_eq!(lines.next().await.unwrap(), Some(text(1, "one")));
    assert!(lines.next().await.is_err());
}
