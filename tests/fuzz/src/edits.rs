//! Edits: how a real message becomes another one.

/// What one edit does, where, and with which byte.
pub type Edit = (u8, u16, u8);

/// Which real message is edited, and how.
pub type Edited = (u16, Vec<Edit>);

/// What lengths and counts are replaced by: CBOR's ways to say a large number, and its openings without end.
const LARGE: [&[u8]; 8] = [
    &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0x1b, 0x80, 0, 0, 0, 0, 0, 0, 0],
    &[0x9a, 0xff, 0xff, 0xff, 0xff],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0x9f],
    &[0x5f],
    &[0xbf],
];

/// The message that these edits make of one of several.
pub fn edited<T: AsRef<[u8]>>(real: &[T], (which, edits): &Edited) -> Vec<u8> {
    let pick = |number: usize| real[number % real.len()].as_ref();
    let mut bytes = pick(usize::from(*which)).to_vec();
    for (what, place, byte) in edits {
        let at = usize::from(*place) % (bytes.len() + 1);
        let to = (at + usize::from(*byte)).min(bytes.len());
        match what % 8 {
            0 if at < bytes.len() => bytes[at] = *byte,
            1 if at < bytes.len() => bytes[at] ^= 1 << (byte % 8),
            2 => bytes.insert(at, *byte),
            3 => drop(bytes.drain(at..to)),
            4 => bytes.truncate(at),
            5 => drop(bytes.splice(at..at, bytes[at..to].to_vec())),
            6 => drop(bytes.splice(at..at, LARGE[usize::from(*byte) % LARGE.len()].to_vec())),
            _ => {
                let other = pick(usize::from(*byte));
                let from = usize::from(*place) % (other.len() + 1);
                bytes.splice(at..at, other[from..].iter().take(64).copied());
            }
        }
    }
    bytes
}
