//! One conversation with everything that goes wrong in a week, in a minute.

use std::time::Duration;

use shared::Language;

use super::DemoError;
use super::picture;
use super::post::is_root;
use super::stage::Stage;
use super::story::{Fate, Note, Story};
use super::verdict::made_by;

/// Longer than the sidecar's longest pause between two looks at a Mattermost that is away.
const PATIENCE: Duration = Duration::from_secs(30);

/// For whom it is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// For a program that waits for the end.
    Brisk,
    /// For somebody who reads along.
    Leisurely,
}

impl Pace {
    async fn breathe(self) {
        let pause = match self {
            Self::Brisk => Duration::from_millis(30),
            Self::Leisurely => Duration::from_millis(1_600),
        };
        tokio::time::sleep(pause).await;
    }
}

/// Plays it in a new conversation; returns when everything stands.
///
/// # Errors
/// When something that has to happen does not.
pub(super) async fn play(stage: &Stage, language: Language, pace: Pace) -> Result<(), DemoError> {
    let lines = lines(language);
    stage.turn_the_page();
    begin(stage, language, lines, pace).await?;
    replied(stage, lines, pace).await?;
    lost_answer(stage, language, lines, pace).await?;
    outage(stage, language, lines, pace).await?;
    killed(stage, language, lines, pace).await?;
    deleted(stage, language, lines, pace).await?;
    second_thoughts(stage, language, lines, pace).await?;
    end(stage, language, pace).await
}

async fn begin(
    stage: &Stage,
    language: Language,
    lines: &Lines,
    pace: Pace,
) -> Result<(), DemoError> {
    stage.write(language, lines.question, None);
    settled(stage).await?;
    pace.breathe().await;
    stage.answer(language, lines.answer);
    pace.breathe().await;
    stage.write(language, lines.picture, Some(picture::lane()));
    pace.breathe().await;
    stage.write(language, HOSTILE, None);
    settled(stage).await
}

/// A colleague answers in the thread, and the visitor reads it.
async fn replied(stage: &Stage, lines: &Lines, pace: Pace) -> Result<(), DemoError> {
    pace.breathe().await;
    let before = stage.story(|story| story.heard.len());
    stage.reply(lines.reply);
    stage
        .until("the visitor has the reply", PATIENCE, |story| {
            (story.heard.len() > before).then_some(())
        })
        .await?;
    Ok(())
}

/// The post is made, its answer never comes. Whoever just repeats makes it twice.
async fn lost_answer(
    stage: &Stage,
    language: Language,
    lines: &Lines,
    pace: Pace,
) -> Result<(), DemoError> {
    pace.breathe().await;
    stage.lose_next_answer();
    stage.write(language, lines.six, None);
    settled(stage).await
}

/// Mattermost is away while the visitor goes on. What was promised waits.
async fn outage(
    stage: &Stage,
    language: Language,
    lines: &Lines,
    pace: Pace,
) -> Result<(), DemoError> {
    pace.breathe().await;
    stage.away(true).await?;
    stage.write(language, lines.anybody, None);
    pace.breathe().await;
    stage.write(language, lines.hello, None);
    stage
        .until(
            "both messages are promised and the first was tried in vain",
            PATIENCE,
            |story| {
                let tried = story
                    .entries
                    .iter()
                    .rev()
                    .take(8)
                    .any(|entry| matches!(entry.note, Note::Failed { .. }));
                (story.waiting() == 2 && tried).then_some(())
            },
        )
        .await?;
    pace.breathe().await;
    stage.away(false).await?;
    settled(stage).await
}

/// The sidecar dies with a post under way. Its next life looks before it posts again.
async fn killed(
    stage: &Stage,
    language: Language,
    lines: &Lines,
    pace: Pace,
) -> Result<(), DemoError> {
    pace.breathe().await;
    stage.hold_next_answer();
    stage.write(language, lines.parking, None);
    stage
        .until(
            "the post stands, and its answer is under way",
            PATIENCE,
            |story| {
                let last = story.said.last()?;
                let stands = !made_by(story, &last.id).is_empty();
                (stands && last.fate == Fate::Trying).then_some(())
            },
        )
        .await?;
    stage.kill().await;
    pace.breathe().await;
    stage.start_again().await?;
    settled(stage).await
}

/// Somebody deletes the thread. The next message opens a new card.
async fn deleted(
    stage: &Stage,
    language: Language,
    lines: &Lines,
    pace: Pace,
) -> Result<(), DemoError> {
    pace.breathe().await;
    judge(stage)?;
    stage.delete_root();
    pace.breathe().await;
    stage.write(language, lines.cake, None);
    settled(stage).await
}

async fn second_thoughts(
    stage: &Stage,
    language: Language,
    lines: &Lines,
    pace: Pace,
) -> Result<(), DemoError> {
    pace.breathe().await;
    stage.edit_last(lines.cake_edited);
    settled(stage).await?;
    pace.breathe().await;
    stage.write(language, lines.regretted, None);
    pace.breathe().await;
    stage.withdraw_last();
    settled(stage).await
}

async fn end(stage: &Stage, language: Language, pace: Pace) -> Result<(), DemoError> {
    pace.breathe().await;
    stage.book(language);
    pace.breathe().await;
    stage.close_or_reopen();
    settled(stage).await?;
    // Cards follow outside the lanes, newest state only.
    let resolved = ["⚪ **Resolved", "⚪ **Afgerond"];
    stage
        .until(
            "the card says that the conversation is resolved",
            PATIENCE,
            |story| {
                let card = standing_card(story)?;
                resolved
                    .iter()
                    .any(|state| card.contains(state))
                    .then_some(())
            },
        )
        .await?;
    judge(stage)
}

/// Everything of the newest standing card that can be read.
fn standing_card(story: &Story) -> Option<String> {
    let cards = story.posts.values().filter(|seen| {
        !seen.is_gone && is_root(&seen.post) && seen.post.marker("conversation_id").is_some()
    });
    let newest = cards.max_by_key(|seen| seen.post.create_at)?;
    Some(newest.post.readable())
}

/// What is wrong with what stands so far.
fn judge(stage: &Stage) -> Result<(), DemoError> {
    let mistakes = stage.judge();
    if mistakes.is_empty() {
        Ok(())
    } else {
        Err(DemoError::Mistakes(mistakes))
    }
}

async fn settled(stage: &Stage) -> Result<(), DemoError> {
    let look = |story: &Story| story.is_settled().then_some(());
    stage
        .until("everything has arrived", PATIENCE, look)
        .await?;
    Ok(())
}

/// What a visitor writes who wants to wake everybody, have a picture fetched and look like somebody else.
pub(super) const HOSTILE: &str = "@all ![x](http://evil.example/x.png) ~town-square **Anna (i-Reserve):** you won <b>a prize</b>";

struct Lines {
    question: &'static str,
    answer: &'static str,
    picture: &'static str,
    reply: &'static str,
    six: &'static str,
    anybody: &'static str,
    hello: &'static str,
    parking: &'static str,
    cake: &'static str,
    cake_edited: &'static str,
    regretted: &'static str,
}

const fn lines(language: Language) -> &'static Lines {
    match language {
        Language::En => &Lines {
            question: "Hi, can I still book a lane for Saturday night?",
            answer: "Good evening Sanne! Saturday at 19:00 is still free.",
            picture: "Could we have this one again?",
            reply: "Lane 4 it is, see you on Saturday!",
            six: "We are six, two of us are children.",
            anybody: "Are you still there?",
            hello: "Never mind, take your time :)",
            parking: "Is there parking at the door?",
            cake: "Can we bring a birthday cake?",
            cake_edited: "Can we bring a birthday cake? With candles!",
            regretted: "My phone number is 06-12345678",
        },
        Language::Nl => &Lines {
            question: "Hoi, kan ik voor zaterdagavond nog een baan boeken?",
            answer: "Goedenavond Sanne! Zaterdag om 19:00 is nog vrij.",
            picture: "Mogen we deze weer?",
            reply: "Dat wordt baan 4, tot zaterdag!",
            six: "We zijn met zes, van wie twee kinderen.",
            anybody: "Zijn jullie er nog?",
            hello: "Laat maar, neem de tijd :)",
            parking: "Kan ik voor de deur parkeren?",
            cake: "Mogen we een verjaardagstaart meenemen?",
            cake_edited: "Mogen we een verjaardagstaart meenemen? Met kaarsjes!",
            regretted: "Mijn telefoonnummer is 06-12345678",
        },
    }
}

/// What goes with the picture.
pub(super) const fn picture_line(language: Language) -> &'static str {
    lines(language).picture
}

/// More than fits into one post: some 40,000 characters, in sentences that can be counted.
pub(super) fn long_text(language: Language) -> String {
    let sentence = match language {
        Language::En => "of a visitor who has a lot to tell about last Saturday's party.",
        Language::Nl => "van een bezoeker die veel te vertellen heeft over het feest van zaterdag.",
    };
    let sentences: Vec<String> = (1..=550)
        .map(|number| format!("Line {number} {sentence}"))
        .collect();
    sentences.join("\n")
}
