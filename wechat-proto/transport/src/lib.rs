//! Parts shared by the transports of [`wechat_proto`].
//!
//! Both adapters re-export [`Options`]. Custom transports can use it too, and also [`Offload`].

mod account;
mod files;
mod log;
mod offload;
mod options;
mod place;
mod proxy;
#[cfg(feature = "qrcode")]
pub mod qr;
mod trace;

pub use account::SharedAccount;
pub use files::{NewFile, OutgoingFile};
pub use log::Log;
pub use offload::Offload;
pub use options::Options;
pub use place::{at_host, host_and_port};
pub use proxy::refused_by_proxy;
pub use trace::Exchange;
