//! The flow of all events of an account.

use alloc::boxed::Box;
use core::fmt;

use super::Inbox;
use crate::account::Account;
use crate::contact::Change;
use crate::error::{Chain, Error, Ret};
use crate::flow::{Flow, Input, Interrupt};
use crate::ids::MsgId;
use crate::message::{FriendRequest, Kind, Message};
use crate::session::acks::Place;
use crate::store::SavePolicy;
use crate::time::Timestamp;

/// Something that happened to an account.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A message arrived.
    Message(Message),
    /// A friend request arrived. Requests that the account itself sent are messages.
    FriendRequest {
        /// The request, to be [accepted](crate::contact::VerifyUser::accept_request).
        request: Box<FriendRequest>,
        /// The message that contains it.
        message: Box<Message>,
    },
    /// A contact or the members of a room changed. Each change is reported once, before the
    /// messages that arrived with it, even if newer [`Events`] replace older ones.
    ///
    /// [`Change::Added`] is reported only after all contacts have been loaded
    /// ([`LoadContacts`](crate::contact::LoadContacts)), since before that every contact is new, and
    /// only for rooms and for contacts in the address book. [`Change::Removed`] is reported for these
    /// as well.
    Changed(Change),
    /// The service could not be reached, or replied with errors, at least three times in a row; or
    /// the session could not be stored at its end. The events continue, with back-off. May be
    /// repeated until [`Event::Recovered`].
    Trouble(Error),
    /// The service replies again, after [`Event::Trouble`].
    Recovered,
    /// The last event, with the reason why no more will arrive.
    ///
    /// [`Error::LoggedOut`] if the session is closed (with [`Ret::OK`] by its own logout),
    /// [`Error::Stopped`], [`Error::InUse`] if newer events replaced these, or [`Error::Storage`] if
    /// the session could not be stored after a message.
    Closed(Error),
}

/// Writes a line for a log.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) if matches!(message.kind, Kind::Status(_)) => {
                f.write_str("status message of the phone")
            }
            Self::Message(message) => write!(f, "message: {message}"),
            Self::FriendRequest { message, .. } => write!(f, "friend request: {message}"),
            Self::Changed(_) => f.write_str("contacts or members changed"),
            Self::Trouble(error) => write!(f, "trouble: {}", Chain(error)),
            Self::Recovered => f.write_str("the service replies again"),
            Self::Closed(error) => write!(f, "ended: {}", Chain(error)),
        }
    }
}

impl Event {
    /// Returns the message of a [`Message`](Event::Message) or a
    /// [`FriendRequest`](Event::FriendRequest).
    pub fn message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) => Some(message),
            Self::FriendRequest { message, .. } => Some(message),
            _ => None,
        }
    }

    /// Returns the message, or the error of a [`Trouble`](Event::Trouble) or a
    /// [`Closed`](Event::Closed); `None` for other events, and for the account's own logout.
    pub fn into_message(self) -> Option<Result<Message, Error>> {
        match self {
            Self::Message(message) => Some(Ok(message)),
            Self::FriendRequest { message, .. } => Some(Ok(*message)),
            Self::Closed(Error::LoggedOut { ret: Ret::OK, .. }) => None,
            Self::Trouble(error) | Self::Closed(error) => Some(Err(error)),
            Self::Changed(_) | Self::Recovered => None,
        }
    }

    /// Returns the result of a [`Closed`](Event::Closed): `Ok` after a stop and after the account's own
    /// logout, otherwise its error; `None` for other events.
    pub fn into_end(self) -> Option<Result<(), Error>> {
        match self {
            Self::Closed(Error::Stopped | Error::LoggedOut { ret: Ret::OK, .. }) => Some(Ok(())),
            Self::Closed(error) => Some(Err(error)),
            _ => None,
        }
    }

    fn of(message: Message, account: &Account) -> Self {
        match &message.kind {
            Kind::FriendRequest(request)
                if request.user_name() != Some(&account.session().me().user_name) =>
            {
                let request = request.clone();
                Self::FriendRequest { request, message: Box::new(message) }
            }
            _ => Self::Message(message),
        }
    }
}

/// A step of [`Events`], for its driver.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver has to serve each of them")]
pub enum Step {
    /// An event, for the user.
    Event(Event),
    /// Store the session before polling again. After a failure, call [`Events::not_saved`] first.
    Save,
}

/// A flow that returns all events of an account: the messages of an [`Inbox`], the changes of
/// contacts, trouble and the end of the session. It never fails.
///
/// Polling for the next event acknowledges the message of the previous one, unless the events are
/// [`manual`](Events::manual). After acknowledgements and at the end, the flow returns
/// [`Step::Save`] as the [`SavePolicy`] specifies, for the driver to store the session.
#[derive(Debug, Default)]
pub struct Events {
    inbox: Inbox,
    policy: SavePolicy,
    manual: bool,
    /// The message returned last, to be acknowledged.
    returned: Option<(MsgId, Option<Place>)>,
    has_trouble: bool,
    has_recovered: bool,
    /// The message, trouble or end that follows the noted changes.
    next: Option<Event>,
    /// The request that follows the noted changes.
    held: Option<Interrupt>,
    closed: Option<Error>,
    was_saved: bool,
}

impl Events {
    /// Returns the events of an inbox whose session is stored by this policy.
    ///
    /// With [`SavePolicy::Manual`], the flow never returns [`Step::Save`].
    pub fn new(inbox: Inbox, policy: SavePolicy) -> Self {
        Self { inbox: inbox.manual(), policy, ..Self::default() }
    }

    /// Disables automatic acknowledgement: acknowledge each message with
    /// [`Session::acknowledge`](crate::Session::acknowledge), in any order.
    #[must_use]
    pub const fn manual(mut self) -> Self {
        self.manual = true;
        self
    }

    /// Sets the number of messages to keep for revocations: [`Inbox::remember`].
    #[must_use]
    pub fn remember(mut self, messages: usize) -> Self {
        self.inbox = self.inbox.remember(messages);
        self
    }

    /// Delivers the messages of unknown rooms at once: [`Inbox::immediate`].
    #[must_use]
    pub fn immediate(mut self) -> Self {
        self.inbox = self.inbox.immediate();
        self
    }

    /// Reports that the session could not be stored. The events end with this error. If they are
    /// already ending, the error is reported before their end.
    pub fn not_saved(&mut self, error: Error) {
        if self.closed.is_some() {
            self.next = Some(Event::Trouble(error));
        } else {
            self.closed = Some(error);
            self.was_saved = true;
        }
    }

    /// Returns the next event that needs no exchange.
    fn next(&mut self, account: &mut Account) -> Option<Step> {
        if core::mem::take(&mut self.has_recovered) {
            return Some(Step::Event(Event::Recovered));
        }
        if let Some(change) = account.next_change() {
            return Some(Step::Event(Event::Changed(change)));
        }
        let next = self.next.take();
        if let Some(message) = next.as_ref().and_then(Event::message)
            && !self.manual
        {
            self.returned = Some((message.id.clone(), message.place));
        }
        if next.is_some() {
            return next.map(Step::Event);
        }
        let reason = self.closed.as_ref()?;
        if self.policy != SavePolicy::Manual && !core::mem::replace(&mut self.was_saved, true) {
            return Some(Step::Save);
        }
        Some(Step::Event(Event::Closed(reason.clone())))
    }
}

impl Flow for Events {
    type State = Account;
    type Output = Step;

    fn poll(&mut self, account: &mut Account, now: Timestamp) -> Result<Step, Interrupt> {
        if let Some((id, place)) = self.returned.take() {
            account.session.acknowledge_at(&id, place);
            if self.policy.is_due(&account.session) {
                return Ok(Step::Save);
            }
        }
        if let Some(step) = self.next(account) {
            return Ok(step);
        }
        if let Some(held) = self.held.take()
            && account.close_reason().is_none()
        {
            return Err(held);
        }
        let interrupt = match self.inbox.poll(account, now) {
            Ok(message) => {
                self.next = Some(Event::of(message, account));
                None
            }
            Err(Interrupt::Fail(
                error @ (Error::LoggedOut { .. } | Error::InUse | Error::Stopped),
            )) => {
                self.closed = Some(error);
                None
            }
            Err(Interrupt::Fail(error)) => {
                self.has_trouble = true;
                self.next = Some(Event::Trouble(error));
                None
            }
            Err(interrupt) => Some(interrupt),
        };
        if self.has_trouble && self.closed.is_none() && self.inbox.is_healthy() {
            (self.has_trouble, self.has_recovered) = (false, true);
        }
        // Changes are noted only when a whole batch is applied.
        if !self.inbox.is_applying() {
            account.note_changes();
        }
        match (self.next(account), interrupt) {
            (Some(step), interrupt) => {
                // A request is kept, because it was counted. The next poll returns a sleep again.
                self.held = interrupt.filter(|next| matches!(next, Interrupt::Send(_)));
                Ok(step)
            }
            (None, Some(interrupt)) => Err(interrupt),
            (None, None) => unreachable!("a message, trouble or an end is the next event"),
        }
    }

    fn handle(&mut self, input: Input) {
        self.inbox.handle(input);
    }
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
