//! Adds people to a room, or invites them, as a flow.

use core::mem;

use super::Members;
use super::update::{self, Updated};
use crate::call::Call;
use crate::contact::Contact;
use crate::error::{Error, Ret};
use crate::flow::{Flow, Input, Interrupt};
use crate::ids::UserName;
use crate::session::Session;
use crate::time::Timestamp;

/// Brings people into a room, the way its size asks for: a small room's newcomers are added, those
/// of a larger one are invited, and where the service does not add ([`Ret::PARAMETER`]), they are
/// invited as well (`docs/protocol.md` §11.5, §16).
///
/// This changes something: run one to its output. After [`Error::Unanswered`] look into the room;
/// polled again, it says the same.
#[derive(Debug)]
pub struct AddMembers {
    room: UserName,
    /// How many the room has, as far as is known.
    size: usize,
    members: Members,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Start,
    Adding(Call<Updated>),
    Inviting(Call<Updated>),
}

/// How they come to the room.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Joining {
    /// They are in it.
    Added(Updated),
    /// They were asked: each is in it when it agrees.
    Invited(Updated),
}

impl AddMembers {
    /// Brings `members` into a room, whose record says how large it is.
    pub fn new(room: &Contact, members: Members) -> Self {
        let said = usize::try_from(room.member_count).unwrap_or(0);
        let size = said.max(room.members.len());
        Self { room: room.user_name.clone(), size, members, state: State::Start }
    }
}

impl Flow for AddMembers {
    type State = Session;
    type Output = Joining;

    fn poll(&mut self, session: &mut Session, now: Timestamp) -> Result<Joining, Interrupt> {
        loop {
            match mem::take(&mut self.state) {
                State::Start => {
                    let limit = usize::try_from(session.invite_start_count()).unwrap_or(usize::MAX);
                    self.state = match self.size + self.members.names().len() >= limit {
                        true => State::Inviting(update::invite(session, &self.room, &self.members)),
                        false => State::Adding(update::add(session, &self.room, &self.members)),
                    };
                }
                State::Adding(mut call) => match call.poll(&mut session.device, now) {
                    // The service's own limit is lower, or the room asks its owner.
                    Err(Interrupt::Fail(Error::Refused { ret: Ret::PARAMETER, .. })) => {
                        let call = update::invite(session, &self.room, &self.members);
                        self.state = State::Inviting(call);
                    }
                    result => {
                        self.state = State::Adding(call);
                        return result.map(Joining::Added);
                    }
                },
                State::Inviting(mut call) => {
                    let result = call.poll(&mut session.device, now);
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
    use crate::contact::record::WireContact;
    use crate::error::{Failure, FailureKind, Sent};
    use crate::testing::{Host, reply, session};
    use crate::wire::lenient::Lenient as _;

    fn room(count: usize) -> Contact {
        let record = alloc::format!(r#"{{"UserName":"@@r","MemberCount":{count}}}"#);
        WireContact::read(&record).take().unwrap()
    }

    /// Runs it against these answers; which functions were asked for, and what came of it.
    fn run(
        size: usize,
        newcomers: usize,
        answers: &[i64],
    ) -> (Vec<String>, Result<Joining, Error>) {
        let names = (0..newcomers).map(|n| alloc::format!("@{n}").parse().unwrap());
        let mut flow = AddMembers::new(&room(size), Members::new(names).unwrap());
        let mut answers = answers.iter();
        let mut asked = Vec::new();
        let result = Host::new().run(&mut flow, &mut session(), |request| {
            let query = request.http.uri().query().unwrap();
            asked.push(query.split('&').next().unwrap().to_string());
            let ret = answers.next().unwrap();
            Input::Reply(Ok(reply(&alloc::format!(r#"{{"BaseResponse":{{"Ret":{ret}}}}}"#))))
        });
        (asked, result)
    }

    #[test]
    fn adds_to_small_rooms_and_invites_to_large_ones() {
        for (size, newcomers, fun) in [
            (3, 1, "addmember"),
            (38, 1, "addmember"),
            (38, 2, "invitemember"),
            (40, 1, "invitemember"),
        ] {
            let (asked, result) = run(size, newcomers, &[0]);
            assert_eq!(asked, [alloc::format!("fun={fun}")], "{size} {newcomers}");
            match fun {
                "addmember" => assert!(matches!(result, Ok(Joining::Added(_)))),
                _ => assert!(matches!(result, Ok(Joining::Invited(_)))),
            }
        }
    }

    #[test]
    fn invites_whom_the_service_does_not_add() {
        let (asked, result) = run(3, 1, &[1, 0]);
        assert_eq!(asked, ["fun=addmember", "fun=invitemember"]);
        assert!(matches!(result, Ok(Joining::Invited(_))));
        let (asked, result) = run(3, 1, &[1, 1]);
        assert_eq!(asked.len(), 2);
        assert!(matches!(result, Err(Error::Refused { ret: Ret::PARAMETER, .. })));
        let (asked, result) = run(3, 1, &[1205]);
        assert_eq!(asked.len(), 1);
        assert!(matches!(result, Err(Error::Limited { .. })));
    }

    /// Neither is repeated where it may have taken effect.
    #[test]
    fn asks_nothing_twice() {
        for answered in [0, 1] {
            let mut flow =
                AddMembers::new(&room(3), Members::new(["@a".parse().unwrap()]).unwrap());
            let (mut session, mut asked) = (session(), 0);
            let mut serve = |_: &crate::flow::Request| {
                asked += 1;
                Input::Reply(match asked > answered {
                    true => Err(Failure::new(FailureKind::Closed, Sent::Maybe)),
                    false => Ok(reply(r#"{"BaseResponse":{"Ret":1}}"#)),
                })
            };
            let first = Host::new().run(&mut flow, &mut session, &mut serve);
            assert!(matches!(first, Err(Error::Unanswered(Some(_)))));
            let again = Host::new().run(&mut flow, &mut session, &mut serve);
            assert!(matches!(again, Err(Error::Unanswered(None))));
            assert_eq!(asked, answered + 1);
        }
    }
}
