use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// A PUBLISH with QoS 1 on the topic `t`.
fn publish(packet_id: u16, payload: &[u8]) -> Vec<u8> {
    let (header, len) = fixed_header(0x32, 2 + 1 + 2 + payload.len());
    let mut packet = header[..len].to_vec();
    packet.extend_from_slice(&[0, 1, b't']);
    packet.extend_from_slice(&packet_id.to_be_bytes());
    packet.extend_from_slice(payload);
    packet
}

async fn through(sent: Vec<u8>, piece: usize) -> Vec<u8> {
    let (mut near, far) = tokio::io::duplex(piece);
    let writer = tokio::spawn(async move { near.write_all(&sent).await });
    let mut received = Vec::new();
    CappedStream::new(far).read_to_end(&mut received).await.unwrap();
    writer.await.unwrap().unwrap();
    received
}

#[tokio::test]
async fn what_fits_passes_unchanged_however_it_is_cut_up() {
    let mut sent = vec![0x20, 2, 0, 0, 0xd0, 0];
    for size in [0, 1, 100, 127, 128, 5000, MAX_PAYLOAD, MAX_REMAINING - 5] {
        sent.extend(publish(7, &vec![size as u8; size]));
    }
    sent.extend([0xd0, 0]);
    for piece in [1, 2, 3, 1000, 1 << 20] {
        assert_eq!(through(sent.clone(), piece).await, sent, "in pieces of {piece}");
    }
}

#[tokio::test]
async fn an_oversized_publish_is_cut_and_what_follows_is_untouched() {
    for size in [MAX_REMAINING - 4, MAX_REMAINING, 1_000_000] {
        let mut sent = publish(1, &vec![1; size]);
        sent.extend(publish(2, b"after"));
        let received = through(sent, 777).await;

        let cut = publish(1, &vec![1; MAX_REMAINING - 5]);
        assert!(received[..cut.len()] == cut, "a payload of {size} was not cut to {}", MAX_REMAINING - 5);
        assert_eq!(received[cut.len()..], publish(2, b"after"));
    }
}

#[tokio::test]
async fn a_packet_that_is_no_publish_passes_whole() {
    let (header, len) = fixed_header(0x90, 300_000);
    let mut sent = header[..len].to_vec();
    sent.extend(vec![0; 300_000]);
    assert!(through(sent.clone(), 1 << 20).await == sent);
}

#[tokio::test]
async fn what_is_not_mqtt_passes_as_it_is() {
    let sent = [vec![0x32, 0xff, 0xff, 0xff, 0xff, 0xff], vec![9; 200_000]].concat();
    assert!(through(sent.clone(), 1 << 20).await == sent);
}
