//! Comparisons of the directory, after random updates, with a list that is rebuilt from scratch.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use serde_json::{Map, Value, json};

use super::*;
use crate::contact::Change;
use crate::testing::contact;

/// An update of a directory. Records are as the service would send them.
#[derive(Clone, Debug)]
enum Update {
    Merge(Value),
    /// A record whose list of members may be incomplete.
    MergePart(Value),
    Remove(String),
    /// Keeps a copy.
    Look,
}

/// All updates so far, from which the expected state is computed anew each time.
#[derive(Clone, Debug, Default)]
struct History(Vec<Update>);

/// The fields of a record in this test, besides those of a room's owner: texts and numbers.
const TEXTS: [&str; 4] = ["NickName", "RemarkName", "Alias", "City"];
const NUMBERS: [&str; 3] = ["ContactFlag", "Statues", "Sex"];

fn record() -> impl Strategy<Value = Value> {
    let member = ("@[1-5]", "(a|b)?", "(d)?", 0..2_i64).prop_map(|(name, nick, display, status)| {
        json!({ "UserName": name, "NickName": nick, "DisplayName": display, "MemberStatus": status })
    });
    (
        "(@@?)[1-4]",
        prop::collection::vec("(x|y)?", 4),
        prop::collection::vec(0..3_i64, 3),
        prop::option::of(prop::collection::vec(member, 0..5)),
        prop::option::of(0..6_usize),
        prop::option::of("@[1-3]"),
        0..2_i64,
        prop_oneof![3 => Just(0_i64), 1 => 8..10_i64],
    )
        .prop_map(|(name, texts, numbers, members, count, owner, owned, owner_uin)| {
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
                record.insert("OwnerUin".into(), owner_uin.into());
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
            1 => record().prop_map(Update::MergePart),
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

/// A contact of the naive list.
type Naive = BTreeMap<String, Value>;

impl History {
    /// Returns the expected contacts, computed field by field.
    fn rebuilt(&self) -> BTreeMap<String, Naive> {
        let mut all: BTreeMap<String, Naive> = BTreeMap::new();
        for update in &self.0 {
            match update {
                Update::Look => {}
                Update::Remove(name) => {
                    all.remove(name);
                }
                Update::Merge(record) | Update::MergePart(record) => {
                    let name = record["UserName"].as_str().unwrap().to_string();
                    let part = matches!(update, Update::MergePart(_)) && all.contains_key(&name);
                    let known = all.entry(name.clone()).or_default();
                    if name.starts_with("@@") && known.is_empty() {
                        let nobody = json!({ "IsOwner": 0, "ChatRoomOwner": null, "OwnerUin": 0 });
                        known.extend(nobody.as_object().cloned().unwrap());
                    }
                    merge(known, record, part);
                }
            }
        }
        all
    }
}

/// Merges a record; with `part`, its list of members removes no members.
fn merge(known: &mut Naive, record: &Value, part: bool) {
    for field in TEXTS.iter().filter(|field| record[**field] != "") {
        known.insert((*field).to_string(), record[*field].clone());
    }
    for field in NUMBERS.iter().filter(|field| record[**field] != 0) {
        known.insert((*field).to_string(), record[*field].clone());
    }
    // All fields of the owner are replaced if the record names an owner or has another number.
    let number = |value: Option<&Value>| value.and_then(Value::as_i64).unwrap_or(0);
    let (came, there) = (number(record.get("OwnerUin")), number(known.get("OwnerUin")));
    let says_owner = record["IsOwner"] == 1 || record["ChatRoomOwner"].is_string();
    if says_owner || came != 0 && there != 0 && came != there {
        for field in ["IsOwner", "ChatRoomOwner", "OwnerUin"] {
            known.insert(field.into(), record[field].clone());
        }
    } else if came != 0 {
        known.insert("OwnerUin".into(), came.into());
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
    let whole = came.len() as u64 >= count && !part;
    let mut list = if whole { Vec::new() } else { before.clone() };
    for mut member in came.clone() {
        let old = before.iter().find(|old| old["UserName"] == member["UserName"]);
        if let (Some(old), true) = (old, member["NickName"] == "") {
            member["NickName"] = old["NickName"].clone();
            for (field, empty) in [("DisplayName", json!("")), ("MemberStatus", json!(0))] {
                if member[field] == empty {
                    member[field] = old[field].clone();
                }
            }
        }
        match list.iter_mut().find(|old| old["UserName"] == member["UserName"]) {
            Some(old) => *old = member,
            None => list.push(member),
        }
    }
    let there = known.get("MemberCount").and_then(Value::as_u64).unwrap_or(0);
    let count = match (part, count) {
        (true, _) => there.max(list.len() as u64),
        (false, 0) => came.len() as u64,
        (false, count) => count,
    };
    known.insert("MemberCount".into(), count.into());
    known.insert("MemberList".into(), list.into());
}

/// Returns the directory in the form of the naive list.
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
        if contact.user_name.is_room() {
            known.insert("IsOwner".into(), contact.is_owner.into());
            known.insert("ChatRoomOwner".into(), json!(contact.chat_room_owner));
            known.insert("OwnerUin".into(), contact.owner_uin.into());
        }
        if contact.member_count != 0 {
            known.insert("MemberCount".into(), contact.member_count.into());
        }
        if !contact.members.is_empty() {
            let member = |member: &Member| json!({ "UserName": member.user_name, "NickName": member.nick_name, "DisplayName": member.display_name, "MemberStatus": member.member_status });
            known.insert("MemberList".into(), contact.members.iter().map(member).collect());
        }
        (contact.user_name.to_string(), known)
    };
    directory.iter().map(of).collect()
}

struct Machine {
    directory: Directory,
    /// The last copy that was kept, and its contents at that time.
    seen: (Directory, BTreeMap<String, Naive>),
}

impl StateMachineTest for Machine {
    type SystemUnderTest = Self;
    type Reference = History;

    fn init_test(_: &History) -> Self {
        let directory = Directory::of("@me".parse().unwrap(), "me");
        Self { seen: (directory.clone(), BTreeMap::new()), directory }
    }

    fn apply(mut state: Self, _: &History, update: Update) -> Self {
        match update {
            Update::Merge(record) => state.directory.merge(contact(&record.to_string())),
            Update::MergePart(record) => state.directory.merge_part(contact(&record.to_string())),
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
        assert_eq!(lines(&state.directory.changes_since(seen)), expected(was, &now));
    }
}

/// Returns the expected changes between two lists, in the format of [`lines`], sorted.
fn expected(was: &BTreeMap<String, Naive>, now: &BTreeMap<String, Naive>) -> Vec<String> {
    let mut lines = Vec::new();
    let names: BTreeSet<&String> = was.keys().chain(now.keys()).collect();
    for name in names {
        match (was.get(name), now.get(name)) {
            (None, _) => lines.push(format!("{name} added")),
            (_, None) => lines.push(format!("{name} removed")),
            (Some(old), Some(new)) => {
                lines
                    .extend(differences(old, new).into_iter().map(|what| format!("{name} {what}")));
            }
        }
    }
    lines.sort();
    lines
}

fn differences(old: &Naive, new: &Naive) -> Vec<String> {
    let mut lines = Vec::new();
    let mut fields = BTreeSet::new();
    let differ = |field: &str| old.get(field) != new.get(field);
    let own = ["nick_name", "remark_name", "alias", "city", "contact_flag", "statues", "sex"];
    for (field, name) in TEXTS.iter().chain(&NUMBERS).zip(own).filter(|(field, _)| differ(field)) {
        match (old.get(*field), new.get(*field)) {
            (Some(old), Some(new)) if name == "nick_name" => {
                lines.push(format!("renamed {old} {new}"));
            }
            _ => drop(fields.insert(name)),
        }
    }
    let owner = |of: &Naive| match of.get("ChatRoomOwner") {
        Some(Value::String(owner)) => Some(owner.clone()),
        _ => (of.get("IsOwner") == Some(&json!(1))).then(|| "@me".to_string()),
    };
    if ["ChatRoomOwner", "IsOwner", "OwnerUin"].into_iter().any(differ) {
        match (owner(old), owner(new)) {
            (Some(old), Some(new)) if old == new => {}
            (Some(old), Some(new)) => lines.push(format!("owned {old} {new}")),
            _ => drop(fields.insert("owner")),
        }
    }
    let list =
        |of: &Naive| of.get("MemberList").and_then(Value::as_array).cloned().unwrap_or_default();
    let (before, after) = (list(old), list(new));
    let whole = |of: &Naive, list: &[Value]| {
        !list.is_empty()
            && list.len() as u64 >= of.get("MemberCount").and_then(Value::as_u64).unwrap_or(0)
    };
    if differ("MemberCount") {
        fields.insert("member_count");
    }
    if before != after && whole(old, &before) && whole(new, &after) {
        let find = |list: &[Value], name: &Value| {
            list.iter().find(|member| member["UserName"] == *name).cloned()
        };
        let named = |member: &Value| member["NickName"] != "" || member["DisplayName"] != "";
        let names = |member: &Value| [member["NickName"].clone(), member["DisplayName"].clone()];
        for member in &after {
            let name = &member["UserName"];
            match find(&before, name) {
                None => lines.push(format!("joined {name}")),
                Some(old) => {
                    if named(&old) && names(&old) != names(member) {
                        lines.push(format!("called {name}"));
                    }
                    if old["MemberStatus"] != member["MemberStatus"]
                        || !named(&old) && named(member)
                    {
                        fields.insert("members");
                    }
                }
            }
        }
        for member in before.iter().filter(|member| find(&after, &member["UserName"]).is_none()) {
            lines.push(format!("left {}", member["UserName"]));
        }
        if lines.iter().any(|line| line.starts_with("joined") || line.starts_with("left")) {
            fields.remove("member_count");
        }
    } else if before != after {
        fields.insert("members");
    }
    lines.extend(fields.into_iter().map(|field| format!("changed {field}")));
    lines
}

/// Returns the changes in the format of [`expected`].
fn lines(changes: &[Change]) -> Vec<String> {
    let mut lines = Vec::new();
    for change in changes {
        let mut line = |what: String| lines.push(format!("{} {what}", change.user_name()));
        match change {
            Change::Added { .. } => line("added".into()),
            Change::Removed { .. } => line("removed".into()),
            Change::Renamed { old, new, .. } => {
                line(format!("renamed {} {}", json!(old), json!(new)));
            }
            Change::OwnerChanged { old, new, .. } => line(format!("owned {old} {new}")),
            Change::MembersJoined { members, .. } => {
                members
                    .iter()
                    .for_each(|member| line(format!("joined {}", json!(member.user_name))));
            }
            Change::MembersLeft { members, .. } => {
                members.iter().for_each(|member| line(format!("left {}", json!(member.user_name))));
            }
            Change::MembersRenamed { members, .. } => {
                members
                    .iter()
                    .for_each(|member| line(format!("called {}", json!(member.user_name))));
            }
            Change::Changed { fields, .. } => {
                fields.names().for_each(|field| line(format!("changed {field}")));
            }
        }
    }
    lines.sort();
    lines
}

prop_state_machine! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn directory_equals_naive_list_after_any_updates(sequential 1..40 => Machine);
}
