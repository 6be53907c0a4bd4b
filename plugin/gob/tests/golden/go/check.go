package main

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
)

// check decodes every stream of the input into the types of the case of the same name and compares with its values.
func check(in io.Reader) {
	wanted := map[string]golden{}
	for _, c := range cases() {
		wanted[c.name] = c
	}
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, 1<<20)
	var name string
	var decoder *gob.Decoder
	var stream bytes.Buffer
	var next, streams, bad int
	for scanner.Scan() {
		line := scanner.Text()
		if title, ok := strings.CutPrefix(line, "## "); ok {
			name, next = title, 0
			streams++
			stream.Reset()
			decoder = gob.NewDecoder(&stream)
			continue
		}
		raw, err := hex.DecodeString(line)
		must(err)
		stream.Write(raw)
		want := wanted[name].values[next]
		next++
		got := reflect.New(reflect.TypeOf(want))
		if err := decoder.Decode(got.Interface()); err != nil {
			fmt.Printf("%s, value %d: %v\n", name, next, err)
			bad++
		} else if !same(got.Elem().Interface(), want) {
			fmt.Printf("%s, value %d: got %+v, want %+v\n", name, next, got.Elem(), want)
			bad++
		}
	}
	must(scanner.Err())
	fmt.Printf("%d streams, %d values wrong\n", streams, bad)
	if bad > 0 || streams != len(wanted) {
		os.Exit(1)
	}
}

// same compares what both look like when written by Go: that takes out what gob cannot say (nil or empty, pointers to zero).
func same(a, b any) bool {
	return reflect.DeepEqual(a, b) || encoded(a) == encoded(b)
}

func encoded(value any) string {
	var stream bytes.Buffer
	must(gob.NewEncoder(&stream).Encode(value))
	return stream.String()
}
