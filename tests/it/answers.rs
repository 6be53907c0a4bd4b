//! What real servers answered, and that the simulated one answers alike.
//!
//! `answers/9.11.txt` and `answers/11.6.txt` were written by real servers of these releases. Each line is one question and what came
//! back: a status, an error id, or the fact that the product relies on. With `MATTERMOST_HOME` set, a real server is asked again; with
//! `WRITE_ANSWERS` set as well, its answers replace the file.

use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use simulators::api::Api;
use simulators::client::Answered;
use simulators::mattermost::Version;
use simulators::real::Furniture;
use simulators::world::World;

mod files;
mod people;
mod places;
mod posting;
mod reading;

#[tokio::test]
async fn the_simulated_servers_answer_as_the_real_ones_did() {
    for version in [Version::V9_11, Version::V11_6] {
        let world = World::simulated(version).await.unwrap();
        let answers = Questions::of(&world).ask_all().await;
        assert_same(&answers, &recorded(version.number()), version.number());
    }
}

#[tokio::test]
async fn a_real_server_still_answers_as_it_did() {
    let Some(home) = std::env::var_os("MATTERMOST_HOME") else {
        eprintln!("MATTERMOST_HOME is not set: no real server was asked");
        return;
    };
    let world = World::real(home.as_ref(), Furniture::WithBot)
        .await
        .unwrap();
    let version = world
        .api(&world.cast().bot)
        .get("/system/ping")
        .await
        .unwrap()
        .header("x-version-id")
        .to_owned();
    let answers = Questions::of(&world).ask_all().await;
    if std::env::var_os("WRITE_ANSWERS").is_some() {
        std::fs::write(file(&version), format!("{}\n", answers.join("\n"))).unwrap();
    }
    assert_same(&answers, &recorded(&version), &version);
    world.close().await.unwrap();
}

fn file(version: &str) -> PathBuf {
    let short: Vec<_> = version.split('.').take(2).collect();
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("it/answers")
        .join(format!("{}.txt", short.join(".")))
}

fn recorded(version: &str) -> Vec<String> {
    let path = file(version);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(str::to_owned).collect()
}

fn assert_same(answers: &[String], recorded: &[String], version: &str) {
    let differing: Vec<_> = recorded
        .iter()
        .zip(answers)
        .filter(|(was, is)| was != is)
        .map(|(was, is)| format!("  was: {was}\n   is: {is}"))
        .take(6)
        .collect();
    assert!(
        differing.is_empty(),
        "{version} answers differently:\n{}",
        differing.join("\n")
    );
    assert_eq!(
        answers.len(),
        recorded.len(),
        "{version}: another number of questions"
    );
}

/// The questions, asked by the bot of a furnished world.
struct Questions<'a> {
    world: &'a World,
    bot: Api,
    admin: Api,
    answers: Vec<String>,
}

impl<'a> Questions<'a> {
    fn of(world: &'a World) -> Self {
        let (bot, admin) = (world.api(&world.cast().bot), world.api(&world.cast().admin));
        Self {
            world,
            bot,
            admin,
            answers: Vec::new(),
        }
    }

    async fn ask_all(mut self) -> Vec<String> {
        self.ask_of_posting().await;
        self.ask_of_props_and_edits().await;
        self.ask_of_deletions().await;
        self.ask_of_threads().await;
        self.ask_of_channel_pages().await;
        self.ask_of_reading_roots().await;
        self.ask_of_files().await;
        self.ask_of_parts().await;
        self.ask_of_people().await;
        self.ask_of_channels().await;
        self.ask_of_reactions().await;
        self.ask_of_hooks().await;
        self.ask_of_archived_and_foreign_channels().await;
        self.answers
    }

    fn note(&mut self, question: &str, answer: impl std::fmt::Display) {
        self.answers.push(format!("{question}: {answer}"));
    }

    /// The world some milliseconds later: a real server needs more than one for anything.
    fn later(&self) -> &World {
        if let Some(mattermost) = self.world.simulation() {
            mattermost.advance(Duration::from_millis(2));
        }
        self.world
    }

    async fn ask(&mut self, question: &str, method: Method, path: &str, body: Value) -> Value {
        self.later();
        let answer = self
            .bot
            .call(
                method,
                path,
                &[("content-type", "application/json")],
                body.to_string(),
            )
            .await
            .unwrap();
        self.note(question, told(&answer));
        answer.json()
    }

    async fn post(&self, body: Value) -> Value {
        let answer = self.bot.post("/posts", &body).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    async fn root(&self, text: &str) -> String {
        id(&self
            .post(json!({ "channel_id": self.world.cast().webchat, "message": text }))
            .await)
    }
}

/// Status and error id of an answer.
fn told(answer: &Answered) -> String {
    let body = answer.json();
    let error = body.get("status_code").and_then(|_| body["id"].as_str());
    error.map_or_else(
        || answer.status.as_u16().to_string(),
        |error| format!("{} {error}", answer.status.as_u16()),
    )
}

fn id(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

/// The sorted keys of an object.
fn keys(object: &Value) -> String {
    let mut keys: Vec<_> = object
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect();
    keys.sort_unstable();
    keys.join(" ")
}
