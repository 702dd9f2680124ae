//! As-of questions: reading what something was at an earlier moment.

use tillmesh_core::engine::SharedView;
use tillmesh_core::id::EventId;
use tillmesh_core::past::{Known, Moment, Past};
use tillmesh_core::storage::StorageError;
use tillmesh_core::time::Timestamp;
use utoipa::IntoParams;

use super::App;
use super::blocking::blocking;
use super::extract::Params;
use super::problem::{Problem, ProblemKind};
use crate::store::Reader;

/// Which moment.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters; they are read by name, so that each error can name its own")]
pub(super) struct AsOf {
    /// A moment, as a time (RFC 3339) or as an event, right after which it is; left out, now.
    as_of: Option<String>,
    /// Whose knowledge counts: `now`, everything that this node has heard by now of what happened until that moment;
    /// `then`, what this node had heard at that moment.
    #[param(value_type = Option<String>)]
    known: Option<String>,
}

/// A question about an earlier moment.
pub(super) struct Question {
    moment: Moment,
    text: String,
    known: Known,
}

/// Takes the parameters of a question; none when it is about now. `known`: what counts unless the question says.
pub(super) fn question(params: &mut Params, known: Known) -> Result<Option<Question>, Problem> {
    let word = params.word("known", &["now", "then"])?;
    let Some(text) = params.text("as_of") else {
        return match word {
            None => Ok(None),
            Some(word) => Err(invalid("known", word, "it goes with `as_of`, which is not there")),
        };
    };
    let known = match word {
        Some("then") => Known::Then,
        Some(_) => Known::Now,
        None => known,
    };
    let moment = match (text.parse::<EventId>(), Timestamp::parse(&text)) {
        (Ok(event), _) => Moment::After(event),
        (_, Ok(time)) => Moment::At(time),
        _ => return Err(invalid("as_of", &text, "it must be a time as RFC 3339 writes it, or the id of an event")),
    };
    Ok(Some(Question { moment, text, known }))
}

impl Question {
    /// A question that only what was heard can answer.
    pub(super) fn limited_to_then(self, why: &str) -> Result<Self, Problem> {
        match self.known {
            Known::Then => Ok(self),
            Known::Now => Err(invalid("known", "now", why)),
        }
    }

    /// Answers it from the log, on a thread that may wait for the disk.
    pub(super) async fn answer<T: Send + 'static>(
        self,
        app: &App,
        read: impl FnOnce(&Past, &SharedView, &Reader) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, Problem> {
        let handle = app.handle.clone();
        blocking(move || {
            let (view, reader) = (handle.shared_view(), handle.reader());
            let past = Past::find(view, reader, self.moment, self.known)?;
            let past = past.ok_or_else(|| invalid("as_of", &self.text, "this node has not heard such an event"))?;
            Ok::<_, Problem>(read(&past, view, reader)?)
        })
        .await
    }
}

fn invalid(name: &str, value: &str, rule: &str) -> Problem {
    Problem::field(ProblemKind::InvalidParameter, name, value, rule)
}
