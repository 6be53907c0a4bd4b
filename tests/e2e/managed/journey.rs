//! The steps of the journey, each with what must hold after it.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use simulators::mattermost::{Account, Post};

use super::bundle::{ID, Later};
use super::customer::Customer;
use super::site::Site;
use super::times::Times;

/// One installation with two customers: `acme` in a public channel, `beta` in a private one, each with another header. Their first conversations go on through
/// everything.
#[derive(Debug)]
pub(crate) struct Journey {
    site: Site,
    bot: Account,
    acme: Customer,
    beta: Customer,
    cards: [Post; 2],
    /// The id of the one outgoing webhook.
    hook: String,
    times: Times,
    turns: usize,
}

impl Journey {
    /// Uploaded, enabled and set up, with the first message of a visitor and the first answer in each channel.
    pub(crate) async fn installed(archive: &Path) -> Self {
        let site = Site::open().await;
        let mut times = Times::start();
        site.upload(archive, false).await;
        times.note("uploaded");
        site.enable().await;
        times.note("enabled");
        site.until_it_is_configured().await;
        times.note("the sidecar runs and has its settings");
        let bot = site.bot().await;
        nobody_can_use_it_yet(&site, &bot).await;

        let acme = Customer::of("acme", &site, 1).await;
        let beta = Customer::with_a_header_of_its_own("beta", &site, 2).await;
        let (webchat, vip) = (
            site.world.cast().webchat.clone(),
            site.world.cast().vip.clone(),
        );
        let admin = site.world.cast().admin.clone();
        times.go();
        let mut screen = site.screen(&admin).await;
        site.types(&admin, &webchat, "", "/ireserve").await;
        site.presses(&admin, &screen.whisper().await.unwrap()).await;
        let whisper = acme.connects(&site, &webchat, screen).await;
        times.note("set up in a public channel: one command, one button, one value");
        assert_eq!(whisper.user_id, bot.id, "the bot says it: {whisper:?}");
        for told in ["**acme**", "can reach this server", "~webchat", "is public"] {
            assert!(whisper.message.contains(told), "{}", whisper.message);
        }
        assert!(site.is_member(&webchat, &bot).await);
        let hook = site.until_the_one_hook_is_of(&webchat).await;
        times.note("the outgoing webhook stands");
        times.go();
        let screen = site.screen(&admin).await;
        site.types(&admin, &vip, "", "/ireserve setup").await;
        beta.connects(&site, &vip, screen).await;
        times.note("set up in a private channel");
        assert!(
            site.is_member(&vip, &bot).await,
            "whoever may decide it has let the bot in"
        );

        times.go();
        let first = acme.begins(&site, "acme-1").await;
        times.note("the first event stands as a card");
        let second = beta.begins(&site, "beta-1").await;
        assert_eq!((&first.channel_id, &second.channel_id), (&webchat, &vip));
        let mut journey = Self {
            site,
            bot,
            acme,
            beta,
            cards: [first, second],
            hook: hook["id"].as_str().unwrap().to_owned(),
            times,
            turns: 0,
        };
        journey
            .goes_on("a reply in each channel reached its visitor, 3 s of reconsidering among it")
            .await;
        journey.the_right_was_only_lent().await;
        journey.a_thread_is_answered_in_it().await;
        journey
    }

    /// Disabled, an answer of the team and a message of a visitor meanwhile, enabled.
    pub(crate) async fn is_switched_off_and_on(&mut self) {
        self.times.go();
        self.site.disable().await;
        self.site.until_there_is_no_sidecar().await;
        self.times.note("disabled, and the sidecar ended");
        self.team_answers("Written while nobody listened").await;
        self.times.go();
        tokio::join!(self.visitor_says("Anybody there?"), self.site.enable());
        self.acme.until_visitors_see_it().await;
        self.beta.until_visitors_see_it().await;
        self.times
            .note("enabled, and what was written meanwhile has arrived");
        self.stands_as_before().await;
    }

    /// Another version over the one that runs, while a visitor goes on.
    pub(crate) async fn is_upgraded(&mut self, later: &Later) {
        self.times.go();
        let archive = later.path();
        tokio::join!(
            self.visitor_says("In the middle of an upgrade"),
            self.site.upload(&archive, true)
        );
        self.site.until_it_runs(later.version).await;
        self.times
            .note("upgraded, and what was told meanwhile was taken");
        self.goes_on("a turn of the conversation after the upgrade")
            .await;
        self.stands_as_before().await;
    }

    /// kill -9 of the process that does the work.
    pub(crate) async fn loses_its_sidecar(&mut self) {
        self.times.go();
        self.site.kill_the_sidecar().await;
        self.times.note("the sidecar was killed, and another runs");
        self.goes_on("a turn of the conversation after the kill")
            .await;
    }

    /// On newer servers the plugin's folder is emptied meanwhile.
    pub(crate) async fn survives_a_restart_of_the_server(&mut self) {
        // What it said so far goes with its process.
        self.speaks_well();
        self.site.world.restart().await.unwrap();
        self.times.go();
        self.site.until_it_is_configured().await;
        self.times.note("configured after a restart of the server");
        self.goes_on("a turn of the conversation after the restart")
            .await;
        self.stands_as_before().await;
    }

    /// Removed altogether; what it knew is still known afterwards.
    pub(crate) async fn is_removed_and_uploaded_again(&mut self, later: &Later) {
        self.site.remove().await;
        self.site.until_there_is_no_sidecar().await;
        let gone = self
            .acme
            .teller
            .sender
            .status("acme-1-start")
            .await
            .unwrap();
        assert_eq!(gone.status, 404);
        self.team_answers("Written while it was removed").await;
        self.times.go();
        self.site.upload(&later.path(), false).await;
        self.site.enable().await;
        self.site.until_it_is_configured().await;
        self.times
            .note("removed, uploaded and enabled: configured again");
        self.goes_on("a turn of the conversation after the removal")
            .await;
        self.stands_as_before().await;
    }

    /// Everything once and in order, and no secret in the server's log.
    pub(crate) async fn ends(self) {
        self.acme.proven(&self.site, &self.bot).await;
        self.beta.proven(&self.site, &self.bot).await;
        self.speaks_well();
        self.times.print();
        self.site.world.close().await.unwrap();
    }

    /// Each visitor says something and gets an answer.
    pub(crate) async fn goes_on(&mut self, step: &'static str) {
        self.times.go();
        self.turns += 1;
        self.visitor_says("And then?").await;
        // The server answers 500 to one of two who write the first reply of a thread at once; people read before they answer.
        self.acme.teller.until_nothing_is_owed().await;
        self.beta.teller.until_nothing_is_owed().await;
        self.team_answers("Then this").await;
        self.acme.until_visitors_see_it().await;
        self.beta.until_visitors_see_it().await;
        self.times.note(step);
    }

    async fn visitor_says(&self, text: &str) {
        let said = self.acme.teller.ledger(|ledger| ledger.entries.len());
        self.acme
            .says("acme-1", &format!("acme-{said}"), text)
            .await;
        self.beta
            .says("beta-1", &format!("beta-{said}"), text)
            .await;
    }

    async fn team_answers(&self, text: &str) {
        let cast = self.site.world.cast();
        let text = format!("{text} {}", self.turns);
        self.acme
            .written(&self.site, &cast.lotte, &self.cards[0], &text)
            .await;
        self.beta
            .written(&self.site, &cast.jan, &self.cards[1], &text)
            .await;
    }

    async fn a_thread_is_answered_in_it(&self) {
        let (jan, card) = (&self.site.world.cast().jan, &self.cards[1]);
        let mut screen = self.site.screen(jan).await;
        self.site
            .types(jan, &card.channel_id, &card.id, "/ireserve status")
            .await;
        let whisper = screen.whisper().await.unwrap();
        assert_eq!(
            (&whisper.root_id, &whisper.user_id),
            (&card.id, &self.bot.id)
        );
        assert!(
            whisper.message.contains("connected to **beta**"),
            "{}",
            whisper.message
        );
        screen.close().await;
    }

    /// The same bot and the same webhook, and no second one.
    async fn stands_as_before(&self) {
        assert_eq!(self.site.bot().await.id, self.bot.id);
        let webchat = self.site.world.cast().webchat.clone();
        let hook = self.site.until_the_one_hook_is_of(&webchat).await;
        assert_eq!(hook["id"], *self.hook);
        self.the_right_was_only_lent().await;
    }

    /// No secret stands in the server's log, nothing panicked, and nobody was warned of what is as it should be.
    fn speaks_well(&self) {
        let log = self.site.log();
        let secrets = self.acme.secrets().into_iter().chain(self.beta.secrets());
        let others = ["panic", "no mattermost a"].map(str::to_owned);
        for never in secrets.chain(others) {
            let line = log.lines().find(|line| line.contains(&never));
            assert!(line.is_none(), "the server's log says {line:?}");
        }
        // Mattermost itself writes tokens into its log that it does not know; those in a header of their own it does not see.
        let tokens = log.split(|c: char| !c.is_ascii_graphic() || "=\",\\".contains(c));
        let said = tokens.filter_map(sub_of);
        let said: BTreeSet<String> = said.collect();
        assert!(
            !said.contains("beta"),
            "its tokens are in the log: {said:?}"
        );
    }

    async fn the_right_was_only_lent(&self) {
        assert_eq!(self.site.team_roles(&self.bot).await, "team_user");
    }
}

/// Before a licence is connected: a member is told who can help, and a stranger's event is refused as the contract has it.
async fn nobody_can_use_it_yet(site: &Site, bot: &Account) {
    let cast = site.world.cast();
    let mut screen = site.screen(&cast.lotte).await;
    let answer = site
        .types(&cast.lotte, &cast.webchat, "", "/ireserve")
        .await;
    let whisper = screen.whisper().await.unwrap();
    assert_eq!(whisper.user_id, bot.id, "the bot says it: {whisper:?}");
    assert!(
        whisper.message.contains("system admin can do this"),
        "{}",
        whisper.message
    );
    assert_eq!(answer["text"], *whisper.message, "{answer}");
    site.types(&cast.lotte, &cast.webchat, "", "/ireserve setup")
        .await;
    let refused = screen.whisper().await.unwrap();
    assert!(
        refused.message.contains("Only system admins"),
        "{ID}: {}",
        refused.message
    );
    screen.close().await;
}

/// Whose token this is, if it is one.
fn sub_of(token: &str) -> Option<String> {
    let claims = token.strip_prefix("eyJ")?.split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    claims["sub"].as_str().map(str::to_owned)
}
