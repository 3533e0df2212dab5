//! The simulated service, and the process of the bot.

use std::path::PathBuf;
use std::process::{Child, Command, exit};
use std::thread::sleep;
use std::time::{Duration, Instant};

use wechat_simulator::{Server, Simulator, World};

/// The variable with the origin of the service, in the process of the bot.
pub(crate) const SERVER: &str = "REHEARSAL_SERVER";

/// The time limit of a scene's waits for the bot.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A simulated service, and the process of the bot.
#[derive(Debug)]
pub struct Stage {
    simulator: Simulator,
    server: Server,
    folder: PathBuf,
    bot: Option<Child>,
}

impl Stage {
    /// Plays a scene, and ends this process.
    pub(crate) fn play(scene: fn(&mut Self)) -> ! {
        let simulator = Simulator::new(World::demo());
        simulator.world().announce_recent_chats(false);
        let server = Server::http(&simulator).expect("a free port on the loopback interface");
        server.real_time();
        let program = std::env::current_exe().expect("the path of this program");
        let name = program.file_stem().expect("a program has a name");
        let folder = std::env::temp_dir().join("wechat-examples").join(name);
        // An earlier rehearsal may have left the folder.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("the folder for temporary files is writable");
        println!("A rehearsal on a simulated service: nothing has to be scanned.");
        println!(
            "The files of the bot are in {}; --live uses the real service.\n",
            folder.display()
        );
        let mut stage = Self { simulator, server, folder, bot: None };
        scene(&mut stage);
        stage.kill();
        stage.expect("all requests are those of the official page", |world| {
            world.violations().is_empty()
        });
        println!("\nThat was the rehearsal. Goodbye!");
        exit(0);
    }

    /// Returns the simulated account.
    pub const fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// Returns the folder in which the bot runs.
    pub const fn folder(&self) -> &PathBuf {
        &self.folder
    }

    /// Starts the bot.
    pub fn start(&mut self) {
        let program = std::env::current_exe().expect("the path of this program");
        let mut command = Command::new(program);
        command.args(std::env::args_os().skip(1)).current_dir(&self.folder);
        let bot = command.env(SERVER, self.server.origin()).spawn();
        self.bot = Some(bot.expect("this program can be started again"));
    }

    /// Starts the bot, scans its code and confirms the login.
    pub fn log_in(&mut self) {
        scan(&self.simulator);
        self.start();
        self.expect("the phone scans the code and confirms the login", |world| {
            world.log().iter().any(|logged| logged.endpoint == "webwxinit")
        });
    }

    /// Kills the bot without letting it clean up.
    pub fn kill(&mut self) {
        if let Some(mut bot) = self.bot.take() {
            let _ = bot.kill();
            let _ = bot.wait();
        }
    }

    /// Presses Ctrl-C, and waits until the bot has ended. Kills it on systems other than Unix.
    pub fn interrupt(&mut self) {
        let Some(bot) = &mut self.bot else { return };
        println!("  [Ctrl-C]");
        let pid = bot.id().to_string();
        if cfg!(unix) && Command::new("kill").args(["-INT", &pid]).status().is_ok() {
            let status = bot.wait().expect("the bot is a child");
            self.bot = None;
            if !status.success() {
                self.fail(&format!("the bot fails after Ctrl-C: {status}"));
            }
        }
        self.kill();
    }

    /// Changes the world, and prints a description.
    pub fn act(&self, what: &str, act: impl FnOnce(&mut World)) {
        println!("  [{what}]");
        act(&mut self.simulator.world());
    }

    /// Lets a person write to the account.
    pub fn write(&self, from: &str, text: &str) {
        println!("  [{from} writes: {text}]");
        let mut world = self.simulator.world();
        let from = named(&world, from);
        world.person_writes(&from, text);
    }

    /// Waits until the bot has sent this text to a chat.
    pub fn expect_text(&mut self, chat: &str, text: &str) {
        let what = format!("{chat} receives: {text}");
        self.expect(&what, |world| {
            let to = named(world, chat);
            world.sent().iter().any(|sent| sent.to == to && sent.content == text)
        });
    }

    /// Waits until a condition holds.
    pub fn expect(&mut self, what: &str, is_done: impl Fn(&World) -> bool) {
        let start = Instant::now();
        while !is_done(&self.simulator.world()) {
            if start.elapsed() > TIMEOUT {
                self.fail(&format!("timed out: {what}"));
            }
            sleep(Duration::from_millis(20));
        }
        println!("  [{what}]");
    }

    fn fail(&mut self, why: &str) -> ! {
        self.kill();
        println!("  [{why}]");
        println!("{:#?}", self.simulator.world().violations());
        exit(1);
    }
}

/// Scans the next code and confirms the login.
pub(crate) fn scan(account: &Simulator) {
    account.then(Duration::from_millis(500), |world| world.phone().scan());
    account.then(Duration::from_millis(300), |world| world.phone().confirm());
}

/// Returns the `UserName` of a person or room.
///
/// # Panics
///
/// If there is none of this name.
pub(crate) fn named(world: &World, name: &str) -> String {
    let found = world.contacts().iter().find(|contact| contact.nick_name.starts_with(name));
    found.unwrap_or_else(|| panic!("{name} is in the world")).user_name.clone()
}
