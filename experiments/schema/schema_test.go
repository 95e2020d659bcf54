package schema_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"suspect/experiments/schema"
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
