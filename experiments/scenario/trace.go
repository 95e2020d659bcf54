package scenario

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"suspect/experiments/replay"
	"suspect/network"
	"suspect/sim"
)

// noTrace stands for a link that replays nothing where others do.
const noTrace = "none"

// trace reads what a link replays; without the key it is def.
func (r *reader) trace(sec *section, def network.Replay) network.Replay {
	n := sec.get("trace")
	if n == nil {
		return def
	}
	if n.kind != mappingNode {
		name := value(sec, "trace", "", parseText)
		if !sec.good("trace") || name == noTrace {
			return network.Replay{}
		}
		return r.replay(sec, "trace", name)
	}
	t := r.section(sec.name+".trace", n, traceKeys)
	name := value(t, "file", "", parseText)
	offset := value(t, "offset", sim.Distribution{}, parseDistribution)
	excess := value(t, "excess", false, parseSwitch)
	overtake := value(t, "overtake", false, parseSwitch)
	sum := strings.ToLower(value(t, "sha256", "", parseText))
	if !t.good("file") {
		sec.failed["trace"] = true
		return network.Replay{}
	}
	c := r.replay(t, "file", name)
	if c.Recording == nil {
		sec.failed["trace"] = true
		return network.Replay{}
	}
	if t.has("sha256") && t.good("sha256") && sum != c.Sum {
		t.fail("sha256", "the file has the sum %s: it is not the one that was meant", c.Sum)
	}
	c.Offset, c.Excess = offset, excess
	if t.has("overtake") {
		c.Overtake = overtake
	}
	return c
}

// replay reads the trace that a key names, once for all links.
func (r *reader) replay(sec *section, key, name string) network.Replay {
	recording, known := r.recordings[name]
	if !known {
		recording = r.readTrace(sec, key, name)
		if r.recordings == nil {
			r.recordings = make(map[string]*network.Recording)
		}
		r.recordings[name] = recording
	}
	if recording == nil {
		sec.failed[key] = true // and told already
		return network.Replay{}
	}
	return network.Replay{Recording: recording, Overtake: recording.Overtaken()}
}

func (r *reader) readTrace(sec *section, key, name string) *network.Recording {
	path, ok := r.beside(sec, key, name)
	if !ok {
		return nil
	}
	recording, err := replay.Named(path).Recording()
	var list replay.ErrorList
	switch {
	case errors.As(err, &list):
		for _, e := range list {
			r.tell(&Error{e.Path, int(e.Line), e.Column, e.Message, e.Text})
		}
		return nil
	case err != nil:
		sec.fail(key, "%v", err)
		return nil
	}
	recording.Name = filepath.ToSlash(filepath.Clean(filepath.FromSlash(name)))
	return recording
}

// beside returns the path of a file that a scenario names relative to its own.
func (r *reader) beside(sec *section, key, name string) (path string, ok bool) {
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) {
		sec.fail(key, "%q leads out of the directory of the scenario (give a path below it)", name)
		return "", false
	}
	return filepath.Join(filepath.Dir(r.path), local), true
}

// parseSwitch reads a truth value.
func parseSwitch(s string) (bool, error) {
	switch s {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", s)
}

// trace writes what a link replays: nothing, if no link does so unless it is listed.
func (w *writer) trace(c network.Replay) {
	if c.Recording == nil {
		if w.traced {
			w.line("trace: %s", noTrace)
		}
		return
	}
	w.open("trace")
	w.text("file", c.Name)
	w.text("sha256", c.Sum)
	w.line("offset: %v", c.Offset)
	w.line("excess: %v", c.Excess)
	w.line("overtake: %v", c.Overtake)
	w.shut()
}
