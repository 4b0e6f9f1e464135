//! `.socket` units: systemd opens the sockets of a service, starts it at the first connection, and keeps them over its
//! restarts.

use std::net::SocketAddr;

use serde::Serialize;

use crate::plan::BuildPlan;
use crate::service::Error;
use crate::service::checked::Checked;
use crate::template;

use super::{description, names, wanted_by};

#[derive(Serialize)]
struct Unit<'a> {
    description: String,
    part_of: Option<[String; 1]>,
    /// systemd.socket(5), `ListenStream=`.
    addresses: Vec<String>,
    /// An address may be given to an interface later than the socket is opened.
    free_bind: bool,
    /// Is one of them a path?
    path: bool,
    user: &'a str,
    group: &'a str,
    wanted_by: Vec<String>,
}

/// The text of the unit file.
pub(super) fn unit(plan: &BuildPlan, checked: &Checked<'_>) -> Result<String, Error> {
    let service = checked.service;
    let addresses = service.listen.iter().map(|text| address(checked, text)).collect::<Result<Vec<_>, _>>()?;
    let late = |text: &String| text.parse::<SocketAddr>().is_ok_and(|address| !address.ip().is_loopback());
    let unit = Unit {
        description: description(plan, checked),
        part_of: names::target(plan).map(|target| [target]),
        free_bind: addresses.iter().any(late),
        path: addresses.iter().any(|address| address.starts_with('/')),
        addresses,
        user: checked.user,
        group: if service.group.is_empty() { checked.user } else { &service.group },
        wanted_by: wanted_by(plan, "sockets.target"),
    };
    let template = include_str!("../../../templates/systemd/service.socket");
    Ok(template::render(&format!("{}.socket", checked.id), template, unit)?)
}

/// systemd resolves no names of hosts, nor does the launcher of init scripts; only `localhost` is one whose address is known.
pub fn address(checked: &Checked<'_>, text: &str) -> Result<String, Error> {
    if let Some(port) = text.strip_prefix("localhost:") {
        return Ok(format!("127.0.0.1:{port}"));
    }
    let port = text.parse::<u16>().is_ok();
    if port || text.starts_with('/') || text.parse::<SocketAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    Err(Error::Value {
        service: checked.service.name.clone(),
        key: "listen",
        value: text.to_owned(),
        reason: "has the name of a host, which nobody looks up for it".to_owned(),
        hint: "write an address: `192.0.2.1:8000`, `[2001:db8::1]:8000`, or only the port".to_owned(),
    })
}
