//! `GET /v1/status`: how everything is, measured when asked.

use http::StatusCode;

use super::{super::json, Ops};
use crate::{command::measure::Measure, http::Answer};

impl Ops {
    /// What is asked for a status, by whoever may ask.
    #[must_use]
    pub fn measure(&self) -> Measure {
        Measure {
            store: self.store.clone(),
            licences: self.licences.clone(),
            mattermost: self.mattermost.clone(),
            listening: self.listening.clone(),
            heard: self.heard.clone(),
            hooks: self.hooks.clone(),
            clock: self.clock.clone(),
            started: self.started,
        }
    }

    /// `GET /v1/status`.
    pub(in crate::http) async fn status(&self) -> Answer {
        json(StatusCode::OK, &self.measure().now().await)
    }
}
