//! People and rooms, as data.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::serve::build::named;
use crate::serve::problem::Problem;
use crate::wire::text::name_on_the_wire;
use crate::world::World;

/// A person to add.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPerson {
    /// The name that the person chose.
    pub(crate) name: String,
    /// The relation of the person to the account.
    #[serde(default)]
    pub(crate) kind: PersonKind,
    /// The name that the account assigned.
    #[serde(default)]
    pub(crate) remark: String,
    /// The id that the person chose.
    #[serde(default)]
    pub(crate) alias: String,
    /// The profile's motto.
    #[serde(default)]
    pub(crate) signature: String,
    /// Whether the account starred the person.
    #[serde(default)]
    pub(crate) starred: bool,
}

/// The relation of a person to the account.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PersonKind {
    /// A friend.
    #[default]
    Friend,
    /// A person who is not a contact, such as a member of a room or the sender of a friend request.
    Stranger,
    /// An official account.
    Official,
}

/// A room to add. The account is always a member.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRoom {
    /// The room's name.
    pub(crate) name: String,
    /// The other members: names or `UserName`s. The first one is the owner.
    pub(crate) members: Vec<String>,
    /// Whether the room is in the address book.
    #[serde(default)]
    pub(crate) saved: bool,
}

impl NewPerson {
    /// Adds the person. Returns the `UserName`.
    pub(crate) fn add(&self, world: &mut World) -> Result<String, Problem> {
        if self.name.is_empty() || self.name == "me" {
            return Err(Problem::at("name", "empty or `me`, which is the account"));
        }
        let id = match self.kind {
            PersonKind::Friend => world.add_person(&self.name),
            PersonKind::Stranger => world.add_stranger(&self.name),
            PersonKind::Official => world.add_official(&self.name),
        };
        world.set_contact(&id, |contact| {
            contact.remark_name = name_on_the_wire(&self.remark);
            contact.signature = name_on_the_wire(&self.signature);
            contact.alias.clone_from(&self.alias);
            contact.star_friend = i64::from(self.starred);
        });
        Ok(id)
    }
}

impl NewRoom {
    /// Adds the room. Returns the `UserName`.
    pub(crate) fn add(&self, world: &mut World) -> Result<String, Problem> {
        if self.name.is_empty() || self.members.is_empty() {
            return Err(Problem::at("", "a room needs a name and at least one member"));
        }
        let members = ids(world, &self.members)?;
        let members: Vec<&str> = members.iter().map(String::as_str).collect();
        let id = world.add_room(&self.name, &members);
        if self.saved {
            world.save_room(&id);
        }
        Ok(id)
    }
}

/// Returns the `UserName`s of persons.
pub(crate) fn ids(world: &World, names: &[String]) -> Result<Vec<String>, Problem> {
    let id = |(index, name): (usize, &String)| {
        let path = format!("members[{index}]");
        match named(world, name) {
            Ok(contact) if contact.is_room() => {
                Err(Problem::at(path, format!("`{name}` is a room")))
            }
            Ok(contact) => Ok(contact.user_name.clone()),
            Err(problem) => Err(problem.within(&path)),
        }
    };
    names.iter().enumerate().map(id).collect()
}
