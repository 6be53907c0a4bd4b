//! Missing: which files of an event no post of it shows. Pure.

use std::ops::Range;

use shared::Attachment;

use super::memory::Uploaded;
use crate::{
    mattermost::Post,
    render::{self, Neutral},
};

/// Files that were sent with this post and that it does not carry: Mattermost drops what it does not like without a word.
pub(super) fn dropped(post: &Post, sent: &[Uploaded], attachments: &[Attachment]) -> Vec<usize> {
    let ours = |id: &crate::mattermost::FileId| sent.iter().any(|file| file.id == *id);
    if post.file_ids.iter().all(ours) {
        return sent
            .iter()
            .filter(|file| !post.file_ids.contains(&file.id))
            .map(|file| file.file)
            .collect();
    }
    // An earlier request created it, with uploads that were forgotten since: the names tell.
    let files = sent.iter().map(|file| file.file);
    absent_of(std::slice::from_ref(post), attachments, files)
}

/// The attachments in this range that none of these posts carries or names as failed.
pub(super) fn absent(
    posts: &[Post],
    attachments: &[Attachment],
    range: Range<usize>,
) -> Vec<usize> {
    absent_of(posts, attachments, range)
}

fn absent_of(
    posts: &[Post],
    attachments: &[Attachment],
    files: impl Iterator<Item = usize>,
) -> Vec<usize> {
    let mut carried: Vec<&str> = posts
        .iter()
        .flat_map(|post| post.files().iter().map(|file| file.name.as_str()))
        .collect();
    files
        .filter(|file| {
            let Some(attachment) = attachments.get(*file) else {
                return false;
            };
            let stem = stem(&attachment.name);
            if let Some(at) = carried.iter().position(|name| name.starts_with(&stem)) {
                carried.swap_remove(at);
                return false;
            }
            let line = format!("📎 {}", Neutral::line(&attachment.name));
            !posts.iter().any(|post| post.message.contains(&line))
        })
        .collect()
}

/// What stays of a name whatever extension its bytes asked for.
fn stem(name: &str) -> String {
    let name = render::file_name(name, None);
    let stem = name
        .rsplit_once('.')
        .map_or(name.as_str(), |(stem, _)| stem);
    stem.chars().take(24).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn post(message: &str, files: &[&str]) -> Post {
        let files: Vec<_> = files
            .iter()
            .map(|name| json!({"id": "f".repeat(26), "user_id": "u".repeat(26), "name": name, "size": 1}))
            .collect();
        serde_json::from_value(
            json!({"id": "p".repeat(26), "create_at": 1, "update_at": 1, "user_id": "u".repeat(26),
            "channel_id": "c".repeat(26), "message": message, "metadata": {"files": files}}),
        )
        .unwrap()
    }

    fn named(names: &[&str]) -> Vec<Attachment> {
        names
            .iter()
            .map(|name| {
                serde_json::from_value(json!({"name": name, "url": "https://x.example/"})).unwrap()
            })
            .collect()
    }

    #[test]
    fn a_file_is_missing_when_no_post_carries_it_or_says_that_it_failed() {
        let attachments = named(&["photo.exe", "photo.exe", "b.pdf", "c.pdf"]);
        let posts = [post(
            "**Sanne:** hi\n📎 b.pdf could not be copied: x",
            &["photo.exe.png"],
        )];
        assert_eq!(absent(&posts, &attachments, 0..4), [1, 3]);
        assert_eq!(absent(&posts, &attachments, 0..1), [0_usize; 0]);
    }
}
