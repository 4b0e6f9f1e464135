//! Where wheels and bytecode are made for a distribution: here, or in a container of it.

use std::sync::{Arc, PoisonError};

use super::Session;
use crate::Error as AnyError;
use crate::builder::{self, Choice, Ingredients, Recipe};
use crate::distribution::Distribution;
use crate::plan::{self, BuildPlan, InterpreterKind};
use crate::project::BytecodeMode;
use crate::resolve::{self, Inside, Start, Workshop};
use crate::stage::bytecode;

impl Session<'_> {
    /// The same for all that is built for the distribution.
    pub(super) fn workshop(&self, distribution: &Distribution) -> Result<Arc<Workshop>, AnyError> {
        let mut known = self.workshops.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(workshop) = known.get(&distribution.name) {
            return Ok(Arc::clone(workshop));
        }
        let workshop = Arc::new(self.make_workshop(distribution)?);
        known.insert(distribution.name.clone(), Arc::clone(&workshop));
        Ok(workshop)
    }

    /// Ends the distribution's container, if one runs.
    pub(super) fn close_workshop(&self, distribution: &Distribution) {
        // Ending it takes a while, in which others may want theirs: not with the list locked.
        let closed = self.workshops.lock().unwrap_or_else(PoisonError::into_inner).remove(&distribution.name);
        drop(closed);
    }

    fn make_workshop(&self, distribution: &Distribution) -> Result<Workshop, AnyError> {
        let settings = self.config.builder_settings(distribution)?;
        let choice = self.request.builder.unwrap_or(settings.engine);
        let required = matches!(choice, Choice::Podman | Choice::Docker);
        let python = self.config.python_settings(distribution)?;
        let interpreter = plan::interpreter(&python, distribution, "/")?;
        if let InterpreterKind::Bundled { .. } = interpreter.kind {
            if required {
                self.listener.warning(&format!(
                    "{}: the application brings its own Python, so nothing is built in a container",
                    distribution.name
                ));
            }
            return Ok(Workshop::here());
        }
        let (machine, settings) = (&self.request.machine, &settings);
        match Recipe::new(Ingredients { distribution, machine, interpreter: &interpreter, settings }) {
            Ok(recipe) => Ok(Workshop::new(choice, recipe, self.source.directory())?),
            // Only who asks for a container has to know what it is made of.
            Err(builder::Error::NoImage { .. } | builder::Error::NoToolchain { .. }) if !required => {
                Ok(Workshop::here())
            }
            Err(_) if choice == Choice::None => Ok(Workshop::here()),
            // Most builds need no container, and those that do say why there is none.
            Err(error) if !required => Ok(Workshop::refused(error.to_string())),
            Err(error) => Err(resolve::Error::from(error).into()),
        }
    }

    /// Bytecode is made when an interpreter of the target's series is at hand, else by the package on the target.
    pub(super) fn choose_bytecode(&self, plan: &BuildPlan) -> Result<BytecodeMode, AnyError> {
        let workshop = self.workshop(&plan.distribution)?;
        let known = workshop.is_required() && self.resolver.recall::<bytecode::Interpreter>(&workshop).is_some();
        if known || self.interpreter(plan)?.is_some() {
            return Ok(BytecodeMode::Build);
        }
        let version = plan.interpreter.version;
        self.listener.warning(&format!(
            "no CPython {version} is on this machine, so the package compiles its bytecode when it is installed; \
             with one (on PATH, or `--python PATH`) it would be packed"
        ));
        Ok(BytecodeMode::Install)
    }

    /// What compiles bytecode: the target's own Python where everything is built in a container, else one of this machine,
    /// else that of a container. None is started for what the package can do itself on the target.
    pub(super) fn interpreter(&self, plan: &BuildPlan) -> Result<Option<bytecode::Interpreter>, AnyError> {
        let workshop = self.workshop(&plan.distribution)?;
        if !workshop.is_required()
            && let Some(own) = self.own_interpreter(plan)
        {
            return Ok(Some(own));
        }
        let version = plan.interpreter.version;
        if (version.major, version.minor) < bytecode::OLDEST {
            return Ok(None);
        }
        let asked_for = workshop.is_required() || plan.bytecode == BytecodeMode::Build;
        let start = if asked_for { Start::IfNeeded } else { Start::Never };
        let inside = self.resolver.inside(&workshop, &plan.python, start)?;
        let found = inside.and_then(|Inside { container, program }| bytecode::probe_inside(&container, &program));
        if let Some(found) = &found {
            self.resolver.remember(&workshop, found)?;
        }
        Ok(found)
    }

    /// The one of the target's series on this machine, which is looked for once.
    pub(super) fn own_interpreter(&self, plan: &BuildPlan) -> Option<bytecode::Interpreter> {
        let version = plan.interpreter.version;
        let mut known = self.interpreters.lock().unwrap_or_else(PoisonError::into_inner);
        let find = || bytecode::find_interpreter(version, &self.request.resolve.pythons);
        known.entry((version.major, version.minor)).or_insert_with(find).clone()
    }
}
