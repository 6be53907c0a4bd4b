//! One customer: an i-Reserve with its licence key, what it told through the plugin, and what the team answered.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use simulators::ireserve::event::{message, ping, started};
use simulators::ireserve::{IReserve, LicenceKey, Sender};
use simulators::mattermost::{Account, Post};
use simulators::screen::Screen;

use super::site::{Site, good};
use crate::harness::{Ledger, Standing, Teller, faults};

/// The team's time to reconsider is part of each reply's way, and a server that starts needs half a minute.
const PATIENCE: Duration = Duration::from_secs(90);

#[derive(Debug)]
pub(crate) struct Customer {
    pub(crate) licence: &'static str,
    pub(crate) ireserve: IReserve,
    key: LicenceKey,
    pub(crate) teller: Teller,
    /// What the team wrote, by conversation.
    written: Mutex<BTreeMap<String, Vec<String>>>,
}

impl Customer {
    /// An i-Reserve that waits for its key to be typed. Events go through the plugin of `site`.
    pub(crate) async fn of(licence: &'static str, site: &Site, secret: u8) -> Self {
        Self::with(licence, site, secret, |sender| sender).await
    }

    /// The same, with its tokens in the header that no Mattermost looks at.
    pub(crate) async fn with_a_header_of_its_own(
        licence: &'static str,
        site: &Site,
        secret: u8,
    ) -> Self {
        Self::with(licence, site, secret, Sender::with_a_header_of_its_own).await
    }

    async fn with(
        licence: &'static str,
        site: &Site,
        secret: u8,
        change: impl FnOnce(Sender) -> Sender,
    ) -> Self {
        let ireserve = IReserve::start().await.unwrap();
        let key = LicenceKey::new(licence, &ireserve.host(), [secret; 32]);
        ireserve.expect_secrets(&[&key.webhook_secret()]);
        let sender = Sender::new(&site.public_url(), licence, &key.token_secret());
        Self {
            licence,
            ireserve,
            teller: Teller::new(change(sender), Ledger::default()),
            key,
            written: Mutex::default(),
        }
    }

    /// An administrator types the key into the dialog that stands on his screen, and nothing else; i-Reserve calls as soon as it is
    /// told where. Tells what only he was shown.
    pub(crate) async fn connects(&self, site: &Site, channel: &str, mut screen: Screen) -> Post {
        let cast = site.world.cast();
        let shown = screen.dialog().await.unwrap();
        let fields = shown.dialog["elements"].as_array().unwrap();
        assert_eq!(fields.len(), 1, "one value is asked for: {fields:?}");
        assert_eq!(fields[0]["subtype"], "password", "{fields:?}");
        let field = fields[0]["name"].as_str().unwrap();
        let sent = json!({ "url": shown.url, "callback_id": shown.dialog["callback_id"], "state": shown.dialog["state"],
            "channel_id": channel, "team_id": cast.team_id, "user_id": cast.admin.id, "cancelled": false,
            "submission": { field: self.key.text() } });
        let api = site.world.api(&cast.admin);
        let (answer, ()) = tokio::join!(
            api.post("/actions/dialogs/submit", &sent),
            self.calls_back(site)
        );
        let answer = good(&answer.unwrap());
        for wrong in ["error", "errors"] {
            let text = answer[wrong].as_str().is_none_or(str::is_empty);
            let fields = answer[wrong]
                .as_object()
                .is_none_or(serde_json::Map::is_empty);
            assert!(text && fields, "{answer}");
        }
        let whisper = screen.whisper().await.unwrap();
        screen.close().await;
        whisper
    }

    /// i-Reserve is told where events go, and tries the way.
    async fn calls_back(&self, site: &Site) {
        let told = self
            .ireserve
            .until("i-Reserve is told where events go", |inbox| {
                let mut told = inbox
                    .taken()
                    .iter()
                    .filter(|taken| taken.kind == "integration.connected");
                let told = told.find(|taken| taken.data.get("test").is_none())?;
                Some(told.data["events_url"].clone())
            });
        assert_eq!(told.await, format!("{}/v1/events", site.public_url()));
        let answer = self
            .teller
            .sender
            .send(&ping(&format!("{}-ping", self.licence)))
            .await;
        good(&answer.unwrap());
    }

    /// A visitor begins a conversation; tells its card.
    pub(crate) async fn begins(&self, site: &Site, conversation: &str) -> Post {
        let opening = started(&format!("{conversation}-start"), conversation, "Sanne");
        let answer = self.teller.tell_and_wait(&opening, 8).await.json();
        assert_eq!(answer["status"], "delivered", "{answer}");
        let channel = answer["channel_id"].as_str().unwrap();
        let root = answer["post_id"].as_str().unwrap();
        let posts = site.world.channel_posts(channel).await.unwrap();
        posts.into_iter().find(|post| post.id == root).unwrap()
    }

    /// The visitor says something, as often as i-Reserve has to repeat it.
    pub(crate) async fn says(&self, conversation: &str, id: &str, text: &str) {
        self.teller
            .tell(&message(id, conversation, "Sanne", text))
            .await;
    }

    /// Somebody of the team writes below a card.
    pub(crate) async fn written(&self, site: &Site, who: &Account, card: &Post, text: &str) {
        let posted = site
            .world
            .post_as(who, &card.channel_id, Some(&card.id), text, &[])
            .await;
        posted.unwrap();
        let conversation = card.marker("conversation_id").unwrap().to_owned();
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written
            .entry(conversation)
            .or_default()
            .push(text.to_owned());
    }

    fn all_written(&self) -> BTreeMap<String, Vec<String>> {
        self.written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until visitors see everything that was written to them, and nothing else.
    pub(crate) async fn until_visitors_see_it(&self) {
        for (conversation, texts) in self.all_written() {
            let what = format!("the visitor of {conversation} sees {texts:?}");
            let seen = self.ireserve.within(PATIENCE, &what, |inbox| {
                (inbox.texts(&conversation) == texts).then_some(())
            });
            if let Err(late) = seen.await {
                panic!("{late}");
            }
        }
    }

    /// Every event stands once and in order, every reply was taken once and in order, and every call was signed.
    pub(crate) async fn proven(&self, site: &Site, bot: &Account) {
        self.teller.until_nothing_is_owed().await;
        self.until_visitors_see_it().await;
        let improper = self.ireserve.look(|inbox| inbox.improper().count());
        assert_eq!(improper, 0, "every call was signed and well-formed");
        let replies = self.ireserve.look(|inbox| {
            let created = inbox
                .taken()
                .iter()
                .filter(|taken| taken.kind == "reply.created");
            created.count()
        });
        let written: usize = self.all_written().values().map(Vec::len).sum();
        assert_eq!(replies, written, "each reply was taken once");
        let ids = self.teller.ledger(|ledger| {
            let ids = ledger.entries.iter().map(|entry| entry.id.clone());
            ids.collect::<Vec<_>>()
        });
        let mut said: BTreeMap<String, Option<Value>> = BTreeMap::new();
        for id in ids {
            let status = self.teller.status(&id).await;
            said.insert(id, status);
        }
        let mut standing = Standing::new();
        for (name, mut posts) in site.posts_of(bot).await {
            // What does not say whose it is is a fault of everybody.
            posts.retain(|post| {
                post.marker("licence")
                    .is_none_or(|licence| licence == self.licence)
            });
            standing.insert(name.to_owned(), posts);
        }
        let faults = self
            .teller
            .ledger(|ledger| faults(ledger, &standing, &said));
        assert!(faults.is_empty(), "{}: {}", self.licence, faults.join("\n"));
    }

    /// What nobody but the two sides may ever say.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let text = self.key.text();
        let secret = text.split('.').nth(2).unwrap_or_default().to_owned();
        vec![secret, self.key.token_secret(), self.key.webhook_secret()]
    }
}
