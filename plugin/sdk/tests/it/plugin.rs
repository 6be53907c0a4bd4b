//! A plugin that does what the tests need, and a server that has it.

use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};

use mattermost_plugin::host::Host;
use mattermost_plugin::model::{
    Command, CommandArgs, CommandResponse, FileData, Post, Reaction, User,
};
use mattermost_plugin::{
    Api, AppError, Body, Call, Error, Failure, Hook, Hooks, One, ResponseWriter, Two,
};

#[derive(Default)]
pub(crate) struct Tester {
    pub(crate) refuses: Option<&'static str>,
    pub(crate) heard: AtomicU64,
}

impl Hooks for Tester {
    const HOOKS: &'static [Hook] = &[
        Hook::OnDeactivate,
        Hook::ExecuteCommand,
        Hook::ServeHTTP,
        Hook::MessageHasBeenPosted,
        Hook::MessageHasBeenUpdated,
        Hook::ReactionHasBeenAdded,
        Hook::GenerateSupportData,
    ];

    async fn on_activate(&self, api: Api) -> Result<(), Failure> {
        assert_ne!(self.refuses, Some("panic"), "as the test wishes");
        if let Some(reason) = self.refuses {
            return Err(Failure::new(reason));
        }
        api.register_command(Command {
            trigger: "test".into(),
            ..Command::default()
        })
        .await?;
        Ok(())
    }

    async fn execute_command(
        &self,
        call: Call,
        args: CommandArgs,
    ) -> Result<CommandResponse, AppError> {
        match args.command.as_str() {
            "/test panic" => panic!("as the test wishes"),
            "/test hang" => pending().await,
            "/test heard" => Ok(CommandResponse::ephemeral(
                self.heard.load(Ordering::SeqCst).to_string(),
            )),
            "/test who" => match call.api.get_user(args.user_id).await {
                Ok(user) => Ok(CommandResponse::ephemeral(user.username)),
                Err(Error::App(error)) => Err(error),
                Err(other) => Err(AppError::new("test.api", other.to_string(), 500)),
            },
            _ => Err(AppError::new("test.unknown", "No such thing.", 404)),
        }
    }

    async fn message_has_been_posted(&self, _: Call, post: Post) {
        assert!(!post.id.is_empty());
        self.heard.fetch_add(1, Ordering::SeqCst);
    }

    async fn message_has_been_updated(&self, _: Call, new: Post, old: Post) {
        assert_ne!(new.message, old.message);
        self.heard.fetch_add(10, Ordering::SeqCst);
    }

    async fn reaction_has_been_added(&self, _: Call, reaction: Reaction) {
        assert_eq!(reaction.emoji_name, "eyes");
        self.heard.fetch_add(100, Ordering::SeqCst);
    }

    async fn generate_support_data(&self, _: Call) -> Result<Vec<FileData>, Failure> {
        Ok(vec![FileData {
            name: "state.txt".into(),
            body: b"fine".to_vec(),
        }])
    }

    async fn serve_http(
        &self,
        _: Call,
        mut request: http::Request<Body>,
        response: &mut ResponseWriter,
    ) -> Result<(), Error> {
        let answer = http::Response::builder().header("X-Test", "yes");
        match request.uri().path() {
            "/echo" => {
                let mut writer = response
                    .start(&answer.status(201).body(()).unwrap())
                    .await?;
                while let Some(piece) = request.body_mut().next().await? {
                    writer.write(&piece).await?;
                }
                writer.flush().await
            }
            "/whole" => match request.into_body().collect(100_000).await {
                Ok(body) => response.send(answer.body(body).unwrap()).await,
                Err(error) => {
                    response
                        .send(answer.status(413).body(error.to_string()).unwrap())
                        .await
                }
            },
            "/unread" => response.send(answer.status(202).body("").unwrap()).await,
            "/pieces" => {
                let mut writer = response.start(&answer.body(()).unwrap()).await?;
                writer.write(b"one").await?;
                writer.write(b"two").await
            }
            "/panic" => panic!("as the test wishes"),
            _ => Ok(()),
        }
    }
}

/// A server that has activated the plugin and knows one user.
pub(crate) async fn active() -> Host {
    let mut host = Host::start(Tester::default()).await;
    script(&host);
    host.activate().await.unwrap().unwrap();
    host
}

pub(crate) fn script(host: &Host) {
    host.answer("RegisterCommand", |_: One<Command>| One {
        a: None::<Failure>,
    });
    host.answer("GetUser", |One { a }: One<String>| {
        if a == "uid" {
            return Two {
                a: Some(User {
                    id: a,
                    username: "alice".into(),
                    ..User::default()
                }),
                b: None,
            };
        }
        Two {
            a: None,
            b: Some(AppError::new("app.user.missing", "Nobody.", 404)),
        }
    });
}

pub(crate) fn typed(command: &str, user_id: &str) -> CommandArgs {
    CommandArgs {
        command: command.into(),
        user_id: user_id.into(),
        ..CommandArgs::default()
    }
}
