//! Acts: what a button asks for.

use std::sync::Arc;

use http::{Request, header};
use hyper::body::Incoming;
use serde::Deserialize;
use shared::Language;

use super::super::picture;
use super::super::script::{self, HOSTILE, Pace};
use super::Inner;
use crate::answer::{self, Answer, Unread};

/// An act with a long text in it; more is nobody's typing.
const LONGEST: usize = 256 << 10;
/// The longest message that i-Reserve would take from the page, in bytes.
const LONGEST_TEXT: usize = 100_000;

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Act {
    /// The visitor writes.
    Write {
        text: String,
        lang: Language,
    },
    /// The visitor sends one of the prepared messages.
    Sample {
        which: Sample,
        lang: Language,
    },
    /// The visitor changes the last message.
    Edit {
        text: String,
    },
    Withdraw,
    CloseOrReopen,
    /// The next message opens another conversation.
    New,
    Book {
        lang: Language,
    },
    Away {
        on: bool,
    },
    Slow {
        on: bool,
    },
    Lose,
    Delete,
    Kill,
    Start,
    /// A colleague writes in the thread.
    Reply {
        text: String,
    },
    /// The script is played, unless it is being played.
    Play {
        lang: Language,
    },
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sample {
    Picture,
    Hostile,
    Long,
}

/// Does it: 204, or a sentence that says why not.
pub(super) async fn act(inner: &Arc<Inner>, request: Request<Incoming>) -> Answer {
    // A form of another page cannot say this without being asked first.
    let is_json = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !is_json {
        return answer::text(415, "an act is JSON\n");
    }
    let body = match answer::read(request.into_body(), LONGEST).await {
        Ok(body) => body,
        Err(Unread::TooLong) => return answer::text(413, "that is too long\n"),
        Err(Unread::Broken) => return answer::text(400, "the act did not arrive whole\n"),
    };
    let Ok(act) = serde_json::from_slice(&body) else {
        return answer::text(400, "this act is not known\n");
    };
    match perform(inner, act).await {
        Ok(()) => answer::bytes(204, "text/plain; charset=utf-8", ""),
        Err(why) => answer::text(409, why),
    }
}

async fn perform(inner: &Arc<Inner>, act: Act) -> Result<(), &'static str> {
    let stage = &inner.stage;
    let done = |done: bool| {
        done.then_some(())
            .ok_or("there is no conversation to do this in\n")
    };
    match act {
        Act::Write { text, lang } => stage.write(lang, written(&text)?, None),
        Act::Sample { which, lang } => sample(inner, which, lang),
        Act::Edit { text } => done(stage.edit_last(written(&text)?))?,
        Act::Withdraw => done(stage.withdraw_last())?,
        Act::CloseOrReopen => done(stage.close_or_reopen())?,
        Act::New => stage.turn_the_page(),
        Act::Book { lang } => stage.book(lang),
        Act::Away { on } => stage.away(on).await.map_err(|_| "its port is taken\n")?,
        Act::Slow { on } => stage.slow(on),
        Act::Lose => stage.lose_next_answer(),
        Act::Delete => done(stage.delete_root())?,
        Act::Kill => stage.kill().await,
        Act::Start => stage
            .start_again()
            .await
            .map_err(|_| "the sidecar does not start\n")?,
        Act::Reply { text } => done(stage.reply(written(&text)?))?,
        Act::Play { lang } => play(inner, lang),
    }
    Ok(())
}

fn written(text: &str) -> Result<&str, &'static str> {
    match text.len() {
        _ if text.trim().is_empty() => Err("there is nothing in it\n"),
        0..=LONGEST_TEXT => Ok(text),
        _ => Err("that is too long\n"),
    }
}

fn sample(inner: &Inner, which: Sample, lang: Language) {
    let stage = &inner.stage;
    match which {
        Sample::Picture => stage.write(lang, script::picture_line(lang), Some(picture::lane())),
        Sample::Hostile => stage.write(lang, HOSTILE, None),
        Sample::Long => stage.write(lang, &script::long_text(lang), None),
    }
}

/// In a task of its own: it goes on when the browser leaves, and ends with the page.
fn play(inner: &Arc<Inner>, lang: Language) {
    if !inner.stage.begin_play() {
        return;
    }
    let playing = Arc::clone(inner);
    let end = inner.end.clone();
    inner.tasks.spawn(async move {
        let performance = script::play(&playing.stage, lang, Pace::Leisurely);
        if let Some(played) = end.run_until_cancelled(performance).await {
            playing.stage.end_play(played.is_ok());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_are_read_as_the_page_writes_them() {
        for text in [
            r#"{"do":"write","text":"hi","lang":"nl"}"#,
            r#"{"do":"sample","which":"hostile","lang":"en"}"#,
            r#"{"do":"close_or_reopen"}"#,
            r#"{"do":"away","on":true}"#,
            r#"{"do":"play","lang":"en"}"#,
        ] {
            assert!(serde_json::from_str::<Act>(text).is_ok(), "{text}");
        }
        assert!(serde_json::from_str::<Act>(r#"{"do":"format_the_disk"}"#).is_err());
        assert!(written(" \n").is_err() && written(&"x".repeat(LONGEST_TEXT + 1)).is_err());
    }
}
