//! The help in Chinese.

use clap::{Arg, Command};

use crate::exit::Exit;
use crate::lang::Lang;

/// The texts of a command, or of the options of all commands: its name, its description, and its
/// arguments by their names.
type Texts = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const GLOBAL: Texts = (
    "wechat",
    "命令行微信\n\n\
     与自己的手机互传文件，收发消息。与腾讯无关；腾讯不允许部分账号登录网页版，\
     `--entry filehelper`（文件传输助手网页版）据目前所知对所有账号开放，但只能与自己的手机收发。",
    &[
        ("server", "使用此服务器代替腾讯的服务器，例如模拟器：https://主机:端口"),
        ("resolve", "指定主机的连接地址，可重复"),
        ("ca", "额外信任此 PEM 文件中的证书，可重复"),
        ("proxy", "通过 HTTP 或 SOCKS 代理连接，例如 socks5://用户:密码@主机:端口"),
        ("session", "将会话保存在此文件中"),
        ("profile", "使用此名称的会话，用于多个账号"),
        ("entry", "登录入口 [默认：web，或唯一已登录的入口；drop 为 filehelper]"),
        ("json", "输出 JSON，每行一个对象"),
        ("trace", "将所有请求和响应记录到此文件（隐去机密），可用 `wechat inspect` 查看"),
        ("trace_secrets", "与 `--trace` 同用：连同机密一起记录，任何人得到该文件即可使用账号"),
        ("wait", "会话被其他进程占用时等待的秒数"),
        ("lang", "输出语言 [默认：系统语言]"),
    ],
);

const GLOBAL_HEADING: &str = "所有命令的选项";

/// The options that clap provides.
const PROVIDED: &[(&str, &str)] = &[("help", "显示帮助；`-h` 只显示摘要"), ("version", "显示版本")];

const CONTACT: &str = "备注、昵称、微信号或 `UserName`";
const MESSAGE: &str =
    "`listen --json` 输出的消息；`-` 从标准输入读取。收到该消息的命令仍在运行时，编号即可";

const COMMANDS: &[Texts] = &[
    (
        "login",
        "扫码登录，或恢复已保存的会话",
        &[
            ("force", "重新登录，即使已保存的会话仍然有效或曾被服务器断开"),
            ("client_version", "与 `--entry desktop` 同用：桌面客户端的版本，例如 2.0.0"),
            ("extspam", "与 `--entry desktop` 同用：包含桌面客户端 `extspam` 头的文件"),
        ],
    ),
    (
        "status",
        "显示账号、占用会话的进程，以及会话是否有效\n\n会话有效或正被占用时退出码为 0，已结束时为 3，可用于监控。",
        &[],
    ),
    ("logout", "退出登录\n\n下次 `wechat login` 只需在手机上确认，不必扫码。", &[]),
    (
        "contacts",
        "列出名称包含某段文字的联系人，或全部联系人\n\n给出文字时还会显示 `UserName`：它是唯一的，仅在本次登录期间有效。",
        &[("pattern", "昵称、备注、微信号或拼音的一部分")],
    ),
    ("rooms", "列出群聊", &[]),
    ("members", "列出群成员", &[("room", "群名称")]),
    (
        "send",
        "向联系人或群发送文本、文件或图片\n\n不会重复发送：退出码 7 表示未收到回复，消息可能已经送达。",
        &[
            ("name", "备注、昵称、微信号或 `UserName`；`filehelper` 是自己的手机"),
            ("text", "文本；`-` 从标准输入读取"),
            ("file", "按原样发送此文件"),
            ("image", "发送此图片、视频或 GIF，直接显示在聊天中"),
        ],
    ),
    (
        "drop",
        "发送文件到自己的手机，或保存手机发来的文件\n\n\
         使用文件传输助手网页版，据目前所知对所有账号开放；手机上的文件在“文件传输助手”聊天中。\
         没有有效会话时，在终端中会显示二维码，否则退出码为 3。\n\n\
         收到的文件完整后才会得到正式名称，不会覆盖其他文件。进程被终止或系统崩溃后，\
         下次启动会继续：每个文件恰好保存一次。`--exec` 在文件保存后执行，每个文件至多一次。",
        &[
            ("files", "要发送的文件；`-` 为标准输入"),
            ("text", "发送此文本；`-` 从标准输入读取"),
            ("name", "以此名称发送文件"),
            ("receive", "把手机发来的文件保存到此文件夹，并显示手机发来的文本，直到按 Ctrl-C"),
            ("max_size", "不保存更大的文件：字节数，或带 K、M、G 的数字"),
            ("count", "保存这么多文件后结束"),
            ("exec", "每保存一个文件就运行此程序，参数之后附上文件的绝对路径；必须位于命令行末尾"),
        ],
    ),
    (
        "listen",
        "显示收到的消息，直到按 Ctrl-C\n\n\
         没有有效会话时，在终端中会显示二维码。每条消息显示之后才会被确认；\
         没有运行 `listen` 期间到达的消息会先显示。",
        &[("count", "显示这么多消息后结束")],
    ),
    (
        "chat",
        "与联系人或群聊天\n\n\
         逐行发送标准输入的内容，直到结束（Ctrl-D），并显示此聊天的消息。\
         其他聊天的消息留给下一次 `listen`。",
        &[("name", CONTACT)],
    ),
    (
        "download",
        "把消息中的文件、图片、语音或视频保存到文件夹",
        &[("message", MESSAGE), ("folder", "文件夹；不会覆盖同名文件")],
    ),
    ("forward", "把消息转发给联系人或群", &[("message", MESSAGE), ("name", CONTACT)]),
    (
        "revoke",
        "在两分钟内撤回自己的消息",
        &[
            (
                "message",
                "`send --json` 或 `listen --json` 输出的一行；`-` 从标准输入读取。\
                 如果给出接收者，或者发送该消息的命令仍在运行，也可以只给消息编号",
            ),
            ("name", "只给出编号时：消息的接收者"),
        ],
    ),
    (
        "inspect",
        "解读浏览器的抓包（HAR）或单个响应\n\n\
         显示每个请求的目的、响应的含义和联系人的名称。机密会被隐去，同一机密的替代文字相同。",
        &[
            ("files", "HAR 文件，或含有一个响应、消息或联系人的文件；`-` 为标准输入"),
            ("me", "账号的 `UserName`，抓包中没有时需要给出"),
            ("redact", "写出一份副本，不含机密、账号编号和其他服务的请求；聊天的名称和文本仍保留"),
            ("mask_texts", "副本中的名称和文本也隐去，并去掉图片和文件"),
            ("html", "把时间线写成网页"),
        ],
    ),
    (
        "bridge",
        "通过标准输入和输出的 JSON 行，供任何语言的程序使用会话\n\n\
         标准输入每行是一个请求，标准输出每行是一个回复或事件，格式见 `docs/bridge.md`：\n\
         https://github.com/wechat-proto/wechat-proto/blob/main/transport-ureq/cli/docs/bridge.md\n\n\
         消息在其事件被 `ack` 请求确认之前，下次启动时会再次送达。",
        &[
            ("auto_ack", "消息写出后立即确认；程序结束时尚未处理的消息会丢失"),
            ("listen", "改为在此地址提供 HTTP 服务"),
            ("token_file", "从此文件读取 HTTP 的令牌 [默认：新生成一个，显示在标准错误]"),
            ("allow_remote", "允许监听其他机器可以访问的地址（没有 TLS）"),
        ],
    ),
    ("completions", "输出 shell 的命令补全脚本", &[("shell", "shell 的名称")]),
];

/// Returns the command with its help in Chinese. The examples are kept.
pub(crate) fn localized(command: Command) -> Command {
    let command = described(command, &GLOBAL).after_help(Exit::table(Lang::Zh));
    let texts = |sub: &Command| COMMANDS.iter().find(|(name, ..)| *name == sub.get_name());
    let mut command =
        command.subcommand_help_heading("命令").mut_subcommands(|sub| match texts(&sub) {
            Some(texts) => described(sub, texts),
            None => sub,
        });
    // Adds the options and the command that clap provides.
    command.build();
    let provided = |command: Command| {
        command.mut_args(|argument| described_argument(argument, PROVIDED, GLOBAL_HEADING))
    };
    provided(command).mut_subcommands(|sub| match sub.get_name() {
        "help" => sub.about("显示帮助或某个命令的帮助"),
        _ => provided(sub),
    })
}

fn described(command: Command, (_, text, arguments): &Texts) -> Command {
    let english = command.get_long_about().map(ToString::to_string).unwrap_or_default();
    let examples = english.split("\n\n").find(|paragraph| paragraph.starts_with("Example"));
    let examples = examples.map(|examples| {
        let examples = examples.replacen("Examples:", "示例：", 1);
        format!("\n\n{}", examples.replacen("Example: ", "示例：", 1))
    });
    let short = text.split("\n\n").next().unwrap_or_default();
    let heading = if command.get_name() == "wechat" { GLOBAL_HEADING } else { "选项" };
    command
        .about(short)
        .long_about(format!("{text}{}", examples.unwrap_or_default()))
        .help_template("{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}")
        .mut_args(|argument| described_argument(argument, arguments, heading))
}

fn described_argument(argument: Arg, texts: &[(&str, &'static str)], heading: &'static str) -> Arg {
    let heading = if argument.is_positional() { "参数" } else { heading };
    match texts.iter().find(|(name, _)| *name == argument.get_id().as_str()) {
        Some((_, text)) => {
            argument.help(*text).long_help(None::<&'static str>).help_heading(heading)
        }
        None => argument,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Args;

    #[test]
    fn every_command_and_argument_is_described_in_chinese() {
        let command = localized(Args::command());
        let is_chinese =
            |text: String| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        for sub in command.get_subcommands() {
            let name = sub.get_name();
            assert!(sub.get_about().is_some_and(|text| is_chinese(text.to_string())), "{name}");
            for argument in sub.get_arguments().filter(|_| name != "help") {
                let id = argument.get_id().as_str();
                let is_described =
                    argument.get_help().is_some_and(|text| is_chinese(text.to_string()));
                assert!(is_described && argument.get_long_help().is_none(), "{name} {id}");
            }
        }
        let known = |(name, ..): &Texts| command.find_subcommand(name).is_some();
        assert!(COMMANDS.iter().all(known));
    }
}
