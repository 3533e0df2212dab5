//! Generated payloads in the layout of the service.

use std::fmt::Write as _;

use bytes::Bytes;

/// Returns the `UserName` of contact `n`: `@` and 64 pseudo-random hex digits.
pub(crate) fn contact_name(n: usize) -> String {
    format!("@{}", hex(n as u64))
}

/// Returns the `UserName` of room member `n`.
pub(crate) fn member_name(n: usize) -> String {
    format!("@{}", hex(n as u64 + (1 << 40)))
}

/// Returns the `UserName` of room `n`.
pub(crate) fn room_name(n: usize) -> String {
    format!("@@{}", hex(n as u64 + (1 << 50)))
}

/// Returns 64 hex digits derived from `seed`.
pub(crate) fn hex(seed: u64) -> String {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut text = String::new();
    for _ in 0..4 {
        // splitmix64
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        write!(text, "{:016x}", mixed ^ (mixed >> 31)).unwrap();
    }
    text
}

/// Returns a `webwxgetcontact` record of 31 fields, with values derived from `n`.
pub(crate) fn record(user_name: &str, n: usize, members: &[String]) -> String {
    // One name in ten contains markup.
    let nick = match n % 20 {
        0 => format!("小雨 {n} <span class=\\\"emoji emoji1f604\\\"></span>"),
        1 => format!("Tom &amp; Jerry {n}"),
        _ => format!("朋友的名字{n}"),
    };
    let remark = if n.is_multiple_of(4) { format!("备注{n}") } else { String::new() };
    let signature =
        if n.is_multiple_of(3) { "" } else { "山高月小，水落石出。明月几时有" };
    let alias = if n.is_multiple_of(9) { format!("alias_{n}") } else { String::new() };
    format!(
        "{{\n\"Uin\": 0,\n\"UserName\": \"{user_name}\",\n\"NickName\": \"{nick}\",\n\"HeadImgUrl\": \"/cgi-bin/mmwebwx-bin/webwxgeticon?seq={seq}&username={user_name}&skey=@crypt_cec4ff9f_d3c971cda9a908fa8e68c07152ac7073\",\n\"ContactFlag\": 3,\n\"MemberCount\": {count},\n\"MemberList\": [{members}],\n\"RemarkName\": \"{remark}\",\n\"HideInputBarFlag\": 0,\n\"Sex\": {sex},\n\"Signature\": \"{signature}\",\n\"VerifyFlag\": 0,\n\"OwnerUin\": 0,\n\"PYInitial\": \"PYDMZ{n}\",\n\"PYQuanPin\": \"pengyoudemingzi{n}\",\n\"RemarkPYInitial\": \"{remark}\",\n\"RemarkPYQuanPin\": \"{remark}\",\n\"StarFriend\": 0,\n\"AppAccountFlag\": 0,\n\"Statues\": 0,\n\"AttrStatus\": 2147584103,\n\"Province\": \"广东\",\n\"City\": \"深圳\",\n\"Alias\": \"{alias}\",\n\"SnsFlag\": 17,\n\"UniFriend\": 0,\n\"DisplayName\": \"\",\n\"ChatRoomId\": 0,\n\"KeyWord\": \"\",\n\"EncryChatRoomId\": \"\",\n\"IsOwner\": 0\n}}\n",
        seq = 620_000_000 + n,
        count = members.len(),
        members = members.join(","),
        sex = n % 3,
    )
}

/// Returns a `webwxgetcontact` response with `count` contacts.
pub(crate) fn page(count: usize) -> Bytes {
    page_of((0..count).map(|n| record(&contact_name(n), n, &[])))
}

/// Returns a `webwxgetcontact` response with the given records.
pub(crate) fn page_of(records: impl Iterator<Item = String>) -> Bytes {
    let records: Vec<_> = records.collect();
    format!(
        "{{\"BaseResponse\": {{\"Ret\": 0}}, \"MemberCount\": {}, \"MemberList\": [{}], \"Seq\": 0}}",
        records.len(),
        records.join(",")
    )
    .into()
}

/// Returns a `webwxbatchgetcontact` response with `count` rooms of the same `members` members.
pub(crate) fn rooms(count: usize, members: usize) -> Bytes {
    let members: Vec<String> = (0..members).map(member).collect();
    batch_of((0..count).map(|n| record(&room_name(n), n, &members)))
}

/// Returns a `webwxbatchgetcontact` response with `count` rooms of `members` members each, without
/// common members.
pub(crate) fn distinct_rooms(count: usize, members: usize) -> Bytes {
    batch_of((0..count).map(|n| {
        let members: Vec<String> = (n * members..(n + 1) * members).map(member).collect();
        record(&room_name(n), n, &members)
    }))
}

/// Returns the record of room member `n`.
fn member(n: usize) -> String {
    let display = if n.is_multiple_of(5) { format!("群名片{n}") } else { String::new() };
    format!(
        "{{\n\"Uin\": 0,\n\"UserName\": \"{}\",\n\"NickName\": \"成员的名字{n}\",\n\"AttrStatus\": 2147584103,\n\"PYInitial\": \"\",\n\"PYQuanPin\": \"\",\n\"RemarkPYInitial\": \"\",\n\"RemarkPYQuanPin\": \"\",\n\"MemberStatus\": 0,\n\"DisplayName\": \"{display}\",\n\"KeyWord\": \"\"\n}}\n",
        member_name(n)
    )
}

fn batch_of(records: impl Iterator<Item = String>) -> Bytes {
    let records: Vec<_> = records.collect();
    format!(
        "{{\"BaseResponse\": {{\"Ret\": 0}}, \"Count\": {}, \"ContactList\": [{}]}}",
        records.len(),
        records.join(",")
    )
    .into()
}
