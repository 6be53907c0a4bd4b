//! Our half of a stream: which Rust types have ids, and which of them the peer has been told about.

use std::any;
use std::collections::HashMap;

use super::definition::put_definition;
use super::{CodedBy, Field, Shape, TypeId};
use crate::number::put_uint;
use crate::record::Gob;

/// The types that one [`Encoder`](crate::Encoder) knows.
///
/// Only an implementation of [`Gob`] has business with it: each method gives the id of a Rust type, and finds the type's
/// parts when it meets it for the first time.
#[derive(Debug, Default)]
pub struct Types {
    ids: HashMap<any::TypeId, TypeId>,
    known: Vec<Known>,
    /// Places in `known` of what was sent since the last [`Types::commit`].
    unsure: Vec<usize>,
}

/// Gives the id of one type; usually [`Gob::declare`] of it.
pub type Declare = fn(&mut Types) -> TypeId;

#[derive(Debug)]
struct Known {
    name: &'static str,
    shape: Shape,
    sent: bool,
}

/// The id of the first type. Go begins at 64 or 65, depending on its version; no decoder minds.
const FIRST: i32 = 65;

impl Types {
    /// A struct with its fields in order, each with its Go name and a function that gives its type.
    pub fn record<T: 'static>(
        &mut self,
        name: &'static str,
        fields: &[(&'static str, Declare)],
    ) -> TypeId {
        if let Some(id) = self.known::<T>() {
            return id;
        }
        // A struct may contain itself, so it has its id before its fields have theirs.
        let id = self.add::<T>(name, Shape::Struct { fields: Vec::new() });
        let found = fields
            .iter()
            .map(|(name, declare)| Field {
                name: (*name).into(),
                id: declare(self),
            })
            .collect();
        if let Some(known) = self.place(id).and_then(|place| self.known.get_mut(place)) {
            known.shape = Shape::Struct { fields: found };
        }
        id
    }

    /// A slice of `E`.
    pub fn slice<T: 'static, E: Gob>(&mut self) -> TypeId {
        self.known::<T>().unwrap_or_else(|| {
            let elem = E::declare(self);
            self.add::<T>("", Shape::Slice { elem })
        })
    }

    /// An array of `len` times `E`.
    pub fn array<T: 'static, E: Gob>(&mut self, len: usize) -> TypeId {
        self.known::<T>().unwrap_or_else(|| {
            let elem = E::declare(self);
            self.add::<T>(
                "",
                Shape::Array {
                    elem,
                    len: len as u64,
                },
            )
        })
    }

    /// A map from `K` to `E`.
    pub fn map<T: 'static, K: Gob, E: Gob>(&mut self) -> TypeId {
        self.known::<T>().unwrap_or_else(|| {
            let key = K::declare(self);
            let elem = E::declare(self);
            self.add::<T>("", Shape::Map { key, elem })
        })
    }

    /// A type that codes itself.
    pub fn opaque<T: 'static>(&mut self, name: &'static str, coded_by: CodedBy) -> TypeId {
        self.known::<T>()
            .unwrap_or_else(|| self.add::<T>(name, Shape::Opaque(coded_by)))
    }

    /// Appends, each as a message, the definitions that a value of type `id` needs and the peer has not.
    ///
    /// The order is Go's: a type, then what it is made of. Types inside interfaces come when they are met.
    pub(crate) fn send(&mut self, id: TypeId, out: &mut Vec<u8>) {
        let Some(place) = self.place(id) else { return };
        let Some(known) = self.known.get_mut(place).filter(|known| !known.sent) else {
            return;
        };
        known.sent = true;
        self.unsure.push(place);

        let mut message = Vec::new();
        put_definition(&mut message, id, known.name, &known.shape);
        put_uint(out, message.len() as u64);
        out.extend_from_slice(&message);

        for part in known.shape.parts() {
            self.send(part, out);
        }
    }

    pub(crate) fn is_struct(&self, id: TypeId) -> bool {
        self.place(id)
            .and_then(|place| self.known.get(place))
            .is_some_and(|k| matches!(k.shape, Shape::Struct { .. }))
    }

    /// What was sent since the last commit has really left.
    pub(crate) fn commit(&mut self) {
        self.unsure.clear();
    }

    /// What was sent since the last commit was thrown away.
    pub(crate) fn roll_back(&mut self) {
        for place in self.unsure.drain(..) {
            if let Some(known) = self.known.get_mut(place) {
                known.sent = false;
            }
        }
    }

    fn known<T: 'static>(&self) -> Option<TypeId> {
        self.ids.get(&any::TypeId::of::<T>()).copied()
    }

    fn add<T: 'static>(&mut self, name: &'static str, shape: Shape) -> TypeId {
        let id = TypeId(FIRST + self.known.len() as i32);
        self.known.push(Known {
            name,
            shape,
            sent: false,
        });
        self.ids.insert(any::TypeId::of::<T>(), id);
        id
    }

    fn place(&self, id: TypeId) -> Option<usize> {
        usize::try_from(id.0.checked_sub(FIRST)?).ok()
    }
}

impl Shape {
    fn parts(&self) -> Vec<TypeId> {
        match self {
            Self::Array { elem, .. } | Self::Slice { elem } => vec![*elem],
            Self::Struct { fields } => fields.iter().map(|field| field.id).collect(),
            Self::Map { key, elem } => vec![*key, *elem],
            Self::Opaque(_) => vec![],
        }
    }
}
