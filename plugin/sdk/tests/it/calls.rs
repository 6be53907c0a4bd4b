//! Hooks that carry something, and calls to the server.

use futures_util::future::join_all;
use mattermost_plugin::gob::Value;
use mattermost_plugin::model::{FileData, Post, Reaction};
use mattermost_plugin::{Context, Error, Failure, One, Three, Two};

use crate::plugin::{active, typed};

fn post(message: &str) -> Post {
    let mut post = Post {
        id: "pid".into(),
        message: message.into(),
        ..Post::default()
    };
    post.props.insert(
        "nested".into(),
        Value::map([("list", Value::list([1.5, 2.0]))]),
    );
    post
}

#[tokio::test(start_paused = true)]
async fn what_happens_on_the_server_reaches_the_plugin() {
    let host = active().await;
    host.tell("MessageHasBeenPosted", post("a")).await.unwrap();
    let update = Three {
        a: Context::default(),
        b: post("b"),
        c: post("a"),
    };
    host.call::<_, ()>("MessageHasBeenUpdated", &update)
        .await
        .unwrap();
    let reaction = Reaction {
        emoji_name: "eyes".into(),
        ..Reaction::default()
    };
    host.tell("ReactionHasBeenAdded", reaction).await.unwrap();
    assert_eq!(
        host.command(typed("/test heard", "uid"))
            .await
            .unwrap()
            .text,
        "111"
    );
    let files: Two<Vec<FileData>, Option<Failure>> = host
        .call(
            "GenerateSupportData",
            &One {
                a: Context::default(),
            },
        )
        .await
        .unwrap();
    assert_eq!(files.a[0].body, b"fine");
}

#[tokio::test(start_paused = true)]
async fn four_hundred_commands_at_once_get_their_own_answers() {
    let host = active().await;
    let answers = join_all((0..400).map(|number| {
        let user = if number % 2 == 0 { "uid" } else { "nobody" };
        host.command(typed("/test who", user))
    }))
    .await;
    for (number, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(response) => assert_eq!((number % 2, response.text.as_str()), (0, "alice")),
            Err(Error::App(error)) => {
                assert_eq!((number % 2, error.id.as_str()), (1, "app.user.missing"))
            }
            Err(other) => panic!("{number}: {other}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_keeps_its_status_and_a_missing_method_is_named() {
    let host = active().await;
    let refused = host.command(typed("/test other", "uid")).await.unwrap_err();
    assert!(
        matches!(&refused, Error::App(error) if error.status == 404 && error.id == "test.unknown")
    );
    let missing = host
        .call::<_, ()>("UserHasBeenCreated", &())
        .await
        .unwrap_err();
    assert!(
        matches!(&missing, Error::NoSuchMethod(name) if name == "Plugin.UserHasBeenCreated"),
        "{missing}"
    );
}

#[tokio::test(start_paused = true)]
async fn arguments_of_the_wrong_type_are_refused_and_the_next_call_works() {
    let host = active().await;
    let wrong = Two {
        a: 5_i64,
        b: post("x"),
    };
    let error = host
        .call::<_, ()>("MessageHasBeenPosted", &wrong)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Refused { reason, .. } if reason.starts_with("gob: ")),
        "{error}"
    );
    host.tell("MessageHasBeenPosted", post("a")).await.unwrap();
}
