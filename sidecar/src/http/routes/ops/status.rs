//! `GET /v1/status`: how everything is, measured when asked.

use http::StatusCode;

use super::{super::json, Ops};
use crate::{command::measure::Measure, http::Answer};

impl Ops {
    /// `GET /v1/status`.
    pub(in crate::http) async fn status(&self) -> Answer {
        let measure = Measure {
            store: self.store.clone(),
            licences: self.licences.clone(),
            mattermost: self.mattermost.clone(),
            heard: self.heard.clone(),
            clock: self.clock.clone(),
            started: self.started,
        };
        json(StatusCode::OK, &measure.now().await)
    }
}
