//! The catalogue: every sentence a person reads, in Dutch and English, compiled in.
//!
//! A sentence is asked for by [`Key`], so that a wrong name does not compile. What goes into it is a [`Value`]: text from
//! outside comes in as [`Neutral`] or not at all.

use std::fmt;

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use shared::Language;
use unic_langid::LanguageIdentifier;

use super::Neutral;

/// Both languages, parsed. Made once by whoever composes the program; never a static, so that two programs fit in one test.
pub struct Catalogue {
    en: FluentBundle<FluentResource>,
    nl: FluentBundle<FluentResource>,
}

/// What may stand in a sentence.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    /// Said by somebody else, made harmless.
    Neutral(&'a Neutral),
    /// Said by us: a time, a status, another sentence of the catalogue.
    Ours(&'a str),
}

macro_rules! keys {
    ($($key:ident = $name:literal,)+) => {
        /// The name of a sentence.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Key { $($key,)+ }

        impl Key {
            #[cfg(test)]
            const ALL: &'static [Self] = &[$(Self::$key,)+];

            const fn name(self) -> &'static str {
                match self { $(Self::$key => $name,)+ }
            }
        }
    };
}

keys! {
    StateWaiting = "state-waiting",
    StateAnswered = "state-answered",
    StateResolved = "state-resolved",
    StateUndelivered = "state-undelivered",
    Nobody = "nobody",
    WebsiteChat = "website-chat",
    StartedAt = "started-at",
    OpenInIreserve = "open-in-ireserve",
    Email = "email",
    Phone = "phone",
    VisitorUnknown = "visitor-unknown",
    VisitorNumbered = "visitor-numbered",
    Assistant = "assistant",
    System = "system",
    Continued = "continued",
    ContinuedDeleted = "continued-deleted",
    Continues = "continues",
    Withdrawn = "withdrawn",
    FileFailed = "file-failed",
    Parked = "parked",
    ParkedNobody = "parked-nobody",
    LineAssigned = "line-assigned",
    LineUnassigned = "line-unassigned",
    LineClosed = "line-closed",
    LineReopened = "line-reopened",
    VisitorOffline = "visitor-offline",
    VisitorClosed = "visitor-closed",
    Refused = "key-refused",
    RefusedAlone = "key-refused-alone",
    Undelivered = "undelivered",
    FirstNote = "first-note",
    FirstMention = "first-mention",
    FirstSent = "first-sent",
    FirstInside = "first-inside",
    NotAllowed = "not-allowed",
    LinkRemoved = "link-removed",
    ReasonGone = "reason-gone",
    ReasonClosed = "reason-closed",
    ReasonBlocked = "reason-blocked",
    ReasonTooLong = "reason-too-long",
    ReasonFileTooBig = "reason-file-too-big",
    ReasonAnswered = "reason-answered",
    ReasonUnreachable = "reason-unreachable",
    ReasonRefused = "reason-refused",
    ReasonTooOld = "reason-too-old",
    ReasonBehind = "reason-behind",
    ReasonUnreadable = "reason-unreadable",
    ReasonFileUnreachable = "reason-file-unreachable",
    ReasonFileAnswered = "reason-file-answered",
    ReasonFileForbidden = "reason-file-forbidden",
    ReasonFileChanged = "reason-file-changed",
    ReasonFileOff = "reason-file-off",
    ReasonNoAnswer = "reason-no-answer",
    ReasonOther = "reason-other",
    NotificationBookingCreated = "notification-booking-created",
    NotificationBookingConfirmed = "notification-booking-confirmed",
    NotificationBookingChanged = "notification-booking-changed",
    NotificationBookingCancelled = "notification-booking-cancelled",
    NotificationBookingNoShow = "notification-booking-no-show",
    NotificationBookingPaymentChanged = "notification-booking-payment-changed",
    SetupPaused = "setup-paused",
    SetupElsewhere = "setup-elsewhere",
    SetupConnected = "setup-connected",
    SetupConnectedOut = "setup-connected-out",
    SetupWaiting = "setup-waiting",
    SetupHere = "setup-here",
    SetupNotKept = "setup-not-kept",
    SetupUnreachable = "setup-unreachable",
    SetupAnswered = "setup-answered",
    MapPublic = "map-public",
    MapFixed = "map-fixed",
    NotOne = "key-not-one",
    Incomplete = "key-incomplete",
    Mistyped = "key-typo",
    NotTaken = "key-not-taken",
    DialogKeyTitle = "dialog-key-title",
    DialogKeyField = "dialog-key-field",
    DialogKeyHelp = "dialog-key-help",
    DialogKeySubmit = "dialog-key-submit",
    ButtonSetUp = "button-set-up",
    NotSetUp = "not-set-up",
    NotSetUpAdmin = "not-set-up-admin",
    NoRightAdmin = "no-right-admin",
    UnknownVerb = "unknown-verb",
    UnknownWord = "unknown-word",
    HelpTitle = "help-title",
    HelpReply = "help-reply",
    HelpAskFirst = "help-ask-first",
    HelpAlerts = "help-alerts",
    HelpMoreNotes = "help-more-notes",
    HelpMarks = "help-marks",
    HelpAll = "help-all",
    HelpAdmin = "help-admin",
    HelpNotes = "help-notes",
    HelpUnmapped = "help-unmapped",
    HelpUnmappedAdmin = "help-unmapped-admin",
    HelpSetup = "help-setup",
    HelpSetupAdmin = "help-setup-admin",
    CommandsTitle = "commands-title",
    CommandSetup = "command-setup",
    CommandStatus = "command-status",
    CommandHelp = "command-help",
    CommandAbout = "command-about",
    About = "about",
    Tree = "tree",
    TreeSetup = "tree-setup",
    TreeStatus = "tree-status",
    TreeHelp = "tree-help",
    TreeHelpHint = "tree-help-hint",
    TreeHelpTopic = "tree-help-topic",
    TreeAbout = "tree-about",
    TopicReplies = "topic-replies",
    TopicNotes = "topic-notes",
    TopicCommands = "topic-commands",
    TopicSetup = "topic-setup",
    StatusHead = "status-head",
    StatusWorking = "status-working",
    StatusAttention = "status-attention",
    StatusDown = "status-down",
    StatusIreserve = "status-ireserve",
    StatusHeard = "status-heard",
    StatusNotHeard = "status-not-heard",
    StatusMattermost = "status-mattermost",
    StatusMattermostSilent = "status-mattermost-silent",
    StatusMattermostToken = "status-mattermost-token",
    StatusSidecar = "status-sidecar",
    StatusSidecarNode = "status-sidecar-node",
    StatusStore = "status-store",
    StatusStoreElsewhere = "status-store-elsewhere",
    StatusStoreSilent = "status-store-silent",
    StoreBuiltIn = "store-built-in",
    StatusQueue = "status-queue",
    StatusChannels = "status-channels",
    StatusChannelsWaiting = "status-channels-waiting",
    StatusWebhook = "status-webhook",
    StatusSetting = "status-setting",
    StatusHere = "status-here",
    StatusNotHere = "status-not-here",
    SpanSeconds = "span-seconds",
    SpanMinutes = "span-minutes",
    SpanHours = "span-hours",
    SpanDays = "span-days",
}

const EN: &str = include_str!("../../text/en.ftl");
const NL: &str = include_str!("../../text/nl.ftl");

impl Catalogue {
    #[must_use]
    pub fn new() -> Self {
        Self {
            en: bundle(Language::En, EN),
            nl: bundle(Language::Nl, NL),
        }
    }

    /// The sentence, filled in.
    pub(crate) fn say(
        &self,
        language: Language,
        key: Key,
        values: &[(&'static str, Value<'_>)],
    ) -> String {
        let bundle = match language {
            Language::En => &self.en,
            Language::Nl => &self.nl,
        };
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(*name, FluentValue::from(value.as_str()));
        }
        let pattern = bundle
            .get_message(key.name())
            .and_then(|message| message.value())
            .expect("both compiled-in languages have every key: a test compares them");
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&args), &mut errors);
        debug_assert!(errors.is_empty(), "{key:?} lacks a value: {errors:?}");
        text.into_owned()
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Catalogue")
    }
}

impl<'a> Value<'a> {
    fn as_str(&self) -> &'a str {
        match self {
            Self::Neutral(text) => text.as_str(),
            Self::Ours(text) => text,
        }
    }
}

fn bundle(language: Language, text: &str) -> FluentBundle<FluentResource> {
    let resource = FluentResource::try_new(text.to_owned())
        .expect("the compiled-in texts are well formed: a test parses them");
    let name: LanguageIdentifier = language
        .code()
        .parse()
        .expect("a code of two letters is a language identifier");
    let mut bundle = FluentBundle::new_concurrent(vec![name]);
    // Otherwise each value is wrapped in U+2068 and U+2069, which our own rules forbid in a post.
    bundle.set_use_isolating(false);
    bundle
        .add_resource(resource)
        .expect("no key stands twice in the compiled-in texts: a test compares them");
    bundle
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// Keys and the variables of each. Our files have one message a line.
    fn keys_of(text: &str) -> BTreeMap<&str, BTreeSet<&str>> {
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut keys = BTreeMap::new();
        for line in lines {
            let (key, value) = line.split_once(" = ").unwrap();
            let variables = value
                .split("{ $")
                .skip(1)
                .map(|rest| rest.split_once(" }").unwrap().0)
                .collect();
            assert!(
                keys.insert(key, variables).is_none(),
                "`{key}` stands twice"
            );
        }
        keys
    }

    #[test]
    fn both_languages_have_the_same_keys_with_the_same_variables() {
        assert_eq!(keys_of(EN), keys_of(NL));
    }

    #[test]
    fn every_key_of_the_code_has_a_sentence_and_every_sentence_a_key() {
        let named: BTreeSet<&str> = Key::ALL.iter().map(|key| key.name()).collect();
        assert_eq!(named, keys_of(EN).into_keys().collect());
    }

    #[test]
    fn every_sentence_can_be_said_in_both_languages_without_isolating_marks() {
        let catalogue = Catalogue::new();
        let keys = keys_of(EN);
        for language in Language::ALL {
            for key in Key::ALL {
                let values: Vec<_> = keys[key.name()]
                    .iter()
                    .map(|variable| (*variable, Value::Ours("<value>")))
                    .collect();
                let said = catalogue.say(language, *key, &values);
                assert_eq!(
                    said.matches("<value>").count(),
                    values.len(),
                    "{key:?} in {language:?}"
                );
                assert!(!said.contains(['\u{2068}', '\u{2069}', '{']), "{key:?}");
            }
        }
    }

    #[test]
    fn dutch_speaks_to_a_person_as_je() {
        for (key, line) in NL.lines().filter_map(|line| line.split_once(" = ")) {
            // There it is the hour.
            if key.starts_with("span-") {
                continue;
            }
            for word in ["u ", " u ", "uw ", "conversatie", "bezorg", "chatgesprek"] {
                assert!(!line.starts_with(word), "{key}");
                assert!(!line.contains(&format!(" {}", word.trim_start())), "{key}");
            }
        }
    }
}
