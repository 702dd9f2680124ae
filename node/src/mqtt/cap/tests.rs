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

        let cut = publish(1, &vec![0; MAX_REMAINING - 5]);
        assert!(received[..cut.len()] == cut, "a payload of {size} was not cut to {}", MAX_REMAINING - 5);
        assert_eq!(received[cut.len()..], publish(2, b"after"));
    }
}

#[tokio::test]
async fn the_longest_topic_leaves_a_payload_above_the_cap_and_without_quality_there_is_no_packet_id() {
    let topic = vec![b't'; 65_535];
    for (first, packet_id) in [(0x30, &[][..]), (0x34, &[0, 9][..])] {
        let head = [&[0xff, 0xff], topic.as_slice(), packet_id].concat();
        let packet = |size: usize, byte: u8| {
            let (header, len) = fixed_header(first, head.len() + size);
            [&header[..len], &head, &vec![byte; size]].concat()
        };
        let received = through([packet(500_000, 1), publish(2, b"after")].concat(), 1 << 16).await;
        let kept = MAX_REMAINING - head.len();
        // One of them says in MQTT 5 that there are no properties.
        assert!(kept > MAX_PAYLOAD + 1);
        assert!(received == [packet(kept, 0), publish(2, b"after")].concat(), "{first:x}");
    }
}

#[tokio::test]
async fn a_packet_that_is_no_publish_and_as_long_is_an_error() {
    let (header, len) = fixed_header(0x90, 300_000);
    let (mut near, far) = tokio::io::duplex(1 << 20);
    near.write_all(&header[..len]).await.unwrap();
    let error = CappedStream::new(far).read_u8().await.unwrap_err();
    assert!(error.to_string().contains("300000 bytes"), "{error}");
}

#[tokio::test]
async fn what_is_not_mqtt_passes_as_it_is() {
    let sent = [vec![0x32, 0xff, 0xff, 0xff, 0xff, 0xff], vec![9; 200_000]].concat();
    assert!(through(sent.clone(), 1 << 20).await == sent);
}
