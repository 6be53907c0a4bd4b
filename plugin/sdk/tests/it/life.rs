//! Start, activation, ping, and the two ways in which it ends.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use mattermost_plugin::Error;
use mattermost_plugin::host::Host;
use tokio::time::timeout;

use crate::plugin::{Tester, active, script, typed};

#[tokio::test(start_paused = true)]
async fn a_plugin_says_which_hooks_it_has_and_registers_its_command_when_activated() {
    let mut host = Host::start(Tester::default()).await;
    script(&host);
    let hooks = host.implemented().await.unwrap();
    assert_eq!(hooks.len(), 7);
    assert!(hooks.contains(&"ServeHTTP".to_owned()), "{hooks:?}");
    host.activate().await.unwrap().unwrap();
    assert_eq!(host.calls(), ["RegisterCommand"]);
}

#[tokio::test(start_paused = true)]
async fn the_reason_why_a_plugin_cannot_be_activated_reaches_the_server() {
    let mut host = Host::start(Tester {
        refuses: Some("this server is too old"),
        ..Tester::default()
    })
    .await;
    let failure = host.activate().await.unwrap().unwrap_err();
    assert_eq!(failure.to_string(), "this server is too old");
}

/// A server takes a failed call of OnActivate for a success.
#[tokio::test(start_paused = true)]
async fn a_panic_while_activating_is_a_refusal_and_not_a_failed_call() {
    let mut host = Host::start(Tester {
        refuses: Some("panic"),
        ..Tester::default()
    })
    .await;
    let failure = host.activate().await.unwrap().unwrap_err();
    assert!(failure.to_string().contains("panicked"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn hooks_before_the_activation_are_refused_and_not_lost_in_a_panic() {
    let host = Host::start(Tester::default()).await;
    let error = host.command(typed("/test heard", "uid")).await.unwrap_err();
    assert!(
        matches!(&error, Error::Refused { reason, .. } if reason.contains("not active")),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn ping_is_answered_while_every_hook_hangs() {
    let host = active().await;
    let mut hanging: Vec<_> = (0..200)
        .map(|_| Box::pin(host.command(typed("/test hang", "uid"))))
        .collect();
    poll_fn(|context| {
        assert!(
            hanging
                .iter_mut()
                .all(|call| call.as_mut().poll(context).is_pending())
        );
        Poll::Ready(())
    })
    .await;
    timeout(Duration::from_secs(1), host.ping())
        .await
        .unwrap()
        .unwrap();
    let quick = host.command(typed("/test who", "uid")).await.unwrap();
    assert_eq!(quick.text, "alice");
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_is_an_error_in_its_own_answer_and_nowhere_else() {
    let host = active().await;
    let error = host.command(typed("/test panic", "uid")).await.unwrap_err();
    assert!(
        matches!(&error, Error::Refused { reason, .. } if reason == "plugin: Plugin.ExecuteCommand panicked"),
        "{error}"
    );
    host.ping().await.unwrap();
    assert_eq!(
        host.command(typed("/test who", "uid")).await.unwrap().text,
        "alice"
    );
}

#[tokio::test(start_paused = true)]
async fn quit_is_answered_and_ends_the_plugin_even_while_a_hook_hangs() {
    let host = active().await;
    {
        let mut hanging = pin!(host.command(typed("/test hang", "uid")));
        poll_fn(|context| {
            assert!(hanging.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        host.ping().await.unwrap();
    }
    timeout(Duration::from_secs(2), host.quit())
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_plugin_whose_server_disappears_ends_and_says_so() {
    let host = active().await;
    let ended = timeout(Duration::from_secs(2), host.vanish())
        .await
        .unwrap();
    assert!(matches!(ended, Err(Error::Gone(_))), "{ended:?}");
}
