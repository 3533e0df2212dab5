//! Usage errors, help and completions.

use crate::place::{Place, Ran, run, wechat};

fn wechat_with(arguments: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    run(wechat(folder.path()).args(arguments))
}

#[test]
fn help_explains_exit_codes() {
    for arguments in [&["--help"][..], &["help"], &[]] {
        let ran = wechat_with(arguments);
        let text = [&*ran.stdout, &*ran.stderr].concat();
        for line in ["  3   login needed", "  7   no answer", "      --json"] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
    assert_eq!(wechat_with(&["--help"]).code, 0);
}

#[test]
fn invalid_arguments_are_reported_in_one_line() {
    wechat_with(&["--nonsense"]).assert_fails(2, &["'--nonsense'", "wechat --help"]);
    wechat_with(&["drop", "--recieve", "x"]).assert_fails(2, &["'--recieve'", "'--receive'"]);
    wechat_with(&["fly"]).assert_fails(2, &["'fly'; `wechat --help` shows the usage"]);
    wechat_with(&["status", "--resolve", "x"]).assert_fails(2, &["HOST:PORT:ADDR"]);
    wechat_with(&["status", "--server", "http://wx.example"])
        .assert_fails(2, &["http://wx.example"]);
    wechat_with(&["status", "--profile", "../x"])
        .assert_fails(2, &["`../x` cannot name a profile; use at most 64 letters"]);
    wechat_with(&["status", "--profile", "a", "--session", "b"]).assert_fails(2, &["--session"]);
    let usage = "`wechat send --help` shows the usage with examples\n";
    wechat_with(&["send", "Ada"]).assert_fails(2, &[usage]);
    let help = wechat_with(&["send", "--help"]).stdout;
    let usage = "\nUsage: wechat send [OPTIONS] <NAME> <TEXT|--file <PATH>|--image <PATH>>\n";
    assert!(help.contains(usage), "{help}");
    let json = wechat_with(&["--json", "--nonsense"]);
    assert!(json.stderr.starts_with(r#"{"v":1,"type":"error","error":{"exit":2,"#), "{json:?}");
}

#[test]
fn invalid_arguments_are_reported_in_chinese() {
    for (arguments, line) in [
        (&["fly"][..], "未知的命令 `fly`。用法和示例见 `wechat --help`"),
        (&["conacts"], "未知的命令 `conacts`。相近的写法：chat, contacts"),
        (&["drop", "--recieve", "x"], "未知的参数 `--recieve`。相近的写法：--receive"),
        (
            &["send", "Ada"],
            "缺少参数 <TEXT|--file <PATH>|--image <PATH>>。用法和示例见 `wechat send --help`",
        ),
        (
            &["send", "Ada", "hi", "--file", "x"],
            "`[TEXT]` 不能与 `--file <PATH>` 同用。用法和示例见 `wechat send --help`",
        ),
        (
            &["login", "--entry", "x"],
            "`--entry <web|desktop|filehelper>` 的值 `x` 无效，可用的值：web, desktop, filehelper",
        ),
        (&["login", "--profile"], "`--profile <NAME>` 缺少值"),
        (
            &["login", "--wait", "x"],
            "`--wait <SECONDS>` 的值 `x` 无效：expected a number of seconds",
        ),
    ] {
        let ran = wechat_with(&[arguments, &["--lang", "zh"]].concat());
        ran.assert_fails(2, &[&*format!("wechat: {line}")]);
    }
}

#[test]
fn messages_are_in_the_language_of_the_locale() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(wechat(folder.path()).arg("status").env("LANG", "zh_CN.UTF-8"));
    ran.assert_fails(3, &["尚未登录", "wechat login"]);
    let arguments = ["status", "--entry", "filehelper", "--profile", "bot"];
    wechat_with(&arguments)
        .assert_fails(3, &["`wechat login --entry filehelper --profile bot` in a terminal"]);
    let ran = run(wechat(folder.path()).args(["send", "--help"]).env("LANG", "zh_CN.UTF-8"));
    for line in ["用法：wechat send", "\n示例：\n  wechat send Ada ", "\n参数:\n", "退出码 7"]
    {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
    for arguments in [&["--help"][..], &["send", "--help"], &["send", "-h"]] {
        let help = wechat_with(&[arguments, &["--lang", "zh"]].concat()).stdout;
        for english in ["Options:", "Commands:", "Arguments:", "Print"] {
            assert!(!help.contains(english), "{english}: {help}");
        }
        assert!(help.contains("显示帮助；`-h` 只显示摘要"), "{help}");
    }
    let ran = run(wechat(folder.path()).args(["status", "--lang", "zh"]));
    ran.assert_fails(3, &["尚未登录"]);
}

#[test]
fn failures_suggest_what_to_do() {
    let place = Place::file_helper().logged_in("filehelper");
    place.file("empty.session", b"");
    let hint = "truncated or changed; remove the file, and log in again with `wechat login`\n";
    place.run(&["contacts", "--session", "empty.session"]).assert_fails(9, &[hint]);
    // The token is not printed before the address is known to be free.
    let address = place.server.origin().replace("http://", "");
    place.run(&["bridge", "--listen", &address]).assert_fails(8, &[&*format!("{address}: ")]);
    let rooms = place.run(&["rooms"]);
    let remark =
        "The file-transfer page has no address book: it only reaches `filehelper`, your phone.\n";
    assert_eq!((rooms.code, &*rooms.stderr), (0, remark));
}

#[test]
fn completions_contain_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = wechat_with(&["completions", shell]);
        assert_eq!(ran.code, 0);
        assert!(ran.stdout.contains("login") && ran.stdout.contains("resolve"), "{shell}");
    }
}

#[test]
fn unreachable_server_is_a_network_failure() {
    let place = Place::web();
    let folder = tempfile::tempdir().unwrap();
    let login =
        |arguments: &[&str]| run(wechat(folder.path()).args(["login", "--json"]).args(arguments));
    // The port of a server that has ended.
    let origin = place.server.origin();
    drop(place);
    let ran = login(&["--server", &origin]);
    assert_eq!(ran.code, 8, "{ran:?}");
    assert!(ran.stderr.contains("could not be reached"), "{ran:?}");
    assert!(
        ran.stderr.contains(&format!("this profile uses {origin}: for another server")),
        "{ran:?}"
    );
    let ran = login(&["--ca", "absent.pem"]);
    assert_eq!(ran.code, 9, "{ran:?}");
    assert!(ran.stderr.contains("absent.pem: No such file"), "{ran:?}");
    std::fs::write(folder.path().join("empty.pem"), "").unwrap();
    let ran = login(&["--ca", "empty.pem"]);
    assert_eq!(ran.code, 9, "{ran:?}");
    assert!(ran.stderr.contains("empty.pem: no valid certificate in PEM format"), "{ran:?}");
    let ran = login(&["--proxy", "ftp://x"]);
    assert_eq!(ran.code, 8, "{ran:?}");
}
