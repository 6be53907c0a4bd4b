//! A bad line is as bad as asked.

use std::time::Duration;

use serde_json::json;
use simulators::api::Api;
use simulators::client::{CallError, Client};
use simulators::mattermost::Mattermost;
use simulators::wire::{Line, Wire};

#[tokio::test]
async fn each_state_of_the_line_shows() {
    let mattermost = Mattermost::start().await.unwrap();
    let cast = mattermost.furnish();
    let wire = Wire::to(
        mattermost
            .url()
            .trim_start_matches("http://")
            .parse()
            .unwrap(),
    )
    .await
    .unwrap();
    let api = Api::new(&wire.url(), &cast.bot.token)
        .with_client(Client::with_deadline(Duration::from_millis(300)));
    let post = async |text: &str| {
        api.post(
            "/posts",
            &json!({ "channel_id": cast.webchat, "message": text }),
        )
        .await
    };

    assert_eq!(post("good").await.unwrap().status, 201);
    wire.set(Line::Slow(Duration::from_millis(30)));
    let begun = tokio::time::Instant::now();
    assert_eq!(post("slow").await.unwrap().status, 201);
    assert!(begun.elapsed() >= Duration::from_millis(60));
    wire.set(Line::OnlyThere);
    assert!(matches!(
        post("only there").await,
        Err(CallError::Deadline { .. })
    ));
    for (line, text) in [(Line::OnlyBack, "only back"), (Line::BlackHole, "nowhere")] {
        wire.set(line);
        assert!(post(text).await.is_err(), "{line:?}");
    }
    wire.set(Line::Closed);
    wire.cut();
    assert!(matches!(
        post("closed").await,
        Err(CallError::Connection { .. })
    ));
    wire.set(Line::Good);
    assert_eq!(post("good again").await.unwrap().status, 201);

    let texts: Vec<_> = mattermost
        .roots(&cast.webchat)
        .into_iter()
        .map(|post| post.message)
        .collect();
    assert_eq!(texts, ["good", "slow", "only there", "good again"]);
}
