//! `[log]`: what is logged and how.

use super::reader::Reader;

/// The settings below `[log]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    pub level: Level,
    pub format: Format,
}

/// The least level that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text on a terminal, else JSON.
    Auto,
    Text,
    Json,
}

impl Level {
    pub const ALL: [Self; 5] = [
        Self::Error,
        Self::Warn,
        Self::Info,
        Self::Debug,
        Self::Trace,
    ];

    /// As settings spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl Format {
    pub const ALL: [Self; 3] = [Self::Auto, Self::Text, Self::Json];

    /// As settings spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

pub(super) fn read(settings: &mut Reader<'_>) -> Log {
    Log {
        level: settings.choice("log.level", Level::Info, &Level::ALL, Level::name),
        format: settings.choice("log.format", Format::Auto, &Format::ALL, Format::name),
    }
}
