//! What the pass over the packed bytes found out.

use std::sync::Arc;

use crate::distribution::ToolVersion;
use crate::stage::elf::Symbols;
use crate::stage::{Origin, TargetPath};

/// Everything found while one package was packed.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    pub elf: Vec<ElfFacts>,
    pub leaks: Vec<Leak>,
}

/// What a native object is and needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElfFacts {
    pub path: TargetPath,
    pub origin: Origin,
    /// As `uname -m`: `x86_64`, `aarch64`, `i686`...
    pub machine: Arc<str>,
    pub bits: u8,
    pub soname: Option<Arc<str>>,
    pub needed: Vec<Arc<str>>,
    /// RUNPATH, or RPATH, split at `:`, `$ORIGIN` not yet expanded.
    pub search_path: Vec<Arc<str>>,
    /// Per library, the symbol versions it must have: (`libc.so.6`, `GLIBC_2.17`).
    pub version_needs: Vec<(Arc<str>, Arc<str>)>,
    /// Newest `GLIBC_x.y` among them.
    pub glibc: Option<ToolVersion>,
    /// The symbols that it takes from libraries; `None` where they are not known: no dynamic segment, or tables of many MiB.
    pub symbols: Option<Symbols>,
    /// Has an interpreter (is a program).
    pub executable: bool,
    /// Has a GNU hash table and no older one, which the dynamic linker has to know (`rtld(GNU_HASH)`).
    pub gnu_hash_only: bool,
    /// Level of x86-64 that its GNU property note asks for: 2 for x86-64-v2. `None`: says nothing.
    pub x86_level: Option<u8>,
}

/// A packed byte that names the machine or the credentials of the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    pub path: TargetPath,
    pub origin: Origin,
    pub kind: LeakKind,
    /// Of the first occurrence, from the start of the file.
    pub offset: u64,
    /// The path that is named; nothing of a credential.
    pub text: String,
    /// Inside an archive: the member's name.
    pub member: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeakKind {
    BuildPath,
    HomeDirectory,
    Credential,
}
