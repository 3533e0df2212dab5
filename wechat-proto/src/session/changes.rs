//! The changes from one JSON value to another: the content of a [journal](crate::store::Journal).
//!
//! | change | meaning |
//! |---|---|
//! | `[value]` | the new value |
//! | `{"name":change, …}` | an object with changes of these fields; the others stay |
//! | `[from, count, [item, …], …]` | a list: `count` items of the old one from index `from` on, then new items; repeated, with increasing `from` |

use alloc::borrow::ToOwned as _;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::borrow::Borrow;

use serde::Deserialize;
use serde_json::value::RawValue;

type Object<'a> = BTreeMap<&'a str, &'a RawValue>;
type List<'a> = Vec<&'a RawValue>;

/// The maximum depth of changed fields, above that of a stored session.
const DEPTH: usize = 16;

/// Returns the change from one value to another, or `None` if they are equal.
pub(crate) fn value(old: &str, new: &str) -> Option<String> {
    if old == new {
        return None;
    }
    let whole = format!("[{new}]");
    let smaller = fields(old, new).map(object).or_else(|| {
        let [old, new]: [List<'_>; 2] = [parse(old)?, parse(new)?];
        let [old, new] = [old, new].map(|list| Vec::from_iter(list.into_iter().map(RawValue::get)));
        list(&old, &new, |item| (*item).to_owned())
    });
    Some(smaller.filter(|smaller| smaller.len() < whole.len()).unwrap_or(whole))
}

/// Returns the changed fields of an object, each with its change; `None` unless both are objects, and
/// the new one has all fields of the old one.
pub(crate) fn fields<'a>(old: &str, new: &'a str) -> Option<Vec<(&'a str, String)>> {
    let (old, new): (Object<'_>, Object<'a>) = (parse(old)?, parse(new)?);
    if old.keys().any(|name| !new.contains_key(name)) {
        return None;
    }
    let changed = new.into_iter().filter_map(|(name, new)| match old.get(name) {
        Some(old) => Some((name, value(old.get(), new.get())?)),
        None => Some((name, format!("[{new}]"))),
    });
    Some(changed.collect())
}

/// Returns the change from one list to another, or `None` if they are equal.
pub(crate) fn list<T: PartialEq>(
    old: &[T],
    mut new: &[T],
    write: impl Fn(&T) -> String,
) -> Option<String> {
    if old == new {
        return None;
    }
    // The first item from `next` on that equals this one. Most lists lose their first items and get
    // new ones at the end, so that the search is short.
    let find = |next: usize, item: &T| {
        let at = old.get(next..)?.iter().position(|old| old == item)?;
        Some(next + at)
    };
    let (mut edits, mut next) = (Vec::new(), 0);
    while let Some(first) = new.first() {
        let from = find(next, first);
        let kept = from.and_then(|from| old.get(from..)).unwrap_or_default();
        let count = kept.iter().zip(new).take_while(|(old, new)| old == new).count();
        next = from.map_or(next, |from| from + count);
        let rest = new.get(count..).unwrap_or_default();
        let added = rest.iter().take_while(|item| find(next, item).is_none()).count();
        let (items, rest) = rest.split_at(added);
        edits.push(format!("{},{count},{}", next - count, join(items.iter().map(&write))));
        new = rest;
    }
    Some(join(edits))
}

/// Returns a value after a change; `None` if the change is malformed or is not one of this value.
pub(crate) fn apply(old: &str, change: &str) -> Option<String> {
    apply_within(old, change, DEPTH)
}

fn apply_within(old: &str, change: &str, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    if let Some(changes) = parse::<Object<'_>>(change) {
        let mut fields: BTreeMap<&str, String> = BTreeMap::new();
        let mut old: Object<'_> = parse(old)?;
        for (name, change) in changes {
            let old = old.remove(name).map_or("", RawValue::get);
            fields.insert(name, apply_within(old, change.get(), depth)?);
        }
        fields.extend(old.into_iter().map(|(name, old)| (name, old.get().to_owned())));
        return Some(object(fields));
    }
    let edits: List<'_> = parse(change)?;
    if let [new] = *edits {
        return Some(new.get().to_owned());
    }
    let (old, mut next, mut new): (List<'_>, usize, List<'_>) = (parse(old)?, 0, Vec::new());
    for edit in edits.chunks(3) {
        let [from, count, items] = edit else { return None };
        let [from, count]: [usize; 2] = [parse(from.get())?, parse(count.get())?];
        // No item is copied twice, so that the result is not longer than both texts.
        if from < next {
            return None;
        }
        next = from.checked_add(count)?;
        new.extend(old.get(from..next)?);
        new.extend(parse::<List<'_>>(items.get())?);
    }
    Some(join(new.iter().map(|item| item.get())))
}

/// Drops the errors of `serde_json`, because they quote their input.
fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// Writes an object whose names need no escapes: those of stored sessions, and those that
/// `serde_json` lends.
pub(crate) fn object<'a>(fields: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let fields = fields.into_iter().map(|(name, value)| format!("\"{name}\":{value}"));
    format!("{{{}}}", Vec::from_iter(fields).join(","))
}

fn join<T: Borrow<str>>(items: impl IntoIterator<Item = T>) -> String {
    format!("[{}]", Vec::from_iter(items).join(","))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn changes_are_small_and_malformed_ones_are_refused() {
        for (old, new, change) in [
            ("1", "2", "[2]"),
            ("1", "[]", "[[]]"),
            ("{\"a\":1}", "{}", "[{}]"),
            (
                r#"{"a":1,"b":{"c":12,"d":[12345678]}}"#, r#"{"a":1,"b":{"c":3,"d":[12345678]}}"#,
                r#"{"b":{"c":[3]}}"#,
            ),
            (r#"{"a":1234567}"#, r#"{"a":1234567,"b":2}"#, r#"{"b":[2]}"#),
            (r#"["11","12","13"]"#, r#"["12","13","14"]"#, r#"[1,2,["14"]]"#),
            (r#"["11","12","13"]"#, r#"["9","13"]"#, r#"[["9","13"]]"#),
            (r#"["11","12"]"#, "[]", "[]"),
            (
                r#"["11","1234567890","13"]"#, r#"["0","1234567890","15"]"#,
                r#"[0,0,["0"],1,1,["15"]]"#,
            ),
        ] {
            assert_eq!(value(old, new).as_deref(), Some(change), "{old} {new}");
            assert_eq!(apply(old, change).as_deref(), Some(new), "{old} {new}");
            assert_eq!(value(new, new), None);
        }
        let deep = "{\"a\":".repeat(1_000_000) + "[1]" + &"}".repeat(1_000_000);
        for (old, change) in [
            ("[1]", "[1,1,[]]"),
            ("[1,2]", "[0,1,[],0,1,[]]"),
            ("[1]", "[0,18446744073709551615,[]]"),
            ("[1]", "[1,18446744073709551615,[]]"),
            ("[1]", "[0,1]"),
            ("[1]", "[0,1,2]"),
            ("[1]", "[-1,1,[]]"),
            ("1", "[0,1,[]]"),
            ("1", "{\"a\":[1]}"),
            ("{}", "{\"a\":[0,0,[]]}"),
            ("{}", "{\"a\":1}"),
            ("{}", "1"),
            ("{}", ""),
            ("{}", &deep),
        ] {
            assert_eq!(apply(old, change), None, "{old} {change:.40}");
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            (0..3_i32).prop_map(Value::from),
            "[a-c\"\\\\é]{0,3}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 40, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map("[a-d\"é]", inner, 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn changes_lead_to_the_new_value(old in any_value(), new in any_value()) {
            let [old, new] = [old, new].map(|value| value.to_string());
            let after = value(&old, &new).map_or(Some(old.clone()), |change| apply(&old, &change));
            let after: Value = serde_json::from_str(&after.unwrap()).unwrap();
            prop_assert_eq!(after.to_string(), new);
        }
    }
}
