//! Emoji, which the service writes as elements of its page: `docs/protocol.md` §9.3.

use alloc::string::String;
use core::fmt::Write as _;

/// The start of an element.
pub(crate) const SPAN: &str = "<span class=\"emoji emoji";

/// Decodes the element at the start of a text: appends its characters and returns the text after
/// it. Returns `None` if there is no element, or its digits are not those of characters.
pub(crate) fn decode<'a>(text: &'a str, out: &mut String) -> Option<&'a str> {
    let code = text.strip_prefix(SPAN)?;
    let digits = code.bytes().take_while(u8::is_ascii_hexdigit).count();
    let (hex, end) = code.split_at(digits);
    // Either tag of U+1F450 may lack its `>`.
    let end = end.strip_prefix('"')?;
    let end = end.strip_prefix('>').unwrap_or(end).strip_prefix("</span")?;
    let after = end.strip_prefix('>').unwrap_or(end);
    if let Some((_, character)) = WRONG.iter().find(|(code, _)| *code == hex) {
        out.push(*character);
        return Some(after);
    }
    let (length, mut rest) = (out.len(), hex);
    loop {
        let Some((character, next)) = first(rest) else {
            out.truncate(length);
            return None;
        };
        out.push(character);
        if next.is_empty() {
            return Some(after);
        }
        rest = next;
    }
}

/// Parses the first code point of a sequence, whose code points are not separated.
fn first(hex: &str) -> Option<(char, &str)> {
    let digits = match hex.len() {
        // A keycap: 2 and 4 digits.
        6 if hex > "10ffff" => 2,
        length @ ..=6 => length,
        _ if hex.starts_with("1f") => 5,
        _ => 4,
    };
    let (code, rest) = hex.split_at_checked(digits)?;
    Some((char::from_u32(u32::from_str_radix(code, 16).ok()?)?, rest))
}

/// Writes the element of an emoji.
pub(crate) fn encode(emoji: &str, out: &mut String) {
    out.push_str(SPAN);
    for character in emoji.chars() {
        // Writing to a string cannot fail.
        let _ = write!(out, "{:x}", u32::from(character));
    }
    out.push_str("\"></span>");
}

/// Returns the emoji at the start of a text that the service writes as one element.
pub(crate) fn leading(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    let first = characters.next()?;
    let length = match first {
        '#' | '0'..='9' => characters.next().filter(|c| *c == KEYCAP).map(|c| 1 + c.len_utf8())?,
        _ if first.is_ascii() => return None,
        _ if CHARACTERS.contains(first) => first.len_utf8(),
        _ => FLAGS.iter().find(|flag| text.starts_with(**flag))?.len(),
    };
    text.get(..length)
}

/// Codes that do not stand for their own character. Phones send the codes of a Japanese carrier,
/// some of which have several equivalents in Unicode, and the service chooses the wrong one.
pub(crate) const WRONG: [(&str, char); 9] = [
    ("1f63c", '😁'),
    ("1f639", '😂'),
    ("1f63a", '😃'),
    ("1f4ab", '😖'),
    ("1f64d", '😔'),
    ("1f63b", '😍'),
    ("1f63d", '😘'),
    ("1f64e", '😡'),
    ("1f63f", '😢'),
];

const KEYCAP: char = '\u{20e3}';

const FLAGS: [&str; 10] = ["🇨🇳", "🇩🇪", "🇪🇸", "🇫🇷", "🇬🇧", "🇮🇹", "🇯🇵", "🇰🇷", "🇷🇺", "🇺🇸"];

/// The emoji of one character that Japanese carriers had (`EmojiSources.txt` of Unicode), except
/// those of [`WRONG`].
const CHARACTERS: &str = "\
    ©®‼⁉™ℹ↔↕↖↗↘↙↩↪⌚⌛⏩⏪⏫⏬⏰⏳Ⓜ▪▫▶◀◻◼◽◾☀☁☎☑☔☕☝☺♈♉♊♋♌ \
    ♍♎♏♐♑♒♓♠♣♥♦♨♻♿⚓⚠⚡⚪⚫⚽⚾⛄⛅⛎⛔⛪⛲⛳⛵⛺⛽✂✅✈✉✊✋✌✏✒✔✖✨✳ \
    ✴❄❇❌❎❓❔❕❗❤➕➖➗➡➰➿⤴⤵⬅⬆⬇⬛⬜⭐⭕〰〽㊗㊙🀄🃏🅰🅱🅾🅿🆎🆑🆒🆓🆔🆕🆖🆗🆘 \
    🆙🆚🈁🈂🈚🈯🈲🈳🈴🈵🈶🈷🈸🈹🈺🉐🉑🌀🌁🌂🌃🌄🌅🌆🌇🌈🌉🌊🌋🌌🌏🌑🌓🌔🌕🌙🌛🌟🌠🌰🌱🌴🌵🌷 \
    🌸🌹🌺🌻🌼🌽🌾🌿🍀🍁🍂🍃🍄🍅🍆🍇🍈🍉🍊🍌🍍🍎🍏🍑🍒🍓🍔🍕🍖🍗🍘🍙🍚🍛🍜🍝🍞🍟🍠🍡🍢🍣🍤🍥 \
    🍦🍧🍨🍩🍪🍫🍬🍭🍮🍯🍰🍱🍲🍳🍴🍵🍶🍷🍸🍹🍺🍻🎀🎁🎂🎃🎄🎅🎆🎇🎈🎉🎊🎋🎌🎍🎎🎏🎐🎑🎒🎓🎠🎡 \
    🎢🎣🎤🎥🎦🎧🎨🎩🎪🎫🎬🎭🎮🎯🎰🎱🎲🎳🎴🎵🎶🎷🎸🎹🎺🎻🎼🎽🎾🎿🏀🏁🏂🏃🏄🏆🏈🏊🏠🏡🏢🏣🏥🏦 \
    🏧🏨🏩🏪🏫🏬🏭🏮🏯🏰🐌🐍🐎🐑🐒🐔🐗🐘🐙🐚🐛🐜🐝🐞🐟🐠🐡🐢🐣🐤🐥🐦🐧🐨🐩🐫🐬🐭🐮🐯🐰🐱🐲🐳 \
    🐴🐵🐶🐷🐸🐹🐺🐻🐼🐽🐾👀👂👃👄👅👆👇👈👉👊👋👌👍👎👏👐👑👒👓👔👕👖👗👘👙👚👛👜👝👞👟👠👡 \
    👢👣👤👦👧👨👩👪👫👮👯👰👱👲👳👴👵👶👷👸👹👺👻👼👽👾👿💀💁💂💃💄💅💆💇💈💉💊💋💌💍💎💏💐 \
    💑💒💓💔💕💖💗💘💙💚💛💜💝💞💟💠💡💢💣💤💥💦💧💨💩💪💬💮💯💰💱💲💳💴💵💸💹💺💻💼💽💾💿📀 \
    📁📂📃📄📅📆📇📈📉📊📋📌📍📎📏📐📑📒📓📔📕📖📗📘📙📚📛📜📝📞📟📠📡📢📣📤📥📦📧📨📩📪📫📮 \
    📰📱📲📳📴📶📷📹📺📻📼🔃🔊🔋🔌🔍🔎🔏🔐🔑🔒🔓🔔🔖🔗🔘🔙🔚🔛🔜🔝🔞🔟🔠🔡🔢🔣🔤🔥🔦🔧🔨🔩🔪 \
    🔫🔮🔯🔰🔱🔲🔳🔴🔵🔶🔷🔸🔹🔺🔻🔼🔽🕐🕑🕒🕓🕔🕕🕖🕗🕘🕙🕚🕛🗻🗼🗽🗾🗿😁😂😃😄😅😆😉😊😋😌 \
    😍😏😒😓😔😖😘😚😜😝😞😠😡😢😣😤😥😨😩😪😫😭😰😱😲😳😵😷😸😾🙀🙅🙆🙇🙈🙉🙊🙋🙌🙏🚀🚃🚄🚅 \
    🚇🚉🚌🚏🚑🚒🚓🚕🚗🚙🚚🚢🚤🚥🚧🚨🚩🚪🚫🚬🚭🚲🚶🚹🚺🚻🚼🚽🚾🛀";
