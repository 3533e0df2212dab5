//! Calls that change the world.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::accounts::Of;
use super::answer::{Created, Done, Failure, NewId, Shared};
use super::body::Body;
use crate::serve::build::named;
use crate::serve::content::NewMessage;
use crate::serve::fault::NewFault;
use crate::serve::problem::Problem;
use crate::serve::scenario::{EndCode, NewReaction, PhoneAction};
use crate::server::injection::{Effect, Injection};
use crate::session::Stage;
use crate::world::World;

/// An action of the account's owner on the phone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Phone {
    /// The action. It concerns the newest QR code or push login.
    action: PhoneAction,
    /// The `uuid` of the QR code to scan. Default: the newest one.
    uuid: Option<String>,
}

/// Scans, confirms, cancels, expires or breaks the newest login.
#[utoipa::path(post, path = "/v1/phone", request_body = Phone, responses(
    (status = 204, description = "Done."),
    (status = 409, description = "No login is waiting, or its QR code has expired.", body = Failure),
))]
pub(crate) async fn phone(Of(simulation): Of, Body(Phone { action, uuid }): Body<Phone>) -> Done {
    let mut world = simulation.world();
    if !world.has_login() {
        return Err(Failure::new(
            StatusCode::CONFLICT,
            "no login is waiting: the client has not asked for a QR code",
        ));
    }
    if let Some(uuid) = uuid
        && !world.phone().scan_code(&uuid)
    {
        let reason = format!("no QR code `{uuid}` that this account may scan");
        return Err(Failure::new(StatusCode::CONFLICT, reason));
    }
    if matches!(world.phone().stage(), Some(Stage::Expired | Stage::Broken)) {
        return Err(Failure::new(
            StatusCode::CONFLICT,
            "the QR code has expired: the client has to ask for another one",
        ));
    }
    action.run(&mut world);
    Ok(StatusCode::NO_CONTENT)
}

/// The end of the session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    /// 1100 logged out on the phone, 1101 logged in elsewhere, 1102 the account is restricted.
    code: EndCode,
}

/// Ends the client's session with a code.
#[utoipa::path(post, path = "/v1/end", request_body = End, responses(
    (status = 204, description = "Done."),
    (status = 409, description = "There is no session.", body = Failure),
))]
pub(crate) async fn end(Of(simulation): Of, Body(End { code }): Body<End>) -> Done {
    let mut world = simulation.world();
    if world.session.as_ref().is_none_or(|session| session.ended.is_some()) {
        return Err(Failure::new(StatusCode::CONFLICT, "there is no session to end"));
    }
    code.run(&mut world);
    Ok(StatusCode::NO_CONTENT)
}

/// Delivers a message of any kind.
#[utoipa::path(post, path = "/v1/messages", request_body = NewMessage, responses(
    (status = 201, description = "Delivered: the client's next `webwxsync` has it.", body = NewId),
    (status = 400, description = "A name or a value cannot be used.", body = Failure),
))]
pub(crate) async fn message(Of(simulation): Of, Body(new): Body<NewMessage>) -> Created {
    let mut world = simulation.world();
    let message = new.build(&world)?;
    let id = world.deliver(message);
    Ok((StatusCode::CREATED, Json(NewId { id })))
}

/// The pending faults.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Faults {
    /// The faults, in the order in which they apply.
    faults: Vec<PendingFault>,
}

/// A pending fault.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PendingFault {
    /// The call.
    endpoint: String,
    /// `cut`, `delay`, `refuse`, `reply` or `alter`.
    effect: &'static str,
    /// The number of calls that are left intact first.
    after: usize,
    /// The remaining number of calls with the fault; null if it never ends.
    times: Option<usize>,
}

impl PendingFault {
    fn of(injection: &Injection) -> Self {
        let effect = match injection.effect {
            Effect::Cut(_) => "cut",
            Effect::Delay(_) => "delay",
            Effect::Refuse { .. } => "refuse",
            Effect::Reply(_) => "reply",
            Effect::Alter => "alter",
        };
        let Injection { endpoint, after, times, .. } = injection.clone();
        Self { endpoint, effect, after, times }
    }
}

/// Lists the pending faults.
#[utoipa::path(get, path = "/v1/faults", responses((status = 200, description = "The pending faults.", body = Faults)))]
pub(crate) async fn faults(State(simulation): Shared) -> Json<Faults> {
    let pending = simulation.service.injections.lock();
    Json(Faults { faults: pending.iter().map(PendingFault::of).collect() })
}

/// Adds a fault: once, several times or always, and at once or later.
#[utoipa::path(post, path = "/v1/faults", request_body = NewFault, responses(
    (status = 204, description = "Added."),
    (status = 400, description = "The call is unknown, or a value cannot be used.", body = Failure),
))]
pub(crate) async fn add_fault(State(simulation): Shared, Body(new): Body<NewFault>) -> Done {
    simulation.service.injections.add(new.build()?);
    Ok(StatusCode::NO_CONTENT)
}

/// Removes all pending faults.
#[utoipa::path(delete, path = "/v1/faults", responses((status = 204, description = "Removed.")))]
pub(crate) async fn clear_faults(State(simulation): Shared) -> StatusCode {
    simulation.service.injections.lock().clear();
    StatusCode::NO_CONTENT
}

/// Adds an automatic answer: when the client sends this, a person answers that.
#[utoipa::path(post, path = "/v1/reactions", request_body = NewReaction, responses(
    (status = 204, description = "Added."),
    (status = 400, description = "A name or a value cannot be used.", body = Failure),
))]
pub(crate) async fn add_reaction(Of(simulation): Of, Body(new): Body<NewReaction>) -> Done {
    let mut world = simulation.world();
    let reaction = new.build(&world)?;
    world.react(reaction);
    Ok(StatusCode::NO_CONTENT)
}

/// Removes all automatic answers.
#[utoipa::path(delete, path = "/v1/reactions", responses((status = 204, description = "Removed.")))]
pub(crate) async fn clear_reactions(Of(simulation): Of) -> StatusCode {
    simulation.world().reactions.clear();
    StatusCode::NO_CONTENT
}

/// Restores the initial world, script and faults. Held polls end, and waits end with status 409.
#[utoipa::path(post, path = "/v1/reset", responses((status = 204, description = "Done.")))]
pub(crate) async fn reset(State(simulation): Shared) -> StatusCode {
    simulation.reset();
    StatusCode::NO_CONTENT
}

/// Settings of the service. Absent ones are left unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The number of contacts per page of `webwxgetcontact`.
    contacts_per_page: Option<usize>,
    /// The maximum number of messages and changes in one answer of `webwxsync`.
    messages_per_sync: Option<usize>,
    /// Whether the phone lists its recent chats after a login.
    announces_recent_chats: Option<bool>,
    /// Whether remarks are accepted without effect.
    ignores_remarks: Option<bool>,
    /// Whether `webwxbatchgetcontact` answers in another order.
    reorders_batches: Option<bool>,
    /// Persons and rooms that `webwxbatchgetcontact` omits from now on.
    #[serde(default)]
    omits_from_batches: Vec<String>,
    /// Persons who have blocked the account: new rooms omit them.
    #[serde(default)]
    blocked_by: Vec<String>,
    /// The notice with which the next new room is refused.
    refuses_next_room: Option<String>,
    /// Whether the service forgets the client's device, so that a push login is refused.
    forgets_devices: Option<bool>,
    /// Whether the next `webwxsync` brings a new `SKey`.
    refreshes_skey: Option<bool>,
    /// The refusal of every login; a `ret` of 0 accepts logins again.
    refuses_login: Option<LoginRefusal>,
}

/// The refusal of a login.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginRefusal {
    /// The code, such as 1203.
    ret: i64,
    /// The text.
    #[serde(default)]
    message: String,
}

impl Settings {
    fn apply(&self, world: &mut World) -> Result<(), Problem> {
        let ids = |field: &str, names: &[String]| {
            let id = |(index, name): (usize, &String)| {
                let found = named(world, name).map(|contact| contact.user_name.clone());
                found.map_err(|problem| problem.within(&format!("{field}[{index}]")))
            };
            names.iter().enumerate().map(id).collect::<Result<Vec<_>, _>>()
        };
        let omitted = ids("omits_from_batches", &self.omits_from_batches)?;
        let blockers = ids("blocked_by", &self.blocked_by)?;
        omitted.iter().for_each(|id| world.batch_leaves_out(id));
        blockers.iter().for_each(|id| world.is_blocked_by(id));
        if let Some(count) = self.contacts_per_page {
            world.contacts_per_page(count);
        }
        if let Some(count) = self.messages_per_sync {
            world.messages_per_sync(count);
        }
        if let Some(on) = self.announces_recent_chats {
            world.announce_recent_chats(on);
        }
        if let Some(on) = self.ignores_remarks {
            world.ignore_remarks(on);
        }
        if let Some(on) = self.reorders_batches {
            world.batch_reorders(on);
        }
        if let Some(notice) = &self.refuses_next_room {
            world.make_no_room(notice);
        }
        if self.forgets_devices == Some(true) {
            world.forget_devices();
        }
        if self.refreshes_skey == Some(true) {
            world.refresh_skey();
        }
        if let Some(LoginRefusal { ret, message }) = &self.refuses_login {
            world.refuse_login(*ret, message);
        }
        Ok(())
    }
}

/// Changes settings of the service.
#[utoipa::path(post, path = "/v1/settings", request_body = Settings, responses(
    (status = 204, description = "Done."),
    (status = 400, description = "A name is unknown; nothing was changed.", body = Failure),
))]
pub(crate) async fn settings(Of(simulation): Of, Body(settings): Body<Settings>) -> Done {
    settings.apply(&mut simulation.world())?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_applied() {
        let mut world = World::new(1);
        let ada = world.add_person("Ada");
        let all = json!({
            "contacts_per_page": 7, "messages_per_sync": 8, "announces_recent_chats": false,
            "ignores_remarks": true, "reorders_batches": true, "omits_from_batches": ["Ada"],
            "blocked_by": ["Ada"], "refuses_next_room": "no", "forgets_devices": true,
            "refreshes_skey": true, "refuses_login": {"ret": 1203, "message": "no"},
        });
        world.knows_devices = true;
        let apply = |world: &mut World, settings| {
            serde_json::from_value::<Settings>(settings)
                .expect("settings")
                .apply(world)
                .expect("applied");
        };
        apply(&mut world, json!({}));
        assert!(world.announces && world.knows_devices && world.login_refusal.is_none());
        apply(&mut world, all);
        assert_eq!((world.page, world.batch), (7, 8));
        assert!(!world.announces && !world.knows_devices && world.reversed);
        assert!(world.rooms.ignores_remarks && world.rooms.notice.as_deref() == Some("no"));
        assert!(world.left_out.contains(&ada) && world.rooms.blockers.contains(&ada));
        assert_eq!(world.login_refusal, Some((1203, "no".to_owned())));
        apply(&mut world, json!({"refuses_login": {"ret": 0}}));
        assert_eq!(world.login_refusal, None);
    }
}
