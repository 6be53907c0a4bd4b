//! `[plugin]`: the plugin that may call us.

use secrecy::SecretString;

use super::reader::Reader;

/// The settings below `[plugin]`. Without them the plugin's endpoints do not exist.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// Shared with the plugin; at least 32 bytes.
    pub pairing_secret: SecretString,
}

pub(super) fn read(settings: &mut Reader<'_>) -> Option<Plugin> {
    let pairing_secret = settings.secret("plugin.pairing_secret", 32)?;
    Some(Plugin { pairing_secret })
}
