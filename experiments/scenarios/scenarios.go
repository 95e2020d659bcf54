// Package scenarios has the scenarios that come with suspect. Each is also a
// template to start one's own from.
package scenarios

import (
	"embed"
	"path"
	"strings"
)

// FS has the scenario files.
//
//go:embed *.yaml *.dot
var FS embed.FS

// Names returns the names of the scenarios, without ".yaml", in order.
func Names() []string {
	files, err := FS.ReadDir(".")
	if err != nil {
		panic(err) // it is embedded
	}
	var names []string
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".yaml"); ok {
			names = append(names, name)
		}
	}
	return names
}

// Text returns the text of the scenario with the name.
func Text(name string) ([]byte, bool) {
	text, err := FS.ReadFile(path.Clean(name + ".yaml"))
	return text, err == nil
}
