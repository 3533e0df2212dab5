//! The directory after any updates, in any order, is what a list rebuilt from scratch is.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use serde_json::{Map, Value, json};

use super::*;
use crate::contact::Change;
use crate::testing::contact;

/// What happens to a directory. Records are what the service would write.
#[derive(Clone, Debug)]
enum Update {
    Merge(Value),
    Remove(String),
    /// Somebody keeps a copy.
    Look,
}

/// All that ever happened, from which the expected state is worked out anew each time.
#[derive(Clone, Debug, Default)]
struct History(Vec<Update>);

/// The fields of a record in this test: texts, numbers, and who owns a room.
const TEXTS: [&str; 4] = ["NickName", "RemarkName", "Alias", "City"];
const NUMBERS: [&str; 3] = ["ContactFlag", "Statues", "Sex"];

fn record() -> impl Strategy<Value = Value> {
    let member = ("@[1-5]", "(a|b)?", "(d)?").prop_map(|(name, nick, display)| {
        json!({ "UserName": name, "NickName": nick, "DisplayName": display })
    });
    (
        "(@@?)[1-4]",
        prop::collection::vec("(x|y)?", 4),
        prop::collection::vec(0..3_i64, 3),
        prop::option::of(prop::collection::vec(member, 0..5)),
        prop::option::of(0..6_usize),
        prop::option::of("@[1-3]"),
        0..2_i64,
    )
        .prop_map(|(name, texts, numbers, members, count, owner, owned)| {
            let mut record = Map::new();
            record.insert("UserName".into(), name.clone().into());
            for (field, text) in TEXTS.iter().zip(texts) {
                record.insert((*field).into(), text.into());
            }
            for (field, number) in NUMBERS.iter().zip(numbers) {
                record.insert((*field).into(), number.into());
            }
            if name.starts_with("@@") {
                let mut seen = Vec::new();
                let members = members.map(|mut list| {
                    list.retain(|member| {
                        let new = !seen.contains(&member["UserName"]);
                        seen.push(member["UserName"].clone());
                        new
                    });
                    list
                });
                record.extend(members.map(|members| ("MemberList".into(), members.into())));
                record.extend(count.map(|count| ("MemberCount".into(), count.into())));
                record.extend(owner.map(|owner| ("ChatRoomOwner".into(), owner.into())));
                record.insert("IsOwner".into(), owned.into());
            }
            record.into()
        })
}

impl ReferenceStateMachine for History {
    type State = Self;
    type Transition = Update;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Update> {
        prop_oneof![
            6 => record().prop_map(Update::Merge),
            1 => "(@@?)[1-4]".prop_map(Update::Remove),
            1 => Just(Update::Look),
        ]
        .boxed()
    }

    fn apply(mut state: Self, update: &Update) -> Self {
        state.0.push(update.clone());
        state
    }
}

/// A contact as the naive list has it.
type Naive = BTreeMap<String, Value>;

impl History {
    /// Everybody who is known, worked out field by field.
    fn rebuilt(&self) -> BTreeMap<String, Naive> {
        let mut all: BTreeMap<String, Naive> = BTreeMap::new();
        for update in &self.0 {
            match update {
                Update::Look => {}
                Update::Remove(name) => {
                    all.remove(name);
                }
                Update::Merge(record) => {
                    let name = record["UserName"].as_str().unwrap().to_string();
                    merge(all.entry(name).or_default(), record);
                }
            }
        }
        all
    }
}

fn merge(known: &mut Naive, record: &Value) {
    for field in TEXTS.iter().filter(|field| record[**field] != "") {
        known.insert((*field).to_string(), record[*field].clone());
    }
    for field in NUMBERS.iter().filter(|field| record[**field] != 0) {
        known.insert((*field).to_string(), record[*field].clone());
    }
    let says_owner = record["IsOwner"] == 1 || record["ChatRoomOwner"].is_string();
    if says_owner {
        for field in ["IsOwner", "ChatRoomOwner"] {
            known.insert(field.into(), record[field].clone());
        }
    }
    let came: Vec<Value> = record["MemberList"].as_array().cloned().unwrap_or_default();
    let count = record["MemberCount"].as_u64().unwrap_or(0);
    if came.is_empty() {
        if count != 0 {
            known.insert("MemberCount".into(), count.into());
        }
        return;
    }
    let before = known.get("MemberList").and_then(Value::as_array).cloned().unwrap_or_default();
    let whole = came.len() as u64 >= count;
    let mut list: Vec<Value> = Vec::new();
    for old in &before {
        let came_too = came.iter().any(|member| member["UserName"] == old["UserName"]);
        if !whole && !came_too {
            list.push(old.clone());
        }
    }
    for mut member in came.clone() {
        let old = before.iter().find(|old| old["UserName"] == member["UserName"]);
        if let (Some(old), true) = (old, member["NickName"] == "") {
            member["NickName"] = old["NickName"].clone();
            if member["DisplayName"] == "" {
                member["DisplayName"] = old["DisplayName"].clone();
            }
        }
        list.push(member);
    }
    known.insert("MemberCount".into(), if count == 0 { came.len() as u64 } else { count }.into());
    known.insert("MemberList".into(), list.into());
}

/// The directory as the naive list would have it.
fn naive(directory: &Directory) -> BTreeMap<String, Naive> {
    let of = |contact: &Contact| {
        let mut known = Naive::new();
        let texts = [&contact.nick_name, &contact.remark_name, &contact.alias, &contact.city];
        for (field, text) in TEXTS.iter().zip(texts).filter(|(_, text)| !text.is_empty()) {
            known.insert((*field).into(), (**text).into());
        }
        let numbers = [contact.contact_flag.0, contact.statues, contact.sex];
        for (field, number) in NUMBERS.iter().zip(numbers).filter(|(_, number)| *number != 0) {
            known.insert((*field).into(), number.into());
        }
        if contact.is_owner == 1 || contact.chat_room_owner.is_some() {
            known.insert("IsOwner".into(), contact.is_owner.into());
            known.insert("ChatRoomOwner".into(), json!(contact.chat_room_owner));
        }
        if contact.member_count != 0 {
            known.insert("MemberCount".into(), contact.member_count.into());
        }
        if !contact.members.is_empty() {
            let member = |member: &Member| json!({ "UserName": member.user_name, "NickName": member.nick_name, "DisplayName": member.display_name });
            known.insert("MemberList".into(), contact.members.iter().map(member).collect());
        }
        (contact.user_name.to_string(), known)
    };
    directory.iter().map(of).collect()
}

struct Machine {
    directory: Directory,
    /// The copy that was kept last, and what it was like then.
    seen: (Directory, BTreeMap<String, Naive>),
}

impl StateMachineTest for Machine {
    type SystemUnderTest = Self;
    type Reference = History;

    fn init_test(_: &History) -> Self {
        let directory = Directory::of("@me".parse().unwrap());
        Self { seen: (directory.clone(), BTreeMap::new()), directory }
    }

    fn apply(mut state: Self, _: &History, update: Update) -> Self {
        match update {
            Update::Merge(record) => state.directory.merge(contact(&record.to_string())),
            Update::Remove(name) => state.directory.remove(&name.parse().unwrap()),
            Update::Look => state.seen = (state.directory.clone(), naive(&state.directory)),
        }
        state
    }

    fn check_invariants(state: &Self, history: &History) {
        let now = naive(&state.directory);
        assert_eq!(now, history.rebuilt());
        for contact in state.directory.iter() {
            assert_eq!(state.directory.find(&contact.user_name), Some(contact));
        }
        let (seen, was) = &state.seen;
        assert_eq!(naive(seen), *was, "a copy does not change");
        told(&state.directory.changes_since(seen), was, &now);
    }
}

/// Whatever is different was told, and nothing else.
fn told(changes: &[Change], was: &BTreeMap<String, Naive>, now: &BTreeMap<String, Naive>) {
    for (name, known) in now {
        let of_it: Vec<_> =
            changes.iter().filter(|change| change.user_name().as_str() == name).collect();
        match was.get(name) {
            None => assert!(matches!(of_it[..], [Change::Added { .. }]), "{of_it:?}"),
            Some(before) if before == known => assert!(of_it.is_empty(), "{of_it:?}"),
            Some(_) => {
                assert!(!changed(was, now, name) || !of_it.is_empty());
                assert!(
                    !of_it
                        .iter()
                        .any(|c| matches!(c, Change::Added { .. } | Change::Removed { .. }))
                );
            }
        }
    }
    let removed = changes.iter().filter(|change| matches!(change, Change::Removed { .. })).count();
    assert_eq!(removed, was.keys().filter(|name| !now.contains_key(*name)).count());
    for change in changes {
        let names = |known: Option<&Naive>| -> Vec<String> {
            let list = known.and_then(|known| known.get("MemberList")?.as_array().cloned());
            list.unwrap_or_default()
                .iter()
                .map(|m| m["UserName"].as_str().unwrap().into())
                .collect()
        };
        let room = change.user_name().as_str();
        let (before, after) = (names(was.get(room)), names(now.get(room)));
        match change {
            Change::MembersJoined { members, .. } => {
                let joined = after.iter().filter(|name| !before.contains(name));
                assert!(joined.eq(members.iter().map(|m| m.user_name.as_str())));
            }
            Change::MembersLeft { members, .. } => {
                let left = before.iter().filter(|name| !after.contains(name));
                assert!(left.eq(members.iter().map(|m| m.user_name.as_str())));
            }
            Change::Renamed { old, new, .. } => {
                let nick = |all: &BTreeMap<String, Naive>| format!("{}", all[room]["NickName"]);
                assert_eq!(
                    [json!(old).to_string(), json!(new).to_string()],
                    [nick(was), nick(now)]
                );
            }
            _ => {}
        }
    }
}

/// Whether anything but the order of members and the way in which the owner is told is different.
fn changed(was: &BTreeMap<String, Naive>, now: &BTreeMap<String, Naive>, name: &str) -> bool {
    let fields = TEXTS.iter().chain(&NUMBERS);
    fields.into_iter().any(|field| was[name].get(*field) != now[name].get(*field))
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_updates_make_what_a_naive_list_is(sequential 1..40 => Machine);
}
