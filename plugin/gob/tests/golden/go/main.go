// Golden bytes for the crate gob.
//
//	go run . > ../go.txt              writes what encoding/gob makes of the cases below
//	go run . check < ../from-rust.txt reads what the crate wrote, with encoding/gob, and compares
//
// Type ids are counted per process, so every case is written by a process of its own, which first spends the ids below 65.
package main

import (
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"time"
)

type Request struct {
	ServiceMethod string
	Seq           uint64
}

type Response struct {
	ServiceMethod string
	Seq           uint64
	Error         string
}

type Empty struct{}

type Kinds struct {
	Bool    bool
	Int     int
	Int8    int8
	Int16   int16
	Int32   int32
	Int64   int64
	Uint    uint
	Uint16  uint16
	Uint32  uint32
	Uint64  uint64
	Float32 float32
	Float64 float64
	String  string
	Bytes   []byte
}

type Inner struct{ X, Y int }

type Embedded struct {
	Inner
	Z string
}

type Composite struct {
	Strings []string
	Floats  []float64
	Bools   []bool
	Lists   [][]int
	Array   [2]int
	Structs []Inner
	Pointer *int
	Deep    **string
	Struct  Inner
	Map     map[string][]string
	ByInt   map[int]string
	Empty   Empty
}

type Node struct {
	V    int
	Next *Node
	Kids []*Node
}

type Moment struct {
	T time.Time
	U *url.URL
}

type Header map[string][]string

type Post struct {
	Message string
	Props   map[string]any
}

type Returns struct{ A error }

type ErrorString struct {
	Code int
	Err  string
}

func (e *ErrorString) Error() string { return e.Err }

type AppError struct {
	Id         string
	StatusCode int
}

func (e *AppError) Error() string { return e.Id }

type Argument struct {
	Name string
	Data any
}

type StaticList struct{ Possible []Item }

type Item struct{ Item, Hint string }

type Level struct{ Down any }

func init() {
	gob.RegisterName("*plugin.ErrorString", &ErrorString{})
	gob.RegisterName("*model.AppError", &AppError{})
	gob.RegisterName("*model.AutocompleteStaticListArg", &StaticList{})
	gob.RegisterName("*x.Level", &Level{})
	gob.Register(map[string]any{})
	gob.Register([]any{})
}

func ptr[T any](v T) *T { return &v }

// One stream per case, with its values in order.
type golden struct {
	name   string
	values []any
}

func cases() []golden {
	amsterdam := time.FixedZone("", 7200)
	odd := time.FixedZone("", 1172)
	u, _ := url.Parse("/plugins/x/y?z=1")
	kinds := Kinds{true, -1, -128, 300, -70000, 1 << 40, 1, 65535, 1 << 31, 1<<64 - 1, 1.5, 0.1, "é\x00z", []byte{0, 255}}
	return []golden{
		{"request", []any{Request{"Plugin.OnActivate", 0}, Request{"Plugin.X", 300}}},
		{"response", []any{Response{"Plugin.X", 1, ""}, Response{"Plugin.X", 2, "boom"}}},
		{"empty struct", []any{struct{}{}, struct{}{}}},
		{"bools", []any{false, true}},
		{"ints", []any{0, 1, -1, 63, 64, -64, -65, 127, 128, -129, 1 << 40, -1 << 63, 1<<63 - 1}},
		{"uints", []any{uint(0), uint(127), uint(128), uint(255), uint(256), uint(1 << 32), uint(1<<64 - 1)}},
		{"floats", []any{0.0, 1.0, 17.0, -2.5, 0.1}},
		{"strings", []any{"", "hooks"}},
		{"bytes", []any{[]byte("abc"), []byte{}}},
		{"list of strings", []any{[]string{"OnActivate", "", "ServeHTTP"}, []string{}}},
		{"header", []any{Header{"Content-Type": {"text/plain"}}, Header{}}},
		{"kinds", []any{kinds, Kinds{}}},
		{"composite", []any{
			Composite{
				Strings: []string{"", "b"}, Floats: []float64{0, 1.5}, Bools: []bool{true, false}, Lists: [][]int{{1}, {}, {2, 3}},
				Array: [2]int{1, 0}, Structs: []Inner{{1, 0}, {}}, Pointer: ptr(5), Deep: ptr(ptr("p")), Struct: Inner{0, 7},
				Map: map[string][]string{"A": {"1", "2"}}, ByInt: map[int]string{-3: "c"},
			},
			Composite{Pointer: ptr(0), Deep: ptr(ptr("")), Strings: []string{}},
		}},
		{"embedded", []any{Embedded{Inner{1, 2}, "z"}, Embedded{}}},
		{"recursive", []any{Node{V: 1, Next: &Node{V: 2}, Kids: []*Node{{V: 3}, {}}}}},
		{"moment", []any{
			Moment{time.Date(2023, 1, 2, 3, 4, 5, 6, time.UTC), u},
			Moment{time.Date(2023, 1, 2, 3, 4, 5, 6, amsterdam), nil},
			Moment{time.Date(1960, 1, 2, 3, 4, 5, 999999999, odd), nil},
			Moment{},
		}},
		{"time alone", []any{time.Date(2023, 1, 2, 3, 4, 5, 6, time.UTC), time.Time{}}},
		{"props of basic types", []any{
			Post{"string", map[string]any{"k": "str"}}, Post{"bool", map[string]any{"k": true}},
			Post{"float", map[string]any{"k": 1.5}}, Post{"int", map[string]any{"k": 7}},
			Post{"int64", map[string]any{"k": int64(7)}}, Post{"uint8", map[string]any{"k": uint8(7)}},
			Post{"bytes", map[string]any{"k": []byte{1, 2}}}, Post{"nil", map[string]any{"k": nil}},
			Post{"nothing", nil},
		}},
		{"props of lists and maps", []any{
			Post{"nested", map[string]any{"k": map[string]any{"l": []any{"a", true, nil, 2.5, map[string]any{"m": "deep"}}}}},
			Post{"strings", map[string]any{"k": []string{"a", "b"}}},
			Post{"again", map[string]any{"k": map[string]any{"l": []any{"a", []string{"c"}, map[string]any{"m": "deep"}}}}},
		}},
		{"errors", []any{
			Returns{nil}, Returns{&ErrorString{0, "boom"}}, Returns{&AppError{"api.x", 404}},
			Returns{&ErrorString{3, "closed"}}, Returns{&AppError{}},
		}},
		{"arguments", []any{
			[]Argument{{"a", &StaticList{[]Item{{"i", "h"}, {"j", ""}}}}, {"b", nil}},
			[]Argument{{"c", &StaticList{}}},
		}},
		{"levels", []any{
			Level{&Level{[]any{&Level{map[string]any{"k": &ErrorString{1, "deep"}}}, &AppError{"x", 1}}}},
			Level{&Level{[]any{&Level{map[string]any{"k": &ErrorString{1, "deep"}}}, &AppError{"x", 1}}}},
		}},
	}
}

func main() {
	switch {
	case len(os.Args) == 1:
		for _, c := range cases() {
			child := exec.Command(os.Args[0], "case", c.name)
			child.Stdout, child.Stderr = os.Stdout, os.Stderr
			must(child.Run())
		}
	case os.Args[1] == "case":
		for _, c := range cases() {
			if c.name == os.Args[2] {
				write(c)
			}
		}
	case os.Args[1] == "check":
		check(os.Stdin)
	}
}

func write(c golden) {
	spendIds()
	fmt.Printf("## %s\n", c.name)
	var stream bytes.Buffer
	encoder := gob.NewEncoder(&stream)
	for _, value := range c.values {
		must(encoder.Encode(value))
		fmt.Println(hex.EncodeToString(stream.Bytes()))
		stream.Reset()
	}
}

// Go 1.26 numbers from 64; the crate from 65, like older Go.
func spendIds() {
	type Spent struct{ A int }
	var stream bytes.Buffer
	must(gob.NewEncoder(&stream).Encode(Spent{}))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
