//! The reference: plain `serde_json` types that own every field.

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Page {
    pub(crate) member_list: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Batch {
    pub(crate) contact_list: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "decoded only to measure the time")]
pub(crate) struct Record {
    uin: i64,
    user_name: String,
    nick_name: String,
    head_img_url: String,
    contact_flag: i64,
    member_count: i64,
    member_list: Vec<MemberRecord>,
    remark_name: String,
    hide_input_bar_flag: i64,
    sex: i64,
    signature: String,
    verify_flag: i64,
    owner_uin: i64,
    #[serde(rename = "PYInitial")]
    py_initial: String,
    #[serde(rename = "PYQuanPin")]
    py_quan_pin: String,
    #[serde(rename = "RemarkPYInitial")]
    remark_py_initial: String,
    #[serde(rename = "RemarkPYQuanPin")]
    remark_py_quan_pin: String,
    star_friend: i64,
    app_account_flag: i64,
    statues: i64,
    attr_status: i64,
    province: String,
    city: String,
    alias: String,
    sns_flag: i64,
    uni_friend: i64,
    display_name: String,
    chat_room_id: i64,
    key_word: String,
    encry_chat_room_id: String,
    is_owner: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "decoded only to measure the time")]
pub(crate) struct MemberRecord {
    uin: i64,
    user_name: String,
    nick_name: String,
    attr_status: i64,
    #[serde(rename = "PYInitial")]
    py_initial: String,
    #[serde(rename = "PYQuanPin")]
    py_quan_pin: String,
    #[serde(rename = "RemarkPYInitial")]
    remark_py_initial: String,
    #[serde(rename = "RemarkPYQuanPin")]
    remark_py_quan_pin: String,
    member_status: i64,
    display_name: String,
    key_word: String,
}
