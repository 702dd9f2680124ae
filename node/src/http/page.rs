//! Lists: pages with cursors. A cursor is a hash of the list and its filters and the key of the page's last item, in
//! base64: opaque to clients, good after a restart and at every node.

use serde::Serialize;
use tillmesh_core::command::digest_of;
use utoipa::{IntoParams, ToSchema};

use super::extract::Params;
use super::problem::{Problem, ProblemKind};

/// The most items of a page: a thousand rows of stock are 200 KB of JSON and are read from memory in under a
/// millisecond.
pub(super) const MAX_PAGE: usize = 1_000;
/// How many items a page has unless the client says otherwise.
const DEFAULT_PAGE: usize = 100;

/// Which part of a list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters; they are read by name, so that each error can name its own")]
pub(super) struct PageParams {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// The most items to answer with; 100 unless given.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u32>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; none on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A part of a list that was asked for.
#[derive(Debug)]
pub(super) struct Ask {
    list: [u8; 8],
    /// The key after which it begins.
    pub after: Option<String>,
    /// The most items.
    pub limit: usize,
}

impl Ask {
    /// Reads `cursor` and `limit`; `list` names the list and its filters.
    ///
    /// # Errors
    /// When one of them breaks its rule, or the cursor is of another list.
    pub(super) fn of(params: &mut Params, list: &str) -> Result<Self, Problem> {
        let limit = params.number("limit", 1, MAX_PAGE)?.unwrap_or(DEFAULT_PAGE);
        let list = digest_of(list.as_bytes());
        let after = params.text("cursor").map(|cursor| read(&list, &cursor)).transpose()?;
        Ok(Self { list, after, limit })
    }

    /// The key after which it begins, as an id.
    ///
    /// # Errors
    /// When the cursor holds none.
    pub(super) fn after_id<T: std::str::FromStr>(&self) -> Result<Option<T>, Problem> {
        let id = |key: &String| key.parse().map_err(|_| invalid(key));
        self.after.as_ref().map(id).transpose()
    }

    /// The key after which it begins, where a key is made of two ids.
    ///
    /// # Errors
    /// When the cursor holds none.
    pub(super) fn after_pair<A: std::str::FromStr, B: std::str::FromStr>(&self) -> Result<Option<(A, B)>, Problem> {
        let Some(key) = &self.after else { return Ok(None) };
        let pair = key.split_once('/').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        pair.map(Some).ok_or_else(|| invalid(key))
    }

    /// A page of what an iterator gives, from the item after the cursor on; `key` says what a cursor holds.
    pub(super) fn page<T>(&self, items: impl Iterator<Item = T>, key: impl Fn(&T) -> String) -> Page<T> {
        let mut items: Vec<T> = items.take(self.limit + 1).collect();
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        let next_cursor = items.last().filter(|_| more).map(|item| self.cursor(&key(item)));
        Page { items, next_cursor }
    }

    /// The cursor of a key.
    pub(super) fn cursor(&self, key: &str) -> String {
        data_encoding::BASE64URL_NOPAD.encode(&[&self.list, key.as_bytes()].concat())
    }
}

fn read(list: &[u8; 8], cursor: &str) -> Result<String, Problem> {
    let bytes = data_encoding::BASE64URL_NOPAD.decode(cursor.as_bytes()).ok();
    let key = bytes.and_then(|bytes| String::from_utf8(bytes.strip_prefix(list)?.to_vec()).ok());
    key.ok_or_else(|| invalid(cursor))
}

fn invalid(cursor: &str) -> Problem {
    Problem::field(
        ProblemKind::InvalidCursor,
        "cursor",
        cursor,
        "it must be a next_cursor of this list and its filters",
    )
}

#[cfg(test)]
mod tests;
