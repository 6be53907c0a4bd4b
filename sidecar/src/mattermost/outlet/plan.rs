//! Plans: which posts an event becomes. Pure.
//!
//! Text comes first, in parts. Up to ten files hang on the last of them, more on posts of their own behind it. The same event
//! has the same plan at every attempt, so a step can be named by its number alone.

use std::ops::Range;

/// The server takes no more on one post.
pub(super) const FILES_PER_POST: usize = 10;

/// The posts of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// At least one.
    texts: usize,
    files: usize,
}

impl Plan {
    pub(super) const fn new(texts: usize, files: usize) -> Self {
        Self {
            texts: if texts == 0 { 1 } else { texts },
            files,
        }
    }

    /// Posts that are known to be needed. What Mattermost drops of their files needs further ones.
    pub(super) fn posts(self) -> usize {
        self.texts - 1 + self.files.div_ceil(FILES_PER_POST).max(1)
    }

    /// The attachments that this part carries.
    pub(super) fn files(self, part: usize) -> Range<usize> {
        let Some(nth) = (part + 1).checked_sub(self.texts) else {
            return 0..0;
        };
        let from = (nth * FILES_PER_POST).min(self.files);
        from..(from + FILES_PER_POST).min(self.files)
    }

    /// The text of this part; nothing where it carries files alone.
    pub(super) fn text(self, part: usize) -> Option<usize> {
        (part < self.texts).then_some(part)
    }

    /// Whether files that Mattermost dropped may still be tried again in this part. Each is tried once more; after that a line
    /// says that it could not be had.
    pub(super) fn may_try_again(self, part: usize) -> bool {
        part < self.posts() + self.files.div_ceil(FILES_PER_POST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_hang_on_the_last_text_and_overflow_behind_it() {
        for (texts, files, wanted) in [
            (1, 0, vec![(Some(0), 0..0)]),
            (1, 3, vec![(Some(0), 0..3)]),
            (
                3,
                2,
                vec![(Some(0), 0..0), (Some(1), 0..0), (Some(2), 0..2)],
            ),
            (1, 12, vec![(Some(0), 0..10), (None, 10..12)]),
            (
                2,
                20,
                vec![(Some(0), 0..0), (Some(1), 0..10), (None, 10..20)],
            ),
        ] {
            let plan = Plan::new(texts, files);
            let posts: Vec<_> = (0..plan.posts())
                .map(|part| (plan.text(part), plan.files(part)))
                .collect();
            assert_eq!(posts, wanted, "{texts} texts, {files} files");
            assert!(plan.files(plan.posts()).is_empty());
        }
    }
}
