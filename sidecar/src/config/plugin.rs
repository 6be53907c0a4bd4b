//! `[plugin]`: the plugin that may call us.

use secrecy::SecretString;

/// The settings below `[plugin]`. Without them the plugin's endpoints do not exist.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// Shared with the plugin; at least 32 bytes.
    pub pairing_secret: SecretString,
}
