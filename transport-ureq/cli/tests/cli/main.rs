//! The command `wechat`, started against a simulated service.

#![cfg(unix)]

mod bridge;
mod chats;
mod drop_receive;
mod drop_send;
mod holder;
mod inspect;
mod listen;
mod login;
mod messages;
mod place;
mod program;
mod python;
mod trace;
mod usage;
