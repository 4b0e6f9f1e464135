//! What a processor must know to run a release's own packages.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// An instruction set by the name that compilers have for it (`-march=`).
///
/// Those of x86 are the levels of the x86-64 psABI ("Micro-Architecture Levels",
/// <https://gitlab.com/x86-psABIs/x86-64-ABI>), each of which has all of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Isa {
    /// Every 64-bit processor of AMD and Intel.
    #[serde(rename = "x86-64")]
    X86_64,
    /// With SSE4.2, POPCNT and CMPXCHG16B: since about 2009.
    #[serde(rename = "x86-64-v2")]
    X86_64V2,
    /// With AVX2, BMI2 and FMA: since about 2013, not in every processor sold later.
    #[serde(rename = "x86-64-v3")]
    X86_64V3,
    /// With the commoner parts of AVX-512.
    #[serde(rename = "x86-64-v4")]
    X86_64V4,
    /// Every 64-bit processor of ARM.
    #[serde(rename = "armv8-a")]
    Armv8A,
    /// With atomics of its own and the instructions for cryptography: Graviton2 and newer.
    #[serde(rename = "armv8.2-a+crypto")]
    Armv8_2ACrypto,
}

impl Isa {
    pub const ALL: [Self; 6] =
        [Self::X86_64, Self::X86_64V2, Self::X86_64V3, Self::X86_64V4, Self::Armv8A, Self::Armv8_2ACrypto];

    /// `x86-64-v2`
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86-64",
            Self::X86_64V2 => "x86-64-v2",
            Self::X86_64V3 => "x86-64-v3",
            Self::X86_64V4 => "x86-64-v4",
            Self::Armv8A => "armv8-a",
            Self::Armv8_2ACrypto => "armv8.2-a+crypto",
        }
    }

    /// The machines that have it, as `uname -m` calls them.
    #[must_use]
    pub fn machine(self) -> &'static str {
        match self {
            Self::X86_64 | Self::X86_64V2 | Self::X86_64V3 | Self::X86_64V4 => "x86_64",
            Self::Armv8A | Self::Armv8_2ACrypto => "aarch64",
        }
    }

    /// What every machine of this kind has: the least that a release can ask for. `None` where omnipack knows no levels.
    #[must_use]
    pub fn least(machine: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|isa| isa.machine() == machine)
    }

    /// Of the levels of x86-64, counted from 1.
    #[must_use]
    pub fn of_x86_level(level: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|isa| isa.x86_level() == Some(level))
    }

    /// 2 for x86-64-v2; `None` for another machine.
    #[must_use]
    pub fn x86_level(self) -> Option<u8> {
        (self.machine() == "x86_64").then(|| self.rank())
    }

    fn rank(self) -> u8 {
        match self {
            Self::X86_64 | Self::Armv8A => 1,
            Self::X86_64V2 | Self::Armv8_2ACrypto => 2,
            Self::X86_64V3 => 3,
            Self::X86_64V4 => 4,
        }
    }
}

impl PartialOrd for Isa {
    /// Less: every processor that has the other has this one, too. Those of different machines do not compare.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self.machine() == other.machine()).then(|| self.rank().cmp(&other.rank()))
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_within_a_machine() {
        assert!(Isa::X86_64 < Isa::X86_64V2 && Isa::X86_64V2 < Isa::X86_64V3 && Isa::X86_64V3 < Isa::X86_64V4);
        assert!(Isa::Armv8A < Isa::Armv8_2ACrypto);
        assert_eq!(Isa::X86_64.partial_cmp(&Isa::Armv8A), None);
        assert_eq!(Isa::of_x86_level(3), Some(Isa::X86_64V3));
        assert_eq!((Isa::of_x86_level(0), Isa::of_x86_level(5)), (None, None));
        assert_eq!((Isa::least("x86_64"), Isa::least("aarch64")), (Some(Isa::X86_64), Some(Isa::Armv8A)));
        assert_eq!(Isa::least("s390x"), None);
    }

    #[test]
    fn names_are_those_of_the_data() {
        for isa in Isa::ALL {
            assert_eq!(serde_json::to_value(isa).unwrap(), isa.name());
        }
    }
}
