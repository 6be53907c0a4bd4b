//! What the plugin asks: its configuration, its hints, and what people typed, pressed and sent.
//!
//! Every call proves itself with a token of the pairing secret; "from this machine" is no proof. Who acts stands in the token,
//! where and with which rights in the body, as the server answered the plugin at that moment. Buttons and dialogs come back through
//! the hands of people, so they carry a MAC.

mod seal;

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use http::{HeaderMap, Request, StatusCode};
use hyper::body::Incoming;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, json};
use shared::{
    UserId,
    limits::REQUEST_BYTES,
    pairing::{
        ActionAnswer, ActionRequest, AutocompleteItem, AutocompleteRequest, CommandAnswer,
        CommandRequest, Configuration, ConfigurationAnswer, DialogAnswer, DialogRequest, Hints,
        MOST_HINTS, State, Status, Where,
    },
};

use super::json as answered;
use crate::{
    auth::{
        Slowing,
        link::LinkKey,
        pairing::{Paired, PairingKey, PairingRefused},
        token::Refused,
    },
    clock::Clock,
    command::{Answer as Said, Asker, Desk, KEY_FIELD},
    http::{
        Answer,
        body::{self, Budget},
        limits::Limits,
        problem::{Kind, Problem},
    },
};
use seal::Seal;

/// Where hints go. It must not wait.
#[derive(Clone)]
pub struct HintSink(pub Arc<dyn Fn(Hints) + Send + Sync>);

impl fmt::Debug for HintSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HintSink")
    }
}

/// The plugin's routes.
#[derive(Debug)]
pub struct Plugin {
    key: PairingKey,
    seal: Seal,
    desk: Desk,
    hints: HintSink,
    clock: Clock,
    limits: Limits,
    budget: Budget,
    /// Held for one count, never across an await.
    slowing: Mutex<Slowing>,
}

/// Which call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Call {
    Configuration,
    Hints,
    Commands,
    Actions,
    Dialogs,
    Autocomplete,
    Status,
}

impl Plugin {
    /// `links` is the key of buttons and dialogs, which every replica shares. `budget` is that of the other routes.
    #[must_use]
    pub fn new(
        key: PairingKey,
        links: Arc<LinkKey>,
        desk: Desk,
        hints: HintSink,
        clock: Clock,
        (limits, budget): (Limits, Budget),
    ) -> Self {
        Self {
            key,
            seal: Seal::new(links),
            desk,
            hints,
            clock,
            limits,
            budget,
            slowing: Mutex::default(),
        }
    }

    pub(in crate::http) async fn answer(
        &self,
        call: Call,
        request: &mut Request<Incoming>,
        peer: IpAddr,
    ) -> Result<Answer, Problem> {
        let paired = self.paired(request.headers(), peer).await?;
        match call {
            Call::Status => Ok(self.status().await),
            Call::Configuration => self.configure(self.read(request).await?).await,
            Call::Hints => self.hinted(self.read(request).await?),
            Call::Commands => {
                self.command(acting(&paired)?, self.read(request).await?)
                    .await
            }
            Call::Actions => {
                self.action(acting(&paired)?, self.read(request).await?)
                    .await
            }
            Call::Dialogs => {
                self.dialog(acting(&paired)?, self.read(request).await?)
                    .await
            }
            Call::Autocomplete => {
                let asked: AutocompleteRequest = self.read(request).await?;
                let asker = asker(acting(&paired)?, asked.place);
                Ok(ok(&self.list(&asked.list, &asker)))
            }
        }
    }

    /// Whether the plugin calls. Answers without a proof get slower the more of them one address causes.
    async fn paired(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Paired, Problem> {
        let refused = match self.key.verify(headers, self.clock.now()) {
            Ok(paired) => return Ok(paired),
            Err(refused) => refused,
        };
        if let PairingRefused::Headers(both @ Refused::BothHeaders) = &refused {
            return Err(Problem::bad_request(both.public()));
        }
        tokio::time::sleep(self.slowed(peer)).await;
        Err(Problem::unauthorised("the pairing token is not accepted").because(&refused))
    }

    fn slowed(&self, peer: IpAddr) -> std::time::Duration {
        let mut slowing = self.slowing.lock().unwrap_or_else(PoisonError::into_inner);
        slowing.failed(peer, tokio::time::Instant::now().into_std())
    }

    async fn read<T: DeserializeOwned>(
        &self,
        request: &mut Request<Incoming>,
    ) -> Result<T, Problem> {
        if body::media_type(request.headers()).as_deref() != Some("application/json") {
            return Err(Problem::media_type("send `application/json`"));
        }
        let held = body::whole(request, REQUEST_BYTES, &self.budget, &self.limits).await?;
        serde_json::from_slice(&held.bytes).map_err(|error| {
            // serde's own words would repeat what stands there, tokens included.
            let at = format!("line {}, column {}", error.line(), error.column());
            if error.is_data() {
                Problem::blank(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    format!("the body does not have the agreed form at {at}"),
                )
            } else {
                Problem::new(
                    Kind::InvalidJson,
                    StatusCode::BAD_REQUEST,
                    format!("the body is no JSON at {at}"),
                )
            }
        })
    }

    async fn configure(&self, configuration: Configuration) -> Result<Answer, Problem> {
        self.desk
            .keeper
            .configure(configuration)
            .await
            .map_err(Problem::store)?;
        let standing = self.desk.keeper.standing();
        let state = if self.desk.is_connected() {
            State::Connected
        } else {
            State::Unconnected
        };
        Ok(ok(&ConfigurationAnswer {
            state,
            problems: standing.problems.clone(),
            wanted: standing.wanted.clone(),
            tree: Some(self.desk.tree()),
        }))
    }

    async fn status(&self) -> Answer {
        self.desk.keeper.refresh().await;
        let measured = self.desk.measure.now().await;
        let standing = self.desk.keeper.standing();
        let health = match serde_json::to_value(&measured) {
            Ok(serde_json::Value::Object(health)) => health,
            _ => Map::new(),
        };
        ok(&Status {
            configured: standing.configured,
            wanted: standing.wanted.clone(),
            tree: Some(self.desk.tree()),
            health,
        })
    }

    fn hinted(&self, hints: Hints) -> Result<Answer, Problem> {
        if hints.hints.len() > MOST_HINTS {
            return Err(Problem::blank(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("a batch has at most {MOST_HINTS} hints"),
            ));
        }
        (self.hints.0)(hints);
        Ok(ok(&json!({})))
    }

    async fn command(&self, user: UserId, asked: CommandRequest) -> Result<Answer, Problem> {
        let asker = asker(user, asked.place);
        let said = self.desk.typed(&asked.command, &asker).await;
        Ok(ok(&CommandAnswer {
            attachments: self.seal.buttons(&said.buttons),
            dialog: self.dialog_of(&said, &asker),
            wanted: said.wanted,
            text: said.text,
        }))
    }

    async fn action(&self, user: UserId, asked: ActionRequest) -> Result<Answer, Problem> {
        let asker = asker(user, asked.place);
        let Some(action) = self.seal.action(&asked.context) else {
            return Err(Problem::blank(
                StatusCode::FORBIDDEN,
                "this button is none of ours",
            ));
        };
        let said = self.desk.pressed(&action, &asker).await;
        let dialog = self.dialog_of(&said, &asker);
        Ok(ok(&ActionAnswer {
            update: None,
            ephemeral_text: some(said.text),
            dialog,
            wanted: said.wanted,
        }))
    }

    async fn dialog(&self, user: UserId, asked: DialogRequest) -> Result<Answer, Problem> {
        let asker = asker(user, asked.place);
        let not_ours = || Problem::blank(StatusCode::FORBIDDEN, "this dialog is none of ours");
        let state = self
            .seal
            .state(&asked.callback_id, &asker.user, &asked.state)
            .ok_or_else(not_ours)?;
        let typed = asked
            .submission
            .get(KEY_FIELD)
            .and_then(|value| value.as_str());
        let typed = (!asked.cancelled).then(|| typed.unwrap_or_default().to_owned());
        let said = self
            .desk
            .sent(&asked.callback_id, state, typed, &asker)
            .await
            .ok_or_else(not_ours)?;
        Ok(ok(&DialogAnswer {
            errors: said
                .errors
                .into_iter()
                .map(|(field, text)| (field.to_owned(), text))
                .collect(),
            error: said.error,
            text: some(said.text),
            wanted: said.wanted,
        }))
    }

    fn list(&self, list: &str, asker: &Asker) -> Vec<AutocompleteItem> {
        self.desk
            .list(list, asker)
            .into_iter()
            .map(|(item, help_text)| AutocompleteItem {
                item: item.to_owned(),
                hint: String::new(),
                help_text,
            })
            .collect()
    }

    fn dialog_of(&self, said: &Said, asker: &Asker) -> Option<serde_json::Value> {
        said.dialog
            .as_ref()
            .map(|dialog| self.seal.dialog(dialog, &asker.user))
    }
}

impl Call {
    /// As metrics call it.
    pub(in crate::http) const fn name(self) -> &'static str {
        match self {
            Self::Configuration => "plugin_configuration",
            Self::Hints => "plugin_hints",
            Self::Commands => "plugin_commands",
            Self::Actions => "plugin_actions",
            Self::Dialogs => "plugin_dialogs",
            Self::Autocomplete => "plugin_autocomplete",
            Self::Status => "plugin_status",
        }
    }
}

/// Whoever acts stands in the token: without, nobody's rights could be asked.
fn acting(paired: &Paired) -> Result<UserId, Problem> {
    paired
        .user()
        .cloned()
        .ok_or_else(|| Problem::unauthorised("the pairing token names nobody who acts"))
}

const fn asker(user: UserId, place: Where) -> Asker {
    Asker { user, place }
}

fn ok(value: &impl Serialize) -> Answer {
    answered(StatusCode::OK, value)
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
