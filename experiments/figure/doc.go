// Package figure draws the figures of reports: lines, steps and points against linear
// or logarithmic axes with units, with intervals and reference lines, as SVG with the
// same bytes on every run and machine.
//
// Colours are those of Okabe and Ito ("Color universal design", 2008), which people
// with any common colour vision can tell apart; each series has its own dash pattern
// too, for print in black and white. A drawing that is no chart is made with [Paint].
package figure
