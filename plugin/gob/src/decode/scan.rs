//! The first look at a value: is it whole, sound, and within the limits?
//!
//! The scan keeps what is still open on a stack of its own, so it can stop between two messages and go on when the next
//! one is there. Inside a message it never stops for want of bytes: a message that ends too early is invalid, not incomplete.

use super::Limits;
use crate::number::{Cursor, Flaw};
use crate::schema::definition::take_definition;
use crate::schema::received::{Kind, Received};
use crate::schema::{Shape, TypeId, take_id};

/// How far the look at the current value has come.
#[derive(Debug)]
pub(super) struct Scan {
    open: Vec<Step>,
    /// Everything before this place, counted from the beginning of the value, has been looked at.
    at: usize,
    /// Where the current message ends.
    end: usize,
    elements: usize,
}

/// What comes next. A step that has parts is put back before the step for its next part.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The length of a message.
    Message,
    /// What a message holds: a definition, or the value.
    Content,
    /// A value of a type that is not a number or string.
    Value(TypeId),
    /// The rest of a struct whose fields up to `done` have been seen.
    Fields { of: TypeId, done: u64 },
    /// The rest of a slice or array.
    Elements { elem: TypeId, left: u64 },
    /// The rest of a map, keys and values counted singly; an even rest begins with a key.
    Entries {
        key: TypeId,
        elem: TypeId,
        left: u64,
    },
    /// What follows the name in an interface.
    Inside,
}

/// Why the scan stopped before the end of the value.
#[derive(Debug)]
pub(super) enum Stop {
    /// Between two messages, for want of so many bytes.
    Needs(usize),
    Flaw(Flaw),
    Limit(&'static str, usize),
}

impl From<Flaw> for Stop {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

impl Default for Scan {
    fn default() -> Self {
        Self {
            open: vec![Step::Content, Step::Message],
            at: 0,
            end: 0,
            elements: 0,
        }
    }
}

impl Scan {
    /// Where the scan stands; after `Ok` from [`Scan::run`], the end of the value.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Begins the next value.
    pub(super) fn restart(&mut self) {
        self.open.clear();
        self.open.extend([Step::Content, Step::Message]);
        (self.at, self.end, self.elements) = (0, 0, 0);
    }

    /// Goes on to the end of the value; `bytes` begins where the value does. Definitions are added to `types` on the way.
    pub(super) fn run(
        &mut self,
        bytes: &[u8],
        types: &mut Received,
        limits: &Limits,
    ) -> Result<(), Stop> {
        while let Some(step) = self.open.pop() {
            if let Step::Message = step {
                self.message(bytes, limits)?;
                continue;
            }
            let mut cursor = Cursor::new(bytes.get(..self.end).unwrap_or_default(), self.at);
            let result = self.step(step, &mut cursor, types, limits);
            self.at = cursor.at;
            result?;
            if self.open.is_empty() && self.at != self.end {
                return Err(Stop::Flaw("a message that goes on after its value"));
            }
        }
        Ok(())
    }

    /// Enters the next message when all of it is there.
    fn message(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), Stop> {
        let needs = |missing: usize, scan: &mut Self| {
            scan.open.push(Step::Message);
            Err(Stop::Needs(missing))
        };
        let mut cursor = Cursor::new(bytes, self.at);
        let prefix = match bytes.get(self.at) {
            None => return needs(1, self),
            Some(first) if *first < 0x80 => 1,
            Some(first) => 2 + usize::from(!first),
        };
        // A prefix of more than nine bytes is left to `take_uint` to refuse.
        if prefix <= 9 && cursor.left() < prefix {
            return needs(prefix - cursor.left(), self);
        }
        let len = usize::try_from(cursor.take_uint()?).unwrap_or(usize::MAX);
        let end = cursor.at.saturating_add(len);
        if end > limits.value_bytes {
            return Err(Stop::Limit("value_bytes", limits.value_bytes));
        }
        if end > bytes.len() {
            return needs(end - bytes.len(), self);
        }
        (self.at, self.end) = (cursor.at, end);
        Ok(())
    }

    fn step(
        &mut self,
        step: Step,
        cursor: &mut Cursor<'_>,
        types: &mut Received,
        limits: &Limits,
    ) -> Result<(), Stop> {
        match step {
            Step::Message => Ok(()),
            Step::Content => self.content(cursor, types, limits),
            Step::Inside => self.inside(cursor, types, limits),
            Step::Value(id) => self.value(types.kind(id)?, id, cursor, limits),
            Step::Fields { of, done } => self.fields(of, done, cursor, types, limits),
            Step::Elements { elem, left } => self.elements(elem, left, cursor, types),
            Step::Entries { key, elem, left } => self.entries(key, elem, left, cursor, types),
        }
    }

    fn content(
        &mut self,
        cursor: &mut Cursor<'_>,
        types: &mut Received,
        limits: &Limits,
    ) -> Result<(), Stop> {
        if let Some(id) = defined(cursor)? {
            define(id, cursor, types, limits)?;
            if cursor.left() > 0 {
                return Err(Stop::Flaw("a message that goes on after its definition"));
            }
            self.open.extend([Step::Content, Step::Message]);
            return Ok(());
        }
        let id = take_id(cursor)?;
        begin(types.kind(id)?, cursor)?;
        self.open.push(Step::Value(id));
        Ok(())
    }

    /// The definitions in an interface each end a message, or, inside another interface, a counted piece of one.
    fn inside(
        &mut self,
        cursor: &mut Cursor<'_>,
        types: &mut Received,
        limits: &Limits,
    ) -> Result<(), Stop> {
        if let Some(id) = defined(cursor)? {
            define(id, cursor, types, limits)?;
            self.open.push(Step::Inside);
            if cursor.left() == 0 {
                self.open.push(Step::Message);
            } else {
                cursor.take_uint()?;
            }
            return Ok(());
        }
        let id = take_id(cursor)?;
        let kind = types.kind(id)?;
        if let Kind::Interface = kind {
            return Err(Stop::Flaw("an interface directly inside an interface"));
        }
        // The byte count. It does not cover values that definitions have split, so it is of no use.
        cursor.take_uint()?;
        begin(kind, cursor)?;
        self.open.push(Step::Value(id));
        Ok(())
    }

    fn value(
        &mut self,
        kind: Kind<'_>,
        id: TypeId,
        cursor: &mut Cursor<'_>,
        limits: &Limits,
    ) -> Result<(), Stop> {
        if simple(kind, cursor)? {
            return Ok(());
        }
        let step = match kind {
            Kind::Interface => {
                if named(cursor)? {
                    self.open.push(Step::Inside);
                }
                return Ok(());
            }
            Kind::Defined(Shape::Struct { .. }) => Step::Fields { of: id, done: 0 },
            Kind::Defined(Shape::Slice { elem }) => Step::Elements {
                elem: *elem,
                left: self.count(cursor.take_uint()?, limits)?,
            },
            Kind::Defined(Shape::Array { elem, len }) => {
                let left = self.count(cursor.take_uint()?, limits)?;
                if left != *len {
                    return Err(Stop::Flaw(
                        "an array with more or fewer elements than its type",
                    ));
                }
                Step::Elements { elem: *elem, left }
            }
            Kind::Defined(Shape::Map { key, elem }) => {
                let left = self.count(cursor.take_uint()?.saturating_mul(2), limits)?;
                Step::Entries {
                    key: *key,
                    elem: *elem,
                    left,
                }
            }
            _ => return Ok(()),
        };
        if self.open.len() >= limits.depth {
            return Err(Stop::Limit("depth", limits.depth));
        }
        self.open.push(step);
        Ok(())
    }

    fn fields(
        &mut self,
        of: TypeId,
        mut done: u64,
        cursor: &mut Cursor<'_>,
        types: &Received,
        limits: &Limits,
    ) -> Result<(), Stop> {
        let Kind::Defined(Shape::Struct { fields }) = types.kind(of)? else {
            return Ok(());
        };
        loop {
            let delta = cursor.take_uint()?;
            if delta == 0 {
                return Ok(());
            }
            done = done.saturating_add(delta);
            self.count(1, limits)?;
            let place = usize::try_from(done - 1).unwrap_or(usize::MAX);
            let field = fields
                .get(place)
                .ok_or("a field that its struct type does not have")?;
            if !simple(types.kind(field.id)?, cursor)? {
                self.open
                    .extend([Step::Fields { of, done }, Step::Value(field.id)]);
                return Ok(());
            }
        }
    }

    fn elements(
        &mut self,
        elem: TypeId,
        mut left: u64,
        cursor: &mut Cursor<'_>,
        types: &Received,
    ) -> Result<(), Stop> {
        let kind = types.kind(elem)?;
        while left > 0 {
            left -= 1;
            if !simple(kind, cursor)? {
                self.open
                    .extend([Step::Elements { elem, left }, Step::Value(elem)]);
                return Ok(());
            }
        }
        Ok(())
    }

    fn entries(
        &mut self,
        key: TypeId,
        elem: TypeId,
        mut left: u64,
        cursor: &mut Cursor<'_>,
        types: &Received,
    ) -> Result<(), Stop> {
        while left > 0 {
            let id = if left.is_multiple_of(2) { key } else { elem };
            left -= 1;
            if !simple(types.kind(id)?, cursor)? {
                self.open
                    .extend([Step::Entries { key, elem, left }, Step::Value(id)]);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Adds to what the value has cost so far, before anything is built from it.
    fn count(&mut self, more: u64, limits: &Limits) -> Result<u64, Stop> {
        self.elements = self
            .elements
            .saturating_add(usize::try_from(more).unwrap_or(usize::MAX));
        match self.elements > limits.elements {
            true => Err(Stop::Limit("elements", limits.elements)),
            false => Ok(more),
        }
    }
}

/// The id that a definition defines, when one comes next.
fn defined(cursor: &mut Cursor<'_>) -> Result<Option<TypeId>, Flaw> {
    let mut ahead = *cursor;
    let number = ahead.take_int()?;
    if number >= 0 {
        return Ok(None);
    }
    *cursor = ahead;
    let id = i32::try_from(number)
        .ok()
        .and_then(i32::checked_neg)
        .ok_or("a type id out of range")?;
    Ok(Some(TypeId(id)))
}

fn define(
    id: TypeId,
    cursor: &mut Cursor<'_>,
    types: &mut Received,
    limits: &Limits,
) -> Result<(), Stop> {
    let before = cursor.at;
    let shape = take_definition(cursor)?;
    types.add(id, shape)?;
    types.bytes += cursor.at - before;
    if types.len() > limits.types {
        return Err(Stop::Limit("types", limits.types));
    }
    if types.bytes > limits.definition_bytes {
        return Err(Stop::Limit("definition_bytes", limits.definition_bytes));
    }
    Ok(())
}

/// Before anything but a struct, a message and an interface have one zero.
fn begin(kind: Kind<'_>, cursor: &mut Cursor<'_>) -> Result<(), Flaw> {
    if !kind.is_struct() && cursor.take_uint()? != 0 {
        return Err("a value without the zero before it");
    }
    Ok(())
}

/// Passes over a value without parts; `false` when it has parts.
fn simple(kind: Kind<'_>, cursor: &mut Cursor<'_>) -> Result<bool, Flaw> {
    match kind {
        Kind::Bool | Kind::Int | Kind::Uint | Kind::Float => drop(cursor.take_uint()?),
        Kind::Complex => {
            cursor.take_uint()?;
            cursor.take_uint()?;
        }
        Kind::Bytes | Kind::String | Kind::Defined(Shape::Opaque(_)) => drop(cursor.take_bytes()?),
        Kind::Interface | Kind::Defined(_) => return Ok(false),
    }
    Ok(true)
}

/// Passes over the name in an interface; `false` when the interface is nil.
fn named(cursor: &mut Cursor<'_>) -> Result<bool, Flaw> {
    match cursor.take_bytes()?.len() {
        0 => Ok(false),
        1..=NAME_BYTES => Ok(true),
        _ => Err("an interface with an over-long name"),
    }
}

/// The longest registered name, in bytes; Go refuses longer ones too. Against names that are kept only to be refused.
const NAME_BYTES: usize = 1024;
