//! Why a whole request of events is refused, as its caller reads it.

use http::StatusCode;

use crate::{
    auth::BatchError,
    delivery::outbox::Shed,
    http::problem::{Kind, Problem},
    metrics::ShedReason,
};

/// 429 where one licence sends or has too much, 503 where nobody's events can be taken.
pub(super) fn shed(shed: &Shed) -> (ShedReason, Problem) {
    let (reason, problem, wait) = match shed {
        Shed::Rate { retry_after, .. } => {
            let detail = "events come faster than this licence's rate";
            let problem = Problem::new(Kind::Rate, StatusCode::TOO_MANY_REQUESTS, detail);
            (ShedReason::Rate, problem, retry_after)
        }
        Shed::Backlog {
            of_licence,
            retry_after,
            ..
        } => {
            let (status, detail) = if *of_licence {
                (
                    StatusCode::TOO_MANY_REQUESTS,
                    "too many events of this licence wait already",
                )
            } else {
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "too many events wait already",
                )
            };
            let problem = Problem::new(Kind::Backlog, status, detail);
            (ShedReason::Backlog, problem, retry_after)
        }
        Shed::Store { retry_after, .. } => (ShedReason::Store, Problem::store(shed), retry_after),
    };
    (reason, problem.retry_after(*wait))
}

/// Bytes that are no JSON are a 400, JSON that is no event or list of events a 422.
pub(super) fn unreadable(error: &BatchError) -> Problem {
    let (kind, status) = if error.is_syntax() {
        (Kind::InvalidJson, StatusCode::BAD_REQUEST)
    } else {
        (Kind::InvalidEvent, StatusCode::UNPROCESSABLE_ENTITY)
    };
    Problem::new(kind, status, error.to_string()).pointing(vec![error.pointed()])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::LicenceId;

    use super::*;

    #[test]
    fn too_much_of_one_licence_is_its_own_and_too_much_of_all_is_ours() {
        let retry_after = Duration::from_secs(7);
        let backlog = |of_licence| Shed::Backlog {
            waiting: 9,
            of_licence,
            retry_after,
        };
        let licence = LicenceId::new("acme").unwrap();
        for (cause, status, kind) in [
            (
                Shed::Rate {
                    licence,
                    retry_after,
                },
                429,
                "rate",
            ),
            (backlog(true), 429, "backlog"),
            (backlog(false), 503, "backlog"),
            (
                Shed::Store {
                    reason: "its disk is nearly full".into(),
                    retry_after,
                },
                503,
                "store",
            ),
        ] {
            let (reason, problem) = shed(&cause);
            let answer = problem.into_answer();
            assert_eq!((answer.status().as_u16(), reason.name()), (status, kind));
            assert_eq!(answer.headers().get_all("retry-after").iter().count(), 1);
            assert_eq!(answer.headers()["retry-after"], "7");
        }
    }
}
