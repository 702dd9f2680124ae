//! Waiting for a cart's token, which another node may give away in a moment.

use std::time::Duration;

use tillmesh_core::cart::CartRow;
use tillmesh_core::id::CartId;
use tillmesh_core::view::{Position, read as read_row};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::http::App;
use crate::runtime::SubmitError;

/// How long a request waits for a token: many times what two messages take, and no longer than a customer notices.
const PATIENCE: Duration = Duration::from_millis(500);
/// After how long without news a command is given again: the holder may have refused, or the question may be lost.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// The patience of one request.
pub(super) struct Patience {
    until: Instant,
    head: watch::Receiver<Position>,
}

impl Patience {
    /// Begins to wait.
    pub(super) fn new(app: &App) -> Self {
        Self { until: Instant::now() + PATIENCE, head: app.handle.head() }
    }

    /// Marks where the news begin that count: before a command is given.
    pub(super) fn begin(&mut self) {
        self.head.mark_unchanged();
    }

    /// Waits where a refusal may pass, until the token is here or it is time to ask again. False: there is nothing to
    /// wait for any more.
    pub(super) async fn goes_on(&mut self, app: &App, cart: CartId, error: &SubmitError) -> bool {
        let may_pass = matches!(error, SubmitError::Refused(refusal) if refusal.may_pass());
        if !may_pass || Instant::now() >= self.until {
            return false;
        }
        let again = self.until.min(Instant::now() + ASK_AGAIN);
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(again) => return true,
                // The engine's end shows when the command is given again.
                news = self.head.changed() => if news.is_err() || is_here(app, cart) { return true },
            }
        }
    }
}

/// Whether this node holds a cart's token. What cannot be read shows when the command is given again.
fn is_here(app: &App, cart: CartId) -> bool {
    let row = read_row::<CartRow>(&app.handle.view(), app.handle.reader(), &cart);
    row.map_or(true, |row| row.is_some_and(|row| row.is_held_by(app.handle.writer())))
}
