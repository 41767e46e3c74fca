use std::collections::{BTreeMap, BTreeSet};

use burn::module::{ModuleMapper, Param};
use burn::prelude::*;
use burn::tensor::TensorData;
use rayon::prelude::*;
use vary_kernels::quantized::{Matrix, pack};

use super::entry::Entry;
use super::key_map::KeyMap;
use super::precision::PrecisionPlan;
use super::report::{LoadReport, NonFinite, UnknownKey, WrongShape, WrongType};
use super::source::CheckpointFiles;
use super::walk::{Parameter, Position, parameters};
use crate::error::{Error, Result};

/// Parameters by official name.
pub(super) type Named = BTreeMap<String, Parameter>;

/// Loads every parameter of `module` from `files` as f32.
///
/// # Errors
/// As [`load_with`].
pub fn load<M: Module>(module: M, files: &CheckpointFiles, map: &KeyMap) -> Result<M> {
    load_with(module, files, map, &PrecisionPlan::default())
}

/// Loads every parameter of `module` from `files` in the precision of `plan`.
///
/// A lazily initialized module is not initialized first: its random values are never drawn.
/// Parameters keep their ids, devices and gradient settings.
///
/// # Errors
/// [`Error::Mismatch`] with every key that is missing, unexpected, of a wrong shape or type, or
/// different from the key it is tied to, before any other value is read; [`Error::NonFinite`] with
/// every tensor that has NaN or infinite values; [`Error::Io`]; [`Error::AmbiguousKeys`] or
/// [`Error::UnsupportedParameter`] if the module cannot be stored with this map.
pub fn load_with<M: Module>(
    module: M,
    files: &CheckpointFiles,
    map: &KeyMap,
    plan: &PrecisionPlan,
) -> Result<M> {
    let choice = map.choose(files.names());
    let named = name_parameters(&module, |path| map.name_with(path, &choice), map)?;
    let sources = match_up(&named, files, map, &map.ties_with(&choice))?;
    read(module, files, plan, sources)
}

/// Loads a part of a model, such as a tower, as f32: the sub-module that is at `field` of the model
/// that `map` is of. Tensors of other parts are ignored.
///
/// # Errors
/// As [`load_with`].
pub fn load_part<M: Module>(
    part: M,
    files: &CheckpointFiles,
    map: &KeyMap,
    field: &str,
) -> Result<M> {
    let map = map.inside(field);
    load(part, &files.only(|name| map.covers(name)), &map)
}

/// Loads the parameters that `files` has under the same name and in the same shape, as f32, if
/// `wanted` by name. The others keep their values; their names are returned. Use it to start a
/// changed network from the parameters of another one.
///
/// # Errors
/// [`Error::NonFinite`] with every tensor that has NaN or infinite values; [`Error::Io`];
/// [`Error::AmbiguousKeys`] or [`Error::UnsupportedParameter`].
pub fn load_shared<M: Module>(
    module: M,
    files: &CheckpointFiles,
    map: &KeyMap,
    wanted: impl Fn(&str) -> bool,
) -> Result<(M, Vec<String>)> {
    let choice = map.choose(files.names());
    let named = name_parameters(&module, |path| map.name_with(path, &choice), map)?;
    let (mut sources, mut left) = (BTreeMap::new(), Vec::new());
    for (name, parameter) in named {
        let entry = files.get(&name).filter(|_| wanted(&name));
        match entry.filter(|e| e.is_weight() && e.shape == parameter.shape) {
            Some(entry) => {
                let transpose = parameter.transposed;
                let source = Source {
                    name,
                    entry,
                    transpose,
                };
                sources.insert(parameter.path, source);
            }
            None => left.push(name),
        }
    }
    let module = read(module, files, &PrecisionPlan::default(), sources)?;
    Ok((module, left))
}

/// Reads the values of the parameters that have a source.
fn read<'a, M: Module>(
    module: M,
    files: &'a CheckpointFiles,
    plan: &'a PrecisionPlan,
    sources: BTreeMap<String, Source<'a>>,
) -> Result<M> {
    let mut mapper = Loader {
        sources,
        position: Position::default(),
        non_finite: Vec::new(),
        error: None,
        files,
        plan,
    };
    let module = module.map(&mut mapper);
    if let Some(error) = mapper.error {
        return Err(error);
    }
    match mapper.non_finite {
        tensors if tensors.is_empty() => Ok(module),
        tensors => Err(Error::NonFinite {
            path: files.path().into(),
            tensors,
        }),
    }
}

/// Checks that `files` has the names, types and shapes of `module`, and that tied tensors are
/// equal. No other values are read.
///
/// # Errors
/// As [`load_with`], except [`Error::NonFinite`].
pub fn check<M: Module>(module: &M, files: &CheckpointFiles, map: &KeyMap) -> Result<()> {
    let choice = map.choose(files.names());
    let named = name_parameters(module, |path| map.name_with(path, &choice), map)?;
    match_up(&named, files, map, &map.ties_with(&choice))?;
    Ok(())
}

/// Names and shapes of the parameters of `module` as [`save()`](super::save()) writes them, sorted
/// by name, without initializing them.
///
/// # Errors
/// [`Error::AmbiguousKeys`], [`Error::UnsupportedParameter`].
pub fn names_and_shapes<M: Module>(module: &M, map: &KeyMap) -> Result<Vec<(String, Vec<usize>)>> {
    let named = name_parameters(module, |path| map.name(path), map)?;
    let mut shapes: Vec<_> = named
        .iter()
        .map(|(name, parameter)| (name.clone(), parameter.shape.clone()))
        .collect();
    for (alias, name) in map.ties() {
        if let Some(parameter) = named.get(name) {
            shapes.push((alias.clone(), parameter.shape.clone()));
        }
    }
    shapes.sort();
    Ok(shapes)
}

/// Parameters by official name, which `name` computes from the path. All names and aliases have to
/// be distinct.
pub(super) fn name_parameters<M: Module>(
    module: &M,
    name: impl Fn(&str) -> String,
    map: &KeyMap,
) -> Result<Named> {
    let mut named = Named::new();
    let mut twice = BTreeSet::new();
    for parameter in parameters(module)? {
        let name = name(&parameter.path);
        if named.insert(name.clone(), parameter).is_some() {
            twice.insert(name);
        }
    }
    let aliases = map.ties().iter().map(|(alias, _)| alias.clone());
    twice.extend(aliases.filter(|alias| named.contains_key(alias)));
    match twice.is_empty() {
        true => Ok(named),
        false => Err(Error::AmbiguousKeys {
            names: twice.into_iter().collect(),
        }),
    }
}

/// The source of the values of each parameter, by path, or an error with all mismatches.
fn match_up<'a>(
    named: &Named,
    files: &'a CheckpointFiles,
    map: &KeyMap,
    ties: &[(String, String)],
) -> Result<BTreeMap<String, Source<'a>>> {
    let mut report = LoadReport::default();
    let mut sources = BTreeMap::new();
    let mut missing = Vec::new();
    for (name, parameter) in named {
        match files.get(name) {
            Some(entry) => {
                compare(name, parameter, entry, &mut report);
                let source = Source {
                    name: name.clone(),
                    entry,
                    transpose: parameter.transposed,
                };
                sources.insert(parameter.path.clone(), source);
            }
            None => missing.push(name.clone()),
        }
    }

    let mut tied = Vec::new();
    for (alias, name) in ties {
        if let (Some(entry), Some(parameter)) = (files.get(alias), named.get(name)) {
            compare(alias, parameter, entry, &mut report);
            tied.push((alias, entry, files.get(name)));
        }
    }
    let expected = |key: &str| {
        named.contains_key(key) || map.ignores(key) || tied.iter().any(|(alias, ..)| *alias == key)
    };
    let unexpected: Vec<String> = files
        .names()
        .filter(|key| !expected(key))
        .map(String::from)
        .collect();

    let left: Vec<&str> = unexpected.iter().map(String::as_str).collect();
    report.missing = UnknownKey::list(missing.clone(), &left);
    // If nothing is missing, an unexpected key resembles an expected one: a layer too many, for
    // example.
    let lacking: Vec<&str> = match missing.is_empty() {
        true => named.keys().map(String::as_str).collect(),
        false => missing.iter().map(String::as_str).collect(),
    };
    report.unexpected = UnknownKey::list(unexpected.clone(), &lacking);

    if report.is_empty() {
        for (alias, entry, original) in tied {
            if let Some(original) = original
                && !equal(files, entry, original)?
            {
                report.untied.push(alias.clone());
            }
        }
    }
    match report.is_empty() {
        true => Ok(sources),
        false => Err(Error::Mismatch {
            path: files.path().into(),
            report: Box::new(report),
        }),
    }
}

fn compare(name: &str, parameter: &Parameter, entry: &Entry, report: &mut LoadReport) {
    if !entry.is_weight() {
        report.wrong_type.push(WrongType {
            name: name.into(),
            found: entry.dtype.to_string(),
        });
    }
    if entry.shape != parameter.shape {
        report.misshapen.push(WrongShape {
            name: name.into(),
            expected: parameter.shape.clone(),
            found: entry.shape.clone(),
        });
    }
}

/// Whether two tensors of one shape have the same bits.
fn equal(files: &CheckpointFiles, a: &Entry, b: &Entry) -> Result<bool> {
    let read = |entry: &Entry| {
        entry
            .read(false)
            .map_err(|source| Error::io(files.path(), source))
    };
    let (a, b) = (read(a)?, read(b)?);
    Ok(a.iter()
        .map(|x| x.to_bits())
        .eq(b.iter().map(|x| x.to_bits())))
}

struct Source<'a> {
    name: String,
    entry: &'a Entry,
    transpose: bool,
}

struct Loader<'a> {
    files: &'a CheckpointFiles,
    plan: &'a PrecisionPlan,
    sources: BTreeMap<String, Source<'a>>,
    position: Position,
    non_finite: Vec<NonFinite>,
    error: Option<Error>,
}

impl ModuleMapper for Loader<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.position.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.position.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // After the first error the module is dropped: nothing more is read.
        let path = self.position.path();
        let Some(source) = self.sources.remove(&path).filter(|_| self.error.is_none()) else {
            return param;
        };
        let (id, device, linear) = (param.id, param.lazy_device(), source.transpose);
        let packed = (self.plan).packed(&path, linear, &source.entry.shape, &device);
        let transpose = linear && packed.is_none();
        let values = match source.entry.read(transpose) {
            Ok(values) => values,
            Err(source) => {
                self.error = Some(Error::io(self.files.path(), source));
                return param;
            }
        };
        if !values
            .par_iter()
            .with_min_len(1 << 16)
            .all(|x| x.is_finite())
        {
            self.non_finite
                .extend(NonFinite::count(&source.name, values.iter().copied()));
        }

        if let (Some(bits), [rows, cols]) = (packed, &source.entry.shape[..]) {
            let matrix = Matrix::new(bits, &values, [*rows, *cols]);
            if !matrix.is_finite() && self.non_finite.last().is_none_or(|n| n.name != source.name) {
                let values = matrix.dequantized();
                self.non_finite
                    .extend(NonFinite::count(&source.name, values.into_iter()));
            }
            return pack(param, matrix, linear);
        }
        let data = TensorData::new(values, param.lazy_shape());
        param.transform_for_load(self.plan.tensor(&path, linear, data, &device), id)
    }
}
