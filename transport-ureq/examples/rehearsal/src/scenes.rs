//! The scenes of the examples.

use std::thread::sleep;
use std::time::Duration;

use wechat_simulator::{EntryPage, Incoming, Member, World};

use crate::stage::{Stage, named, scan};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0";

/// The name of the file helper, which is the account's own phone.
const PHONE: &str = "文件传输助手";

/// Plays a scene in which the bot sends a note to the phone.
pub fn minimal(stage: &mut Stage) {
    stage.log_in();
    stage.expect_text(PHONE, "hello from Rust");
}

/// Plays a scene in which friends write.
pub fn echo(stage: &mut Stage) {
    stage.log_in();
    stage.write("Óscar", "ping");
    stage.expect_text("Óscar", "ping");
    stage.write("林晓", "你好");
    stage.expect_text("林晓", "你好");
}

/// Plays a scene in which a person asks to become a friend, another one joins a room, and a friend
/// mentions the bot while it is not running.
pub fn keeper(stage: &mut Stage) {
    stage.log_in();
    stage.act("隔壁老李 asks to become a friend", |world| {
        let stranger = world.contact(&named(world, "隔壁老李")).cloned();
        world.deliver(Incoming::friend_request(&stranger.expect("in the world"), "你好"));
    });
    stage.expect("the request is accepted", |world| world.verifications().len() == 1);
    stage.act("孙老师 joins the book club", |world| {
        let (room, guest) = (named(world, "Book club"), named(world, "孙老师"));
        world.change_contact(&room, |room| room.members.push(Member::new(&guest)));
    });
    stage.expect_text("Book club", "Welcome, 孙老师!");
    stage.act("the bot is killed, and a friend mentions it in the book club", |_| {});
    stage.kill();
    mention(&mut stage.simulator().world());
    stage.start();
    stage.expect_text("Book club", "@Óscar\u{2005}at your service");
    stage.expect("each was handled once", |world| world.sent().len() == 2);
}

fn mention(world: &mut World) {
    let (room, from) = (named(world, "Book club"), named(world, "Óscar"));
    let me = world.account().nick_name.clone();
    world.member_writes(&room, &from, &format!("@{me}\u{2005}are you there?"));
}

/// Plays a scene in which a friend sends files, and the courier is interrupted and resumed in
/// between.
pub fn courier(stage: &mut Stage) {
    stage.log_in();
    let deliver = |stage: &Stage, name: &str| {
        stage.act(&format!("Óscar sends {name}"), |world| {
            let from = named(world, "Óscar");
            world.deliver(match name {
                "a picture" => Incoming::image(&from, PNG),
                name => Incoming::file(&from, name, &b"%PDF-1.7"[..]),
            });
        });
    };
    let arrived = |stage: &mut Stage, count: usize| {
        stage.expect(&format!("the phone has {count} of 2 files"), |world| {
            let phone = named(world, PHONE);
            world.sent().iter().filter(|sent| sent.to == phone).count() == count
        });
    };
    deliver(stage, "report.pdf");
    arrived(stage, 1);
    stage.interrupt();
    deliver(stage, "a picture");
    stage.start();
    arrived(stage, 2);
    stage.interrupt();
    let saved = std::fs::read(stage.folder().join("media").join("report.pdf"));
    assert_eq!(saved.expect("the file was saved"), b"%PDF-1.7");
}

/// Plays a scene in which the phone sends a note and a file, and asks for a file.
pub fn file_helper(stage: &mut Stage) {
    stage.simulator().world().entry_page(EntryPage::FileHelper);
    // The service may return the bot's own messages.
    stage.simulator().world().echo_sends(true);
    let shared = stage.folder().join("shared");
    std::fs::create_dir(&shared).expect("the folder is writable");
    std::fs::write(shared.join("list.txt"), "milk\n").expect("the folder is writable");
    stage.log_in();
    stage.act("the phone sends photo.png", |world| {
        let file = Incoming::file("", "photo.png", PNG);
        world.phone().sends("filehelper", file);
    });
    stage.expect_text(PHONE, "saved shared/photo.png");
    stage.act("the phone writes: list.txt", |world| {
        world.phone().writes("filehelper", "list.txt");
    });
    stage.expect("the phone receives list.txt", |world| {
        world
            .sent()
            .iter()
            .any(|sent| sent.file.as_ref().is_some_and(|file| file.name == "list.txt"))
    });
    assert!(shared.join("photo.png").exists(), "the file was saved");
}

/// Plays a scene in which people write in two rooms.
pub fn relay(stage: &mut Stage) {
    stage.log_in();
    let write = |stage: &Stage, room: &str, member: &str, text: &str| {
        stage.act(&format!("{member} writes in {room}: {text}"), |world| {
            let (room, member) = (named(world, room), named(world, member));
            world.member_writes(&room, &member, text);
        });
    };
    write(stage, "Book club", "Óscar", "Chapter 3 until Friday.");
    stage.expect_text("周末爬山", "Óscar: Chapter 3 until Friday.");
    write(stage, "周末爬山", "林晓", "东门集合");
    stage.expect_text("Book club", "林晓: 东门集合");
    stage.act("Óscar sends a picture to the book club", |world| {
        let (room, from) = (named(world, "Book club"), named(world, "Óscar"));
        world.deliver(Incoming::image(&from, PNG).in_room(&room));
    });
    stage.expect("周末爬山 receives the picture", |world| {
        let room = named(world, "周末爬山");
        world.sent().iter().any(|sent| sent.to == room && sent.msg_type == 3)
    });
}

/// Plays a scene in which a friend of the second account writes, and the first account receives the
/// message.
pub fn two_accounts(stage: &mut Stage) {
    let mut shop = World::demo();
    shop.announce_recent_chats(false);
    let shop = stage.simulator().add_account(shop);
    scan(&shop);
    stage.log_in();
    stage.act("a customer writes to the shop: still open?", |_| {
        let mut world = shop.world();
        let customer = named(&world, "阿梅");
        world.person_writes(&customer, "still open?");
    });
    stage.expect_text(PHONE, "阿梅: still open?");
    let violations = shop.world().violations().to_vec();
    assert_eq!(violations, [], "requests of the second account");
}

/// Plays a scene in which a friend writes `ping`.
pub fn ping(stage: &mut Stage) {
    stage.log_in();
    stage.write("Óscar", "ping");
    stage.expect_text("Óscar", "pong");
}

/// Plays a scene in which a friend sends a command.
pub fn count(stage: &mut Stage) {
    stage.log_in();
    stage.write("Óscar", "/count 1 apple");
    stage.expect_text("Óscar", "5 letters");
}

/// Plays a scene in which a friend places orders, and the bot is killed soon after each of them.
pub fn orders(stage: &mut Stage) {
    const ITEMS: [&str; 4] = ["tea", "rice", "salt", "oil"];
    stage.log_in();
    for (index, item) in ITEMS.into_iter().enumerate() {
        stage.write("Óscar", &format!("order {item}"));
        if index == 0 {
            stage.expect_text("Óscar", "order 1: tea");
            continue;
        }
        // The bot is killed at another step each time.
        sleep(Duration::from_millis(5 * index as u64));
        stage.act("the bot is killed, and started again", |_| {});
        stage.kill();
        stage.start();
    }
    for (index, item) in ITEMS.into_iter().enumerate() {
        stage.expect_text("Óscar", &format!("order {}: {item}", index + 1));
    }
    stage.expect("each order was taken once", |world| world.sent().len() == ITEMS.len());
}
