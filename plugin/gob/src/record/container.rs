//! Pointers, lists and maps.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use super::Gob;
use crate::decode::Reader;
use crate::encode::Writer;
use crate::error::{EncodeError, Error};
use crate::schema::TypeId;
use crate::schema::declared::Types;

/// A pointer, or a value one wants to see missing. Gob has no pointers: on the wire this is the type itself.
impl<T: Gob> Gob for Option<T> {
    fn declare(types: &mut Types) -> TypeId {
        T::declare(types)
    }

    fn is_omitted(&self) -> bool {
        self.as_ref().is_none_or(T::is_omitted)
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        match self {
            Some(value) => value.write(out),
            None => T::write_nil(out),
        }
    }

    fn read(input: &mut Reader<'_>, wire: TypeId) -> Result<Self, Error> {
        T::read_nilable(input, wire)
    }
}

impl<T: Gob> Gob for Box<T> {
    fn declare(types: &mut Types) -> TypeId {
        T::declare(types)
    }

    fn is_omitted(&self) -> bool {
        T::is_omitted(self)
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        T::write(self, out)
    }

    fn read(input: &mut Reader<'_>, wire: TypeId) -> Result<Self, Error> {
        T::read(input, wire).map(Self::new)
    }

    fn write_nil(out: &mut Writer<'_>) -> Result<(), EncodeError> {
        T::write_nil(out)
    }

    fn read_nilable(input: &mut Reader<'_>, wire: TypeId) -> Result<Option<Self>, Error> {
        Ok(T::read_nilable(input, wire)?.map(Self::new))
    }
}

impl<T: Gob> Gob for Vec<T> {
    fn declare(types: &mut Types) -> TypeId {
        types.slice::<Self, T>()
    }

    fn is_omitted(&self) -> bool {
        self.is_empty()
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.unsigned(self.len() as u64);
        self.iter().try_for_each(|element| element.write(out))
    }

    fn read(input: &mut Reader<'_>, wire: TypeId) -> Result<Self, Error> {
        let (elem, count) = input.slice(wire)?;
        let mut list = Self::with_capacity(count);
        for _ in 0..count {
            list.push(T::read(input, elem)?);
        }
        Ok(list)
    }
}

impl<T: Gob, const N: usize> Gob for [T; N] {
    fn declare(types: &mut Types) -> TypeId {
        types.array::<Self, T>(N)
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.unsigned(N as u64);
        self.iter().try_for_each(|element| element.write(out))
    }

    fn read(input: &mut Reader<'_>, wire: TypeId) -> Result<Self, Error> {
        let elem = input.array(wire, N)?;
        let list = (0..N)
            .map(|_| T::read(input, elem))
            .collect::<Result<Vec<_>, _>>()?;
        Self::try_from(list).map_err(|_| Error::mismatch("array of another length"))
    }
}

impl<K: Gob + Ord, V: Gob> Gob for BTreeMap<K, V> {
    fn declare(types: &mut Types) -> TypeId {
        types.map::<Self, K, V>()
    }

    fn is_omitted(&self) -> bool {
        self.is_empty()
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        write_pairs(self.len(), self, out)
    }

    fn read(input: &mut Reader<'_>, wire: TypeId) -> Result<Self, Error> {
        read_pairs(input, wire)
    }
}

impl<K: Gob + Hash + Eq, V: Gob, S: BuildHasher + Default + 'static> Gob for HashMap<K, V, S> {
    fn declare(types: &mut Types) -> TypeId {
        types.map::<Self, K, V>()
    }

    fn is_omitted(&self) -> bool {
        self.is_empty()
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        write_pairs(self.len(), self, out)
    }

    fn read(input: &mut Reader<'_>, wire: TypeId) -> Result<Self, Error> {
        read_pairs(input, wire)
    }
}

fn read_pairs<K: Gob, V: Gob, M: FromIterator<(K, V)>>(
    input: &mut Reader<'_>,
    wire: TypeId,
) -> Result<M, Error> {
    let (key, elem, count) = input.map(wire)?;
    (0..count)
        .map(|_| Ok((K::read(input, key)?, V::read(input, elem)?)))
        .collect()
}

fn write_pairs<'a, K: Gob, V: Gob>(
    count: usize,
    pairs: impl IntoIterator<Item = (&'a K, &'a V)>,
    out: &mut Writer<'_>,
) -> Result<(), EncodeError> {
    out.unsigned(count as u64);
    pairs.into_iter().try_for_each(|(key, value)| {
        key.write(out)?;
        value.write(out)
    })
}
