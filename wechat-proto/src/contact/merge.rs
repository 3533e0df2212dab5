//! Merging of a new record with an old one: `docs/protocol.md` §5.3.

use alloc::vec::Vec;
use core::mem;

use super::Member;
use super::record::{Contact, Pinyin};

/// Fills the fields of a contact, and names those that are merged otherwise, so that no field is
/// forgotten.
macro_rules! fill_all {
    ($new:expr, $old:expr, [$($field:ident)*], besides [$($other:ident)*]) => {
        let Contact { $($field,)* $($other: _,)* } = $new;
        $( fill($field, &$old.$field); )*
    };
}

impl Contact {
    /// Completes this record with the values of an older one, see [`Contact::complete`].
    #[cfg(test)]
    pub(crate) fn completed_from(mut self, old: &Self) -> Self {
        let members = self.complete(old);
        self.members.put(members);
        self
    }

    /// Completes a record whose list of members may be incomplete.
    pub(crate) fn completed_from_part(mut self, old: &Self) -> Self {
        let members = self.complete_part(old);
        self.members.put(members);
        self
    }

    /// Completes this record with the values of an older one.
    ///
    /// - An empty or 0 field does not erase a value, as on the official page: most lists leave
    ///   fields out.
    /// - The three fields of a room's owner are replaced together. A number without a name replaces
    ///   them only if another number was known.
    /// - A name in Latin letters is dropped together with its name.
    /// - Members: see [`merge_members`], which returns those that are to be put into the list.
    #[must_use]
    pub(crate) fn complete(&mut self, old: &Self) -> Vec<Member> {
        // Entries of ModContactList have no pinyin, and that of the old name does not match the new
        // one.
        if self.nick_name.is_empty() || self.nick_name == old.nick_name {
            fill_pinyin(&mut self.pinyin, &old.pinyin);
        }
        if self.remark_name.is_empty() || self.remark_name == old.remark_name {
            fill_pinyin(&mut self.remark_pinyin, &old.remark_pinyin);
        }
        fill_all!(
            self, old,
            [nick_name remark_name alias head_img_url signature province city key_word
             encry_chat_room_id contact_flag verify_flag sns_flag attr_status statues sex
             star_friend hide_input_bar_flag uin],
            besides [user_name pinyin remark_pinyin chat_room_owner is_owner owner_uin members
                     member_count]
        );
        let another = self.owner_uin != 0 && old.owner_uin != 0 && self.owner_uin != old.owner_uin;
        if self.chat_room_owner.is_none() && self.is_owner == 0 && !another {
            self.chat_room_owner.clone_from(&old.chat_room_owner);
            self.is_owner = old.is_owner;
            fill(&mut self.owner_uin, &old.owner_uin);
        }
        let members = merge_members(self, old);
        fill(&mut self.member_count, &old.member_count);
        members
    }

    /// Completes a record whose list of members may be incomplete. No members are removed.
    #[must_use]
    pub(crate) fn complete_part(&mut self, old: &Self) -> Vec<Member> {
        if self.members.is_empty() {
            return self.complete(old);
        }
        self.member_count = i64::MAX;
        let members = self.complete(old);
        let is_new = |member: &&Member| self.member(&member.user_name).is_none();
        let there = self.members.len() + members.iter().filter(is_new).count();
        self.member_count = old.member_count.max(i64::try_from(there).unwrap_or(i64::MAX));
        members
    }
}

/// Sets a field that is empty or 0.
fn fill<T: Clone + Default + PartialEq>(new: &mut T, old: &T) {
    if *new == T::default() {
        new.clone_from(old);
    }
}

fn fill_pinyin(new: &mut Pinyin, old: &Pinyin) {
    fill(&mut new.initials, &old.initials);
    fill(&mut new.full, &old.full);
}

/// Completes the members of a new record. Returns those that are to be put into its list.
///
/// A new list replaces the old one: members that are not on it have left. An empty list is ignored.
/// A list that is shorter than its own `MemberCount` (`docs/shapes.md` S40) adds and changes
/// members, but removes none. A member without a nickname (`webwxinit` sends none) keeps its known
/// values; one with a nickname replaces them, so that a name in the room can be removed.
///
/// The cost is that of the new list, regardless of the length of the old one: `docs/threats.md` W1.
fn merge_members(new: &mut Contact, old: &Contact) -> Vec<Member> {
    let completed = |member: Member| match old.member(&member.user_name) {
        Some(old) if member.nick_name.is_empty() => member.completed_from(old),
        _ => member,
    };
    let is_named = |member: &Member| !member.nick_name.is_empty();
    if !new.has_all_members() {
        if old.members.is_empty() {
            return Vec::new();
        }
        let list = mem::replace(&mut new.members, old.members.clone());
        let is_other = |member: &Member| old.member(&member.user_name) != Some(member);
        return list.into_vec().into_iter().map(completed).filter(is_other).collect();
    }
    if !old.members.is_empty() && !new.members.iter().all(is_named) {
        let list = mem::take(&mut new.members).into_vec();
        new.members = list.into_iter().map(completed).collect::<Vec<_>>().into();
    }
    Vec::new()
}

impl Member {
    /// Completes a member without a nickname.
    fn completed_from(mut self, old: &Self) -> Self {
        fill(&mut self.nick_name, &old.nick_name);
        fill(&mut self.display_name, &old.display_name);
        fill(&mut self.attr_status, &old.attr_status);
        fill(&mut self.member_status, &old.member_status);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::contact;

    /// Each field that a record can have, alone.
    const FIELDS: [&str; 26] = [
        r#""NickName":"x""#,
        r#""RemarkName":"x""#,
        r#""Alias":"x""#,
        r#""HeadImgUrl":"x""#,
        r#""Signature":"x""#,
        r#""Province":"x""#,
        r#""City":"x""#,
        r#""PYInitial":"x""#,
        r#""PYQuanPin":"x""#,
        r#""RemarkPYInitial":"x""#,
        r#""RemarkPYQuanPin":"x""#,
        r#""KeyWord":"x""#,
        r#""ContactFlag":7"#,
        r#""VerifyFlag":7"#,
        r#""SnsFlag":7"#,
        r#""AttrStatus":7"#,
        r#""Statues":7"#,
        r#""Sex":7"#,
        r#""StarFriend":7"#,
        r#""HideInputBarFlag":7"#,
        r#""Uin":7"#,
        r#""OwnerUin":7"#,
        r#""IsOwner":1"#,
        r#""ChatRoomOwner":"@7""#,
        r#""EncryChatRoomId":"x""#,
        r#""MemberCount":1,"MemberList":[{"UserName":"@7","NickName":"x","DisplayName":"x","AttrStatus":7,"MemberStatus":7}]"#,
    ];

    /// Parses a record of the room `@@1`.
    fn room(fields: &str) -> Contact {
        contact(&alloc::format!("{{\"UserName\":\"@@1\",{fields}}}"))
    }

    #[test]
    fn empty_fields_erase_nothing() {
        let bare = contact(r#"{"UserName":"@@1"}"#);
        for field in FIELDS {
            let old = room(field);
            assert_ne!(old, bare, "{field}");
            assert_eq!(bare.clone().completed_from(&old), old, "{field}");
            assert_eq!(old.clone().completed_from(&bare), old, "{field}");
        }
    }

    fn members(room: &Contact) -> alloc::string::String {
        room.members.iter().map(Member::name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn member_lists_are_merged() {
        let old = contact(
            r#"{"UserName":"@@1","MemberCount":2,"MemberList":[{"UserName":"@2","NickName":"a","DisplayName":"d"},{"UserName":"@3","NickName":"b"}]}"#,
        );
        for (new, expected) in [
            (r#""MemberCount":5"#, "d b"),
            (r#""MemberList":[{"UserName":"@2"},{"UserName":"@4","NickName":"c"}]"#, "d c"),
            (r#""MemberCount":1,"MemberList":[{"UserName":"@4","NickName":"c"}]"#, "c"),
            (r#""MemberCount":1,"MemberList":[{"UserName":"@2","NickName":"a"}]"#, "a"),
            (r#""MemberCount":9,"MemberList":[{"UserName":"@4","NickName":"c"}]"#, "d b c"),
            (
                r#""MemberCount":9,"MemberList":[{"UserName":"@2","NickName":"A"},{"UserName":"@3"}]"#,
                "A b",
            ),
        ] {
            assert_eq!(members(&room(new).completed_from(&old)), expected);
        }
        // Without a count, the length of the list is the count.
        let old = room(r#""MemberCount":149,"MemberList":[{"UserName":"@2"}]"#);
        let new = room(r#""MemberList":[{"UserName":"@3","NickName":"c"}]"#).completed_from(&old);
        assert_eq!((new.member_count, members(&new).as_str()), (1, "c"));
    }

    /// Found by a fuzzer: a duplicate member on an incomplete list differed each time the same
    /// record was merged.
    #[test]
    fn merging_the_same_record_twice_changes_nothing() {
        let json = r#"{"UserName":"@@1","MemberCount":6,"MemberList":[{"UserName":"@2","NickName":"a"},{"UserName":"@3","NickName":"b"},{"UserName":"@2","AttrStatus":1}]}"#;
        let room = contact(json);
        assert_eq!(members(&room), "a b");
        assert_eq!(contact(json).completed_from(&room), room);
    }

    /// A possibly incomplete list removes no members, regardless of its count.
    #[test]
    fn partial_list_adds_and_changes_members() {
        let old = contact(
            r#"{"UserName":"@@1","MemberCount":2,"MemberList":[{"UserName":"@2","NickName":"a"},{"UserName":"@3","NickName":"b"}]}"#,
        );
        let part = r#"{"UserName":"@@1","MemberList":[{"UserName":"@3","NickName":"B"},{"UserName":"@4","NickName":"c"}]}"#;
        let merged = contact(part).completed_from_part(&old);
        assert_eq!((merged.member_count, members(&merged).as_str()), (3, "a B c"));
        assert!(merged.has_all_members());
        let none = contact(r#"{"UserName":"@@1","Statues":1}"#).completed_from_part(&old);
        assert_eq!((none.member_count, members(&none).as_str()), (2, "a b"));
    }

    #[test]
    fn pinyin_is_dropped_with_its_name() {
        let old = contact(
            r#"{"UserName":"@1","NickName":"张","PYQuanPin":"zhang","RemarkName":"李","RemarkPYQuanPin":"li"}"#,
        );
        for (fields, pinyin) in [
            ("", ["zhang", "li"]),
            (r#","NickName":"张","RemarkName":"李""#, ["zhang", "li"]),
            (r#","NickName":"王""#, ["", "li"]),
            (r#","RemarkName":"王""#, ["zhang", ""]),
            (r#","NickName":"王","PYQuanPin":"wang""#, ["wang", "li"]),
        ] {
            let new =
                contact(&alloc::format!("{{\"UserName\":\"@1\"{fields}}}")).completed_from(&old);
            assert_eq!([&*new.pinyin.full, &*new.remark_pinyin.full], pinyin, "{fields}");
        }
    }

    #[test]
    fn owner_fields_are_merged_together() {
        let me = "@me".parse().unwrap();
        let (mine, others) = (room(r#""IsOwner":1"#), room(r#""ChatRoomOwner":"@7""#));
        assert_eq!(others.clone().completed_from(&mine).owner(&me).unwrap().as_str(), "@7");
        assert_eq!(others.clone().completed_from(&mine).is_owner, 0);
        assert_eq!(mine.completed_from(&others).owner(&me).unwrap().as_str(), "@me");
        // A number alone keeps the known owner, unless another number was known.
        let numbered = room(r#""OwnerUin":4200000001"#);
        assert_eq!(numbered.clone().completed_from(&others).owner(&me).unwrap().as_str(), "@7");
        let other =
            room(r#""OwnerUin":7"#).completed_from(&numbered.clone().completed_from(&others));
        assert_eq!((other.owner(&me), other.owner_uin), (None, 7));
        let silent = room(r#""NickName":"x""#).completed_from(&others);
        assert_eq!(silent.owner(&me).unwrap().as_str(), "@7");
    }
}
