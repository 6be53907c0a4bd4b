//! How the team in Mattermost works with conversations: the same for all licences.

use std::time::Duration;

use shared::Language;

/// The settings below `[team]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// How long a reply can be withdrawn before it leaves.
    pub send_delay: Duration,
    /// Of channel texts of a licence that names none.
    pub default_language: Language,
    /// Marks on replies.
    pub receipts: bool,
    /// How long a visitor waits before the team is reminded; never, if none.
    pub reminder: Option<Duration>,
    pub who_may_map: WhoMayMap,
    /// More beginnings that keep a reply inside the team, as written.
    pub extra_note_prefixes: Vec<String>,
    pub contact_details: ContactDetails,
    /// If not, files appear as links.
    pub allow_files: bool,
}

/// Who may connect channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WhoMayMap {
    Admins,
    ManageChannel,
    Members,
}

impl WhoMayMap {
    pub const ALL: [Self; 3] = [Self::Admins, Self::ManageChannel, Self::Members];

    /// As settings spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admins => "admins",
            Self::ManageChannel => "manage_channel",
            Self::Members => "members",
        }
    }
}

/// Which details of a visitor Mattermost shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContactDetails {
    None,
    Name,
    All,
}

impl ContactDetails {
    pub const ALL: [Self; 3] = [Self::None, Self::Name, Self::All];

    /// As settings spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Name => "name",
            Self::All => "all",
        }
    }
}
