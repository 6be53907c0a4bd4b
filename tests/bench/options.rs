//! What is measured, and how much of it.

/// One part of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Accept,
    Posting,
    Latency,
    Replies,
    Open,
    Memory,
    Flat,
    Attachment,
}

impl Subject {
    const ALL: [Self; 8] = [
        Self::Accept,
        Self::Posting,
        Self::Latency,
        Self::Replies,
        Self::Open,
        Self::Memory,
        Self::Flat,
        Self::Attachment,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Posting => "posting",
            Self::Latency => "latency",
            Self::Replies => "replies",
            Self::Open => "open",
            Self::Memory => "memory",
            Self::Flat => "flat",
            Self::Attachment => "attachment",
        }
    }
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) subjects: Vec<Subject>,
    /// Small numbers: shows that everything runs, says nothing about speed.
    pub(crate) quick: bool,
}

/// The command line names something that is not there.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is no subject: use accept, posting, latency, replies, open, memory, flat, attachment or all, and --quick for a trial with small numbers"
)]
pub(crate) struct Unknown(String);

impl Options {
    pub(crate) fn of(arguments: impl Iterator<Item = String>) -> Result<Self, Unknown> {
        let (mut subjects, mut quick) = (Vec::new(), false);
        for argument in arguments {
            match argument.as_str() {
                // How cargo starts a bench.
                "--bench" => {}
                "--quick" => quick = true,
                "all" => subjects.extend(Subject::ALL),
                name => match Subject::ALL
                    .into_iter()
                    .find(|subject| subject.name() == name)
                {
                    Some(subject) => subjects.push(subject),
                    None => return Err(Unknown(argument)),
                },
            }
        }
        if subjects.is_empty() {
            subjects.extend(Subject::ALL);
        }
        Ok(Self { subjects, quick })
    }

    /// `full`, or `trial` when only a trial is wanted.
    pub(crate) const fn pick<T: Copy>(&self, full: T, trial: T) -> T {
        if self.quick { trial } else { full }
    }

    /// Conversations in the large store.
    pub(crate) const fn mapped(&self) -> u32 {
        self.pick(1_000_000, 20_000)
    }
}
