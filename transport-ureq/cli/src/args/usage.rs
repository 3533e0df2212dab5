//! Failures of invalid arguments.

use std::error::Error as _;

use clap::error::{ContextKind, ErrorKind};

use crate::exit::{Exit, Failure};

/// Returns the failure of invalid arguments, with clap's message in one line.
pub(crate) fn failure(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let mut paragraphs = text.split("\n\n").map(one_line);
    let line = paragraphs.next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    let failure = Failure::new(Exit::Usage, line, chinese(error).as_deref().unwrap_or(line));
    if let Some(tip) = paragraphs.find_map(|line| Some(line.strip_prefix("tip: ")?.to_owned())) {
        return failure.hint(&*tip, suggestion(error).unwrap_or_else(|| tip.clone()));
    }
    let command = command(error).unwrap_or_else(|| "wechat COMMAND".to_owned());
    failure.hint(
        format!("`{command} --help` shows the usage with examples"),
        format!("用法和示例见 `{command} --help`"),
    )
}

/// Returns the message in Chinese, for the usual kinds of errors.
fn chinese(error: &clap::Error) -> Option<String> {
    let context = |kind| error.get(kind).map(ToString::to_string);
    let argument = || context(ContextKind::InvalidArg);
    Some(match error.kind() {
        ErrorKind::InvalidValue => {
            let (argument, value) = (argument()?, context(ContextKind::InvalidValue)?);
            let problem = match value.is_empty() {
                true => format!("`{argument}` 缺少值"),
                false => format!("`{argument}` 的值 `{value}` 无效"),
            };
            match context(ContextKind::ValidValue).filter(|values| !values.is_empty()) {
                Some(values) => format!("{problem}，可用的值：{values}"),
                None => problem,
            }
        }
        ErrorKind::ValueValidation => {
            let value = context(ContextKind::InvalidValue)?;
            format!("`{}` 的值 `{value}` 无效：{}", argument()?, error.source()?)
        }
        ErrorKind::UnknownArgument => format!("未知的参数 `{}`", argument()?),
        ErrorKind::InvalidSubcommand => {
            format!("未知的命令 `{}`", context(ContextKind::InvalidSubcommand)?)
        }
        ErrorKind::MissingRequiredArgument => format!("缺少参数 {}", argument()?),
        ErrorKind::ArgumentConflict => {
            format!("`{}` 不能与 `{}` 同用", argument()?, context(ContextKind::PriorArg)?)
        }
        _ => return None,
    })
}

/// Returns the similar names that clap suggests, in Chinese.
fn suggestion(error: &clap::Error) -> Option<String> {
    let kinds =
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    let names = kinds.into_iter().find_map(|kind| error.get(kind))?;
    Some(format!("相近的写法：{names}"))
}

/// Returns the command whose arguments are invalid, such as `wechat send`, if clap shows its usage.
fn command(error: &clap::Error) -> Option<String> {
    let usage = error.get(ContextKind::Usage)?.to_string();
    let words = usage.strip_prefix("Usage: ")?.split_whitespace();
    let is_name = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    Some(words.take_while(is_name).collect::<Vec<_>>().join(" "))
}

/// Joins the words of a text with single spaces.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
