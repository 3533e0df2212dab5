//! What happens, and what is to come of it.

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

use crate::faults::line::Fault;

/// What happens next.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// In a chat (the last one is a room), so many messages of this kind.
    Said { chat: usize, times: usize, kind: Said },
    /// The program is to send something to a chat.
    Send { chat: usize, picture: bool },
    /// The program goes on for so many steps.
    Run(usize),
    /// The same until ten minutes have passed.
    Wait,
    /// The requests from the next but so many on fail, so often.
    Fault { fault: Fault, after: usize, times: usize },
    /// The process is gone, and with it all that was not stored.
    Kill,
    /// What is under way is given up, and asked for again.
    GiveUp,
    /// The clock is set, by so many seconds.
    Clock(i64),
    /// Something changes that is no message.
    Change(usize),
    /// The session ends, with this code.
    End(i64),
    /// The contacts are loaded.
    Contacts,
    /// A new inbox takes over.
    Another,
}

/// Kinds of messages.
#[derive(Clone, Copy, Debug)]
pub(super) enum Said {
    Text,
    Picture,
    Broken,
    Own,
}

/// When the program stores its session.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stores {
    /// With the effect of a message, in one go, the message acknowledged.
    Together,
    /// After the effect, the message acknowledged.
    After,
    /// After the effect, as the session is then.
    Plain,
}

/// How the program acknowledges messages.
#[derive(Clone, Copy, Debug)]
pub(super) enum Acknowledges {
    /// By asking for the next one.
    Automatic,
    /// Itself, in an order that is drawn from this seed.
    Manual(u64),
}

impl Stores {
    /// Returns how many messages a kill may repeat: the one that was handled and not stored; and the
    /// one before, if it was not acknowledged when it was stored.
    pub(super) const fn repeats(self, acknowledges: Acknowledges) -> usize {
        match (self, acknowledges) {
            (Self::Together, _) => 0,
            (Self::After, _) | (Self::Plain, Acknowledges::Manual(_)) => 1,
            (Self::Plain, Acknowledges::Automatic) => 2,
        }
    }
}

/// What there is, and what is to come of it.
#[derive(Clone, Debug)]
pub(super) struct Book {
    pub(super) chats: usize,
    pub(super) batch: usize,
    pub(super) stores: Stores,
    pub(super) acknowledges: Acknowledges,
    /// The chat of each message, in the order in which they were written.
    pub(super) said: Vec<usize>,
    /// How many things are to be sent.
    pub(super) sends: usize,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop::sample::select(&Fault::ALL[..])
}

impl ReferenceStateMachine for Book {
    type State = Self;
    type Transition = Deed;

    fn init_state() -> BoxedStrategy<Self> {
        let book = |(chats, batch, stores, acknowledges)| {
            let (said, sends) = (Vec::new(), 0);
            Self { chats, batch, stores, acknowledges, said, sends }
        };
        const STORES: [Stores; 3] = [Stores::Together, Stores::After, Stores::Plain];
        let stores = prop::sample::select(&STORES[..]);
        let acknowledges = prop_oneof![
            Just(Acknowledges::Automatic),
            any::<u64>().prop_map(Acknowledges::Manual),
        ];
        (2..5_usize, 1..6_usize, stores, acknowledges).prop_map(book).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Deed> {
        let chat = 0..state.chats;
        const KINDS: [Said; 5] = [Said::Text, Said::Text, Said::Picture, Said::Broken, Said::Own];
        prop_oneof![
            8 => (1..30_usize).prop_map(Deed::Run),
            5 => (chat.clone(), 1..5_usize, prop::sample::select(&KINDS[..]))
                .prop_map(|(chat, times, kind)| Deed::Said { chat, times, kind }),
            4 => (fault(), 0..4_usize, 1..5_usize)
                .prop_map(|(fault, after, times)| Deed::Fault { fault, after, times }),
            3 => (chat, prop::bool::weighted(0.2))
                .prop_map(|(chat, picture)| Deed::Send { chat, picture }),
            2 => Just(Deed::Kill),
            2 => Just(Deed::GiveUp),
            1 => prop::sample::select(&[-86_400, -60, 60, 7_200, 86_400][..])
                .prop_map(Deed::Clock),
            1 => (0..4_usize).prop_map(Deed::Change),
            1 => (1100..1103_i64).prop_map(Deed::End),
            1 => Just(Deed::Contacts),
            1 => Just(Deed::Another),
            1 => Just(Deed::Wait),
        ]
        .boxed()
    }

    fn apply(mut state: Self, deed: &Deed) -> Self {
        match deed {
            Deed::Said { chat, times, .. } => state.said.extend(vec![*chat; *times]),
            Deed::Send { .. } => state.sends += 1,
            _ => {}
        }
        state
    }

    fn preconditions(state: &Self, deed: &Deed) -> bool {
        match deed {
            Deed::Said { chat, .. } | Deed::Send { chat, .. } => *chat < state.chats,
            _ => true,
        }
    }
}
