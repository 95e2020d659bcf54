// Package reproduce holds the experiments that put a published number, or a closed
// form, beside the one that this program measures or computes.
//
// Each experiment is one file, which registers it under its name with its source, its
// parameters and the function that runs it. What it returns is a [Document]: tables,
// figures, checks and notes. A check has the published or expected value beside
// the measured one and says whether the two agree. Where they must not be expected
// to agree it is marked as not comparable, with the reason, and decides nothing.
//
// The results depend on the parameters and the seed, not on the number of workers.
package reproduce
