//! A real Mattermost server, and what an administrator does there with the plugin. Everything over REST, as a browser does it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use simulators::api::Api;
use simulators::client::{Answered, Client};
use simulators::ireserve::Sender;
use simulators::mattermost::{Account, Post};
use simulators::real::Furniture;
use simulators::screen::Screen;
use simulators::world::World;

use super::bundle::ID;
use crate::harness::asked;

/// The plugin and its sidecar have so long for whatever they do by themselves: a start, a webhook, an end.
const SOON: Duration = Duration::from_secs(60);
/// An upload is unpacked, checked and started before it is answered.
const UPLOAD: Duration = Duration::from_secs(120);

/// A server with an administrator at work.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) world: World,
}

impl Site {
    /// The server of `MATTERMOST_HOME`, without any bot.
    pub(crate) async fn open() -> Self {
        let home = std::env::var_os("MATTERMOST_HOME").expect(
            "only a real server runs plugins: MATTERMOST_HOME names the folder of an unpacked one",
        );
        let world = World::real(Path::new(&home), Furniture::WithoutBot).await;
        Self {
            world: world.unwrap(),
        }
    }

    fn admin(&self) -> Api {
        let client = Client::with_deadline(UPLOAD);
        self.world.api(&self.world.cast().admin).with_client(client)
    }

    /// Where i-Reserve reaches the sidecar.
    pub(crate) fn public_url(&self) -> String {
        format!("{}/plugins/{ID}", self.world.url())
    }

    /// Uploads an archive; `over` another version.
    pub(crate) async fn upload(&self, archive: &Path, over: bool) {
        let boundary = "an-archive-of-the-plugin-1b7c";
        let mut body = Vec::new();
        if over {
            let field = format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"force\"\r\n\r\ntrue\r\n"
            );
            body.extend_from_slice(field.as_bytes());
        }
        let head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"plugin\"; filename=\"plugin.tar.gz\"\r\ncontent-type: application/gzip\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&std::fs::read(archive).unwrap());
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={boundary}");
        let answer = self
            .admin()
            .call(Method::POST, "/plugins", &[("content-type", &kind)], body)
            .await;
        good(&answer.unwrap());
    }

    pub(crate) async fn enable(&self) {
        self.tell_plugin("enable").await;
    }

    pub(crate) async fn disable(&self) {
        self.tell_plugin("disable").await;
    }

    async fn tell_plugin(&self, what: &str) {
        let answer = self
            .admin()
            .post(&format!("/plugins/{ID}/{what}"), &json!({}))
            .await;
        good(&answer.unwrap());
    }

    pub(crate) async fn remove(&self) {
        good(
            &self
                .admin()
                .delete(&format!("/plugins/{ID}"))
                .await
                .unwrap(),
        );
    }

    /// The version that runs.
    pub(crate) async fn until_it_runs(&self, version: &str) {
        asked(&format!("version {version} runs"), SOON, async || {
            let plugins = self.admin().get("/plugins").await.unwrap().json();
            let active = plugins["active"].as_array().cloned().unwrap_or_default();
            let runs = active
                .iter()
                .any(|one| one["id"] == ID && one["version"] == version);
            runs.then_some(())
                .ok_or_else(|| format!("active: {active:?}"))
        })
        .await;
    }

    /// Waits until the sidecar knows its settings: until then a stranger is told to come back, and from then on that nobody knows him.
    pub(crate) async fn until_it_is_configured(&self) {
        let stranger = Sender::new(
            &self.public_url(),
            "nobody",
            "a secret that nobody has been given",
        );
        asked("the sidecar is configured", SOON, async || {
            match stranger.status("evt_1").await {
                Ok(answer) if answer.status == 401 => Ok(()),
                other => Err(format!(
                    "{:?}",
                    other.map(|answer| (answer.status, answer.text()))
                )),
            }
        })
        .await;
    }

    /// The plugin's own bot.
    pub(crate) async fn bot(&self) -> Account {
        let user = good(&self.admin().get("/users/username/i-reserve").await.unwrap());
        let id = user["id"].as_str().unwrap().to_owned();
        let bot = good(&self.admin().get(&format!("/bots/{id}")).await.unwrap());
        assert_eq!(
            (&bot["owner_id"], &bot["delete_at"]),
            (&json!(ID), &json!(0)),
            "{bot}"
        );
        Account {
            id,
            username: "i-reserve".to_owned(),
            token: String::new(),
        }
    }

    /// Somebody's client.
    pub(crate) async fn screen(&self, who: &Account) -> Screen {
        Screen::open(&self.world.url(), &who.token).await.unwrap()
    }

    /// Somebody types a command. Tells what the call itself answered.
    pub(crate) async fn types(
        &self,
        who: &Account,
        channel: &str,
        root: &str,
        command: &str,
    ) -> Value {
        let asked = json!({ "channel_id": channel, "team_id": self.world.cast().team_id, "root_id": root, "command": command });
        good(
            &self
                .world
                .api(who)
                .post("/commands/execute", &asked)
                .await
                .unwrap(),
        )
    }

    /// Somebody presses the one button below a post that only he sees.
    pub(crate) async fn presses(&self, who: &Account, below: &Post) {
        let button = &below.props["attachments"][0]["actions"][0];
        let path = format!(
            "/posts/{}/actions/{}",
            below.id,
            button["id"].as_str().unwrap()
        );
        let pressed = json!({ "cookie": button["cookie"] });
        good(&self.world.api(who).post(&path, &pressed).await.unwrap());
    }

    /// The outgoing webhooks of the team.
    pub(crate) async fn hooks(&self) -> Vec<Value> {
        let path = format!(
            "/hooks/outgoing?team_id={}&per_page=100",
            self.world.cast().team_id
        );
        let hooks = good(&self.admin().get(&path).await.unwrap());
        hooks.as_array().cloned().unwrap_or_default()
    }

    /// Waits until there is an outgoing webhook of this channel, and none else.
    pub(crate) async fn until_the_one_hook_is_of(&self, channel: &str) -> Value {
        asked("the one webhook stands", SOON, async || {
            let hooks = self.hooks().await;
            match hooks.as_slice() {
                [hook] if hook["channel_id"] == channel => Ok(hook.clone()),
                _ => Err(format!("there are {hooks:?}")),
            }
        })
        .await
    }

    /// What the bot may in the team, beside being a member.
    pub(crate) async fn team_roles(&self, bot: &Account) -> String {
        let path = format!("/teams/{}/members/{}", self.world.cast().team_id, bot.id);
        let member = good(&self.admin().get(&path).await.unwrap());
        member["roles"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) async fn is_member(&self, channel: &str, who: &Account) -> bool {
        let path = format!("/channels/{channel}/members/{}", who.id);
        self.admin().get(&path).await.unwrap().status.is_success()
    }

    /// Everything of ours that stands, by channel.
    pub(crate) async fn posts_of(&self, bot: &Account) -> Vec<(&'static str, Vec<Post>)> {
        let cast = self.world.cast();
        let mut all = Vec::new();
        for (name, id) in [
            ("webchat", &cast.webchat),
            ("bookings", &cast.bookings),
            ("vip", &cast.vip),
        ] {
            let mut posts = self.world.channel_posts(id).await.unwrap();
            posts.retain(|post| post.user_id == bot.id);
            all.push((name, posts));
        }
        all
    }

    /// Where the managed sidecar keeps its data: with the server's files.
    fn data(&self) -> PathBuf {
        let World::Real(real) = &self.world else {
            panic!("a site is a real server");
        };
        real.folder().join("run").join("data").join("ireserve")
    }

    /// The managed sidecar's process: the one that works in its data folder.
    pub(crate) fn sidecar(&self) -> Option<Pid> {
        let data = self.data();
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let found = processes.filter_map(|process| {
            let pid: i32 = process.file_name().to_str()?.parse().ok()?;
            let place = std::fs::read_link(process.path().join("cwd")).ok()?;
            (place == data).then(|| Pid::from_raw(pid)).flatten()
        });
        found.max_by_key(|pid| pid.as_raw_nonzero())
    }

    pub(crate) async fn until_there_is_no_sidecar(&self) {
        asked("the sidecar is gone", SOON, async || match self.sidecar() {
            None => Ok(()),
            Some(pid) => Err(format!("it is {pid:?}")),
        })
        .await;
    }

    /// kill -9 of the managed sidecar, and waits for the next one.
    pub(crate) async fn kill_the_sidecar(&self) {
        let killed = self.sidecar().unwrap();
        kill_process(killed, Signal::KILL).unwrap();
        asked("another sidecar runs", SOON, async || {
            match self.sidecar() {
                Some(pid) if pid != killed => Ok(()),
                other => Err(format!("it is {other:?}")),
            }
        })
        .await;
    }

    /// Everything the server has logged, the plugin's and the sidecar's lines among it.
    pub(crate) fn log(&self) -> String {
        let World::Real(real) = &self.world else {
            panic!("a site is a real server");
        };
        real.program().output()
    }
}

/// The body of a 2xx.
pub(crate) fn good(answer: &Answered) -> Value {
    assert!(
        answer.status.is_success(),
        "{}: {}",
        answer.status,
        answer.text()
    );
    answer.json()
}
