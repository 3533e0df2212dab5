//! The output, as text for people or as JSON lines.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;
use wechat_proto::Message;

use crate::exit::Failure;
use crate::lang::{Lang, Words};

/// The version of the JSON lines: `"v"`. Later versions of the command only add fields.
pub(crate) const SCHEMA: u32 = 1;

/// The form of the output: text in a language, or JSON lines (`--json`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) lang: Lang,
}

/// A JSON line.
#[derive(Serialize)]
struct Line<'a, T> {
    v: u32,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(flatten)]
    fields: &'a T,
}

impl Output {
    pub(crate) const fn new(json: bool, lang: Lang) -> Self {
        Self { json, lang }
    }

    /// Prints a result on standard output and flushes it: as the JSON line
    /// `{"v":1,"type":KIND,…fields}`, or as text.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`](crate::exit::Exit::LocalFile) if standard output is closed or full.
    pub(crate) fn result(
        &self,
        kind: &str,
        fields: &impl Serialize,
        text: impl FnOnce(Lang) -> String,
    ) -> Result<(), Failure> {
        print(&match self.json {
            true => self.json_line(kind, fields),
            false => text(self.lang),
        })
    }

    /// Prints a remark on standard error. Does nothing with `--json`.
    pub(crate) fn remark(&self, words: &Words) {
        if !self.json {
            // A closed standard error is no failure of the command.
            let _ = writeln!(io::stderr(), "{}", words.in_lang(self.lang));
        }
    }

    /// Prints a notice: a JSON line on standard output, or a remark for people.
    ///
    /// # Errors
    ///
    /// Those of [`Output::result`].
    pub(crate) fn notice(
        &self,
        kind: &str,
        fields: &impl Serialize,
        words: &Words,
    ) -> Result<(), Failure> {
        self.remark(words);
        if self.json { self.result(kind, fields, |_| String::new()) } else { Ok(()) }
    }

    /// Prints a failure in one line on standard error, and returns its exit code.
    pub(crate) fn fail(&self, failure: &Failure) -> ExitCode {
        self.report(failure);
        failure.exit.into()
    }

    /// Prints a failure in one line on standard error.
    pub(crate) fn report(&self, failure: &Failure) {
        if failure.message.in_lang(self.lang).is_empty() {
            return;
        }
        let line = match self.json {
            true => self.json_line("error", &json!({ "error": self.error(failure) })),
            false => {
                let mut line = format!("wechat: {}", failure.message.in_lang(self.lang));
                if let Some(hint) = &failure.hint {
                    let _ =
                        write!(line, "{}{}", self.lang.pick("; ", "。"), hint.in_lang(self.lang));
                }
                line
            }
        };
        let _ = writeln!(io::stderr(), "{line}");
    }

    /// Returns a failure as the value of `error` in a JSON line.
    pub(crate) fn error(&self, failure: &Failure) -> serde_json::Value {
        let mut error = failure.details.clone();
        // Some failures have a more precise kind.
        error.entry("kind").or_insert_with(|| failure.exit.name().into());
        error.insert("exit".into(), (failure.exit as u8).into());
        error.insert("message".into(), failure.message.in_lang(self.lang).into());
        if let Some(hint) = &failure.hint {
            error.insert("hint".into(), hint.in_lang(self.lang).into());
        }
        error.into()
    }

    fn json_line(&self, kind: &str, fields: &impl Serialize) -> String {
        let line = Line { v: SCHEMA, kind, fields };
        serde_json::to_string(&line).expect("fields are structures or maps with text keys")
    }
}

/// Prints a line on standard output and flushes it.
///
/// # Errors
///
/// [`Exit::LocalFile`](crate::exit::Exit::LocalFile) if standard output is closed or full.
pub(crate) fn print(line: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all([line, "\n"].concat().as_bytes());
    written.and_then(|()| stdout.flush()).map_err(Failure::stdout)
}

/// Returns the text of a message; for other kinds, a word in brackets and the title: `[File] a.pdf`.
pub(crate) fn text(message: &Message, lang: Lang) -> String {
    match message.text() {
        Some(text) => text.to_owned(),
        None => message.preview(&lang.of_service()).into_owned(),
    }
}

/// Returns whether standard input and standard error are a terminal, so that a user can be prompted.
pub(crate) fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn json_line_has_version_and_type() {
        let output = Output::new(true, Lang::En);
        assert_eq!(
            output.json_line("sent", &json!({"id": "7"})),
            r#"{"v":1,"type":"sent","id":"7"}"#
        );
    }

    #[test]
    fn failure_is_an_object_in_json() {
        let failure =
            Failure::new(Exit::Refused, "no", "不").hint("wait", "等").detail("ret", 1205);
        assert_eq!(
            Output::new(true, Lang::Zh).error(&failure),
            json!({"kind": "refused", "exit": 6, "message": "不", "hint": "等", "ret": 1205})
        );
    }
}
