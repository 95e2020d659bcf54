// Package experiments is the part of the module that people use: scenarios, runs,
// reports, comparisons with theory, and the command line, each a package below this
// one. Data flows one way: package scenario reads a file into a plan, package run
// turns the plan into records and folds those into results, package report writes
// results down, and package command is the command line over all of it. It is also
// the only part that knows files, wall-clock time and more than one core.
//
// This directory itself holds nothing but the tests that keep the module's
// packages apart.
package experiments
