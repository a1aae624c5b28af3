//! Books that are read, written and changed.

use super::*;

fn principal(name: &str) -> Principal {
    Principal::new(name).unwrap()
}

fn merchant(name: &str) -> Role {
    Role::Merchant(MerchantId::new(name).unwrap())
}

fn key(key: &str) -> KeyRecord {
    KeyRecord {
        digest: Digest::of(key),
        made_at: Some("2026-11-22T05:00:00Z".to_owned()),
    }
}

/// What a book says, in lines.
fn told(book: &KeyBook) -> Vec<String> {
    let told = |holder: &Holder| {
        let limit = holder
            .limit
            .map_or_else(|| "-".to_owned(), |l| l.to_string());
        let keys: Vec<_> = holder
            .keys
            .iter()
            .map(|key| key.digest.id().to_string())
            .collect();
        let (name, role) = (&holder.principal, &holder.role);
        format!("{name} {role:?} {limit} {}", keys.join(","))
    };
    book.holders().iter().map(told).collect()
}

#[test]
fn a_book_is_read_as_it_was_written() {
    let mut book = KeyBook::default();
    book.add(&operator(), &Role::Operator, key("a")).unwrap();
    book.add(&principal("till-7"), &merchant("harbour"), key("b"))
        .unwrap();
    book.add(&principal("till-7"), &merchant("harbour"), key("c"))
        .unwrap();
    book.add(&principal("app"), &Role::Storefront, key("d"))
        .unwrap();
    book.add(&principal("audit"), &Role::Auditor, key("e"))
        .unwrap();
    let limit = Limit::new("5/m".parse().unwrap(), NonZeroU32::new(9)).unwrap();
    book.limit(&principal("app"), Some(limit)).unwrap();
    let text = book.write().unwrap();
    let again = KeyBook::read(&text).unwrap();
    assert_eq!(told(&again), told(&book));
    assert_eq!(again.write().unwrap(), text);
    assert_eq!(again.holders()[2].limit, Some(limit));
}

#[test]
fn the_first_version_is_still_read() {
    let digest = Digest::of("jk_old");
    let text = format!(
        r#"{{"version":1,"keys":[{{"principal":"operator","role":"operator","blake3":"{}"}}]}}"#,
        digest.to_hex()
    );
    let book = KeyBook::read(text.as_bytes()).unwrap();
    assert!(book.has_operator_key());
    assert_eq!(
        told(&book),
        [format!("operator Operator - {}", digest.id())]
    );
    assert_eq!(
        told(&KeyBook::read(&book.write().unwrap()).unwrap()),
        told(&book)
    );
}

#[test]
fn what_is_no_book_is_told_why() {
    let digest = Digest::of("a").to_hex();
    let holder = |fields: &str| format!(r#"{{"version":2,"principals":[{{{fields},"keys":[]}}]}}"#);
    for (text, said) in [
        (String::new(), "EOF"),
        ("{}".to_owned(), "version"),
        (r#"{"version":3}"#.to_owned(), "version 3"),
        (r#"{"version":2,"principals":[],"x":1}"#.to_owned(), "x"),
        (
            format!(r#"{{"version":1,"keys":[{{"principal":"p","role":"operator","blake3":"{digest}"}}]}}"#),
            "not the operator's",
        ),
        (holder(r#""name":"a b","role":"auditor""#), "the name may hold"),
        (holder(r#""name":"a","role":"boss""#), "the role is not known"),
        (holder(r#""name":"a","role":"merchant""#), "go together"),
        (
            holder(r#""name":"a","role":"auditor","merchant":"m""#),
            "go together",
        ),
        (holder(r#""name":"operator","role":"auditor""#), "not to be had"),
        (holder(r#""name":"import:x","role":"auditor""#), "not to be had"),
        (holder(r#""name":"a","role":"auditor","rate":"5""#), "the rate"),
        (holder(r#""name":"a","role":"auditor","burst":5"#), "needs a rate"),
        (
            holder(r#""name":"a","role":"auditor"},{"name":"a","role":"auditor","keys":[]},{"name":"b","role":"auditor""#)
                .replacen("\"},{", "\",\"keys\":[]},{", 1),
            "stands there twice",
        ),
        (
            r#"{"version":2,"principals":[{"name":"a","role":"auditor","keys":[{"blake3":"00"}]}]}"#
                .to_owned(),
            "a digest",
        ),
    ] {
        let error = KeyBook::read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
}

#[test]
fn a_name_means_one_role_for_ever() {
    let mut book = KeyBook::default();
    let till = principal("till");
    book.add(&till, &merchant("a"), key("1")).unwrap();
    for other in [merchant("b"), Role::Storefront, Role::Operator] {
        let refused = book.add(&till, &other, key("2"));
        assert!(matches!(refused, Err(BookError::OtherRole(_))), "{other:?}");
    }
    // Even when it has no key any more.
    let id = Digest::of("1").id();
    assert_eq!(book.revoke(&id).unwrap().principal, till);
    assert!(matches!(book.revoke(&id), Err(BookError::NoSuchKey(_))));
    assert!(book.add(&till, &Role::Auditor, key("2")).is_err());
    book.add(&till, &merchant("a"), key("2")).unwrap();
    for (name, role) in [
        ("operator", Role::Auditor),
        ("import:day", Role::Operator),
        ("import:day", merchant("a")),
    ] {
        let refused = book.add(&principal(name), &role, key("3"));
        assert!(matches!(refused, Err(BookError::Reserved)), "{name}");
    }
}

#[test]
fn an_operator_without_a_key_is_none() {
    let mut book = KeyBook::default();
    book.add(&principal("boss"), &Role::Operator, key("1"))
        .unwrap();
    assert!(book.has_operator_key());
    book.revoke(&Digest::of("1").id()).unwrap();
    assert!(!book.has_operator_key());
}
