//go:build seeded

package seeded

var present string

// Bug tells whether the bug of that name is there.
func Bug(name string) bool { return name == present }

// Put puts one bug in, in place of any other, or none if the name is empty.
func Put(name string) { present = name }
