//! The random operations, and the expected state.

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

use crate::faults::line::Fault;

/// An operation of the state machine.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    /// Writes a number of messages of one kind to a chat. The last chat is a room.
    Write { chat: usize, times: usize, kind: MessageKind },
    /// Orders the program to send something to a chat.
    Send { chat: usize, picture: bool },
    /// Runs the program for a number of steps.
    Run(usize),
    /// Runs the program until ten minutes have passed.
    Wait,
    /// Makes `times` requests fail, after `after` others.
    Fault { fault: Fault, after: usize, times: usize },
    /// Kills the process, with everything that was not stored.
    Kill,
    /// Cancels the pending operations, which the program then repeats.
    Cancel,
    /// Shifts the clock by a number of seconds.
    Clock(i64),
    /// Changes something other than messages.
    Change(usize),
    /// Ends the session with this code.
    EndSession(i64),
    /// Loads the contacts.
    Contacts,
    /// Replaces the inbox with a new one.
    NewInbox,
}

/// Kinds of messages.
#[derive(Clone, Copy, Debug)]
pub(super) enum MessageKind {
    Text,
    Picture,
    Broken,
    Own,
}

/// The time at which the program stores its session.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stores {
    /// The program acknowledges a message, then stores the session atomically with the effect of
    /// the message.
    Together,
    /// The program stores the session after the effect, with the message acknowledged.
    After,
    /// The program stores the session after the effect, without an acknowledgement.
    Plain,
}

/// The way in which the program acknowledges messages.
#[derive(Clone, Copy, Debug)]
pub(super) enum Acknowledges {
    /// The program acknowledges a message by polling for the next one.
    Automatic,
    /// The program acknowledges messages manually, in an order drawn from this seed.
    Manual(u64),
}

impl Stores {
    /// Returns how many messages a kill may repeat: one that was handled and not stored, and the
    /// one before if it was stored without an acknowledgement.
    pub(super) const fn repeats(self, acknowledges: Acknowledges) -> usize {
        match (self, acknowledges) {
            (Self::Together, _) => 0,
            (Self::After, _) | (Self::Plain, Acknowledges::Manual(_)) => 1,
            (Self::Plain, Acknowledges::Automatic) => 2,
        }
    }
}

/// The parameters of a case, and the expected state.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) chats: usize,
    pub(super) batch: usize,
    pub(super) stores: Stores,
    pub(super) acknowledges: Acknowledges,
    /// The chat of each message, in the order of writing.
    pub(super) written: Vec<usize>,
    /// The number of messages to send.
    pub(super) sends: usize,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop::sample::select(&Fault::ALL[..])
}

impl ReferenceStateMachine for Expected {
    type State = Self;
    type Transition = Operation;

    fn init_state() -> BoxedStrategy<Self> {
        let expected = |(chats, batch, stores, acknowledges)| {
            let (written, sends) = (Vec::new(), 0);
            Self { chats, batch, stores, acknowledges, written, sends }
        };
        const STORES: [Stores; 3] = [Stores::Together, Stores::After, Stores::Plain];
        let stores = prop::sample::select(&STORES[..]);
        let acknowledges = prop_oneof![
            Just(Acknowledges::Automatic),
            any::<u64>().prop_map(Acknowledges::Manual),
        ];
        (2..5_usize, 1..6_usize, stores, acknowledges).prop_map(expected).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Operation> {
        let chat = 0..state.chats;
        const KINDS: [MessageKind; 5] = [
            MessageKind::Text,
            MessageKind::Text,
            MessageKind::Picture,
            MessageKind::Broken,
            MessageKind::Own,
        ];
        prop_oneof![
            8 => (1..30_usize).prop_map(Operation::Run),
            5 => (chat.clone(), 1..5_usize, prop::sample::select(&KINDS[..]))
                .prop_map(|(chat, times, kind)| Operation::Write { chat, times, kind }),
            4 => (fault(), 0..4_usize, 1..5_usize)
                .prop_map(|(fault, after, times)| Operation::Fault { fault, after, times }),
            3 => (chat, prop::bool::weighted(0.2))
                .prop_map(|(chat, picture)| Operation::Send { chat, picture }),
            2 => Just(Operation::Kill),
            2 => Just(Operation::Cancel),
            1 => prop::sample::select(&[-86_400, -60, 60, 7_200, 86_400][..])
                .prop_map(Operation::Clock),
            1 => (0..4_usize).prop_map(Operation::Change),
            1 => (1100..1103_i64).prop_map(Operation::EndSession),
            1 => Just(Operation::Contacts),
            1 => Just(Operation::NewInbox),
            1 => Just(Operation::Wait),
        ]
        .boxed()
    }

    fn apply(mut state: Self, operation: &Operation) -> Self {
        match operation {
            Operation::Write { chat, times, .. } => state.written.extend(vec![*chat; *times]),
            Operation::Send { .. } => state.sends += 1,
            _ => {}
        }
        state
    }

    fn preconditions(state: &Self, operation: &Operation) -> bool {
        match operation {
            Operation::Write { chat, .. } | Operation::Send { chat, .. } => *chat < state.chats,
            _ => true,
        }
    }
}
