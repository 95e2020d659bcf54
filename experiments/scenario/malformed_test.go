package scenario

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/experiments/intime"
)

var update = flag.Bool("update", false, "write what the tests get as what they want")

// TestMalformed reads every file of testdata/malformed and compares the errors with
// the file's .want. To write them anew: go test ./experiments/scenario -update; then
// understand every difference before you commit it.
func TestMalformed(t *testing.T) {
	files, err := filepath.Glob("testdata/malformed/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 60 {
		t.Errorf("%d files; there should be 60 or more", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			var err error
			intime.Check(t, func() { _, err = Read(file, nil) })
			var list ErrorList
			if !errors.As(err, &list) {
				t.Fatalf("Read() = %v, want an ErrorList", err)
			}
			for _, e := range list {
				if e.Line < 1 || e.Column < 1 || e.Message == "" {
					t.Errorf("an error without a place or message: %+v", e)
				}
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".want", err.Error()+"\n")
		})
	}
}

// golden compares got with the file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
