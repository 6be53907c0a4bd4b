//! What a file is, by its first bytes. Mattermost believes the extension alone, so the extension is made to match.

/// Text that a browser or a desktop would run or draw: shown as plain text.
const ACTIVE: [&str; 38] = [
    "svg", "svgz", "html", "htm", "xhtml", "xht", "shtml", "mht", "mhtml", "xml", "xsl", "xslt",
    "js", "mjs", "cjs", "jse", "ts", "css", "sh", "bash", "zsh", "bat", "cmd", "ps1", "psm1",
    "vbs", "vbe", "wsf", "hta", "php", "py", "rb", "pl", "lua", "url", "desktop", "reg", "inf",
];

/// Extensions under which bytes without a signature can do nothing.
const HARMLESS: [&str; 14] = [
    "txt", "text", "csv", "tsv", "log", "md", "json", "yaml", "yml", "ics", "vcf", "eml", "srt",
    "bin",
];

/// The extension a file must have, without its dot; nothing when the one in `name` may stay. `head` are its first bytes, as many
/// as there are up to 8 KiB.
#[must_use]
pub fn extension(head: &[u8], name: &str) -> Option<&'static str> {
    let named = name
        .rsplit_once('.')
        .map(|(_, end)| end.to_ascii_lowercase())
        .unwrap_or_default();
    if draws(head) {
        return Some("txt");
    }
    let Some(kind) = infer::get(head) else {
        return unknown(&named);
    };
    match kind.matcher_type() {
        // Programs, also those that hide among the archives.
        infer::MatcherType::App => Some("bin"),
        infer::MatcherType::Text => Some("txt"),
        _ => match kind.extension() {
            "swf" | "crx" | "msi" | "deb" | "rpm" | "eot" | "ps" => Some("bin"),
            // A container says too little; what it is called may stay where such a container fits it.
            "zip" => Some(
                ["docx", "xlsx", "pptx", "odt", "ods", "odp", "epub"]
                    .into_iter()
                    .find(|end| *end == named)
                    .unwrap_or("zip"),
            ),
            extension => Some(extension),
        },
    }
}

/// What a file may be called on its way out: a picture, a sound, a film, a document or an archive by its first bytes, and nothing that a
/// browser would run.
#[must_use]
pub fn media_type(head: &[u8]) -> &'static str {
    use infer::MatcherType::{Archive, Audio, Book, Doc, Font, Image, Video};
    infer::get(head)
        .filter(|kind| {
            let tame = matches!(
                kind.matcher_type(),
                Archive | Audio | Book | Doc | Font | Image | Video
            );
            tame && !draws(head)
        })
        .map_or("application/octet-stream", |kind| kind.mime_type())
}

/// Markup that is drawn or run, whatever it is called and whatever blanks or marks stand before it.
fn draws(head: &[u8]) -> bool {
    let text = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    let begins = |mark: &[u8]| {
        text.get(..mark.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(mark))
    };
    [
        &b"<svg"[..],
        b"<?xml",
        b"<!doctype",
        b"<html",
        b"<script",
        b"#!",
    ]
    .into_iter()
    .any(begins)
}

fn unknown(named: &str) -> Option<&'static str> {
    if ACTIVE.contains(&named) {
        return Some("txt");
    }
    (!HARMLESS.contains(&named)).then_some("bin")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const PDF: &[u8] = b"%PDF-1.7\n";
    const EXE: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0";

    #[test]
    fn on_the_way_out_only_tame_kinds_have_a_name() {
        let any = "application/octet-stream";
        for (head, wanted) in [
            (PNG, "image/png"),
            (PDF, "application/pdf"),
            (ZIP, "application/zip"),
            (EXE, any),
            (b"<!DOCTYPE html><html>", any),
            (b"<svg xmlns=", any),
            (b"#!/bin/sh\n", any),
            (b"", any),
        ] {
            assert_eq!(media_type(head), wanted, "{head:?}");
        }
    }

    #[test]
    fn the_bytes_decide_and_what_could_act_is_text_or_nothing() {
        for (head, name, wanted) in [
            (PNG, "a.png", Some("png")),
            (PNG, "a.txt", Some("png")),
            (PNG, "a.html", Some("png")),
            (PDF, "invoice", Some("pdf")),
            (EXE, "invoice.pdf", Some("bin")),
            (EXE, "setup.exe", Some("bin")),
            (ZIP, "report.docx", Some("docx")),
            (ZIP, "report.pdf", Some("zip")),
            (ZIP, "app.jar", Some("zip")),
            (b"<svg xmlns='x'><script/></svg>", "a.svg", Some("txt")),
            (b"\xef\xbb\xbf \n<SVG>", "a.png", Some("txt")),
            (b"<!DOCTYPE html><script>", "a.jpg", Some("txt")),
            (b"#!/bin/sh\n", "a", Some("txt")),
            (b"alert(1)", "a.js", Some("txt")),
            (b"hello", "a.txt", None),
            (b"a;b\n1;2", "table.CSV", None),
            (b"hello", "a.pdf", Some("bin")),
            (b"hello", "a", Some("bin")),
            (b"", "empty.txt", None),
            (b"\0\x01\x02", "a.lnk", Some("bin")),
        ] {
            assert_eq!(
                extension(head, name),
                wanted,
                "{name} {:?}",
                String::from_utf8_lossy(head)
            );
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        proptest::proptest!(|(head: Vec<u8>, name: String)| { let _ = extension(&head, &name); });
    }
}
