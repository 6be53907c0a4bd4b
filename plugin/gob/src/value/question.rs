//! Questions to a value. All of them look through names.

use super::Value;

impl Value {
    /// The value without its registered name.
    #[must_use]
    pub fn bare(&self) -> &Self {
        match self {
            Self::Named(named) => named.value.bare(),
            other => other,
        }
    }

    /// The registered name, when it is not the one the kind implies.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Named(named) => Some(&named.name),
            _ => None,
        }
    }

    /// Whether this is nil.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        matches!(self.bare(), Self::Nil)
    }

    /// A bool.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.bare() {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// An integer, also an unsigned one that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self.bare() {
            Self::Int(value) => Some(*value),
            Self::Uint(value) => i64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// A float, or an integer rounded to one.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self.bare() {
            Self::Float(value) => Some(*value),
            Self::Int(value) => Some(*value as f64),
            Self::Uint(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// A string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self.bare() {
            Self::String(value) => Some(value),
            _ => None,
        }
    }

    /// Bytes, also those of a type that codes itself.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self.bare() {
            Self::Bytes(value) | Self::Opaque(value) => Some(value),
            _ => None,
        }
    }

    /// The elements of a slice or array.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match self.bare() {
            Self::List(elements) => Some(elements),
            _ => None,
        }
    }

    /// The pairs of a map.
    #[must_use]
    pub fn as_map(&self) -> Option<&[(Self, Self)]> {
        match self.bare() {
            Self::Map(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// What stands under a string key of a map or in a field of a struct. Takes as long as there are entries.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self.bare() {
            Self::Map(pairs) => pairs
                .iter()
                .find(|(key, _)| key.as_str() == Some(name))
                .map(|(_, value)| value),
            Self::Struct(fields) => fields
                .iter()
                .find(|(field, _)| **field == *name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// What stands at the end of a row of names, as in `["ServiceSettings", "SiteURL"]`.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, name| value.get(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_looks_through_the_registered_name() {
        let seven = Value::named("int64", Value::Int(7));
        assert_eq!(seven.as_i64(), Some(7));
        assert_eq!(seven.as_f64(), Some(7.0));
        assert_eq!(seven.name(), Some("int64"));
        assert_eq!(seven.as_str(), None);
    }

    #[test]
    fn a_path_goes_through_structs_and_maps() {
        let settings = Value::map([("SiteURL", "https://example.org")]);
        let config = Value::named(
            "*model.Config",
            Value::Struct(vec![("ServiceSettings".into(), settings)]),
        );
        assert_eq!(
            config
                .at(&["ServiceSettings", "SiteURL"])
                .and_then(Value::as_str),
            Some("https://example.org")
        );
        assert_eq!(config.at(&["ServiceSettings", "Other"]), None);
    }
}
