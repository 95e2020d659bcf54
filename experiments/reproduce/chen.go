package reproduce

import "suspect/experiments/oracle"

func init() {
	Register(Spec{
		Name: "chen",
		Doc:  "The quality of service of NFD-S on lossy links against its closed form.",
		Source: `Chen, Toueg, Aguilera, "On the quality of service of failure detectors", ` +
			"IEEE Transactions on Computers 51(5), May 2002: the analysis of NFD-S",
		Params: comparisonParams,
		Run:    comparison(oracle.Chen),
	})
}
