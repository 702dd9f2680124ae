use std::io::{self, Read};

use super::{MAX_LENGTH, Packet, Role};

/// A stream that gives one byte at a time, as a slow line may.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.0.len().min(into.len()).min(1);
        into[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn message(quality: u8, id: u16, payload: &[u8]) -> Packet {
    let mut body = b"\x00\x03a/b".to_vec();
    if quality > 0 {
        body.extend(id.to_be_bytes());
    }
    body.extend(payload);
    Packet::new(0x30 | quality << 1, &body)
}

fn read_all(mut bytes: &[u8]) -> io::Result<Vec<Packet>> {
    let mut packets = Vec::new();
    while let Some(packet) = Packet::read(&mut bytes)? {
        packets.push(packet);
    }
    Ok(packets)
}

#[test]
fn packets_that_come_in_one_piece_or_byte_by_byte_are_taken_apart_alike() {
    let sent = [
        Packet::connect("till"),
        message(1, 7, &[9; 127]),
        message(0, 0, &[]),
        message(1, 8, &[9; 20_000]),
        Packet::acknowledgement(65_535),
        Packet::disconnect(),
    ];
    let bytes: Vec<u8> = sent.iter().flat_map(Packet::bytes).copied().collect();
    assert_eq!(read_all(&bytes).unwrap(), sent);
    let mut slow = Trickle(&bytes);
    for packet in &sent {
        assert_eq!(Packet::read(&mut slow).unwrap().as_ref(), Some(packet));
    }
    assert_eq!(Packet::read(&mut slow).unwrap(), None);
}

#[test]
fn lengths_are_written_as_the_standard_does_at_each_of_its_borders() {
    let borders: [(usize, &[u8]); 6] = [
        (0, &[0x00]),
        (127, &[0x7f]),
        (128, &[0x80, 0x01]),
        (16_383, &[0xff, 0x7f]),
        (16_384, &[0x80, 0x80, 0x01]),
        (2_097_152, &[0x80, 0x80, 0x80, 0x01]),
    ];
    for (length, written) in borders {
        let packet = Packet::new(0xc0, &vec![0; length]);
        assert_eq!(&packet.bytes()[1..=written.len()], written, "{length}");
        assert_eq!(read_all(packet.bytes()).unwrap(), [packet]);
    }
}

#[test]
fn a_packet_says_what_a_link_does_with_it() {
    assert_eq!(message(0, 0, b"x").role(), Role::Unacknowledged);
    assert_eq!(message(1, 513, b"x").role(), Role::Message(513));
    assert_eq!(message(2, 513, b"x").role(), Role::Other);
    assert_eq!(Packet::acknowledgement(258).role(), Role::Acknowledgement(258));
    assert_eq!(Packet::connect("till").role(), Role::Other);
}

#[test]
fn another_packet_id_changes_two_bytes_and_nothing_else() {
    let (before, after) = (message(1, 7, b"\x00\x07 and the rest"), message(1, 8, b"\x00\x07 and the rest"));
    assert_eq!(before.under(8), after);
    assert_eq!(after.under(8), after);
}

#[test]
fn only_a_broker_that_accepts_is_a_welcome() {
    assert!(Packet::new(0x20, &[0, 0]).is_welcome());
    assert!(!Packet::new(0x20, &[0, 5]).is_welcome());
    assert!(!Packet::new(0x20, &[]).is_welcome());
    assert!(!message(1, 1, &[0, 0]).is_welcome());
}

#[test]
fn what_is_no_packet_is_refused() {
    let refused = |bytes: &[u8]| read_all(bytes).unwrap_err().kind();
    assert_eq!(refused(&[0x30, 0xff, 0xff, 0xff, 0xff]), io::ErrorKind::InvalidData);
    assert_eq!(refused(&Packet::new(0x30, &vec![0; MAX_LENGTH + 1]).bytes()[..5]), io::ErrorKind::InvalidData);
    assert_eq!(refused(&[0x40, 1, 0]), io::ErrorKind::InvalidData);
    assert_eq!(refused(&[0x32, 1, 0]), io::ErrorKind::InvalidData);
    assert_eq!(refused(&[0x32, 4, 0, 1, b'a', 0]), io::ErrorKind::InvalidData);
    assert_eq!(refused(&[0x30, 4, 0, 1]), io::ErrorKind::UnexpectedEof);
}
