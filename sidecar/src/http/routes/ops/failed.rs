//! Parked events: listed, put back into their lanes, dropped.

use std::net::IpAddr;

use http::{Request, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::{ConversationId, LicenceId, limits::REQUEST_BYTES};

use super::{super::json, Ops};
use crate::{
    http::{
        Answer, body,
        problem::{Kind, Problem},
    },
    record::{Direction, Selection},
};

const PAGE: usize = 100;
/// More on one page is a way to fill memory.
const LARGEST_PAGE: usize = 1_000;

/// What is to be done with parked events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Change {
    Retry,
    Drop,
}

/// Which ones. A word that is not known here is a mistake: a filter with a typing error would mean all of them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Which {
    /// Unknown ones are skipped, whatever they look like.
    FailedIds(Vec<Value>),
    Filter(Filter),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    licence: Option<LicenceId>,
    direction: Option<Direction>,
    conversation_id: Option<ConversationId>,
}

/// One page of the list, as the query asks for it.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    selection: Selection,
    after: Option<u64>,
    limit: usize,
}

impl Ops {
    /// `GET /v1/failed`.
    pub(in crate::http) async fn failed(&self, query: Option<&str>) -> Result<Answer, Problem> {
        let Page {
            selection,
            after,
            limit,
        } = page(query.unwrap_or_default())?;
        let page = self
            .store
            .parked(&selection, after, limit)
            .await
            .map_err(Problem::store)?;
        Ok(json(
            StatusCode::OK,
            &json!({"items": page.items, "next": page.next}),
        ))
    }

    /// `POST /v1/failed/retry` and `/v1/failed/drop`.
    pub(in crate::http) async fn change(
        &self,
        request: &mut Request<Incoming>,
        peer: IpAddr,
        change: Change,
    ) -> Result<Answer, Problem> {
        // A form is what a foreign page in a browser could send without asking.
        if body::media_type(request.headers()).as_deref() != Some("application/json") {
            return Err(Problem::media_type("send `application/json`"));
        }
        let held = body::whole(request, REQUEST_BYTES, &self.budget, &self.limits).await?;
        let selection = selection(&held.bytes)?;
        drop(held);
        let changed = match change {
            Change::Retry => self.store.replay(&selection, self.clock.moment()).await,
            Change::Drop => self.store.drop_parked(&selection).await,
        };
        let count = changed.map_err(Problem::store)?;
        if change == Change::Retry && count > 0 {
            self.wake.ring();
        }
        let did = match change {
            Change::Retry => "put back into their lanes",
            Change::Drop => "dropped",
        };
        tracing::info!(client.address = %peer, failed.count = count, "{count} parked events were {did} on a call from {peer}");
        Ok(json(StatusCode::OK, &json!({"count": count})))
    }
}

fn page(query: &str) -> Result<Page, Problem> {
    let mut page = Page {
        selection: Selection::default(),
        after: None,
        limit: PAGE,
    };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let wrong = |rule: &str| Problem::bad_request(format!("`{name}` must be {rule}"));
        match &*name {
            "licence" => {
                page.selection.licence =
                    Some(LicenceId::new(&*value).map_err(|error| wrong(error.rule))?)
            }
            "conversation_id" => {
                let id = ConversationId::new(&*value).map_err(|error| wrong(error.rule))?;
                page.selection.conversation_id = Some(id);
            }
            "direction" => {
                let direction = Direction::from_name(&value);
                page.selection.direction =
                    Some(direction.ok_or_else(|| wrong("`chat_to_thread` or `thread_to_chat`"))?);
            }
            "after" => page.after = Some(value.parse().map_err(|_| wrong("what `next` said"))?),
            "limit" => {
                let limit: usize = value
                    .parse()
                    .ok()
                    .filter(|limit| *limit > 0)
                    .ok_or_else(|| wrong("a number from 1 to 1000"))?;
                page.limit = limit.min(LARGEST_PAGE);
            }
            _ => {}
        }
    }
    Ok(page)
}

fn selection(body: &[u8]) -> Result<Selection, Problem> {
    let json: Value = serde_json::from_slice(body).map_err(|_| {
        Problem::new(
            Kind::InvalidJson,
            StatusCode::BAD_REQUEST,
            "the body is no valid JSON",
        )
    })?;
    let which = Which::deserialize(&json).map_err(|error| {
        Problem::blank(
            StatusCode::UNPROCESSABLE_ENTITY,
            "send `failed_ids` with a list, or `filter` with any of `licence`, `direction` and `conversation_id`",
        )
        .because(error)
    })?;
    Ok(match which {
        Which::FailedIds(ids) => Selection {
            failed_ids: Some(ids.iter().filter_map(failed_id).collect()),
            ..Selection::default()
        },
        Which::Filter(filter) => Selection {
            failed_ids: None,
            licence: filter.licence,
            direction: filter.direction,
            conversation_id: filter.conversation_id,
        },
    })
}

/// A number, or a text that is one.
fn failed_id(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_with_its_bounds() {
        let read = page("licence=acme&direction=thread_to_chat&conversation_id=conv%2093&after=7&limit=5000&later=1").unwrap();
        assert_eq!(read.limit, 1_000);
        assert_eq!(read.after, Some(7));
        assert_eq!(read.selection.conversation_id.unwrap().as_str(), "conv 93");
        assert_eq!(page("").unwrap().limit, 100);
        for bad in [
            "limit=0",
            "limit=many",
            "direction=up",
            "after=x",
            "licence=a%20b",
        ] {
            assert_eq!(page(bad).unwrap_err().status(), 400, "{bad}");
        }
    }

    #[test]
    fn what_is_meant_must_be_said_without_a_doubt() {
        let ids = selection(br#"{"failed_ids": [7, "8", "nobody", null]}"#).unwrap();
        assert_eq!(ids.failed_ids, Some(vec![7, 8]));
        assert_eq!(
            selection(br#"{"filter": {}}"#).unwrap(),
            Selection::default()
        );
        assert_eq!(
            selection(br#"{"failed_ids": []}"#).unwrap().failed_ids,
            Some(vec![]),
            "none is not all"
        );
        for bad in [
            &br#"{}"#[..],
            br#"{"filter": {"licens": "acme"}}"#,
            br#"{"filter": {"licence": "no such id"}}"#,
            br#"{"failed_ids": [], "filter": {}}"#,
            br#"[]"#,
        ] {
            assert_eq!(
                selection(bad).unwrap_err().status(),
                422,
                "{}",
                String::from_utf8_lossy(bad)
            );
        }
        assert_eq!(selection(b"{").unwrap_err().status(), 400);
    }
}
