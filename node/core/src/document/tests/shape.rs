//! What a change may do, rule by rule.

use automerge::legacy::{ElementId, ObjectId, OpId};

use super::*;

type Alteration = (&'static str, fn(&mut ExpandedChange));

fn stranger() -> ActorId {
    ActorId::from([5; 16].as_slice())
}

fn check(id: &DocumentId, expected: &ChangeError, alterations: &[Alteration]) {
    for (what, alter) in alterations {
        let result = read_change(id, &altered(id, *alter));
        assert_eq!(result.as_ref().err(), Some(expected), "{what} in {id}");
    }
}

#[test]
fn an_honest_change_of_every_kind_of_document_passes() {
    for id in [ledger(), cart(), catalog(), DocumentId::Fleet { writer: ledger().owner().unwrap().clone() }] {
        assert_eq!(read_change(&id, &honest(&id)).unwrap().entries().len(), 1, "{id}");
        assert_eq!(
            read_change(&id, &altered(&id, |_| {})).unwrap().entries().len(),
            1,
            "{id} taken apart and built again"
        );
    }
}

#[test]
fn a_change_of_a_time_without_sense_or_with_more_than_its_values_is_refused() {
    for id in [ledger(), cart(), catalog()] {
        let times: [Alteration; 4] = [
            ("the first moment", |change| change.time = i64::MIN),
            ("the last moment", |change| change.time = i64::MAX),
            ("too early", |change| change.time = -MOST_SECONDS - 1),
            ("too late", |change| change.time = MOST_SECONDS + 1),
        ];
        check(&id, &wrong_shape("it was made at no time that a clock shows"), &times);
        let rest: [Alteration; 2] = [
            ("an author", |change| change.extra_bytes = vec![1, 0]),
            ("a message", |change| change.message = Some("by whom".to_owned())),
        ];
        check(&id, &wrong_shape("it says more than what it puts"), &rest);
    }
}

#[test]
fn a_change_longer_than_the_limit_is_not_looked_at() {
    let bytes = vec![0; MAX_CHANGE + 1];
    assert_eq!(read_change(&ledger(), &bytes).unwrap_err(), ChangeError::TooLong { bytes: bytes.len() });
}

#[test]
fn compressed_changes_and_whole_documents_are_refused() {
    let (bytes, _) = new(&ledger()).put(&[Put { value: vec![0; 4_000], ..event(0) }], 7).unwrap();
    let mut change = automerge::Change::try_from(bytes.as_slice()).unwrap();
    let compressed = change.bytes().to_vec();
    let mut whole = Automerge::new();
    whole.apply_changes([change]).unwrap();
    let saved = whole.save();
    assert!(compressed.len() < 1_000, "Automerge compresses changes of this size");
    for bytes in [compressed, saved] {
        assert!(matches!(read_change(&ledger(), &bytes), Err(ChangeError::Malformed(_))));
    }
}

#[test]
fn bytes_before_within_or_behind_a_change_are_refused() {
    let bytes = honest(&ledger());
    let behind = [bytes.as_slice(), &[0]].concat();
    let twice = [bytes.as_slice(), &bytes].concat();
    let before = [&[0], bytes.as_slice()].concat();
    for bad in [behind, twice, before] {
        assert!(matches!(read_change(&ledger(), &bad), Err(ChangeError::Malformed(_))), "{} bytes", bad.len());
    }
    for length in 0..bytes.len() {
        assert!(matches!(read_change(&ledger(), &bytes[..length]), Err(ChangeError::Malformed(_))), "{length} bytes");
    }
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1;
        assert!(matches!(read_change(&ledger(), &flipped), Err(ChangeError::Malformed(_))), "byte {place}");
    }
}

#[test]
fn only_the_owner_writes_to_a_document_that_has_one() {
    check(
        &ledger(),
        &ChangeError::Author,
        &[
            ("another epoch", |change| change.actor_id = stranger()),
            ("the actor of the genesis", |change| change.actor_id = change::actor_zero()),
            ("a short actor", |change| change.actor_id = ActorId::from([1; 15].as_slice())),
            ("a long actor", |change| change.actor_id = ActorId::from([1; 17].as_slice())),
            ("no actor", |change| change.actor_id = ActorId::from([].as_slice())),
        ],
    );
}

#[test]
fn a_change_puts_bytes_and_does_nothing_else() {
    let more = wrong_shape("it does more than put values");
    let alterations: &[Alteration] = &[
        ("a deletion", |change| putting(change).action = OpType::Delete),
        ("an increment", |change| putting(change).action = OpType::Increment(1)),
        ("a counter", |change| putting(change).action = OpType::Put(ScalarValue::counter(1))),
        ("a text", |change| putting(change).action = OpType::Put("text".into())),
        ("nothing", |change| putting(change).action = OpType::Put(ScalarValue::Null)),
        ("a list", |change| putting(change).action = OpType::Make(ObjType::List)),
        ("a text object", |change| putting(change).action = OpType::Make(ObjType::Text)),
        ("a map in a map", |change| putting(change).action = OpType::Make(ObjType::Map)),
    ];
    for id in [ledger(), cart(), catalog()] {
        check(&id, &more, alterations);
    }
}

#[test]
fn a_change_never_writes_to_a_list() {
    let list = wrong_shape("it writes to a list");
    for id in [ledger(), cart(), catalog()] {
        check(
            &id,
            &list,
            &[("the head of a list", |change| {
                let put = putting(change);
                (put.key, put.insert) = (Key::Seq(ElementId::Head), true);
            })],
        );
    }
}

#[test]
fn ledgers_and_carts_overwrite_nothing() {
    let overwrite: Alteration = ("an overwritten value", |change| {
        let counter = change.start_op.get();
        putting(change).pred = vec![OpId::new(counter, &stranger())].into();
    });
    check(&ledger(), &wrong_shape("it overwrites a value"), &[overwrite]);
    check(&cart(), &wrong_shape("it overwrites a value"), &[overwrite]);
    assert!(read_change(&catalog(), &altered(&catalog(), overwrite.1)).is_ok(), "a product has one record, the newest");
}

#[test]
fn a_ledger_takes_exactly_one_value_a_change() {
    check(
        &ledger(),
        &wrong_shape("it must put exactly one value"),
        &[
            ("two values", |change| {
                let second = Op { key: Key::Map("1".into()), ..putting(change).clone() };
                change.operations.push(second);
            }),
            ("no value", |change| change.operations.truncate(1)),
        ],
    );
    check(&cart(), &wrong_shape("it puts nothing"), &[("no value", |change| change.operations.clear())]);
}

#[test]
fn a_ledgers_block_carries_the_boot_that_makes_it() {
    check(
        &ledger(),
        &wrong_shape("its block does not carry its boot"),
        &[
            ("the block of another boot", |change| change.operations[0].key = Key::Map("aaaaaaaaaa-0".into())),
            ("a block without a number", |change| change.operations[0].key = Key::Map(BOOT.to_string().into())),
            ("the block of another boot of this epoch", |change| {
                change.actor_id = change::actor_of(EPOCH, Boot::from_bytes([9; 6]));
            }),
        ],
    );
    check(
        &ledger(),
        &wrong_shape("it does more than put values"),
        &[("a block that replaces another", |change| {
            change.operations[0].pred = vec![OpId::new(1, &stranger())].into();
        })],
    );
    check(
        &ledger(),
        &wrong_shape("it puts a value outside every block"),
        &[("a value at the root", |change| {
            putting(change).obj = ObjectId::Root;
        })],
    );
}

#[test]
fn shared_documents_have_the_blocks_of_their_genesis_and_no_others() {
    let foreign = wrong_shape("it writes into a block that the genesis does not make");
    for id in [cart(), catalog()] {
        check(
            &id,
            &foreign,
            &[
                ("a block beyond the last", |change| {
                    putting(change).obj = ObjectId::Id(OpId::new(9, &change::actor_zero()));
                }),
                ("a block that is numbered past all others", |change| {
                    putting(change).obj = ObjectId::Id(OpId::new(u64::from(u32::MAX), &change::actor_zero()));
                }),
                ("a block of one's own", |change| putting(change).obj = ObjectId::Id(OpId::new(1, &stranger()))),
            ],
        );
        check(
            &id,
            &wrong_shape("it puts a value outside every block"),
            &[("a value at the root", |change| {
                putting(change).obj = ObjectId::Root;
            })],
        );
        check(
            &id,
            &wrong_shape("it does more than put values"),
            &[("another block", |change| {
                let put = putting(change);
                (put.action, put.obj) = (OpType::Make(ObjType::Map), ObjectId::Root);
            })],
        );
    }
}

#[test]
fn nobody_writes_into_a_cart_under_the_name_of_another() {
    let author = wrong_shape("its entry does not carry its author");
    check(
        &cart(),
        &author,
        &[
            ("another's key", |change| putting(change).key = Key::Map("other-other-0".into())),
            ("another actor under this key", |change| change.actor_id = stranger()),
            ("another boot under this key", |change| {
                change.actor_id = change::actor_of(EPOCH, Boot::from_bytes([9; 6]));
            }),
        ],
    );
}

#[test]
fn a_change_has_a_bounded_number_of_operations() {
    let many = |count: usize| {
        let puts: Vec<_> = (0..count).map(|number| put(PRODUCTS, &format!("product {number}"), b"x")).collect();
        new(&catalog()).put(&puts, 7).unwrap().0
    };
    assert_eq!(read_change(&catalog(), &many(512)).unwrap().entries().len(), 512);
    assert_eq!(read_change(&catalog(), &many(513)).unwrap_err(), wrong_shape("it has too many operations"));
}
