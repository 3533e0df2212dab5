//! Options and tracing events shared by the transports of [`wechat_proto`].
//!
//! Both adapters re-export [`Options`]. A transport over another HTTP client can use it as well.

mod log;
mod options;

pub use log::Log;
pub use options::Options;
