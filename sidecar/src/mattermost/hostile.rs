//! Whatever a server answers, reading it is a typed error at worst. Runs over real shapes that were broken on purpose.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Channel, FileInfo, Me, Post, Team, User, error::meaning};

fn shapes() -> [Value; 6] {
    let id = "a".repeat(26);
    let post = json!({"id": id, "create_at": 1, "update_at": 2, "edit_at": 0, "delete_at": 0, "user_id": id, "channel_id": id,
        "root_id": "", "message": "hi", "type": "", "props": {"ireserve": {"mark": "m", "part": 0}}, "file_ids": [id],
        "metadata": {"files": [{"id": id, "user_id": id, "name": "a.png", "size": 1}]}, "reply_count": 1});
    [
        post.clone(),
        json!({"order": [id], "posts": {id.clone(): post}, "has_next": true}),
        json!({"id": id, "username": "lotte", "email": "", "is_bot": true, "delete_at": 0, "remote_id": null}),
        json!({"id": id, "team_id": id, "type": "O", "name": "webchat", "delete_at": 0}),
        json!({"file_infos": [{"id": id, "user_id": id, "post_id": "", "name": "a", "size": 1, "mime_type": ""}]}),
        json!({"id": "api.context.permissions.app_error", "message": "x", "status_code": 403}),
    ]
}

/// What is said of an answer, whatever its body.
fn read(bytes: &[u8]) {
    let _ = serde_json::from_slice::<Post>(bytes);
    let _ = serde_json::from_slice::<Vec<Post>>(bytes);
    let _ = serde_json::from_slice::<Vec<User>>(bytes);
    let _ = serde_json::from_slice::<Me>(bytes);
    let _ = serde_json::from_slice::<Channel>(bytes);
    let _ = serde_json::from_slice::<Vec<Team>>(bytes);
    let _ = serde_json::from_slice::<FileInfo>(bytes);
    super::thread::read(bytes);
    super::channel::read(bytes);
    super::socket::said(bytes);
    for status in [302, 400, 403, 404, 413, 429, 500, 503] {
        let status = StatusCode::from_u16(status).expect("these are statuses");
        let fault = meaning(status, &Bytes::copy_from_slice(bytes), None);
        assert!(fault.to_string().len() < 300, "a reason is one short fact");
    }
}

/// Replaces the value at the nth place, counted depth first.
fn replace(value: &mut Value, nth: &mut usize, with: &Value) {
    if *nth == 0 {
        *value = with.clone();
    }
    *nth = nth.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, nth, with)),
        Value::Object(map) => map.values_mut().for_each(|item| replace(item, nth, with)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
        read(&bytes);
    }

    #[test]
    fn real_shapes_with_one_value_replaced_or_cut_short_are_read_without_a_panic(
        shape in 0..6_usize, nth in 0..24_usize, with in 0..8_usize, cut in 0..600_usize,
    ) {
        let odd = [json!(null), json!(-1), json!(1e300), json!(""), json!([]), json!({}), json!("\u{0}\u{202e}"), json!(u64::MAX)];
        let mut value = shapes()[shape].clone();
        replace(&mut value, &mut { nth }, &odd[with]);
        let bytes = value.to_string().into_bytes();
        read(&bytes);
        read(&bytes[..cut.min(bytes.len())]);
    }

    #[test]
    fn any_rate_limit_headers_leave_a_pace_that_ends(limit in ".{0,12}", left in "-?[0-9]{0,12}", reset in "-?[0-9.]{0,24}") {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-ratelimit-limit", &limit), ("x-ratelimit-remaining", &left), ("x-ratelimit-reset", &reset)] {
            if let Ok(value) = value.parse() {
                headers.insert(name, value);
            }
        }
        super::pace::survives(&headers);
    }
}

#[test]
fn json_that_is_nested_without_end_is_an_error() {
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    read(&deep);
    let deep = [
        br#"{"posts":"#.repeat(50_000),
        b"1".to_vec(),
        b"}".repeat(50_000),
    ]
    .concat();
    read(&deep);
}
