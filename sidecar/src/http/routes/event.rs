//! What i-Reserve asks: take these events, and what became of one.
//!
//! In this order: who says so, what kind of body and how large, its JSON, whether so much may come now, its files, and only then
//! the durable write that an answer of 2xx speaks of. Whatever is refused as a whole is refused before anything is kept.

mod answer;
mod arrived;
mod named;
mod outcome;
mod refusal;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use hyper::body::Incoming;
use shared::{EventId, limits::REQUEST_BYTES};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::json;
use crate::{
    auth::{
        Batch, Slowing, Verified,
        token::{self, Presented, Refused},
    },
    clock::Clock,
    command::measure::Heard,
    delivery::outbox::Shed,
    flow::chat_to_thread::{Intake, Parts as Files},
    http::{
        Answer,
        body::{self, Budget},
        limits::Limits,
        multipart::Parts,
        prefer,
        problem::Problem,
    },
    licence::{Current, Licence},
    metrics::Metrics,
};
use answer::{Asked, Taken};
use arrived::Arrived;
use named::Named;

/// The licences of a sidecar whose plugin has not spoken yet come with its first call, seconds from now.
const NOT_YET: Duration = Duration::from_secs(5);

/// What the event routes need.
#[derive(Debug)]
pub struct Wiring {
    pub licences: Current,
    pub clock: Clock,
    pub intake: Intake,
    pub metrics: Metrics,
    pub heard: Heard,
    pub limits: Limits,
    /// Shared with the other listener, as memory is.
    pub budget: Budget,
    /// The order to stop, which ends all waiting for outcomes.
    pub stop: CancellationToken,
}

/// The event routes.
#[derive(Debug)]
pub struct Events {
    wiring: Wiring,
    /// Held for one count, never across an await.
    slowing: Mutex<Slowing>,
    /// What was begun is ended, also when its caller left.
    taking: TaskTracker,
}

/// How a body of events comes.
enum Form {
    Json,
    Multipart,
}

impl Events {
    #[must_use]
    pub fn new(wiring: Wiring) -> Self {
        Self {
            wiring,
            slowing: Mutex::default(),
            taking: TaskTracker::new(),
        }
    }

    /// Resolves when every promise that was begun is kept or refused. The store's own deadlines bound it.
    pub(in crate::http) async fn at_rest(&self) {
        self.taking.close();
        self.taking.wait().await;
    }

    /// `POST /v1/events`. May be dropped at any point: what was handed to the intake goes on without its caller.
    pub(in crate::http) async fn take(
        &self,
        request: &mut Request<Incoming>,
        peer: IpAddr,
    ) -> Result<Answer, Problem> {
        let (caller, licence) = self.caller(request.headers(), peer).await?;
        let wait = prefer::wait(request.headers(), self.wiring.limits.wait);
        let (batch, files) = match form(request.headers())? {
            Form::Json => {
                let held = body::whole(
                    request,
                    REQUEST_BYTES,
                    &self.wiring.budget,
                    &self.wiring.limits,
                )
                .await?;
                let batch = self.parse(&caller, held.bytes.clone())?;
                self.admit(&licence, batch.get().events.len()).await?;
                (batch, Files::new())
            }
            Form::Multipart => self.parts(request, &caller, &licence).await?,
        };
        self.wiring.heard.from(&licence.id, self.wiring.clock.now());
        let asked = Asked::of(batch.get());
        let answers = self.taken(&licence, batch, files).await?;
        asked.count(&self.wiring.metrics, &licence.id, &answers);
        let answers = match wait {
            Some(wait) => {
                outcome::awaited(
                    self.wiring.intake.outbox(),
                    &licence.id,
                    answers,
                    wait,
                    &self.wiring.stop,
                )
                .await
            }
            None => answers,
        };
        answer::of(asked.is_array, &answers)
    }

    /// The promise, in a task of its own: it is kept also when its caller leaves in the middle.
    async fn taken(
        &self,
        licence: &Arc<Licence>,
        batch: Verified<Batch>,
        files: Files,
    ) -> Result<Vec<Taken>, Problem> {
        let events = batch.get().events.len();
        let (intake, own) = (self.wiring.intake.clone(), Arc::clone(licence));
        let taking = self
            .taking
            .spawn(async move { intake.take(&own, batch, files, None).await });
        match taking.await {
            Ok(taken) => taken.map_err(|shed| self.shed(licence, &shed, events)),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    /// `GET /v1/events/{id}`: another licence's event is as unknown as one that never was.
    pub(in crate::http) async fn status(
        &self,
        headers: &HeaderMap,
        peer: IpAddr,
        id: &str,
    ) -> Result<Answer, Problem> {
        let (_, licence) = self.caller(headers, peer).await?;
        let id = EventId::new(id).map_err(|_| Problem::not_found())?;
        match self.wiring.intake.status(&licence.id, &id).await {
            Ok(Some(status)) => Ok(json(StatusCode::OK, &status)),
            Ok(None) => Err(Problem::not_found()),
            Err(error) => Err(Problem::store(error)),
        }
    }

    /// Who asks. Answers without a proof get slower the more of them one address causes.
    async fn caller(
        &self,
        headers: &HeaderMap,
        peer: IpAddr,
    ) -> Result<(Verified<()>, Arc<Licence>), Problem> {
        let licences = self.wiring.licences.snapshot();
        let verified = Presented::from_headers(headers)
            .and_then(|presented| token::verify(&presented, &licences, self.wiring.clock.now()));
        let refused = match verified {
            Ok(caller) => {
                let licence = licences
                    .get(caller.licence())
                    .expect("a verified licence is one of the snapshot");
                let licence = Arc::clone(licence);
                return Ok((caller, licence));
            }
            Err(refused) => refused,
        };
        let public = refused.public();
        Err(match &refused {
            Refused::BothHeaders => Problem::bad_request(public),
            Refused::NotYet(_) => Problem::blank(StatusCode::SERVICE_UNAVAILABLE, public)
                .retry_after(NOT_YET)
                .because(&refused),
            Refused::Unproved { .. } | Refused::Claims { .. } => {
                tokio::time::sleep(self.slowed(peer)).await;
                Problem::unauthorised(public).because(&refused)
            }
        })
    }

    fn slowed(&self, peer: IpAddr) -> Duration {
        let mut slowing = self.slowing.lock().unwrap_or_else(PoisonError::into_inner);
        slowing.failed(peer, tokio::time::Instant::now().into_std())
    }

    fn parse(&self, caller: &Verified<()>, bytes: Bytes) -> Result<Verified<Batch>, Problem> {
        caller
            .clone()
            .with(bytes)
            .parse(self.wiring.clock.now())
            .map_err(|error| refusal::unreadable(&error))
    }

    async fn admit(&self, licence: &Licence, events: usize) -> Result<(), Problem> {
        let rate = licence.rate.map(std::num::NonZeroU32::get);
        let admitted = self
            .wiring
            .intake
            .outbox()
            .admit(&licence.id, rate, events)
            .await;
        admitted.map_err(|shed| self.shed(licence, &shed, events))
    }

    /// The events of a body of parts, and its files, written while they come.
    async fn parts(
        &self,
        request: &mut Request<Incoming>,
        caller: &Verified<()>,
        licence: &Arc<Licence>,
    ) -> Result<(Verified<Batch>, Files), Problem> {
        let most = licence.attachments.max_bytes;
        let share = self
            .wiring
            .budget
            .share(REQUEST_BYTES, &self.wiring.limits)
            .await?;
        let mut parts = Parts::new(request, most, &self.wiring.limits)?;
        let bytes = parts.event(REQUEST_BYTES).await?;
        let batch = self.parse(caller, bytes.clone())?;
        let mut named = Named::in_events(&bytes)?;
        drop((share, bytes));
        self.admit(licence, batch.get().events.len()).await?;
        if batch.get().events.iter().all(Result::is_err) {
            return Ok((batch, Files::new()));
        }
        let mut files = Arrived::default();
        while let Some(part) = parts.next(most).await? {
            named.came(part.name())?;
            files.receive(part, self.wiring.intake.store()).await?;
        }
        Ok((batch, files.hand_on()))
    }

    fn shed(&self, licence: &Licence, shed: &Shed, events: usize) -> Problem {
        let (reason, problem) = refusal::shed(shed);
        self.wiring
            .metrics
            .shed(licence.id.as_str(), reason, events as u64);
        problem
    }
}

fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    match body::media_type(headers).as_deref() {
        Some("application/json") => Ok(Form::Json),
        Some("multipart/form-data") => Ok(Form::Multipart),
        _ => Err(Problem::media_type(
            "send `application/json` or `multipart/form-data`",
        )),
    }
}
