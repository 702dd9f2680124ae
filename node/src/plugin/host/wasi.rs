//! WASI 0.2 for guests whose toolchain insists on it, such as Python's and Go's: all of it virtual.
//!
//! The same call finds the same: a clock that stands, seeded randomness, no arguments, no environment, no files. What a
//! guest prints goes to its log. Nothing waits: what a guest could wait for is there at once. Whatever else WASI has,
//! files and sockets above all, is there by name, so that a component links, and ends the call that uses it.
//!
//! The crate `wasmtime-wasi` is not used: its clocks and polls sleep for as long as a guest says, on a runtime of its
//! own, outside of fuel and deadline.
//!
//! The names and signatures are those of the WASI 0.2 interfaces (<https://github.com/WebAssembly/WASI>).

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentType, Lift, Linker, LinkerInstance, Lower, Resource, ResourceType};
use wasmtime::{Result, StoreContextMut, bail};

use crate::plugin::call::CallData;
use crate::plugin::report::LogLevel;

/// The packages of WASI that a component may import where `wasi` is granted.
const PACKAGES: [&str; 6] = ["cli", "clocks", "filesystem", "io", "random", "sockets"];

/// The version of WASI, without its patch.
const VERSION: &str = "0.2.";

/// How many bytes a guest may print at once, which it asks before it does; more ends the call. As many as a write of
/// WASI takes at least.
const WRITE_BYTES: u64 = 4096;

/// How many random bytes a guest may ask for at once: seeds and keys have some tens.
const RANDOM_BYTES: u64 = 64 << 10;

/// What the monotonic clock goes on by each time it is read, in nanoseconds, so that who waits for it comes to an end.
const TICK: u64 = 1_000;

/// The seed of all randomness. Any will do, as long as it stays the same.
const SEED: u64 = 0;

/// What WASI remembers during a call.
pub(in crate::plugin) struct VirtualWasi {
    random: ChaCha8Rng,
    monotonic: u64,
    /// What was printed since the last end of a line.
    output: Vec<u8>,
    errors: Vec<u8>,
}

/// The resources that a guest can hold. There is nothing to them but what their number says.
enum InputStream {}
enum OutputStream {}
enum IoError {}
enum Pollable {}

/// The numbers of the streams.
const STDOUT: u32 = 1;
const STDERR: u32 = 2;

/// `wasi:io/streams.stream-error`.
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    LastOperationFailed(Resource<IoError>),
    #[component(name = "closed")]
    Closed,
}

/// `wasi:clocks/wall-clock.datetime`.
#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

type Data<'a> = StoreContextMut<'a, CallData>;
type Into<'a> = LinkerInstance<'a, CallData>;

/// Whether an import is one of WASI that is served.
pub(in crate::plugin) fn serves(import: &str) -> bool {
    interface(import)
        .is_some_and(|interface| interface.split_once('/').is_some_and(|(package, _)| PACKAGES.contains(&package)))
}

/// The interface of WASI that an import names, such as `io/streams`.
fn interface(import: &str) -> Option<&str> {
    let (interface, version) = import.strip_prefix("wasi:")?.split_once('@')?;
    version.starts_with(VERSION).then_some(interface)
}

/// Gives a component the WASI that it imports.
///
/// # Errors
/// When an import has a form that no host could give.
pub(in crate::plugin) fn link(linker: &mut Linker<CallData>, component: &Component) -> Result<()> {
    let engine = linker.engine().clone();
    // What is defined below takes the place of what ends the call.
    linker.allow_shadowing(true);
    for (name, item) in component.component_type().imports(&engine) {
        let (Some(interface), ComponentItem::ComponentInstance(instance)) = (interface(name), item.ty) else {
            continue;
        };
        let mut into = linker.instance(name)?;
        for (export, item) in instance.exports(&engine) {
            match item.ty {
                ComponentItem::Resource(_) => into.resource(export, resource(export), |_, _| Ok(()))?,
                ComponentItem::ComponentFunc(_) => refuse(&mut into, name, export)?,
                _ => {}
            }
        }
        define(interface, &mut into)?;
    }
    linker.allow_shadowing(false);
    Ok(())
}

/// The type of a resource, by its name.
fn resource(name: &str) -> ResourceType {
    match name {
        "input-stream" => ResourceType::host::<InputStream>(),
        "output-stream" => ResourceType::host::<OutputStream>(),
        "error" => ResourceType::host::<IoError>(),
        "pollable" => ResourceType::host::<Pollable>(),
        _ => ResourceType::host::<()>(),
    }
}

fn refuse(into: &mut Into<'_>, interface: &str, function: &str) -> Result<()> {
    let name = format!("{interface}#{function}");
    into.func_new(function, move |_, _, _, _| bail!("it called {name}, and a plugin has no such thing"))
}

fn define(interface: &str, into: &mut Into<'_>) -> Result<()> {
    match interface {
        "cli/environment" => environment(into),
        "cli/exit" => exit(into),
        "cli/stdin" => answer(into, "get-stdin", |_| Ok(Resource::<InputStream>::new_own(0))),
        "cli/stdout" => answer(into, "get-stdout", |_| Ok(Resource::<OutputStream>::new_own(STDOUT))),
        "cli/stderr" => answer(into, "get-stderr", |_| Ok(Resource::<OutputStream>::new_own(STDERR))),
        "cli/terminal-stdin" => answer(into, "get-terminal-stdin", |_| Ok(None::<Resource<()>>)),
        "cli/terminal-stdout" => answer(into, "get-terminal-stdout", |_| Ok(None::<Resource<()>>)),
        "cli/terminal-stderr" => answer(into, "get-terminal-stderr", |_| Ok(None::<Resource<()>>)),
        "clocks/wall-clock" => wall_clock(into),
        "clocks/monotonic-clock" => monotonic_clock(into),
        "filesystem/preopens" => answer(into, "get-directories", |_| Ok(Vec::<(Resource<()>, String)>::new())),
        "io/poll" => poll(into),
        "io/streams" => input(into).and_then(|()| output(into)),
        "random/random" => random(into, "get-random-bytes", "get-random-u64"),
        "random/insecure" => random(into, "get-insecure-random-bytes", "get-insecure-random-u64"),
        "random/insecure-seed" => answer(into, "insecure-seed", |_| Ok((SEED, SEED))),
        _ => Ok(()),
    }
}

/// Defines a function without arguments. Each call of a guest is counted.
fn answer<T>(into: &mut Into<'_>, name: &str, say: fn(&mut VirtualWasi) -> Result<T>) -> Result<()>
where
    T: ComponentType + Lower + 'static,
    (T,): wasmtime::component::ComponentNamedList + Lower,
{
    into.func_wrap(name, move |mut data: Data<'_>, (): ()| {
        data.data_mut().count_host_call()?;
        Ok((say(&mut data.data_mut().wasi)?,))
    })
}

fn environment(into: &mut Into<'_>) -> Result<()> {
    answer(into, "get-environment", |_| Ok(Vec::<(String, String)>::new()))?;
    answer(into, "get-arguments", |_| Ok(Vec::<String>::new()))?;
    answer(into, "initial-cwd", |_| Ok(None::<String>))
}

fn exit(into: &mut Into<'_>) -> Result<()> {
    into.func_wrap("exit", |_: Data<'_>, (status,): (Result<(), ()>,)| -> Result<()> {
        bail!("it ended itself, saying {}", if status.is_ok() { "success" } else { "failure" })
    })
}

/// It stands at 1970: what happened when is said in the arguments of a call.
fn wall_clock(into: &mut Into<'_>) -> Result<()> {
    answer(into, "now", |_| Ok(Datetime { seconds: 0, nanoseconds: 0 }))?;
    answer(into, "resolution", |_| Ok(Datetime { seconds: 1, nanoseconds: 0 }))
}

fn monotonic_clock(into: &mut Into<'_>) -> Result<()> {
    answer(into, "now", |wasi| {
        wasi.monotonic += TICK;
        Ok(wasi.monotonic)
    })?;
    answer(into, "resolution", |_| Ok(TICK))?;
    for name in ["subscribe-instant", "subscribe-duration"] {
        into.func_wrap(name, |mut data: Data<'_>, (_,): (u64,)| {
            data.data_mut().count_host_call()?;
            Ok((ready(),))
        })?;
    }
    Ok(())
}

fn ready() -> Resource<Pollable> {
    Resource::new_own(0)
}

fn poll(into: &mut Into<'_>) -> Result<()> {
    into.func_wrap("[method]pollable.ready", |mut data: Data<'_>, (_,): (Resource<Pollable>,)| {
        data.data_mut().count_host_call()?;
        Ok((true,))
    })?;
    into.func_wrap("[method]pollable.block", |mut data: Data<'_>, (_,): (Resource<Pollable>,)| {
        data.data_mut().count_host_call()
    })?;
    into.func_wrap("poll", |mut data: Data<'_>, (all,): (Vec<Resource<Pollable>>,)| {
        data.data_mut().count_host_call()?;
        Ok(((0_u32..).take(all.len()).collect::<Vec<u32>>(),))
    })
}

/// Standard input, which has ended.
fn input(into: &mut Into<'_>) -> Result<()> {
    for name in ["[method]input-stream.read", "[method]input-stream.blocking-read"] {
        into.func_wrap(name, |mut data: Data<'_>, (_, _): (Resource<InputStream>, u64)| {
            data.data_mut().count_host_call()?;
            Ok((Err::<Vec<u8>, _>(StreamError::Closed),))
        })?;
    }
    into.func_wrap("[method]input-stream.subscribe", |mut data: Data<'_>, (_,): (Resource<InputStream>,)| {
        data.data_mut().count_host_call()?;
        Ok((ready(),))
    })
}

/// What is printed.
fn output(into: &mut Into<'_>) -> Result<()> {
    type Stream = Resource<OutputStream>;
    into.func_wrap("[method]output-stream.check-write", |mut data: Data<'_>, (_,): (Stream,)| {
        data.data_mut().count_host_call()?;
        Ok((Ok::<u64, StreamError>(WRITE_BYTES),))
    })?;
    for name in ["[method]output-stream.write", "[method]output-stream.blocking-write-and-flush"] {
        into.func_wrap(name, |mut data: Data<'_>, (stream, bytes): (Stream, Vec<u8>)| {
            data.data_mut().count_host_call()?;
            if bytes.len() as u64 > WRITE_BYTES {
                bail!("it printed {} bytes at once, at most {WRITE_BYTES} are taken", bytes.len());
            }
            data.data_mut().print(stream.rep(), &bytes);
            Ok((Ok::<(), StreamError>(()),))
        })?;
    }
    for name in ["[method]output-stream.flush", "[method]output-stream.blocking-flush"] {
        into.func_wrap(name, |mut data: Data<'_>, (_,): (Stream,)| {
            data.data_mut().count_host_call()?;
            Ok((Ok::<(), StreamError>(()),))
        })?;
    }
    into.func_wrap("[method]output-stream.subscribe", |mut data: Data<'_>, (_,): (Stream,)| {
        data.data_mut().count_host_call()?;
        Ok((ready(),))
    })
}

fn random(into: &mut Into<'_>, bytes: &str, number: &str) -> Result<()> {
    into.func_wrap(bytes, |mut data: Data<'_>, (length,): (u64,)| {
        data.data_mut().count_host_call()?;
        if length > RANDOM_BYTES {
            bail!("it asked for {length} random bytes at once, at most {RANDOM_BYTES} are given");
        }
        let mut bytes = vec![0; usize::try_from(length)?];
        data.data_mut().wasi.random.fill_bytes(&mut bytes);
        Ok((bytes,))
    })?;
    answer(into, number, |wasi| Ok(wasi.random.next_u64()))
}

impl VirtualWasi {
    /// As every call finds it.
    pub(in crate::plugin) fn new() -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(SEED), monotonic: 0, output: Vec::new(), errors: Vec::new() }
    }

    /// As another call in the same instance finds it: the same randomness again, and a clock that never goes back.
    pub(in crate::plugin) fn begin_again(&mut self) {
        *self = Self { monotonic: self.monotonic, ..Self::new() };
    }
}

impl CallData {
    /// Keeps what a guest prints, each whole line as a line of its log.
    fn print(&mut self, stream: u32, bytes: &[u8]) {
        let (waiting, level) = match stream {
            STDERR => (&mut self.wasi.errors, LogLevel::Warn),
            _ => (&mut self.wasi.output, LogLevel::Info),
        };
        waiting.extend_from_slice(bytes);
        let text = std::mem::take(waiting);
        let mut lines = text.split(|byte| *byte == b'\n').peekable();
        let mut rest = Vec::new();
        while let Some(line) = lines.next() {
            // What has no end yet waits; without one it takes no more memory than the log has.
            if lines.peek().is_none() && line.len() <= self.limits.log_bytes {
                rest = line.to_vec();
            } else {
                self.log(level, &String::from_utf8_lossy(line));
            }
        }
        match stream {
            STDERR => self.wasi.errors = rest,
            _ => self.wasi.output = rest,
        }
    }

    /// Keeps what was printed without an end of line, when the call is over.
    pub(in crate::plugin) fn end_of_output(&mut self) {
        for (rest, level) in [
            (std::mem::take(&mut self.wasi.output), LogLevel::Info),
            (std::mem::take(&mut self.wasi.errors), LogLevel::Warn),
        ] {
            if !rest.is_empty() {
                self.log(level, &String::from_utf8_lossy(&rest));
            }
        }
    }
}

#[cfg(test)]
mod tests;
