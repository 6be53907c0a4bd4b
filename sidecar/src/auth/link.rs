//! Links to files of replies, and the context of our buttons: what carries a MAC of ours, and what it vouches for.
//!
//! ```text
//! file link   base64url(licence LF post LF file LF expiry in seconds) "." base64url(HMAC-SHA-256 of the same bytes)
//! context     base64url(HMAC-SHA-256 of licence, conversation and action, each with its length before it)
//! ```
//!
//! Both keys follow from one secret that every replica shares. A valid link proves that we made it, not that the file may still be
//! read: whether the post exists and was sent is asked at each use, elsewhere.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretBox};
use sha2::Sha256;
use shared::{ConversationId, LicenceId, PostId, Timestamp, id::mattermost};

use super::Verified;

/// Far above the 200 or so that a link of ours has: whatever is longer is not even decoded.
const MOST_BYTES: usize = 512;

/// What a link leads to: one attachment of one post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLink {
    pub post: PostId,
    /// Mattermost's id of the file: 26 lower-case letters and digits.
    pub file: String,
    pub expires: Timestamp,
}

/// Makes and checks links and contexts.
#[derive(Debug)]
pub struct LinkKey {
    files: SecretBox<[u8; 32]>,
    contexts: SecretBox<[u8; 32]>,
}

impl LinkKey {
    /// From `server.secret`, or the secret that is kept in the store.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        let derive = |info: &[u8]| {
            let mut bytes = [0; 32];
            Hkdf::<Sha256>::new(None, secret)
                .expand(info, &mut bytes)
                .expect("32 bytes are far below what HKDF-SHA-256 can give");
            SecretBox::new(Box::new(bytes))
        };
        Self {
            files: derive(b"file link"),
            contexts: derive(b"button context"),
        }
    }

    /// The last part of a link's address.
    #[must_use]
    pub fn file_token(&self, licence: &LicenceId, link: &FileLink) -> String {
        let seconds = link.expires.as_millis().div_euclid(1_000);
        let payload = format!("{licence}\n{}\n{}\n{seconds}", link.post, link.file);
        let tag = tag(&self.files, payload.as_bytes()).finalize().into_bytes();
        format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(payload),
            URL_SAFE_NO_PAD.encode(tag)
        )
    }

    /// What a link leads to; `None` for whatever is not ours or no longer valid. There is one answer for all of that, so the reasons are
    /// not told apart.
    #[must_use]
    pub fn open(&self, token: &str, now: Timestamp) -> Option<Verified<FileLink>> {
        if token.len() > MOST_BYTES {
            return None;
        }
        let (payload, mac) = token.split_once('.')?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        tag(&self.files, &payload).verify_slice(&mac).ok()?;
        let payload = String::from_utf8(payload).ok()?;
        let mut parts = payload.split('\n');
        let licence = LicenceId::new(parts.next()?).ok()?;
        let post = PostId::new(parts.next()?).ok()?;
        let file = parts.next().filter(|file| mattermost(file))?.to_owned();
        let seconds: i64 = parts.next()?.parse().ok()?;
        let expires = Timestamp::from_millis(seconds.checked_mul(1_000)?);
        let link = FileLink {
            post,
            file,
            expires,
        };
        (now < expires && parts.next().is_none()).then(|| Verified::new(licence, link))
    }

    /// The MAC that a button of ours carries. Without a licence or conversation: a button of the set-up.
    #[must_use]
    pub fn context(
        &self,
        licence: Option<&LicenceId>,
        conversation: Option<&ConversationId>,
        action: &str,
    ) -> String {
        let tag = self.context_tag(licence, conversation, action);
        URL_SAFE_NO_PAD.encode(tag.finalize().into_bytes())
    }

    /// Whether we made a button with exactly this meaning. Who clicks, and whether they may, is asked elsewhere.
    #[must_use]
    pub fn is_ours(
        &self,
        licence: Option<&LicenceId>,
        conversation: Option<&ConversationId>,
        action: &str,
        mac: &str,
    ) -> bool {
        URL_SAFE_NO_PAD.decode(mac).is_ok_and(|mac| {
            self.context_tag(licence, conversation, action)
                .verify_slice(&mac)
                .is_ok()
        })
    }

    fn context_tag(
        &self,
        licence: Option<&LicenceId>,
        conversation: Option<&ConversationId>,
        action: &str,
    ) -> Hmac<Sha256> {
        let mut tag = tag(&self.contexts, b"");
        for part in [
            licence.map_or("", LicenceId::as_str),
            conversation.map_or("", ConversationId::as_str),
            action,
        ] {
            tag.update(&(part.len() as u64).to_be_bytes());
            tag.update(part.as_bytes());
        }
        tag
    }
}

fn tag(key: &SecretBox<[u8; 32]>, message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret())
        .expect("HMAC takes a key of any length");
    mac.update(message);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn licence() -> LicenceId {
        LicenceId::new("acme").unwrap()
    }

    fn link() -> FileLink {
        FileLink {
            post: PostId::new("p".repeat(26)).unwrap(),
            file: "f".repeat(26),
            expires: Timestamp::from_millis(1_700_000_060_000),
        }
    }

    #[test]
    fn a_link_opens_until_it_expires_and_names_its_licence() {
        let key = LinkKey::new(&[7; 32]);
        let token = key.file_token(&licence(), &link());
        assert!(
            token
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        );
        let opened = key.open(&token, NOW).unwrap();
        assert_eq!(opened.licence(), &licence());
        assert_eq!(opened.get(), &link());
        assert!(key.open(&token, link().expires).is_none());
        assert!(LinkKey::new(&[8; 32]).open(&token, NOW).is_none());
    }

    #[test]
    fn one_changed_character_closes_a_link() {
        let key = LinkKey::new(&[7; 32]);
        let token = key.file_token(&licence(), &link());
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(key.open(&changed, NOW).is_none(), "{at}");
        }
        for bad in ["", ".", "a.b", &format!("{token}."), &"A".repeat(600)] {
            assert!(key.open(bad, NOW).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_context_is_bound_to_licence_conversation_and_action() {
        let key = LinkKey::new(&[7; 32]);
        let conversation = ConversationId::new("conv_93").unwrap();
        let mac = key.context(Some(&licence()), Some(&conversation), "resolve");
        let other = ConversationId::new("conv_94").unwrap();
        let acmf = LicenceId::new("acmf").unwrap();
        assert!(key.is_ours(Some(&licence()), Some(&conversation), "resolve", &mac));
        assert!(!key.is_ours(Some(&licence()), Some(&other), "resolve", &mac));
        assert!(!key.is_ours(Some(&acmf), Some(&conversation), "resolve", &mac));
        assert!(!key.is_ours(Some(&licence()), Some(&conversation), "reopen", &mac));
        assert!(!key.is_ours(Some(&licence()), None, "resolve", &mac));
        assert!(!key.is_ours(Some(&licence()), Some(&conversation), "resolve", ""));
    }
}
