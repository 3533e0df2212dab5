//! The command `wechat`, started against a simulated service.

#![cfg(unix)]

mod chats;
mod drop_receive;
mod drop_send;
mod inspect;
mod listen;
mod login;
mod messages;
mod place;
mod trace;
mod usage;
