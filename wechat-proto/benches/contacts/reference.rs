//! The references: plain structs with a derived `Deserialize`.
//!
//! - [`Page`] and [`Batch`] of [`Record`] own every field that the service sends, as a first
//!   version of a client would.
//! - [`Page`] and [`Batch`] of [`LeanRecord`] own the fields that `Contact` and `Member` keep, under
//!   the same names. They tolerate no irregular reply and do not decode names.

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Page<T> {
    pub(crate) member_list: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Batch<T> {
    pub(crate) contact_list: Vec<T>,
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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "decoded only to measure the time")]
pub(crate) struct LeanRecord {
    uin: i64,
    user_name: String,
    nick_name: String,
    head_img_url: String,
    contact_flag: i64,
    member_count: i64,
    member_list: Vec<LeanMember>,
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
    statues: i64,
    attr_status: i64,
    province: String,
    city: String,
    alias: String,
    sns_flag: i64,
    key_word: String,
    encry_chat_room_id: String,
    is_owner: i64,
    chat_room_owner: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "decoded only to measure the time")]
pub(crate) struct LeanMember {
    user_name: String,
    nick_name: String,
    display_name: String,
    attr_status: i64,
    member_status: i64,
}
