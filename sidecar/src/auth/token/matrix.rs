//! The matrix of tokens: every way to be wrong, one valid one for each algorithm. The keys beside this file are for these tests alone.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use jsonwebtoken::{Algorithm as Foreign, EncodingKey, crypto};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use shared::{LicenceId, Timestamp};

use super::*;
use crate::licence::Kid;

const NOW_S: i64 = 1_700_000_000;
const NOW: Timestamp = Timestamp::from_millis(NOW_S * 1_000);
const SECRET: &str = "the-secret-of-acme-0123456789-abcdef";

fn licence(id: &str, keys: Vec<Key>) -> Licence {
    Licence {
        keys,
        ..Licence::plain(id)
    }
}

fn public(kid: &str, algorithm: Algorithm, pem: &str) -> Key {
    Key::public(Kid::new(kid), algorithm, pem).unwrap()
}

/// acme has one key of each kind; beta only a secret.
fn licences() -> Licences {
    Licences::new([
        licence(
            "acme",
            vec![
                Key::shared(Kid::new("2026"), SECRET).unwrap(),
                public(
                    "rs",
                    Algorithm::Rs256,
                    include_str!("test_keys/rsa.public.pem"),
                ),
                public(
                    "es",
                    Algorithm::Es256,
                    include_str!("test_keys/ec.public.pem"),
                ),
                public(
                    "ed",
                    Algorithm::EdDsa,
                    include_str!("test_keys/ed.public.pem"),
                ),
            ],
        ),
        licence(
            "beta",
            vec![Key::shared(None, "the-secret-of-beta-0123456789-abcdef").unwrap()],
        ),
    ])
}

fn claims() -> Value {
    json!({"iss": "i-reserve", "aud": "ireserve-mattermost", "sub": "acme", "iat": NOW_S, "exp": NOW_S + 600})
}

fn token(header: &Value, claims: &Value, algorithm: Foreign, key: &EncodingKey) -> String {
    raw(&header.to_string(), &claims.to_string(), algorithm, key)
}

fn raw(header: &str, claims: &str, algorithm: Foreign, key: &EncodingKey) -> String {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn hs256(header: &Value, claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    token(header, claims, Foreign::HS256, &key)
}

fn presented(token: &str) -> Presented {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    headers.insert(AUTHORIZATION, value);
    Presented::from_headers(&headers).unwrap()
}

fn judged(token: &str) -> Result<Verified<()>, Refused> {
    verify(&presented(token), &licences(), NOW)
}

fn why(token: &str) -> Unproved {
    match judged(token) {
        Err(Refused::Unproved { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

fn fault(change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Option<ClaimFault> {
    let mut claims = claims();
    change(claims.as_object_mut().unwrap());
    match judged(&hs256(&json!({"alg": "HS256"}), &claims)) {
        Ok(_) => None,
        Err(Refused::Claims { fault, .. }) => Some(fault),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn one_valid_token_of_each_algorithm_passes_with_and_without_a_key_name() {
    let rsa = EncodingKey::from_rsa_pem(include_bytes!("test_keys/rsa.private.pem")).unwrap();
    let ec = EncodingKey::from_ec_pem(include_bytes!("test_keys/ec.private.pem")).unwrap();
    let ed = EncodingKey::from_ed_pem(include_bytes!("test_keys/ed.private.pem")).unwrap();
    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    for (kid, alg, algorithm, key) in [
        ("2026", "HS256", Foreign::HS256, secret),
        ("rs", "RS256", Foreign::RS256, rsa),
        ("es", "ES256", Foreign::ES256, ec),
        ("ed", "EdDSA", Foreign::EdDSA, ed),
    ] {
        for header in [
            json!({"alg": alg, "kid": kid}),
            json!({"alg": alg, "typ": "JWT"}),
        ] {
            let verified = judged(&token(&header, &claims(), algorithm, &key)).unwrap();
            assert_eq!(verified.licence().as_str(), "acme", "{header}");
        }
        let wrong = json!({"alg": alg, "kid": "other"});
        let refused = why(&token(&wrong, &claims(), algorithm, &key));
        assert_eq!(refused, Unproved::UnknownKey, "{alg}");
    }
}

#[test]
fn the_algorithm_belongs_to_the_key_and_never_to_the_token() {
    // The classic confusion: the public key's text as the secret of an HMAC.
    let pem = EncodingKey::from_secret(include_bytes!("test_keys/rsa.public.pem"));
    let confused = |header| why(&token(&header, &claims(), Foreign::HS256, &pem));
    assert_eq!(
        confused(json!({"alg": "HS256", "kid": "rs"})),
        Unproved::UnknownKey
    );
    assert_eq!(confused(json!({"alg": "HS256"})), Unproved::Signature);
    assert_eq!(
        confused(json!({"alg": "RS256", "kid": "rs"})),
        Unproved::Signature
    );

    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    for alg in [
        "none", "None", "HS384", "HS512", "RS512", "PS256", "ES384", "", "hs256",
    ] {
        let refused = why(&token(
            &json!({"alg": alg}),
            &claims(),
            Foreign::HS256,
            &secret,
        ));
        assert_eq!(refused, Unproved::Shape(Shape::Algorithm), "{alg}");
    }
    let unsigned = hs256(&json!({"alg": "HS256"}), &claims());
    let (message, _) = unsigned.rsplit_once('.').unwrap();
    assert_eq!(why(&format!("{message}.")), Unproved::Shape(Shape::Parts));
    assert_eq!(why(&format!("{message}.AAAA")), Unproved::Signature);
}

#[test]
fn a_header_that_brings_or_names_keys_or_rules_is_refused() {
    for member in ["crit", "jku", "jwk", "x5u", "x5c"] {
        for value in [
            json!("https://evil.example/"),
            json!({"k": 1}),
            json!(["exp"]),
            Value::Null,
        ] {
            let header = json!({"alg": "HS256", member: value});
            let refused = why(&hs256(&header, &claims()));
            assert_eq!(refused, Unproved::Shape(Shape::ForeignKeys), "{member}");
        }
    }
}

#[test]
fn a_key_name_is_a_short_text_that_is_only_compared() {
    for (kid, wanted) in [
        (json!("../../../etc/passwd"), Unproved::UnknownKey),
        (json!("2026' OR '1'='1"), Unproved::UnknownKey),
        (json!(""), Unproved::UnknownKey),
        (json!("k".repeat(65)), Unproved::Shape(Shape::Kid)),
        (json!(2026), Unproved::Shape(Shape::Kid)),
        (Value::Null, Unproved::Shape(Shape::Kid)),
    ] {
        let refused = why(&hs256(&json!({"alg": "HS256", "kid": kid}), &claims()));
        assert_eq!(refused, wanted, "{kid}");
    }
}

#[test]
fn what_is_no_token_is_refused_before_any_key_is_looked_at() {
    let valid = hs256(&json!({"alg": "HS256"}), &claims());
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let of = |header: &str, claims: &str| raw(header, claims, Foreign::HS256, &key);
    let text = claims().to_string();
    for (name, token, wanted) in [
        ("a megabyte", "A".repeat(1 << 20), Shape::TooLong),
        ("one byte too many", "A".repeat(4_097), Shape::TooLong),
        ("one part", "A".repeat(4_096), Shape::Parts),
        ("two parts", "e30.e30".into(), Shape::Parts),
        ("four parts", format!("{valid}.e30"), Shape::Parts),
        ("padding", format!("{valid}="), Shape::Parts),
        ("header is no object", of("[]", &text), Shape::Header),
        ("header without alg", of("{}", &text), Shape::Header),
        (
            "two alg",
            of(r#"{"alg":"none","alg":"HS256"}"#, &text),
            Shape::Header,
        ),
        (
            "claims are no object",
            of(r#"{"alg":"HS256"}"#, "7"),
            Shape::Claims,
        ),
        (
            "two sub",
            of(r#"{"alg":"HS256"}"#, r#"{"sub":"beta","sub":"acme"}"#),
            Shape::Claims,
        ),
        (
            "a time in words",
            of(r#"{"alg":"HS256"}"#, r#"{"sub":"acme","exp":"soon"}"#),
            Shape::Claims,
        ),
        (
            "an endless time",
            of(r#"{"alg":"HS256"}"#, r#"{"sub":"acme","exp":1e300}"#),
            Shape::Claims,
        ),
        ("no sub", of(r#"{"alg":"HS256"}"#, "{}"), Shape::Claims),
        (
            "a path as sub",
            of(r#"{"alg":"HS256"}"#, r#"{"sub":"../acme"}"#),
            Shape::Claims,
        ),
    ] {
        assert_eq!(why(&token), Unproved::Shape(wanted), "{name}");
    }
}

#[test]
fn each_claim_is_needed_and_means_what_it_says() {
    use ClaimFault::{
        Audience, Expired, FromTheFuture, Issuer, LongLife, Missing, NoLife, TooEarly,
    };
    assert_eq!(fault(|_| ()), None);
    for (name, wanted) in [
        ("iss", "iss"),
        ("aud", "aud"),
        ("iat", "iat"),
        ("exp", "exp"),
    ] {
        let found = fault(|claims| drop(claims.remove(name)));
        assert_eq!(found, Some(Missing(wanted)), "{name}");
    }
    let set = |name: &'static str, value: Value| {
        fault(move |claims| drop(claims.insert(name.into(), value)))
    };
    assert_eq!(
        set("iss", json!("ireserve-plugin")),
        Some(Issuer("i-reserve"))
    );
    assert_eq!(
        set("aud", json!("i-reserve")),
        Some(Audience("ireserve-mattermost"))
    );
    assert_eq!(set("aud", json!(["x", "ireserve-mattermost"])), None);
    assert_eq!(set("aud", json!([])), Some(Audience("ireserve-mattermost")));
    assert_eq!(set("exp", json!(NOW_S + 3_600)), None, "an hour is fine");
    let long = Some(LongLife {
        seconds: 3_601,
        most: 3_600,
    });
    assert_eq!(set("exp", json!(NOW_S + 3_601)), long);
    assert_eq!(set("exp", json!(NOW_S - 1)), Some(NoLife));
    assert_eq!(set("nbf", json!(NOW_S + 30)), None);
    assert_eq!(
        set("nbf", json!(NOW_S + 31)),
        Some(TooEarly { seconds: 31 })
    );
    assert_eq!(set("iat", json!(NOW_S + 30)), None);
    assert_eq!(
        set("iat", json!(NOW_S + 31)),
        Some(FromTheFuture { seconds: 31 })
    );
    let expired_for = |seconds: i64| {
        fault(move |claims| {
            claims.insert("iat".into(), json!(NOW_S - 600));
            claims.insert("exp".into(), json!(NOW_S - seconds));
        })
    };
    assert_eq!(expired_for(30), None, "clocks may be 30 s apart");
    assert_eq!(expired_for(31), Some(Expired { seconds: 31 }));
    assert_eq!(
        set("exp", json!(NOW_S as f64 + 0.5)),
        None,
        "a fraction is allowed"
    );
}

#[test]
fn a_token_of_one_licence_is_nothing_to_another() {
    let mut claims = claims();
    claims["sub"] = json!("beta");
    assert_eq!(
        why(&hs256(&json!({"alg": "HS256"}), &claims)),
        Unproved::Signature
    );
    claims["sub"] = json!("gamma");
    let token = hs256(&json!({"alg": "HS256"}), &claims);
    assert_eq!(why(&token), Unproved::UnknownLicence);
    let waiting = licences().waiting_for_the_plugin();
    let gamma = LicenceId::new("gamma").unwrap();
    let refused = verify(&presented(&token), &waiting, NOW);
    assert_eq!(refused, Err(Refused::NotYet(gamma)));
}

#[test]
fn until_a_signature_is_proved_every_refusal_reads_the_same() {
    let mut unknown = claims();
    unknown["sub"] = json!("gamma");
    let mut expired = claims();
    expired["exp"] = json!(NOW_S - 600);
    expired["iat"] = json!(NOW_S - 1_200);
    let header = json!({"alg": "HS256"});
    let beta = EncodingKey::from_secret(b"the-secret-of-beta-0123456789-abcdef");
    let public = |token: &str| judged(token).unwrap_err().public();
    let wanted = public("A");
    for (name, token) in [
        ("unknown licence", hs256(&header, &unknown)),
        (
            "wrong key",
            token(&header, &claims(), Foreign::HS256, &beta),
        ),
        (
            "wrong key, expired",
            token(&header, &expired, Foreign::HS256, &beta),
        ),
        (
            "jku",
            hs256(&json!({"alg": "HS256", "jku": "x"}), &claims()),
        ),
        (
            "none",
            token(&json!({"alg": "none"}), &claims(), Foreign::HS256, &beta),
        ),
    ] {
        assert_eq!(public(&token), wanted, "{name}");
    }
    assert_ne!(
        public(&hs256(&header, &expired)),
        wanted,
        "the right key may know"
    );
}

#[test]
fn exactly_one_bearer_header_counts() {
    let read = |values: &[(HeaderName, &str)]| {
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        match Presented::from_headers(&headers) {
            Ok(presented) => Ok(presented.text().to_owned()),
            Err(refused) => Err(refused),
        }
    };
    let own = X_IRESERVE_AUTHORIZATION;
    let ours = Seen {
        authorization: false,
        x_ireserve_authorization: true,
    };
    let usual = Seen {
        authorization: true,
        x_ireserve_authorization: false,
    };
    let unproved = |seen, why| Err(Refused::Unproved { seen, why });
    for (values, wanted) in [
        (vec![(AUTHORIZATION, "Bearer x")], Ok("x".to_owned())),
        (vec![(AUTHORIZATION, "bEARER  x ")], Ok("x".to_owned())),
        (vec![(own.clone(), "Bearer y")], Ok("y".to_owned())),
        (vec![], unproved(Seen::default(), Unproved::Missing)),
        (
            vec![(own.clone(), "Bearer y"), (AUTHORIZATION, "Bearer y")],
            Err(Refused::BothHeaders),
        ),
        (
            vec![(AUTHORIZATION, "Bearer x"), (AUTHORIZATION, "Bearer x")],
            unproved(usual, Unproved::Doubled),
        ),
        (
            vec![(AUTHORIZATION, "Basic eDp5")],
            unproved(usual, Unproved::NotBearer),
        ),
        (vec![(own, "y")], unproved(ours, Unproved::NotBearer)),
    ] {
        assert_eq!(read(&values), wanted, "{values:?}");
    }
}

#[test]
fn tokens_we_make_pass_where_they_are_meant_to_and_nowhere_else() {
    let licences = licences();
    let acme = licences.get(&LicenceId::new("acme").unwrap()).unwrap();
    let made = for_sidecar(acme, Some("2026"), 3_600, NOW).unwrap();
    assert!(judged(made.expose_secret()).is_ok());
    assert!(matches!(
        for_sidecar(acme, Some("rs"), 60, NOW),
        Err(SignError::PublicKey { .. })
    ));
    assert!(matches!(
        for_sidecar(acme, Some("nope"), 60, NOW),
        Err(SignError::UnknownKey { .. })
    ));
    assert!(matches!(
        for_sidecar(acme, None, 3_601, NOW),
        Err(SignError::Life { .. })
    ));
    let look_up = for_users_url(acme, NOW).unwrap();
    assert!(
        matches!(judged(look_up.expose_secret()), Err(Refused::Claims { .. })),
        "another zone"
    );

    let only_public = licence(
        "gamma",
        vec![public(
            "ed",
            Algorithm::EdDsa,
            include_str!("test_keys/ed.public.pem"),
        )],
    );
    assert!(for_users_url(&only_public, NOW).is_none());
    assert!(matches!(
        for_sidecar(&only_public, None, 60, NOW),
        Err(SignError::OnlyPublicKeys { .. })
    ));
}

#[test]
fn a_point_off_its_curve_is_seen_before_anybody_calls() {
    let good = public(
        "es",
        Algorithm::Es256,
        include_str!("test_keys/ec.public.pem"),
    );
    assert!(is_usable(&good));
    let pem = include_str!("test_keys/ec.public.pem");
    let last = pem
        .find(
            "==
",
        )
        .unwrap_or_else(|| {
            pem.find(
                "
-----END",
            )
            .unwrap()
        });
    let mut changed = pem.as_bytes().to_vec();
    changed[last - 3] = if changed[last - 3] == b'A' {
        b'B'
    } else {
        b'A'
    };
    let bad = public(
        "es",
        Algorithm::Es256,
        std::str::from_utf8(&changed).unwrap(),
    );
    assert!(!is_usable(&bad));
}
