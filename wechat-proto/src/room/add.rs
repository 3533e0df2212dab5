//! A flow that adds people to a room or invites them.

use core::mem;

use super::{RoomMembers, UpdateRoom, UpdatedRoom};
use crate::contact::Contact;
use crate::error::Ret;
use crate::{Account, Call, Error, Flow, Input, Interrupt, Timestamp, UserName};

/// A flow that adds people to a small room, or invites them to a larger one. If the service refuses
/// to add them ([`Ret::PARAMETER`]), they are invited as well (`docs/protocol.md` §11.5, §16).
///
/// The flow must not be repeated. After [`Error::Unanswered`], check the members of the room. If
/// the flow is polled again, it fails with the same error.
#[derive(Debug)]
pub struct AddMembers {
    room: UserName,
    /// The known number of members of the room.
    size: usize,
    members: RoomMembers,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Start,
    Adding(Call<UpdateRoom>),
    Inviting(Call<UpdateRoom>),
}

/// The outcome of [`AddMembers`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Joining {
    /// The people are members.
    Added(UpdatedRoom),
    /// The people were invited. Each becomes a member by accepting.
    Invited(UpdatedRoom),
}

impl AddMembers {
    /// Returns a flow that adds or invites these people to a room, whose size is taken from its
    /// record.
    pub fn new(room: &Contact, members: RoomMembers) -> Self {
        let counted = usize::try_from(room.member_count).unwrap_or(0);
        let size = counted.max(room.members.len());
        Self { room: room.user_name.clone(), size, members, state: State::Start }
    }

    fn add(&self) -> State {
        State::Adding(Call::new(UpdateRoom::add(self.room.clone(), self.members.clone())))
    }

    fn invite(&self) -> State {
        State::Inviting(Call::new(UpdateRoom::invite(self.room.clone(), self.members.clone())))
    }
}

impl Flow for AddMembers {
    type State = Account;
    type Output = Joining;

    fn poll(&mut self, account: &mut Account, now: Timestamp) -> Result<Joining, Interrupt> {
        loop {
            match mem::take(&mut self.state) {
                State::Start => {
                    let limit = account.session.invite_start_count();
                    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                    let is_large = self.size + self.members.names().len() >= limit;
                    self.state = if is_large { self.invite() } else { self.add() };
                }
                State::Adding(mut call) => match call.poll(account, now) {
                    // The service's own limit is lower, or the owner of the room has to agree.
                    Err(Interrupt::Fail(Error::Refused { ret: Ret::PARAMETER, .. })) => {
                        self.state = self.invite();
                    }
                    result => {
                        self.state = State::Adding(call);
                        return result.map(Joining::Added);
                    }
                },
                State::Inviting(mut call) => {
                    let result = call.poll(account, now);
                    self.state = State::Inviting(call);
                    return result.map(Joining::Invited);
                }
            }
        }
    }

    fn handle(&mut self, input: Input) {
        match &mut self.state {
            State::Start => {}
            State::Adding(call) | State::Inviting(call) => call.handle(input),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString as _};
    use alloc::vec::Vec;

    use super::*;
    use crate::error::FailureKind;
    use crate::testing::{Host, account, contact, failed, refused};

    fn room(count: usize) -> Contact {
        contact(&alloc::format!(r#"{{"UserName":"@@r","MemberCount":{count}}}"#))
    }

    /// Runs the flow against these codes; returns the called functions and the result.
    fn run(
        size: usize,
        newcomers: usize,
        answers: &[i64],
    ) -> (Vec<String>, Result<Joining, Error>) {
        let names = (0..newcomers).map(|n| alloc::format!("@{n}").parse().unwrap());
        let mut flow = AddMembers::new(&room(size), RoomMembers::new(names).unwrap());
        let mut answers = answers.iter();
        let mut requested = Vec::new();
        let result = Host::new().run(&mut flow, &mut account(), |request| {
            let query = request.http.uri().query().unwrap();
            requested.push(query.split('&').next().unwrap().to_string());
            refused(*answers.next().unwrap())
        });
        (requested, result)
    }

    #[test]
    fn people_are_added_to_small_rooms_and_invited_to_large_ones() {
        for (size, newcomers, fun) in [
            (3, 1, "addmember"),
            (38, 1, "addmember"),
            (38, 2, "invitemember"),
            (40, 1, "invitemember"),
        ] {
            let (requested, result) = run(size, newcomers, &[0]);
            assert_eq!(requested, [alloc::format!("fun={fun}")], "{size} {newcomers}");
            match fun {
                "addmember" => assert!(matches!(result, Ok(Joining::Added(_)))),
                _ => assert!(matches!(result, Ok(Joining::Invited(_)))),
            }
        }
    }

    #[test]
    fn people_are_invited_if_adding_is_refused() {
        let (requested, result) = run(3, 1, &[1, 0]);
        assert_eq!(requested, ["fun=addmember", "fun=invitemember"]);
        assert!(matches!(result, Ok(Joining::Invited(_))));
        let (requested, result) = run(3, 1, &[1, 1]);
        assert_eq!(requested.len(), 2);
        assert!(matches!(result, Err(Error::Refused { ret: Ret::PARAMETER, .. })));
        let (requested, result) = run(3, 1, &[1205]);
        assert_eq!(requested.len(), 1);
        assert!(matches!(result, Err(Error::Limited { .. })));
    }

    /// A request that may have taken effect is not repeated.
    #[test]
    fn unanswered_request_is_not_repeated() {
        for answered in [0, 1] {
            let mut flow =
                AddMembers::new(&room(3), RoomMembers::new(["@a".parse().unwrap()]).unwrap());
            let (mut account, mut requested) = (account(), 0);
            let mut serve = |_: &crate::flow::Request| {
                requested += 1;
                if requested > answered { failed(FailureKind::Closed) } else { refused(1) }
            };
            let first = Host::new().run(&mut flow, &mut account, &mut serve);
            assert!(matches!(first, Err(Error::Unanswered { cause: Some(_) })));
            let again = Host::new().run(&mut flow, &mut account, &mut serve);
            assert!(matches!(again, Err(Error::Unanswered { cause: None })));
            assert_eq!(requested, answered + 1);
        }
    }
}
