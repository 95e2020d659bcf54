package detectors

import (
	"testing"

	"suspect/model"
)

// Shortest paths, their number, and the share of them on which a link lies are those that an
// enumeration of all paths gives, on random maps with dead links.
func TestShortestPathsAgainstEnumeration(t *testing.T) {
	random := uint64(7)
	next := func(n int) int {
		random = random*6364136223846793005 + 1442695040888963407
		return int(random >> 33 % uint64(n))
	}
	shared := 0
	for trial := range 400 {
		hosts, switches := 2+next(3), 1+next(6)
		g := &model.Graph{Nodes: hosts + switches, Hosts: hosts}
		for h := range hosts {
			g.Links = append(g.Links, [2]model.ProcessID{model.ProcessID(h), model.ProcessID(hosts + next(switches))})
		}
		if next(2) == 0 { // a host at two switches, which forwards nothing
			g.Links = append(g.Links, [2]model.ProcessID{model.ProcessID(hosts - 1), model.ProcessID(hosts + next(switches))})
		}
		for range next(3 * switches) {
			if a, b := next(switches), next(switches); a != b {
				g.Links = append(g.Links, [2]model.ProcessID{model.ProcessID(hosts + a), model.ProcessID(hosts + b)})
			}
		}
		d := linkStateOn(t, g, nil)
		for l := range d.dead {
			d.dead[l] = next(6) == 0
		}
		d.shortest.search(d.ways, 0, d.dead)
		for k := range d.pairs {
			q := d.peers.id(k)
			all := shortestPaths(g, d.dead, 0, q)
			if d.shortest.reaches(q) != (len(all) > 0) || int(d.shortest.count[q]) != len(all) {
				t.Fatalf("trial %d: %d shortest paths from 0 to %d, want %d", trial, d.shortest.count[q], q, len(all))
			}
			if len(all) > 0 && int(d.shortest.distance[q]) != len(all[0]) {
				t.Fatalf("trial %d: distance %d from 0 to %d, want %d", trial, d.shortest.distance[q], q, len(all[0]))
			}
			for l, ends := range g.Links {
				on := 0
				for _, path := range all {
					for _, m := range path {
						if m == l {
							on++
						}
					}
				}
				if d.dead[l] {
					continue
				}
				d.begin.search(d.ways, ends[0], d.dead)
				d.end.search(d.ways, ends[1], d.dead)
				got := max(d.share(ends[0], &d.end, k), d.share(ends[1], &d.begin, k))
				if want := on * 1000 / max(1, len(all)); int(got) != want {
					t.Fatalf("trial %d: link %d is on %d of %d paths to %d, said is %d", trial, l, on, len(all), q, got)
				}
				if 0 < on && on < len(all) {
					shared++
				}
			}
		}
	}
	if shared == 0 {
		t.Error("no link was on some of several paths")
	}
}

// linkStateOn returns the detector of process 0 of all processes on a map.
func linkStateOn(t *testing.T, g *model.Graph, given map[string]string) *linkState {
	s, _ := Lookup("link-state")
	p, errs := model.NewParams(s.Params, given)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	env := Env{N: g.Hosts, Map: g}
	for q := 1; q < g.Hosts; q++ {
		env.Watch = append(env.Watch, model.ProcessID(q))
	}
	a, err := s.New(env, p)
	if err != nil {
		t.Fatal(err)
	}
	return a.(*linkState)
}

// shortestPaths enumerates all simple paths through switches, as links, and returns the
// shortest.
func shortestPaths(g *model.Graph, dead []bool, from, to model.ProcessID) (shortest [][]int) {
	visited := make([]bool, g.Nodes)
	var path []int
	var visit func(n model.ProcessID)
	visit = func(n model.ProcessID) {
		if n == to {
			if len(shortest) > 0 && len(path) < len(shortest[0]) {
				shortest = nil
			}
			if len(shortest) == 0 || len(path) == len(shortest[0]) {
				shortest = append(shortest, append([]int(nil), path...))
			}
			return
		}
		if n != from && int(n) < g.Hosts {
			return
		}
		visited[n] = true
		for l, ends := range g.Links {
			for k, a := range ends {
				if b := ends[1-k]; a == n && !dead[l] && !visited[b] {
					path = append(path, l)
					visit(b)
					path = path[:len(path)-1]
				}
			}
		}
		visited[n] = false
	}
	visit(from)
	return shortest
}

// What is said is what the table says: every state of the last hop, the paths, the switches
// and the news.
func TestLinkStateTable(t *testing.T) {
	// Hosts 0 and 1 at switches 2 and 3, which are joined by 4 and by 5: links 0 and 1 to the
	// hosts, 2 and 3 by way of 4, 4 and 5 by way of 5.
	g := &model.Graph{Nodes: 6, Hosts: 2, Links: [][2]model.ProcessID{{0, 2}, {1, 3}, {2, 4}, {4, 3}, {2, 5}, {5, 3}}}
	links := func(from model.ProcessID, alive bool, l ...int32) *model.Evidence {
		e := &model.Evidence{Kind: model.LinkState, From: from, About: model.Nobody, Alive: alive}
		for _, x := range l {
			e.Links = append(e.Links, model.LinkPlace(2*x))
		}
		return e
	}
	port := func(killed bool) *model.Evidence {
		return &model.Evidence{Kind: model.PortState, From: 3, About: 1, Killed: killed, Place: model.LinkPlace(3)}
	}
	packet := func(k model.EvidenceKind, cause model.DropCause) *model.Evidence {
		return &model.Evidence{Kind: k, From: 4, About: 1, Cause: cause, Place: model.NodePlace(4)}
	}
	queue := func(l int32, bytes int64) *model.Evidence {
		return &model.Evidence{Kind: model.QueueState, From: 2, About: 4, Place: model.LinkPlace(l), Value: bytes}
	}
	type said struct {
		kind      model.FailureKind
		certainty model.Certainty
		place     model.Place
	}
	for _, c := range []struct {
		name string
		news []*model.Evidence
		want []said
	}{
		{"nothing", nil, nil},
		{"port down", []*model.Evidence{port(false)}, []said{{model.HostCrash, 500, model.LinkPlace(2)}}},
		{"port disabled", []*model.Evidence{port(true)}, []said{{model.Partition, 500, model.LinkPlace(2)}}},
		{"port disabled, which an answer need not list", []*model.Evidence{port(true), {Kind: model.LinkState, From: 3, Seq: 1}},
			[]said{{model.Partition, 500, model.LinkPlace(2)}}},
		{"port down, of which word that it is up was lost", []*model.Evidence{port(false), {Kind: model.LinkState, From: 3, Seq: 1}}, nil},
		{"port up, and not used yet", []*model.Evidence{port(false), links(2, false, 1), {Kind: model.PortState, From: 3, About: 1, Alive: true, Place: model.LinkPlace(3)}},
			[]said{{model.RouteFailure, 1000, model.LinkPlace(2)}}},
		{"own port down", []*model.Evidence{links(2, false, 0)}, []said{{model.Partition, 1000, model.LinkPlace(0)}}},
		// Half of the paths there, and half of those back: 1-(1-1/2)^2.
		{"one way of two", []*model.Evidence{links(2, false, 2)}, []said{{model.RouteFailure, 750, model.LinkPlace(4)}}},
		{"both", []*model.Evidence{links(2, false, 2, 4)}, []said{{model.Partition, 500, model.LinkPlace(8)}}},
		{"one after the other, and one again", []*model.Evidence{links(2, false, 2), links(3, false, 5), links(2, true, 2)},
			[]said{{model.RouteFailure, 1000, model.LinkPlace(10)}}},
		{"no way, though there is one", []*model.Evidence{packet(model.Unreachable, 0)}, []said{{model.RouteFailure, 1000, model.NodePlace(4)}}},
		{"loop", []*model.Evidence{packet(model.TimeExceeded, 0)}, []said{{model.RouteFailure, 1000, model.NodePlace(4)}}},
		{"no way, and there is none", []*model.Evidence{links(2, false, 2, 4), packet(model.Unreachable, 0)}, []said{{model.Partition, 500, model.LinkPlace(8)}}},
		{"rule", []*model.Evidence{packet(model.Obituary, model.RuleDrop)}, []said{{model.PolicyViolation, 1000, model.NodePlace(4)}}},
		{"drop of a full queue", []*model.Evidence{packet(model.Obituary, model.BufferFull)}, []said{{model.Congestion, 1000, model.NodePlace(4)}}},
		{"mark", []*model.Evidence{packet(model.CongestionMark, 0)}, []said{{model.Congestion, 1000, model.NodePlace(4)}}},
		{"queue on one of two paths", []*model.Evidence{queue(4, 1000)}, []said{{model.Congestion, 500, model.LinkPlace(4)}}},
		{"queue on the way back", []*model.Evidence{queue(5, 1000)}, []said{{model.Congestion, 500, model.LinkPlace(5)}}},
		{"queue at the last hop", []*model.Evidence{queue(3, 1000)}, []said{{model.Congestion, 1000, model.LinkPlace(3)}}},
		{"short queue", []*model.Evidence{queue(4, 999)}, nil},
		{"what no switch says that was asked", []*model.Evidence{links(4, false, 2, 4)}, nil},
		{"no such link", []*model.Evidence{links(2, false, 6, -1), {Kind: model.PortState, From: 3}}, nil},
	} {
		d := linkStateOn(t, g, map[string]string{"queue": "1000"})
		var out model.Output
		d.Step(0, &model.Input{Kind: model.Start}, &out)
		for i, e := range c.news {
			d.Step(model.Time(i+1), &model.Input{Kind: model.Inform, Evidence: e}, &out)
		}
		var got []said
		for _, f := range d.Findings(1, model.Time(len(c.news)), nil) {
			got = append(got, said{f.Kind, f.Certainty, f.Place})
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
	}
}
