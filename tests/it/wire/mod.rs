//! Bots on each wire: in memory, over ureq and over hyper, with HTTP on one origin or TLS on the
//! real host names.
//!
//! A scenario is a function over [`Bot`] and a [`Place`]; [`on_all_wires`] defines its tests.

mod folder;
mod hyper;
pub(crate) mod memory;
mod place;
mod reentrant;
mod ureq;

use std::path::Path;

use bytes::Bytes;
use wechat_proto::contact::Directory;
use wechat_proto::login::{Progress, Resume};
use wechat_proto::media::{Head, Upload, UploadProgress, Uploaded};
use wechat_proto::store::SavePolicy;
use wechat_proto::{
    Account, ClientMsgId, Device, Endpoint, Error, Event, Flow, Message, Session, Timestamp,
};

pub(crate) use self::folder::Folder;
pub(crate) use self::hyper::Hyper;
pub(crate) use self::memory::Memory;
pub(crate) use self::place::{Place, confirm_login, named, requests};
pub(crate) use self::ureq::Ureq;

/// The operations that the adapters' clients share, so that one scenario runs on all.
pub(crate) trait Bot: Sized {
    /// Logs in a new device.
    fn login(place: &Place, progress: impl FnMut(&Progress) + Send) -> Result<Self, Error> {
        Self::login_on(place, &mut place.device(), progress)
    }
    /// Logs in a device with a QR code.
    fn login_on(
        place: &Place,
        device: &mut Device,
        progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, Error>;
    /// Logs in a device that was logged in before.
    fn login_again(
        place: &Place,
        device: &mut Device,
        progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, Error>;
    /// Opens the session stored at a path, or logs in; keeps the store, in which only
    /// [`Bot::keep`] saves it.
    fn open(
        place: &Place,
        path: &Path,
        resume: Resume,
        progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, Error> {
        Self::open_saving(place, path, resume, SavePolicy::Manual, progress)
    }
    /// Opens a session like [`Bot::open`], but saves it by this policy.
    fn open_saving(
        place: &Place,
        path: &Path,
        resume: Resume,
        policy: SavePolicy,
        progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, Error>;
    /// Saves the session in the store it was opened from.
    fn keep(&mut self);
    /// Stops the message loop.
    fn stop(&mut self);
    /// Resumes a stored session.
    fn resume(place: &Place, session: Session) -> Self;
    /// Calls an endpoint.
    fn call<E>(&mut self, endpoint: E) -> Result<E::Output, Error>
    where
        E: Endpoint,
        Account: AsMut<E::State>;
    /// Runs a flow that reads a source to its next output.
    fn run_from<F>(&mut self, flow: &mut F, source: &Bytes) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>;
    /// Runs an upload to its end.
    fn upload(
        &mut self,
        upload: &mut Upload,
        source: &Bytes,
        progress: impl FnMut(&UploadProgress) + Send,
    ) -> Result<Uploaded, Error>;
    /// Runs a flow to its next output.
    fn run<F>(&mut self, flow: &mut F) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        self.run_from(flow, &Bytes::new())
    }
    /// Downloads and reads the body.
    fn download<E>(&mut self, endpoint: E) -> Result<(Head, Vec<u8>), Error>
    where
        E: Endpoint<Output = Head>,
        Account: AsMut<E::State>;
    /// Downloads and copies the body with the adapter's own copy function.
    fn save<E>(&mut self, endpoint: E, limit: u64) -> Saved
    where
        E: Endpoint<Output = Head>,
        Account: AsMut<E::State>;
    /// Loads the contacts.
    fn contacts(&mut self) -> Result<Directory, Error>;
    /// Switches to manual acknowledgement with [`Bot::acknowledge`]. Call it before the first
    /// message.
    fn manual(&mut self);
    /// Acknowledges a message.
    fn acknowledge(&mut self, message: &Message);
    /// Returns a new client message id.
    fn next_client_msg_id(&mut self) -> ClientMsgId;
    /// Sets how many messages are remembered. Call it before the first message.
    fn remember(&mut self, messages: usize);
    /// Returns the directory.
    fn directory(&self) -> Directory;
    /// Waits for the next event.
    fn next_event(&mut self) -> Option<Event>;
    /// Waits for the next message.
    fn next(&mut self) -> Option<Result<Message, Error>> {
        loop {
            if let Some(message) = self.next_event()?.into_message() {
                return Some(message);
            }
        }
    }
    /// Returns the session.
    fn session(&self) -> Session;

    /// Logs in a new device, confirmed on the phone.
    fn confirmed(place: &Place) -> Self {
        place.confirm_login();
        Self::login(place, |_| {}).unwrap()
    }
    /// Waits for the next text message.
    fn next_text(&mut self) -> Message {
        loop {
            let message = self.next().unwrap().unwrap();
            if message.text().is_some() {
                return message;
            }
        }
    }
}

/// The result of a copied download.
#[derive(Debug)]
pub(crate) struct Saved {
    /// The head and the number of bytes on success.
    pub(crate) result: Result<(Head, u64), Error>,
    /// The written bytes.
    pub(crate) bytes: Vec<u8>,
    /// The byte counts of the progress callbacks.
    pub(crate) progress: Vec<u64>,
}

impl Saved {
    /// Creates a failed result without written bytes.
    fn failed(error: Error) -> Self {
        Self { result: Err(error), bytes: Vec::new(), progress: Vec::new() }
    }
}

/// Returns the name of the endpoint of a request.
pub(crate) fn endpoint<B>(request: &http::Request<B>) -> &str {
    let mut parts = request.uri().path().rsplit('/');
    let last = parts.next().unwrap_or_default();
    if parts.next() == Some("qrcode") { "qrcode" } else { last }
}

/// Returns the name of an endpoint on the wire.
pub(crate) fn name_of<E: Endpoint>(mut called: E, mut account: Account, now: Timestamp) -> String
where
    Account: AsMut<E::State>,
{
    endpoint(&called.request(account.as_mut(), now)).to_owned()
}

/// All service host names that clients resolve.
const NAMES: [&str; 12] = [
    "wx.qq.com", "login.wx.qq.com", "login.weixin.qq.com", "webpush.wx.qq.com", "file.wx.qq.com",
    "wx2.qq.com", "login.wx2.qq.com", "webpush.wx2.qq.com", "file.wx2.qq.com",
    "filehelper.weixin.qq.com", "szfilehelper.weixin.qq.com", "cmfilehelper.weixin.qq.com",
];

/// Returns the options of both adapters for a place.
fn options(place: &Place) -> wechat_transport_ureq::Options {
    let options = wechat_transport_ureq::Options::default();
    let mut options = options.clock(place.clock()).seed(place.seed()).resolve_only();
    if place.chaos.is_some() || place.line.is_some() {
        options = options.deadline_cap(std::time::Duration::from_secs(3));
    }
    if let Some(server) = &place.server {
        let address =
            place.line.as_ref().map_or(server.addr(), wechat_simulator::TlsFaultProxy::addr);
        for name in NAMES {
            options = options.resolve(name, address);
        }
        for (name, address) in place.others.borrow().iter() {
            options = options.resolve(name, *address);
        }
        for root in place.roots.borrow().iter() {
            options = options.root_certificate(root.clone());
        }
        if let Some(ca) = server.ca_der() {
            options = options.root_certificate(ca.to_vec());
        }
    }
    options
}

/// Returns the options with which both adapters open a session.
pub(crate) fn open_options(
    place: &Place,
    resume: Resume,
    policy: SavePolicy,
) -> wechat_transport_ureq::Options {
    options(place).device(place.device()).resume(resume).save(policy)
}

/// Generates a test of each scenario on each wire. A scenario is a function over a [`Bot`] and a
/// [`Place`]. Use the macro once per module: it also generates `endpoints_called`, which runs all
/// scenarios in memory and returns the endpoints that were called.
macro_rules! on_all_wires {
    ($($scenario:ident in $world:expr;)*) => {
        pub(crate) fn endpoints_called() -> std::collections::BTreeSet<String> {
            [$($scenario::endpoints_called()),*].into_iter().flatten().collect()
        }

        $(
        mod $scenario {
            use $crate::wire::{Memory, Place};

            pub(super) fn endpoints_called() -> Vec<String> {
                let place = Place::memory($world);
                super::$scenario::<Memory>(&place);
                let world = place.world();
                world.log().iter().map(|logged| logged.endpoint.clone()).collect()
            }

            #[test]
            fn in_memory() {
                super::$scenario::<Memory>(&Place::memory($world));
            }

            $crate::wire::tests_of_adapters!($scenario in $world);
        }
        )*
    };
}
pub(crate) use on_all_wires;

/// Like [`on_all_wires`], but without the memory wire, for scenarios that need a network.
macro_rules! on_both_adapters {
    ($($scenario:ident in $world:expr;)*) => {
        $(
        mod $scenario {
            use super::*;

            $crate::wire::tests_of_adapters!($scenario in $world);
        }
        )*
    };
}
pub(crate) use on_both_adapters;

/// Generates a test of a scenario over each adapter: one over HTTP, the other over TLS.
macro_rules! tests_of_adapters {
    ($scenario:ident in $world:expr) => {
        #[test]
        fn over_ureq() {
            for place in $crate::wire::Place::sample(stringify!($scenario), false, || $world) {
                super::$scenario::<$crate::wire::Ureq>(&place);
            }
        }

        #[test]
        fn over_hyper() {
            for place in $crate::wire::Place::sample(stringify!($scenario), true, || $world) {
                super::$scenario::<$crate::wire::Hyper>(&place);
            }
        }
    };
}
pub(crate) use tests_of_adapters;
