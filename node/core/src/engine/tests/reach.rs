//! What counts of a node that is not heard any more, for those who come later.

use super::fleet::{authority, enrol, enrolment, key_of, offer};
use super::promises::let_time_pass;
use super::retired::items;
use super::*;
use crate::fleet::{Retirement, Role, Standing, Statement};
use crate::id::CartId;
use crate::money::{Currency, UnitPrice};
use crate::view::Record as _;
use crate::work::Subject;

/// What a retirement of a node counts, made at another one.
fn retirement(at: &Node, of: &Node, stolen: bool) -> Command {
    let node = of.engine.config().node.clone();
    let authored = authored_by(&at.engine.view(), &at.engine.reader(), &node).unwrap();
    let counted = authored.into_iter().find(|authored| authored.key == key_of(of)).map(|authored| authored.counted);
    let retirement = Retirement { node, key: key_of(of), at: NOON, stolen, counted };
    enrolment(&authority(), &[Statement::Retirement(retirement)])
}

/// A node of the headquarters that heard a till, and what both said.
fn head_and_till(wrote: impl FnOnce(&mut Node) -> Vec<Vec<u8>>) -> (Node, Node, Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let (mut head, mut till) = (Node::new("head", 1), Node::new("till", 2));
    let mut said = enrol(&mut head, Role::Headquarters);
    said.extend(enrol(&mut till, Role::Store));
    let wrote = wrote(&mut till);
    assert_eq!(offer(&mut head, &[said.clone(), wrote.clone()].concat()), []);
    (head, till, said, wrote)
}

fn newcomer() -> Node {
    let mut newcomer = Node::new("newcomer", 9);
    enrol(&mut newcomer, Role::Store);
    newcomer
}

fn state(node: &Node) -> Vec<(crate::document::DocumentId, Vec<crate::id::ChangeHash>)> {
    let view = node.engine.committed();
    let rows = view.documents.iter().filter(|(id, _)| !matches!(id, crate::document::DocumentId::Fleet { .. }));
    rows.map(|(id, row)| (id.clone(), row.heads.clone())).collect()
}

#[test]
fn a_newcomer_gets_what_a_stolen_node_wrote_before_in_any_order_and_nothing_that_it_writes_now() {
    let wrote = |till: &mut Node| {
        let batches = (0..5).flat_map(|_| till.run(receive("milk", 1)));
        batches.collect()
    };
    let (mut head, mut till, said, wrote) = head_and_till(wrote);
    let retired = head.run(retirement(&head, &till, true));
    let late = till.run(receive("milk", 100));
    assert_eq!(offer(&mut head, &late), [RefusedKind::Retired], "who has it all knows that nothing follows");

    let orders = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [1, 4, 0, 3, 2]];
    for order in orders {
        let mut newcomer = newcomer();
        assert_eq!(offer(&mut newcomer, &[said.clone(), retired.clone()].concat()), []);
        assert_eq!(offer(&mut newcomer, &late), [], "it may turn out to count");
        let refused: Vec<_> = order.iter().flat_map(|place| offer(&mut newcomer, &wrote[*place..=*place])).collect();
        assert_eq!(refused, [RefusedKind::Retired], "once all is there it is clear that it does not");
        assert_eq!(state(&newcomer), state(&head), "in the order {order:?}");
        assert_eq!(newcomer.stock("milk").on_hand(), 5);
        assert_eq!(offer(&mut newcomer, &late), [RefusedKind::Retired]);
        assert_eq!(state(&newcomer.restart(10)), state(&head));
    }
}

#[test]
fn nobody_can_put_anything_in_the_place_of_what_counts() {
    let (mut head, mut till, said, mut wrote) = head_and_till(|till| till.run(receive("milk", 1)));
    // Whoever has the disk goes on from an earlier day, in the same ledger.
    let mut thief = Node::on(till.engine.reader().snapshot(), "till", 7, NOON);
    let sold = till.run(sell("milk", 1));
    assert_eq!(offer(&mut head, &sold), []);
    wrote.extend(sold);
    let retired = head.run(retirement(&head, &till, true));
    let forged = thief.run(receive("milk", 1_000));
    let mut newcomer = newcomer();
    assert_eq!(offer(&mut newcomer, &[said, retired, forged.clone()].concat()), []);
    assert_eq!(offer(&mut newcomer, &wrote), [RefusedKind::Retired], "what was forged, once all is there");
    assert_eq!(newcomer.stock("milk").on_hand(), 0);
    assert_eq!(offer(&mut newcomer, &forged), [RefusedKind::Retired]);
    assert_eq!(state(&newcomer), state(&head));
}

#[test]
fn what_a_node_wrote_that_never_had_a_certificate_counts_as_far_as_its_retirement_says() {
    let (mut head, mut dead) = (Node::new("head", 1), Node::new("dead", 2));
    let open = dead.run(receive("milk", 5));
    assert_eq!(offer(&mut head, &open), []);
    let mut said = enrol(&mut head, Role::Headquarters);
    let mut newcomer = newcomer();
    offer(&mut newcomer, &said);
    assert_eq!(offer(&mut newcomer, &open), [RefusedKind::UnknownSigner]);

    said = head.run(retirement(&head, &dead, false));
    assert_eq!(offer(&mut newcomer, &said), []);
    assert_eq!(offer(&mut newcomer, &open), []);
    assert_eq!(newcomer.stock("milk").on_hand(), 5);
    let late = dead.run(sell("milk", 1));
    assert_eq!(offer(&mut newcomer, &late), [RefusedKind::UnknownSigner]);
    assert_eq!(newcomer.engine.members().standing(&key_of(&dead), &name("dead")), Standing::Unknown);
}

#[test]
fn several_retirements_of_a_key_add_up() {
    let (mut head, mut till, said, wrote) = head_and_till(|till| till.run(receive("milk", 5)));
    let first = head.run(retirement(&head, &till, true));
    // Another node had heard one more before it heard of the retirement.
    let (mut other, more) = (Node::new("other", 3), till.run(sell("milk", 1)));
    let papers = enrol(&mut other, Role::Store);
    assert_eq!(offer(&mut other, &[said.clone(), wrote.clone(), more.clone(), first.clone()].concat()), []);
    let second = other.run(retirement(&other, &till, true));

    assert_eq!(offer(&mut head, &more), [RefusedKind::Retired]);
    assert_eq!(offer(&mut head, &[papers, second].concat()), []);
    assert_eq!(offer(&mut head, &more), []);
    assert_eq!(state(&head), state(&other));
}

#[test]
fn what_one_node_holds_of_a_stolen_one_beyond_its_retirement_is_a_work_item_until_a_retirement_names_it() {
    let (mut head, mut till, said, wrote) = head_and_till(|till| till.run(receive("milk", 5)));
    let first = head.run(retirement(&head, &till, true));
    assert_eq!(items(&head).len(), 0);
    let (mut other, more) = (Node::new("other", 3), till.run(receive("milk", 1)));
    let papers = enrol(&mut other, Role::Store);
    assert_eq!(offer(&mut other, &[said, wrote, more.clone(), first].concat()), []);
    let of_other = [papers, let_time_pass(&mut other, 1)].concat();
    assert_eq!(offer(&mut head, &of_other), []);
    let mut other = other.restart(4);
    assert_eq!(let_time_pass(&mut other, 1), Vec::<Vec<u8>>::new(), "it was said");
    for node in [&head, &other] {
        let found = items(node);
        let subjects: Vec<_> = found.iter().map(|item| (&item.subject, item.extent)).collect();
        let subject = Subject::BeyondRetirement { retired: till.engine.writer().clone(), at: name("other") };
        assert_eq!(subjects, [(&subject, 1)]);
    }

    let mut second = other.run(retirement(&other, &till, true));
    second.extend(let_time_pass(&mut other, 1));
    assert_eq!(offer(&mut head, &[second, more].concat()), []);
    assert_eq!((items(&head).len(), items(&other).len()), (0, 0));
    assert_eq!(state(&head), state(&other));
}

#[test]
fn a_cart_that_members_went_on_with_is_whole_at_a_newcomer_and_takes_no_more_from_a_stolen_node() {
    let cart_of = |node: &Node| *crate::cart::CartRow::rows(&node.engine.committed()).iter().next().unwrap().0;
    let add = |cart: CartId, what: &str| Command::AddToCart {
        cart,
        sku: sku(what),
        quantity: 1,
        unit_price: Some(UnitPrice { amount: 100, scale: None, currency: Currency::new("EUR").unwrap() }),
    };
    let begin = |till: &mut Node| {
        let mut wrote = till.run(Command::CreateCart { customer: None });
        let cart = cart_of(till);
        wrote.extend(till.run(add(cart, "milk")));
        wrote
    };
    let (mut head, mut till, said, wrote) = head_and_till(begin);
    let cart = cart_of(&till);
    let went_on = head.run(add(cart, "bread"));
    // Nothing is named: what a member built upon shows what counts.
    let stolen = Retirement { node: name("till"), key: key_of(&till), at: NOON, stolen: true, counted: None };
    let retired = head.run(enrolment(&authority(), &[Statement::Retirement(stolen)]));
    let late = till.run(add(cart, "gold"));
    assert_eq!(offer(&mut head, &late), [RefusedKind::Retired]);

    let mut newcomer = newcomer();
    assert_eq!(offer(&mut newcomer, &[said, retired, went_on].concat()), []);
    for batch in wrote.iter().rev() {
        assert_eq!(offer(&mut newcomer, std::slice::from_ref(batch)), []);
    }
    assert_eq!(state(&newcomer), state(&head));
    assert_eq!(offer(&mut newcomer, &late), [RefusedKind::Retired]);
}
