//! A raw Automerge change taken apart, altered and put together again under a checksum that holds, so that it gets as
//! far as it can.

use sha2::{Digest as _, Sha256};
use tillmesh_sim::Dice;

/// What a chunk of an uncompressed change begins with; its checksum follows.
const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
/// The type of such a chunk.
const CHANGE: u8 = 1;
/// Where magic, checksum and type end.
const HEAD: usize = 9;
const HASH: usize = 32;
/// Numbers at which arithmetic ends.
const NUMBERS: [u64; 12] =
    [0, 1, 2, 63, 64, 127, 1 << 31, u32::MAX as u64, 1 << 32, 1 << 62, i64::MAX as u64, u64::MAX];
/// The specifications of the columns that a change may have.
const COLUMNS: [u64; 14] = [0x01, 0x02, 0x11, 0x13, 0x15, 0x34, 0x42, 0x56, 0x57, 0x70, 0x71, 0x73, 0x94, 0xa5];

/// A change in its parts.
#[derive(Debug, Clone)]
struct Chunk {
    dependencies: Vec<Vec<u8>>,
    actor: Vec<u8>,
    sequence: u64,
    first: u64,
    time: u64,
    message: Vec<u8>,
    actors: Vec<Vec<u8>>,
    columns: Vec<(u64, Vec<u8>)>,
    extra: Vec<u8>,
}

/// Alters a change in one to three places; `other` lends parts of its own.
pub fn mutated(dice: &mut Dice, change: &[u8], other: &[u8]) -> Vec<u8> {
    let mut body = body_of(change).expect("an honest change");
    let mut chunk = Chunk::read(&body).expect("an honest change");
    let other = body_of(other).and_then(|body| Chunk::read(&body)).expect("an honest change");
    if dice.percent(70) {
        for _ in 0..=dice.below(3) {
            chunk.alter(dice, &other);
        }
        body = chunk.to_bytes();
    }
    if dice.percent(40) {
        for _ in 0..=dice.below(3) {
            edit(dice, &mut body);
        }
    }
    whole(&body)
}

/// A chunk with this body.
fn whole(body: &[u8]) -> Vec<u8> {
    let mut covered = vec![CHANGE];
    write(&mut covered, body.len() as u64);
    covered.extend(body);
    let digest = Sha256::digest(&covered);
    [MAGIC.as_slice(), &digest[..4], &covered].concat()
}

fn body_of(change: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader(change.get(HEAD..)?);
    let length = reader.number()?;
    reader.take(length).map(<[u8]>::to_vec)
}

/// Changes, adds or takes away bytes anywhere.
fn edit(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let place = dice.index(bytes.len() + 1);
    match dice.below(6) {
        0 => bytes.insert(place, dice.bytes(1)[0]),
        1 if place < bytes.len() => drop(bytes.remove(place)),
        2 => bytes.truncate(place),
        3 => {
            let mut number = Vec::new();
            write(&mut number, *dice.pick(&NUMBERS));
            bytes.splice(place..place, number);
        }
        4 if place < bytes.len() => bytes[place] ^= 1 << dice.below(8),
        _ if place < bytes.len() => bytes[place] = dice.bytes(1)[0],
        _ => bytes.extend(dice.bytes(3)),
    }
}

impl Chunk {
    fn read(body: &[u8]) -> Option<Self> {
        let mut body = Reader(body);
        let dependencies = (0..body.number()?).map(|_| body.take(HASH as u64).map(<[u8]>::to_vec));
        let dependencies = dependencies.collect::<Option<_>>()?;
        let actor = body.prefixed()?;
        let (sequence, first, time) = (body.number()?, body.number()?, body.number()?);
        let message = body.prefixed()?;
        let actors = (0..body.number()?).map(|_| body.prefixed()).collect::<Option<_>>()?;
        let heads = (0..body.number()?).map(|_| Some((body.number()?, body.number()?)));
        let heads: Vec<_> = heads.collect::<Option<_>>()?;
        let columns = heads.into_iter().map(|(column, length)| Some((column, body.take(length)?.to_vec())));
        let columns = columns.collect::<Option<_>>()?;
        Some(Self { dependencies, actor, sequence, first, time, message, actors, columns, extra: body.0.to_vec() })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, self.dependencies.len() as u64);
        self.dependencies.iter().for_each(|hash| bytes.extend(hash));
        write_prefixed(&mut bytes, &self.actor);
        [self.sequence, self.first, self.time].iter().for_each(|number| write(&mut bytes, *number));
        write_prefixed(&mut bytes, &self.message);
        write(&mut bytes, self.actors.len() as u64);
        self.actors.iter().for_each(|actor| write_prefixed(&mut bytes, actor));
        write(&mut bytes, self.columns.len() as u64);
        for (column, data) in &self.columns {
            write(&mut bytes, *column);
            write(&mut bytes, data.len() as u64);
        }
        self.columns.iter().for_each(|(_, data)| bytes.extend(data));
        bytes.extend(&self.extra);
        bytes
    }

    fn alter(&mut self, dice: &mut Dice, other: &Self) {
        match dice.below(20) {
            0 => self.sequence = near(dice, self.sequence),
            1 => self.first = near(dice, self.first),
            2 => self.time = near(dice, self.time),
            3 => self.message = random(dice),
            4 => self.extra = random(dice),
            5 => self.alter_dependencies(dice, other),
            6 => edit(dice, &mut self.actor),
            7 => self.actors.push(if dice.percent(50) { self.actor.clone() } else { random(dice) }),
            8 => self.actors.clear(),
            9..13 => self.alter_columns(dice, other),
            13..16 => self.run_on(dice),
            _ if !self.columns.is_empty() => {
                let place = dice.index(self.columns.len());
                edit(dice, &mut self.columns[place].1);
            }
            _ => self.columns = other.columns.clone(),
        }
    }

    fn alter_dependencies(&mut self, dice: &mut Dice, other: &Self) {
        match dice.below(4) {
            0 => drop(self.dependencies.pop()),
            1 => self.dependencies.push(dice.bytes(HASH)),
            2 => self.dependencies.extend(self.dependencies.clone()),
            _ => self.dependencies.clone_from(&other.dependencies),
        }
    }

    fn alter_columns(&mut self, dice: &mut Dice, other: &Self) {
        let (column, place) = (*dice.pick(&COLUMNS), dice.index(self.columns.len() + 1));
        let there = place < self.columns.len();
        match dice.below(6) {
            0 if there => drop(self.columns.remove(place)),
            1 if there => self.columns.insert(place, self.columns[place].clone()),
            2 if there => self.columns[place].0 = column,
            3 if there => self.columns[place].0 ^= 8,
            4 if there && !other.columns.is_empty() => self.columns[place] = dice.pick(&other.columns).clone(),
            _ => {
                let data = random(dice);
                self.columns.push((column, data));
                self.columns.sort_by_key(|(column, _)| *column);
            }
        }
    }

    /// Says in some columns or in all that what they say goes on, for longer than anybody can wait.
    fn run_on(&mut self, dice: &mut Dice) {
        let (length, all) = (near(dice, 2), dice.percent(50));
        let length = if dice.percent(50) { length } else { dice.below(2_000) };
        for (_, data) in &mut self.columns {
            if all || dice.percent(30) {
                let mut run = Vec::new();
                write_run(&mut run, length);
                run.extend(data.iter().skip(1));
                *data = run;
            }
        }
    }
}

fn near(dice: &mut Dice, number: u64) -> u64 {
    match dice.below(4) {
        0 => number.wrapping_add(1 + dice.below(3)),
        1 => number.wrapping_sub(1 + dice.below(3)),
        _ => *dice.pick(&NUMBERS),
    }
}

fn random(dice: &mut Dice) -> Vec<u8> {
    let length = dice.index(40);
    dice.bytes(length)
}

/// Bytes still to be read.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, length: u64) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn prefixed(&mut self) -> Option<Vec<u8>> {
        let length = self.number()?;
        self.take(length).map(<[u8]>::to_vec)
    }

    /// Seven bits in a byte, the lowest first. What an honest change has as a time is none of the negative ones.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = *self.take(1)? else { return None };
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(0x80 | number.to_le_bytes()[0]);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// As a run's length is written: with a sign.
fn write_run(bytes: &mut Vec<u8>, mut length: u64) {
    while length > 0x3f {
        bytes.push(0x80 | length.to_le_bytes()[0]);
        length >>= 7;
    }
    bytes.push(length.to_le_bytes()[0]);
}

fn write_prefixed(bytes: &mut Vec<u8>, content: &[u8]) {
    write(bytes, content.len() as u64);
    bytes.extend(content);
}

#[test]
fn a_change_in_parts_is_put_together_as_it_was() {
    let mut stranger = crate::stranger::Stranger::with_a_ledger(&mut Dice::new(1));
    for value in [0, 10, 2_000] {
        let change = stranger.change(vec![7; value]);
        let body = body_of(&change).expect("a chunk");
        let chunk = Chunk::read(&body).expect("a change");
        assert_eq!(whole(&chunk.to_bytes()), change);
    }
}
