package scenario

import (
	"strings"

	"suspect/model"
)

// The forms of values.
var (
	textForm         = &form{is: "text", schema: typed("string")}
	nameForm         = &form{is: "a name", schema: typed("string", "integer")}
	countForm        = &form{is: "a whole number", schema: typed("integer"), plain: true}
	seedForm         = &form{is: "a whole number from 0 to 18446744073709551615", schema: seedSchema}
	numberForm       = &form{is: "a decimal number, as 8 or 0.05", schema: typed("number"), plain: true}
	switchForm       = &form{is: "true or false", schema: typed("boolean"), plain: true}
	durationForm     = &form{is: "a duration, as 10ms", schema: timePattern(durationPattern)}
	distributionForm = &form{is: "a duration or distribution, as 10ms or exponential(10ms)", schema: timePattern(distributionPattern)}
	rateForm         = &form{is: "a rate, as 10Gbps", schema: pattern(number + unitPattern(rateUnits))}
	sizeForm         = &form{is: "a size, as 256KiB", schema: pattern(number + unitPattern(sizeUnits))}
	bufferForm       = &form{is: "a size, as 256KiB, a number of packets, as 100packets, or unlimited", schema: pattern("(" + number + "(" + unitNames(sizeUnits) + "|packets?)|" + unlimited + ")")}
	probabilityForm  = &form{is: "a probability, as 0.1% or 0.001", schema: probabilitySchema}
	shareForm        = &form{is: "a share, as 60% or 0.6", schema: probabilitySchema}
	priorityForm     = &form{is: "a priority from 0 to 7", schema: func() schema { return schema{"type": "integer", "minimum": 0, "maximum": model.Priorities - 1} }, plain: true}
	pairForm         = &form{is: "a pair of names, as [a, s]", schema: pairSchema}
	namesForm        = &form{is: "a list of names", schema: func() schema { return schema{"type": "array", "items": nameForm.schema()} }}
)

// mapping is the form of a mapping with the keys.
func mapping(keys []key) *form {
	return &form{is: "a mapping with the keys " + strings.Join(keyNames(keys), ", "), schema: func() schema { return mappingSchema(keys) }}
}

// choiceForm is one of a few words.
func choiceForm(words ...string) *form {
	return &form{is: oneOf(words), schema: func() schema { return schema{"enum": words} }}
}

// eitherForm is a value of one of two forms.
func eitherForm(is string, a, b *form) *form {
	return &form{is: is, schema: func() schema { return schema{"anyOf": []schema{a.schema(), b.schema()}} }, plain: a.plain}
}

// listForm is a list of what item describes.
func listForm(is string, item func() schema) *form {
	return &form{is: is, schema: func() schema { return schema{"type": "array", "items": item()} }}
}

// hostsForm is a word that stands for hosts, a host or a list of hosts.
func hostsForm(word string) *form {
	return &form{is: word + ", a host or a list of hosts", schema: func() schema {
		return schema{"anyOf": []schema{nameForm.schema(), namesForm.schema()}}
	}}
}

// paramForm is the form of a parameter of a detector, fault or property.
func paramForm(t model.ParamType) *form {
	switch t {
	case model.DurationParam:
		return durationForm
	case model.CountParam:
		return countForm
	case model.ProbabilityParam:
		return probabilityForm
	case model.SwitchParam:
		return switchForm
	case model.NumberParam:
		return numberForm
	}
	return paramTextForm
}

// paramTextForm is a name or the names of the two ends of a link.
var paramTextForm = &form{is: "a name", schema: func() schema {
	return schema{"anyOf": []schema{nameForm.schema(), namesForm.schema()}}
}}

// linkSeparator joins the names of a link's ends in the text of a parameter.
const linkSeparator = "--"

// withParams returns the keys and those of the parameters.
func withParams(own []key, decl []model.Param) []key {
	keys := own[:len(own):len(own)]
	for _, d := range decl {
		doc := d.Doc
		if d.Default != "" {
			doc += " (default " + d.Default + ")"
		}
		keys = append(keys, key{d.Name, paramForm(d.Type), d.Default == "" && !d.Optional && d.Type != model.TextParam, doc})
	}
	return keys
}
