//! The bits of a contact's flags: `docs/protocol.md` §10.

use core::fmt;
use core::ops::BitOr;

use serde::{Deserialize, Serialize};

/// Defines an open set of bits: unnamed bits are kept.
macro_rules! flags {
    (
        $(#[$meta:meta])*
        $name:ident { $( $(#[$bit_meta:meta])* $bit:ident = $value:literal, )* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            $( $(#[$bit_meta])* pub const $bit: Self = Self($value); )*

            const NAMES: &[(&str, i64)] = &[$( (stringify!($bit), $value) ),*];

            /// Returns whether all of these bits are set.
            pub const fn has(self, bits: Self) -> bool {
                self.0 & bits.0 == bits.0
            }

            /// Returns the bits that have no name here.
            #[must_use]
            pub const fn unnamed(self) -> Self {
                Self(self.0 $( & !$value )*)
            }
        }

        impl BitOr for $name {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        /// Formats the names of the bits, and the rest as a number.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                let mut first = true;
                for (name, bit) in Self::NAMES {
                    if self.0 & bit != 0 {
                        f.write_str(if first { "" } else { " | " })?;
                        f.write_str(name)?;
                        first = false;
                    }
                }
                match self.unnamed().0 {
                    0 if first => f.write_str("0)"),
                    0 => f.write_str(")"),
                    rest => write!(f, "{}{rest:#x})", if first { "" } else { " | " }),
                }
            }
        }
    };
}

flags! {
    /// `ContactFlag`: the relation of a contact to the account, as bits.
    ///
    /// Bits other than the named ones occur (such as 32768); their meaning is unknown.
    ContactFlag {
        /// Is in the address book: a friend, a followed account, a saved room.
        CONTACT = 0x1,
        /// Has a chat.
        CHAT = 0x2,
        /// Is a room.
        CHAT_ROOM = 0x4,
        /// Is on the account's blacklist.
        BLACKLIST = 0x8,
        /// Belongs to a domain.
        DOMAIN = 0x10,
        /// Is hidden.
        HIDDEN = 0x20,
        /// Is a favourite.
        FAVOURITE = 0x40,
        /// Is a third-party app.
        THIRD_PARTY_APP = 0x80,
        /// May not see the account's Moments.
        MOMENTS_BLACKLIST = 0x100,
        /// Notifications are muted. Used for persons and official accounts; rooms use `Statues`.
        NOTIFY_CLOSED = 0x200,
        /// Is pinned to the top of the chats.
        TOP = 0x800,
        /// Its Moments are not shown to the account. The official list lacks this bit; its source
        /// is wwdk.
        MOMENTS_IGNORED = 0x1_0000,
    }
}

flags! {
    /// `VerifyFlag`: the type of official account, as bits; 0 for persons.
    ///
    /// Captured values are 8, 24 (Tencent's own accounts), 56 (the WeChat team) and 136.
    VerifyFlag {
        /// A business.
        BUSINESS = 1,
        /// A celebrity.
        FAMOUS = 2,
        /// A big business.
        BIG_BUSINESS = 4,
        /// An official account: every one of them has this bit.
        BRAND = 8,
        /// Verified.
        VERIFIED = 16,
    }
}

flags! {
    /// `SnsFlag`: flags of Moments, as bits; 17 is the usual value.
    SnsFlag {
        /// Has a Moments album.
        ALBUM = 1,
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn debug_shows_names_and_unnamed_bits() {
        // `docs/shapes.md` S34.
        for (flag, shown) in [
            (0, "ContactFlag(0)"),
            (3, "ContactFlag(CONTACT | CHAT)"),
            (34_819, "ContactFlag(CONTACT | CHAT | TOP | 0x8000)"),
            (65_539, "ContactFlag(CONTACT | CHAT | MOMENTS_IGNORED)"),
            (
                42_343,
                "ContactFlag(CONTACT | CHAT | CHAT_ROOM | HIDDEN | FAVOURITE | MOMENTS_BLACKLIST | 0xa400)",
            ),
            (0x400, "ContactFlag(0x400)"),
        ] {
            assert_eq!(format!("{:?}", ContactFlag(flag)), shown);
        }
        assert_eq!(format!("{:?}", VerifyFlag(136)), "VerifyFlag(BRAND | 0x80)");
        assert_eq!(ContactFlag(34_819).unnamed(), ContactFlag(32_768));
        assert!(ContactFlag(-1).has(ContactFlag::TOP | ContactFlag::BLACKLIST));
        assert!(!ContactFlag(8).has(ContactFlag::TOP | ContactFlag::BLACKLIST));
    }
}
