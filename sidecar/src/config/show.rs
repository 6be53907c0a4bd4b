//! What of a setting may be shown.

use url::Url;

/// An address without its user name and password, which often are a store's only secret. What cannot be read is not shown at all.
pub(super) fn without_password(text: &str) -> String {
    match Url::parse(text) {
        Ok(mut url) => {
            if url.username().is_empty() && url.password().is_none() {
                return text.to_owned();
            }
            let stripped = url.set_username("").and_then(|()| url.set_password(None));
            match stripped {
                Ok(()) => url.into(),
                Err(()) => "set".to_owned(),
            }
        }
        Err(_) => "set".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_address_has_no_password() {
        for (text, wanted) in [
            ("redis://u:hunter2@h:6379/1", "redis://h:6379/1"),
            ("rediss://:hunter2@h", "rediss://h"),
            ("redis://h:6379", "redis://h:6379"),
            ("hunter2", "set"),
        ] {
            assert_eq!(without_password(text), wanted, "{text}");
        }
    }
}
