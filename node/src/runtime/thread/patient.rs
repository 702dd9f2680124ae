//! Commands that wait for what peers were asked for. They wait beside the engine, which goes on meanwhile, and are done
//! again when an answer came or their time is over.

use std::time::{Duration, Instant};

use tillmesh_core::command::{Outcome, Request};
use tillmesh_core::engine::NEXT_AFTER_MILLIS;
use tillmesh_core::refusal::Refusal;
use tokio::sync::oneshot;

use super::{Driver, Group};
use crate::runtime::{SubmitError, now};

/// How many commands may wait for peers at once; more are answered with what is here.
const MAX_PATIENT: usize = 256;
/// How long a command waits for peers at most, in milliseconds, whatever the clock does.
const MAX_PATIENCE_MILLIS: i64 = 10_000;

/// After how long without news a command is given again that waits for a cart's token: the question may be lost.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// After how long one that waits for rights is: a little more than the engine gives a holder before it asks the next.
const ASK_ANOTHER: Duration = Duration::from_millis(NEXT_AFTER_MILLIS.unsigned_abs() + 10);

/// A command that waits for what peers were asked for.
pub(super) struct Patient {
    request: Request,
    answer: oneshot::Sender<Result<Outcome, SubmitError>>,
    /// Its own time, whatever the clock does.
    until: Instant,
    /// When it is given again without news.
    again: Instant,
}

impl Patient {
    fn new(
        mut request: Request,
        refusal: &Refusal,
        until: Option<Instant>,
        answer: oneshot::Sender<Result<Outcome, SubmitError>>,
    ) -> Self {
        request.go_on(refusal);
        let until = until.unwrap_or_else(|| Instant::now() + patience(&mut request));
        let again = if refusal.awaits_token() { ASK_AGAIN } else { ASK_ANOTHER };
        let again = until.min(Instant::now() + again);
        Self { request, answer, until, again }
    }

    /// In how long it is given again, whatever comes.
    pub(super) fn waits_for(&self) -> Duration {
        self.again.saturating_duration_since(Instant::now())
    }
}

impl Driver {
    /// Does a command, or lets it wait until then for what peers were asked for.
    pub(super) fn submit(
        &mut self,
        mut request: Request,
        answer: oneshot::Sender<Result<Outcome, SubmitError>>,
        until: Option<Instant>,
        group: &mut Group,
    ) {
        let again = request.is_patient().then(|| request.clone());
        match (self.engine.submit(now(), &mut self.rng, request), again) {
            (Ok(outcome), _) => group.answers.push((answer, outcome)),
            (Err(refusal), Some(request)) if refusal.is_asking() => {
                self.wait_for_peers(Patient::new(request, &refusal, until, answer), group);
            }
            // The client may have gone; a refusal that nobody hears changes nothing.
            (Err(refusal), _) => drop(answer.send(Err(refusal.into()))),
        }
    }

    /// Where too many wait already, the answer is given that there would be without peers.
    fn wait_for_peers(&mut self, mut patient: Patient, group: &mut Group) {
        if self.patient.len() < MAX_PATIENT {
            return self.patient.push(patient);
        }
        if let Some(until) = patient.request.waits_until() {
            *until = None;
        }
        self.submit(patient.request, patient.answer, Some(patient.until), group);
    }

    /// Does again what waits for peers, after an answer of one or when its time is over.
    pub(super) fn try_again(&mut self, group: &mut Group) {
        let (news, now) = (self.engine.take_news(), Instant::now());
        if self.patient.is_empty() {
            return;
        }
        for mut patient in std::mem::take(&mut self.patient) {
            if patient.again > now && !news {
                self.patient.push(patient);
                continue;
            }
            if let Some(until) = patient.request.waits_until().filter(|_| patient.until <= now) {
                *until = None;
            }
            group.size += 1;
            self.submit(patient.request, patient.answer, Some(patient.until), group);
        }
    }

    pub(super) fn end_patience(&mut self) {
        for patient in self.patient.drain(..) {
            drop(patient.answer.send(Err(SubmitError::Stopping)));
        }
    }
}

/// How long a command waits for peers.
fn patience(request: &mut Request) -> Duration {
    let until = request.waits_until().and_then(|until| *until).unwrap_or_else(now);
    let millis = until.as_millis().saturating_sub(now().as_millis()).clamp(0, MAX_PATIENCE_MILLIS);
    Duration::from_millis(millis.unsigned_abs())
}
