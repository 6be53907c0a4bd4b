//! The recorded streams of Mattermost 5.36.1 and 11.6: `net/rpc` headers and bodies as the two sides really wrote them.

use std::fmt::Debug;

use gob::{Decoder, Encoder, Error, Gob, Value};

use crate::fixtures::{all_recorded, hex, recorded};
use crate::mattermost::*;
use crate::model::{Request, Response, Url};

const VERSIONS: [&str; 2] = ["mattermost-5.36", "mattermost-11.6"];

/// Reads one side of a call stream: headers of type `H`, bodies as `body` wants them.
fn calls<H: Gob>(stream: &str, mut body: impl FnMut(&H, &mut Decoder)) {
    let mut decoder = Decoder::new();
    decoder.feed(&recorded(stream));
    while decoder.unread() > 0 {
        let header = decoder.decode::<H>().unwrap();
        body(&header, &mut decoder);
    }
}

fn bodies(stream: &str, method: &str) -> Vec<Value> {
    let mut found = Vec::new();
    calls::<Response>(stream, |header, decoder| {
        let value = decoder.decode::<Value>().unwrap();
        if header.method == method {
            found.push(value);
        }
    });
    found
}

/// The first body of a method, as a record.
fn first<H: Gob, T: Gob + Debug>(stream: &str, method: impl Fn(&H) -> bool) -> T {
    let mut found = None;
    calls::<H>(stream, |header, decoder| {
        match method(header) && found.is_none() {
            true => found = Some(decoder.decode::<T>().unwrap()),
            false => decoder.skip().unwrap(),
        }
    });
    found.unwrap()
}

#[test]
fn every_call_of_both_hosts_is_read_to_the_end_of_the_stream() {
    let api = [
        "LoadPluginConfiguration",
        "RegisterCommand",
        "RegisterCommand",
        "LogInfo",
        "GetUser",
        "GetUser",
        "LogInfo",
        "KVSet",
        "KVGet",
        "LogDebug",
        "CreatePost",
        "GetPluginConfig",
        "GetConfig",
    ];
    for version in VERSIONS {
        let mut asked = Vec::new();
        calls::<Request>(&format!("{version}/api.plugin"), |header, decoder| {
            asked.push((header.seq, header.method.clone()));
            decoder.decode::<Value>().unwrap();
        });
        assert_eq!(
            asked,
            (0..)
                .zip(api.map(|method| format!("Plugin.{method}")))
                .collect::<Vec<_>>(),
            "{version}"
        );

        let mut answered = Vec::new();
        calls::<Response>(&format!("{version}/api.host"), |header, decoder| {
            assert_eq!(header.error, "", "{version}");
            answered.push((header.seq, header.method.clone()));
            decoder.decode::<Value>().unwrap();
        });
        answered.sort();
        assert_eq!(answered, asked, "{version}");
    }
}

#[test]
fn a_stream_reads_the_same_in_pieces_of_one_byte() {
    for (name, bytes) in all_recorded() {
        let mut whole = Decoder::new();
        whole.feed(&bytes);
        let mut pieces = Decoder::new();
        for byte in &bytes {
            assert!(
                matches!(pieces.ready(), Err(Error::Incomplete { .. })),
                "{name}"
            );
            pieces.feed(std::slice::from_ref(byte));
            if pieces.ready().is_ok() {
                assert_eq!(pieces.decode::<Value>(), whole.decode::<Value>(), "{name}");
                assert_eq!(pieces.offset(), whole.offset(), "{name}");
            }
        }
        assert_eq!((pieces.unread(), whole.unread()), (0, 0), "{name}");
    }
}

#[test]
fn a_user_and_a_refusal_are_told_apart() {
    for version in VERSIONS {
        let mut answers = Vec::new();
        calls::<Response>(
            &format!("{version}/api.host"),
            |header, decoder| match header.method.as_str() {
                "Plugin.GetUser" => answers.push(decoder.decode::<GetUserReturns>().unwrap()),
                _ => decoder.skip().unwrap(),
            },
        );
        let [found, missing] = answers.as_slice() else {
            panic!("{version}: two calls were recorded")
        };
        assert_eq!(
            found.a.as_ref().map(|user| user.username.as_str()),
            Some("alice"),
            "{version}"
        );
        assert_eq!(found.b, None, "{version}");
        assert_eq!(missing.a, None, "{version}");
        assert_eq!(
            missing.b.as_ref().map(|error| error.status),
            Some(404),
            "{version}"
        );
    }
}

#[test]
fn the_reason_of_a_failed_registration_comes_under_its_registered_name() {
    for version in VERSIONS {
        let answers = bodies(&format!("{version}/api.host"), "Plugin.RegisterCommand");
        let reasons: Vec<_> = answers
            .iter()
            .map(|answer| answer.get("A").and_then(Value::name))
            .collect();
        assert_eq!(reasons, [None, Some("*plugin.ErrorString")], "{version}");
        assert!(
            answers[1]
                .at(&["A", "Err"])
                .and_then(Value::as_str)
                .is_some_and(|text| !text.is_empty()),
            "{version}"
        );
    }
}

#[test]
fn bytes_and_maps_of_anything_come_as_they_were_stored() {
    for version in VERSIONS {
        let api = format!("{version}/api.host");
        let stored = &bodies(&api, "Plugin.KVGet")[0];
        assert_eq!(
            stored.get("A").and_then(Value::as_bytes),
            Some(&[1, 2, 3][..]),
            "{version}"
        );
        let config = &bodies(&api, "Plugin.GetPluginConfig")[0];
        let keys: Vec<_> = config
            .get("A")
            .unwrap()
            .as_map()
            .unwrap()
            .iter()
            .map(|(key, _)| key.as_str())
            .collect();
        assert!(keys.contains(&Some("nested")), "{version}: {keys:?}");
        assert!(
            config.at(&["A", "n"]).and_then(Value::as_f64).is_some(),
            "{version}"
        );
    }
}

#[test]
fn the_whole_configuration_is_found_by_path_and_has_no_false_values() {
    for version in VERSIONS {
        let config = &bodies(&format!("{version}/api.host"), "Plugin.GetConfig")[0];
        let driver = config
            .at(&["A", "SqlSettings", "DriverName"])
            .and_then(Value::as_str);
        assert!(driver.is_some_and(|name| !name.is_empty()), "{version}");
        assert_eq!(
            config
                .at(&["A", "PluginSettings", "Enable"])
                .and_then(Value::as_bool),
            Some(true),
            "{version}"
        );
        assert_eq!(
            config.at(&["A", "PluginSettings", "EnableUploads"]),
            None,
            "{version}: false is left out"
        );
    }
}

#[test]
fn a_request_for_the_plugin_carries_its_url_and_headers() {
    for version in VERSIONS {
        let hooks = format!("{version}/hooks.host");
        let mut requests: Vec<ServeHttp> = Vec::new();
        calls::<Request>(&hooks, |header, decoder| match header.method.as_str() {
            "Plugin.ServeHTTP" => requests.push(decoder.decode().unwrap()),
            _ => decoder.skip().unwrap(),
        });
        assert_eq!(requests.len(), 6, "{version}");
        let get = &requests[0];
        assert_eq!(
            (get.request.method.as_str(), get.request.major),
            ("GET", 1),
            "{version}"
        );
        assert_eq!(get.request.url, Some(Url("/hello?x=1".into())), "{version}");
        assert_eq!(get.request.body, Value::Nil, "{version}");
        assert!(
            get.request.header.keys().any(|name| name == "User-Agent"),
            "{version}: {:?}",
            get.request.header
        );
        assert!(get.writer > 0 && get.body > 0, "{version}");
        assert_eq!(requests[1].request.method, "POST", "{version}");
    }
}

#[test]
fn a_post_has_its_attachments_as_records_and_its_other_props_as_values() {
    for version in VERSIONS {
        let hooks = format!("{version}/hooks.host");
        let args: PostArgs = first(&hooks, |header: &Request| {
            header.method == "Plugin.MessageHasBeenPosted"
        });
        assert!(
            !args.a.ip_address.is_empty(),
            "{version}: one of two spellings"
        );
        let post = args.b.unwrap();
        let attachments: Vec<_> = post
            .props
            .values()
            .filter(|prop| matches!(prop, Prop::Attachments(_)))
            .collect();
        assert_eq!(attachments.len(), 1, "{version}");
        let Prop::Attachments(list) = attachments[0] else {
            unreachable!("filtered")
        };
        assert!(!list[0].text.is_empty(), "{version}");
        assert!(post.props.len() > 1, "{version}: {:?}", post.props);
    }
}

#[test]
fn what_the_plugin_answered_reads_back_through_our_own_encoder() {
    for version in VERSIONS {
        let hooks = format!("{version}/hooks.plugin");
        let (mut encoder, mut wire) = (Encoder::new(), Vec::new());
        let mut sent: Vec<(Response, CommandReturns)> = Vec::new();
        calls::<Response>(&hooks, |header, decoder| match header.method.as_str() {
            "Plugin.ExecuteCommand" => {
                let returns = decoder.decode::<CommandReturns>().unwrap();
                // A command's answer is a struct nobody described here, so only its refusal can be written again.
                let returns = CommandReturns {
                    a: Value::Nil,
                    ..returns
                };
                encoder.encode_pair(header, &returns, &mut wire).unwrap();
                sent.push((header.clone(), returns));
            }
            _ => decoder.skip().unwrap(),
        });
        assert_eq!(
            sent[1].1.b.as_ref().map(|error| error.status),
            Some(400),
            "{version}"
        );

        let mut decoder = Decoder::new();
        decoder.feed(&wire);
        for (header, returns) in sent {
            assert_eq!(decoder.decode::<Response>(), Ok(header), "{version}");
            assert_eq!(decoder.decode::<CommandReturns>(), Ok(returns), "{version}");
        }
        assert_eq!(decoder.unread(), 0, "{version}");
    }
}

/// Ids differ, so this compares from the first value on, where only what was said remains.
#[test]
fn our_calls_have_the_bytes_of_the_recorded_ones() {
    let mut decoder = Decoder::new();
    let stream = recorded("mattermost-11.6/control.host");
    decoder.feed(&stream);
    let (mut encoder, mut ours) = (Encoder::new(), Vec::new());
    let dispense = decoder.decode::<Request>().unwrap();
    encoder
        .encode_pair(&dispense, &decoder.decode::<String>().unwrap(), &mut ours)
        .unwrap();
    while decoder.unread() > 0 {
        let header = decoder.decode::<Request>().unwrap();
        encoder
            .encode_pair(&header, &decoder.decode::<bool>().unwrap(), &mut ours)
            .unwrap();
    }
    // Go 1.23 counts from 64: `7f` is -64 and `ff80` is 64 where we write `ff81` and `ff82`, one byte longer.
    let theirs = hex(&stream)
        .replacen("2e7f03", "2fff8103", 1)
        .replace("ff80", "ff82");
    assert_eq!(hex(&ours), theirs);
}

#[test]
fn a_created_post_comes_back_with_its_props() {
    for version in VERSIONS {
        let created: PostReturns = first(&format!("{version}/api.host"), |header: &Response| {
            header.method == "Plugin.CreatePost"
        });
        assert_eq!(created.b, None, "{version}");
        assert!(!created.a.unwrap().id.is_empty(), "{version}");
    }
}
