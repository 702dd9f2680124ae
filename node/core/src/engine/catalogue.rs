//! The catalogue: records that overwrite each other, the merged document says which one won.

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use crate::catalog::{PRODUCT_VERSION, Product, is_of};
use crate::codec;
use crate::command::Outcome;
use crate::document::{Change, DocumentId, PRODUCTS, PROMOTIONS, Put, Scope, shard_of};
use crate::envelope::Batch;
use crate::fleet::Write;
use crate::history;
use crate::id::{Name, Reference, Sku};
use crate::pricing::Promotion;
use crate::refusal::Refusal;
use crate::storage::Storage;
use crate::time::Timestamp;
use crate::view::Record as _;

/// The most products in one command: an import is cut into these.
pub const MAX_PRODUCTS: usize = 1_000;
/// The most products in one change, so that the change stays well below its limit.
const PRODUCTS_A_CHANGE: usize = 32;
/// The version of a promotion's record.
const PROMOTION_VERSION: u8 = 1;
/// The shard that holds all promotions: every node needs all of them together.
const PROMOTION_SHARD: u8 = 0;

impl<S: Storage> Engine<S> {
    pub(super) fn put_products(&mut self, now: Timestamp, products: &[Product]) -> Result<Outcome, Refusal> {
        self.check_role(&Write::Catalogue)?;
        if products.len() > MAX_PRODUCTS {
            return Err(Refusal::invalid("products", products.len(), format!("at most {MAX_PRODUCTS} at a time")));
        }
        for (index, product) in products.iter().enumerate() {
            let at = if products.len() == 1 { String::new() } else { format!("[{index}].") };
            product.check(&at)?;
            self.check_held("sku", &product.sku, &Scope::Catalog)?;
        }
        let mut shards: BTreeMap<u8, BTreeMap<&Sku, &Product>> = BTreeMap::new();
        for product in products {
            let known = self.row::<Product>(&product.sku)?;
            if known.as_ref() != Some(product) {
                shards.entry(shard_of(&product.sku)).or_default().insert(&product.sku, product);
            }
        }
        let changed = shards.values().map(BTreeMap::len).sum();
        for (shard, products) in shards {
            let puts: Vec<Put> = products.values().map(|product| product_put(product)).collect();
            for puts in puts.chunks(PRODUCTS_A_CHANGE) {
                self.put_catalogue(now, shard, puts)?;
            }
        }
        Ok(Outcome::Catalogue { changed })
    }

    /// What becomes of the products that a channel called what it calls another one now: they lose that name, or nobody
    /// could say which of them it means.
    pub(super) fn renamed(&self, channel: &Name, product: &Product) -> Result<Vec<Product>, Refusal> {
        let names: Vec<&Reference> = product.called_by(channel).collect();
        // Most products are stated again and again under the names that they have: nobody else has those any more.
        let known = self.row::<Product>(&product.sku)?;
        let is_known = |name: &&Reference| known.as_ref().is_some_and(|it| it.called_by(channel).any(|it| it == *name));
        if names.iter().all(is_known) {
            return Ok(Vec::new());
        }
        let has_one = |other: &Product| {
            other.sku != product.sku && other.called_by(channel).any(|reference| names.contains(&reference))
        };
        let view = self.committed();
        let committed = view.products.iter().filter(|(_, other)| has_one(other)).map(|(sku, _)| sku);
        let staged = Product::staged(&self.staged).values().filter(|other| has_one(other)).map(|other| &other.sku);
        let skus: BTreeSet<Sku> = committed.chain(staged).cloned().collect();
        drop(view);
        let mut renamed = Vec::new();
        for sku in &skus {
            let Some(mut other) = self.row::<Product>(sku)?.filter(has_one) else { continue };
            other.references.retain(|name, reference| !is_of(name, channel) || !names.contains(&&*reference));
            renamed.push(other);
        }
        Ok(renamed)
    }

    pub(super) fn put_promotion(&mut self, now: Timestamp, promotion: &Promotion) -> Result<Outcome, Refusal> {
        self.check_role(&Write::Catalogue)?;
        self.check_held("id", &promotion.id, &Scope::Catalog)?;
        if self.row::<Promotion>(&promotion.id)?.as_ref() == Some(promotion) {
            return Ok(Outcome::Catalogue { changed: 0 });
        }
        let put = Put {
            block: PROMOTIONS.to_owned(),
            key: promotion.id.to_string(),
            value: codec::encode_versioned(PROMOTION_VERSION, promotion),
        };
        self.put_catalogue(now, PROMOTION_SHARD, &[put])?;
        Ok(Outcome::Catalogue { changed: 1 })
    }

    fn put_catalogue(&mut self, now: Timestamp, shard: u8, puts: &[Put]) -> Result<(), Refusal> {
        let document = DocumentId::Catalog { shard };
        self.write(now, &Scope::Catalog, &document, puts)?;
        for put in puts {
            let block = if put.block == PRODUCTS { PRODUCTS } else { PROMOTIONS };
            self.fold_record(&document, block, &put.key).inspect_err(|error| self.break_off(error))?;
        }
        Ok(())
    }

    /// Folds a change of a shard: for each key that it touches, the record that won.
    pub(super) fn fold_catalogue(&mut self, document: &DocumentId, change: &Change) -> Result<(), Refusal> {
        change.entries().iter().try_for_each(|entry| self.fold_record(document, entry.block, &entry.key))
    }

    /// For a replay: the batch of a commit is not among those that a document is loaded from, so it is applied here.
    pub(super) fn replay_catalogue(&mut self, batch: &Batch) -> Result<(), Refusal> {
        let mut touched = BTreeSet::new();
        let mut changes = Vec::with_capacity(batch.changes.len());
        for bytes in &batch.changes {
            let change = history::read_change(&batch.document, bytes)?;
            touched.extend(change.entries().iter().map(|entry| (entry.block, entry.key.clone())));
            changes.push(change);
        }
        self.document(&batch.document)?.apply(changes)?;
        touched.into_iter().try_for_each(|(block, key)| self.fold_record(&batch.document, block, &key))
    }

    fn fold_record(&mut self, document: &DocumentId, block: &str, key: &str) -> Result<(), Refusal> {
        let Some(value) = self.document(document)?.value(block, key) else { return Ok(()) };
        match block {
            PRODUCTS => {
                let product = codec::decode_versioned::<Product>(PRODUCT_VERSION, &value);
                if let (Ok(sku), Ok(product)) = (Sku::new(key), product)
                    && product.sku == sku
                {
                    self.put_row(sku, product);
                }
            }
            _ => {
                let promotion = codec::decode_versioned::<Promotion>(PROMOTION_VERSION, &value);
                if let (Ok(id), Ok(promotion)) = (Name::new(key), promotion)
                    && promotion.id == id
                {
                    self.put_row(id, promotion);
                }
            }
        }
        Ok(())
    }
}

fn product_put(product: &Product) -> Put {
    Put {
        block: PRODUCTS.to_owned(),
        key: product.sku.to_string(),
        value: codec::encode_versioned(PRODUCT_VERSION, product),
    }
}
