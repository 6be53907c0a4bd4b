//! File names: what a file from outside is called in Mattermost, which believes the extension alone.

use super::{clean::clean_line, split};

/// Bytes of a whole name: what every file system and every client shows.
const NAME_BYTES: usize = 128;

/// The last segment of a path without anything that hides or redirects, at most 128 bytes. With `extension` (without its
/// dot, from the magic bytes) the name ends in it: another one stays readable before it, as in `photo.exe.png`.
#[must_use]
pub fn file_name(name: &str, extension: Option<&str>) -> String {
    let name = clean_line(name);
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    // `:` and its like mean something to file systems people download to.
    let tame: String = last
        .chars()
        .filter(|c| !matches!(c, ':' | '*' | '?' | '"' | '<' | '>' | '|') && !hidden(*c))
        .collect();
    let tame = tame
        .trim_start_matches(['.', ' '])
        .trim_end_matches(['.', ' ']);
    let tame = if tame.is_empty() { "file" } else { tame };
    let (stem, end) = match extension {
        Some(extension) if !ends_with(tame, extension) => (tame, format!(".{extension}")),
        _ => match tame.rsplit_once('.') {
            Some((stem, end)) if end.len() <= 16 && !stem.is_empty() => (stem, format!(".{end}")),
            _ => (tame, String::new()),
        },
    };
    let room = NAME_BYTES.saturating_sub(end.len());
    let stem = split::in_bytes(stem, room);
    // Nothing is left of a name that is one letter under hundreds of accents.
    let stem = if stem.is_empty() { "file" } else { stem };
    format!("{stem}{end}")
}

/// Marks that no reader sees: two names could look alike.
const fn hidden(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{61c}' | '\u{feff}' | '\u{ad}'
    )
}

/// `jpeg` and `jpg` are one, like the others that have two names.
fn ends_with(name: &str, extension: &str) -> bool {
    let Some((_, end)) = name.rsplit_once('.') else {
        return false;
    };
    let end = end.to_ascii_lowercase();
    let twins = [
        ("jpeg", "jpg"),
        ("tiff", "tif"),
        ("htm", "html"),
        ("mpeg", "mpg"),
        ("midi", "mid"),
    ];
    let one = |name: &str| {
        twins
            .iter()
            .find(|(twin, _)| *twin == name)
            .map_or_else(|| name.to_owned(), |(_, one)| (*one).to_owned())
    };
    one(&end) == one(extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_last_segment_without_tricks() {
        for (name, extension, wanted) in [
            ("photo.png", Some("png"), "photo.png"),
            ("photo.JPEG", Some("jpg"), "photo.JPEG"),
            ("../../etc/passwd", None, "passwd"),
            ("C:\\temp\\a.pdf", Some("pdf"), "a.pdf"),
            (".htaccess", None, "htaccess"),
            ("...", Some("bin"), "file.bin"),
            ("", None, "file"),
            ("invoice\u{202e}fdp.exe", Some("txt"), "invoicefdp.exe.txt"),
            ("a\0b\nc.txt", Some("txt"), "ab c.txt"),
            ("picture.svg", Some("txt"), "picture.svg.txt"),
            ("no extension", Some("pdf"), "no extension.pdf"),
            ("a\u{200b}b.pdf ", Some("pdf"), "ab.pdf"),
        ] {
            assert_eq!(file_name(name, extension), wanted, "{name:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension_and_whole_characters() {
        let name = file_name(&format!("{}.pdf", "ë".repeat(300)), Some("pdf"));
        assert!(
            name.len() <= NAME_BYTES && name.ends_with("ë.pdf"),
            "{name}"
        );
        assert_eq!(
            file_name(&format!("e{}", "\u{301}".repeat(99)), None),
            "file"
        );
        let name = file_name(&"x".repeat(300), None);
        assert_eq!(name.len(), NAME_BYTES);
    }
}
