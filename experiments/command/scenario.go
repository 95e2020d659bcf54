package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"suspect/experiments/scenario"
	"suspect/experiments/scenarios"
)

// scenarioFlags are the flags of the verbs that read a scenario.
type scenarioFlags struct {
	set  []string
	seed uint64
}

func (f *scenarioFlags) declare(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.set, "set", nil, "replace a value of the scenario, as 'detectors[0].timeout=50ms' (repeatable)")
	c.Flags().Uint64Var(&f.seed, "seed", 0, "seed of all randomness, instead of the scenario's")
}

// read reads the scenario with the flags' changes. A path that names no file may be
// the name of a scenario that comes with suspect (and a directory is no file).
func (f *scenarioFlags) read(c *cobra.Command, path string) (*scenario.Scenario, error) {
	set := f.set
	if c.Flags().Changed("seed") {
		set = append(set[:len(set):len(set)], fmt.Sprintf("seed=%d", f.seed))
	}
	read := scenario.Read
	if _, shipped := scenarios.Text(path); shipped {
		if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
			read = readShipped
		}
	}
	s, err := read(path, set)
	if err == nil {
		return s, nil
	}
	var list scenario.ErrorList
	switch {
	case errors.As(err, &list):
		n := "1 error"
		if len(list) != 1 {
			n = fmt.Sprintf("%d errors", len(list))
		}
		err = fmt.Errorf("%s is no scenario that can be run: %s\n%w", path, n, err)
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("%w%s (suspect list scenarios shows those that need no file, suspect init writes one)", err, meant(path, scenarios.Names()))
	}
	return nil, &exit{ExitBadInput, err}
}

// readShipped reads a scenario that comes with suspect, from a copy on disk since it
// may refer to files beside it.
func readShipped(name string, set []string) (*scenario.Scenario, error) {
	dir, err := os.MkdirTemp("", "suspect-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, scenarios.FS); err != nil {
		return nil, err
	}
	s, err := scenario.Read(filepath.Join(dir, name+".yaml"), set)
	if err != nil {
		var list scenario.ErrorList
		if errors.As(err, &list) {
			for _, e := range list {
				e.File = strings.TrimPrefix(e.File, dir+string(filepath.Separator))
			}
		}
		return nil, err
	}
	s.Path = name
	return s, nil
}
