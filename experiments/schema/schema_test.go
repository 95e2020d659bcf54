package schema_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"suspect/experiments/schema"
	"suspect/qjump"
)

// Point is a document.
type Point struct {
	// X and Y are
	// coordinates.
	X, Y int
	Z    int    // is a height
	Name string `json:"name,omitempty"`
}

const source = `package schema_test

// Point is a document.
type Point struct {
	// X and Y are
	// coordinates.
	X, Y int
	Z    int    // is a height
	Name string
}

type other int
`

func TestDescriptions(t *testing.T) {
	var s struct {
		Title string
		Defs  map[string]struct {
			Description string
			Properties  map[string]struct{ Type, Description string }
			Required    []string
		} `json:"$defs"`
	}
	if err := json.Unmarshal(schema.Of("A point", &Point{}, source), &s); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(s)
	want := "{A point map[Point:{Point is a document. map[" +
		"X:{integer X and Y are coordinates.} Y:{integer X and Y are coordinates.} Z:{integer is a height} name:{string is a height}] [X Y Z]}]}"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Structs of other packages have their names before their own, and their own sources.
func TestOtherPackages(t *testing.T) {
	type Answer struct { // of this package
		Admission qjump.Admission
	}
	var s struct {
		Defs map[string]struct {
			Description string
			Properties  map[string]struct {
				Description string
				Ref         string                  `json:"$ref"`
				AnyOf       []struct{ Type string } `json:"anyOf"`
			}
		} `json:"$defs"`
	}
	other := schema.Source{Package: "suspect/qjump", Text: qjump.AdmissionSource}
	if err := json.Unmarshal(schema.Of("An answer", &Answer{}, source, other), &s); err != nil {
		t.Fatal(err)
	}
	if got := s.Defs["Answer"].Properties["Admission"].Ref; got != "#/$defs/qjump.Admission" || len(s.Defs) != 2 {
		t.Errorf("it refers to %q in %v", got, s.Defs)
	}
	a := s.Defs["qjump.Admission"]
	if load := a.Properties["load"]; len(load.AnyOf) != 2 || load.AnyOf[0].Type != "number" || !strings.HasPrefix(load.Description, "Load is the sum over levels") || a.Description == "" {
		t.Errorf("%+v", a)
	}
}

func TestNoGo(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a source that is not Go is taken")
		}
	}()
	schema.Of("", &Point{}, "nothing")
}

func Example() {
	text := string(schema.Of("A point", &Point{}, source))
	for line := range strings.Lines(text) {
		if strings.Contains(line, "description") {
			fmt.Println(strings.TrimSpace(line))
		}
	}
	// Output:
	// "description": "X and Y are coordinates."
	// "description": "X and Y are coordinates."
	// "description": "is a height"
	// "description": "is a height"
	// "description": "Point is a document."
}

// Line is another document, with points.
type Line struct{ From, To Point }

// A schema of several documents has each of them, and what they share once.
func TestAnyOf(t *testing.T) {
	var s struct {
		Title string
		AnyOf []struct {
			Ref string `json:"$ref"`
		} `json:"anyOf"`
		Defs map[string]any `json:"$defs"`
	}
	text := schema.AnyOf("Shapes", schema.Of("", &Line{}, source), schema.Of("", &Point{}, source))
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(s.Title, s.AnyOf, len(s.Defs)), "Shapes[{#/$defs/Line} {#/$defs/Point}] 2"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("what is no schema is taken")
		}
	}()
	schema.AnyOf("", []byte("{}"))
}
