use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::MAX_LOADED;
use crate::catalog::Product;
use crate::command::{Command, Request};
use crate::document::{CATALOG_SHARDS, Scope};
use crate::engine::{Config, Effect, Engine};
use crate::id::{Name, Sku};
use crate::money::Rounding;
use crate::storage::MemoryStorage;
use crate::sync::{Incoming, Kind, pack};
use crate::time::{Timestamp, Zone};

const NOON: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn open(storage: MemoryStorage, node: &str, rng: &mut ChaCha20Rng) -> Engine<MemoryStorage> {
    let config = Config {
        fleet: name("fleet"),
        node: name(node),
        location: name("store"),
        region: name("main"),
        zone: Zone::UTC,
        rounding: Rounding::HalfUp,
        keeper: false,
        promises: crate::policy::Policies::default(),
        taxes: crate::tax::Taxes::default(),
        vouchers: Name::new(crate::voucher::LOCATION).unwrap(),
    };
    Engine::open(storage, config, NOON, rng).unwrap()
}

fn products(first: usize) -> Command {
    let product = |number: usize| Product::named(Sku::new(&number.to_string()).unwrap(), format!("product {number}"));
    Command::PutProducts((first..first + 250).map(product).collect())
}

#[test]
fn a_commit_of_more_documents_than_stay_in_memory_is_replayed_whole() {
    assert!(usize::from(CATALOG_SHARDS) > MAX_LOADED, "every shard has its document");
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut office = open(MemoryStorage::default(), "office", &mut rng);
    let mut till = open(MemoryStorage::default(), "till", &mut rng);
    for first in [0, 250, 500, 750] {
        let _outcome = office.submit(NOON, &mut rng, Request::now(products(first))).unwrap();
        for effect in office.commit(NOON).unwrap().effects {
            let Effect::Batch { envelope, .. } = effect else { continue };
            let payload = pack(&[envelope]);
            let incoming = Incoming { scope: Scope::Catalog, kind: Kind::Changes, from: name("office"), payload };
            assert_eq!(till.receive(NOON, &mut rng, &incoming), []);
        }
    }
    assert!(till.loaded_documents() > MAX_LOADED, "none of them is in the store yet");
    till.commit(NOON).unwrap();
    assert!(till.loaded_documents() <= MAX_LOADED);
    let again = open(till.reader(), "till", &mut rng);
    assert_eq!(again.committed().products.len(), 1_000);
}
