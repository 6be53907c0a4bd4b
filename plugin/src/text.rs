//! What is said when no sidecar can say it, in both languages. Everything else is the sidecar's.

use std::fmt::Write as _;

use shared::Language;

use crate::sidecar::Why;

/// The language of somebody whose client has this locale.
pub(crate) fn language(locale: &str) -> Language {
    let first = locale.split(['-', '_']).next().unwrap_or_default();
    Language::from_code(&first.to_ascii_lowercase()).unwrap_or_default()
}

const fn either(language: Language, en: &'static str, nl: &'static str) -> &'static str {
    match language {
        Language::En => en,
        Language::Nl => nl,
    }
}

pub(crate) const fn no_sidecar(language: Language) -> &'static str {
    either(
        language,
        "i-Reserve is not running on this server right now. Nothing was changed. Try again in a minute.",
        "i-Reserve draait op dit moment niet op deze server. Er is niets gewijzigd. Probeer het over een minuut opnieuw.",
    )
}

pub(crate) const fn starting(language: Language) -> &'static str {
    either(
        language,
        "i-Reserve is starting. Try again in a few seconds.",
        "i-Reserve wordt gestart. Probeer het over een paar seconden opnieuw.",
    )
}

pub(crate) const fn admins_only(language: Language) -> &'static str {
    either(
        language,
        "Only system admins can do this.",
        "Alleen systeembeheerders kunnen dit.",
    )
}

pub(crate) const fn failed(language: Language) -> &'static str {
    either(
        language,
        "That did not work. Nothing was changed. Try again.",
        "Dat is niet gelukt. Er is niets gewijzigd. Probeer het opnieuw.",
    )
}

pub(crate) fn help(language: Language) -> String {
    let verbs: String = [setup_help, status_help, help_help, about_help]
        .iter()
        .zip(["setup", "status", "help", "about"])
        .fold(String::new(), |mut lines, (says, verb)| {
            let _ = writeln!(lines, "* `/ireserve {verb}` - {}", says(language));
            lines
        });
    format!(
        "###### i-Reserve\n{}\n\n{verbs}",
        either(
            language,
            "i-Reserve is not running on this server right now, so this is all I can tell:",
            "i-Reserve draait op dit moment niet op deze server, dus meer kan ik nu niet vertellen:",
        )
    )
}

pub(crate) fn about(language: Language) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "i-Reserve for Mattermost, plugin {version}. {}",
        no_sidecar(language)
    )
}

/// Why there is no sidecar, for an administrator.
pub(crate) fn why(language: Language, why: &Why) -> String {
    let (en, nl) = match why {
        Why::Cluster => (
            "This server is a cluster. Its nodes must share one store: enter a Redis address, or run the sidecar yourself.".to_owned(),
            "Deze server is een cluster. De nodes moeten één opslag delen: vul een Redis-adres in of draai de sidecar zelf.".to_owned(),
        ),
        Why::NoAddress => (
            "No address of the external sidecar is set. Enter `sidecar_url` in the plugin's settings.".to_owned(),
            "Er is geen adres van de externe sidecar ingesteld. Vul `sidecar_url` in bij de plugininstellingen.".to_owned(),
        ),
        Why::BadAddress => (
            "`sidecar_url` is not an address such as http://127.0.0.1:8070.".to_owned(),
            "`sidecar_url` is geen adres zoals http://127.0.0.1:8070.".to_owned(),
        ),
        Why::NoDirectory(detail) => (
            format!("The data folder cannot be used ({detail}). Choose another one in the plugin's settings."),
            format!("De gegevensmap is niet te gebruiken ({detail}). Kies een andere in de plugininstellingen."),
        ),
        Why::Stopped(reason) => (
            format!("The sidecar did not start: {reason}."),
            format!("De sidecar is niet gestart: {reason}."),
        ),
        Why::NotYet => (
            starting(Language::En).to_owned(),
            starting(Language::Nl).to_owned(),
        ),
    };
    match language {
        Language::En => en,
        Language::Nl => nl,
    }
}

/// To administrators, once per incident.
pub(crate) fn stopped(language: Language, node: &str, attempt: u32) -> String {
    match language {
        Language::En => format!(
            "The i-Reserve sidecar stopped on {node} and is being started again (attempt {attempt}). Messages are kept. See `/ireserve status`."
        ),
        Language::Nl => format!(
            "De i-Reserve-sidecar is gestopt op {node} en wordt opnieuw gestart (poging {attempt}). Berichten blijven bewaard. Zie `/ireserve status`."
        ),
    }
}

pub(crate) const fn command_description(language: Language) -> &'static str {
    either(
        language,
        "Answer visitors of i-Reserve",
        "Bezoekers van i-Reserve antwoorden",
    )
}

pub(crate) const fn bot_description(language: Language) -> &'static str {
    either(
        language,
        "Shows i-Reserve's web chat as threads",
        "Toont de webchat van i-Reserve als draadjes",
    )
}

pub(crate) const fn setup_help(language: Language) -> &'static str {
    either(language, "connect i-Reserve", "i-Reserve koppelen")
}

pub(crate) const fn status_help(language: Language) -> &'static str {
    either(language, "is everything working?", "werkt alles?")
}

pub(crate) const fn help_help(language: Language) -> &'static str {
    either(language, "how it works", "zo werkt het")
}

pub(crate) const fn about_help(language: Language) -> &'static str {
    either(language, "version and guide", "versie en handleiding")
}

/// The dialog that pairs an external sidecar.
pub(crate) mod pair {
    use super::{Language, either};

    pub(crate) const fn title(language: Language) -> &'static str {
        either(language, "Pair the sidecar", "Sidecar koppelen")
    }

    pub(crate) const fn field(language: Language) -> &'static str {
        either(language, "Line for the sidecar", "Regel voor de sidecar")
    }

    pub(crate) const fn introduction(language: Language) -> &'static str {
        either(
            language,
            "Copy this line into the sidecar's environment; it is shown once. Start the sidecar, then press Connect.",
            "Kopieer deze regel naar de omgeving van de sidecar; je ziet hem één keer. Start de sidecar en druk op Koppelen.",
        )
    }

    pub(crate) const fn connect(language: Language) -> &'static str {
        either(language, "Connect", "Koppelen")
    }

    pub(crate) const fn shown_before(language: Language) -> &'static str {
        either(
            language,
            "The line for the sidecar was shown before, and is shown only once. To make another, which the sidecar must then get: `/ireserve setup sidecar new`.",
            "De regel voor de sidecar is al getoond, en dat gebeurt maar één keer. Maak zo nodig een nieuwe, die de sidecar dan moet krijgen: `/ireserve setup sidecar new`.",
        )
    }

    pub(crate) const fn managed(language: Language) -> &'static str {
        either(
            language,
            "The plugin starts the sidecar itself here. To run it yourself, set `sidecar_mode` to external in the plugin's settings.",
            "De plugin start de sidecar hier zelf. Wil je dat zelf doen, zet dan `sidecar_mode` op external bij de plugininstellingen.",
        )
    }

    pub(crate) const fn connected(language: Language) -> &'static str {
        either(
            language,
            "The sidecar answers. Continue with `/ireserve setup`.",
            "De sidecar antwoordt. Ga verder met `/ireserve setup`.",
        )
    }

    pub(crate) fn not_connected(language: Language, reason: &str) -> String {
        match language {
            Language::En => format!("The sidecar is not connected: {reason}."),
            Language::Nl => format!("De sidecar is niet gekoppeld: {reason}."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_names_a_language_and_what_is_not_ours_is_english() {
        for (locale, expected) in [
            ("nl", Language::Nl),
            ("nl_BE", Language::Nl),
            ("NL-nl", Language::Nl),
            ("en-AU", Language::En),
            ("de", Language::En),
            ("", Language::En),
        ] {
            assert_eq!(language(locale), expected, "{locale}");
        }
    }

    #[test]
    fn everything_is_said_differently_in_each_language() {
        let both: [fn(Language) -> String; 5] = [
            help,
            about,
            |l| why(l, &Why::Cluster),
            |l| stopped(l, "n", 3),
            |l| pair::not_connected(l, "x"),
        ];
        for say in both {
            assert_ne!(say(Language::En), say(Language::Nl));
        }
    }
}
