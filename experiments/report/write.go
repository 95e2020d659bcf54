package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"suspect/experiments/run"
)

// File is one file of a report.
type File struct {
	Name string
	Data []byte
}

// ErrExists is returned (wrapped) where a report would overwrite something.
var ErrExists = errors.New("is already there and is left as it is")

// Check tells, before a run, whether its report can be written to directory dir: that
// must not exist, be empty, or hold an earlier report of the scenario with the given
// hash, with which [Write] is going to compare the new one. Where Write will make
// directories, Check tries to, and takes them away again.
func Check(dir, scenarioHash string) error {
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return probe(dir)
	}
	if err != nil {
		return fmt.Errorf("report directory: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("report directory %s: a file of this name %w", dir, ErrExists)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("report directory: %w", err)
	}
	if len(entries) == 0 {
		here, err := os.Stat(".")
		if err == nil && os.SameFile(info, here) {
			return fmt.Errorf("report directory %s: the current directory %w", dir, ErrExists)
		}
		return probe(dir)
	}
	text, err := os.ReadFile(filepath.Join(dir, ProvenanceFile))
	if err != nil {
		return fmt.Errorf("report directory %s: a directory that is not empty %w", dir, ErrExists)
	}
	var old run.Provenance
	if err := json.Unmarshal(text, &old); err != nil || old.ScenarioHash != scenarioHash {
		return fmt.Errorf("report directory %s: a report of another scenario or seed %w", dir, ErrExists)
	}
	return nil
}

// probe makes a temporary directory for dir, and removes it.
func probe(dir string) error {
	temporary, _, removeParents, err := makeTemporary(dir)
	if err != nil {
		return err
	}
	err = os.Remove(temporary)
	removeParents()
	return err
}

// makeTemporary makes an empty directory, which is to be renamed to dir, beside it.
// Full is dir's absolute path; removeParents removes the directories above it that
// were made for it, as far as they are empty.
func makeTemporary(dir string) (temporary, full string, removeParents func(), err error) {
	full, err = filepath.Abs(dir)
	if err != nil {
		return "", "", nil, fmt.Errorf("report directory: %w", err)
	}
	parent := filepath.Dir(full)
	var missing []string // the deepest first
	for p := parent; ; p = filepath.Dir(p) {
		if _, err := os.Lstat(p); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		missing = append(missing, p)
	}
	removeParents = func() {
		for _, p := range missing {
			syscall.Rmdir(p) // which leaves what is not empty
		}
	}
	err = os.MkdirAll(parent, 0o777)
	if err == nil {
		temporary, err = os.MkdirTemp(parent, "."+filepath.Base(full)+".*.tmp")
	}
	if err != nil {
		removeParents()
		return "", "", nil, fmt.Errorf("report directory: %w", err)
	}
	return temporary, full, removeParents, nil
}

// Write makes directory dir, and those above it, with the given files: all of them
// or, on an error, nothing. The files are complete on the disk before dir gets its
// name; until then they are in a hidden directory beside it, .NAME.*.tmp, which a
// process that is killed leaves. Where dir holds a report whose files are the same but for [MachineFile],
// Write leaves it and returns same; a different one is an error that wraps [ErrExists].
func Write(dir string, files []File) (same bool, err error) {
	if _, err := os.Lstat(filepath.Join(dir, ProvenanceFile)); err == nil {
		if name, ok := compare(dir, files); !ok {
			return false, fmt.Errorf("report directory %s: another report, which differs in %s, %w", dir, name, ErrExists)
		}
		return true, nil
	}
	temporary, full, removeParents, err := makeTemporary(dir)
	if err != nil {
		return false, err
	}
	if err := fill(temporary, full, files); err != nil {
		err = errors.Join(fmt.Errorf("report directory %s was not written: %w", dir, err), os.RemoveAll(temporary))
		removeParents()
		return false, err
	}
	// What remains is that the name outlives a power cut.
	if err := syncDirectory(filepath.Dir(full)); err != nil {
		return false, fmt.Errorf("report directory %s is complete, but the directory above it: %w", dir, err)
	}
	return false, nil
}

// fill writes the files to the temporary directory and gives it its name.
func fill(temporary, name string, files []File) error {
	for _, f := range files {
		if err := writeFile(filepath.Join(temporary, f.Name), f.Data); err != nil {
			return err
		}
	}
	if err := os.Chmod(temporary, 0o755); err != nil {
		return err
	}
	if err := syncDirectory(temporary); err != nil {
		return err
	}
	// An empty directory gives way; anything else stays.
	if err := syscall.Rmdir(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("what is there %w (%w)", ErrExists, err)
	}
	return os.Rename(temporary, name)
}

func writeFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// compare tells whether dir holds the given files, and otherwise which of them is
// the first that differs.
func compare(dir string, files []File) (name string, same bool) {
	for _, f := range files {
		if f.Name == MachineFile {
			continue
		}
		old, err := os.ReadFile(filepath.Join(dir, f.Name))
		if err != nil || string(old) != string(f.Data) {
			return f.Name, false
		}
	}
	return "", true
}
