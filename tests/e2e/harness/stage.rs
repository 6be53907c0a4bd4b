//! Setting a stage, and clearing it with proof.

use std::collections::BTreeMap;
use std::time::Duration;

use simulators::ireserve::IReserve;
use simulators::mattermost::Post;
use simulators::program::{Redis, Settings, Sidecar};
use simulators::wire::Wire;
use simulators::world::World;

use super::executable;
use super::ledger::Ledger;
use super::proof::{self, Standing};
use super::teller::{PATIENCE, Teller};
use super::wait::asked;

/// The licence of every stage.
pub(crate) const LICENCE: &str = "acme";

/// How long an orderly end may take (P13).
const END: Duration = Duration::from_secs(15);

/// Notification types and the channels they are mapped to.
const NOTIFICATIONS: [(&str, &str); 3] = [
    ("booking.confirmed", "bookings"),
    ("booking.cancelled", "bookings"),
    ("*", "webchat"),
];

/// What shall be different from the usual.
#[derive(Debug, Default)]
pub(crate) struct Setting {
    settings: Vec<(String, String)>,
    has_wire: bool,
    world: Option<World>,
}

impl Setting {
    /// With one setting of the sidecar.
    pub(crate) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.settings.push((key.to_owned(), value.into()));
        self
    }

    /// With a wire between sidecar and Mattermost that can be made bad.
    pub(crate) fn with_a_wire(mut self) -> Self {
        self.has_wire = true;
        self
    }

    /// In this world, for what the simulated one alone can do.
    pub(crate) fn in_world(mut self, world: World) -> Self {
        self.world = Some(world);
        self
    }

    pub(crate) async fn set(self) -> Stage {
        let world = match self.world {
            Some(world) => world,
            None => World::of_environment().await.unwrap(),
        };
        let ireserve = IReserve::start().await.unwrap();
        let wire = if self.has_wire {
            let target = world.url().trim_start_matches("http://").parse().unwrap();
            Some(Wire::to(target).await.unwrap())
        } else {
            None
        };
        let redis = match std::env::var_os("STAGE_STORE") {
            Some(store) if store == "redis" => Some(Redis::start().await.unwrap()),
            _ => None,
        };
        let url = wire.as_ref().map_or_else(|| world.url(), Wire::url);
        let mut settings = usual(&world, &url, &ireserve);
        if let Some(redis) = &redis {
            settings = settings.set("store.url", redis.url());
        }
        for (key, value) in self.settings {
            settings = settings.set(&key, value);
        }
        let sidecar = Sidecar::start(executable::sidecar(), settings)
            .await
            .unwrap();
        let ledger = Ledger {
            channels: NOTIFICATIONS
                .map(|(kind, channel)| (kind.to_owned(), channel.to_owned()))
                .into(),
            ..Ledger::default()
        };
        let teller = Teller::new(sidecar.sender(LICENCE), ledger);
        Stage {
            channels: vec![
                ("webchat".to_owned(), world.cast().webchat.clone()),
                ("bookings".to_owned(), world.cast().bookings.clone()),
                ("vip".to_owned(), world.cast().vip.clone()),
            ],
            world: Some(world),
            ireserve,
            sidecar: Some(sidecar),
            teller,
            wire,
            redis,
        }
    }
}

fn usual(world: &World, url: &str, ireserve: &IReserve) -> Settings {
    let cast = world.cast();
    let notifications: Vec<_> = NOTIFICATIONS
        .iter()
        .map(|(kind, channel)| format!("\"{kind}\" = \"{channel}\""))
        .collect();
    Settings::for_licence(
        LICENCE,
        url,
        &cast.bot.token,
        &cast.team,
        "webchat",
        ireserve,
    )
    .set("licence.0.departments", "{ vip = \"vip\" }")
    .set(
        "licence.0.notifications",
        format!("{{ {} }}", notifications.join(", ")),
    )
    .set("licence.0.attachments.fetch_hosts", "[\"127.0.0.1\"]")
}

/// A Mattermost, an i-Reserve and a sidecar between them.
#[derive(Debug)]
pub(crate) struct Stage {
    // Both are there until the stage is cleared.
    world: Option<World>,
    sidecar: Option<Sidecar>,
    pub(crate) ireserve: IReserve,
    pub(crate) teller: Teller,
    wire: Option<Wire>,
    /// Kept alive; the sidecar's store lies there.
    redis: Option<Redis>,
    /// By name, with their ids.
    channels: Vec<(String, String)>,
}

impl Stage {
    /// The usual one.
    pub(crate) async fn set() -> Self {
        Setting::default().set().await
    }

    pub(crate) fn world(&self) -> &World {
        self.world.as_ref().unwrap()
    }

    pub(crate) fn world_mut(&mut self) -> &mut World {
        self.world.as_mut().unwrap()
    }

    pub(crate) fn sidecar(&self) -> &Sidecar {
        self.sidecar.as_ref().unwrap()
    }

    pub(crate) fn sidecar_mut(&mut self) -> &mut Sidecar {
        self.sidecar.as_mut().unwrap()
    }

    /// Of a stage set [`Setting::with_a_wire`].
    pub(crate) fn wire(&self) -> &Wire {
        self.wire.as_ref().unwrap()
    }

    /// Waits for the live card of a conversation, wherever it stands.
    pub(crate) async fn card(&self, conversation: &str) -> Post {
        self.card_that(conversation, "there", |_| true).await
    }

    /// Waits until the live card of a conversation is as wanted.
    pub(crate) async fn card_that(
        &self,
        conversation: &str,
        what: &str,
        is_wanted: impl Fn(&Post) -> bool,
    ) -> Post {
        asked(&format!("the card is {what}"), PATIENCE, async || {
            let standing = self.standing().await;
            let of_it = |post: &&Post| {
                post.root_id.is_empty() && post.marker("conversation_id") == Some(conversation)
            };
            let cards = standing.values().flatten().filter(of_it);
            match cards.max_by_key(|card| (card.create_at, &card.id)) {
                Some(card) if is_wanted(card) => Ok(card.clone()),
                other => Err(format!("it is {:?}", other.map(Post::readable))),
            }
        })
        .await
    }

    /// What stands under the live card of a conversation.
    pub(crate) async fn thread(&self, conversation: &str) -> Vec<Post> {
        let card = self.card(conversation).await;
        self.world().thread(&card.id).await.unwrap()
    }

    /// A moderator deletes the live card of a conversation, and what stands under it with it. Nothing may be owed there.
    pub(crate) async fn delete_card(&self, conversation: &str) -> Post {
        let card = self.card(conversation).await;
        let under_it = self.world().thread(&card.id).await.unwrap();
        self.world().delete_post_as_admin(&card.id).await.unwrap();
        let events: Vec<_> = under_it
            .iter()
            .filter_map(|post| post.marker("event_id"))
            .collect();
        self.teller.ledger(|ledger| {
            ledger.lost_a_card(conversation, proof::generation(&card), &events);
        });
        card
    }

    /// kill -9, and starts again on what was kept.
    pub(crate) async fn kill_and_start_again(&mut self) {
        self.sidecar_mut().kill().await.unwrap();
        self.speaks_well();
        self.sidecar_mut().start_again().await.unwrap();
    }

    /// SIGTERM, its orderly end, and a new start. Tells how long the end took.
    pub(crate) async fn stop_and_start_again(&mut self) -> Duration {
        let took = self.stop().await;
        self.sidecar_mut().start_again().await.unwrap();
        took
    }

    /// Mattermost calls us for each reply in the public channel from now on, and we know its token.
    pub(crate) async fn registers_its_webhook(&mut self) {
        let channel = self.world().cast().webchat.clone();
        let hook = self.sidecar().hook_url();
        let token = self.world().register_outgoing_webhook(&channel, &hook);
        let tokens = format!("[\"{}\"]", token.await.unwrap());
        self.stop().await;
        self.sidecar_mut()
            .start_again_with(|settings| settings.set("licence.0.webhook_tokens", tokens))
            .await
            .unwrap();
    }

    /// SIGTERM and its orderly end, which may not take longer than was promised.
    pub(crate) async fn stop(&mut self) -> Duration {
        let begun = tokio::time::Instant::now();
        let status = self.sidecar_mut().stop(END).await.unwrap();
        assert!(status.success(), "it ended with {status}");
        self.speaks_well();
        begun.elapsed()
    }

    /// Waits until nothing is owed, proves that everything promised stands, and clears the stage.
    pub(crate) async fn finish(mut self) {
        self.proven().await;
        self.stop().await;
        self.clear().await;
    }

    /// The proof, in the middle of a journey.
    pub(crate) async fn proven(&self) {
        self.teller.until_nothing_is_owed().await;
        let ids: Vec<_> = self.teller.ledger(|ledger| {
            ledger
                .entries
                .iter()
                .map(|entry| entry.id.clone())
                .collect()
        });
        let mut said = BTreeMap::new();
        for id in ids {
            let status = self.teller.status(&id).await;
            said.insert(id, status);
        }
        let standing = self.standing().await;
        let faults = self
            .teller
            .ledger(|ledger| proof::faults(ledger, &standing, &said));
        assert!(
            faults.is_empty(),
            "{} faults:\n{}",
            faults.len(),
            faults[..faults.len().min(10)].join("\n")
        );
    }

    /// Clears the stage although deliveries may be owed.
    pub(crate) async fn end_owing(mut self) {
        self.stop().await;
        self.clear().await;
    }

    async fn clear(&mut self) {
        self.sidecar = None;
        if let Some(world) = self.world.take() {
            world.close().await.unwrap();
        }
    }

    /// Every standing post of the bot's.
    async fn standing(&self) -> Standing {
        let bot = &self.world().cast().bot.id;
        let mut standing = Standing::new();
        for (name, id) in &self.channels {
            let mut posts = self.world().channel_posts(id).await.unwrap();
            posts.retain(|post| post.user_id == *bot);
            standing.insert(name.clone(), posts);
        }
        standing
    }

    /// Nothing panicked, and no secret was said.
    fn speaks_well(&self) {
        let said = self.sidecar().program().output();
        let token = &self.world().cast().bot.token;
        let secret = self.ireserve.secret();
        for never in ["panicked", Settings::SECRET, token, &secret] {
            let line = said.lines().find(|line| line.contains(never));
            assert!(line.is_none(), "it said: {line:?}");
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let is_cleared = self.world.is_none();
        assert!(
            is_cleared || std::thread::panicking(),
            "a journey ended without its proof"
        );
    }
}
