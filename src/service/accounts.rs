//! System accounts: which package creates them, what it needs for that, and names that are sound.

use serde::Serialize;

use crate::distribution::PackageFormat;
use crate::plan::{BuildPlan, PackagePlan, Relation, RelationKind};
use crate::project::User;

use super::Error;

/// An account as `useradd` needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    pub name: String,
    pub group: String,
    pub home: String,
    pub shell: String,
    pub groups: Vec<String>,
    pub comment: String,
    /// Does this package delete the account when it is removed?
    pub remove: bool,
    /// Does the configuration give the account to this package, or does the package only use it?
    #[serde(skip)]
    pub own: bool,
}

/// The accounts that `package` creates: its own, and every other one of the build that its services run as or its
/// files belong to. A package manager resolves owners by name when it unpacks, so each package that ships such a file
/// has to create the account before; creating one that is there does nothing. Only the package an account was given
/// to removes it.
pub fn of_package(plan: &BuildPlan, package: &PackagePlan) -> Result<Vec<Account>, Error> {
    let mut accounts = Vec::<Account>::new();
    let all = package.users.iter().chain(plan.packages.iter().flat_map(|other| &other.users));
    for user in all {
        let own = package.users.contains(user);
        let known = accounts.iter().any(|account| account.name == user.name);
        if !known && (own || uses(package, &user.name) || uses(package, &user.group)) {
            accounts.push(account(plan, user, own)?);
        }
    }
    Ok(accounts)
}

fn uses(package: &PackagePlan, name: &str) -> bool {
    package.services.iter().any(|service| service.user == name || service.group == name)
        || package.files.iter().any(|file| file.owner == name || file.group == name)
        || package.directories.iter().any(|directory| directory.owner == name || directory.group == name)
}

fn account(plan: &BuildPlan, user: &User, own: bool) -> Result<Account, Error> {
    let group = if user.group.is_empty() { &user.name } else { &user.group };
    let shell = user.shell.as_deref().unwrap_or(&plan.distribution.nologin);
    let home = if user.home.is_empty() { "/" } else { user.home.as_str() };
    check_name("user", &user.name)?;
    for name in user.groups.iter().chain([group]) {
        check_name("group", name)?;
    }
    for (key, value) in [("home", home), ("shell", shell)] {
        if !value.starts_with('/') || value.contains(|c: char| c == ':' || c.is_control()) {
            let reason = "is not an absolute path without `:`";
            return Err(Error::Account { account: user.name.clone(), key, value: value.to_owned(), reason });
        }
    }
    Ok(Account {
        name: user.name.clone(),
        group: group.clone(),
        home: home.to_owned(),
        shell: shell.to_owned(),
        groups: user.groups.clone(),
        comment: format!("{} service account", super::main_name(plan)),
        remove: own && user.remove,
        own,
    })
}

/// useradd(8): "start with a lower case letter or an underscore, followed by lower case letters, digits, underscores,
/// or dashes", at most 32 long; upper case and dots are let pass by the tools of RPM distributions.
pub fn check_name(what: &'static str, name: &str) -> Result<(), Error> {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let sound = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.len() <= 32 && name.starts_with(first) && name.chars().all(sound) {
        return Ok(());
    }
    Err(Error::AccountName { what, name: name.to_owned() })
}

/// What has to be installed before the scriptlets can make or remove accounts.
pub fn relations(plan: &BuildPlan, accounts: &[Account]) -> Vec<Relation> {
    if accounts.is_empty() {
        return Vec::new();
    }
    let relation = |kind, name: &str| Relation {
        kind,
        name: name.to_owned(),
        comparison: None,
        reason: "service accounts".to_owned(),
    };
    if plan.distribution.format == PackageFormat::Deb {
        return vec![relation(RelationKind::RequiresPre, "passwd")];
    }
    let mut relations = vec![
        relation(RelationKind::RequiresPre, "/usr/sbin/groupadd"),
        relation(RelationKind::RequiresPre, "/usr/sbin/useradd"),
    ];
    if accounts.iter().any(|account| !account.groups.is_empty()) {
        relations.push(relation(RelationKind::RequiresPre, "/usr/sbin/usermod"));
    }
    if accounts.iter().any(|account| account.remove) {
        relations.push(relation(RelationKind::Requires, "/usr/sbin/userdel"));
    }
    relations
}
