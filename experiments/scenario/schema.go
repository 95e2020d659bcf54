package scenario

import (
	"encoding/json"
	"strings"

	"suspect/detectors"
	"suspect/network"
	"suspect/properties"
)

// schema is a JSON Schema; its keys are sorted when it is written.
type schema map[string]any

// Schema returns the JSON Schema (draft 2020-12) of scenario files, for editors.
// It is made from the tables that the reader works by, and from the detectors,
// faults and properties that are registered.
func Schema() []byte {
	s := mappingSchema(scenarioKeys)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Scenario of suspect"
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // strings, numbers, lists and maps of them
	}
	return append(text, '\n')
}

// mappingSchema is the schema of a mapping with the keys and no other.
func mappingSchema(keys []key) schema {
	fields := schema{}
	required := []string{}
	for _, k := range keys {
		field := schema{"description": k.doc}
		for name, v := range k.form.schema() {
			field[name] = v
		}
		fields[k.name] = field
		if k.required {
			required = append(required, k.name)
		}
	}
	s := schema{"type": "object", "properties": fields, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func typed(types ...string) func() schema {
	return func() schema {
		if len(types) == 1 {
			return schema{"type": types[0]}
		}
		return schema{"type": types}
	}
}

func pattern(p string) func() schema {
	return func() schema { return schema{"type": "string", "pattern": "^" + p + "$"} }
}

// timePattern is pattern for durations, of which zero needs no unit.
func timePattern(p string) func() schema {
	return func() schema { return schema{"anyOf": []schema{pattern(p)(), {"const": 0}}} }
}

const (
	number              = `\+?[0-9]*\.?[0-9]+ *`
	durationPattern     = `(` + number + `(h|min|s|ms|us|µs|μs|ns|ps))`
	distributionPattern = `(` + durationPattern + `|(uniform|exponential|normal|lognormal)\(.*\))`
)

func unitNames(units []unit) string {
	names := make([]string, len(units))
	for i, u := range units {
		names[i] = u.name
	}
	return strings.Join(names, "|")
}

func unitPattern(units []unit) string { return "(" + unitNames(units) + ")" }

// seedSchema accepts text too: JSON readers take numbers beyond 2^53 inexactly.
func seedSchema() schema {
	return schema{"anyOf": []schema{
		{"type": "integer", "minimum": 0},
		{"type": "string", "pattern": "^[0-9]+$"},
	}}
}

func probabilitySchema() schema {
	return schema{"anyOf": []schema{
		{"type": "number", "minimum": 0},
		{"type": "string", "pattern": "^[0-9.]+ *%?$"},
	}}
}

func pairSchema() schema {
	return schema{"type": "array", "items": nameForm.schema(), "minItems": 2, "maxItems": 2}
}

// used is the schema of one thing that is chosen by the key use.
func used(name, doc string, keys []key) schema {
	s := mappingSchema(keys)
	use := s["properties"].(schema)["use"].(schema)
	delete(use, "enum")
	delete(use, "type")
	use["const"] = name
	if doc != "" {
		s["description"] = doc
	}
	return s
}

func detectorSchema() schema {
	var all []schema
	for _, d := range detectors.All() {
		all = append(all, used(d.Name, d.Doc, withParams(detectorKeys, d.Params)))
	}
	return oneSchema(all)
}

func faultSchema() schema {
	var all []schema
	for _, f := range network.AllFaults() {
		all = append(all, used(f.Name, f.Doc, withParams(faultKeys, f.Params)))
	}
	return oneSchema(all)
}

func generatorSchema() schema {
	var all []schema
	for _, g := range network.AllGenerators() {
		all = append(all, used(g.Name, g.Doc, withParams(generatorKeys, g.Params)))
	}
	return oneSchema(all)
}

func propertySchema() schema {
	var all []schema
	for _, p := range properties.All() {
		all = append(all, used(p.Name, p.Doc, withParams(keysOfProperty(p), p.Params)))
	}
	return oneSchema(all)
}

func trafficSchema() schema {
	var all []schema
	for i, k := range trafficKinds {
		all = append(all, used(k.kind.String(), "", keysOfTraffic(i)))
	}
	return oneSchema(all)
}

// oneSchema is exactly one of several.
func oneSchema(all []schema) schema { return schema{"oneOf": all} }
