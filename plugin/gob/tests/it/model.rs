//! The types of `golden/go/main.go`, and those of Mattermost that the recorded streams carry.

use std::collections::BTreeMap;

use gob::{Time, Value};

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Url(pub(crate) String);

impl gob::Opaque for Url {
    const GO_NAME: &'static str = "URL";
    const CODED_BY: gob::CodedBy = gob::CodedBy::BinaryMarshaler;

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone().into_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok().map(Self)
    }
}

gob::opaque!(Url);

/// Records that derive what a test needs.
macro_rules! records {
    ($($record:ident as $go:literal { $($field:ident: $type:ty as $name:literal),* $(,)? })*) => {$(
        gob::record! {
            #[derive(Debug, Clone, Default, PartialEq)]
            pub(crate) struct $record as $go { $(pub(crate) $field: $type as $name),* }
        }
    )*};
}

records! {
    Request as "Request" { method: String as "ServiceMethod", seq: u64 as "Seq" }
    Response as "Response" { method: String as "ServiceMethod", seq: u64 as "Seq", error: String as "Error" }
    Empty as "Empty" {}
    Kinds as "Kinds" {
        bool: bool as "Bool",
        int: i64 as "Int",
        int8: i8 as "Int8",
        int16: i16 as "Int16",
        int32: i32 as "Int32",
        int64: i64 as "Int64",
        uint: u64 as "Uint",
        uint16: u16 as "Uint16",
        uint32: u32 as "Uint32",
        uint64: u64 as "Uint64",
        float32: f32 as "Float32",
        float64: f64 as "Float64",
        string: String as "String",
        bytes: Vec<u8> as "Bytes",
    }
    Inner as "Inner" { x: i64 as "X", y: i64 as "Y" }
    Embedded as "Embedded" { inner: Inner as "Inner", z: String as "Z" }
    Composite as "Composite" {
        strings: Vec<String> as "Strings",
        floats: Vec<f64> as "Floats",
        bools: Vec<bool> as "Bools",
        lists: Vec<Vec<i64>> as "Lists",
        array: [i64; 2] as "Array",
        structs: Vec<Inner> as "Structs",
        pointer: Option<i64> as "Pointer",
        deep: Option<Box<Option<String>>> as "Deep",
        inner: Inner as "Struct",
        map: BTreeMap<String, Vec<String>> as "Map",
        by_int: BTreeMap<i64, String> as "ByInt",
        empty: Empty as "Empty",
    }
    Node as "Node" { value: i64 as "V", next: Option<Box<Node>> as "Next", kids: Vec<Node> as "Kids" }
    Moment as "Moment" { time: Time as "T", url: Option<Url> as "U" }
    Message as "Post" { message: String as "Message", props: BTreeMap<String, Value> as "Props" }
    ErrorString as "ErrorString" { code: i64 as "Code", text: String as "Err" }
    Refusal as "AppError" { id: String as "Id", status: i64 as "StatusCode" }
    Returns as "Returns" { error: Option<Failure> as "A" }
    Argument as "Argument" { name: String as "Name", data: Option<Data> as "Data" }
    StaticList as "StaticList" { possible: Vec<Item> as "Possible" }
    Item as "Item" { item: String as "Item", hint: String as "Hint" }
    Level as "Level" { down: Option<Box<Down>> as "Down" }
}

gob::interface! {
    #[derive(Debug, Clone, PartialEq)]
    pub(crate) enum Failure {
        Plain(ErrorString) as "*plugin.ErrorString",
        Refused(Refusal) as "*model.AppError",
        ..Other
    }
}

gob::interface! {
    #[derive(Debug, Clone, PartialEq)]
    pub(crate) enum Data {
        Static(StaticList) as "*model.AutocompleteStaticListArg",
    }
}

gob::interface! {
    #[derive(Debug, Clone, PartialEq)]
    pub(crate) enum Down {
        Level(Level) as "*x.Level",
        List(Vec<Down>) as "[]interface {}",
        Map(BTreeMap<String, Down>) as "map[string]interface {}",
        Plain(ErrorString) as "*plugin.ErrorString",
        Refused(Refusal) as "*model.AppError",
    }
}

impl Failure {
    pub(crate) fn plain(code: i64, text: &str) -> Self {
        Self::Plain(ErrorString {
            code,
            text: text.into(),
        })
    }
}
