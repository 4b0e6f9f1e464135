//! In which order the build's own services start, whatever the service manager.

use std::collections::BTreeMap;

use crate::plan::BuildPlan;
use crate::project::Service;

use super::Error;

/// How many of the build's services one after the other have to start before each, by its name.
///
/// # Errors
/// When services wait for each other.
pub fn levels(plan: &BuildPlan) -> Result<BTreeMap<&str, u32>, Error> {
    let all = plan.packages.iter().flat_map(|package| &package.services).collect::<Vec<_>>();
    let mut levels = BTreeMap::new();
    for service in &all {
        level(&all, service, &mut Vec::new(), &mut levels)?;
    }
    Ok(levels)
}

fn level<'a>(
    all: &[&'a Service],
    service: &'a Service,
    waiting: &mut Vec<&'a str>,
    levels: &mut BTreeMap<&'a str, u32>,
) -> Result<u32, Error> {
    let name = service.name.as_str();
    if let Some(known) = levels.get(name) {
        return Ok(*known);
    }
    if let Some(start) = waiting.iter().position(|other| *other == name) {
        let circle = waiting.iter().skip(start).chain([&name]).copied().collect::<Vec<_>>();
        return Err(Error::Cycle { services: circle.join(" -> ") });
    }
    waiting.push(name);
    let mut own = 0;
    for earlier in all.iter().filter(|other| waits_for(service, other)) {
        own = own.max(level(all, earlier, waiting, levels)? + 1);
    }
    waiting.pop();
    levels.insert(name, own);
    Ok(own)
}

/// Does `service` start after `other`? What is required is waited for, unless it is to wait itself.
pub fn waits_for(service: &Service, other: &Service) -> bool {
    let names = |list: &[String], named: &Service| {
        list.iter().any(|unit| unit.strip_suffix(".service").is_some_and(|name| name == named.name))
    };
    names(&service.after, other)
        || names(&other.before, service)
        || (names(&service.requires, other) && !names(&service.before, other))
}
