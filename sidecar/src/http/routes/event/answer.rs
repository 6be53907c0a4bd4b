//! What became of events, as i-Reserve reads it: one body for one event, a list for an array.

use http::StatusCode;
use serde_json::{Value, json};
use shared::{EventKind, LicenceId};

use super::super::json;
use crate::{
    auth::Batch,
    flow::chat_to_thread::Refusal,
    http::{
        Answer,
        problem::{Kind, Problem},
    },
    metrics::{Direction, Metrics},
    record::Status,
};

pub(super) use crate::flow::chat_to_thread::Answer as Taken;

/// Status and body of one event, or its refusal with the id it gave itself.
fn judged(answer: &Taken) -> Result<(StatusCode, Value), (Option<&str>, Problem)> {
    let posted = |status: &Status, word: &str| json!({"id": status.id, "status": word, "post_id": status.post_id, "root_id": status.root_id, "channel_id": status.channel_id});
    Ok(match answer {
        Taken::Accepted { id, state } => (StatusCode::ACCEPTED, json!({"id": id, "status": state})),
        Taken::Ignored { id } => (StatusCode::ACCEPTED, json!({"id": id, "status": "ignored"})),
        Taken::Delivered(status) => (StatusCode::OK, posted(status, "delivered")),
        Taken::Pong { id } => {
            let body = json!({"id": id, "status": "delivered", "post_id": null, "root_id": null, "channel_id": null});
            (StatusCode::OK, body)
        }
        Taken::Duplicate(status) => {
            let mut body = posted(status, "duplicate");
            body["state"] = json!(status.status);
            (StatusCode::OK, body)
        }
        Taken::Refused { id, refusal } => return Err((id.as_deref(), refused(refusal))),
    })
}

fn refused(refusal: &Refusal) -> Problem {
    let (kind, detail, errors) = match refusal {
        Refusal::Invalid(errors) => (
            Kind::InvalidEvent,
            "see `errors` for each mistake and its place",
            errors.clone(),
        ),
        Refusal::UnknownDepartment(error) => (
            Kind::UnknownDepartment,
            "no channel is set for this department",
            vec![error.clone()],
        ),
        Refusal::UnknownNotificationType(error) => (
            Kind::UnknownNotificationType,
            "no channel is set for this notification type",
            vec![error.clone()],
        ),
        Refusal::Conflict => {
            let detail = "an event with this id and other content was taken before";
            return Problem::new(Kind::IdConflict, StatusCode::CONFLICT, detail);
        }
    };
    Problem::new(kind, StatusCode::UNPROCESSABLE_ENTITY, detail).pointing(errors)
}

/// The answer to a whole request.
pub(super) fn of(is_array: bool, answers: &[Taken]) -> Result<Answer, Problem> {
    if is_array {
        let results: Vec<Value> = answers
            .iter()
            .map(|answer| in_array(judged(answer)))
            .collect();
        return Ok(json(StatusCode::MULTI_STATUS, &json!({"results": results})));
    }
    let one = answers.first().map(judged);
    match one.expect("one event has one answer") {
        Ok((status, body)) => Ok(json(status, &body)),
        Err((_, problem)) => Err(problem),
    }
}

fn in_array(judged: Result<(StatusCode, Value), (Option<&str>, Problem)>) -> Value {
    match judged {
        Ok((status, mut body)) => {
            body["code"] = json!(status.as_u16());
            body
        }
        Err((id, problem)) => problem.in_array(id),
    }
}

/// What a request asked for, as far as its answer and our counters need it.
#[derive(Debug)]
pub(super) struct Asked {
    /// Whether an array came, which is answered with one result for each event.
    pub(super) is_array: bool,
    kinds: Vec<Kept>,
}

#[derive(Debug, Clone, Copy)]
enum Kept {
    Stored,
    Unknown,
    /// A sign that is not stored, or nothing that we could read.
    No,
}

impl Asked {
    pub(super) fn of(batch: &Batch) -> Self {
        let kind = |event: &EventKind| match event {
            EventKind::Unknown(_) => Kept::Unknown,
            EventKind::Ping => Kept::No,
            event if event.is_ephemeral() => Kept::No,
            _ => Kept::Stored,
        };
        let kinds = batch.events.iter().map(|event| {
            event
                .as_ref()
                .map_or(Kept::No, |parsed| kind(&parsed.event.kind))
        });
        Self {
            is_array: batch.is_array,
            kinds: kinds.collect(),
        }
    }

    pub(super) fn count(&self, metrics: &Metrics, licence: &LicenceId, answers: &[Taken]) {
        for (kept, answer) in self.kinds.iter().zip(answers) {
            match (kept, answer) {
                (Kept::Stored, Taken::Accepted { .. } | Taken::Delivered(_)) => {
                    metrics.accepted(licence.as_str(), Direction::ChatToThread);
                }
                (Kept::Unknown, Taken::Ignored { .. }) => metrics.unknown_event(licence.as_str()),
                _ => {}
            }
        }
    }
}
