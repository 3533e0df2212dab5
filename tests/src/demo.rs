//! A small demonstration world, and a scripted scenario of six seconds.

use std::time::Duration;

use crate::server::Server;
use crate::simulator::Simulator;
use crate::world::World;

impl World {
    /// Creates a world with a dozen people, three rooms, two official accounts and the file helper.
    pub fn demo() -> Self {
        Self::new(2_011).with_demo()
    }

    /// Adds the people and rooms of the demonstration.
    pub(crate) fn with_demo(mut self) -> Self {
        let world = &mut self;
        world.add_special("filehelper", "文件传输助手");
        let names = [
            ("林晓", "LX", "linxiao"),
            ("Mia 🌸", "MIA", "Mia"),
            ("周大山", "ZDS", "zhoudashan"),
            ("Tom & Jerry", "TOMJERRY", "TomJerry"),
            ("阿梅", "AM", "amei"),
            ("Nadia <3", "NADIA3", "Nadia3"),
            ("何小北", "HXB", "hexiaobei"),
            ("Óscar", "OSCAR", "Oscar"),
            ("外婆", "WP", "waipo"),
            ("快递 小王", "KDXW", "kuaidixiaowang"),
            ("Ken-ichi 😁", "KENICHI", "Kenichi"),
            ("孙老师", "SLS", "sunlaoshi"),
        ];
        let mut people = Vec::new();
        for (name, initial, quan_pin) in names {
            let user_name = world.add_person(name);
            world.set_contact(&user_name, |contact| {
                initial.clone_into(&mut contact.py_initial);
                quan_pin.clone_into(&mut contact.py_quan_pin);
            });
            people.push(user_name);
        }
        world.set_contact(&people[2], |contact| "大山 (同事)".clone_into(&mut contact.remark_name));
        world.set_contact(&people[8], |contact| contact.star_friend = 1);
        world.set_contact(&people[0], |contact| {
            "Guangdong".clone_into(&mut contact.province);
            "Shenzhen".clone_into(&mut contact.city);
            "慢慢来，比较快 <span class=\"emoji emoji1f40c\"></span>"
                .clone_into(&mut contact.signature);
        });
        world.add_official("今日天气");
        world.add_official("Morning Post");
        let guest = world.add_stranger("隔壁老李");
        let members = |range: std::ops::Range<usize>| {
            people[range].iter().map(String::as_str).collect::<Vec<_>>()
        };
        let family = world.add_room("一家人 🏠", &members(7..10));
        let mut walkers = members(0..6);
        walkers.push(&guest);
        let walk = world.add_room("周末爬山 & 烧烤", &walkers);
        world.add_room("Book club", &members(3..8));
        world.save_room(&family);
        world.set_contact(&walk, |room| "爬山的大山".clone_into(&mut room.members[2].display_name));
        self
    }
}

/// A real-time server of [`World::demo`] with a scripted scenario: the phone scans and confirms, friends write, and
/// after about six seconds the phone logs the web client out.
#[derive(Debug)]
pub struct Demo {
    server: Server,
    simulator: Simulator,
}

/// A step of the scenario, and the delay before it in milliseconds.
type Scene = (u64, fn(&mut World));

const SCENES: [Scene; 9] = [
    (1000, |world| world.phone().scan()),
    (700, |world| world.phone().confirm()),
    (700, |world| {
        world.person_writes(&named(world, "林晓"), "你好！周末一起去爬山吗？🌄");
    }),
    (600, |world| {
        world.person_writes(&named(world, "Mia"), "Morning :) Is 1 < 2 && 2 > 1 still true?");
    }),
    (600, |world| {
        let (room, member) = (named(world, "周末爬山"), named(world, "周大山"));
        world.member_writes(&room, &member, "集合地点：东门，早上 8:00\n记得带水 💧");
    }),
    (600, |world| {
        let (room, member) = (named(world, "Book club"), named(world, "Óscar"));
        world.member_writes(&room, &member, "Chapter 3 & 4 until Friday, please.");
    }),
    (600, |world| {
        world.person_writes(&named(world, "外婆"), "吃饭了没有？");
    }),
    (500, |world| {
        world.phone().writes("filehelper", "记得买牛奶 🥛");
    }),
    (700, |world| world.phone().log_out()),
];

fn named(world: &World, start: &str) -> String {
    let found = world.contacts().iter().find(|contact| contact.nick_name.starts_with(start));
    found.map(|contact| contact.user_name.clone()).unwrap_or_default()
}

impl Demo {
    /// Starts the server. The scenario begins with the first poll of the QR code.
    ///
    /// # Panics
    ///
    /// If no port is available on the loopback interface.
    pub fn start() -> Self {
        let simulator = Simulator::new(World::demo());
        let server = Server::http(&simulator).expect("the loopback interface has a free port");
        server.real_time();
        for (after, deed) in SCENES {
            simulator.then(Duration::from_millis(after), deed);
        }
        Self { server, simulator }
    }

    /// Returns the origin of all roles of the service.
    pub fn origin(&self) -> String {
        self.server.origin()
    }

    /// Returns the simulator, for example to inspect the sent messages.
    pub const fn simulator(&self) -> &Simulator {
        &self.simulator
    }
}
