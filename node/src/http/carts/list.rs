//! Finding carts: by whose they are, wherever they were begun.

use std::collections::BTreeSet;
use std::ops::Bound;

use axum::Json;
use axum::extract::State;
use tillmesh_core::cart::CartRow;
use tillmesh_core::codec;
use tillmesh_core::id::{CartId, Reference};
use tillmesh_core::storage::{Read as _, StorageError, Table};
use tillmesh_core::view::{self, Record};
use utoipa::IntoParams;

use super::view::{Cart, state_of};
use crate::http::App;
use crate::http::blocking::blocking;
use crate::http::extract::Params;
use crate::http::page::{Ask, Page, PageParams};
use crate::http::problem::Problem;
use crate::http::schema;
use crate::runtime::now;

/// How many carts are read at a time.
const SLICE: usize = 256;
/// How many carts one request looks at, so that a rare customer does not keep a thread for a region's carts of a year.
/// The page ends there, with a cursor, even if it found nothing yet.
const MAX_LOOKED_AT: usize = 20_000;

/// Which carts.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters; they are read by name, so that each error can name its own")]
pub(super) struct Filter {
    /// Only those of this customer.
    #[param(value_type = Option<schema::Reference>)]
    customer_ref: Option<String>,
    /// Only those that are `open`, `checked-out` or `merged`.
    #[param(value_type = Option<StateWord>, inline)]
    state: Option<String>,
}

/// What a cart can be.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "describes the words of a parameter")]
enum StateWord {
    /// It can be checked out.
    Open,
    /// It was.
    CheckedOut,
    /// Its lines went on in another cart.
    Merged,
}

/// Carts, by id
///
/// Carts that have expired are left out. A page may have fewer items than asked for, even none, and still a
/// `next_cursor`: go on with it.
#[utoipa::path(get, path = "/v1/carts", tag = "carts", operation_id = "list_carts", params(Filter, PageParams),
    responses((status = 200, description = "A page", body = Page<Cart>)))]
pub(super) async fn list(State(app): State<App>, mut params: Params) -> Result<Json<Page<Cart>>, Problem> {
    let state = params.word("state", &["open", "checked-out", "merged"])?;
    let wanted = Wanted { customer: params.id("customer_ref")?, state };
    let ask = Ask::of(&mut params, &format!("carts {wanted:?}"))?;
    params.finish()?;
    let (after, limit) = (ask.after_id::<CartId>()?, ask.limit);
    let search = app.clone();
    let Found { carts, looked_at } = blocking(move || find(&search, &wanted, after, limit)).await?;
    let mut items = Vec::with_capacity(carts.len());
    for (id, row) in &carts {
        items.push(Cart::of(&app, *id, row).await);
    }
    Ok(Json(Page { items, next_cursor: looked_at.map(|id| ask.cursor(&id.to_string())) }))
}

#[derive(Debug)]
struct Wanted {
    customer: Option<Reference>,
    state: Option<&'static str>,
}

struct Found {
    carts: Vec<(CartId, CartRow)>,
    /// The last one that was looked at; none: all were.
    looked_at: Option<CartId>,
}

fn find(app: &App, wanted: &Wanted, mut after: Option<CartId>, limit: usize) -> Result<Found, StorageError> {
    let (mut carts, now, days) = (Vec::new(), now(), app.handle.settings().cart_days);
    for _ in 0..MAX_LOOKED_AT / SLICE {
        let ids = ids_after(app, after)?;
        for id in &ids {
            let row = view::read::<CartRow>(&app.handle.view(), app.handle.reader(), id)?;
            let row = row.filter(|row| row.is_begun() && !row.is_expired(days, now) && wanted.is(row));
            carts.extend(row.map(|row| (*id, row)));
            after = Some(*id);
            if carts.len() == limit {
                return Ok(Found { carts, looked_at: after });
            }
        }
        if ids.len() < SLICE {
            return Ok(Found { carts, looked_at: None });
        }
    }
    Ok(Found { carts, looked_at: after })
}

/// The next ids: of the rows that are in memory only, and of those in the store. Memory is looked at first, so that a
/// row that is written meanwhile is seen.
fn ids_after(app: &App, after: Option<CartId>) -> Result<BTreeSet<CartId>, StorageError> {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut ids: BTreeSet<CartId> = app.handle.view().carts.range_from(from).take(SLICE).map(|(id, _)| *id).collect();
    let key = after.map(|id| [CartRow::key_bytes(&id).as_slice(), &[0]].concat()).unwrap_or_default();
    let stored = app.handle.reader().scan(Table::Rows(CartRow::TABLE), &key, None, SLICE)?;
    ids.extend(stored.iter().filter_map(|(key, _)| codec::decode::<CartId>(key).ok()));
    Ok(ids.into_iter().take(SLICE).collect())
}

impl Wanted {
    fn is(&self, row: &CartRow) -> bool {
        self.customer.as_ref().is_none_or(|customer| row.customer() == Some(customer))
            && self.state.is_none_or(|wanted| wanted == state_of(row))
    }
}
