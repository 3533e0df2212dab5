//! Calls about people and rooms.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::accounts::Of;
use super::answer::{Created, Done, Failure, NewId};
use super::body::Body;
use crate::contact::{Contact, Member};
use crate::serve::build::named;
use crate::serve::population::{NewPerson, NewRoom, ids};
use crate::wire::text::{name_on_the_wire, off_the_wire};
use crate::world::World;

/// All people and rooms.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Contacts {
    /// The contacts, in the order in which they were added.
    contacts: Vec<ContactRecord>,
}

/// A person or a room.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ContactRecord {
    /// The `UserName`.
    id: String,
    /// The name, with emoji of the wire as spans.
    name: String,
    /// The name that the account assigned; may be empty.
    remark: String,
    /// Whether it is a room.
    is_room: bool,
    /// Whether it is in the address book.
    in_address_book: bool,
    /// The `UserName`s of a room's members.
    members: Vec<String>,
    /// The `UserName` of a room's owner; empty for a person.
    owner: String,
}

impl ContactRecord {
    fn of(world: &World, contact: &Contact) -> Self {
        Self {
            id: contact.user_name.clone(),
            name: off_the_wire(&contact.nick_name),
            remark: off_the_wire(&contact.remark_name),
            is_room: contact.is_room(),
            in_address_book: world.in_book(contact),
            members: contact.members.iter().map(|member| member.user_name.clone()).collect(),
            owner: contact.owner.clone(),
        }
    }
}

/// Lists all people and rooms.
#[utoipa::path(get, path = "/v1/contacts", responses((status = 200, description = "All people and rooms.", body = Contacts)))]
pub(crate) async fn contacts(Of(simulation): Of) -> Json<Contacts> {
    let world = simulation.locked();
    let contacts = world.contacts().iter().map(|contact| ContactRecord::of(&world, contact));
    Json(Contacts { contacts: contacts.collect() })
}

/// Adds a person, without reporting it to a client that is logged in.
#[utoipa::path(post, path = "/v1/people", request_body = NewPerson, responses(
    (status = 201, description = "Added.", body = NewId),
    (status = 400, description = "The name cannot be used.", body = Failure),
))]
pub(crate) async fn add_person(Of(simulation): Of, Body(new): Body<NewPerson>) -> Created {
    let id = new.add(&mut simulation.world())?;
    Ok((StatusCode::CREATED, Json(NewId { id })))
}

/// Adds a room, without reporting it to a client that is logged in.
#[utoipa::path(post, path = "/v1/rooms", request_body = NewRoom, responses(
    (status = 201, description = "Added.", body = NewId),
    (status = 400, description = "A name cannot be used.", body = Failure),
))]
pub(crate) async fn add_room(Of(simulation): Of, Body(new): Body<NewRoom>) -> Created {
    let id = new.add(&mut simulation.world())?;
    Ok((StatusCode::CREATED, Json(NewId { id })))
}

/// Changes of a person or a room. Absent ones are left unchanged.
#[derive(Debug, Default, Deserialize, PartialEq, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// The name.
    name: Option<String>,
    /// The name that the account assigned.
    remark: Option<String>,
    /// The profile's motto.
    signature: Option<String>,
    /// The id that the person chose.
    alias: Option<String>,
    /// A province's name.
    province: Option<String>,
    /// A city's name.
    city: Option<String>,
    /// Whether the account starred it.
    starred: Option<bool>,
    /// A room's owner, who must be a member.
    owner: Option<String>,
}

fn find(world: &World, name: &str) -> Result<Contact, Failure> {
    let found = named(world, name).cloned();
    found.map_err(|problem| Failure::new(StatusCode::NOT_FOUND, problem.reason))
}

/// Changes a person or a room, and reports it to the client. The account itself is `me`, of which only the name can be
/// changed; other accounts see the new name.
#[utoipa::path(patch, path = "/v1/contacts/{name}", request_body = Change,
    params(("name" = String, Path, description = "A name or a `UserName`, or `me`.")),
    responses(
        (status = 204, description = "Changed."),
        (status = 400, description = "The owner is not a member, or a field of `me` cannot be changed.", body = Failure),
        (status = 404, description = "The name is unknown or ambiguous.", body = Failure),
    ))]
pub(crate) async fn change(
    Of(simulation): Of,
    Path(name): Path<String>,
    Body(mut change): Body<Change>,
) -> Done {
    let mut world = simulation.world();
    if name == "me" {
        return match change.name.take() {
            Some(name) if change == Change::default() => {
                world.phone().renames_self(&name);
                Ok(StatusCode::NO_CONTENT)
            }
            _ => Err(Failure::new(StatusCode::BAD_REQUEST, "of `me`, only `name` can be changed")),
        };
    }
    let found = find(&world, &name)?;
    let owner = change.owner.as_deref().map(|owner| find(&world, owner)).transpose()?;
    let owner = owner.map(|owner| owner.user_name);
    if let Some(owner) = &owner
        && !found.has_member(owner)
    {
        return Err(Failure::new(StatusCode::BAD_REQUEST, "the owner is not a member"));
    }
    world.change_contact(&found.user_name, |contact| {
        let texts = [
            (&mut contact.nick_name, change.name),
            (&mut contact.remark_name, change.remark),
            (&mut contact.signature, change.signature),
            (&mut contact.alias, change.alias),
            (&mut contact.province, change.province),
            (&mut contact.city, change.city),
            (&mut contact.owner, owner),
        ];
        for (field, text) in texts {
            if let Some(text) = text {
                *field = name_on_the_wire(&text);
            }
        }
        if let Some(starred) = change.starred {
            contact.star_friend = i64::from(starred);
        }
    });
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a person or a room from the address book, and reports it to the client.
#[utoipa::path(delete, path = "/v1/contacts/{name}",
    params(("name" = String, Path, description = "A name or a `UserName`.")),
    responses(
        (status = 204, description = "Removed."),
        (status = 404, description = "The name is unknown or ambiguous.", body = Failure),
    ))]
pub(crate) async fn remove(Of(simulation): Of, Path(name): Path<String>) -> Done {
    let mut world = simulation.world();
    let found = find(&world, &name)?;
    world.remove_contact(&found.user_name);
    Ok(StatusCode::NO_CONTENT)
}

/// Changes of a room's members: names or `UserName`s.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberChange {
    /// The persons who join.
    #[serde(default)]
    add: Vec<String>,
    /// The members who leave.
    #[serde(default)]
    remove: Vec<String>,
}

/// Adds and removes members of a room, and reports it to the client.
#[utoipa::path(post, path = "/v1/rooms/{name}/members", request_body = MemberChange,
    params(("name" = String, Path, description = "The room's name or `UserName`.")),
    responses(
        (status = 204, description = "Changed."),
        (status = 400, description = "A member is unknown, or it is not a room.", body = Failure),
        (status = 404, description = "The room is unknown or its name is ambiguous.", body = Failure),
    ))]
pub(crate) async fn members(
    Of(simulation): Of,
    Path(name): Path<String>,
    Body(change): Body<MemberChange>,
) -> Done {
    let mut world = simulation.world();
    let room = find(&world, &name)?;
    if !room.is_room() {
        return Err(Failure::new(StatusCode::BAD_REQUEST, format!("`{name}` is not a room")));
    }
    let joining = ids(&world, &change.add)?;
    let leaving = ids(&world, &change.remove)?;
    world.change_contact(&room.user_name, |room| {
        room.members.retain(|member| !leaving.contains(&member.user_name));
        for id in joining {
            if !room.has_member(&id) {
                room.members.push(Member::new(&id));
            }
        }
    });
    Ok(StatusCode::NO_CONTENT)
}

/// Accepts the newest invitation into a room that another account has sent.
#[utoipa::path(post, path = "/v1/invitations/accept", responses(
    (status = 204, description = "Accepted."),
    (status = 409, description = "There is no such invitation.", body = Failure),
))]
pub(crate) async fn accept_invitation(Of(simulation): Of) -> Done {
    if !simulation.world().phone().accepts_invitation() {
        return Err(Failure::new(StatusCode::CONFLICT, "no account has invited this one"));
    }
    // The world of the inviting account adds this one.
    simulation.accounts().iter().for_each(|account| drop(account.locked()));
    Ok(StatusCode::NO_CONTENT)
}
