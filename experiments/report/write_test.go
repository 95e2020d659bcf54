package report

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var some = []File{
	{"report.md", []byte("a page\n")},
	{ProvenanceFile, []byte(`{"scenario_hash": "abc"}`)},
	{MachineFile, []byte("{}\n")},
}

// tree returns every file and directory below dir, files with their contents.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		b.WriteString(path[len(dir):])
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b.WriteString(": " + string(data))
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWrite(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "new", "report")
	if err := Check(dir, "abc"); err != nil {
		t.Fatal(err)
	}
	if same, err := Write(dir, some); same || err != nil {
		t.Fatal(same, err)
	}
	for _, f := range some {
		if data, err := os.ReadFile(filepath.Join(dir, f.Name)); err != nil || string(data) != string(f.Data) {
			t.Errorf("%s: %q, %v", f.Name, data, err)
		}
	}
	if list, _ := os.ReadDir(filepath.Dir(dir)); len(list) != 1 {
		t.Errorf("something was left beside the report: %v", list)
	}

	// The same again, made on another machine.
	again := []File{some[0], some[1], {MachineFile, []byte("other\n")}}
	before := tree(t, top)
	if err := Check(dir, "abc"); err != nil {
		t.Error(err)
	}
	if same, err := Write(dir, again); !same || err != nil {
		t.Error(same, err)
	}
	if tree(t, top) != before {
		t.Error("a report that was there was changed")
	}
}

// What is in the way is refused, before the run and when it is written, and stays.
func TestInTheWay(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(dir string) error
		early   bool // Check sees it
		want    string
	}{
		{"file", func(dir string) error { return os.WriteFile(dir, []byte("mine"), 0o666) }, true, "a file of this name is already there"},
		{"directory", func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o777), os.WriteFile(filepath.Join(dir, "mine"), nil, 0o666))
		}, true, "not empty is already there"},
		{"link", func(dir string) error { return os.Symlink("elsewhere", dir) }, true, "is already there"},
		{"another scenario", func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o777), os.WriteFile(filepath.Join(dir, ProvenanceFile), []byte(`{"scenario_hash": "xyz"}`), 0o666))
		}, true, "another scenario or seed is already there"},
		{"other results", func(dir string) error {
			_, err := Write(dir, []File{{"report.md", []byte("other")}, some[1]})
			return err
		}, false, "differs in report.md, is already there"},
	} {
		top := t.TempDir()
		dir := filepath.Join(top, "report")
		if err := c.prepare(dir); err != nil {
			t.Fatal(err)
		}
		before := tree(t, top)
		err := Check(dir, "abc")
		if !c.early {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			_, err = Write(dir, some)
		} else if _, late := Write(dir, some); !errors.Is(late, ErrExists) {
			t.Errorf("%s: Write said %v", c.name, late)
		}
		if !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if after := tree(t, top); after != before {
			t.Errorf("%s: something changed:\n%s\nwas\n%s", c.name, after, before)
		}
	}
}

func TestEmptyDirectoryGivesWay(t *testing.T) {
	dir := t.TempDir()
	if err := Check(dir, "abc"); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(dir, some); err != nil {
		t.Fatal(err)
	}
	if list, _ := os.ReadDir(dir); len(list) != len(some) {
		t.Errorf("%v", list)
	}
	t.Chdir(t.TempDir())
	if err := Check(".", "abc"); !errors.Is(err, ErrExists) {
		t.Errorf("the current directory: %v", err)
	}
}

// Directories above a report are made by Write only, and what cannot be made is told
// before. Neither leaves any of them behind.
func TestUnwritable(t *testing.T) {
	top := t.TempDir()
	file := filepath.Join(top, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	before := tree(t, top)
	if err := Check(filepath.Join(top, "a", "b", "report"), "abc"); err != nil {
		t.Error(err)
	}
	long := strings.Repeat("x", 250) // a name, but too long for that of the temporary directory
	for _, dir := range []string{
		filepath.Join(file, "report"), filepath.Join(file, "a", "report"), "/proc/self/report", "/proc/self/a/report",
		filepath.Join(top, "a", long), filepath.Join(top, "a", "b", strings.Repeat("y", 300), "report"),
	} {
		if err := Check(dir, "abc"); err == nil || !strings.Contains(err.Error(), "report directory") {
			t.Errorf("Check %s: %v", dir, err)
		}
		if _, err := Write(dir, some); err == nil || !strings.Contains(err.Error(), "report directory") {
			t.Errorf("Write %s: %v", dir, err)
		}
	}
	if _, err := Write(filepath.Join(top, "a", "report"), []File{{"no/such/place", nil}}); err == nil {
		t.Error("a file was written nowhere")
	}
	if after := tree(t, top); after != before {
		t.Errorf("something was left:\n%s\nwas\n%s", after, before)
	}
	if os.Getuid() == 0 {
		t.Log("as root, permissions are not tested")
		return
	}
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o555); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(filepath.Join(closed, "report"), some); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("without permission: %v", err)
	}
}

// On a disk that fills up while the report is written, nothing of it stays.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv("REPORT_TEST_FULL"); dir != "" {
		big := append([]File{{"big", make([]byte, 1<<20)}}, some...)
		_, err := Write(filepath.Join(dir, "report"), big)
		t.Log(err, "\ntree:", tree(t, dir))
		if err == nil || !strings.Contains(err.Error(), "no space left") || tree(t, dir) != "" {
			t.Error("a full disk was not told, or something was left")
		}
		return
	}
	dir := t.TempDir()
	script := `mount -t tmpfs -o size=64k none "$1" || exit 42; exec "$2" -test.run '^TestFullDisk$' -test.v`
	c := exec.Command("unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", dir, os.Args[0])
	c.Env = append(os.Environ(), "REPORT_TEST_FULL="+dir)
	out, err := c.CombinedOutput()
	var status *exec.ExitError
	switch {
	case err == nil:
	case errors.As(err, &status) && status.ExitCode() == 1 && strings.Contains(string(out), "--- FAIL"):
		t.Errorf("%s", out)
	default:
		t.Skipf("no small disk can be mounted here: %v %s", err, out)
	}
}
