//! Uploads in all their forms, and what becomes of files.

use std::time::Duration;

use http::Method;
use serde_json::json;
use simulators::api::Api;

use super::{Questions, id, told};

impl Questions<'_> {
    pub(super) async fn ask_of_files(&mut self) {
        let cast = self.world.cast().clone();
        let upload = self
            .bot
            .upload(&cast.webchat, "../bill of Eva.PDF", "hello world")
            .await
            .unwrap();
        self.note("an upload", told(&upload));
        let info = upload.json()["file_infos"][0].clone();
        for key in [
            "name",
            "extension",
            "size",
            "mime_type",
            "has_preview_image",
        ] {
            self.note(&format!("… {key}"), &info[key]);
        }
        let file = id(&info);
        let theirs = self
            .world
            .upload(&cast.lotte, &cast.webchat, "b.txt", "x")
            .await
            .unwrap();
        let ids = json!([file, file, "a".repeat(26), theirs]);
        let post = self
            .ask(
                "a post with good and bad file ids",
                Method::POST,
                "/posts",
                json!({ "channel_id": cast.webchat, "message": "", "file_ids": ids }),
            )
            .await;
        self.note("… keeps", post["file_ids"].as_array().map_or(0, Vec::len));
        self.note(
            "… tells of its files",
            &post["metadata"]["files"][0]["name"],
        );
        let again = self
            .post(json!({ "channel_id": cast.webchat, "message": "", "file_ids": [file] }))
            .await;
        self.note("a used file id is kept", !again["file_ids"].is_null());
        let eleven: Vec<_> = (0..11).map(|n| format!("{n:a<26}")).collect();
        self.ask(
            "eleven file ids",
            Method::POST,
            "/posts",
            json!({ "channel_id": cast.webchat, "message": "", "file_ids": eleven }),
        )
        .await;
        for (question, range) in [
            ("a range", "bytes=6-8"),
            ("a suffix", "bytes=-5"),
            ("a range beyond", "bytes=50-60"),
        ] {
            let part = self
                .bot
                .call(
                    Method::GET,
                    &format!("/files/{file}"),
                    &[("range", range)],
                    "",
                )
                .await
                .unwrap();
            self.note(
                question,
                format!(
                    "{} {:?}",
                    part.status.as_u16(),
                    if part.status == 206 {
                        part.text()
                    } else {
                        String::new()
                    }
                ),
            );
        }
        let whole = self.bot.get(&format!("/files/{file}")).await.unwrap();
        self.note(
            "a download",
            format!(
                "{} {} {}",
                told(&whole),
                whole.header("content-type"),
                whole.header("content-disposition")
            ),
        );
        let info = self.bot.get(&format!("/files/{file}/info")).await.unwrap();
        self.note(
            "its info",
            format!("{} {}", told(&info), info.json()["size"]),
        );
        self.ask(
            "an unknown file",
            Method::GET,
            &format!("/files/{}", "a".repeat(26)),
            json!({}),
        )
        .await;
        let empty = self
            .bot
            .upload(&cast.webchat, "empty.txt", "")
            .await
            .unwrap();
        self.note("an empty raw upload", told(&empty));
        let elsewhere = self
            .bot
            .upload(&"a".repeat(26), "a.txt", "x")
            .await
            .unwrap();
        self.note("an upload to an unknown channel", told(&elsewhere));
        let patched = self
            .ask(
                "a patch without its files",
                Method::PUT,
                &format!("/posts/{}/patch", id(&post)),
                json!({ "file_ids": [] }),
            )
            .await;
        self.note(
            "… leaves",
            patched["file_ids"].as_array().map_or(0, Vec::len),
        );
        self.world.delete_post_as_admin(&id(&post)).await.unwrap();
        let second = self.bot.upload(&cast.webchat, "c.txt", "y").await.unwrap();
        let second = id(&second.json()["file_infos"][0]);
        let carrier = self
            .post(json!({ "channel_id": cast.webchat, "message": "", "file_ids": [second] }))
            .await;
        self.world
            .delete_post_as_admin(&id(&carrier))
            .await
            .unwrap();
        let gone = self.gone(&format!("/files/{second}")).await;
        self.note("a file whose post an admin deleted", gone);
        let third = self.bot.upload(&cast.webchat, "d.txt", "z").await.unwrap();
        let third = id(&third.json()["file_infos"][0]);
        let carrier = self
            .post(json!({ "channel_id": cast.webchat, "message": "", "file_ids": [third] }))
            .await;
        self.bot
            .delete(&format!("/posts/{}", id(&carrier)))
            .await
            .unwrap();
        let gone = self.gone(&format!("/files/{third}")).await;
        self.note("a file whose post its author deleted", gone);
        let gone = self.gone(&format!("/files/{third}/info")).await;
        self.note("its info", gone);
        let config = self
            .bot
            .get("/config/client?format=old")
            .await
            .unwrap()
            .json();
        self.note(
            "limits",
            format!(
                "{} {} {}",
                config["MaxPostSize"], config["MaxFileSize"], config["EnableFileAttachments"]
            ),
        );
        let open = Api::new(&self.world.url(), "")
            .get("/config/client?format=old")
            .await
            .unwrap()
            .json();
        self.note("limits without a token", &open["MaxPostSize"]);
    }

    /// What a file answers some seconds after its post went; a real server tidies up behind its answer.
    async fn gone(&self, path: &str) -> String {
        if self.world.simulation().is_none() {
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        told(&self.bot.get(path).await.unwrap())
    }

    pub(super) async fn ask_of_parts(&mut self) {
        let cast = self.world.cast().clone();
        let part = |head: &str, content: &str| {
            format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
        };
        let (channel, one) = (
            part("name=\"channel_id\"", &cast.webchat),
            part("name=\"files\"; filename=\"a.txt\"", "one"),
        );
        let two = part("name=\"x\"; filename=\"dir/b.png\"", "two");
        let client = part("name=\"client_ids\"", "mine");
        for (question, query, body) in [
            (
                "a multipart upload",
                String::new(),
                format!("{channel}{one}{two}"),
            ),
            (
                "one with client ids",
                String::new(),
                format!("{channel}{client}{one}"),
            ),
            (
                "one with its channel in the query",
                format!("?channel_id={}", cast.webchat),
                one.clone(),
            ),
            ("one without a channel", String::new(), one.clone()),
            (
                "one with another field",
                String::new(),
                format!("{channel}{}{one}", part("name=\"y\"", "z")),
            ),
        ] {
            let headers = [("content-type", "multipart/form-data; boundary=b")];
            let answer = self
                .bot
                .call(
                    Method::POST,
                    &format!("/files{query}"),
                    &headers,
                    format!("{body}--b--\r\n"),
                )
                .await
                .unwrap();
            self.note(question, told(&answer));
            let infos = answer.json()["file_infos"].clone();
            let names: Vec<_> = infos
                .as_array()
                .into_iter()
                .flatten()
                .map(|info| format!("{} {}", info["name"], info["mime_type"]))
                .collect();
            self.note(
                "… makes",
                format!("{names:?} {}", answer.json()["client_ids"]),
            );
        }
    }
}
